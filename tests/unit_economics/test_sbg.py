"""The shifted-beta-geometric fit gives the published parameters and projections."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.special import hyp2f1

from orchestration.analysis.sbg import (
    at_risk,
    fit,
    likely_models,
    log_likelihood,
    residual_lifetimes,
    survival,
)

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "sbg"
outside = pytest.mark.skipif(not DATA.is_dir(), reason="the folder ../shared/data is not here")


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def survivors(segment: str, years: int) -> np.ndarray:
    """Of 1,000 customers, those there after year 0 …"""
    table = rows("raw/customer_retention_fader_hardie_2007_table.csv")
    return np.array([float(row[segment]) * 10 for row in table[: years + 1]])


def published(segment: str) -> dict[str, float]:
    return {
        row["quantity"]: float(row["value"])
        for row in rows("reference/published_values.csv")
        if row["segment"] == segment
    }


@outside
@pytest.mark.parametrize(
    ("segment", "alpha", "beta"), [("regular", 0.704, 1.182), ("high_end", 0.668, 3.806)]
)
def test_the_published_parameters_of_seven_years(segment: str, alpha: float, beta: float) -> None:
    there = survivors(segment, 7)
    fitted = fit(there[:-1], there[:-1] - there[1:])
    assert fitted.alpha == pytest.approx(alpha, abs=5e-4)
    assert fitted.beta == pytest.approx(beta, abs=5e-4)
    assert published(segment)["alpha"] == alpha


@outside
def test_the_reference_fits_of_four_seven_and_twelve_years() -> None:
    for row in rows("reference/sbg_mle_fits.csv"):
        there = survivors(row["segment"], int(row["years_fitted"]))
        fitted = fit(there[:-1], there[:-1] - there[1:])
        assert fitted.alpha == pytest.approx(float(row["alpha"]), abs=2e-5)
        assert fitted.beta == pytest.approx(float(row["beta"]), abs=2e-5)
        assert fitted.mean_churn == pytest.approx(float(row["mean_year1_churn"]), abs=2e-6)
        expected = float(row["log_likelihood_per_1000_customers"])
        assert fitted.log_likelihood == pytest.approx(expected, abs=1e-3)


@outside
def test_the_projected_survival_and_residual_lifetimes() -> None:
    for segment in ("regular", "high_end"):
        there = survivors(segment, 7)
        fitted = fit(there[:-1], there[:-1] - there[1:])
        reference = [
            row for row in rows("reference/sbg_projection_fit7.csv") if row["segment"] == segment
        ]
        shares = survival(fitted.mean_churn, fitted.polarization, 12)
        residual = residual_lifetimes(
            np.array([fitted.mean_churn]), np.array([fitted.polarization]), 0.1, 12
        )[0]
        for row in reference:
            year = int(row["year"])
            share = float(row["sbg_survival_pct_fit7"])
            assert shares[year] * 100 == pytest.approx(share, abs=2e-3)
            # The reference counts the renewal that is due at once in full.
            derl = float(row["derl_10pct_just_before_renewal_n_eq_year"])
            assert residual[year] * 1.1 == pytest.approx(derl, abs=1e-4)


@outside
def test_the_published_likelihood_of_alpha_one_beta_one() -> None:
    there = survivors("high_end", 7)
    value = log_likelihood(np.array([0.5]), np.array([0.5]), there[:-1], there[:-1] - there[1:])
    expected = published("high_end")["loglik_at_alpha1_beta1_per_customer"]
    assert value[0] / 1000 == pytest.approx(expected, abs=1e-3)


@outside
def test_cohorts_of_different_age_are_fitted_together() -> None:
    cohorts: dict[str, list[float]] = {}
    for row in rows("raw/multi_cohort_case1_from_sbg_py.csv"):
        cohorts.setdefault(row["cohort"], []).append(float(row["alive"]))
    lost, kept = np.zeros(4), np.zeros(4)
    for alive in cohorts.values():
        for period, (before, after) in enumerate(pairwise(alive)):
            lost[period] += before - after
        kept[len(alive) - 2] += alive[-1]
    fitted = fit(at_risk(lost, kept), lost)
    expected = published("multi_cohort_case1")
    assert fitted.alpha == pytest.approx(expected["alpha"], abs=5e-3)
    assert fitted.beta == pytest.approx(expected["beta"], abs=5e-3)


@outside
def test_single_customers_give_the_fit_of_their_table() -> None:
    lost, kept = np.zeros(12), np.zeros(12)
    for row in rows("raw/expanded_2000_customers.csv"):
        if row["segment"] != "regular":
            continue
        years = int(row["end_date"][:4]) - 2000 if row["end_date"] else 12
        (lost if row["end_date"] else kept)[years - 1] += 1
    fitted = fit(at_risk(lost, kept), lost)
    assert (fitted.alpha, fitted.beta) == pytest.approx((0.697362, 1.168905), abs=2e-5)


def test_residual_lifetimes_are_the_hypergeometric_function() -> None:
    alpha, beta = 1.5, 12.0
    mean, polarization = alpha / (alpha + beta), 1 / (alpha + beta)
    residual = residual_lifetimes(np.array([mean]), np.array([polarization]), 0.02, 10)[0]
    for age in (0, 3, 10):
        expected = hyp2f1(1, beta + age, alpha + beta + age, 1 / 1.02) - 1
        assert residual[age] == pytest.approx(expected, rel=1e-6)


def test_customers_that_do_not_differ_are_geometric() -> None:
    # 100 customers, a tenth of those left goes in each period: 10, 9, 8.1 …
    risk = np.array([100 * 0.9**period for period in range(6)])
    fitted = fit(risk, 0.1 * risk)
    assert fitted.mean_churn == pytest.approx(0.1, abs=1e-6)
    assert fitted.polarization == pytest.approx(0, abs=1e-4)
    # 0.9 v + (0.9 v)^2 + … with v = 1 / 1.05, at every age.
    residual = residual_lifetimes(np.array([0.1]), np.array([0.0]), 0.05, 2)[0]
    assert residual == pytest.approx([6.0, 6.0, 6.0])


def test_one_period_says_nothing_of_differences() -> None:
    fitted = fit(np.array([40.0]), np.array([10.0]))
    assert fitted.mean_churn == pytest.approx(0.25)
    assert fitted.alpha is None
    assert fitted.beta is None


def test_at_risk_counts_whoever_was_seen_through_the_period() -> None:
    # Three lost in period 1, two in 3; four last seen after period 1, one after 3.
    risk = at_risk(np.array([3.0, 0, 2]), np.array([4.0, 0, 1]))
    assert risk.tolist() == [10, 3, 3]


def test_everybody_lost_in_the_first_period() -> None:
    fitted = fit(np.array([5.0]), np.array([5.0]))
    assert fitted.mean_churn == pytest.approx(1)
    residual = residual_lifetimes(np.array([fitted.mean_churn]), np.array([0.0]), 0.0, 0)
    assert residual[0, 0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("risk", "lost"), [([], []), ([0.0], [0.0]), ([10.0, 8.0], [0.0, 0.0])])
def test_nothing_lost_cannot_be_fitted(risk: list[float], lost: list[float]) -> None:
    with pytest.raises(ValueError, match="at risk and lost"):
        fit(np.array(risk), np.array(lost))


def test_the_edge_of_the_likely_models_is_as_far_as_it_says() -> None:
    risk, lost = np.array([200.0, 170, 150, 135]), np.array([30.0, 20, 15, 11])
    fitted = fit(risk, lost)
    churn, polarization = likely_models(risk, lost, fitted)
    heights = log_likelihood(churn, polarization, risk, lost)
    # Half of 3.841, the 0.95 quantile of chi-squared.
    assert fitted.log_likelihood - heights == pytest.approx(1.9207, abs=1e-3)
    assert churn.min() < fitted.mean_churn < churn.max()
