"""Month rows of units and month totals (mrr_rules §9, metrics.md §4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.oracle.calendar import add_months, month_end, month_start
from tests.oracle.money import ZERO
from tests.oracle.movements import Movement

KINDS = ("new", "reactivation", "expansion", "contraction", "churn", "fx")


@dataclass(frozen=True)
class UnitMonth:
    """One unit in one month; losses negative, so the row sums across to `closing`.

    `is_present`: whether it is a customer at the month's end (MRR above 0, or kept at 0).
    """

    unit_id: str
    customer_id: str
    month: date
    opening: Fraction
    sums: dict[str, Fraction]
    closing: Fraction
    is_present: bool


@dataclass
class MonthTotal:
    """All units in one month."""

    month: date
    is_complete: bool
    opening: Fraction = ZERO
    sums: dict[str, Fraction] = field(default_factory=lambda: dict.fromkeys(KINDS, ZERO))
    closing: Fraction = ZERO
    opening_customers: int = 0
    new_customers: int = 0
    reactivated_customers: int = 0
    churned_customers: int = 0
    closing_customers: int = 0

    @property
    def net_new(self) -> Fraction:
        """Sum of all movements."""
        return sum(self.sums.values(), ZERO)

    @property
    def arr(self) -> Fraction:
        """Twelve times the closing MRR."""
        return 12 * self.closing

    @property
    def arpa(self) -> Fraction | None:
        """Closing MRR per closing customer."""
        return self.closing / self.closing_customers if self.closing_customers else None

    @property
    def quick_ratio(self) -> Fraction | None:
        """Gains through losses; null without losses."""
        lost = -(self.sums["contraction"] + self.sums["churn"])
        gained = self.sums["new"] + self.sums["expansion"] + self.sums["reactivation"]
        return gained / lost if lost else None


def unit_months(
    unit_id: str, moves: list[Movement], is_present_on: Callable[[date], bool], as_of: date
) -> list[UnitMonth]:
    """The months of a unit with an opening, a closing or a movement, or in which it is present.

    Args:
        unit_id: the unit.
        moves: all its movements.
        is_present_on: whether it counts as a customer at the end of a day.
        as_of: last day that counts.
    """
    if not moves:
        return []
    rows: list[UnitMonth] = []
    opening = ZERO
    customer_id = moves[0].customer_id
    month = month_start(moves[0].day)
    was_present = False
    while month <= as_of:
        inside = [move for move in moves if month_start(move.day) == month]
        sums = dict.fromkeys(KINDS, ZERO)
        for move in inside:
            sums[move.kind] += move.change
        closing = opening + sum(sums.values(), ZERO)
        is_present = is_present_on(min(month_end(month), as_of))
        if opening > 0 or closing > 0 or inside or was_present or is_present:
            rows.append(UnitMonth(unit_id, customer_id, month, opening, sums, closing, is_present))
        opening, was_present = closing, is_present
        month = add_months(month, 1)
    return rows


def month_totals(
    rows: Iterable[UnitMonth], moves: Iterable[Movement], as_of: date
) -> list[MonthTotal]:
    """Totals of each month from the first to that of `as_of`; months without any row too."""
    rows, moves = list(rows), list(moves)
    if not rows:
        return []
    totals: dict[date, MonthTotal] = {}
    month = min(row.month for row in rows)
    while month <= as_of:
        totals[month] = MonthTotal(month, is_complete=month_end(month) <= as_of)
        month = add_months(month, 1)
    for row in rows:
        total = totals[row.month]
        total.opening += row.opening
        total.closing += row.closing
        for kind in KINDS:
            total.sums[kind] += row.sums[kind]
    for move in moves:
        total = totals[month_start(move.day)]
        total.new_customers += move.kind == "new"
        total.reactivated_customers += move.kind == "reactivation"
        total.churned_customers += move.kind == "churn"
    customers = 0
    for month in sorted(totals):
        total = totals[month]
        total.opening_customers = customers
        customers += total.new_customers + total.reactivated_customers - total.churned_customers
        total.closing_customers = customers
    return [totals[month] for month in sorted(totals)]
