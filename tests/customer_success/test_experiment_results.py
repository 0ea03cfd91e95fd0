"""Experiments through the whole chain: raw rows in, a verdict out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from scipy import stats

from tests.customer_success.conftest import Ask
from tests.customer_success.experiments_company import changes


def result(ask: Ask, experiment: str, columns: str) -> tuple[Any, ...]:
    (row,) = ask(
        f"select {columns} from customer_success.fct_experiment_results"
        f" where experiment_id = '{experiment}'"
    )
    return row


def test_an_effect_on_mrr_by_hand(ask: Ask) -> None:
    target, control = changes()
    found = stats.ttest_ind(target, control, equal_var=False)
    interval = found.confidence_interval(0.95)
    effect = sum(target) / 35 - sum(control) / 35
    row = result(ask, "exp_price", "effect, effect_low, effect_high, p_value, control_after")
    expected = (effect, interval.low, interval.high, found.pvalue, 100 + 50 / 35)
    assert [float(value) for value in row] == pytest.approx(expected, abs=1e-6)
    row = result(
        ask, "exp_price", "result, result_reason, method, target_before, smallest_effect, unit"
    )
    assert row == (
        "target_better",
        "significant",
        "welch",
        Decimal("100.000000"),
        Decimal("5.000000"),
        "MRR in the reporting currency",
    )


def test_who_saw_both_variants_is_left_out_and_counted(ask: Ask) -> None:
    columns = (
        "assigned_accounts, contaminated_accounts, target_accounts, control_accounts,"
        " unmeasured_accounts, target_accounts_measured"
    )
    # 70, one in both, and two of one customer in one each; who came after the end is in neither.
    assert result(ask, "exp_price", columns) == (73, 3, 35, 35, 0, 35)


def test_who_is_kept_is_compared_as_shares(ask: Ask) -> None:
    columns = "target_after, control_after, effect, method, result, result_reason"
    row = result(ask, "exp_keep", columns)
    kept = Decimal("0.897436")  # 35 of 39
    assert row[:3] == (Decimal("1.000000"), kept, Decimal("0.102564"))
    assert row[3:] == ("agresti_caffo", "not_enough_data", "too_few_for_a_small_effect")


def test_groups_of_the_wrong_size_are_not_called(ask: Ask) -> None:
    # 60 and 10 where 35 and 35 were meant: 25² / 35 * 2 = 35.7.
    columns = "target_accounts, control_accounts, has_sample_ratio_mismatch, result, result_reason"
    row = result(ask, "exp_skewed", columns)
    assert row == (60, 10, True, "not_enough_data", "sample_ratio_mismatch")
    p_value = float(result(ask, "exp_skewed", "sample_ratio_p_value")[0])
    assert p_value == pytest.approx(stats.chi2(1).sf(2 * 25**2 / 35), abs=1e-6)


@pytest.mark.parametrize(
    ("experiment", "reason", "is_complete"),
    [
        ("exp_open", "still_running", False),
        ("exp_to_come", "still_running", False),
        ("exp_small", "too_few_accounts", True),
    ],
)
def test_what_cannot_be_said_yet_is_not_said(
    ask: Ask, experiment: str, reason: str, is_complete: bool
) -> None:
    columns = "result, result_reason, is_complete"
    assert result(ask, experiment, columns) == ("not_enough_data", reason, is_complete)
