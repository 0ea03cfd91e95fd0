"""Vega-Lite specifications of the dashboard's charts, made with Altair.

What all of them share:

- Every bar, point and cell has its exact value, as text made from the mart's own decimals, as
  description: the browser's accessible name and the tooltip.
- Colours are CSS variables, which the SVG renderer hands through: light, dark and print need no
  other drawing.
- Months are categories, never instants: no reader's time zone moves a bar.
- Bars start at 0. Where an axis does not, `axis_note` says it under the chart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import altair as alt

from dashboard.numbers import money, month

Spec = dict[str, Any]

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
HEIGHT = 280
MONEY_AXIS = "~s"
SHARE_AXIS = ".0%"
_PALE = 0.5
#: Money in thousands, millions, billions: the format says G, and 0k; of small money 500m is none.
_MONEY_LABEL = (
    "datum.value == 0 ? '0' : abs(datum.value) < 1 ? format(datum.value, '~r') : "
    "replace(datum.label, 'G', 'B')"
)
#: Pixels of a sign of the text behind a bar, and between bar and text.
_SIGN, _GAP = 7, 12
_CONFIG: Spec = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--ink-soft)",
        "titleColor": "var(--ink-soft)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line-strong)",
        "tickColor": "var(--line-strong)",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelPadding": 6,
    },
    "axisX": {"grid": False, "ticks": False},
    "axisY": {"domain": False, "ticks": False, "titleAnchor": "end"},
}


@dataclass(frozen=True)
class Series:
    """A column that is drawn: its name, what it is called, its colour (a CSS variable)."""

    name: str
    text: str
    colour: str


def var(colour: str) -> str:
    """A colour of the style sheet."""
    return f"var(--{colour})"


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON: decimals become floats, which only place marks; what is read is text."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return month(value) if value.day == 1 else value.isoformat()
    return value


def month_bars(
    rows: Sequence[Mapping[str, Any]],
    value: str,
    label: str,
    *,
    colour: str = "accent",
    axis: str = MONEY_AXIS,
    title: str = "",
) -> Spec:
    """A bar for each `month` from 0 up; a month with `is_complete` false is pale."""
    data = _data(rows, label)
    bars = (
        alt.Chart(data)
        .mark_bar(color=var(colour), cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
        .encode(
            x=_months(),
            y=alt.Y(f"{value}:Q", axis=_upright(axis, 5, title)),
            opacity=_opacity(),
            **_said(),
        )
    )
    return finish(bars)


def stacked_months(
    rows: Sequence[Mapping[str, Any]],
    series: Sequence[Series],
    label: str,
    *,
    line: Series | None = None,
    axis: str = MONEY_AXIS,
    x: str = "month",
    x_title: str = "",
) -> Spec:
    """Bars of each month stacked up from 0 (gains) and down from 0 (losses).

    Args:
        rows: one per month and series: `month`, `series` (its name), `value`, `is_complete`.
        series: in the order of stacking.
        label: name of the column with the description.
        line: a series of the same rows that is drawn as a line over the bars instead.
        axis: format of the axis.
        x: `month`, or another category in the order of the rows (a class of values, a run).
        x_title: title of the horizontal axis.
    """
    names = {one.name: index for index, one in enumerate(series)}
    stacked = [{**row, "place": names[row["series"]]} for row in rows if row["series"] in names]
    bars = (
        alt.Chart(_data(stacked, label))
        .mark_bar()
        .encode(
            x=_months(x, x_title),
            y=alt.Y("value:Q", stack="zero", axis=_upright(axis, 6)),
            color=_colours(series),
            order=alt.Order("place:Q"),
            opacity=_opacity(),
            **_said(),
        )
    )
    zero = alt.Chart(_inline([{}])).mark_rule(color=var("line-strong"), aria=False)
    layers: list[alt.Chart] = [bars, zero.encode(y=alt.datum(0))]
    if line is not None:
        drawn = _data([row for row in rows if row["series"] == line.name], label)
        base = alt.Chart(drawn).encode(x=_months(x, x_title), y=alt.Y("value:Q"))
        layers += [
            base.mark_line(color=var(line.colour), strokeWidth=2, aria=False),
            base.mark_point(
                filled=True, size=36, opacity=1, color=var(line.colour), stroke=var("card")
            ).encode(**_said()),
        ]
    return finish(alt.layer(*layers), height=320)


def lines(
    rows: Sequence[Mapping[str, Any]],
    series: Sequence[Series],
    label: str,
    *,
    x: str = "month",
    x_title: str = "",
    low: str = "",
    high: str = "",
    domain: tuple[float, float],
    axis: str = SHARE_AXIS,
    rules: Sequence[tuple[float, str, str]] = (),
    height: int = HEIGHT,
    is_step: bool = False,
) -> Spec:
    """Lines with a point for each value and, where `low` and `high` are named, their bands.

    Args:
        rows: one per point: `x`, `series` (its name), `value`, the bounds.
        series: what is drawn.
        label: name of the column with the description.
        x: `month`, or a number such as age.
        x_title: title of the horizontal axis.
        low: column of the lower bound of the band.
        high: column of the upper bound.
        domain: of the vertical axis; say it with `axis_note` where it leaves out 0.
        axis: format of the axis.
        rules: horizontal lines: value, text, colour.
        height: pixels.
        is_step: hold each value until the next one (survival).
    """
    where = (
        _points_of_time() if x == "month" else alt.X(f"{x}:Q", title=x_title, axis=_whole_numbers())
    )
    scale = alt.Scale(domain=list(domain), nice=False, zero=False)
    vertical = _axis(axis, tickCount=6)
    data = _data(rows, label)
    base = alt.Chart(data).encode(x=where, color=_colours(series))
    shape: Literal["step-after", "linear"] = "step-after" if is_step else "linear"
    layers: list[alt.Chart] = []
    if low and high:
        layers.append(
            base.mark_area(opacity=0.16, aria=False, clip=True, interpolate=shape).encode(
                y=alt.Y(f"{low}:Q", scale=scale, axis=vertical), y2=alt.Y2(f"{high}:Q")
            )
        )
    upright = alt.Y("value:Q", scale=scale, axis=vertical)
    layers.append(
        base.mark_line(strokeWidth=2, aria=False, interpolate=shape).encode(
            y=upright, detail="series:N"
        )
    )
    points = base.mark_point(filled=True, size=30, opacity=1)
    layers.append(points.encode(y=upright, **_said()))
    for at, text, colour in rules:
        layers += _rule(at, text, colour, scale)
    return finish(alt.layer(*layers), height=height)


def across(
    rows: Sequence[Mapping[str, Any]],
    category: str,
    value: str,
    label: str,
    *,
    colour: str = "accent",
    colours: str = "",
    text: str = "",
    axis: str = MONEY_AXIS,
    low: str = "",
    high: str = "",
    rules: Sequence[tuple[float, str, str]] = (),
    limit: float | None = None,
) -> Spec:
    """A horizontal bar for each row, in the order given; the value stands behind its bar.

    Args:
        rows: what is drawn; a null value draws no bar.
        category: column with the name of a row.
        value: column that is drawn from 0.
        label: column with the description.
        colour: of all bars.
        colours: column with a CSS variable of each bar instead.
        text: column with the text behind the bar; the axis leaves room for it at any width.
        axis: format of the axis.
        low: column of the lower end of the interval.
        high: column of the upper end.
        rules: vertical lines: value, text, colour.
        limit: where the axis ends; bars and intervals beyond are cut, which has to be said.
    """
    data = _data(rows, label)
    order = [row[category] for row in rows]
    scale: Any = alt.Scale(domainMax=limit) if limit is not None else alt.Undefined
    if text:
        scale = _room([row[value] for row in rows], [str(row[text]) for row in rows])
    base = alt.Chart(data).encode(
        y=alt.Y(
            f"{category}:N",
            sort=order,
            axis=alt.Axis(
                title=None,
                domain=False,
                ticks=False,
                labelLimit=alt.ExprRef("containerSize()[0] < 500 ? 130 : 230"),
                labelFontSize=12,
            ),
        )
    )
    wide = alt.X(f"{value}:Q", scale=scale, axis=_axis(axis, grid=True, tickCount=5))
    shade = alt.Color(f"{colours}:N", scale=None) if colours else alt.value(var(colour))
    clip = limit is not None
    bars = base.mark_bar(height=alt.RelativeBandSize(0.62), clip=clip)
    layers: list[alt.Chart] = [bars.encode(x=wide, color=shade, **_said())]
    if low and high:
        layers.append(
            base.mark_rule(color=var("ink"), strokeWidth=1.5, aria=False, clip=clip).encode(
                x=alt.X(f"{low}:Q"), x2=alt.X2(f"{high}:Q")
            )
        )
    for at, words, ink in rules:
        mark = alt.Chart(_inline([{"label": words}]))
        layers.append(
            mark.mark_rule(color=var(ink), strokeDash=[4, 3]).encode(x=alt.datum(at), **_said())
        )
    if text:
        is_loss = f"datum['{value}'] < 0"
        layers.append(
            base.mark_text(
                align=alt.ExprRef(f"{is_loss} ? 'right' : 'left'"),
                dx=alt.ExprRef(f"{is_loss} ? -6 : 6"),
                fontSize=12,
                color=var("ink"),
                aria=False,
                font=FONT,
            ).encode(x=alt.X(f"{value}:Q"), text=f"{text}:N")
        )
    return finish(alt.layer(*layers), height=max(60, 34 * len(rows)))


def _room(values: Sequence[Any], texts: Sequence[str]) -> alt.Scale:
    """A scale from 0 that leaves room behind the bars for their texts, however wide it is."""
    known = [(float(v), len(t)) for v, t in zip(values, texts, strict=True) if v is not None]
    high = max([value for value, _ in known if value > 0], default=0.0)
    low = min([value for value, _ in known if value < 0], default=0.0)
    right = max([n for value, n in known if value >= 0], default=0) * _SIGN + _GAP
    left = max([n for value, n in known if value < 0], default=0) * _SIGN + _GAP if low else 0
    # So many pixels are left for the bars; at least a third of the width.
    free = f"max(width - {right + left}, width / 3)"
    extent = (high - low) or 1.0
    above = alt.ExprRef(f"{high!r} + {extent!r} / {free} * {right}")
    below = alt.ExprRef(f"{low!r} - {extent!r} / {free} * {left}")
    return alt.Scale(domainMax=above, domainMin=below if low else 0, nice=False)


def waterfall(
    rows: Sequence[Mapping[str, Any]], label: str, *, domain: tuple[float, float] | None = None
) -> Spec:
    """Steps from an opening to a closing.

    Args:
        rows: in order: `step` (its name), `start`, `end`, `colour` (a CSS variable), `text`.
        label: column with the description.
        domain: of the axis where it does not begin at 0; the first and last bar are cut then.
    """
    values = [plain(row) for row in rows]
    for before, row in zip([None, *values], values, strict=False):
        row["top"] = max(row["start"], row["end"])
        row["from"] = before["end"] if before else None
    scale = alt.Scale(domain=list(domain), nice=False, zero=False) if domain else alt.Undefined
    base = alt.Chart(_data(values, label)).encode(
        x=alt.X(
            "step:N",
            sort=[row["step"] for row in values],
            axis=alt.Axis(
                title=None,
                labelAngle=0,
                labelFontSize=11,
                labelLimit=90,
                labelOverlap=False,
                labelExpr="split(datum.label, ' ')",
            ),
        )
    )
    bars = base.mark_bar(clip=True, width=alt.RelativeBandSize(0.7)).encode(
        y=alt.Y("start:Q", scale=scale, axis=_axis(MONEY_AXIS, tickCount=6)),
        y2=alt.Y2("end:Q"),
        color=alt.Color("colour:N", scale=None),
        **_said(),
    )
    texts = base.mark_text(
        dy=-8, fontSize=12, color=var("ink"), aria=False, font=FONT, clip=False
    ).encode(y=alt.Y("top:Q"), text="text:N")
    return finish(alt.layer(bars, texts), height=320)


def heat_map(
    rows: Sequence[Mapping[str, Any]],
    label: str,
    *,
    x: str,
    y: str,
    text: str,
    x_title: str,
    cell: int = 44,
) -> Spec:
    """Cells with their numbers; `fill` and `ink` are CSS variables (`heat_colour`)."""
    data = _data(rows, label)
    ages = sorted({row[x] for row in rows})
    names = list(dict.fromkeys(_plain(row[y]) for row in rows))
    base = alt.Chart(data).encode(
        x=alt.X(
            f"{x}:O",
            sort=ages,
            axis=alt.Axis(title=x_title, orient="top", labelAngle=0, domain=False),
        ),
        y=alt.Y(f"{y}:N", sort=names, axis=alt.Axis(title=None, domain=False, labelFontSize=12)),
    )
    cells = base.mark_rect(stroke=var("card"), strokeWidth=1.5).encode(
        color=alt.Color("fill:N", scale=None), **_said()
    )
    texts = base.mark_text(fontSize=11, aria=False, font=FONT).encode(
        text=f"{text}:N", color=alt.Color("ink:N", scale=None)
    )
    spec = finish(alt.layer(cells, texts))
    del spec["autosize"]
    spec["width"] = {"step": cell}
    spec["height"] = {"step": 24}
    return spec


def heat_colour(value: Any, bounds: Sequence[float], *, first: int = 0) -> tuple[str, str]:
    """Colours of a cell and of its number, by the class that its value falls into."""
    if value is None:
        return var("heat-none"), var("ink-soft")
    place = first + sum(float(value) >= bound for bound in bounds)
    return var(f"heat-{place}"), var(f"heat-{place}-ink")


def padded(values: Iterable[Any], step: float) -> tuple[float, float]:
    """The range of values (None aside) out to the next steps."""
    known = [float(value) for value in values if value is not None]
    if not known:
        return 0.0, 1.0
    low = math.floor(round(min(known) / step, 9)) * step
    high = math.ceil(round(max(known) / step, 9)) * step
    return round(low, 9), round(high if high > low else low + step, 9)


def axis_note(domain: tuple[float, float], words: str) -> str:
    """The sentence that an axis is broken; empty where it has its 0."""
    if domain[0] <= 0 <= domain[1]:
        return ""
    return f"The axis begins at {words}, not at 0: heights show differences, not sizes."


def money_words(value: float, currency: str) -> str:
    """An end of an axis, in words."""
    return f"{money(Decimal(str(value)))} {currency}"


def finish(chart: alt.Chart | alt.LayerChart | alt.FacetChart, *, height: int = HEIGHT) -> Spec:
    """The chart as a specification as wide as its place on the page."""
    spec: Spec = chart.to_dict()
    spec.update(width="container", height=height)
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["config"] = _CONFIG
    return spec


def _data(rows: Sequence[Mapping[str, Any]], label: str) -> alt.Data:
    return _inline([{**plain(row), "label": row[label]} for row in rows])


def _inline(values: list[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=values)  # type: ignore[no-untyped-call]


def _said() -> dict[str, Any]:
    return {"description": alt.Description("label:N"), "tooltip": alt.Tooltip("label:N")}


def _months(name: str = "month", title: str = "") -> alt.X:
    return alt.X(
        f"{name}:O",
        sort=None,
        axis=alt.Axis(title=title or None, labelAngle=0, labelOverlap=True),
        scale=alt.Scale(paddingInner=0.18),
    )


def _points_of_time() -> alt.X:
    return alt.X("month:O", sort=None, axis=alt.Axis(title=None, labelAngle=0, labelOverlap=True))


def _upright(form: str, count: int, title: str = "") -> alt.Axis:
    """The vertical axis of bars; whole numbers have no tick between them."""
    step = 1 if form == "d" else alt.Undefined
    return _axis(form, title=title or None, tickCount=count, tickMinStep=step)


def _axis(form: str, **more: Any) -> alt.Axis:
    """An axis of a format; money has words of its own for thousands."""
    label = _MONEY_LABEL if form == MONEY_AXIS else alt.Undefined
    return alt.Axis(**{"format": form, "title": None, "labelExpr": label, **more})


def _whole_numbers() -> alt.Axis:
    return alt.Axis(format="d", tickMinStep=1, tickCount=12)


def _opacity() -> Any:
    return alt.condition("datum.is_complete === false", alt.value(_PALE), alt.value(1))


def _colours(series: Sequence[Series]) -> alt.Color:
    return alt.Color(
        "series:N",
        scale=alt.Scale(
            domain=[one.name for one in series], range=[var(one.colour) for one in series]
        ),
        legend=None,
    )


def _rule(at: float, text: str, colour: str, scale: alt.Scale) -> list[alt.Chart]:
    base = alt.Chart(_inline([{"label": text}]))
    return [
        base.mark_rule(color=var(colour), strokeDash=[5, 4], strokeWidth=1.5).encode(
            y=alt.Y(datum=at, scale=scale), **_said()
        )
    ]
