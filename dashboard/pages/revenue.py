"""Revenue: what moved MRR, under which policy, and whether it ties to what was invoiced."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dashboard import charts, numbers
from dashboard.charts import Series
from dashboard.model import (
    Block,
    Chart,
    Column,
    Empty,
    Listing,
    Page,
    Section,
    Swatch,
    table,
)
from dashboard.pages.revenue_books import ahead_section, books_section, ties_section
from dashboard.pages.shared import (
    MONTHS_SHOWN,
    TEXT_WIDTH,
    broken,
    broken_note,
    running_note,
    steps,
    values,
    words,
)
from dashboard.released import Released, Row

MRR = "revenue.fct_mrr_by_month"
BY_CUSTOMER = "revenue.fct_mrr_by_customer_month"
BRIDGE = "revenue.fct_mrr_policy_bridge"
RETENTION = "retention.fct_retention_by_period"

MOVEMENTS = (
    Series("new_mrr", "New", "gain-1"),
    Series("reactivation_mrr", "Reactivation", "gain-2"),
    Series("expansion_mrr", "Expansion", "gain-3"),
    Series("contraction_mrr", "Contraction", "loss-1"),
    Series("churn_mrr", "Churn", "loss-2"),
    Series("fx_mrr", "Exchange rates", "neutral"),
)
PARTS = [
    Column("opening_mrr", "Opening", "money"),
    *(Column(one.name, one.text, "money") for one in MOVEMENTS),
    Column("closing_mrr", "Closing", "money"),
]


def revenue(released: Released) -> Page:
    """The page of finance."""
    month = released.last_month()
    if month is None:
        why = "No month is complete under the official policy yet."
        sections: tuple[Section, ...] = (
            Section("moved", "What moved MRR", (Empty("There are no figures to show", why),)),
        )
    else:
        sections = (
            _moved(released, month),
            _policies(released, month),
            ties_section(released, month),
            ahead_section(released),
            books_section(released),
            _customers(released, month),
        )
    return Page(
        "revenue",
        "Revenue",
        "What moved MRR, what other definitions of it would say, and whether it ties to what was "
        "invoiced and paid.",
        sections,
    )


def _moved(released: Released, month: date) -> Section:
    rows = released.rows(
        f"select * from {MRR} where policy_id = ? and segment_type = 'all'"
        " order by month desc limit ?",
        [released.policy_id, MONTHS_SHOWN],
    )[::-1]
    complete = [row for row in rows if row["month"] <= month]
    blocks: list[Block] = [
        _waterfall(released, complete[-1:], "waterfall-month"),
        *([_waterfall(released, complete[-12:], "waterfall-year")] if len(complete) > 1 else []),
        _by_month(released, rows),
        *(_by_segment(released, month, one) for one in ("plan", "segment")),
    ]
    return Section(
        "moved",
        "What moved MRR",
        tuple(blocks),
        "Opening, new, reactivation, expansion, contraction, churn and exchange rates sum to the "
        "closing, to the cent, for every customer, month and segment.",
    )


def _waterfall(released: Released, rows: list[Row], key: str) -> Chart:
    currency = released.edition.currency
    opening, closing = rows[0]["opening_mrr"], rows[-1]["closing_mrr"]
    sums = [(one, sum((row[one.name] for row in rows), Decimal(0))) for one in MOVEMENTS]
    drawn = steps(
        ("Opening", opening),
        [(one.text, value, one.colour) for one, value in sums],
        ("Closing", closing),
        currency,
    )
    domain = broken(drawn)
    when = numbers.month(rows[-1]["month"])
    if len(rows) > 1:
        when = f"the {len(rows)} months from {numbers.month(rows[0]['month'])} to {when}"
    verb = "rose" if closing >= opening else "fell"
    change = f"MRR {verb} by {numbers.money(abs(closing - opening))}"
    gap = opening + sum((value for _, value in sums), Decimal(0)) - closing
    columns = [Column("step", "Step"), Column("mrr", "MRR", "money")]
    cells = [("Opening", opening), *((one.text, value) for one, value in sums)]
    return Chart(
        key,
        f"{change} {currency} in {when}",
        currency,
        MRR,
        charts.waterfall(drawn, "label", domain=domain),
        table(columns, [*cells, ("Closing", closing)]),
        notes=(
            broken_note(domain, currency),
            f"The steps sum to the closing; what is left over is {numbers.money(gap)}.",
        ),
        min_width=560,
        is_wide=False,
    )


def _by_month(released: Released, rows: list[Row]) -> Chart:
    currency = released.edition.currency
    net = Series("net_new_mrr", "Net new MRR", "ink")
    drawn = [
        {
            "month": row["month"],
            "series": one.name,
            "value": row[one.name],
            "is_complete": row["is_complete"],
            "label": f"{numbers.month(row['month'])}: {one.text.lower()} "
            f"{numbers.money(row[one.name], sign=True)} {currency}",
        }
        for row in rows
        for one in (*MOVEMENTS, net)
    ]
    lost = sum((row["churn_mrr"] + row["contraction_mrr"] for row in rows), Decimal(0))
    won = sum(
        (row["new_mrr"] + row["expansion_mrr"] + row["reactivation_mrr"] for row in rows),
        Decimal(0),
    )
    return Chart(
        "movements",
        f"Movements by month: {numbers.money(won, sign=True)} {currency} won and "
        f"{numbers.money(lost)} lost in {len(rows)} months",
        f"{currency} per month",
        MRR,
        charts.stacked_months(drawn, MOVEMENTS, "label", line=net),
        table(
            [
                Column("month", "Month", "month"),
                *PARTS,
                Column("net_new_mrr", "Net new", "money"),
                Column("is_complete", "Complete", "flag"),
            ],
            [
                [
                    row["month"],
                    *(row[column.name] for column in PARTS),
                    row["net_new_mrr"],
                    row["is_complete"],
                ]
                for row in rows
            ],
        ),
        (
            *(Swatch(one.colour, one.text) for one in MOVEMENTS),
            Swatch(net.colour, net.text, is_line=True),
        ),
        (running_note(rows, released),),
    )


def _by_segment(released: Released, month: date, kind: str) -> Block:
    rows = released.rows(
        f"select * from {MRR} where policy_id = ? and segment_type = ? and month = ?"
        " and (closing_mrr <> 0 or opening_mrr <> 0) order by closing_mrr desc, segment_value",
        [released.policy_id, kind, month],
    )
    currency = released.edition.currency
    if not rows:
        return Empty(f"MRR by {kind}", f"No customer had MRR in {numbers.month(month)}.")
    total = sum((row["closing_mrr"] for row in rows), Decimal(0))
    for row in rows:
        part = numbers.share(row["closing_mrr"] / total) if total else numbers.NOT_SAID
        row["name"] = words(row["segment_value"])
        row["text"] = f"{numbers.whole(row['closing_mrr'])}  ({part})"
        row["label"] = (
            f"{row['name']}: closing MRR {numbers.money(row['closing_mrr'])} {currency}, {part}"
        )
    largest = rows[0]
    columns = [
        Column("segment_value", kind.capitalize()),
        *PARTS,
        Column("closing_customers", "Customers", "count"),
    ]
    return Chart(
        f"by-{kind}",
        f"MRR of {numbers.month(month)} by {kind}: {largest['name']} has the most, "
        f"{numbers.money(largest['closing_mrr'])} {currency}",
        currency,
        MRR,
        charts.across(
            rows,
            "name",
            "closing_mrr",
            "label",
            text="text",
        ),
        table(columns, values(rows, columns)),
        notes=("Customers are cut by what they are as of the as-of date.",),
        is_wide=False,
        min_width=TEXT_WIDTH,
    )


def _policies(released: Released, month: date) -> Section:
    rows = released.rows(
        f"select policies.name, policies.is_official, mrr.*, retention.net_revenue_retention,"
        " retention.gross_revenue_retention, retention.logo_churn_rate"
        f" from {MRR} as mrr join core.dim_metric_policies as policies using (policy_id)"
        f" left join {RETENTION} as retention on retention.policy_id = mrr.policy_id"
        " and retention.period_type = 'month' and retention.period_start = mrr.month"
        " and retention.segment_type = 'all'"
        " where mrr.segment_type = 'all' and mrr.month = ?"
        " order by policies.is_official desc, mrr.closing_mrr desc, mrr.policy_id",
        [month],
    )
    title = "The same customers under other policies"
    if len(rows) < 2:
        why = (
            "One policy is enabled. HOLDFAST_ENABLED_POLICIES computes others side by side, and "
            "the ladder between them says which switch makes which difference."
        )
        return Section("policies", title, (Empty("Nothing to set beside it", why),))
    currency = released.edition.currency
    for row in rows:
        row["label"] = f"{row['name']}: closing MRR {numbers.money(row['closing_mrr'])} {currency}"
        row["text"] = numbers.money(row["closing_mrr"])
        row["shade"] = charts.var("accent" if row["is_official"] else "neutral")
    highest = max(row["closing_mrr"] for row in rows)
    lowest = min(row["closing_mrr"] for row in rows)
    columns = [
        Column("name", "Policy"),
        Column("closing_mrr", "Closing MRR", "money"),
        Column("net_new_mrr", "Net new", "money"),
        Column("closing_customers", "Customers", "count"),
        Column("net_revenue_retention", "NRR", "share"),
        Column("gross_revenue_retention", "GRR", "share"),
        Column("logo_churn_rate", "Logo churn", "share"),
    ]
    side_by_side = Chart(
        "policies-mrr",
        f"{len(rows)} definitions of the MRR of {numbers.month(month)} differ by up to "
        f"{numbers.money(highest - lowest)} {currency}",
        currency,
        MRR,
        charts.across(
            rows,
            "name",
            "closing_mrr",
            "label",
            text="text",
            colours="shade",
        ),
        table(columns, values(rows, columns)),
        (Swatch("accent", "Official policy"), Swatch("neutral", "Others")),
        min_width=TEXT_WIDTH,
    )
    official = rows[0]
    ladders = [_ladder(released, month, official, row) for row in rows[1:] if released.has(BRIDGE)]
    return Section(
        "policies",
        title,
        (side_by_side, *ladders),
        "A policy is a row of switches. Changed one at a time, each switch's difference is its "
        "own: that is the ladder from one definition to the other.",
    )


def _ladder(released: Released, month: date, official: Row, other: Row) -> Block:
    found = released.rows(
        f"select step_no, switch, sum(difference) as difference,"
        f" count(*) filter (difference <> 0) as customers from {BRIDGE}"
        " where month = ? and from_policy_id = ? and to_policy_id = ?"
        " group by all order by step_no",
        [month, official["policy_id"], other["policy_id"]],
    )
    currency = released.edition.currency
    title = f"From {official['name']} to {other['name']}"
    if not found:
        return Empty(title, "No switch in which they differ moves the MRR of the month.")
    drawn = steps(
        (official["name"], official["closing_mrr"]),
        [
            (
                words(row["switch"]),
                row["difference"],
                "gain-1" if row["difference"] > 0 else "loss-2",
            )
            for row in found
        ],
        (other["name"], other["closing_mrr"]),
        currency,
    )
    domain = broken(drawn)
    total = sum((row["difference"] for row in found), Decimal(0))
    gap = official["closing_mrr"] + total - other["closing_mrr"]
    columns = [
        Column("step_no", "Step", "count"),
        Column("switch", "Switch"),
        Column("customers", "Customers", "count"),
        Column("difference", "Difference", "money"),
    ]
    return Chart(
        f"ladder-{other['policy_id']}".replace("_", "-"),
        f"{title}: {numbers.money(total, sign=True)} {currency}",
        currency,
        BRIDGE,
        charts.waterfall(drawn, "label", domain=domain),
        table(columns, values(found, columns)),
        notes=(
            broken_note(domain, currency),
            f"The steps sum to the difference; what is left over is {numbers.money(gap)}.",
        ),
        min_width=480,
        is_wide=False,
    )


def _customers(released: Released, month: date) -> Section:
    rows = released.rows(
        f"select mrr.customer_id, customers.name, {', '.join('mrr.' + c.name for c in PARTS)}"
        f" from {BY_CUSTOMER} as mrr left join core.dim_customers as customers using (customer_id)"
        " where mrr.policy_id = ? and mrr.month = ?"
        " order by abs(mrr.closing_mrr - mrr.opening_mrr) desc, mrr.closing_mrr desc, 1",
        [released.policy_id, month],
    )
    columns = [Column("customer_id", "Customer"), Column("name", "Name"), *PARTS]
    return Section(
        "customers",
        f"Every customer in {numbers.month(month)}",
        (
            Listing(
                "customers-mrr",
                f"MRR of {len(rows):,} customers, those that moved most first",
                released.edition.currency,
                BY_CUSTOMER,
                table(columns, values(rows, columns)),
            ),
        ),
    )
