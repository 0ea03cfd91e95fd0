"""Tables held as columns: append-only logs and joins of intervals, all on NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulation.config import AnyArray, Ints

Columns = dict[str, AnyArray]

# In a log of patches: the field keeps its value / becomes null.
KEEP = np.iinfo(np.int64).min
NULL = KEEP + 1


class Log:
    """An append-only table of whole numbers; fields that are not given take their default."""

    def __init__(self, **defaults: int) -> None:
        self._defaults = defaults
        self._parts: list[dict[str, Ints]] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, **fields: Ints | int) -> Ints:
        """Append rows; scalars are repeated. Returns the new rows' numbers."""
        unknown = set(fields) - set(self._defaults)
        if unknown:
            raise KeyError(f"no such fields: {sorted(unknown)}")
        lengths = {len(value) for value in fields.values() if isinstance(value, np.ndarray)}
        if len(lengths) != 1:
            raise ValueError(f"fields differ in length: {sorted(lengths)}")
        (length,) = lengths
        rows = {
            name: np.broadcast_to(np.asarray(fields.get(name, default), dtype=np.int64), (length,))
            for name, default in self._defaults.items()
        }
        if length:
            self._parts.append(rows)
        start = self._length
        self._length += length
        return np.arange(start, self._length, dtype=np.int64)

    def columns(self) -> dict[str, Ints]:
        """All rows, in the order in which they were added."""
        if not self._parts:
            return {name: np.empty(0, np.int64) for name in self._defaults}
        return {
            name: np.concatenate([part[name] for part in self._parts]) for name in self._defaults
        }


def take(columns: Mapping[str, AnyArray], rows: AnyArray) -> Columns:
    """The same columns, only those rows (a mask or positions)."""
    return {name: values[rows] for name, values in columns.items()}


def concatenate(parts: list[Columns]) -> Columns:
    """Rows of all parts, which have the same columns."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def expand(counts: Ints) -> tuple[Ints, Ints]:
    """For each row and each of its `counts`: the row's position and the number 0, 1, ..."""
    owner = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    starts = np.cumsum(counts) - counts
    return owner, np.arange(len(owner), dtype=np.int64) - starts[owner]


def intersect(
    key: Ints, start: Ints, end: Ints, other_key: Ints, other_start: Ints, other_end: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Where intervals `[start, end)` meet intervals of the same key.

    The other intervals of one key must not overlap each other. Returns positions on both sides and
    the bounds of what is common.
    """
    order = np.lexsort((other_start, other_key))
    wide = np.int64(2**33)
    base = other_key[order] * wide
    ends = base + other_end[order]
    starts = base + other_start[order]
    low = np.searchsorted(ends, key * wide + start, side="right")
    high = np.searchsorted(starts, key * wide + end, side="left")
    left, step = expand(np.maximum(high - low, 0))
    right = order[low[left] + step]
    common_start = np.maximum(start[left], other_start[right])
    common_end = np.minimum(end[left], other_end[right])
    kept = common_start < common_end
    return left[kept], right[kept], common_start[kept], common_end[kept]


def last_of_group(*keys: AnyArray) -> Ints:
    """Positions of the last row of each group of equal keys, in the rows' sorted order.

    Rows are ordered by the keys; of equal keys the one added last counts.
    """
    order = np.lexsort(tuple(reversed(keys)))
    last = np.ones(len(order), dtype=bool)
    if len(order) > 1:
        same = np.ones(len(order) - 1, dtype=bool)
        for key in keys:
            ordered = key[order]
            same &= ordered[1:] == ordered[:-1]
        last[:-1] = ~same
    return order[last]


def fill_forward(values: Ints, group_start: AnyArray) -> Ints:
    """Replace KEEP by the last value before it in the same group, else NULL.

    Args:
        values: in group and time order.
        group_start: true at the first row of each group.
    """
    position = np.arange(len(values), dtype=np.int64)
    known = np.where((values != KEEP) | group_start, position, 0)
    filled = values[np.maximum.accumulate(known)]
    return np.where(filled == KEEP, NULL, filled)
