"""What each unit adds to the measures of a period (retention_rules §1 to §3)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction

from tests.oracle.calendar import ONE_DAY, add_months, month_end, month_start
from tests.oracle.money import ZERO
from tests.oracle.movements import Movement
from tests.oracle.policy import Policy

MONTHS_LONG = {"month": 1, "quarter": 3, "year": 12}


@dataclass
class PeriodSums:
    """Sums over units; losses negative. `gross_retained` is capped per unit."""

    customers_start: int = 0
    customers_end: int = 0
    customers_won: int = 0
    customers_won_and_lost: int = 0
    customers_lost_of_start: int = 0
    mrr_start: Fraction = ZERO
    mrr_end: Fraction = ZERO
    mrr_end_of_start_customers: Fraction = ZERO
    new: Fraction = ZERO
    reactivation: Fraction = ZERO
    expansion: Fraction = ZERO
    contraction: Fraction = ZERO
    churn: Fraction = ZERO
    voluntary_churn: Fraction = ZERO
    involuntary_churn: Fraction = ZERO
    fx: Fraction = ZERO
    retention_base_customers: int = 0
    retention_base: Fraction = ZERO
    retained: Fraction = ZERO
    end_of_base: Fraction = ZERO
    gross_retained: Fraction = ZERO

    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not any(getattr(self, one.name) for one in fields(self))


class UnitPath:
    """MRR and presence of a unit at the end of any day, told by its movements alone."""

    def __init__(self, moves: Iterable[Movement]) -> None:
        # On one day first `fx`, then the other one, as they come.
        self.moves = list(moves)

    def on(self, day: date) -> tuple[bool, Fraction]:
        """Whether it is present at the end of `day`, and with how much MRR."""
        is_present, mrr = False, ZERO
        for move in self.moves:
            if move.day > day:
                break
            mrr = move.after
            if move.kind in ("new", "reactivation"):
                is_present = True
            elif move.kind == "churn":
                is_present = False
        return is_present, mrr if is_present else ZERO

    def between(self, after: date, until: date, *kinds: str) -> list[Movement]:
        """Movements of these kinds dated after the one and up to the other day."""
        return [move for move in self.moves if after < move.day <= until and move.kind in kinds]


def periods(first: date, as_of: date) -> Iterator[tuple[str, date]]:
    """Type and first day of every period from that of `first` to that of `as_of`."""
    for name, length in MONTHS_LONG.items():
        start = month_start(first)
        start = date(start.year, (start.month - 1) // length * length + 1, 1)
        while start <= as_of:
            yield name, start
            start = add_months(start, length)


def _year_before(day: date) -> date:
    year = day.year - 1
    last = monthrange(year, day.month)[1]
    is_month_end = day == month_end(day)
    return date(year, day.month, last if is_month_end else min(day.day, last))


def period_sums(path: UnitPath, name: str, start: date, as_of: date, policy: Policy) -> PeriodSums:
    """The part of one unit in one period.

    Args:
        path: the unit.
        name: `month`, `quarter` or `year`.
        start: the period's first day.
        as_of: last day that counts.
        policy: the policy.
    """
    eve = start - ONE_DAY
    end = min(add_months(start, MONTHS_LONG[name]) - ONE_DAY, as_of)
    base_day = _year_before(end) if policy.nrr_base == "twelve_months_ago" else eve
    in_start, before = path.on(eve)
    in_end, after = path.on(end)
    in_base, base = path.on(base_day)
    arrivals = path.between(eve, end, "new", "reactivation")
    sums = PeriodSums(
        customers_start=int(in_start),
        customers_end=int(in_end),
        mrr_start=before,
        mrr_end=after,
    )
    if in_start and in_end:
        fx = sum((move.change for move in path.between(eve, end, "fx")), ZERO)
        sums.expansion = max(ZERO, after - before - fx)
        sums.contraction = -min(before, max(ZERO, before + fx - after))
        sums.fx = after - before - sums.expansion - sums.contraction
    elif in_start:
        sums.customers_lost_of_start = 1
        sums.churn = -before
        losses = path.between(eve, end, "churn")
        if losses and losses[-1].churn_type == "involuntary":
            sums.involuntary_churn = -before
        else:
            sums.voluntary_churn = -before
    elif in_end:
        sums.customers_won = 1
        if arrivals[0].kind == "new":
            sums.new = after
        else:
            sums.reactivation = after
    elif arrivals:
        sums.customers_won_and_lost = 1
    if in_start:
        sums.mrr_end_of_start_customers = after
    if in_base:
        sums.retention_base_customers = 1
        sums.retention_base = base
        sums.retained = sums.end_of_base = after
        sums.gross_retained = min(after, base)
    elif in_end and policy.reactivation_in_nrr:
        since = path.between(base_day, end, "new", "reactivation")
        if since and since[0].kind == "reactivation":
            sums.retained = after
    return sums


def totals(
    units: Iterable[UnitPath], as_of: date, policy: Policy
) -> dict[tuple[str, date], PeriodSums]:
    """Sums over all units of every period in which something counts."""
    paths = [one for one in units if one.moves]
    found: dict[tuple[str, date], PeriodSums] = {}
    if not paths:
        return found
    for name, start in periods(min(one.moves[0].day for one in paths), as_of):
        total = PeriodSums()
        for path in paths:
            part = period_sums(path, name, start, as_of, policy)
            for one in fields(PeriodSums):
                setattr(total, one.name, getattr(total, one.name) + getattr(part, one.name))
        if not total.is_empty():
            found[name, start] = total
    return found
