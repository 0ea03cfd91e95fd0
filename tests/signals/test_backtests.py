"""Is it any good: counted again from the published rows, and by textbook formulas."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestration.analysis.foresight import area_under_curve, lift
from tests.signals.conftest import Query
from tests.signals.watched import LATER

MONTH_END = date(2025, 12, 31)
POOLED = "scope = 'pooled'"


def pooled(ask: Query, trigger: str) -> dict[str, Any]:
    names = ("alerts", "true_alerts", "lift", "lift_low", "not_informative")
    (row,) = ask(
        f"select {', '.join(names)} from customer_success.fct_trigger_backtest "
        f"where {POOLED} and trigger_key = '{trigger}'"
    )
    return dict(zip(names, row, strict=True))


def test_the_score_foresees_who_leaves_and_noise_does_not(later: Query) -> None:
    ((auc, low, not_informative),) = later(
        "select auc, auc_low, not_informative from customer_success.fct_health_backtest "
        f"where {POOLED} and kind = 'score'"
    )
    assert auc > Decimal("0.65")
    assert low > Decimal("0.55")
    assert not not_informative
    assert pooled(later, "usage_halved")["not_informative"] is False
    noise = pooled(later, "noise")
    assert noise["alerts"] > 50
    assert noise["not_informative"] is True
    # Opportunities foresee something else.
    assert pooled(later, "promoter")["not_informative"] is None


@pytest.mark.parametrize("trigger", ["usage_halved", "noise", "low_feature_breadth"])
def test_precision_and_recall_are_those_of_the_published_rows(later: Query, trigger: str) -> None:
    paying = {
        customer
        for (customer,) in later(
            "select customer_id from revenue.fct_mrr_by_customer_month where policy_id = "
            "'board_strict' and month = date '2025-12-01' and closing_mrr > 0"
        )
    }
    gone = {
        customer
        for customer, day in later("select customer_id, churn_date from retention.fct_churn_events")
        if MONTH_END < day <= MONTH_END + timedelta(days=90)
    }
    alerted = {
        customer
        for customer, fired, cleared in later(
            "select customer_id, fired_date, cleared_date from customer_success.fct_trigger_events "
            f"where trigger_key = '{trigger}'"
        )
        if fired <= MONTH_END
        and (fired > MONTH_END - timedelta(days=30) or cleared is None or cleared > MONTH_END)
    } & paying
    assert later(
        "select customers, churned_customers, alerts, true_alerts, churned_mrr, foreseen_mrr "
        "from customer_success.fct_trigger_backtest where scope = 'month' "
        f"and as_of_date = date '{MONTH_END}' and trigger_key = '{trigger}'"
    ) == [
        (
            len(paying), len(gone), len(alerted), len(alerted & gone),
            100 * len(gone), 100 * len(alerted & gone),
        )
    ]  # fmt: skip
    assert alerted & gone


def test_the_area_is_that_of_all_pairs(later: Query) -> None:
    day = date(2026, 1, 31)
    gone = {
        customer
        for customer, on in later("select customer_id, churn_date from retention.fct_churn_events")
        if day < on <= day + timedelta(days=90)
    }
    scores = dict(
        later(
            "select customer_id, score from customer_success.fct_health_scores "
            f"where as_of_date = date '{day}'"
        )
    )
    pairs = [
        (1 if score > worse else Decimal("0.5") if score == worse else 0)
        for customer, score in scores.items()
        if customer not in gone
        for leaver, worse in scores.items()
        if leaver in gone
    ]
    ((auc,),) = later(
        "select auc from customer_success.fct_health_backtest where scope = 'month' "
        f"and kind = 'score' and as_of_date = date '{day}'"
    )
    assert len(pairs) > 1000
    assert auc == round(Decimal(sum(pairs)) / len(pairs), 6)


def test_months_whose_time_is_not_over_are_not_judged(later: Query) -> None:
    ((last,),) = later("select max(as_of_date) from customer_success.fct_trigger_backtest")
    assert last == date(2026, 3, 31)
    assert last + timedelta(days=90) <= LATER


def test_every_tenth_is_there_and_they_add_up(later: Query) -> None:
    for scope, day, customers, churned in later(
        "select scope, as_of_date, sum(customers), sum(churned_customers) "
        "from customer_success.fct_health_calibration group by all"
    ):
        assert later(
            "select customers, churned_customers from customer_success.fct_health_backtest "
            f"where scope = '{scope}' and as_of_date = date '{day}' and kind = 'score'"
        ) == [(customers, churned)]


def test_lift_is_the_alerted_against_everybody() -> None:
    # 40 of 200 leave; of 50 that were alerted 30. 30/50 against 40/200.
    found = lift(50, 30, 200, 40)
    assert found.value == pytest.approx(3.0)
    # Clopper–Pearson of 30 in 50, from tables: 45.2 % to 73.6 %; over 20 %.
    assert found.low == pytest.approx(2.26, abs=0.005)
    assert found.high == pytest.approx(3.68, abs=0.005)
    # One alert that came true proves nothing: from 2.5 % of 5 % on.
    assert lift(1, 1, 2000, 100).low == pytest.approx(0.5)
    assert lift(0, 0, 200, 40).value is None
    assert lift(50, 0, 200, 0).value is None
    assert lift(200, 40, 200, 40).value == 1


def test_an_area_of_half_is_no_better_than_chance() -> None:
    same = area_under_curve([1, 2, 3], [10, 10, 10], [5, 5, 5])
    assert same.value == pytest.approx(0.5)
    assert same.low is not None
    assert same.low < 0.5
    apart = area_under_curve([1, 2], [0, 10], [10, 0])
    assert (apart.value, apart.low) == (1.0, None)
    assert area_under_curve([1.0], [5], [1]).value is None
