"""Retention of cohorts by age (metrics.md §5, marts.md fct_retention_by_cohort_month)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tests.oracle.calendar import add_months, month_end, month_start
from tests.oracle.money import ZERO
from tests.oracle.months import UnitMonth
from tests.oracle.movements import Movement


@dataclass(frozen=True)
class CohortMonth:
    """One cohort at one age in months."""

    cohort: date
    age: int
    customers_initial: int
    customers_active: int
    mrr_initial: Fraction
    mrr_active: Fraction
    gross_mrr_active: Fraction
    is_complete: bool
    customers_never_lost: int

    @property
    def logo_retention(self) -> Fraction:
        """Active customers over the size of the cohort."""
        return Fraction(self.customers_active, self.customers_initial)

    @property
    def net_retention(self) -> Fraction | None:
        """MRR over the cohort's first closing MRR."""
        return self.mrr_active / self.mrr_initial if self.mrr_initial else None

    @property
    def gross_retention(self) -> Fraction | None:
        """MRR, capped per customer, over the cohort's first closing MRR."""
        return self.gross_mrr_active / self.mrr_initial if self.mrr_initial else None


def cohort_retention(
    moves: Iterable[Movement], rows: Iterable[UnitMonth], as_of: date
) -> list[CohortMonth]:
    """Every cohort at every age up to the month of `as_of`.

    The cohort of a unit is the month of its first movement, which is the first MRR above 0.
    """
    cohort_of: dict[str, date] = {}
    lost_in: dict[str, date] = {}
    for move in moves:
        month = month_start(move.day)
        cohort_of[move.unit_id] = min(month, cohort_of.get(move.unit_id, month))
        if move.kind == "churn":
            lost_in[move.unit_id] = min(month, lost_in.get(move.unit_id, month))
    rows = list(rows)
    closing = {(row.unit_id, row.month): row.closing for row in rows}
    present = {(row.unit_id, row.month) for row in rows if row.is_present}
    result: list[CohortMonth] = []
    for cohort in sorted(set(cohort_of.values())):
        units = [unit for unit, month in cohort_of.items() if month == cohort]
        start = {unit: closing.get((unit, cohort), ZERO) for unit in units}
        age, month = 0, cohort
        while month <= as_of:
            now = {unit: closing.get((unit, month), ZERO) for unit in units}
            result.append(
                CohortMonth(
                    cohort=cohort,
                    age=age,
                    customers_initial=len(units),
                    customers_active=sum((unit, month) in present for unit in units),
                    mrr_initial=sum(start.values(), ZERO),
                    mrr_active=sum(now.values(), ZERO),
                    gross_mrr_active=sum((min(now[u], start[u]) for u in units), ZERO),
                    is_complete=month_end(month) <= as_of,
                    customers_never_lost=sum(
                        unit not in lost_in or lost_in[unit] > month for unit in units
                    ),
                )
            )
            age += 1
            month = add_months(cohort, age)
    return result
