"""Retention: who stays, for how long, and why they leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from dashboard import charts, numbers
from dashboard.charts import Series
from dashboard.model import Block, Chart, Column, Empty, Page, Section, Swatch, table
from dashboard.pages.shared import TEXT_WIDTH, interval, values, words
from dashboard.released import Released, Row

COHORTS = "retention.fct_retention_by_cohort_month"
CURVE = "retention.fct_retention_curve"
SURVIVAL = "retention.fct_survival_by_segment"
REASONS = "retention.fct_churn_by_reason"
DUNNING = "retention.fct_dunning_funnel_by_month"

#: Classes of the heat maps: the first colour is below the first bound.
LOGO_BOUNDS = (0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 0.97)
NET_BOUNDS = (0.5, 0.7, 0.85, 0.95, 1.05, 1.2, 1.5)
COHORTS_SHOWN = 36
#: Plans drawn in one chart of survival; more lines nobody can tell apart.
PLANS_SHOWN = 5


def retention(released: Released) -> Page:
    """The page of customer success and the board."""
    return Page(
        "retention",
        "Retention",
        "Cohorts of customers by the month of their first MRR: how many still pay, what they pay "
        "now, how long they live, and why they leave.",
        (
            Section(
                "cohorts",
                "Cohorts",
                (
                    _heat_map(
                        released,
                        "logo",
                        "logo_retention",
                        "customers that still pay",
                        LOGO_BOUNDS,
                        ("customers_active", "customers_initial"),
                    ),
                    _heat_map(
                        released,
                        "net",
                        "net_retention",
                        "MRR against the first month",
                        NET_BOUNDS,
                        ("mrr_active", "mrr_initial"),
                    ),
                ),
                "Each row is a cohort, each column its age. Numbers are percent of the start.",
            ),
            Section(
                "curves",
                "The average customer",
                (_curve(released), _money_curve(released)),
                "Averages take cohorts that are old enough, weighted by their size at the start.",
            ),
            Section("survival", "How long customers live", (_survival(released),)),
            Section("reasons", "Why customers leave", _reasons(released)),
        ),
    )


def _heat_map(
    released: Released,
    key: str,
    name: str,
    what: str,
    bounds: Sequence[float],
    fraction: tuple[str, str],
) -> Block:
    rows = released.rows(
        f"select * from {COHORTS} where policy_id = ? and segment_type = 'all'"
        " and cohort_month > (select max(cohort_month) - to_months(?) from "
        f"{COHORTS} where policy_id = ?) order by cohort_month, months_since",
        [released.policy_id, COHORTS_SHOWN, released.policy_id],
    )
    title = what[0].upper() + what[1:]
    if not rows:
        return Empty(title, "No customer has paid yet.")
    currency = released.edition.currency
    is_money = name != "logo_retention"
    show = numbers.money if is_money else numbers.count
    unit = f" {currency}" if is_money else " customers"
    for row in rows:
        row["fill"], row["ink"] = charts.heat_colour(row[name], bounds)
        row["text"] = numbers.share(row[name], 0).removesuffix(numbers.PERCENT)
        running = "" if row["is_complete"] else ", running month"
        row["label"] = (
            f"Cohort {numbers.month(row['cohort_month'])}, month {row['months_since']}: "
            f"{numbers.exact_share(row[name])}, {show(row[fraction[0]])} of "
            f"{show(row[fraction[1]])}{unit}{running}"
        )
        row["cohort"] = f"{numbers.month(row['cohort_month'])}  ({row['customers_initial']})"
    ages = max(row["months_since"] for row in rows) + 1
    columns = [
        Column("cohort_month", "Cohort", "month"),
        Column("months_since", "Age in months", "count"),
        Column(fraction[0], "Now", "money" if is_money else "count"),
        Column(fraction[1], "At start", "money" if is_money else "count"),
        Column(name, "Retention", "share"),
        Column("is_complete", "Complete", "flag"),
    ]
    small = sum(row["is_small_sample"] for row in rows if row["months_since"] == 0)
    return Chart(
        f"cohorts-{key}",
        f"{title}, by cohort and age: {_at_twelve(rows, fraction)}",
        "percent of the cohort's start",
        COHORTS,
        charts.heat_map(
            rows, "label", x="months_since", y="cohort", text="text", x_title="Age in months"
        ),
        table(columns, values(rows, columns)),
        tuple(_classes(bounds)),
        (
            "Beside each cohort stands how many customers it began with."
            + (
                f" {small} cohort{'s' if small > 1 else ''} began with under 30: single customers "
                "move the numbers."
                if small
                else ""
            ),
            "The last cell of each row is of the running month."
            if any(not row["is_complete"] for row in rows)
            else "",
        ),
        min_width=110 + 44 * ages,
    )


def _at_twelve(rows: list[Row], fraction: tuple[str, str]) -> str:
    """The sum over cohorts that are a year old, or what there is instead."""
    aged = [row for row in rows if row["months_since"] == 12 and row["is_complete"]]
    start = sum((Decimal(row[fraction[1]]) for row in aged), Decimal(0))
    if not start:
        return "none of these cohorts is a year old yet"
    now = sum((Decimal(row[fraction[0]]) for row in aged), Decimal(0))
    return f"{numbers.share(now / start)} after 12 months, all cohorts shown together"


def _classes(bounds: Sequence[float]) -> list[Swatch]:
    edges = [f"{round(bound * 100)}" for bound in bounds]
    texts = [f"under {edges[0]} %"]
    texts += [f"{low} to {high}" for low, high in pairwise(edges)]
    texts.append(f"{edges[-1]} % and more")
    return [Swatch(f"heat-{place}", text) for place, text in enumerate(texts)]


def _curve_rows(released: Released) -> list[Row]:
    return released.rows(
        f"select * from {CURVE} where policy_id = ? and segment_type = 'all' order by months_since",
        [released.policy_id],
    )


def _curve(released: Released) -> Block:
    rows = _curve_rows(released)
    series = (Series("logo_retention", "Customers that pay", "series-1"),)
    if not rows:
        return Empty("Customers that still pay", "No cohort is old enough yet.")
    shown, note = _large_enough(rows)
    points = [
        {
            "months_since": row["months_since"],
            "series": "logo_retention",
            "value": row["logo_retention"],
            "low": row["logo_retention_low"],
            "high": row["logo_retention_high"],
            "label": f"Month {row['months_since']}: {numbers.exact_share(row['logo_retention'])} "
            f"of {row['customers_initial']} customers (95 % interval "
            f"{interval(row['logo_retention_low'], row['logo_retention_high'], 4)})",
        }
        for row in shown
    ]
    columns = [
        Column("months_since", "Age in months", "count"),
        Column("cohorts", "Cohorts", "count"),
        Column("customers_initial", "At start", "count"),
        Column("customers_active", "Pay", "count"),
        Column("logo_retention", "Share", "share"),
        Column("logo_retention_low", "from", "share"),
        Column("logo_retention_high", "to", "share"),
    ]
    last = shown[-1]
    return Chart(
        "logo-curve",
        f"{numbers.share(last['logo_retention'])} of customers still pay "
        f"{last['months_since']} months after their first",
        "share of customers at the start, band: 95 % interval",
        CURVE,
        charts.lines(
            points,
            series,
            "label",
            x="months_since",
            x_title="Age in months",
            low="low",
            high="high",
            domain=(0.0, 1.0),
        ),
        table(columns, values(rows, columns)),
        notes=(
            "Older ages rest on fewer cohorts: the band widens, and the curve may rise where a "
            "cohort drops out or customers come back.",
            note,
        ),
        is_wide=False,
    )


def _large_enough(rows: list[Row]) -> tuple[list[Row], str]:
    """Ages that rest on 30 customers, or all where none does; and the sentence about the others."""
    shown = [row for row in rows if not row["is_small_sample"]]
    if not shown:
        return rows, "Every age rests on under 30 customers: single ones move the curve."
    left = len(rows) - len(shown)
    ages = f"{left} age{'s rest' if left > 1 else ' rests'}"
    return shown, f"{ages} on under 30 customers: in the table alone." if left else ""


def _money_curve(released: Released) -> Block:
    rows = [row for row in _curve_rows(released) if row["net_retention"] is not None]
    series = (
        Series("net_retention", "Net: with expansion", "series-1"),
        Series("gross_retention", "Gross: each customer capped at its start", "series-2"),
    )
    if not rows:
        return Empty("MRR that stays", "No cohort is old enough yet.")
    shown, note = _large_enough(rows)
    points = [
        {
            "months_since": row["months_since"],
            "series": one.name,
            "value": row[one.name],
            "label": f"Month {row['months_since']}: {one.text.split(':')[0].lower()} retention "
            f"{numbers.exact_share(row[one.name])}",
        }
        for row in shown
        for one in series
    ]
    domain = charts.padded([0, 1, *(point["value"] for point in points)], 0.1)
    columns = [
        Column("months_since", "Age in months", "count"),
        Column("mrr_initial", "MRR at start", "money"),
        Column("mrr_active", "MRR now", "money"),
        Column("net_retention", "Net", "share"),
        Column("gross_retention", "Gross", "share"),
        Column("is_small_sample", "Small sample", "flag"),
    ]
    last = shown[-1]
    return Chart(
        "money-curve",
        f"Of the first month's MRR {numbers.share(last['net_retention'])} is there after "
        f"{last['months_since']} months, {numbers.share(last['gross_retention'])} without "
        "expansion",
        "share of MRR at the start",
        CURVE,
        charts.lines(
            points, series, "label", x="months_since", x_title="Age in months", domain=domain
        ),
        table(columns, values(rows, columns)),
        tuple(Swatch(one.colour, one.text, is_line=True) for one in series),
        (note,),
        is_wide=False,
    )


def _survival(released: Released) -> Block:
    rows = released.rows(
        f"select * from {SURVIVAL} where policy_id = ? and segment_type in ('all', 'plan')"
        " order by segment_type, segment_value, day_of_life",
        [released.policy_id],
    )
    if not rows:
        return Empty("Survival", "No customer has paid yet.")
    everybody = [row for row in rows if row["segment_type"] == "all"]
    sizes = {
        row["segment_value"]: row["customers"]
        for row in rows
        if row["segment_type"] == "plan" and not row["is_small_sample"]
    }
    plans = sorted(sizes, key=lambda plan: (-sizes[plan], plan))[:PLANS_SHOWN]
    series = [
        Series("all", "All customers, with 95 % band", "ink"),
        *(Series(plan, plan, f"series-{place}") for place, plan in enumerate(plans, 1)),
    ]
    end = max(row["day_of_life"] for row in everybody)
    points: list[dict[str, Any]] = []
    for one in series:
        of_whom = [row for row in rows if row["segment_value"] == one.name]
        if one.name == "all":
            of_whom = everybody
        for row in of_whom:
            is_all = one.name == "all"
            points.append(
                {
                    "day": row["day_of_life"],
                    "series": one.name,
                    "value": row["survival"],
                    "low": row["low"] if is_all else None,
                    "high": row["high"] if is_all else None,
                    "label": f"{'All' if is_all else one.name}, day {row['day_of_life']}: "
                    f"{numbers.exact_share(row['survival'])} live longer, {row['at_risk']} at risk",
                }
            )
    first = everybody[0]
    median = first["median_lifetime_days"]
    said = (
        f"Half of the customers are gone after {median} days"
        if median is not None
        else f"More than half of the customers outlive the {end} days that can be seen"
    )
    columns = [
        Column("segment_value", "Of whom"),
        Column("day_of_life", "Day", "count"),
        Column("at_risk", "At risk", "count"),
        Column("churned", "Churned", "count"),
        Column("survival", "Survival", "share"),
        Column("low", "from", "share"),
        Column("high", "to", "share"),
    ]
    small = len({row["segment_value"] for row in rows if row["segment_type"] == "plan"}) - len(
        sizes
    )
    return Chart(
        "survival-curve",
        said,
        "share of customers, Kaplan–Meier",
        SURVIVAL,
        charts.lines(
            points,
            series,
            "label",
            x="day",
            x_title="Days since the first paid day",
            low="low",
            high="high",
            domain=(0.0, 1.0),
            is_step=True,
            height=340,
        ),
        table(columns, values(rows, columns)),
        tuple(Swatch(one.colour, one.text, is_line=True) for one in series),
        (
            "Customers that still pay count as far as they have been seen.",
            f"{small} plans with under 30 customers are in the table alone." if small else "",
        ),
    )


def _reasons(released: Released) -> tuple[Block, ...]:
    month = released.last_month()
    rows = (
        released.rows(
            "select churn_type, churn_reason, sum(churned_customers) as churned_customers,"
            " sum(mrr_lost) as mrr_lost, sum(returned_customers) as returned_customers"
            f" from {REASONS} where policy_id = ? and month <= ?"
            " and month > cast(? as date) - interval 12 month"
            " group by all order by mrr_lost desc, churn_reason, churn_type",
            [released.policy_id, month, month],
        )
        if month is not None and released.has(REASONS)
        else []
    )
    if not rows or month is None:
        return (Empty("Nobody left", "No customer churned in the last twelve complete months."),)
    blocks: list[Block] = [_reason_bars(released, rows, month)]
    if released.has(DUNNING):
        blocks.append(_dunning(released, month))
    return tuple(blocks)


def _reason_bars(released: Released, rows: list[Row], month: date) -> Chart:
    currency = released.edition.currency
    shades = {"voluntary": "accent", "involuntary": "loss-2"}
    said = [row["churn_reason"] for row in rows]
    for row in rows:
        name = words(row["churn_reason"])
        twice = said.count(row["churn_reason"]) > 1
        row["name"] = f"{name}, {row['churn_type']}" if twice else name
        row["text"] = f"{numbers.whole(row['mrr_lost'])}  ({row['churned_customers']})"
        row["shade"] = charts.var(shades[row["churn_type"]])
        row["label"] = (
            f"{row['name']}: {numbers.money(row['mrr_lost'])} {currency} of MRR lost, "
            f"{row['churned_customers']} customers, {row['returned_customers']} came back"
        )
    lost = sum((row["mrr_lost"] for row in rows), Decimal(0))
    failed = sum(
        (row["mrr_lost"] for row in rows if row["churn_type"] == "involuntary"), Decimal(0)
    )
    part = numbers.share(failed / lost) if lost else numbers.NOT_SAID
    columns = [
        Column("churn_type", "Type"),
        Column("churn_reason", "Reason"),
        Column("churned_customers", "Customers", "count"),
        Column("mrr_lost", "MRR lost", "money"),
        Column("returned_customers", "Came back since", "count"),
    ]
    return Chart(
        "churn-reasons",
        f"{numbers.money(lost)} {currency} of MRR left in the 12 months to "
        f"{numbers.month(month)}; {part} of it by payments that failed",
        f"{currency} of MRR before the churn (customers)",
        REASONS,
        charts.across(
            rows,
            "name",
            "mrr_lost",
            "label",
            colours="shade",
            text="text",
        ),
        table(columns, values(rows, columns)),
        (
            Swatch("accent", "Voluntary"),
            Swatch("loss-2", "Involuntary: payment failed or disputed"),
        ),
        is_wide=False,
        min_width=TEXT_WIDTH,
    )


def _dunning(released: Released, month: date) -> Block:
    rows = released.rows(
        f"select * from {DUNNING} where policy_id = ? and month <= ?"
        " and month > cast(? as date) - interval 12 month order by month",
        [released.policy_id, month, month],
    )
    failed = sum((row["failed_amount"] for row in rows), Decimal(0))
    if not failed:
        return Empty("No payment failed", "No invoice failed in the last twelve complete months.")
    recovered = sum((row["recovered_amount"] for row in rows), Decimal(0))
    series = (
        Series("recovered_amount", "Paid after all", "gain-1"),
        Series("open_amount", "Open", "neutral"),
        Series("lost_amount", "Lost", "loss-2"),
    )
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
        for row in rows
        for one in series
    ]
    columns = [
        Column("month", "First failed in", "month"),
        Column("failed_invoices", "Invoices", "count"),
        Column("failed_amount", "Failed", "money"),
        *(Column(one.name, one.text, "money") for one in series),
        Column("recovery_rate", "Invoices paid", "share"),
        Column("median_days_to_recover", "Median days", "points"),
    ]
    return Chart(
        "dunning",
        f"Of {numbers.money(failed)} {currency} that failed to be paid at first, "
        f"{numbers.share(recovered / failed)} came in after all",
        f"{currency}, by month of the first failure",
        DUNNING,
        charts.stacked_months(drawn, series, "label"),
        table(columns, values(rows, columns)),
        tuple(Swatch(one.colour, one.text) for one in series),
        ("The youngest months still have time to recover.",),
        is_wide=False,
    )
