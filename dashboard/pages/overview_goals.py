"""Overview, second part: targets, benchmarks, and what changed since the last release."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from dashboard import numbers
from dashboard.model import Block, Column, Empty, Listing, Prose, Section, table
from dashboard.pages.shared import named, words
from dashboard.released import Released, Row

TARGETS = "customer_success.fct_target_status"
BENCHMARKS = "retention.fct_benchmark_comparison"

#: Metrics that are no fractions (fct_metric_values_by_period).
RATIOS = ("quick_ratio", "acquisition_to_retention_cost_ratio")

STATUS_TONES = {
    "on target": "good",
    "off target": "fair",
    "alarm": "bad",
    "no target": "none",
    "no value": "none",
}
VERDICT_TONES = {"better": "good", "within": "good", "worse": "bad"}


def goals_section(released: Released) -> Section:
    """Targets and benchmarks."""
    return Section(
        "goals",
        "Against targets and benchmarks",
        (_target_list(released), _benchmark_list(released)),
        "Targets are the company's own (seed targets), benchmarks are what others quote (seed "
        "benchmarks), with their sources.",
    )


def _target_list(released: Released) -> Block:
    rows = (
        released.rows(
            "select *, replace(status, '_', ' ') as status_words,"
            " case segment_type when 'all' then 'all' else segment_value end as of_whom"
            f" from {TARGETS}"
            " qualify row_number() over"
            " (partition by target_key order by is_complete desc, period_start desc) = 1"
            " order by case status when 'alarm' then 1 when 'off_target' then 2"
            " when 'on_target' then 3 else 4 end, metric, period_type, target_key"
        )
        if released.has(TARGETS)
        else []
    )
    if not rows:
        return Empty("No targets", "Seed targets has no target with a period that has begun.")
    for row in rows:
        row["metric_words"] = named(row["metric"])
        row["owner"] = row["owner"] and words(row["owner"])
    columns = [
        Column("status_words", "Status"),
        Column("metric_words", "Metric"),
        Column("of_whom", "Of whom"),
        Column("period_type", "Period"),
        Column("period_start", "From", "date"),
        Column("is_complete", "Is over", "flag"),
        Column("value", "Value", "measure"),
        Column("target", "Target", "measure"),
        Column("acceptable_low", "Acceptable from", "measure"),
        Column("acceptable_high", "to", "measure"),
        Column("owner", "Owner"),
    ]
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        found[row["status_words"]] += 1
    counted = ", ".join(f"{found[word]} {word}" for word in STATUS_TONES if word in found)
    return Listing(
        "targets",
        f"Targets: {counted}",
        "fractions, ratios where the metric is one",
        TARGETS,
        table(columns, [_measured(row, columns) for row in rows]),
        (
            "The last period of each target that is over; one that runs stands here only where "
            "none is over yet.",
        ),
        (("status_words", tuple(STATUS_TONES.items())),),
    )


def _measured(row: Row, columns: list[Column]) -> list[Any]:
    return [
        numbers.Measure(row[column.name], row["metric"] in RATIOS)
        if column.kind == "measure" and row[column.name] is not None
        else row[column.name]
        for column in columns
    ]


def _benchmark_list(released: Released) -> Block:
    rows = (
        released.rows(
            "select *, replace(verdict, '_', ' ') as verdict_words"
            f" from {BENCHMARKS} where is_applicable order by benchmark_key"
        )
        if released.has(BENCHMARKS)
        else []
    )
    if not rows:
        return Empty("No benchmarks", "Seed benchmarks has none for a company like this one.")
    columns = [
        Column("verdict_words", "Verdict"),
        Column("statement", "Benchmark"),
        Column("own_value", "Own value", "measure"),
        Column("low", "From", "measure"),
        Column("high", "to", "measure"),
        Column("period_type", "Period"),
        Column("period_start", "Beginning", "date"),
        Column("source", "Source"),
        Column("note", "How it is read"),
    ]
    return Listing(
        "benchmarks",
        "Benchmarks that are for a company of this age and kind",
        "fractions, ratios where the metric is one",
        BENCHMARKS,
        table(columns, [_measured(row, columns) for row in rows]),
        (),
        (("verdict_words", tuple(VERDICT_TONES.items())),),
    )


def changes_section(released: Released) -> Section:
    """Against the release before."""
    title = "What changed since the last release"
    diff = released.changes
    if diff is None:
        empty = Empty("Nothing to compare", released.why_no_changes)
        return Section("changes", title, (empty,))
    between = diff.between
    days = dict.fromkeys(between.as_of)
    dates = " to ".join(numbers.day(date.fromisoformat(text)) for text in days)
    rows, tables = sum(n for _, n in between.rows_by_table), len(between.rows_by_table)
    arrived = f"{rows:,} new raw rows in {tables} table{'' if tables == 1 else 's'}"
    points = [
        f"As of: {dates}{', the same' if len(set(between.as_of)) == 1 else ''}.",
        f"Files: {between.files_new} new, {between.files_gone} gone"
        + (f"; {arrived}." if rows else "."),
        f"Code: {'changed' if between.is_code_changed else 'the same'}. Policies: "
        f"{', '.join(between.changed_policies) or 'the same'}.",
    ]
    return Section(
        "changes",
        f"{title}: {diff.before} → {diff.after}",
        (Prose(tuple(points), is_list=True), _mrr_changes(released)),
        "make diff says it customer by customer, with the raw rows behind it.",
    )


def _mrr_changes(released: Released) -> Block:
    assert released.changes is not None
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for row in released.changes.mrr:
        if row.policy_id == released.policy_id:
            found = sums[row.month, row.why]
            sums[row.month, row.why] = [found[0] + row.before, found[1] + row.after, found[2] + 1]
    if not sums:
        why = "Every customer has the same closing MRR in every month as in the release before."
        return Empty("No published MRR changed", why)
    columns = [
        Column("month", "Month", "month"),
        Column("why", "Why"),
        Column("customers", "Customers", "count"),
        Column("before", "Their MRR before", "money"),
        Column("after", "and now", "money"),
        Column("difference", "Difference", "money"),
    ]
    rows = [
        (date.fromisoformat(month), why, int(customers), before, after, after - before)
        for (month, why), (before, after, customers) in sorted(sums.items(), reverse=True)
    ]
    return Listing(
        "mrr-changes",
        f"Closing MRR that is not what it was: {len({row[0] for row in rows})} months",
        released.edition.currency,
        "revenue.fct_mrr_by_customer_month",
        table(columns, rows),
        ("Customers with the same MRR in both releases are left out.",),
    )
