"""Kaplan–Meier survival of customer lifetimes, by lifelines (docs/retention_rules.md 6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from lifelines import KaplanMeierFitter

# lifelines multiplies in floating point: a survival of exactly one half may come out a hair above,
# and the median a step late. Twelve digits are far more than any count of customers can tell apart.
_DIGITS = 12


@dataclass(frozen=True)
class SurvivalPoint:
    """One day of life.

    Attributes:
        day: day of life; 0 is the first paid day.
        at_risk: lifetimes of at least this many days.
        churned: lifetimes that ended after exactly this many days.
        survival: estimated share of lifetimes longer than this, a fraction.
        low: low end of its 95 % interval (exponential Greenwood); None where it has none.
        high: high end.
    """

    day: int
    at_risk: int
    churned: int
    survival: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class SurvivalCurve:
    """The survival of one group of customers.

    Attributes:
        customers: lifetimes that the curve is made of.
        points: day 0, each day on which a lifetime ended, and the last observed day.
        median_days: first day with survival of at most one half; None where it is not reached.
        median_low, median_high: its 95 % interval, from the curve's bounds; None where not reached.
    """

    customers: int
    points: tuple[SurvivalPoint, ...]
    median_days: int | None
    median_low: int | None
    median_high: int | None

    def survival_at(self, day: int) -> float:
        """Estimated survival on a day of life: that of the last point not after it."""
        return [point.survival for point in self.points if point.day <= day][-1]


def kaplan_meier(
    days: Sequence[int], is_ended: Sequence[bool], lifetimes: Sequence[int]
) -> SurvivalCurve:
    """Fit a survival curve to counted lifetimes.

    Args:
        days: length of the lifetimes in days, one entry per kind of lifetime.
        is_ended: whether they ended then; False: still going on (censored).
        lifetimes: how many there are of the kind.

    Raises:
        ValueError: the three differ in length, there is no lifetime, or a value is negative.
    """
    if not len(days) == len(is_ended) == len(lifetimes):
        raise ValueError("days, is_ended and lifetimes must have one entry per kind of lifetime")
    if sum(lifetimes) <= 0 or min(days) < 0 or min(lifetimes) < 0:
        raise ValueError("a survival curve needs at least one lifetime, of 0 or more days")
    fitter = KaplanMeierFitter()
    fitter.fit(
        np.asarray(days, np.int64),
        np.asarray(is_ended, bool),
        weights=np.asarray(lifetimes, np.int64),
    )
    timeline = fitter.event_table.index.to_numpy(np.int64)
    at_risk = fitter.event_table["at_risk"].to_numpy(np.int64)
    churned = fitter.event_table["observed"].to_numpy(np.int64)
    survival = _rounded(fitter.survival_function_.iloc[:, 0].to_numpy(np.float64))
    low = _rounded(fitter.confidence_interval_.iloc[:, 0].to_numpy(np.float64))
    high = _rounded(fitter.confidence_interval_.iloc[:, 1].to_numpy(np.float64))
    last = len(timeline) - 1
    return SurvivalCurve(
        customers=int(sum(lifetimes)),
        points=tuple(
            SurvivalPoint(
                day=int(timeline[i]),
                at_risk=int(at_risk[i]),
                churned=int(churned[i]),
                survival=float(survival[i]),
                low=_known(low[i]),
                high=_known(high[i]),
            )
            for i in range(len(timeline))
            if i in (0, last) or churned[i] > 0
        ),
        median_days=_first_at_most_half(timeline, survival),
        median_low=_first_at_most_half(timeline, low),
        median_high=_first_at_most_half(timeline, high),
    )


def _rounded(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.round(values, _DIGITS)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _first_at_most_half(
    timeline: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> int | None:
    reached = np.flatnonzero(values <= 0.5)
    return int(timeline[reached[0]]) if len(reached) else None
