"""The MRR of a unit as a series of stretches: value, rates, presence (mrr_rules §7, §8)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tests.oracle.calendar import add_months, month_end, month_start, months_between
from tests.oracle.customers import NOTHING, CustomerDay
from tests.oracle.money import ZERO, Rates, cents
from tests.oracle.policy import Policy
from tests.oracle.versions import Settings

Native = dict[str, Fraction]
"""Net MRR by currency, exact."""


@dataclass(frozen=True)
class Point:
    """The unit from `day` until the next point.

    Args:
        day: first day of the stretch.
        held: what counts.
        native: exact net MRR by currency.
        rates: rate of each currency of this stretch and of the one before it.
        revalued: the stretch before, at these rates, rounded to cents.
        value: MRR, rounded to cents.
        is_present: whether the unit counts as a customer.
    """

    day: date
    held: CustomerDay
    native: Native
    rates: Callable[[str], Fraction]
    revalued: Fraction
    value: Fraction
    is_present: bool

    def amount(self) -> Fraction:
        """Native MRR of a unit of one currency."""
        return sum(self.native.values(), ZERO)


class Valuer:
    """Gives the rate of each currency on each day, by the policy's `fx`."""

    def __init__(self, rates: Rates, settings: Settings, policy: Policy) -> None:
        self._rates = rates
        self._settings = settings
        self._policy = policy

    def rate(self, currency: str, day: date, changed: date) -> Fraction:
        """The rate on `day` of a currency whose amount last changed on `changed`."""
        if self._policy.fx == "period_end":
            return self._rates.on(currency, min(month_end(day), self._settings.as_of))
        if self._policy.fx == "movement_day":
            return self._rates.on(currency, changed)
        if self._policy.constant_fx_date is not None:
            return self._rates.on(currency, self._policy.constant_fx_date)
        return self._rates.first(currency)


Stretch = tuple[date, CustomerDay]


def _valued(
    stretches: list[Stretch],
    valuer: Valuer,
    policy: Policy,
    returns: frozenset[date] = frozenset(),
) -> list[Point]:
    """Points of stretches in order of days; the first one follows on nothing.

    On the days of `returns` (the ends of filled gaps) what was before is not revalued.
    """
    points: list[Point] = []
    before: Native = {}
    changed: dict[str, date] = {}
    was_present = False
    value = ZERO
    for day, held in stretches:
        value_before = value
        native = held.native()
        for currency in set(before) | set(native):
            if native.get(currency) != before.get(currency) or day in returns:
                changed[currency] = day
        at = _rates_on(valuer, day, dict(changed))
        value = cents(sum((amount * at(code) for code, amount in native.items()), ZERO))
        revalued = cents(sum((amount * at(code) for code, amount in before.items()), ZERO))
        if day in returns:
            revalued = value_before
        is_present = value > 0
        if policy.zero_mrr_customer == "active" and was_present and held.counted:
            is_present = True
        points.append(Point(day, held, native, at, revalued, value, is_present))
        before, was_present = native, is_present
    return points


def _rates_on(valuer: Valuer, day: date, changed: dict[str, date]) -> Callable[[str], Fraction]:
    known: dict[str, Fraction] = {}

    def rate(currency: str) -> Fraction:
        if currency not in known:
            known[currency] = valuer.rate(currency, day, changed.get(currency, day))
        return known[currency]

    return rate


def _currencies(points: list[Point]) -> frozenset[str]:
    return frozenset(code for point in points for code, amount in point.native.items() if amount)


def _suppressed(points: list[Point]) -> tuple[list[Stretch], frozenset[date]]:
    """Comings and goings inside one month, smoothed away; and the ends of the filled gaps."""
    returns: set[date] = set()
    held = [point.held for point in points]
    present = [point.is_present for point in points]
    position = 1
    while position < len(points):
        if present[position] or not present[position - 1]:
            position += 1
            continue
        back = position
        while back < len(points) and not present[back]:
            back += 1
        returns_in_month = back < len(points) and month_start(points[back].day) == month_start(
            points[position].day
        )
        if returns_in_month:
            returns.add(points[back].day)
            for gap in range(position, back):
                held[gap], present[gap] = held[position - 1], True
        position = back
    first = 0
    while first < len(points):
        month = month_start(points[first].day)
        last = first
        while last + 1 < len(points) and month_start(points[last + 1].day) == month:
            last += 1
        opens_absent = first == 0 or not present[first - 1]
        if opens_absent and not present[last]:
            for gap in range(first, last + 1):
                held[gap], present[gap] = NOTHING, False
        first = last + 1
    stretches = [(point.day, one) for point, one in zip(points, held, strict=True)]
    return stretches, frozenset(returns)


class Series:
    """The MRR of one unit, day by day.

    Args:
        on: what counts on a day.
        breakpoints: every date on which `on` can change.
        valuer: rates by day.
        settings: as-of date.
        policy: the policy.
    """

    def __init__(
        self,
        on: Callable[[date], CustomerDay],
        breakpoints: set[date],
        valuer: Valuer,
        settings: Settings,
        policy: Policy,
    ) -> None:
        self._as_of = settings.as_of
        self._valuer = valuer
        self.daily: list[Point] = []
        self.points: list[Point] = []
        self.currencies: frozenset[str] = frozenset()
        """Every currency in which the unit ever had MRR."""
        days = sorted(day for day in breakpoints if day <= settings.as_of)
        if not days:
            return
        days = sorted({*days, *months_between(add_months(days[0], 1), settings.as_of)})
        stretches = [(day, on(day)) for day in days]
        self.daily = _valued(stretches, valuer, policy)
        self.currencies = _currencies(self.daily)
        if policy.same_month_new_and_churn == "suppressed" and policy.movement_grain == "event":
            smooth, returns = _suppressed(self.daily)
            self.daily = _valued(smooth, valuer, policy, returns)
        self._days = [point.day for point in self.daily]
        if policy.movement_grain == "event":
            self.points = self.daily
        else:
            self.points = self._month_ends(valuer, policy)
            self.currencies = _currencies(self.points)

    def _month_ends(self, valuer: Valuer, policy: Policy) -> list[Point]:
        """The series reduced to month ends and `as_of`, then valued anew."""
        ends: list[Stretch] = []
        for month in months_between(self.daily[0].day, self._as_of):
            day = min(month_end(month), self._as_of)
            daily = self.on(day)
            assert daily is not None
            ends.append((day, daily.held))
        return _valued(ends, valuer, policy)

    def on(self, day: date) -> Point | None:
        """The daily point that holds on `day`; null before the first one."""
        position = bisect_right(self._days, day) - 1
        return self.daily[position] if position >= 0 else None

    def rate_of(self, currency: str, day: date) -> Fraction:
        """The rate of `day` by itself, whenever the currency's amount changed."""
        return self._valuer.rate(currency, day, day)

    def is_present_on(self, day: date) -> bool:
        """Whether the unit counts as a customer on a month's last day, or on `as_of`."""
        before = [point for point in self.points if point.day <= day]
        return bool(before) and before[-1].is_present

    def last_cease(self, month_end_day: date) -> date:
        """The last day of the month on which a subscription ceased to count; else the day given."""
        found = month_end_day
        for before, after in zip(self.daily, self.daily[1:], strict=False):
            in_month = month_start(after.day) == month_start(month_end_day)
            if in_month and after.day <= month_end_day and before.held.counted - after.held.counted:
                found = after.day
        return found

    def values(self) -> list[tuple[date, Fraction]]:
        """Daily-change series: the days on which MRR changed and the MRR from then on."""
        changes: list[tuple[date, Fraction]] = []
        for point in self.daily:
            if point.value != (changes[-1][1] if changes else ZERO):
                changes.append((point.day, point.value))
        return changes
