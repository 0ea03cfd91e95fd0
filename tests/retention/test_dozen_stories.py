"""Cohorts, survival, churn and what surrounds it, by hand for the company of `dozen.py`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.retention.conftest import Query
from tests.retention.test_dozen_periods import fraction

STRICT = "policy_id = 'board_strict'"
ALL = f"{STRICT} and segment_type = 'all'"


def cohort(ask: Query, month: date, age: int) -> tuple[Any, ...]:
    (found,) = ask(
        "select customers_initial, customers_active, customers_never_lost, mrr_initial, "
        "mrr_active, gross_mrr_active, net_retention, gross_retention "
        f"from retention.fct_retention_by_cohort_month where {ALL} "
        f"and cohort_month = date '{month}' and months_since = {age}"
    )
    return found


def test_a_customer_that_came_back_is_active_but_was_lost(dozen_marts: Query) -> None:
    # F, ten months on: away for 17 days, back at 90 of 120.
    assert cohort(dozen_marts, date(2021, 5, 1), 9) == (1, 1, 1, 120, 120, 120, 1, 1)
    assert cohort(dozen_marts, date(2021, 5, 1), 10) == (
        1, 1, 0, 120, 90, 90, Decimal("0.75"), Decimal("0.75")
    )  # fmt: skip
    # G: away at age 5, back at age 9 with more than it began with, which gross does not count.
    assert cohort(dozen_marts, date(2021, 6, 1), 5) == (1, 0, 0, 60, 0, 0, 0, 0)
    assert cohort(dozen_marts, date(2021, 6, 1), 9) == (1, 1, 0, 60, 70, 60, fraction(7, 6), 1)


@pytest.mark.fault("I10")
def test_who_leaves_in_the_first_month_stays_in_its_cohort(dozen_marts: Query) -> None:
    # H left in the month it came; K's cohort began with nothing, so its revenue cannot be said.
    assert cohort(dozen_marts, date(2022, 3, 1), 0) == (2, 1, 1, 110, 110, 110, 1, 1)
    assert cohort(dozen_marts, date(2022, 2, 1), 3) == (1, 0, 0, 0, 0, 0, None, None)


def test_the_curve_takes_cohorts_old_enough(dozen_marts: Query) -> None:
    curve = {
        age: rest
        for age, *rest in dozen_marts(
            "select months_since, cohorts, customers_initial, customers_active, logo_retention "
            f"from retention.fct_retention_curve where {ALL}"
        )
    }
    # Ten of the twelve are there after a month: H and K are not.
    assert curve[1] == [9, 12, 10, fraction(10, 12)]
    # In April 2023 only A and B are 27 months old; May 2023 is not over.
    assert curve[27] == [1, 2, 2, 1]
    assert max(curve) == 27


def test_survival_of_the_dozen(dozen_marts: Query) -> None:
    # Lives that ended: K 19 days, H 25, J 120, E 379, D 395. F and G came back: they go on.
    # The others are watched to 16 May 2023; I, the youngest, for 427 days, A and B for 856.
    assert dozen_marts(
        "select day_of_life, at_risk, churned, survival, median_lifetime_days "
        f"from retention.fct_survival_by_segment where {ALL} order by day_of_life"
    ) == [
        (0, 12, 0, 1, None),
        (19, 12, 1, fraction(11, 12), None),
        (25, 11, 1, fraction(10, 12), None),
        (120, 10, 1, fraction(9, 12), None),
        (379, 9, 1, fraction(8, 12), None),
        (395, 8, 1, fraction(7, 12), None),
        (856, 2, 0, fraction(7, 12), None),
    ]


def test_post_mortems(dozen_marts: Query) -> None:
    # The owner of all accounts changed on 8 March 2022, a risk trigger for those in service that
    # day (not F, which left on it): H and D left within 23 days of it, J after 63. A payment of E
    # had failed a week before it, one of D two days after it; J's card was to expire that month.
    assert dozen_marts(
        "select customer_id, churn_date, churn_type, churn_reason, churn_feedback, mrr_lost, "
        "tenure_days, returned_at, days_away, plan, owner_id, triggers_fired_count, "
        "days_of_warning "
        f"from retention.fct_churn_events where {STRICT} order by churn_date"
    ) == [
        ("G", date(2021, 11, 10), "voluntary", "cancellation_requested", None, 60, 162,
         date(2022, 3, 12), 122, "Team", "csm_1", 0, None),
        ("K", date(2022, 2, 20), "voluntary", "cancellation_requested", None, 30, 19,
         None, None, "Team", "csm_1", 0, None),
        ("F", date(2022, 3, 8), "voluntary", "cancellation_requested", None, 120, 311,
         date(2022, 3, 25), 17, "Team", "csm_2", 0, None),
        ("E", date(2022, 3, 15), "involuntary", "payment_failed", None, 80, 379,
         None, None, "Team", "csm_2", 2, 14),
        ("H", date(2022, 3, 28), "voluntary", "cancellation_requested", None, 40, 25,
         None, None, "Team", "csm_2", 1, 20),
        ("D", date(2022, 3, 31), "voluntary", "cancellation_requested", "too_expensive", 50, 395,
         None, None, "Team", "csm_2", 2, 23),
        ("J", date(2022, 5, 10), "voluntary", "cancellation_requested", None, 500, 120,
         None, None, "Pro", "csm_2", 2, 70),
    ]  # fmt: skip


def test_churn_by_reason_and_feedback(dozen_marts: Query) -> None:
    assert dozen_marts(
        "select churn_type, churn_reason, churned_customers, mrr_lost, share_of_customers, "
        "share_of_mrr, returned_customers from retention.fct_churn_by_reason "
        f"where {STRICT} and month = date '2022-03-01' order by churn_type"
    ) == [
        ("involuntary", "payment_failed", 1, 80, fraction(1, 4), fraction(80, 290), 0),
        ("voluntary", "cancellation_requested", 3, 210, fraction(3, 4), fraction(210, 290), 1),
    ]
    assert dozen_marts(
        "select churn_feedback, churned_customers, mrr_lost from retention.fct_churn_by_feedback "
        f"where {STRICT} and month = date '2022-03-01' order by churn_feedback"
    ) == [("none", 3, 240), ("too_expensive", 1, 50)]


def test_sources_of_churn_contradict_and_billing_decides(dozen_marts: Query) -> None:
    # Not there: F said so before it came back, C still has a user.
    assert dozen_marts(
        "select customer_id, said_by, is_churned, billing_churned_at, crm_churned_at, "
        "crm_evidence, product_churned_at, product_evidence, product_days_after_billing "
        "from retention.fct_churn_sources_by_customer order by customer_id"
    ) == [
        ("A", "crm_only", False, None, date(2022, 4, 1), "lead_lost_after_winning", None, None,
         None),
        ("B", "crm_and_product", False, None, date(2022, 6, 12), "all_contacts_left",
         date(2022, 6, 1), "account_closed", None),
        ("D", "billing_and_product", True, date(2022, 3, 31), None, None,
         date(2022, 3, 10), "all_users_deactivated", -21),
        ("E", "billing_only", True, date(2022, 3, 15), None, None, None, None, None),
        ("H", "billing_only", True, date(2022, 3, 28), None, None, None, None, None),
        ("J", "billing_only", True, date(2022, 5, 10), None, None, None, None, None),
        ("K", "billing_only", True, date(2022, 2, 20), None, None, None, None, None),
    ]  # fmt: skip


CARDS = (
    "select is_ahead, cards_on_file, cards_expiring, customers_with_cards, customers_affected, "
    "mrr_on_cards, mrr_on_expiring_cards, customers_renewed, mrr_renewed "
    f"from retention.fct_expiring_cards_by_month where {STRICT} and month = date "
)


def test_cards_that_expire(dozen_marts: Query) -> None:
    # On file: A1 B1 B2 C1 D1 F1 F2 J1. A, B, C, J pay by one that ends; A and B have another.
    assert dozen_marts(CARDS + "'2022-03-01'") == [(False, 8, 5, 6, 4, 1270, 1100, 2, 300)]


def test_cards_that_will_expire(dozen_marts: Query) -> None:
    # Seen from the as-of date: A2 lasts, B2 is all B has, F2 is F's default; D does not pay.
    assert dozen_marts(CARDS + "'2023-08-01'") == [(True, 3, 2, 3, 2, 470, 340, None, None)]
    assert dozen_marts(
        f"select max(month) from retention.fct_expiring_cards_by_month where {STRICT}"
    ) == [(date(2024, 5, 1),)]


def test_failed_payments_and_what_was_recovered(dozen_marts: Query) -> None:
    # A after 7 days, L outside the payments after 2; E written off, D gone; C open.
    # C's MRR was 180 when it failed.
    assert dozen_marts(
        "select failed_invoices, retried_invoices, recovered_invoices, open_invoices, "
        "lost_invoices, failed_amount, recovered_amount, open_amount, lost_amount, "
        "recovery_rate, median_days_to_recover, mrr_at_risk, recovered_mrr, open_mrr, lost_mrr "
        f"from retention.fct_dunning_funnel_by_month where {STRICT}"
    ) == [
        (5, 2, 2, 1, 2, 550, 120, 300, 130, fraction(2, 5), Decimal("4.5"), 430, 120, 180, 130)
    ]  # fmt: skip


def test_goals(dozen_marts: Query) -> None:
    status = {
        month: rest
        for month, *rest in dozen_marts(
            "select period_start, status, is_beyond_chance, owner "
            "from customer_success.fct_target_status where target_key = 'logo_churn_month'"
        )
    }
    # Lost 2 of 8 in March 2022: the interval begins at 7 %, above the 5 % that are acceptable.
    assert status[date(2022, 3, 1)] == ["alarm", True, "customer_success"]
    # Lost 1 of 8 in May 2022: outside too, but that may be chance.
    assert status[date(2022, 5, 1)] == ["alarm", False, "customer_success"]
    assert status[date(2022, 6, 1)] == ["on_target", None, "customer_success"]
    assert status[date(2021, 1, 1)] == ["no_value", None, "customer_success"]


def test_short_of_the_goal_is_no_alarm_while_acceptable(dozen_marts: Query) -> None:
    # Kept 5 of 7 in 2022: under the acceptable 76 %.
    assert dozen_marts(
        "select status, value from customer_success.fct_target_status "
        "where target_key = 'customer_retention_year' and period_start = date '2022-01-01'"
    ) == [("alarm", fraction(5, 7))]
    # Quick ratio of February 2022: (30 + 100) / (50 + 30), between 1 and the goal of 4.
    assert dozen_marts(
        "select status, value from customer_success.fct_target_status "
        "where target_key = 'quick_ratio_month' and period_start = date '2022-02-01'"
    ) == [("off_target", fraction(130, 80))]


@pytest.mark.parametrize(
    ("benchmark", "own", "verdict"),
    [
        # Two years and four months old; nobody left in April 2023.
        ("churn_under_3_years", Decimal(0), "better"),
        ("churn_over_10_years", Decimal(0), "not_applicable"),
        ("churn_under_10", fraction(2, 7), "worse"),
        # 0.05 / (0.95 - 5/7) = 0.212121
        ("revenue_of_retention", Decimal("0.212121"), "worse"),
        # A B C D E F G L turned one in 2022; D and E were gone at the end of that month.
        ("retention_saas", fraction(6, 8), "within"),
        ("retention_elsewhere", fraction(6, 8), "not_applicable"),
        ("cost_of_winning", None, "no_own_value"),
        ("selling_to_prospects", None, "no_own_value"),
        # Of A B C D E F L, B and L bought more.
        ("selling_to_customers", fraction(2, 7), "worse"),
    ],
)
def test_benchmarks(dozen_marts: Query, benchmark: str, own: Decimal | None, verdict: str) -> None:
    assert dozen_marts(
        "select own_value, verdict from retention.fct_benchmark_comparison "
        f"where benchmark_key = '{benchmark}'"
    ) == [(own, verdict)]


def test_every_metric_has_an_owner(dozen_marts: Query) -> None:
    assert dozen_marts(
        "select count(*) from customer_success.fct_target_status where owner is null"
    ) == [(0,)]
