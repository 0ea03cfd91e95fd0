"""Overview: where the company stands, against its targets and others, and what changed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from dashboard import charts, numbers
from dashboard.charts import Series
from dashboard.model import (
    Block,
    Chart,
    Column,
    Empty,
    Page,
    Section,
    Swatch,
    Tile,
    Tiles,
    table,
)
from dashboard.pages.overview_goals import STATUS_TONES, TARGETS, changes_section, goals_section
from dashboard.pages.shared import MONTHS_SHOWN, interval, running_note, values
from dashboard.released import Released, Row

MRR = "revenue.fct_mrr_by_month"
RETENTION = "retention.fct_retention_by_period"
LTV_CAC = "unit_economics.fct_ltv_cac_by_channel"
#: CAC as it is usually quoted: everything that is spent to win customers.
LOADING = "sales"


def overview(released: Released) -> Page:
    """The first page."""
    month = released.last_month()
    sections = [] if month is None else [_standing(released, month), _course(released, month)]
    if not sections:
        why = (
            "No month is complete under the official policy yet. Figures come with the first "
            "complete month."
        )
        empty = Empty("There are no figures to show", why)
        sections = [Section("standing", "Where we stand", (empty,))]
    sections += [goals_section(released), changes_section(released)]
    return Page(
        "overview",
        "Overview",
        "Recurring revenue, who stays, and what a customer is worth: the last complete month, "
        "against targets and benchmarks.",
        tuple(sections),
    )


def _standing(released: Released, month: date) -> Section:
    figures = released.rows(
        f"select * from {MRR} where policy_id = ? and segment_type = 'all' and month <= ?"
        " order by month desc limit 13",
        [released.policy_id, month],
    )
    now = figures[0]
    before = figures[1] if len(figures) > 1 else None
    year_ago = figures[12] if len(figures) > 12 else None
    currency = released.edition.currency
    said = numbers.month(month)
    targets = _monthly_targets(released, month)

    def trend(name: str) -> tuple[Decimal | None, ...]:
        return tuple(row[name] for row in figures[::-1])

    tiles = [
        _money_tile(
            "MRR",
            now["closing_mrr"],
            currency,
            said,
            _against(now, before, year_ago),
            trend=trend("closing_mrr"),
        ),
        _money_tile("ARR", now["arr"], currency, f"12 × MRR of {said}", (), trend=trend("arr")),
        _money_tile(
            "Net new MRR",
            now["net_new_mrr"],
            currency,
            said,
            ()
            if before is None
            else (
                f"{numbers.month(before['month'])}: "
                f"{numbers.money(before['net_new_mrr'], sign=True)}",
            ),
            sign=True,
            trend=trend("net_new_mrr"),
        ),
        Tile(
            "Customers",
            numbers.count(now["closing_customers"]),
            period=f"End of {said}",
            changes=(
                f"{numbers.count(now['new_customers'])} new, "
                f"{numbers.count(now['reactivated_customers'])} back, "
                f"{numbers.count(now['churned_customers'])} lost",
            ),
            source=MRR,
            trend=trend("closing_customers"),
        ),
        *_rate_tiles(released, month, targets),
        _ltv_cac_tile(released),
    ]
    return Section(
        "standing",
        f"Where we stand: {said}",
        (Tiles(tuple(tiles)),),
        "A month is valued at the end of its last day; rates are of the customers and the MRR at "
        "its start. Small lines: the months of the last year, each on a scale of its own.",
    )


def _money_tile(
    label: str,
    value: Decimal,
    currency: str,
    period: str,
    changes: tuple[str, ...],
    *,
    sign: bool = False,
    trend: tuple[Decimal | None, ...] = (),
) -> Tile:
    whole, cents = numbers.money(value, sign=sign).split(".")
    return Tile(label, whole, f".{cents} {currency}", period, changes, source=MRR, trend=trend)


def _against(now: Row, before: Row | None, year_ago: Row | None) -> tuple[str, ...]:
    lines = []
    for other in (before, year_ago):
        if other is not None and other["closing_mrr"]:
            change = now["closing_mrr"] - other["closing_mrr"]
            rate = numbers.share(change / other["closing_mrr"], sign=True)
            lines.append(
                f"{numbers.money(change, sign=True)} ({rate}) on {numbers.month(other['month'])}"
            )
    return tuple(lines)


def _rate_tiles(released: Released, month: date, targets: dict[str, Row]) -> list[Tile]:
    found = released.rows(
        f"select * from {RETENTION} where policy_id = ? and segment_type = 'all'"
        " and ((period_type = 'month' and period_start = ?)"
        "   or (period_type = 'year' and period_start = date_trunc('year', cast(? as date))))"
        " order by period_type",
        [released.policy_id, month, month],
    )
    by_type = {row["period_type"]: row for row in found}
    now, year = by_type.get("month"), by_type.get("year")
    year_back = released.rows(
        f"select * from {RETENTION} where policy_id = ? and segment_type = 'all'"
        " and period_type = 'month' and period_start <= ? order by period_start desc limit 13",
        [released.policy_id, month],
    )[::-1]
    names = (
        ("Net revenue retention", "net_revenue_retention"),
        ("Gross revenue retention", "gross_revenue_retention"),
        ("Logo churn", "logo_churn_rate"),
    )
    tiles = []
    for label, name in names:
        if now is None or now[name] is None:
            why = "Nobody paid at the start of the month"
            tiles.append(Tile(label, numbers.NOT_SAID, period=why, source=RETENTION))
            continue
        lines = [f"95 % interval {interval(now[f'{name}_low'], now[f'{name}_high'])}"]
        if year is not None and year[name] is not None:
            so_far = "" if year["is_complete"] else " so far"
            lines.append(f"{month.year}{so_far}: {numbers.share(year[name])}")
        if now["is_small_sample"]:
            lines.append(f"Small sample, customers at the start: {now['customers_start']}")
        status, tone = _status(targets.get(name))
        tiles.append(
            Tile(
                label,
                _of_hundred(now[name]),
                numbers.PERCENT,
                numbers.month(month),
                tuple(lines),
                status,
                tone,
                RETENTION,
                # Of a few customers a rate jumps: that is no course of anything.
                tuple(None if row["is_small_sample"] else row[name] for row in year_back),
            )
        )
    return tiles


def _of_hundred(rate: Any) -> str:
    return numbers.share(rate).removesuffix(numbers.PERCENT)


def _ltv_cac_tile(released: Released) -> Tile:
    label = "LTV:CAC"
    found = (
        released.rows(
            f"select * from {LTV_CAC} where policy_id = ? and is_blended and loading = ?"
            " and period_type = 'trailing_12_months' and is_complete"
            " order by period_start desc limit 1",
            [released.policy_id, LOADING],
        )
        if released.has(LTV_CAC)
        else []
    )
    if not found or found[0]["ltv_cac_ratio"] is None:
        why = found[0]["reason"].replace("_", " ") if found else "needs twelve complete months"
        return Tile(label, numbers.NOT_SAID, period=f"Cannot be said: {why}", source=LTV_CAC)
    row = found[0]
    currency = released.edition.currency
    lines = [
        f"LTV {numbers.money(row['ltv'])}, CAC {numbers.money(row['cac'])} {currency}",
        "CAC of media, tools, content and sales",
    ]
    if row["ltv_cac_ratio_low"] is not None and row["ltv_cac_ratio_high"] is not None:
        ends = (numbers.ratio(row[f"ltv_cac_ratio_{end}"], 1) for end in ("low", "high"))
        lines.insert(0, f"95 % interval {' to '.join(ends)}")
    tone = {"losing_money": "bad", "break_even": "bad", "below_target": "fair"}.get(
        row["band"], "good"
    )
    if row["band"] == "under_investing":
        tone = "fair"
    return Tile(
        label,
        numbers.ratio(row["ltv_cac_ratio"], 1),
        " : 1",
        f"12 months from {numbers.month(row['period_start'])}",
        tuple(lines),
        (row["verdict"] or "").rstrip("."),
        tone,
        LTV_CAC,
    )


def _monthly_targets(released: Released, month: date) -> dict[str, Row]:
    if not released.has(TARGETS):
        return {}
    found = released.rows(
        f"select * from {TARGETS} where period_type = 'month' and period_start = ?"
        " and segment_type = 'all'",
        [month],
    )
    return {row["metric"]: row for row in found}


def _status(row: Row | None) -> tuple[str, str]:
    if row is None or row["target"] is None:
        return "", ""
    word = row["status"].replace("_", " ")
    side = "at least" if row["better"] == "higher" else "at most"
    return (
        f"{word.capitalize()}: {side} {numbers.share(row['target'])}",
        STATUS_TONES.get(word, ""),
    )


def _course(released: Released, month: date) -> Section:
    blocks: list[Block] = [mrr_chart(released), revenue_retention_chart(released, month)]
    blocks.append(logo_churn_chart(released, month))
    return Section("course", "How it has come to this", tuple(blocks))


def mrr_chart(released: Released) -> Chart:
    """Closing MRR by month, the running one pale."""
    rows = released.rows(
        f"select month, closing_mrr, closing_customers, arpa, is_complete from {MRR}"
        " where policy_id = ? and segment_type = 'all' order by month desc limit ?",
        [released.policy_id, MONTHS_SHOWN],
    )[::-1]
    currency = released.edition.currency
    for row in rows:
        row["label"] = (
            f"{numbers.month(row['month'])}: closing MRR {numbers.money(row['closing_mrr'])} "
            f"{currency}{'' if row['is_complete'] else ', running month'}"
        )
    complete = [row for row in rows if row["is_complete"]]
    first, last = complete[0], complete[-1]
    return Chart(
        "mrr",
        f"MRR went from {numbers.money(first['closing_mrr'])} in {numbers.month(first['month'])} "
        f"to {numbers.money(last['closing_mrr'])} {currency} in {numbers.month(last['month'])}",
        f"{currency} per month",
        MRR,
        charts.month_bars(rows, "closing_mrr", "label"),
        table(
            [
                Column("month", "Month", "month"),
                Column("closing_mrr", "Closing MRR", "money"),
                Column("closing_customers", "Customers", "count"),
                Column("arpa", "MRR per customer", "money"),
                Column("is_complete", "Complete", "flag"),
            ],
            [list(row.values())[:5] for row in rows],
        ),
        notes=(running_note(rows, released),),
    )


def revenue_retention_chart(released: Released, month: date) -> Block:
    """Net and gross revenue retention of each month."""
    names = (
        Series("net_revenue_retention", "Net revenue retention", "series-1"),
        Series("gross_revenue_retention", "Gross revenue retention", "series-2"),
    )
    return _rates(
        released,
        month,
        "revenue-retention",
        "revenue retention",
        names,
        lambda now: (
            f"Of each 100 {released.edition.currency} at the start of {numbers.month(month)}, "
            f"{_of_hundred(now['gross_revenue_retention'])} were kept, and "
            f"{_of_hundred(now['net_revenue_retention'])} with what customers "
            "bought on top"
        ),
    )


def logo_churn_chart(released: Released, month: date) -> Block:
    """Logo churn of each month."""
    return _rates(
        released,
        month,
        "logo-churn",
        "logo churn",
        (Series("logo_churn_rate", "Logo churn", "series-3"),),
        lambda now: (
            f"{numbers.count(now['customers_lost'])} of {numbers.count(now['customers_start'])} "
            f"customers left in {numbers.month(month)}: {numbers.share(now['logo_churn_rate'])}"
        ),
    )


def _rates(
    released: Released,
    month: date,
    key: str,
    what: str,
    series: tuple[Series, ...],
    title: Any,
) -> Block:
    """Rates of complete months with at least 30 customers at the start, with their intervals."""
    rows = released.rows(
        f"select * from {RETENTION} where policy_id = ? and segment_type = 'all'"
        " and period_type = 'month' and is_complete order by period_start desc limit ?",
        [released.policy_id, MONTHS_SHOWN],
    )[::-1]
    shown = [row for row in rows if not row["is_small_sample"]]
    if not shown:
        why = "No complete month began with 30 customers: a rate of fewer says little."
        return Empty(f"No {what} to draw yet", why)
    points = []
    for row in shown:
        for one in series:
            value = row[one.name]
            if value is None:
                continue
            low, high = row[f"{one.name}_low"], row[f"{one.name}_high"]
            label = (
                f"{numbers.month(row['period_start'])}: {one.text.lower()} "
                f"{numbers.exact_share(value)} (95 % interval {interval(low, high, 4)})"
            )
            points.append(
                {
                    "month": row["period_start"],
                    "series": one.name,
                    "value": value,
                    "low": low,
                    "high": high,
                    "label": label,
                }
            )
    targets = _monthly_targets(released, month)
    rules = []
    legend = [Swatch(one.colour, one.text, is_line=True) for one in series]
    for one in series:
        goal = targets.get(one.name, {}).get("target")
        if goal is not None:
            words = f"Target of {one.text.lower()}: {numbers.share(goal)}"
            rules.append((float(goal), words, one.colour))
            legend.append(Swatch(one.colour, words, is_line=True, is_dashed=True))
    bounds = [point[end] for point in points for end in ("low", "high", "value")]
    domain = charts.padded([*bounds, *(rule[0] for rule in rules)], 0.05)
    left_out = len(rows) - len(shown)
    now = next((row for row in rows if row["period_start"] == month), shown[-1])
    columns = [
        Column("period_start", "Month", "month"),
        Column("customers_start", "Customers at start", "count"),
        Column("customers_lost", "Customers lost", "count"),
    ]
    for one in series:
        columns += [
            Column(one.name, one.text, "share"),
            Column(f"{one.name}_low", "from", "share"),
            Column(f"{one.name}_high", "to", "share"),
        ]
    return Chart(
        key,
        title(now),
        "share of the start of the month, band: 95 % interval",
        RETENTION,
        charts.lines(points, series, "label", low="low", high="high", domain=domain, rules=rules),
        table(columns, values(rows, columns)),
        tuple(legend),
        (
            charts.axis_note(domain, numbers.share(Decimal(str(domain[0])), 0)),
            f"{left_out} months that began with under 30 customers are in the table alone."
            if left_out
            else "",
        ),
        is_wide=False,
    )
