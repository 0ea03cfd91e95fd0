"""How figures read: for people on a page, and for programs in a csv file.

Money and rates are exact decimals in the marts and stay exact here. What cannot be said (null) is a
dash on a page and an empty cell in a file, never a 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

#: `customer` is the id of a customer and leads to its page.
Kind = Literal[
    "text",
    "customer",
    "month",
    "date",
    "time",
    "money",
    "count",
    "share",
    "ratio",
    "points",
    "measure",
    "flag",
]


@dataclass(frozen=True)
class Measure:
    """A value of a metric that is a fraction, or of one that is a ratio (kind `measure`)."""

    value: Decimal
    is_ratio: bool


NOT_SAID = "–"
#: A percent sign never stands alone at the start of a line.
PERCENT = "\u00a0%"
#: What a spreadsheet would take for a formula (fault matrix S08, F87).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
MINUS = "−"


#: Longer figures do not fit beside a bar; the word of each thousand.
_LONG = 10**7
_SHORT = ((Decimal(10**6), "M"), (Decimal(10**9), "B"), (Decimal(10**12), "T"))


def money(value: Any, *, sign: bool = False) -> str:
    """Two decimals and thousands separators; `sign` also shows a plus."""
    return _number(value, 2, sign=sign)


def whole(value: Any, *, sign: bool = False) -> str:
    """Money without cents, short from 10 million on; the exact figure stands beside it."""
    if value is None or abs(value) < _LONG:
        return _number(value, 0, sign=sign)
    number = _decimal(value)
    # What would be rounded to 1,000 million is 1 billion.
    place = next((n for n, _ in _SHORT if abs(number) < n * Decimal("999.95")), _SHORT[-1][0])
    return _number(number / place, 1, sign=sign) + dict(_SHORT)[place]


def count(value: Any, *, sign: bool = False) -> str:
    """A whole number."""
    return _number(value, 0, sign=sign)


def share(value: Any, digits: int = 1, *, sign: bool = False) -> str:
    """A fraction as a percentage."""
    if value is None:
        return NOT_SAID
    return _number(_decimal(value) * 100, digits, sign=sign) + PERCENT


def exact_share(value: Any, *, sign: bool = False) -> str:
    """A fraction as a percentage with every decimal that the marts hold (six of the fraction)."""
    return share(value, 4, sign=sign)


def ratio(value: Any, digits: int = 2) -> str:
    """A ratio, such as LTV:CAC."""
    return _number(value, digits)


def fraction(part: int | Decimal, whole: int | Decimal) -> Decimal:
    """A part of a whole that is not 0, exact as decimals are."""
    return Decimal(part) / Decimal(whole)


def month(value: date | None) -> str:
    """`Oct 2026`."""
    return NOT_SAID if value is None else f"{value:%b %Y}"


def day(value: date | None) -> str:
    """`20 Nov 2026`."""
    return NOT_SAID if value is None else f"{value.day} {value:%b %Y}"


def instant(value: datetime | None) -> str:
    """`20 Nov 2026, 07:30 UTC`."""
    return NOT_SAID if value is None else f"{day(value)}, {value:%H:%M} UTC"


def shown(value: Any, kind: Kind) -> str:
    """A cell of a table, exact."""
    if value is None:
        return NOT_SAID
    return _SHOWN[kind](value)


def _measure(value: Measure) -> str:
    """Without zeros at the end: a target of 90 % is no measurement of four decimals."""
    if value.is_ratio:
        return ratio(value.value, 4).rstrip("0").rstrip(".")
    return exact_share(value.value).removesuffix(PERCENT).rstrip("0").rstrip(".") + PERCENT


def _flag(value: object) -> str:
    return "yes" if value else "no"


def _ratio(value: Any) -> str:
    return ratio(value, 4)


def _points(value: Any) -> str:
    return ratio(value, 1)


def _text(value: Any) -> str:
    return str(value) or NOT_SAID


_SHOWN: dict[Kind, Callable[[Any], str]] = {
    "text": _text,
    "customer": str,
    "month": month,
    "date": day,
    "time": instant,
    "money": money,
    "count": count,
    "share": exact_share,
    "ratio": _ratio,
    "points": _points,
    "measure": _measure,
    "flag": _flag,
}


def as_csv(names: Sequence[str], kinds: Sequence[Kind], rows: Iterable[Sequence[Any]]) -> str:
    """A file for programs and spreadsheets: plain numbers, ISO dates, no text that is a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_plain(value, kind) for value, kind in zip(row, kinds, strict=True)])
    return stream.getvalue()


def _plain(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind in ("text", "customer"):
        text = str(value)
        return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
    if isinstance(value, Measure):
        return str(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _number(value: Any, digits: int, *, sign: bool = False) -> str:
    if value is None:
        return NOT_SAID
    number = round(_decimal(value), digits)
    text = f"{abs(number):,.{digits}f}"
    if number < 0:
        return MINUS + text
    return f"+{text}" if sign and number > 0 else text


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))
