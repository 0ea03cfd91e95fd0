"""Customer success: who might come back, and who has stayed long."""

from __future__ import annotations

from dashboard import charts, numbers
from dashboard.charts import Series
from dashboard.model import Block, Chart, Column, Empty, Listing, Swatch, table
from dashboard.pages.shared import MONTHS_SHOWN, interval, values, words
from dashboard.released import Released, Row

RETURNS = "customer_success.fct_winback_by_month"
LOST = "customer_success.fct_winback_candidates"
LOYAL = "customer_success.fct_loyalty_candidates"
ADVOCATES = "customer_success.fct_advocacy_candidates"

#: Rows of a list on the page; the csv file and the mart of a longer one have more.
LISTED = 1_000
TIERS = ("five_years", "three_years", "two_years", "one_year")
ACTIVITIES = (
    Series("daily", "daily", "gain-1"),
    Series("regular", "regular", "gain-2"),
    Series("occasional", "occasional", "gain-3"),
    Series("dormant", "dormant", "loss-1"),
)


def win_back(released: Released) -> tuple[Block, ...]:
    """Who came back, and whom to ask."""
    blocks: list[Block] = []
    if released.has(RETURNS):
        blocks += _returns(released)
    if released.has(LOST):
        blocks.append(_lost(released))
    return tuple(blocks) or (Empty("No win-back", "The release has no mart of it."),)


def _returns(released: Released) -> list[Block]:
    rows = released.rows(
        f"select * from {RETURNS} where policy_id = ? and is_complete order by month desc limit ?",
        [released.policy_id, MONTHS_SHOWN],
    )[::-1]
    mature = [row for row in rows if row["is_mature"] and row["return_rate"] is not None]
    if not rows:
        return [Empty("Nobody to win back", "No month is complete yet.")]
    return [*_rates(mature), _regained(rows, released)]


def _rates(mature: list[Row]) -> list[Block]:
    if not mature:
        return [Empty("No return rate yet", "No churn is long enough ago.")]
    for row in mature:
        row["series"] = "return_rate"
        row["label"] = (
            f"Lost in {numbers.month(row['month'])}: {numbers.exact_share(row['return_rate'])} "
            f"came back, {row['returned_in_time']} of {row['churns']} (95 % interval "
            f"{interval(row['return_rate_low'], row['return_rate_high'], 4)})"
        )
    churns = sum(row["churns"] for row in mature)
    returned = sum(row["returned_in_time"] for row in mature)
    small = sum(row["is_small_sample"] for row in mature)
    columns = [
        Column("month", "Lost in", "month"),
        Column("churns", "Churns", "count"),
        Column("returned_in_time", "Came back in time", "count"),
        Column("return_rate", "Rate", "share"),
        Column("return_rate_low", "from", "share"),
        Column("return_rate_high", "to", "share"),
        Column("is_small_sample", "Small sample", "flag"),
    ]
    series = (Series("return_rate", "Share that came back, with 95 % band", "series-1"),)
    return [
        Chart(
            "return-rate",
            f"{numbers.share(numbers.fraction(returned, churns))} of those who left came back: "
            f"{numbers.count(returned)} of {numbers.count(churns)}",
            "share of the month's churns that came back in time, band: 95 % interval",
            RETURNS,
            charts.lines(
                [
                    {
                        **row,
                        "value": row["return_rate"],
                        "low": row["return_rate_low"],
                        "high": row["return_rate_high"],
                    }
                    for row in mature
                ],
                series,
                "label",
                low="low",
                high="high",
                domain=(0.0, 1.0),
            ),
            table(columns, values(mature, columns)),
            tuple(Swatch(one.colour, one.text, is_line=True) for one in series),
            (
                "Only months whose churns are long enough ago for all to have come back in time.",
                f"{small} of {len(mature)} months have under 30 churns." if small else "",
            ),
            is_wide=False,
        )
    ]


def _regained(rows: list[Row], released: Released) -> Chart:
    currency = released.edition.currency
    series = (
        Series("mrr_regained_in_month", "MRR that came back", "gain-1"),
        Series("lost", "MRR lost", "loss-2"),
    )
    drawn = []
    for row in rows:
        parts = ((series[0], row["mrr_regained_in_month"]), (series[1], -row["mrr_lost"]))
        for one, value in parts:
            drawn.append(
                {
                    "month": row["month"],
                    "series": one.name,
                    "value": value,
                    "is_complete": row["is_complete"],
                    "label": f"{numbers.month(row['month'])}: {one.text} "
                    f"{numbers.money(abs(value))} {currency}",
                }
            )
    columns = [
        Column("month", "Month", "month"),
        Column("churns", "Churns", "count"),
        Column("mrr_lost", "MRR lost", "money"),
        Column("returns_in_month", "Returns", "count"),
        Column("mrr_regained_in_month", "MRR that came back", "money"),
    ]
    last = rows[-1]
    return Chart(
        "regained",
        f"{numbers.money(last['mrr_regained_in_month'])} {currency} of MRR came back in "
        f"{numbers.month(last['month'])}, {numbers.money(last['mrr_lost'])} left",
        f"{currency} of MRR",
        RETURNS,
        charts.stacked_months(drawn, series, "label"),
        table(columns, values(rows, columns)),
        tuple(Swatch(one.colour, one.text) for one in series),
        is_wide=False,
    )


def _lost(released: Released) -> Block:
    rows = released.rows(
        f"select * from {LOST} where policy_id = ? order by is_reason_mended desc, mrr_lost desc,"
        " customer_id, churn_event_id limit ?",
        [released.policy_id, LISTED],
    )
    if not rows:
        return Empty("Nobody to win back", "No lost customer is on the list.")
    (total,) = released.rows(
        f"select count(*) as count, sum(mrr_lost) as mrr_lost from {LOST} where policy_id = ?",
        [released.policy_id],
    )
    for row in rows:
        row["reason"] = words(row["reason"])
    columns = [
        Column("customer_id", "Customer", "customer"),
        Column("account_name", "Name"),
        Column("churn_date", "Left", "date"),
        Column("reason", "Reason"),
        Column("is_reason_mended", "Mended since", "flag"),
        Column("mrr_lost", "MRR lost", "money"),
        Column("owner_id", "Owner"),
        Column("suggested_approach", "Approach"),
    ]
    currency = released.edition.currency
    return Listing(
        "win-back-listed",
        f"{numbers.count(total['count'])} lost customers to win back: "
        f"{numbers.money(total['mrr_lost'])} {currency} of MRR",
        currency,
        LOST,
        table(columns, values(rows, columns)),
        (_cut(len(rows), total["count"]),),
        filters=("reason", "is_reason_mended", "owner_id"),
    )


def _cut(shown: int, total: int) -> str:
    if shown == total:
        return ""
    return f"The first {numbers.count(shown)} are here; the mart has all {numbers.count(total)}."


def loyalty(released: Released) -> tuple[Block, ...]:
    """Who has stayed, and who would speak for us."""
    blocks: list[Block] = []
    if released.has(LOYAL):
        blocks += _loyal(released)
    if released.has(ADVOCATES):
        blocks.append(_advocates(released))
    return tuple(blocks) or (Empty("No loyalty", "The release has no mart of it."),)


def _loyal(released: Released) -> list[Block]:
    counted = released.rows(
        "select tenure_tier, activity_tier as series, count(*) as value,"
        f" sum(current_mrr) as mrr from {LOYAL} where policy_id = ? group by all",
        [released.policy_id],
    )
    if not counted:
        return [Empty("Nobody has been here for a year", "Tiers begin with the first year.")]
    currency = released.edition.currency
    # Tiers are rows of a seed, which a company edits.
    named = {one.name for one in ACTIVITIES}
    more = sorted({row["series"] for row in counted} - named)
    series = (*ACTIVITIES, *(Series(name, words(name), "neutral") for name in more))
    known = [one.name for one in series]
    tiers = [*TIERS, *sorted({row["tenure_tier"] for row in counted} - set(TIERS))]
    counted.sort(key=lambda row: (-tiers.index(row["tenure_tier"]), known.index(row["series"])))
    for row in counted:
        row["tier"] = words(row["tenure_tier"])
        row["label"] = (
            f"{row['tier']}, {row['series']}: {numbers.count(row['value'])} customers, "
            f"{numbers.money(row['mrr'])} {currency} of MRR"
        )
    columns = [
        Column("tier", "With us for"),
        Column("series", "Active"),
        Column("value", "Customers", "count"),
        Column("mrr", "MRR", "money"),
    ]
    total = sum(row["value"] for row in counted)
    dormant = sum(row["value"] for row in counted if row["series"] == "dormant")
    chart = Chart(
        "tiers",
        f"{numbers.count(total)} customers have been here for a year or more; "
        f"{numbers.count(dormant)} of them are dormant",
        "customers by tier of tenure, coloured by activity in the last 28 days",
        LOYAL,
        charts.stacked_months(counted, series, "label", axis="d", x="tier"),
        table(columns, values(counted, columns)),
        tuple(Swatch(one.colour, one.text) for one in series),
    )
    rows = released.rows(
        f"select * from {LOYAL} where policy_id = ? order by tenure_days desc, customer_id limit ?",
        [released.policy_id, LISTED],
    )
    for row in rows:
        for name in ("tenure_tier", "activity_tier"):
            row[name] = words(row[name])
    listed = [
        Column("customer_id", "Customer", "customer"),
        Column("account_name", "Name"),
        Column("paying_since_date", "Pays since", "date"),
        Column("tenure_tier", "With us for"),
        Column("is_over_three_years", "Over 3 years", "flag"),
        Column("activity_tier", "Active"),
        Column("current_mrr", "MRR", "money"),
        Column("owner_id", "Owner"),
        Column("tenure_reward", "Reward"),
    ]
    listing = Listing(
        "loyal",
        f"{numbers.count(total)} loyal customers, the longest first",
        currency,
        LOYAL,
        table(listed, values(rows, listed)),
        (_cut(len(rows), total),),
        filters=("tenure_tier", "activity_tier", "is_over_three_years", "owner_id"),
    )
    return [chart, listing]


def _advocates(released: Released) -> Block:
    rows = released.rows(
        f"select * from {ADVOCATES} where policy_id = ? order by current_mrr desc, customer_id,"
        " kind limit ?",
        [released.policy_id, LISTED],
    )
    if not rows:
        return Empty("No advocates", "No customer meets a rule of the list.")
    (total,) = released.rows(
        f"select count(*) as count from {ADVOCATES} where policy_id = ?", [released.policy_id]
    )
    for row in rows:
        row["kind"] = words(row["kind"])
    columns = [
        Column("customer_id", "Customer", "customer"),
        Column("account_name", "Name"),
        Column("kind", "For"),
        Column("why_listed", "Why"),
        Column("suggested_approach", "Approach"),
        Column("current_mrr", "MRR", "money"),
        Column("owner_id", "Owner"),
    ]
    return Listing(
        "advocates",
        f"{numbers.count(total['count'])} times a customer would speak for us",
        released.edition.currency,
        ADVOCATES,
        table(columns, values(rows, columns)),
        (_cut(len(rows), total["count"]),),
    )
