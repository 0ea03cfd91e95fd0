"""The shifted-beta-geometric model of customer lifetimes in a contractual setting.

Each customer leaves at the end of every period with a chance of its own; the chances are
beta-distributed over customers. P. Fader, B. Hardie: "How to Project Customer Retention",
Journal of Interactive Marketing 21 (2007); residual lifetimes: "Customer-Base Valuation in a
Contractual Setting", Marketing Science 29 (2010).

Instead of alpha and beta the fit works with the mean chance of leaving in the first period,
m = alpha / (alpha + beta), and the polarization p = 1 / (alpha + beta): the chance of leaving in
period k of those who are still there is m / (1 + (k - 1) p). With p = 0 all customers are alike
(the geometric model), which alpha and beta can only reach at infinity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: After so many further periods the chance of leaving is taken to stay as it is.
HORIZON = 1_200
_LEAST_CHURN = 1e-9
# Halvings of an interval of length 1 down to 1e-12.
_HALVINGS = 40
# Polarizations that are looked at; between them the fit is refined.
_GRID = np.concatenate([[0.0], np.geomspace(1e-3, 50.0, 24)])
# Half the 0.95 quantile of chi-squared with one degree of freedom.
_DROP_95 = 1.920729410347062


@dataclass(frozen=True)
class SbgFit:
    """A fitted model.

    Attributes:
        mean_churn: chance of leaving in the first period, a fraction.
        polarization: 1 / (alpha + beta); 0: customers do not differ.
        log_likelihood: of the counts, natural logarithm.
    """

    mean_churn: float
    polarization: float
    log_likelihood: float

    @property
    def alpha(self) -> float | None:
        """First parameter of the beta distribution; None where customers do not differ."""
        return self.mean_churn / self.polarization if self.polarization > 0 else None

    @property
    def beta(self) -> float | None:
        """Second parameter of the beta distribution; None where customers do not differ."""
        return (1 - self.mean_churn) / self.polarization if self.polarization > 0 else None


def survival(mean_churn: float, polarization: float, periods: int) -> Floats:
    """Share of customers that are there after period 0 … periods; shape (periods + 1,)."""
    kept = 1 - mean_churn / (1 + np.arange(periods) * polarization)
    return np.concatenate([[1.0], np.cumprod(kept)])


def residual_lifetimes(
    mean_churn: Floats, polarization: Floats, discount_rate: float, ages: int
) -> Floats:
    """Discounted expected number of further renewals of a customer of age 0 … ages.

    The renewal at the end of the running period counts 1 / (1 + d) of itself, the next one
    1 / (1 + d)^2, and so on; Fader and Hardie's DERL is (1 + d) times it.

    Args:
        mean_churn: chance of leaving in the first period; shape (models,).
        polarization: 1 / (alpha + beta); shape (models,).
        discount_rate: per period, 0 or more.
        ages: greatest number of completed periods.

    Returns:
        Shape (models, ages + 1), in periods.
    """
    factor = 1 / (1 + discount_rate)
    last = ages + HORIZON
    kept = factor * (1 - mean_churn / (1 + last * polarization))
    rest = kept / (1 - kept)
    result = np.empty((len(mean_churn), ages + 1))
    for age in range(last - 1, -1, -1):
        rest = factor * (1 - mean_churn / (1 + age * polarization)) * (1 + rest)
        if age <= ages:
            result[:, age] = rest
    return result


def at_risk(lost: Floats, kept: Floats) -> Floats:
    """Customers that were seen through period 1 …; of each last period, lost and kept (censored).

    Args:
        lost: customers that left in period 1 …
        kept: customers last seen, still there, after period 1 …

    Returns:
        Customers at risk of leaving in period 1 …, same shape.
    """
    result: Floats = np.cumsum((lost + kept)[::-1])[::-1]
    return result


def log_likelihood(mean_churn: Floats, polarization: Floats, risk: Floats, lost: Floats) -> Floats:
    """Log-likelihood of `lost` out of `risk` customers in period 1 …; shape (models,)."""
    spread = 1 + np.arange(len(risk)) * polarization[:, None]
    chance = np.clip(mean_churn[:, None] / spread, 1e-300, 1 - 1e-15)
    result: Floats = np.log(chance) @ lost + np.log1p(-chance) @ (risk - lost)
    return result


def fit(risk: Floats, lost: Floats) -> SbgFit:
    """Maximum-likelihood fit to customers at risk and lost in period 1 … (cohorts are added up).

    Raises:
        ValueError: nobody was at risk or nobody was lost, so nothing can be said.
    """
    if not len(risk) or risk[0] <= 0 or lost.sum() <= 0:
        raise ValueError("a lifetime can only be fitted where customers were at risk and lost")

    def profile(polarization: float) -> tuple[float, float]:
        churn = _best_churn(polarization, risk, lost)
        point = np.array([churn]), np.array([polarization])
        return float(log_likelihood(*point, risk, lost)[0]), churn

    grid = _polarizations(risk)
    heights = log_likelihood(_best_churns(grid, risk, lost), grid, risk, lost)
    best = int(np.argmax(heights))
    polarization = float(grid[best])
    if len(grid) > 1:
        found = minimize_scalar(
            lambda value: -profile(float(value))[0],
            bounds=(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]),
            method="bounded",
            options={"xatol": 1e-10},
        )
        # At the edge of the grid the search cannot reach the edge itself.
        if -float(found.fun) > heights[best]:
            polarization = float(found.x)
    height, churn = profile(polarization)
    return SbgFit(churn, polarization, height)


def likely_models(risk: Floats, lost: Floats, fitted: SbgFit) -> tuple[Floats, Floats]:
    """The edge of the 95 % likelihood region, at the polarizations of a grid and of the fit.

    What is greatest and least on it of a quantity that falls with churn is that quantity's
    profile-likelihood interval.

    Returns:
        mean_churn and polarization of the models on the edge, each of shape (models,).
    """
    floor = fitted.log_likelihood - _DROP_95
    polarization = np.append(_polarizations(risk), fitted.polarization)
    best = _best_churns(polarization, risk, lost)
    inside = log_likelihood(best, polarization, risk, lost) > floor
    polarization, best = polarization[inside], best[inside]

    def is_likely(churn: Floats) -> Bools:
        result: Bools = log_likelihood(churn, polarization, risk, lost) > floor
        return result

    # Where all or hardly any customers are lost, the region reaches the last chance of churn.
    low, _ = _bisected(is_likely, best, np.full_like(best, _LEAST_CHURN))
    high, _ = _bisected(is_likely, best, np.full_like(best, 1 - _LEAST_CHURN))
    return np.concatenate([low, high]), np.concatenate([polarization, polarization])


def _polarizations(risk: Floats) -> Floats:
    """One period says nothing about how customers differ."""
    result: Floats = _GRID if np.count_nonzero(risk) > 1 else _GRID[:1]
    return result


def _best_churn(polarization: float, risk: Floats, lost: Floats) -> float:
    """The most likely mean churn: where the slope of the likelihood, which only falls, is 0."""
    spread = 1 + np.arange(len(risk)) * polarization
    kept, total = risk - lost, float(lost.sum())

    def slope(churn: float) -> float:
        return total / churn - float((1 / (spread - churn)) @ kept)

    if slope(1 - _LEAST_CHURN) >= 0:
        return 1 - _LEAST_CHURN
    return float(brentq(slope, _LEAST_CHURN, 1 - _LEAST_CHURN, xtol=1e-15))


def _best_churns(polarization: Floats, risk: Floats, lost: Floats) -> Floats:
    """The same for many polarizations at once, a little less exactly."""
    spread = 1 + np.arange(len(risk)) * polarization[:, None]
    kept, total = risk - lost, lost.sum()

    def is_rising(churn: Floats) -> Bools:
        result: Bools = total / churn > (1 / (spread - churn[:, None])) @ kept
        return result

    shape = polarization.shape
    rising, falling = _bisected(
        is_rising, np.full(shape, _LEAST_CHURN), np.full(shape, 1 - _LEAST_CHURN)
    )
    return (rising + falling) / 2


def _bisected(
    holds: Callable[[Floats], Bools], inside: Floats, outside: Floats
) -> tuple[Floats, Floats]:
    """The last points where a condition holds between points where it does and does not.

    Returns:
        The points on both sides of the change, next to one another; where the condition holds at
        `outside` too, both are close to it.
    """
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        does_hold = holds(middle)
        inside = np.where(does_hold, middle, inside)
        outside = np.where(does_hold, outside, middle)
    return inside, outside
