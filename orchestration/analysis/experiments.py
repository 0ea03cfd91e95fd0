"""Did an experiment do anything? Difference in differences, by statsmodels.

The rules are in docs/customer_success_rules.md 1. An estimate compares how much the target group's
KPI changed with how much the control group's did; accounts were drawn into the groups, so what is
left is the treatment and chance. The account is the unit: its days and answers hang together, so
they are one value before and one after, never many.

- `proportion_difference`: who is kept. Everyone pays before, so the change is the share still
  there. Agresti and Caffo (2000, The American Statistician 54): interval and test agree with each
  other and hold in small groups and near 1, where customers that stay are.
- `welch_difference`: KPIs that every account has before and after. Welch's test on the changes per
  account: the groups may differ in size and spread.
- `cell_difference`: KPIs that many accounts lack before or after (survey answers). Least squares on
  the values there are, target × after, errors clustered by account.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

Values = Sequence[float] | npt.NDArray[np.float64]


class TooFewAccountsError(ValueError):
    """There are not enough accounts for any estimate."""


@dataclass(frozen=True)
class Effect:
    """What the target group gained over the control group, in the KPI's unit.

    Attributes:
        estimate: difference in differences.
        low, high: interval at the level asked for; None where it cannot be said.
        p_value: two-sided, of no effect; None where it cannot be said.
        standard_error: of the estimate; None where it cannot be said.
        method: agresti_caffo, welch or clustered.
    """

    estimate: float
    low: float | None
    high: float | None
    p_value: float | None
    standard_error: float | None
    method: str


def proportion_difference(
    target_kept: int, target: int, control_kept: int, control: int, alpha: float = 0.05
) -> Effect:
    """Difference of the shares that were kept, by the interval and test of Agresti and Caffo.

    Raises:
        TooFewAccountsError: a group is empty.
        ValueError: more were kept than there are.
    """
    if min(target, control) < 1:
        raise TooFewAccountsError("both groups need accounts")
    if not (0 <= target_kept <= target and 0 <= control_kept <= control):
        raise ValueError("both groups keep some of their accounts, not more than they have")
    counts = (target_kept, target, control_kept, control)
    low, high = confint_proportions_2indep(
        *counts, method="agresti-caffo", compare="diff", alpha=alpha
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        # The library works out the ratio and the odds ratio too, which all or none have not.
        tested = test_proportions_2indep(*counts, method="agresti-caffo", compare="diff")
    return Effect(
        estimate=target_kept / target - control_kept / control,
        low=max(float(low), -1.0),
        high=min(float(high), 1.0),
        p_value=float(tested.pvalue),
        standard_error=float(np.sqrt(tested.variance)),
        method="agresti_caffo",
    )


def welch_difference(target: Values, control: Values, alpha: float = 0.05) -> Effect:
    """Difference of the mean changes per account, by Welch's unequal-variance t.

    Args:
        target: change (after less before) of each account of the target group.
        control: the same of the control group.
        alpha: one less the level of the interval.

    Raises:
        TooFewAccountsError: a group has fewer than two accounts.
    """
    if min(len(target), len(control)) < 2:
        raise TooFewAccountsError("both groups need two accounts: one alone has no spread")
    groups = [DescrStatsW(np.asarray(values, np.float64)) for values in (target, control)]
    estimate = float(groups[0].mean - groups[1].mean)
    if groups[0].var == 0 and groups[1].var == 0:
        # Nobody changed, or all of a group by the same: certain only where there is no difference.
        return Effect(estimate, None, None, 1.0 if estimate == 0 else None, 0.0, "welch")
    compared = CompareMeans(*groups)
    low, high = compared.tconfint_diff(alpha=alpha, usevar="unequal")
    _, p_value, _ = compared.ttest_ind(usevar="unequal")
    error = float(compared.std_meandiff_separatevar)
    return Effect(estimate, _known(low), _known(high), _known(p_value), error, "welch")


def cell_difference(
    before: Sequence[float | None],
    after: Sequence[float | None],
    is_target: Sequence[bool],
    alpha: float = 0.05,
) -> Effect:
    """Difference in differences where accounts may lack a value before or after.

    Args:
        before: value of each account before, or None.
        after: value of each account after, or None.
        is_target: whether it is of the target group.
        alpha: one less the level of the interval.

    Raises:
        TooFewAccountsError: a group has fewer than two values before or after.
    """
    cells = [
        (number, bool(target), is_after, float(value))
        for number, (first, last, target) in enumerate(zip(before, after, is_target, strict=True))
        for is_after, value in ((False, first), (True, last))
        if value is not None
    ]
    counts = [
        sum(1 for _, t, a, _ in cells if (t, a) == group)
        for group in ((False, False), (False, True), (True, False), (True, True))
    ]
    if min(counts) < 2:
        raise TooFewAccountsError("both groups need two values before and two after")
    target = np.array([t for _, t, _, _ in cells], np.float64)
    late = np.array([a for _, _, a, _ in cells], np.float64)
    values = np.array([v for *_, v in cells], np.float64)
    accounts = np.array([n for n, *_ in cells], np.int64)
    design = np.column_stack([np.ones(len(cells)), target, late, target * late])
    fitted: Any = OLS(values, design).fit(
        cov_type="cluster", cov_kwds={"groups": accounts}, use_t=True
    )
    estimate, error = float(fitted.params[3]), float(fitted.bse[3])
    if not error > 1e-12:
        certain = abs(estimate) < 1e-12
        return Effect(estimate, None, None, 1.0 if certain else None, 0.0, "clustered")
    low, high = fitted.conf_int(alpha=alpha)[3]
    return Effect(
        estimate, _known(low), _known(high), _known(fitted.pvalues[3]), error, "clustered"
    )


def sample_ratio_p_value(target: int, control: int, expected_target_share: float) -> float | None:
    """Chi-square test that the groups are as large as they were meant to be; None if untestable.

    A small value means that accounts went missing or were put into a group by something else than
    the draw, and that no comparison of the groups can be trusted.
    """
    total = target + control
    if total == 0 or not 0 < expected_target_share < 1:
        return None
    expected = [total * expected_target_share, total * (1 - expected_target_share)]
    return float(stats.chisquare([target, control], expected).pvalue)


def detectable_effect(standard_error: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The true effect that an estimate with this error would show with this chance (two-sided)."""
    return float((stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) * standard_error)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
