"""Where a mart comes from and who reads it, as an SVG inside the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

BOX_WIDTH = 210
BOX_HEIGHT = 26
ROW = 34
COLUMN = 260
CHARACTERS = 32


@dataclass(frozen=True)
class Box:
    """One node: `key` is unique, `link` relative to the page or empty."""

    key: str
    label: str
    link: str = ""
    kind: str = "model"


def drawing(title: str, columns: Sequence[Sequence[Box]], edges: Sequence[tuple[str, str]]) -> str:
    """Boxes in columns from left to right, each column centred, and lines between them."""
    height = max((len(column) for column in columns), default=1) * ROW + 8
    width = (len(columns) - 1) * COLUMN + BOX_WIDTH + 4
    places: dict[str, tuple[float, float]] = {}
    for number, column in enumerate(columns):
        top = (height - len(column) * ROW) / 2
        for row, box in enumerate(column):
            places[box.key] = (number * COLUMN + 2, top + row * ROW + (ROW - BOX_HEIGHT) / 2)
    lines = [_line(places[before], places[after]) for before, after in edges]
    boxes = [_box(box, *places[box.key]) for column in columns for box in column]
    return "\n".join(
        [
            f'<svg class="lineage" viewBox="0 0 {width} {height:.0f}" width="{width}"'
            f' role="group" aria-label="{escape(title)}">',
            *lines,
            *boxes,
            "</svg>",
        ]
    )


def _line(before: tuple[float, float], after: tuple[float, float]) -> str:
    x, y = before[0] + BOX_WIDTH, before[1] + BOX_HEIGHT / 2
    to_x, to_y = after[0], after[1] + BOX_HEIGHT / 2
    middle = (x + to_x) / 2
    curve = f"M{x:.0f} {y:.0f}C{middle:.0f} {y:.0f} {middle:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"
    return f'<path d="{curve}"/>'


def _box(box: Box, x: float, y: float) -> str:
    label = box.label if len(box.label) <= CHARACTERS else box.label[: CHARACTERS - 1] + "…"
    drawn = (
        f'<g class="{box.kind}"><title>{escape(box.label)}</title>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="4"/>'
        f'<text x="{x + 8:.0f}" y="{y + 17:.0f}">{escape(label)}</text></g>'
    )
    return f'<a href="{escape(box.link)}">{drawn}</a>' if box.link else drawn
