"""What a case asks of the figures, whichever engine made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tests.oracle.calendar import add_months, month_start
from tests.oracle.money import ZERO
from tests.oracle.months import KINDS, UnitMonth
from tests.oracle.movements import Movement
from tests.oracle.periods import Period, period
from tests.oracle.policy import Policy
from tests.oracle.retention import CohortMonth, cohort_retention
from tests.properties.expected import MONTHS, MOVEMENTS, Figures
from tests.properties.histories import Rows

SCALE = 10000


def usd(text: str) -> Fraction:
    """An amount of money as printed."""
    return Fraction(text.replace(",", ""))


class Book:
    """The figures of one case under one policy, from the oracle or from the marts."""

    def __init__(self, figures: Figures, policy: Policy, as_of: date) -> None:
        self.policy = policy
        self.as_of = as_of
        self.moves = [_movement(row) for row in figures.facts[MOVEMENTS]]
        self.moves.sort(key=lambda move: (move.day, move.kind))
        self.rows = [_unit_month(row) for row in figures.facts[MONTHS]]

    def mrr(self, day: str) -> Fraction:
        """MRR of all units at the end of a day."""
        last: dict[str, Fraction] = {}
        for move in self.moves:
            if move.day <= date.fromisoformat(day):
                last[move.unit_id] = move.after
        return sum(last.values(), ZERO)

    def movements(self) -> list[tuple[str, str, Fraction]]:
        """Day, type and change of all movements, in order."""
        return [(move.day.isoformat(), move.kind, move.change) for move in self.moves]

    def kinds(self) -> list[str]:
        """Types of all movements, in order."""
        return [move.kind for move in self.moves]

    def closing(self, month: str) -> Fraction:
        """Closing MRR of a month, from the month rows (`2024-01`)."""
        first = date.fromisoformat(f"{month}-01")
        return sum((row.closing for row in self.rows if row.month == first), ZERO)

    def period(self, month: str, months: int = 1) -> Period:
        """Rates of the period of some months from `month` on."""
        first = date.fromisoformat(f"{month}-01")
        return period(self.rows, self.moves, self.policy, first, months)

    def quick_ratio(self, month: str) -> Fraction:
        """Gains through losses of a month."""
        sums = self.period(month).sums
        gained = sums["new"] + sums["expansion"] + sums["reactivation"]
        return gained / -(sums["contraction"] + sums["churn"])

    def net_new(self, month: str) -> Fraction:
        """Sum of all movements of a month."""
        return sum(self.period(month).sums.values(), ZERO)

    def cohorts(self) -> list[CohortMonth]:
        """Retention of cohorts by age."""
        return cohort_retention(self.moves, self.rows, self.as_of)


def _movement(row: tuple[object, ...]) -> Movement:
    unit_id, day, kind, *money, native, churn_type, reason, feedback = row
    assert isinstance(day, date)
    before, after, change, quantity, price, plan, discount = (
        ZERO if cell is None else Fraction(int(str(cell)), SCALE) for cell in money
    )
    return Movement(
        unit_id=str(unit_id),
        customer_id=str(unit_id),
        day=day,
        kind=str(kind),
        before=before,
        after=after,
        change=change,
        quantity=quantity,
        price=price,
        plan=plan,
        discount=discount,
        native=None if native is None else Fraction(int(str(native)), SCALE),
        churn_type=None if churn_type is None else str(churn_type),
        reason=None if reason is None else str(reason),
        feedback=None if feedback is None else str(feedback),
    )


def _unit_month(row: tuple[object, ...]) -> UnitMonth:
    unit_id, month, *money = row
    assert isinstance(month, date)
    opening, *sums, closing = (Fraction(int(str(cell)), SCALE) for cell in money)
    return UnitMonth(
        unit_id=str(unit_id),
        customer_id=str(unit_id),
        month=month_start(month),
        opening=opening,
        sums=dict(zip(KINDS, sums, strict=True)),
        closing=closing,
        is_present=closing > 0,
    )


@dataclass(frozen=True)
class Case:
    """A worked example: rows, the policies under which it is printed, and what must come out.

    Args:
        ids: the examples that it is (G01, …).
        name: what it shows.
        rows: hand-made raw rows.
        policies: the books that `check` is given, in this order.
        check: asserts the printed values.
        as_of: last day that counts.
    """

    ids: tuple[str, ...]
    name: str
    rows: Rows
    policies: tuple[Policy, ...]
    check: Callable[..., None]
    as_of: date = date(2024, 12, 31)


def approximately(value: Fraction | None, printed: str, tolerance: str = "0.0005") -> bool:
    """Whether a rate is the printed one, to its printed digits."""
    assert value is not None, f"no value where {printed} is printed"
    return abs(value - Fraction(printed)) <= Fraction(tolerance)


def months_after(month: str, months: int) -> str:
    """The month (`2024-01`) some months later."""
    return add_months(date.fromisoformat(f"{month}-01"), months).isoformat()[:7]
