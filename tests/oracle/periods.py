"""Churn and retention rates of a period (metrics.md §5), from month rows and movements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tests.oracle.calendar import add_months, month_start
from tests.oracle.money import ZERO
from tests.oracle.months import KINDS, UnitMonth
from tests.oracle.movements import Movement
from tests.oracle.policy import Policy


@dataclass(frozen=True)
class Period:
    """Sums over a period of whole months; losses negative, rates null on a zero denominator.

    `start` and `end` are the MRR of each unit at the period's start and end.
    """

    policy: Policy
    start: dict[str, Fraction]
    end: dict[str, Fraction]
    sums: dict[str, Fraction]
    won: int
    churned: int

    @property
    def mrr_start(self) -> Fraction:
        """MRR at the start."""
        return sum(self.start.values(), ZERO)

    @property
    def mrr_end(self) -> Fraction:
        """MRR at the end."""
        return sum(self.end.values(), ZERO)

    def _of_start(self, value: Fraction) -> Fraction | None:
        return value / self.mrr_start if self.mrr_start else None

    @property
    def logo_churn_rate(self) -> Fraction | None:
        """Lost customers, by the policy's exclusion, over its base."""
        lost = self.churned
        if self.policy.churn_rate_excludes_new:
            lost = sum(1 for unit in self.start if not self.end.get(unit))
        base = len(self.start)
        if self.policy.churn_rate_base == "start_plus_new":
            base += self.won
        return Fraction(lost, base) if base else None

    @property
    def customer_retention_rate(self) -> Fraction | None:
        """Customers at the end that were not won in the period, over those at the start."""
        if not self.start:
            return None
        return Fraction(len(self.end) - self.won, len(self.start))

    @property
    def gross_mrr_churn_rate(self) -> Fraction | None:
        """Churn and contraction over MRR at the start."""
        return self._of_start(-(self.sums["churn"] + self.sums["contraction"]))

    @property
    def net_mrr_churn_rate(self) -> Fraction | None:
        """Gross churn less expansion, and less reactivation where the policy says so."""
        back = self.sums["expansion"]
        if self.policy.reactivation_in_nrr:
            back += self.sums["reactivation"]
        return self._of_start(-(self.sums["churn"] + self.sums["contraction"]) - back)

    @property
    def gross_revenue_retention(self) -> Fraction | None:
        """What the customers of the start still pay, capped per customer or in total."""
        if self.policy.grr_cap == "aggregate":
            return self._of_start(min(self.mrr_end, self.mrr_start))
        kept = (min(self.end.get(unit, ZERO), before) for unit, before in self.start.items())
        return self._of_start(sum(kept, ZERO))

    @property
    def net_revenue_retention(self) -> Fraction | None:
        """What the customers of the start pay at the end."""
        return self._of_start(sum((self.end.get(unit, ZERO) for unit in self.start), ZERO))


def period(
    rows: Iterable[UnitMonth],
    moves: Iterable[Movement],
    policy: Policy,
    first: date,
    months: int = 1,
) -> Period:
    """The period of `months` months that begins on `first`, the first of a month."""
    inside = [row for row in rows if first <= row.month < add_months(first, months)]
    last = add_months(first, months - 1)
    kinds = [move.kind for move in moves if first <= month_start(move.day) <= last]
    return Period(
        policy=policy,
        start={row.unit_id: row.opening for row in inside if row.month == first and row.opening},
        end={row.unit_id: row.closing for row in inside if row.month == last and row.closing},
        sums={kind: sum((row.sums[kind] for row in inside), ZERO) for kind in KINDS},
        won=kinds.count("new") + kinds.count("reactivation"),
        churned=kinds.count("churn"),
    )
