"""Unit economics: what a customer costs, brings, and when it has paid for itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import median

from dashboard import charts, numbers
from dashboard.charts import Series
from dashboard.model import Block, Chart, Column, Empty, Listing, Page, Section, Swatch, table
from dashboard.pages.shared import (
    TEXT_WIDTH,
    broken,
    broken_note,
    running_note,
    steps,
    values,
    words,
)
from dashboard.released import Released, Row

FUNNEL = "unit_economics.fct_acquisition_funnel_by_month"
LTV_CAC = "unit_economics.fct_ltv_cac_by_channel"
PAYBACK = "unit_economics.fct_cac_payback_by_cohort"
LTV = "unit_economics.fct_ltv_by_segment"
BANDS = "seeds.ltv_cac_bands"
BALANCE = "unit_economics.fct_acquisition_retention_balance"

#: CAC as it is usually quoted: media, tools and content, sales.
LOADING = "sales"
LOADING_TEXTS = {
    "media": "Media",
    "tools_content": "Tools, content",
    "sales": "Sales",
    "customer_success": "Customer success",
}
BAND_COLOURS = {
    "losing_money": "loss-2",
    "break_even": "loss-1",
    "below_target": "loss-1",
    "target": "gain-1",
    "healthy": "gain-1",
    "under_investing": "gain-2",
}
#: Payback is drawn for so many cohorts, evenly from the first to the last that is old enough.
COHORTS_DRAWN = 6
OLD_ENOUGH = 3


def unit_economics(released: Released) -> Page:
    """The page of growth."""
    return Page(
        "unit-economics",
        "Unit economics",
        "What it costs to win a customer, what one brings in its life, and when it has paid for "
        "itself.",
        (
            Section(
                "funnel",
                "From lead to customer",
                _funnel(released),
                "Leads by the month in which they became aware, only months whose youngest lead "
                "is 90 days old: before that a lead has not failed to convert.",
            ),
            Section("cac", "What a customer costs", _cac(released)),
            Section("ltv-cac", "What it brings against what it costs", _ltv_cac(released)),
            Section("payback", "When it has paid for itself", (_payback(released),)),
            Section("balance", "Winning and keeping", _balance(released)),
        ),
    )


def _funnel(released: Released) -> tuple[Block, ...]:
    stages = (
        ("leads", "Aware"),
        ("considered", "Considered"),
        ("trials", "Tried"),
        ("converted", "Converted"),
    )
    sums = ", ".join(f"sum({name}) as {name}" for name, _ in stages)
    recent = (
        f"(select month from {FUNNEL} where breakdown = 'all' and is_mature"
        " order by month desc limit 12)"
    )
    row = released.rows(
        f"select {sums}, min(month) as first_month, max(month) as last_month from {FUNNEL}"
        f" where breakdown = 'all' and month in {recent}"
    )[0]
    if not row["leads"]:
        return (Empty("No funnel yet", "No month of leads is 90 days old."),)
    drawn = []
    for name, text in stages:
        of_leads = Decimal(row[name]) / Decimal(row["leads"])
        drawn.append(
            {
                "stage": text,
                "value": row[name],
                "text": f"{numbers.count(row[name])}  ({numbers.share(of_leads)})",
                "label": f"{text}: {numbers.count(row[name])} leads, "
                f"{numbers.exact_share(of_leads)} of all",
            }
        )
    when = f"{numbers.month(row['first_month'])} to {numbers.month(row['last_month'])}"
    chart = Chart(
        "stages",
        f"{numbers.count(row['converted'])} of {numbers.count(row['leads'])} leads of {when} "
        "became customers",
        "leads (share of all)",
        FUNNEL,
        charts.across(drawn, "stage", "value", "label", text="text", axis="d"),
        table(
            [Column("stage", "Stage"), Column("leads", "Leads", "count")],
            [(text, row[name]) for name, text in stages],
        ),
        notes=("Some convert without a trial: the last stage counts all that did.",),
        is_wide=False,
        min_width=TEXT_WIDTH,
    )
    by_channel = released.rows(
        f"select channel, {sums}, cast(sum(converted) as decimal(18, 6)) / nullif(sum(leads), 0)"
        f" as conversion_rate from {FUNNEL} where breakdown = 'channel' and month in {recent}"
        " group by channel order by converted desc, channel"
    )
    for row in by_channel:
        row["channel"] = words(row["channel"])
    columns = [
        Column("channel", "Channel"),
        *(Column(name, text, "count") for name, text in stages),
        Column("conversion_rate", "Converted of all", "share"),
    ]
    listing = Listing(
        "channels",
        f"By channel, {when}",
        "leads",
        FUNNEL,
        table(columns, values(by_channel, columns)),
        is_wide=False,
    )
    return (chart, listing)


def _last_year(released: Released) -> list[Row]:
    """Channels and loadings of the last twelve complete months."""
    return released.rows(
        f"select * from {LTV_CAC} where policy_id = ? and period_type = 'trailing_12_months'"
        " and is_complete qualify period_start = max(period_start) over ()"
        " order by is_blended desc, channel, loading_no",
        [released.policy_id],
    )


def _cac(released: Released) -> tuple[Block, ...]:
    rows = _last_year(released)
    blended = [row for row in rows if row["is_blended"] and row["cac"] is not None]
    if not blended:
        why = "CAC needs twelve complete months with spend and with customers won."
        return (Empty("No CAC yet", why),)
    currency = released.edition.currency
    since = f"12 months from {numbers.month(blended[0]['period_start'])}"
    first, last = blended[0], blended[-1]
    parts = [
        (LOADING_TEXTS[row["loading"]], row["cac"] - before["cac"], "gain-3")
        for before, row in pairwise(blended)
    ]
    drawn = steps(
        (LOADING_TEXTS[first["loading"]], first["cac"]),
        parts,
        ("Fully loaded", last["cac"]),
        currency,
    )
    domain = broken(drawn)
    columns = [
        Column("loading", "Loading"),
        Column("spend", "Spend", "money"),
        Column("customers_won", "Customers won", "count"),
        Column("cac", "CAC", "money"),
        Column("cac_low", "from", "money"),
        Column("cac_high", "to", "money"),
    ]
    ladder = Chart(
        "cac-ladder",
        f"A customer cost {numbers.money(first['cac'])} {currency} in media and "
        f"{numbers.money(last['cac'])} with everything, {since}",
        f"{currency} per customer won",
        LTV_CAC,
        charts.waterfall(drawn, "label", domain=domain),
        table(columns, values(blended, columns)),
        notes=(broken_note(domain, currency),),
        min_width=420,
        is_wide=False,
    )
    return (ladder, _cac_by_channel(rows, currency, since))


def _cac_by_channel(rows: Sequence[Row], currency: str, since: str) -> Block:
    channels = [row for row in rows if not row["is_blended"] and row["loading"] == LOADING]
    shown = sorted((row for row in channels if row["cac"] is not None), key=lambda row: -row["cac"])
    missing = [row for row in channels if row["cac"] is None]
    if not shown:
        return Empty("CAC by channel", "No channel has both spend and customers.")
    for row in shown:
        row["name"] = words(row["channel"])
        row["text"] = f"{numbers.whole(row['cac'])}  ({row['customers_won']})"
        row["label"] = (
            f"{row['name']}: CAC {numbers.money(row['cac'])} {currency} (95 % interval "
            f"{numbers.money(row['cac_low'])} to {numbers.money(row['cac_high'])}), "
            f"{row['customers_won']} customers"
        )
    columns = [
        Column("channel", "Channel"),
        Column("spend", "Spend", "money"),
        Column("customers_won", "Customers won", "count"),
        Column("cac", "CAC", "money"),
        Column("cac_low", "from", "money"),
        Column("cac_high", "to", "money"),
        Column("reason", "Why not"),
    ]
    return Chart(
        "cac-channels",
        f"CAC by channel with media, tools, content and sales: {shown[0]['name']} is the dearest, "
        f"{shown[-1]['name']} the cheapest",
        f"{currency} per customer won (customers), {since}",
        LTV_CAC,
        charts.across(
            shown,
            "name",
            "cac",
            "label",
            text="text",
        ),
        table(columns, values(channels, columns)),
        notes=(_missing_note(missing, "CAC"),),
        is_wide=False,
        min_width=TEXT_WIDTH,
    )


def _missing_note(rows: Sequence[Row], what: str) -> str:
    if not rows:
        return ""
    named = ", ".join(f"{words(row['channel'])} ({words(row['reason'])})" for row in rows)
    return f"No {what} can be said for {named}: nobody recorded it, which is not 0."


def _ltv_cac(released: Released) -> tuple[Block, ...]:
    rows = [row for row in _last_year(released) if row["loading"] == LOADING]
    shown = [row for row in rows if row["ltv_cac_ratio"] is not None]
    if not shown:
        why = "It needs twelve complete months with spend, customers won and churn."
        return (Empty("No LTV:CAC yet", why), _methods(released))
    everybody = [row for row in shown if row["is_blended"]]
    shown = everybody + sorted(
        (row for row in shown if not row["is_blended"]), key=lambda row: -row["ltv_cac_ratio"]
    )
    for row in shown:
        row["name"] = "All channels" if row["is_blended"] else words(row["channel"])
        small = ", small sample" if row["is_small_sample"] else ""
        row["shade"] = charts.var(BAND_COLOURS.get(row["band"], "neutral"))
        high = (
            "no upper end"
            if row["ltv_cac_ratio_high"] is None
            else numbers.ratio(row["ltv_cac_ratio_high"], 4)
        )
        row["label"] = (
            f"{row['name']}: LTV:CAC {numbers.ratio(row['ltv_cac_ratio'], 4)} (95 % interval "
            f"{numbers.ratio(row['ltv_cac_ratio_low'], 4)} to {high}){small}. {row['verdict']}"
        )
        row["low"] = row["ltv_cac_ratio_low"]
        row["high"] = row["ltv_cac_ratio_high"] or Decimal(10**6)
    limit = max(8.0, max(float(row["ltv_cac_ratio"]) for row in shown) * 1.25)
    cut = any(row["high"] > limit for row in shown)
    columns = [
        Column("channel", "Channel"),
        Column("ltv", "LTV", "money"),
        Column("cac", "CAC", "money"),
        Column("ltv_cac_ratio", "LTV:CAC", "ratio"),
        Column("ltv_cac_ratio_low", "from", "ratio"),
        Column("ltv_cac_ratio_high", "to", "ratio"),
        Column("payback_months", "Payback, months", "ratio"),
        Column("customers_won", "Customers won", "count"),
        Column("verdict", "Verdict"),
        Column("reason", "Why not"),
    ]
    small = sum(row["is_small_sample"] for row in shown)
    rules = _bounds(released)
    head = shown[0]
    chart = Chart(
        "ratios",
        f"{head['name']}: a customer brings {numbers.ratio(head['ltv_cac_ratio'], 1)} times what "
        "it costs",
        f"LTV ({words(head['ltv_method'])}) by CAC with media, tools, content and sales, 12 months "
        f"from {numbers.month(head['period_start'])}; lines: 95 % intervals",
        LTV_CAC,
        charts.across(
            shown,
            "name",
            "ltv_cac_ratio",
            "label",
            colours="shade",
            axis="~f",
            low="low",
            high="high",
            rules=rules,
            limit=limit,
        ),
        table(columns, values(rows, columns)),
        (
            Swatch("loss-2", "Losing money"),
            Swatch("loss-1", "Below target"),
            Swatch("gain-1", "Healthy"),
            Swatch("gain-2", "Under-investing"),
            *(Swatch(colour, text, is_line=True, is_dashed=True) for _, text, colour in rules),
        ),
        (
            f"Intervals that go beyond {numbers.ratio(limit, 0)} are cut; their ends are in the "
            "table."
            if cut
            else "",
            f"{small} of {len(shown)} rest on under 30 customers." if small else "",
            _missing_note([row for row in rows if row["ltv_cac_ratio"] is None], "ratio"),
        ),
        min_width=TEXT_WIDTH,
    )
    return (chart, _methods(released))


def _bounds(released: Released) -> list[tuple[float, str, str]]:
    """Break-even and target, as the seed has them."""
    if not released.has(BANDS):
        return []
    found = released.rows(
        f"select band, ratio_from from {BANDS} where band in ('break_even', 'target')"
        " order by ratio_from"
    )
    colours = {"break_even": "loss-2", "target": "ink-soft"}
    return [
        (
            float(row["ratio_from"]),
            f"{row['ratio_from'].normalize():f}: {words(row['band'])}",
            colours[row["band"]],
        )
        for row in found
    ]


def _methods(released: Released) -> Block:
    month = released.last_month()
    rows = released.rows(
        f"select * from {LTV} where policy_id = ? and segment_type = 'all'"
        f" and month in (?, (select max(month) from {LTV} where method = 'projected'))"
        " and (month = ? or method in ('realised', 'projected'))"
        " order by ltv desc nulls last, method",
        [released.policy_id, month, month],
    )
    shown = [row for row in rows if row["ltv"] is not None]
    if not shown:
        return Empty("No LTV yet", "Nobody has churned in the month: a life has no end to see.")
    currency = released.edition.currency
    for row in shown:
        row["name"] = words(row["method"]) + (" (official)" if row["is_policy_method"] else "")
        row["shade"] = charts.var("accent" if row["is_policy_method"] else "neutral")
        has_interval = row["low"] is not None and row["high"] is not None
        within = (
            f" (95 % interval {numbers.money(row['low'])} to {numbers.money(row['high'])})"
            if has_interval
            else ""
        )
        row["label"] = f"{row['name']}: LTV {numbers.money(row['ltv'])} {currency}{within}"
    official = next((row for row in shown if row["is_policy_method"]), shown[0])
    columns = [
        Column("method", "Method"),
        Column("month", "Month", "month"),
        Column("ltv", "LTV", "money"),
        Column("low", "from", "money"),
        Column("high", "to", "money"),
        Column("arpa", "MRR per customer", "money"),
        Column("churn_rate", "Monthly churn", "share"),
        Column("gross_margin", "Gross margin", "share"),
        Column("reason", "Why not"),
    ]
    return Chart(
        "ltv-methods",
        f"The lifetime value of a customer is {numbers.money(official['ltv'])} {currency} by the "
        f"official method; {len(shown)} methods side by side",
        f"{currency} per customer; lines: 95 % intervals",
        LTV,
        charts.across(shown, "name", "ltv", "label", colours="shade", low="low", high="high"),
        table(columns, values(rows, columns)),
        notes=(
            "Realised is what customers have brought so far; projected adds what a fit of the "
            "cohorts expects. Simple, trailing6 and floor are revenue, the others gross margin.",
        ),
        min_width=TEXT_WIDTH,
    )


def _payback(released: Released) -> Block:
    rows = released.rows(
        f"select * from {PAYBACK} where policy_id = ? and is_blended and loading = ?"
        " and is_complete and cac > 0 order by cohort_month, months_since",
        [released.policy_id, LOADING],
    )
    cohorts = sorted({row["cohort_month"] for row in rows if row["months_since"] >= OLD_ENOUGH})
    if not cohorts:
        why = "It needs a cohort with spend that is a few months old."
        return Empty("No payback to draw yet", why)
    count = min(COHORTS_DRAWN, len(cohorts))
    places = [round(n * (len(cohorts) - 1) / max(count - 1, 1)) for n in range(count)]
    chosen: list[date] = [cohorts[place] for place in places]
    series = [
        Series(numbers.month(month), numbers.month(month), f"series-{place}")
        for place, month in enumerate(chosen, 1)
    ]
    currency = released.edition.currency
    points = [
        {
            "months_since": row["months_since"],
            "series": numbers.month(row["cohort_month"]),
            "value": row["cumulative_margin_per_customer"] / row["cac"],
            "label": f"Cohort {numbers.month(row['cohort_month'])}, month {row['months_since']}: "
            f"{numbers.money(row['cumulative_margin_per_customer'])} of "
            f"{numbers.money(row['cac'])} {currency} are back",
        }
        for row in rows
        if row["cohort_month"] in chosen
    ]
    first = [row for row in rows if row["months_since"] == 0 and row["cohort_month"] in cohorts]
    paid = [row["payback_months"] for row in first if row["payback_months"] is not None]
    typical = f", at the median in {median(paid):g} months" if paid else ""
    columns = [
        Column("cohort_month", "Cohort", "month"),
        Column("months_since", "Age in months", "count"),
        Column("customers_initial", "Customers", "count"),
        Column("cumulative_margin_per_customer", "Margin so far", "money"),
        Column("cac", "CAC", "money"),
        Column("payback_months", "Paid back after", "count"),
    ]
    top = max(2.0, min(4.0, float(max(point["value"] for point in points))))
    is_cut = any(point["value"] > top for point in points)
    return Chart(
        "payback-curves",
        f"{len(paid)} of {len(first)} cohorts have paid for themselves{typical}",
        "cumulative gross margin per customer of the cohort, lost ones included, as a share of CAC",
        PAYBACK,
        charts.lines(
            [point for point in points if point["value"] <= top],
            series,
            "label",
            x="months_since",
            x_title="Age in months",
            domain=(0.0, top),
            rules=((1.0, "100 %: paid back", "ink-soft"),),
        ),
        table(columns, values(rows, columns)),
        tuple(Swatch(one.colour, f"Cohort {one.text}", is_line=True) for one in series),
        (
            f"{count} of {len(cohorts)} cohorts are drawn; all are in the table.",
            f"Lines end at {numbers.share(Decimal(str(top)), 0)}, long since paid back."
            if is_cut
            else "",
        ),
    )


def _balance(released: Released) -> tuple[Block, ...]:
    rows = (
        released.rows(
            f"select * from {BALANCE} where policy_id = ? order by month desc limit 24",
            [released.policy_id],
        )[::-1]
        if released.has(BALANCE)
        else []
    )
    series = (
        Series("acquisition_spend", "Winning customers", "accent"),
        Series("retention_spend", "Keeping customers", "gain-2"),
    )
    spent = [row for row in rows if any(row[one.name] is not None for one in series)]
    if not spent:
        return (Empty("No spend", "No month has spend of acquisition or retention."),)
    currency = released.edition.currency
    drawn = [
        {
            "month": row["month"],
            "series": one.name,
            "value": row[one.name],
            "is_complete": row["is_complete"],
            "label": f"{numbers.month(row['month'])}: {one.text.lower()} "
            f"{numbers.money(row[one.name])} {currency}",
        }
        for row in spent
        for one in series
        if row[one.name] is not None
    ]
    complete = [row for row in spent if row["is_complete"]] or spent
    last = complete[-1]
    worth = last["retention_point_revenue_12m"]
    title = (
        f"One more point of retention in {numbers.month(last['month'])} is worth "
        f"{numbers.money(worth)} {currency} of MRR over 12 months"
        if worth is not None
        else "What is spent on winning and on keeping customers"
    )
    columns = [
        Column("month", "Month", "month"),
        *(Column(one.name, one.text, "money") for one in series),
        Column("new_mrr", "New MRR", "money"),
        Column("retained_mrr", "Retained MRR", "money"),
        Column("retention_rate", "Retention", "share"),
        Column("retention_point_revenue_12m", "A point over 12 months", "money"),
        Column("is_complete", "Complete", "flag"),
    ]
    return (
        Chart(
            "spend",
            title,
            f"{currency} of spend",
            BALANCE,
            charts.stacked_months(drawn, series, "label"),
            table(columns, values(rows, columns)),
            tuple(Swatch(one.colour, one.text) for one in series),
            (running_note(rows, released),),
        ),
    )
