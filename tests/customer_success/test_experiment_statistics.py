"""Experiments: by hand, at their edges, and against effects that are known to be there."""

from __future__ import annotations

from datetime import date
from math import sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from orchestration.analysis.experiment_table import SCHEMA, experiment_statistics
from orchestration.analysis.experiments import (
    Effect,
    cell_difference,
    detectable_effect,
    proportion_difference,
    sample_ratio_p_value,
    welch_difference,
)
from simulation.config import SimulationConfig
from simulation.experiments import EXPERIMENTS
from tests.customer_success.simulated_experiments import KEYS, Groups, simulated_groups

SEEDS = 200
#: The null that is simulated, and effects that are: exp_footer does nothing.
NULL_EXPERIMENT = "exp_footer"


def test_changes_by_hand() -> None:
    # Changes 2 4 6 8 (mean 5, variance 20/3) against 1 1 3 3 (mean 2, variance 4/3): the error is
    # sqrt(20/12 + 4/12) = sqrt 2, its degrees of freedom 2² / ((5/3)²/3 + (1/3)²/3) = 108/26.
    found = welch_difference([2, 4, 6, 8], [1, 1, 3, 3])
    student = stats.t(108 / 26)
    assert found.estimate == pytest.approx(3)
    assert found.standard_error == pytest.approx(sqrt(2))
    assert found.p_value == pytest.approx(2 * student.sf(3 / sqrt(2)))
    assert found.low == pytest.approx(3 - student.ppf(0.975) * sqrt(2))
    assert found.high == pytest.approx(3 + student.ppf(0.975) * sqrt(2))


def test_shares_by_hand() -> None:
    # 56 of 70 against 48 of 80, one kept and one lost added to each: 57/72 and 49/82.
    found = proportion_difference(56, 70, 48, 80)
    one, other = 57 / 72, 49 / 82
    error = sqrt(one * (1 - one) / 72 + other * (1 - other) / 82)
    z = stats.norm.ppf(0.975)
    assert found.estimate == pytest.approx(0.2)
    assert found.standard_error == pytest.approx(error)
    assert found.low == pytest.approx(one - other - z * error)
    assert found.high == pytest.approx(one - other + z * error)
    assert found.p_value == pytest.approx(2 * stats.norm.sf((one - other) / error))


@pytest.mark.parametrize("kept", [9, 0])
def test_shares_that_are_all_or_none_are_no_difference(kept: int) -> None:
    found = proportion_difference(kept, 9, kept, 9)
    assert (found.estimate, found.p_value) == (0.0, 1.0)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high


def test_answers_by_hand() -> None:
    # Changes 3 and 4 against 1 and 0. Clustered errors: sums of squares 0.5 per group over 2²,
    # times 4/3 for four accounts and 7/4 for eight values and four coefficients.
    found = cell_difference([1, 2, 1, 3], [4, 6, 2, 3], [True, True, False, False])
    error = sqrt((0.5 / 4 + 0.5 / 4) * 4 / 3 * 7 / 4)
    assert found.estimate == pytest.approx(3)
    assert found.standard_error == pytest.approx(error)
    assert found.low == pytest.approx(3 - stats.t(3).ppf(0.975) * error)
    assert found.p_value == pytest.approx(2 * stats.t(3).sf(3 / error))


def test_answers_may_be_missing_before_or_after() -> None:
    # Means: target 2 -> 6, control 1 -> 2, whoever answered when.
    found = cell_difference(
        [1, 3, None, None, 0, 2, None, None],
        [None, None, 5, 7, None, None, 2, 2],
        [True] * 4 + [False] * 4,
    )
    assert found.estimate == pytest.approx(3)


def test_group_sizes_by_hand() -> None:
    # (60 - 50)² / 50 + (40 - 50)² / 50 = 4, one degree of freedom.
    assert sample_ratio_p_value(60, 40, 0.5) == pytest.approx(stats.chi2(1).sf(4))
    assert sample_ratio_p_value(80, 20, 0.8) == pytest.approx(1)
    assert sample_ratio_p_value(0, 0, 0.5) is None
    assert sample_ratio_p_value(3, 3, 1.0) is None


def test_the_detectable_effect_by_hand() -> None:
    assert detectable_effect(2.0, 0.05, 0.8) == pytest.approx((1.959964 + 0.841621) * 2, rel=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: welch_difference([1], [1, 2]),
        lambda: proportion_difference(1, 0, 1, 3),
        lambda: cell_difference([1, 1, 1, 1], [None, 2, 2, 2], [True, True, False, False]),
    ],
)
def test_too_little_to_compare_is_refused(call: Any) -> None:
    with pytest.raises(ValueError, match="both groups"):
        call()


def test_without_spread_only_no_difference_is_certain() -> None:
    assert welch_difference([0, 0], [0, 0]).p_value == 1.0
    found = welch_difference([1, 1], [0, 0])
    assert (found.estimate, found.p_value, found.low) == (1.0, None, None)


def rules(**changed: Any) -> pa.Table:
    rule = {"smallest_effect": 1.0, "is_relative": False, "significance_level": 0.05, "power": 0.8}
    kpis = ("mrr", "logo_retention", "active_days", "nps")
    return pa.Table.from_pylist([{"kpi": kpi, **rule, **changed} for kpi in kpis])


def accounts(
    experiment: str,
    target: list[tuple[Any, Any]],
    control: list[tuple[Any, Any]],
    seen: bool = True,
) -> list[dict[str, Any]]:
    return [
        {
            "experiment_id": experiment,
            "account_id": f"{variant}_{number}",
            "variant": variant,
            "is_observed": seen,
            "before_value": before,
            "after_value": after,
        }
        for variant, values in (("target", target), ("control", control))
        for number, (before, after) in enumerate(values)
    ]


def statistics(
    kpi: str, rows: list[dict[str, Any]], share: float | None = 0.5, **rule: Any
) -> dict[str, Any]:
    schema = pa.schema(
        [("experiment_id", pa.string()), ("account_id", pa.string()), ("variant", pa.string()),
         ("is_observed", pa.bool_()), ("before_value", pa.float64()),
         ("after_value", pa.float64())]
    )  # fmt: skip
    table = experiment_statistics(
        pa.Table.from_pylist(rows, schema),
        pa.Table.from_pylist([{"experiment_id": "e", "kpi": kpi, "expected_target_share": share}]),
        rules(**rule),
    )
    assert table.schema == SCHEMA
    (row,) = table.to_pylist()
    return dict(row)


def test_the_table_says_means_effect_and_what_it_takes() -> None:
    rows = accounts(
        "e", [(10, 12), (10, 14), (10, 16), (10, 18)], [(8, 9), (8, 9), (8, 11), (8, 11)]
    )
    row = statistics("mrr", rows, is_relative=True, smallest_effect=0.5)
    means = (row["target_before"], row["target_after"], row["control_before"], row["control_after"])
    assert means == (10, 15, 8, 10)
    assert (row["effect"], row["method"]) == (3, "welch")
    # Half of the control group's 8 before; an error of sqrt 2 shows 2.8016 times as much.
    assert row["smallest_effect"] == 4
    assert row["detectable_effect"] == pytest.approx(2.801585 * sqrt(2), rel=1e-5)
    assert row["required_accounts"] == 4  # 4 accounts * (3.962 / 4)² = 3.92
    # The order of the rows means nothing.
    again = statistics("mrr", rows[::-1], is_relative=True, smallest_effect=0.5)
    assert again == row


def test_who_did_not_pay_at_the_start_cannot_be_kept() -> None:
    kept = [(1, 1)] * 8 + [(1, 0)] * 2 + [(0, 1)] * 5
    row = statistics("logo_retention", accounts("e", kept, [(1, 1)] * 5 + [(1, 0)] * 5))
    assert (row["target_measured"], row["control_measured"]) == (10, 10)
    assert row["effect"] == pytest.approx(0.3)
    # The groups' sizes are tested as they were drawn, not as they were measured: 15 against 10.
    assert row["sample_ratio_p_value"] == pytest.approx(stats.chi2(1).sf(1.0))


def test_accounts_whose_time_is_not_over_are_not_measured() -> None:
    row = statistics("mrr", accounts("e", [(1, None)] * 3, [(1, None)] * 3, seen=False))
    assert (row["target_measured"], row["effect"], row["p_value"]) == (0, None, None)


def test_an_experiment_without_accounts_is_there_and_says_nothing() -> None:
    row = statistics("mrr", [], share=None)
    assert (row["target_measured"], row["effect"], row["sample_ratio_p_value"]) == (0, None, None)


@pytest.fixture(scope="module")
def companies() -> dict[str, list[Groups]]:
    """The experiments of 200 simulated companies."""
    drawn = [
        simulated_groups(SimulationConfig(900, 12, seed, date(2026, 10, 31)))
        for seed in range(1, SEEDS + 1)
    ]
    return {key: [company[key] for company in drawn] for key in KEYS}


def effect_of(key: str, groups: Groups) -> Effect:
    (kpi,) = (experiment.kpi for experiment in EXPERIMENTS if experiment.key == key)
    target, before, after = groups.is_target, groups.before, groups.after
    if kpi == "logo_retention":
        return proportion_difference(
            int(after[target].sum()), int(target.sum()),
            int(after[~target].sum()), int((~target).sum()),
        )  # fmt: skip
    if kpi == "nps":
        cells = [[None if np.isnan(v) else float(v) for v in values] for values in (before, after)]
        return cell_difference(cells[0], cells[1], [bool(t) for t in target])
    change = after - before
    return welch_difference(change[target], change[~target])


def true_effect(groups: list[Groups]) -> float:
    """What the treatment does on average: over all companies together chance has no say.

    200 companies leave a fourteenth of one company's error.
    """
    target = np.concatenate([group.is_target for group in groups])
    change = {}
    for chosen in (True, False):
        before, after = (
            np.nanmean(np.concatenate([getattr(group, name) for group in groups])[target == chosen])
            for name in ("before", "after")
        )
        change[chosen] = after - before
    return float(change[True] - change[False])


def within_chance(count: int, share: float) -> bool:
    """Whether a share shows so many out of all seeds, but for one time in a thousand."""
    low, high = stats.binom.ppf([0.0005, 0.9995], SEEDS, share)
    return bool(low <= count <= high)


@pytest.mark.parametrize("key", KEYS)
def test_the_interval_covers_the_truth_in_95_of_100(
    companies: dict[str, list[Groups]], key: str
) -> None:
    truth = 0.0 if key == NULL_EXPERIMENT else true_effect(companies[key])
    found = [effect_of(key, groups) for groups in companies[key]]
    covered = sum(f.low is not None and f.low <= truth <= (f.high or 0) for f in found)
    assert within_chance(covered, 0.95), f"{key}: {covered} of {SEEDS} cover {truth:.4f}"


def test_an_effect_that_is_not_there_is_called_in_5_of_100(
    companies: dict[str, list[Groups]],
) -> None:
    called = sum(
        (effect_of(NULL_EXPERIMENT, groups).p_value or 0) < 0.05
        for groups in companies[NULL_EXPERIMENT]
    )
    assert within_chance(called, 0.05), f"{called} of {SEEDS}"


@pytest.mark.parametrize("key", [key for key in KEYS if key != NULL_EXPERIMENT])
def test_drawing_the_groups_anew_leaves_nothing_to_call(
    companies: dict[str, list[Groups]], key: str
) -> None:
    # Real values, groups that mean nothing: every method must call 5 of 100, not only the null's.
    rng = np.random.Generator(np.random.PCG64(1))
    called = 0
    for groups in companies[key]:
        shuffled = rng.permutation(groups.is_target)
        found = effect_of(key, Groups(shuffled, groups.before, groups.after))
        called += (found.p_value or 0) < 0.05
    assert within_chance(called, 0.05), f"{key}: {called} of {SEEDS}"


@pytest.mark.parametrize("key", [key for key in KEYS if key != NULL_EXPERIMENT])
def test_what_truly_works_shows_up_as_better(companies: dict[str, list[Groups]], key: str) -> None:
    found = [effect_of(key, groups) for groups in companies[key]]
    estimates = [f.estimate for f in found]
    assert stats.ttest_1samp(estimates, 0, alternative="greater").pvalue < 0.001
    # It is called for what it is, more often than chance's 5 of 200, and seldom as worse.
    called = [f for f in found if f.p_value is not None and f.p_value < 0.05]
    better = sum(f.estimate > 0 for f in called)
    assert better > 5
    assert len(called) - better <= 5
