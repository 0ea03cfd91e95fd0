"""The company's true MRR under the policy `board_strict`, to the cent, from its own log.

Exact: native values are fractions of whole numbers, brought to the reporting currency and rounded
half up once per customer and day. Nothing of the warehouse is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from simulation.catalogue import EXPONENTS
from simulation.columns import Columns, expand, take
from simulation.config import Ints, Objects, SimulationConfig
from simulation.dates import first_day, month_of
from simulation.rates import RATE_SCALE, rates_on
from simulation.steps import Steps, mrr_steps
from simulation.timeline import Timeline
from simulation.world import World

KINDS = ("new", "reactivation", "expansion", "contraction", "churn")
# The columns of a month's money, in order: they sum across to the last one.
MONEY = ("opening", *KINDS, "fx", "closing")


@dataclass(frozen=True)
class Truth:
    """True MRR in cents of the reporting currency.

    Attributes:
        months: customer, month (number), and opening, new, reactivation, expansion, contraction,
            churn, fx, closing; losses negative, so that a row sums across.
        changes: customer, day, kind (position in KINDS), before, after: each change on its day, at
            the rates of its month; what rates alone change is not among them.
        net: what is left after discounts of rows of `priced` on `[start, end)`, where they are
            discounted: row, start, end, and the exact minor units a month as numerator and
            denominator.
    """

    months: Columns
    changes: Columns
    net: Columns


def true_mrr(world: World, timeline: Timeline) -> Truth:
    """Movements and closing MRR per customer and month, from the first month to the last day."""
    steps, net = mrr_steps(timeline)
    months, changes = _months(world.config, world, steps)
    return Truth(months, changes, net)


def _cents(numerator: Objects, denominator: Objects, currency: Ints, rate: Objects) -> Objects:
    """Half-up cents of native minor units at a scaled rate (whole numbers throughout)."""
    scale = np.array([10 ** int(exponent) for exponent in EXPONENTS], np.object_)[currency]
    top = numerator * rate * 100
    bottom = denominator * scale * RATE_SCALE
    cents: Objects = (2 * top + bottom) // (2 * bottom)
    return cents


class _Valuation:
    """Values of steps at the rates of a month's valuation date."""

    def __init__(self, world: World, steps: Steps) -> None:
        self._world = world
        self._steps = steps
        # Steps of one customer and day in several currencies are neighbours.
        same = np.zeros(len(steps.day), dtype=bool)
        same[1:] = (steps.customer[1:] == steps.customer[:-1]) & (steps.day[1:] == steps.day[:-1])
        self.first = np.flatnonzero(~same)
        self.count = np.diff(np.append(self.first, len(steps.day)))

    def cents(self, point: Ints, month: Ints) -> Ints:
        """Value of the points (positions in `first`) at the months' rates, in cents."""
        config = self._world.config
        days = np.minimum(first_day(month + 1) - 1, config.as_of_day)
        rates = rates_on(self._world, days)
        row = self.first[point]
        steps = self._steps
        result = _cents(
            steps.numerator[row],
            steps.denominator[row],
            steps.currency[row],
            rates(steps.currency[row]),
        ).astype(np.int64)
        several = np.flatnonzero(self.count[point] > 1)
        if len(several):
            width = int(self.count[point].max())
            # Every currency's rate of those days, to sum exactly before rounding once.
            table = [
                rates(np.full(len(days), currency, np.int64))[several].tolist()
                for currency in range(len(EXPONENTS))
            ]
            for number, place in enumerate(several.tolist()):
                total = Fraction(0)
                for offset in range(min(width, int(self.count[point[place]]))):
                    at = int(row[place]) + offset
                    code = int(steps.currency[at])
                    total += Fraction(
                        steps.numerator[at] * table[code][number],
                        steps.denominator[at] * 10 ** int(EXPONENTS[code]) * RATE_SCALE,
                    )
                result[place] = (200 * total.numerator + total.denominator) // (
                    2 * total.denominator
                )
        return result


def _months(config: SimulationConfig, world: World, steps: Steps) -> tuple[Columns, Columns]:
    valuation = _Valuation(world, steps)
    customer = steps.customer[valuation.first]
    day = steps.day[valuation.first]
    seen = day <= config.as_of_day
    # Steps lie in customer and day order; those after the last day are ends that are cut off.
    positions = np.flatnonzero(seen).astype(np.int64)
    customer, day = customer[seen], day[seen]
    month = month_of(day)
    starts = np.ones(len(customer), dtype=bool)
    starts[1:] = customer[1:] != customer[:-1]
    after = valuation.cents(positions, month)
    before = np.zeros(len(after), np.int64)
    inner = np.flatnonzero(~starts)
    before[inner] = valuation.cents(positions[inner - 1], month[inner])
    ever = _above_zero_before(after, starts)
    sums = {
        "new": np.where((before == 0) & (after > 0) & ~ever, after, 0),
        "reactivation": np.where((before == 0) & (after > 0) & ever, after, 0),
        "expansion": np.where((before > 0) & (after > before), after - before, 0),
        "contraction": np.where((after > 0) & (after < before), after - before, 0),
        "churn": np.where((before > 0) & (after == 0), -before, 0),
    }
    wide = np.int64(2**20)
    # Every month from a customer's first step to the last one: the step in force at its end.
    first_of = np.flatnonzero(starts)
    span = config.as_of_month - month[first_of] + 1
    owner, offset = expand(span)
    grid_customer = customer[first_of][owner]
    grid_month = month[first_of][owner] + offset
    key = customer * wide + month
    grid_key = grid_customer * wide + grid_month
    held = np.searchsorted(key, grid_key, side="right") - 1
    closing = valuation.cents(positions[held], grid_month)
    first_row = offset == 0
    opening = np.where(first_row, 0, np.roll(closing, 1))
    # Revaluation of what was held at the end of the month before.
    previous = np.searchsorted(key, grid_key, side="left") - 1
    fx = np.zeros(len(closing), np.int64)
    later = np.flatnonzero(~first_row)
    fx[later] = valuation.cents(positions[previous[later]], grid_month[later]) - opening[later]
    columns: Columns = {"customer": grid_customer, "month": grid_month, "opening": opening}
    place = np.searchsorted(grid_key, key)
    for name, change in sums.items():
        column = np.zeros(len(grid_key), np.int64)
        np.add.at(column, place, change)
        columns[name] = column
    columns |= {"fx": fx, "closing": closing}
    total = sum((columns[name] for name in ("opening", *sums, "fx")), np.zeros_like(closing))
    if not np.array_equal(total, closing):
        raise AssertionError("the movements of the simulated company do not add up")
    moved = (opening > 0) | (closing > 0)
    for name in sums:
        moved |= columns[name] != 0
    amounts = np.stack([sums[name] for name in KINDS])
    changes: Columns = {
        "customer": customer,
        "day": day,
        "kind": np.argmax(amounts != 0, axis=0).astype(np.int64),
        "before": before,
        "after": after,
    }
    return take(columns, moved), take(changes, before != after)


def _above_zero_before(
    value: Ints, starts: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether an earlier row of the same group was above 0."""
    above: Ints = np.cumsum(value > 0)
    group_base: Ints = (above - (value > 0))[starts]
    group = np.cumsum(starts) - 1
    return np.asarray((above - (value > 0) - group_base[group]) > 0, dtype=bool)
