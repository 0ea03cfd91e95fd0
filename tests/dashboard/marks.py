"""Whether bars, steps and points are drawn to scale; places and sizes are pixels of the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.dashboard.browser import Mark

#: Rows of a statement on the released company.
Ask = Callable[[str], list[tuple[Any, ...]]]

#: Marks end between pixels, and strokes have a width.
CLOSE = 0.8


def sizes_are(marks: Sequence[Mark], values: Sequence[Any], side: str) -> None:
    """Bars are as long as their values, whatever their signs, and the longest is no sliver."""
    assert len(marks) == len(values) > 0
    drawn = [float(getattr(mark, side)) for mark in marks]
    meant = [abs(float(value)) for value in values]
    scale = max(drawn) / max(meant)
    assert max(drawn) > 40
    for mark, pixels, value in zip(marks, drawn, meant, strict=True):
        assert pixels == pytest.approx(value * scale, abs=CLOSE), mark.label


def heights_are(marks: Sequence[Mark], values: Sequence[Any]) -> None:
    """Points stand on one scale: the higher the value, the higher the point, in proportion."""
    assert len(marks) == len(values) > 1
    placed = sorted(zip((float(value) for value in values), marks, strict=True), key=lambda p: p[0])
    (low, bottom), (high, top) = placed[0], placed[-1]
    assert bottom.middle - top.middle > 40
    scale = (bottom.middle - top.middle) / (high - low)
    for value, mark in placed:
        assert bottom.middle - mark.middle == pytest.approx((value - low) * scale, abs=CLOSE), (
            mark.label
        )


def levels_are(first: Mark, steps: Sequence[tuple[Mark, Any]], last: Mark) -> None:
    """Each step begins at the level where the one before ends, from the first bar to the last."""
    scale = max(mark.height for mark, _ in steps) / max(abs(float(value)) for _, value in steps)
    level = first.y
    for mark, value in steps:
        after = level - float(value) * scale
        assert mark.y == pytest.approx(min(level, after), abs=CLOSE), mark.label
        assert mark.y + mark.height == pytest.approx(max(level, after), abs=CLOSE), mark.label
        level = after
    assert last.y == pytest.approx(level, abs=CLOSE)


def labelled(marks: Sequence[Mark], start: str) -> Mark:
    found = [mark for mark in marks if mark.label.startswith(start)]
    assert len(found) == 1, (start, [mark.label for mark in marks])
    return found[0]
