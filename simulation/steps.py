"""Each customer's native MRR as exact steps, from the days on which something of it may change."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from simulation.columns import Columns, expand, take
from simulation.config import Ints, Objects
from simulation.timeline import Timeline

# Native values are kept as whole twelfths of a minor unit where nothing is discounted.
_TWELFTHS = 12


@dataclass(frozen=True)
class Steps:
    """MRR as steps: from `day` until the customer's next step it is `numerator / denominator`.

    One row per customer, day and currency; minor units; currencies of one customer step together.
    """

    customer: Ints
    day: Ints
    currency: Ints
    numerator: Objects
    denominator: Objects


def mrr_steps(timeline: Timeline) -> tuple[Steps, Columns]:
    """The native MRR of every customer on each day on which something of it may change."""
    priced, discounted = timeline.priced, timeline.discounted
    wide = np.int64(2**33)
    owner = priced["customer"][discounted["row"]]
    points = np.unique(
        np.concatenate(
            [
                priced["customer"] * wide + priced["start"],
                priced["customer"] * wide + priced["end"],
                owner * wide + discounted["start"],
                owner * wide + discounted["end"],
            ]
        )
    )
    low = np.searchsorted(points, priced["customer"] * wide + priced["start"])
    high = np.searchsorted(points, priced["customer"] * wide + priced["end"])
    row, step = expand(high - low)
    point = low[row] + step
    monthly = priced["amount"][row] * (_TWELFTHS // priced["months"][row])
    currency = priced["currency"][row]

    low = np.searchsorted(points, owner * wide + discounted["start"])
    high = np.searchsorted(points, owner * wide + discounted["end"])
    pair, step = expand(high - low)
    pair_point = low[pair] + step
    is_discounted = np.zeros(len(points), dtype=bool)
    is_discounted[pair_point] = True

    # Every point has a row in each of its customer's currencies, 0 where nothing is left.
    slots = np.unique(
        np.concatenate(
            [
                (priced["customer"] * 8 + priced["currency"]),
            ]
        )
    )
    first = np.searchsorted(points, (slots // 8) * wide)
    after = np.searchsorted(points, (slots // 8 + 1) * wide)
    slot, step = expand(after - first)
    slot_point = first[slot] + step
    key = slot_point * 8 + slots[slot] % 8
    order = np.argsort(key, kind="stable")
    key = key[order]
    plain = ~is_discounted[point]
    position = np.searchsorted(key, point * 8 + currency)
    numerator = np.zeros(len(key), np.int64)
    np.add.at(numerator, position[plain], monthly[plain])
    numerators = numerator.astype(np.object_)
    denominators = np.full(len(key), _TWELFTHS, np.object_)
    net = _discount(timeline, points, point, row, pair_point, pair, is_discounted)
    sums: dict[int, Fraction] = defaultdict(Fraction)
    touched = position[~plain].tolist()
    for place, at, item in zip(touched, point[~plain].tolist(), row[~plain].tolist(), strict=True):
        sums[place] += net[(item, at)]
    for place, value in sums.items():
        numerators[place] = value.numerator
        denominators[place] = value.denominator
    where = key // 8
    steps = Steps(
        customer=points[where] // wide,
        day=points[where] % wide,
        currency=key % 8,
        numerator=numerators,
        denominator=denominators,
    )
    return steps, _net_columns(net, points)


def _net_columns(net: dict[tuple[int, int], Fraction], points: Ints) -> Columns:
    """The net values as columns; each holds until the customer's next point."""
    wide = np.int64(2**33)
    keys = np.array(list(net), np.int64).reshape(-1, 2)
    at = keys[:, 1]
    columns: Columns = {
        "row": keys[:, 0],
        "start": points[at] % wide,
        "end": points[np.minimum(at + 1, len(points) - 1)] % wide,
        "numerator": np.array([value.numerator for value in net.values()], np.object_),
        "denominator": np.array([value.denominator for value in net.values()], np.object_),
    }
    return take(columns, np.lexsort((columns["start"], columns["row"])))


def _discount(
    timeline: Timeline,
    points: Ints,
    point: Ints,
    row: Ints,
    pair_point: Ints,
    pair: Ints,
    is_discounted: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> dict[tuple[int, int], Fraction]:
    """Net minor units a month of each (priced row, point) at the points that have a discount."""
    priced, discounts = timeline.priced, timeline.discounts
    values: dict[int, dict[int, Fraction]] = defaultdict(dict)
    chosen = is_discounted[point]
    months = priced["months"].tolist()
    for at, item, amount in zip(
        point[chosen].tolist(),
        row[chosen].tolist(),
        priced["amount"][row[chosen]].tolist(),
        strict=True,
    ):
        values[at][item] = Fraction(amount, months[item])
    applied: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for at, discount, item in zip(
        pair_point.tolist(),
        timeline.discounted["discount"][pair].tolist(),
        timeline.discounted["row"][pair].tolist(),
        strict=True,
    ):
        applied[at][discount].append(item)
    start = discounts["start"].tolist()
    start_at = discounts["start_at"].tolist()
    millipercent = discounts["millipercent"].tolist()
    amount_off = discounts["amount_off"].tolist()
    result: dict[tuple[int, int], Fraction] = {}
    for at, by_discount in applied.items():
        running = values[at]
        # The order of identifiers is that of numbers: they are written with leading zeros.
        for discount in sorted(by_discount, key=lambda d: (start[d], start_at[d], d)):
            items = by_discount[discount]
            if millipercent[discount]:
                left = 1 - Fraction(millipercent[discount], 100_000)
                for item in items:
                    running[item] *= left
                continue
            total = sum((running[item] for item in items), Fraction(0))
            if total > 0:
                for item in items:
                    part = Fraction(amount_off[discount], months[item]) / total
                    running[item] *= max(Fraction(0), 1 - part)
    for at, running in values.items():
        for item, value in running.items():
            result[(item, at)] = value
    return result
