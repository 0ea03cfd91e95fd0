"""What several pages say in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dashboard import charts, numbers
from dashboard.model import Column
from dashboard.released import Released, Row

#: Months that charts go back.
MONTHS_SHOWN = 36
#: Pixels that horizontal bars need with names before and texts behind them.
TEXT_WIDTH = 280


def values(rows: Sequence[Row], columns: Sequence[Column]) -> list[list[Any]]:
    """Rows as a table has them."""
    return [[row[column.name] for column in columns] for row in rows]


def running_note(rows: list[Row], released: Released) -> str:
    """That the last month is not over, where it is shown."""
    running = [row["month"] for row in rows if not row["is_complete"]]
    if not running:
        return ""
    return (
        f"{numbers.month(running[-1])} is still running: it is shown as of "
        f"{numbers.day(released.edition.as_of)}, and pale."
    )


def interval(low: Any, high: Any, digits: int = 1) -> str:
    """`94.8 to 101.5 %`."""
    if low is None or high is None:
        return "cannot be said"
    text = f"{numbers.share(low, digits)} to {numbers.share(high, digits)}"
    return text.replace(f"{numbers.PERCENT} to", " to")


def words(text: str) -> str:
    """A value of a mart as words: `price_differs` is price differs."""
    return text.replace("_", " ")


def named(text: str) -> str:
    """The same as a name: `gross_mrr_churn_rate` is Gross MRR churn rate."""
    known = {"mrr": "MRR", "arr": "ARR", "arpa": "ARPA", "cac": "CAC", "ltv": "LTV", "nps": "NPS"}
    first, *others = (known.get(word, word) for word in words(text).split(" "))
    return " ".join([first[:1].upper() + first[1:], *others])


def steps(
    opening: tuple[str, Decimal],
    parts: Sequence[tuple[str, Decimal, str]],
    closing: tuple[str, Decimal],
    unit: str,
) -> list[Row]:
    """Rows of a waterfall; parts that are 0 are left out.

    Args:
        opening: its name and value.
        parts: name, signed value and colour of each step.
        closing: its name and value; opening and parts sum to it.
        unit: for the labels.
    """

    def row(name: str, start: Decimal, end: Decimal, colour: str, value: str, text: str) -> Row:
        return {
            "step": name,
            "start": start,
            "end": end,
            "colour": charts.var(colour),
            "text": text,
            "label": f"{name}: {value} {unit}",
        }

    def short(value: Decimal, *, sign: bool = False) -> str:
        """Without cents, unless there is little else."""
        return (numbers.whole if abs(value) >= 10 else numbers.money)(value, sign=sign)

    name, level = opening
    rows = [row(name, Decimal(0), level, "accent", numbers.money(level), short(level))]
    for part, value, colour in parts:
        if value:
            text = short(value, sign=True)
            said = numbers.money(value, sign=True)
            rows.append(row(part, level, level + value, colour, said, text))
            level += value
    name, end = closing
    rows.append(row(name, Decimal(0), end, "accent", numbers.money(end), short(end)))
    return rows


def broken(rows: Sequence[Row]) -> tuple[float, float] | None:
    """Where the axis of a waterfall begins so that its steps can be seen; None: at 0.

    Broken only where all levels are far from 0: steps of a percent are no pixel otherwise.
    """
    levels = [float(row[end]) for row in rows[1:-1] for end in ("start", "end")]
    levels += [float(rows[0]["end"]), float(rows[-1]["end"])]
    low, high = min(levels), max(levels)
    room = (high - low) * 0.35 or abs(high) * 0.05
    start = low - room
    if high <= 0 or start < high * 0.3:
        return None
    step = 10.0 ** (len(str(int(room))) - 1)
    return (start // step * step, high + room * 0.6)


def broken_note(domain: tuple[float, float] | None, currency: str) -> str:
    """The sentence that goes with it."""
    if domain is None:
        return ""
    return (
        f"The axis begins at {numbers.money(Decimal(str(domain[0])))} {currency}, not at 0: the "
        "first and the last bar are cut, the steps between them are to scale."
    )
