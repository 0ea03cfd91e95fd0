"""The stated intervals hold the simulated company's true CAC and LTV.

Many small companies of one law, each a channel of one warehouse. The truth is the law's own: what
the same simulation gives for a company so large that chance has no say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from simulation.config import SimulationConfig
from simulation.dates import month_of
from simulation.run import simulate
from simulation.spend import CATEGORIES, GROSS_MARGIN, spend
from tests.unit_economics.company import Company, read

AS_OF = date(2026, 9, 30)
MONTHS = 24
CUSTOMERS = 300
WINDOW = 12


@dataclass(frozen=True)
class Life:
    """A simulated company, by month: MRR in cents (customers x months), and spend in cents
    (months x categories)."""

    mrr: np.ndarray
    spent: np.ndarray


def live(seed: int, customers: int) -> Life:
    config = SimulationConfig(
        customers=customers, months=MONTHS, seed=seed, as_of=AS_OF, clean=True
    )
    company = simulate(config)
    rows = company.truth.months
    mrr = np.zeros((customers, MONTHS), np.int64)
    mrr[rows["customer"], rows["month"] - config.first_month] = rows["closing"]
    booked = spend(company.world)
    spent = np.zeros((MONTHS, len(CATEGORIES)), np.int64)
    month = month_of(booked["spend_day"]) - config.first_month
    np.add.at(spent, (month, booked["category"]), booked["amount"])
    return Life(mrr, spent)


@dataclass(frozen=True)
class Truth:
    """Of the last twelve months: cost of a customer, and LTV by the method `margin`, in dollars."""

    cac: float
    ltv: float


def truth_of(life: Life) -> Truth:
    pays = life.mrr > 0
    first = np.where(pays.any(axis=1), pays.argmax(axis=1), -1)
    before, after = pays[:, MONTHS - WINDOW - 1 : -1], pays[:, MONTHS - WINDOW :]
    churn = (before & ~after).sum() / before.sum()
    arpa = life.mrr[:, MONTHS - WINDOW :].sum() / after.sum()
    won = (first >= MONTHS - WINDOW).sum()
    return Truth(
        cac=life.spent[MONTHS - WINDOW :].sum() / won / 100,
        ltv=arpa * GROSS_MARGIN / churn / 100,
    )


def month_start(number: int) -> date:
    years, month = divmod(AS_OF.year * 12 + AS_OF.month - MONTHS + number, 12)
    return date(years, month + 1, 1)


def warehouse(seeds: range, folder: Path) -> Path:
    """All companies in one warehouse, each with its seed as channel."""
    company = Company()
    total = np.zeros(MONTHS, np.int64)
    for seed in seeds:
        life = live(seed, CUSTOMERS)
        total += life.mrr.sum(axis=0)
        for number, paid in enumerate(life.mrr.tolist()):
            changes, now = [], 0
            for month, cents in enumerate(paid):
                if cents != now:
                    # Mid-month: what counts is the month's end.
                    changes.append((month_start(month).replace(day=15), cents))
                    now = cents
            if changes:
                company.customer(f"{seed}-{number}", f"seed {seed}", changes)
        for month, amounts in enumerate(life.spent.tolist()):
            for category, amount in zip(CATEGORIES, amounts, strict=True):
                if amount:
                    company.spend(month_start(month), f"seed {seed}", category, amount)
    for month, cents in enumerate(total.tolist()):
        company.cost_of_revenue(month_start(month), round(cents * (1 - GROSS_MARGIN)))
    return company.build(folder, {"as_of_date": AS_OF.isoformat()}, with_tests=False)


def covered(database: Path, seeds: range, truth: Truth) -> tuple[int, int]:
    """How many companies' intervals hold the true CAC, and the true LTV."""
    rows = read(
        database,
        """
        select cac_low, cac_high, ltv_low, ltv_high from unit_economics.fct_ltv_cac_by_channel
        where period_type = 'trailing_12_months' and period_start = '2025-10-01'
            and loading = 'customer_success' and not is_blended
        """,
    )
    assert len(rows) == len(seeds)
    return (
        sum(row["cac_low"] <= truth.cac <= row["cac_high"] for row in rows),
        sum(row["ltv_low"] <= truth.ltv <= row["ltv_high"] for row in rows),
    )


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouse(range(10), tmp_path_factory.mktemp("ten"))


def test_ten_companies(ten: Path) -> None:
    cac, ltv = covered(ten, range(10), truth_of(live(1_000_000, 30_000)))
    assert cac >= 9
    assert ltv >= 9


def test_the_intervals_say_something(ten: Path) -> None:
    """An interval that holds everything holds the truth too: they must not be wide."""
    rows = read(
        ten,
        """
        select cac_low, cac_high, ltv_low, ltv_high from unit_economics.fct_ltv_cac_by_channel
        where period_type = 'trailing_12_months' and period_start = '2025-10-01'
            and loading = 'customer_success' and not is_blended
        """,
    )
    assert all(row["cac_high"] < 2 * row["cac_low"] for row in rows)
    assert all(row["ltv_high"] < 4 * row["ltv_low"] for row in rows)


@pytest.mark.deep
def test_two_hundred_companies(tmp_path: Path) -> None:
    seeds = range(200)
    cac, ltv = covered(warehouse(seeds, tmp_path), seeds, truth_of(live(1_000_000, 200_000)))
    assert cac >= 180
    assert ltv >= 180
