"""Mart suites: are the figures plausible, alone and against the last release?

What is exact (types, keys, identities, rates between 0 and 1) is dbt's to test. Here is what only a
person would notice: a month that halves, a past month that moved, customers that vanish.
A jump of the business is a warning where only its own past speaks against it. What moves more than
a release before it would make anybody expect holds the run, until a person accepts it; what cannot
be is critical.

Months that were complete at the last release say what is usual; only months that came to completion
since are judged, so that a figure never vouches for itself.
"""

from __future__ import annotations

from expectations.rules import Bound, Rule, Severity
from expectations.suites.customer_success import customer_success_rules

#: A complete month's MRR moving by more than this share from one month to the next is shown,
LARGE_CHANGE = "0.5"
#: from this many customers on: small companies move in leaps.
LARGE_CHANGE_CUSTOMERS = 50
#: A month that was complete at the last release and now differs by more than this share is shown.
RESTATEMENT = "0.005"
#: and by more than this share holds the run.
LARGE_RESTATEMENT = "0.05"
#: More than this share of the last release's rows must still be there.
REMAINING_ROWS = "0.9"
#: More than this share of the last release's customers must still be there.
REMAINING_CUSTOMERS = "0.95"
#: A new month may move this many times as far from the usual move as months are wont to (their
#: median absolute deviation, scaled as a standard deviation), and in any case
USUAL_DEVIATIONS = "8"
#: by this share.
USUAL_MOVE = "0.25"
#: So many months of a past make it one.
USUAL_MONTHS = 6
#: More than this share of MRR without an invoice, or invoices without service, is shown.
UNINVOICED = "0.1"
#: A segment's share of MRR may move by this much from the last month of the last release.
SHARE_MOVE = "0.25"


def mart_rules() -> list[Rule]:
    """All rules of all marts; each names its columns as the mart contract does."""
    return [
        *_mrr_by_month(),
        *_new_months(),
        *_mrr_by_customer_month(),
        *_mrr_movements(),
        *_books(),
        *_retention(),
        *_customers(),
        *customer_success_rules(),
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


def _new_months() -> list[Rule]:
    """Months that became complete since the last release, against those that were before."""
    schema, table = "revenue", "fct_mrr_by_month"
    released = f"last_release.{schema}.{table}"

    def held(name: str, sentence: str, query: str) -> Rule:
        return Rule(
            schema=schema,
            table=table,
            name=name,
            kind="no_rows",
            sentence=sentence,
            query=query,
            needs_last_release=True,
            acceptable=True,
        )

    def moves(before: str, after: str) -> str:
        month = (
            f"select policy_id, month, {before} as opening, {after} as seen,"
            f" {after} / nullif({before}, 0) - 1 as move, opening_customers, is_complete,"
            f" exists (select 1 from {released} as known where known.policy_id = now.policy_id"
            " and known.month = now.month and known.segment_type = 'all' and known.is_complete)"
            " as was_complete from {batch} as now where segment_type = 'all'"
        )
        usual = (
            "select policy_id, count(move) as months, median(move) as usual_move,"
            f" greatest({USUAL_MOVE}, {USUAL_DEVIATIONS} * 1.4826 * mad(move)) as allowed"
            f" from ({month}) as past where was_complete and is_complete"
            f" and opening_customers >= {LARGE_CHANGE_CUSTOMERS} group by policy_id"
        )
        return (
            "select policy_id, month, opening, seen,"
            " round(opening * (1 + usual_move - allowed), 2) as expected_from,"
            " round(opening * (1 + usual_move + allowed), 2) as expected_to"
            f" from ({month}) as judged join ({usual}) as usual using (policy_id)"
            f" where is_complete and not was_complete and months >= {USUAL_MONTHS}"
            f" and opening_customers >= {LARGE_CHANGE_CUSTOMERS}"
            " and abs(move - usual_move) > allowed"
        )

    shares = (
        "select policy_id, month, segment_type, segment_value, closing_mrr / nullif(total, 0)"
        " as share from (select *, sum(closing_mrr) over (partition by policy_id, month,"
        " segment_type) as total, sum(closing_customers) over (partition by policy_id, month,"
        " segment_type) as all_customers from {rows} as every_row where segment_type <> 'all'"
        f" and is_complete) as by_segment where all_customers >= {LARGE_CHANGE_CUSTOMERS}"
    )
    last_month = f"select max(month) from {released} where is_complete"
    return [
        held(
            "new_months_move_as_usual",
            "MRR of a month that was not complete at the last release moves about as the complete"
            " months before it did.",
            moves("opening_mrr", "closing_mrr"),
        ),
        held(
            "customers_of_new_months_move_as_usual",
            "Customers of a month that was not complete at the last release move about as in the"
            " complete months before it.",
            moves("opening_customers", "closing_customers"),
        ),
        held(
            "shares_of_new_months_stay",
            "A segment's share of the MRR of a new month is within a quarter of the whole from its"
            " share in the last month of the last release.",
            "select policy_id, now.month, segment_type, segment_value,"
            " round(coalesce(was.share, 0), 3) as expected_share, round(now.share, 3) as seen_share"
            f" from ({shares.replace('{rows}', '{batch}')}) as now"
            f" left join ({shares.replace('{rows}', released)} and month = ({last_month})) as was"
            " using (policy_id, segment_type, segment_value)"
            # Where nothing was complete there is no last month, and the comparison is never true.
            f" where now.month > ({last_month})"
            f" and abs(now.share - coalesce(was.share, 0)) > {SHARE_MOVE}",
        ),
        held(
            "past_months_stay_close",
            "The MRR of a month that was complete at the last release is within five percent of"
            " what was released.",
            "select policy_id, month, released.closing_mrr as expected, now.closing_mrr as seen"
            " from {batch} as now"
            f" right join {released} as released"
            " using (policy_id, month, segment_type, segment_value)"
            " where released.segment_type = 'all' and released.is_complete"
            f" and policy_id in (select policy_id from {schema}.{table})"
            " and abs(coalesce(now.closing_mrr, 0) - released.closing_mrr)"
            f" > {LARGE_RESTATEMENT} * released.closing_mrr",
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


def _books() -> list[Rule]:
    schema = "revenue"
    return [
        Rule(
            schema=schema,
            table="fct_mrr_invoice_reconciliation",
            name="little_is_not_invoiced",
            kind="no_rows",
            sentence="In a complete month not more than a tenth of the MRR lacks an invoice, or is"
            f" invoiced without service ({LARGE_CHANGE_CUSTOMERS} customers or more).",
            severity="warning",
            query="select month, sum(abs(difference)) as unexplained_mrr from {batch}"
            " where is_complete group by month"
            f" having count(*) >= {LARGE_CHANGE_CUSTOMERS}"
            " and sum(case when reason in ('not_invoiced', 'invoiced_without_subscription')"
            f" then abs(difference) else 0 end) > {UNINVOICED} * sum(subscription_mrr)",
        ),
        Rule(
            schema=schema,
            table="fct_recognized_revenue_by_month",
            name="more_is_deferred_than_given_back",
            kind="no_rows",
            sentence="What is deferred over all customers is never below 0.",
            severity="warning",
            query="select month, sum(deferred_closing) as deferred from {batch} group by month"
            " having sum(deferred_closing) < 0",
        ),
    ]


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
        Rule(
            schema=schema,
            table=table,
            name="most_customers_remain",
            kind="no_rows",
            sentence="At least 95 % of the customers of the last release are still there.",
            needs_last_release=True,
            acceptable=True,
            query="select * from (select count(*) as expected, count(now.customer_id) as seen"
            " from last_release.core.dim_customers as released"
            " left join {batch} as now using (customer_id)) as customers"
            f" where seen < {REMAINING_CUSTOMERS} * expected",
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
        needs_last_release=True,
        acceptable=True,
        query="select now.row_count as seen, released.row_count as released_row_count"
        " from (select count(*) as row_count from {batch} as rows_now) as now"
        f" cross join (select count(*) as row_count from last_release.{schema}.{table}) as released"
        f" where now.row_count < {REMAINING_ROWS} * released.row_count",
    )
