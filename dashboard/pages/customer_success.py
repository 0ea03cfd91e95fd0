"""Customer success: what to do today, who is well, and whether the warnings are worth a call."""

from __future__ import annotations

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
    Tile,
    Tiles,
    table,
)
from dashboard.pages.customer_success_lists import loyalty, win_back
from dashboard.pages.customer_success_proof import experiments, proof
from dashboard.pages.shared import MONTHS_SHOWN, TEXT_WIDTH, values, words
from dashboard.released import Released, Row

QUEUE = "customer_success.fct_action_queue"
HEALTH = "customer_success.fct_health_scores"
CUSTOMERS = "core.dim_customers"

#: Rows of the queue on the page, the first by what they save; more no browser opens in 5 seconds.
QUEUE_SHOWN = 100_000
QUEUE_COLUMNS = (
    Column("queue_position", "No.", "count"),
    Column("customer_id", "Customer", "customer"),
    Column("account_name", "Name"),
    Column("trigger_key", "Trigger"),
    Column("evidence", "Why"),
    Column("template", "What to do"),
    Column("channel", "By"),
    Column("owner", "Owner"),
    Column("due_date", "Due", "date"),
    Column("is_overdue", "Overdue", "flag"),
    Column("mrr_at_stake", "MRR at stake", "money"),
    Column("mrr_at_risk", "MRR at risk", "money"),
)
TRIGGERS_SHOWN = 15
MOVERS_SHOWN = 15
#: Points of the score in one bar of the distribution.
BIN = 5
COLOURS = (
    Series("red", "red", "loss-2"),
    Series("amber", "amber", "amber"),
    Series("green", "green", "gain-1"),
)


def customer_success(released: Released) -> Page:
    """The page of customer success managers."""
    return Page(
        "customer-success",
        "Customer success",
        "What to do next and for whom, how healthy customers are, and whether the warnings have "
        "foreseen who left.",
        (
            Section(
                "queue",
                "Action queue",
                _queue(released),
                "Every open step of a playbook, the one that saves most first: MRR at stake × "
                "the share of such alerts that churned.",
            ),
            Section("health", "Health", _health(released)),
            Section(
                "proof",
                "Do the warnings foresee churn?",
                proof(released),
                "Every trigger and score is replayed at past month ends and compared with who "
                "churned in the 90 days after.",
            ),
            Section("experiments", "Experiments", experiments(released)),
            Section("win-back", "Win-back", win_back(released)),
            Section("loyalty", "Loyalty", loyalty(released)),
        ),
    )


def _queue(released: Released) -> tuple[Block, ...]:
    rows = released.rows(
        f"select {', '.join(column.name for column in QUEUE_COLUMNS)}"
        f" from {QUEUE} where state = 'open' order by queue_position limit ?",
        [QUEUE_SHOWN],
    )
    if not rows:
        return (Empty("Nothing is to be done", "No step of a playbook is open."),)
    for row in rows:
        for name in ("trigger_key", "template", "channel"):
            row[name] = words(row[name])
    (total,) = released.rows(
        "select count(*) as actions, count(*) filter (where is_overdue) as overdue,"
        " count(distinct account_id) as accounts"
        f" from {QUEUE} where state = 'open'"
    )
    (stake,) = released.rows(
        "select sum(mrr) as mrr from (select max(mrr_at_stake) as mrr"
        f" from {QUEUE} where state = 'open' group by account_id)"
    )
    currency = released.edition.currency
    whole, cents = numbers.money(stake["mrr"]).split(".")
    overdue = numbers.share(numbers.fraction(total["overdue"], total["actions"]), 0)
    said = f"As of {numbers.day(released.edition.as_of)}"
    tiles = Tiles(
        (
            Tile("Open actions", numbers.count(total["actions"]), period=said, source=QUEUE),
            Tile(
                "Overdue",
                numbers.count(total["overdue"]),
                period=said,
                changes=(f"{overdue} of what is open",),
                source=QUEUE,
            ),
            Tile("Accounts", numbers.count(total["accounts"]), period=said, source=QUEUE),
            Tile(
                "MRR at stake",
                whole,
                f".{cents} {currency}",
                said,
                ("Each account once, whatever happens to it",),
                source=QUEUE,
            ),
        )
    )
    return (tiles, _triggers(released), _queue_listing(rows, total["actions"], released))


def _triggers(released: Released) -> Chart:
    currency = released.edition.currency
    # Each firing once: its steps share what is at risk.
    rows = released.rows(
        "select trigger_key, direction, count(*) as firings, sum(steps) as actions,"
        " sum(mrr_at_risk) as mrr_at_risk from (select trigger_key, direction, count(*) as steps,"
        f" max(mrr_at_risk) as mrr_at_risk from {QUEUE} where state = 'open'"
        " group by trigger_key, direction, trigger_event_id)"
        " group by trigger_key, direction order by mrr_at_risk desc nulls last, trigger_key"
    )
    for row in rows:
        row["name"] = words(row["trigger_key"])
        row["shade"] = charts.var("loss-2" if row["direction"] == "risk" else "gain-1")
        row["text"] = f"{numbers.whole(row['mrr_at_risk'])}  ({row['firings']})"
        row["label"] = (
            f"{row['name']}: {numbers.money(row['mrr_at_risk'])} {currency} at risk, "
            f"{row['firings']} firings, {row['actions']} open actions"
        )
    first = rows[0]
    columns = [
        Column("trigger_key", "Trigger"),
        Column("direction", "Direction"),
        Column("firings", "Firings", "count"),
        Column("actions", "Open actions", "count"),
        Column("mrr_at_risk", "MRR at risk", "money"),
    ]
    left = len(rows) - TRIGGERS_SHOWN
    return Chart(
        "by-trigger",
        f"{first['name'].capitalize()} has the most MRR at risk: "
        f"{numbers.money(first['mrr_at_risk'])} {currency} in {first['firings']} firings",
        f"{currency}, MRR at stake × share of such alerts that churned; behind the bars also the "
        "number of firings",
        QUEUE,
        charts.across(
            rows[:TRIGGERS_SHOWN], "name", "mrr_at_risk", "label", colours="shade", text="text"
        ),
        table(columns, values(rows, columns)),
        (Swatch("loss-2", "Risk"), Swatch("gain-1", "Opportunity")),
        (
            "An account for which several triggers have fired is in each of their bars.",
            f"{left} more triggers are in the table." if left > 0 else "",
        ),
        min_width=TEXT_WIDTH,
    )


def _queue_listing(rows: list[Row], total: int, released: Released) -> Listing:
    cut = total - len(rows)
    return Listing(
        "actions",
        f"{numbers.count(total)} open actions, the one that saves most first",
        released.edition.currency,
        QUEUE,
        table(QUEUE_COLUMNS, values(rows, QUEUE_COLUMNS)),
        (
            f"The first {numbers.count(len(rows))} are here; {numbers.count(cut)} that save less "
            "are in the mart."
            if cut
            else "",
        ),
        filters=("owner", "trigger_key", "channel", "is_overdue"),
    )


def _health(released: Released) -> tuple[Block, ...]:
    rows = released.rows(
        "select h.customer_id, c.name, c.current_mrr, h.score, h.colour, h.coverage,"
        " h.score_change_30d, h.reason_1, h.reason_2, h.reason_3"
        f" from {HEALTH} as h left join {CUSTOMERS} as c on c.customer_id = h.customer_id"
        " where h.is_latest and h.score is not null order by h.score, h.customer_id"
    )
    if not rows:
        return (Empty("No health scores", "No customer that pays has signals yet."),)
    return (_distribution(rows), _course(released), *_movers(rows, released))


def _distribution(rows: list[Row]) -> Chart:
    counts: dict[tuple[int, str], int] = {}
    for row in rows:
        # A score of 100 belongs to the last bar.
        place = min(int(row["score"] // BIN), 100 // BIN - 1)
        counts[place, row["colour"]] = counts.get((place, row["colour"]), 0) + 1
    drawn = [
        {
            "bin": f"{place * BIN}",
            "class": f"{place * BIN} to {(place + 1) * BIN}",
            "series": one.name,
            "value": counts.get((place, one.name), 0),
            "label": f"{place * BIN} to {(place + 1) * BIN}, {one.name}: "
            f"{numbers.count(counts.get((place, one.name), 0))} customers",
        }
        for place in range(100 // BIN)
        for one in COLOURS
        # Classes without customers keep their place on the axis.
        if counts.get((place, one.name)) or one is COLOURS[0]
    ]
    red = sum(row["colour"] == "red" for row in rows)
    columns = [
        Column("class", "Score"),
        Column("series", "Colour"),
        Column("value", "Customers", "count"),
    ]
    share = numbers.share(numbers.fraction(red, len(rows)))
    return Chart(
        "distribution",
        f"{numbers.count(red)} of {numbers.count(len(rows))} customers are red ({share})",
        "customers by health score, 0 to 100",
        HEALTH,
        charts.stacked_months(
            drawn, COLOURS, "label", axis="d", x="bin", x_title="Score, from this value on"
        ),
        table(columns, values(drawn, columns)),
        tuple(Swatch(one.colour, one.text) for one in COLOURS),
        is_wide=False,
    )


def _course(released: Released) -> Chart:
    rows = released.rows(
        "select as_of_date, date_trunc('month', as_of_date) as month, colour as series,"
        " count(*) as value, as_of_date = last_day(as_of_date) as is_complete"
        f" from {HEALTH} where colour is not null"
        f" and as_of_date > (select max(as_of_date) - to_months(?) from {HEALTH})"
        " group by all order by as_of_date, colour",
        [MONTHS_SHOWN],
    )
    for row in rows:
        row["label"] = (
            f"{numbers.day(row['as_of_date'])}, {row['series']}: "
            f"{numbers.count(row['value'])} customers"
        )
    columns = [
        Column("as_of_date", "As of", "date"),
        Column("series", "Colour"),
        Column("value", "Customers", "count"),
    ]
    first, last = rows[0]["as_of_date"], rows[-1]["as_of_date"]

    def red(day: object) -> str:
        of_day = [row for row in rows if row["as_of_date"] == day]
        found = sum(row["value"] for row in of_day if row["series"] == "red")
        return numbers.share(numbers.fraction(found, sum(row["value"] for row in of_day)))

    return Chart(
        "health-by-month",
        f"{red(last)} of customers are red, {red(first)} were in {numbers.month(first)}",
        "customers by colour at each month end",
        HEALTH,
        charts.stacked_months(rows, COLOURS, "label", axis="d"),
        table(columns, values(rows, columns)),
        tuple(Swatch(one.colour, one.text) for one in COLOURS),
        ("Days before the first run are replayed with what was known on them.",),
        is_wide=False,
    )


def _movers(rows: list[Row], released: Released) -> tuple[Block, ...]:
    moved = [row for row in rows if row["score_change_30d"]]
    columns = [
        Column("customer_id", "Customer", "customer"),
        Column("name", "Name"),
        Column("current_mrr", "MRR", "money"),
        Column("score", "Score", "points"),
        Column("score_change_30d", "In 30 days", "points"),
        Column("colour", "Colour"),
        Column("reasons", "What costs most"),
    ]
    tones = (("colour", (("red", "bad"), ("amber", "fair"), ("green", "good"))),)
    blocks: list[Block] = []
    for key, title, sign in (("fell", "fell", 1), ("rose", "rose", -1)):
        some = [row for row in moved if (row["score_change_30d"] < 0) == (sign > 0)]
        some.sort(key=lambda row: (sign * row["score_change_30d"], row["customer_id"]))
        if not some:
            blocks.append(Empty(f"No score {title}", "No score has in the last 30 days."))
            continue
        for row in some:
            known = (row[f"reason_{place}"] for place in (1, 2, 3))
            row["reasons"] = ", ".join(words(reason) for reason in known if reason)
        count = min(len(some), MOVERS_SHOWN)
        blocks.append(
            Listing(
                key,
                f"{numbers.count(len(some))} scores {title} in 30 days; the {count} that {title} "
                "most",
                f"points of 0 to 100; {released.edition.currency}",
                HEALTH,
                table(columns, values(some[:count], columns)),
                tones=tones,
            )
        )
    return tuple(blocks)
