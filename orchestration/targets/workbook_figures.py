"""The figures of the month-end workbook, as they stand in a release."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.books.periods import PART_COLUMNS

#: The waterfall goes back so many months, the cohorts' retention so many months of age.
MONTHS_BACK = 12
COHORT_AGES = 12

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Figures:
    """Rows of each sheet, in its order.

    Attributes:
        months: month, the eight parts, opening, new, returned, lost and closing customers.
        customers: customer id, name, the eight parts.
        cohorts: cohort month, customers and MRR at its start, MRR in the month, net retention at
            ages 0 to 12 (a fraction, or None).
        reconciliation: customer, both MRRs, difference, reason, opening to outstanding.
        revenue: customer, deferred and unbilled openings, billed, earned, closings, credited,
            recognized.
        closed: the month's close in force: close id, who, when, release, hash, closing MRR, or
            None.
        restatements: restatement rows of the month's closes in force.
    """

    months: Rows
    customers: Rows
    cohorts: Rows
    reconciliation: Rows
    revenue: Rows
    closed: tuple[Any, ...] | None
    restatements: Rows


def read_figures(connection: duckdb.DuckDBPyConnection, month: date, policy_id: str) -> Figures:
    """Read the marts of a release; `months` is empty where it has nothing of the month."""
    parts = ", ".join(PART_COLUMNS)
    months = connection.execute(
        f"select month, {parts}, opening_customers, new_customers, reactivated_customers,"
        " churned_customers, closing_customers from revenue.fct_mrr_by_month"
        " where policy_id = ? and segment_type = 'all' and month <= ?"
        f" and month > cast(? as date) - interval {MONTHS_BACK} month order by month",
        [policy_id, month, month],
    ).fetchall()
    if not months or months[-1][0] != month:
        return Figures([], [], [], [], [], None, [])
    customers = connection.execute(
        f"select figures.customer_id, coalesce(customers.name, ''), {parts}"
        " from revenue.fct_mrr_by_customer_month as figures"
        " left join core.dim_customers as customers using (customer_id)"
        " where policy_id = ? and month = ? order by 1",
        [policy_id, month],
    ).fetchall()
    ages = ", ".join(
        f"max(case when months_since = {age} then net_retention end)"
        for age in range(COHORT_AGES + 1)
    )
    cohorts = connection.execute(
        "select cohort_month, max(customers_initial), max(mrr_initial),"
        " sum(case when cohort_month + to_months(cast(months_since as integer)) = ?"
        f" then mrr_active else 0 end), {ages}"
        " from retention.fct_retention_by_cohort_month"
        " where policy_id = ? and segment_type = 'all'"
        " and cohort_month + to_months(cast(months_since as integer)) <= ?"
        " group by cohort_month order by cohort_month",
        [month, policy_id, month],
    ).fetchall()
    reconciliation = connection.execute(
        "select customer_id, subscription_mrr, invoice_mrr, difference, reason,"
        " outstanding_opening, billed, credited, collected, refunded, conceded, written_off,"
        " outstanding from revenue.fct_mrr_invoice_reconciliation where month = ? order by 1",
        [month],
    ).fetchall()
    revenue = connection.execute(
        "select customer_id, deferred_opening, unbilled_opening, billed, earned, deferred_closing,"
        " unbilled_closing, credited, recognized"
        " from revenue.fct_recognized_revenue_by_month where month = ? order by 1",
        [month],
    ).fetchall()
    closed = connection.execute(
        "select close_id, closed_by, closed_at, release_n, content_hash, sum(closing_mrr)"
        " from revenue.fct_mrr_closed_periods where month = ? and policy_id = ? and is_in_force"
        " group by all",
        [month, policy_id],
    ).fetchone()
    restatements = connection.execute(
        "select close_id, release_n, customer_id, closed_mrr, difference, cause,"
        " array_to_string(source_ids, ', ')"
        " from revenue.fct_mrr_restatements where month = ? and policy_id = ? and is_in_force"
        " order by release_n, customer_id",
        [month, policy_id],
    ).fetchall()
    return Figures(months, customers, cohorts, reconciliation, revenue, closed, restatements)
