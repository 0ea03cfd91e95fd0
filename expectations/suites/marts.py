"""Mart suites: are the figures plausible, alone and against the last release?

What is exact (types, keys, identities, rates between 0 and 1) is dbt's to test. Here is what only a
person would notice: a month that halves, a past month that moved, customers that vanish.
A jump is a warning: the business may really have jumped. What cannot be is critical.
"""

from __future__ import annotations

from expectations.rules import Bound, Rule, Severity

#: A complete month's MRR moving by more than this share from one month to the next is shown,
LARGE_CHANGE = "0.5"
#: from this many customers on: small companies move in leaps.
LARGE_CHANGE_CUSTOMERS = 50
#: A month that was complete at the last release and now differs by more than this share is shown.
RESTATEMENT = "0.005"
#: More than this share of the last release's rows must still be there.
REMAINING_ROWS = "0.9"


def mart_rules() -> list[Rule]:
    """All rules of all marts; each names its columns as the mart contract does."""
    return [
        *_mrr_by_month(),
        *_mrr_by_customer_month(),
        *_mrr_movements(),
        *_retention(),
        *_customers(),
    ]


def _mrr_by_month() -> list[Rule]:
    schema, table = "revenue", "fct_mrr_by_month"
    return [
        Rule(
            schema=schema,
            table=table,
            name="has_months",
            kind="row_count",
            sentence="There is at least one month.",
            severity="warning",
            minimum=1,
        ),
        Rule(
            schema=schema,
            table=table,
            name="customers_and_mrr_go_together",
            kind="no_rows",
            sentence="There is MRR exactly where there are customers.",
            severity="warning",
            query="select policy_id, month, closing_mrr, closing_customers from {batch}"
            " where (closing_mrr > 0) <> (closing_customers > 0)",
        ),
        Rule(
            schema=schema,
            table=table,
            name="mrr_moves_steadily",
            kind="no_rows",
            sentence="The MRR of a complete month with"
            f" {LARGE_CHANGE_CUSTOMERS} customers or more is within half of the month before.",
            severity="warning",
            query="select policy_id, month, opening_mrr, closing_mrr from {batch}"
            " where segment_type = 'all' and is_complete and opening_mrr > 0"
            f" and opening_customers >= {LARGE_CHANGE_CUSTOMERS}"
            f" and abs(closing_mrr - opening_mrr) > {LARGE_CHANGE} * opening_mrr",
        ),
        Rule(
            schema=schema,
            table=table,
            name="arpa_moves_steadily",
            kind="no_rows",
            sentence="The MRR per customer of a complete month with"
            f" {LARGE_CHANGE_CUSTOMERS} customers or more is within half of the month before.",
            severity="warning",
            query="select policy_id, month, opening_mrr, opening_customers, arpa from {batch}"
            " where segment_type = 'all' and is_complete"
            f" and opening_customers >= {LARGE_CHANGE_CUSTOMERS}"
            " and abs(arpa - opening_mrr / opening_customers)"
            f" > {LARGE_CHANGE} * opening_mrr / opening_customers",
        ),
        Rule(
            schema=schema,
            table=table,
            name="past_months_stay",
            kind="no_rows",
            sentence="The MRR of a month that was complete at the last release is within"
            " half a percent of what was released.",
            severity="warning",
            needs_last_release=True,
            query="select policy_id, month, released.closing_mrr as released_closing_mrr,"
            " now.closing_mrr from {batch} as now"
            " right join last_release.revenue.fct_mrr_by_month as released"
            " using (policy_id, month, segment_type, segment_value)"
            " where released.segment_type = 'all' and released.is_complete"
            " and policy_id in (select policy_id from revenue.fct_mrr_by_month)"
            " and abs(coalesce(now.closing_mrr, 0) - released.closing_mrr)"
            f" > {RESTATEMENT} * released.closing_mrr",
        ),
    ]


def _mrr_by_customer_month() -> list[Rule]:
    schema, table = "revenue", "fct_mrr_by_customer_month"
    return [
        Rule(
            schema=schema,
            table=table,
            name="no_customer_is_most_of_the_mrr",
            kind="no_rows",
            sentence="Where there are"
            f" {LARGE_CHANGE_CUSTOMERS} customers or more, none has more than half of the MRR.",
            severity="warning",
            query="select policy_id, month, max(closing_mrr) as greatest_mrr from {batch}"
            f" group by policy_id, month having count(*) >= {LARGE_CHANGE_CUSTOMERS}"
            f" and max(closing_mrr) > {LARGE_CHANGE} * sum(closing_mrr)",
        ),
        _rows_remain(schema, table),
    ]


def _mrr_movements() -> list[Rule]:
    schema, table = "revenue", "fct_mrr_movements"
    return [_rows_remain(schema, table)]


def _retention() -> list[Rule]:
    return [
        _between(
            "retention",
            "fct_retention_by_cohort_month",
            "net_retention",
            0,
            20,
            "A cohort's MRR is at most twenty times what it began with.",
        ),
        Rule(
            schema="retention",
            table="fct_retention_by_period",
            name="churn_is_not_most_of_the_customers",
            kind="no_rows",
            sentence="No complete month loses more than half of its customers.",
            severity="warning",
            query="select policy_id, period_start, segment_type, segment_value, logo_churn_rate"
            " from {batch} where period_type = 'month' and segment_type = 'all' and is_complete"
            " and not is_small_sample and logo_churn_rate > 0.5",
        ),
    ]


def _customers() -> list[Rule]:
    schema, table = "core", "dim_customers"
    return [
        _between(
            schema, table, "current_mrr", 0, None, "current_mrr is never below 0.", "critical"
        ),
        Rule(
            schema=schema,
            table=table,
            name="customers_do_not_vanish",
            kind="no_rows",
            sentence="Every customer of the last release is still there: deleted ones are flagged.",
            severity="warning",
            needs_last_release=True,
            query="select released.customer_id from last_release.core.dim_customers as released"
            " left join {batch} as now using (customer_id) where now.customer_id is null",
        ),
    ]


def _between(
    schema: str,
    table: str,
    column: str,
    minimum: Bound | None,
    maximum: Bound | None,
    sentence: str,
    severity: Severity = "warning",
) -> Rule:
    return Rule(
        schema=schema,
        table=table,
        name=f"{column}_is_plausible",
        kind="between",
        sentence=sentence,
        severity=severity,
        column=column,
        minimum=minimum,
        maximum=maximum,
    )


def _rows_remain(schema: str, table: str) -> Rule:
    return Rule(
        schema=schema,
        table=table,
        name="rows_do_not_vanish",
        kind="no_rows",
        sentence="There are at least nine tenths of the rows of the last release.",
        severity="warning",
        needs_last_release=True,
        query="select now.row_count, released.row_count as released_row_count"
        " from (select count(*) as row_count from {batch} as rows_now) as now"
        f" cross join (select count(*) as row_count from last_release.{schema}.{table}) as released"
        f" where now.row_count < {REMAINING_ROWS} * released.row_count",
    )
