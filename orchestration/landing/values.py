"""What a landed text means, one value at a time: the reference for every faster reading.

`columns.py` reads whole columns at once and comes here for what it cannot read, so the reason that
a person gets is always written here, and a property test holds the two to the same answers.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from orchestration.landing.contract import Column

MAX_TEXT_BYTES = 1_000_000
#: Of money in minor units and of pieces: what is larger is no price, invoice or number of seats,
#: and a product of the two would not fit the numbers that engines compute with.
MAX_AMOUNT = 10**15
#: By name of a column. What is added to a date is a century at most, so that dates stay dates.
MAX_NUMBERS = {
    "quantity": 10**9,
    "interval_count": 1200,
    "duration_in_months": 1200,
    "pre_period_days": 36_500,
    "post_period_days": 36_500,
}
_PREVIEW_CHARACTERS = 200

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?",
    re.ASCII,
)

# Of any case, which the models fold. Of ASCII only: the capital of U+0131, an i without its dot, is
# I, so what is no currency would become one.
CURRENCY_PATTERN = "^[A-Za-z]{3}$"
_CURRENCY = re.compile(CURRENCY_PATTERN, re.ASCII)

_TIER_AMOUNT = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,4})?", re.ASCII)
_TIER_BOUND = re.compile(r"[0-9]{1,20}", re.ASCII)

# What programs write for nothing. As the name of a thing it would be one thing to all of them.
NULL_WORDS = frozenset(
    [
        *("null", "none", "nil", "nan", "na", "n/a", "#n/a", "<na>", "<null>", "(null)", r"\n"),
        *("undefined", "#null!", "#ref!", "#value!", "#name?", "#div/0!"),
    ]
)

# Characters that have no sign of their own: an id with one looks like the id without it, and none
# of its rows is found. The joiners that scripts write with (U+200C, U+200D) are not among them.
INVISIBLE_CLASS = (
    "[\\x01-\\x1f\\x7f-\\x9f\\xad\u115f\u1160\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]"
)
INVISIBLE = re.compile(INVISIBLE_CLASS)
_BLANK = re.compile(r"[\t-\r ]+")

# In bytes, with a little white space around.
LONGEST_NULL_WORD = 16

Value = str | int | bool | date | datetime | Decimal


class BadValueError(ValueError):
    """A text that cannot be what its column says; `rule` names the rule it breaks."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


def parse(text: str, column: Column) -> Value:
    """The value of a text that is not empty, by the type of its column.

    Raises:
        BadValueError: the text is no value of that type, or is not among the values allowed.
    """
    match column.data_type:
        case "varchar":
            return _text(text, column)
        case "bigint":
            return _integer(text, column)
        case "boolean":
            if text in ("true", "false"):
                return text == "true"
            raise BadValueError("not_a_boolean", "a boolean is written true or false")
        case "date":
            return _date(text)
        case "timestamp":
            return _timestamp(text)
    shape = column.decimal_shape
    assert shape is not None, column.data_type
    number = _decimal(text, *shape)
    _check_limits(number, column)
    return number


def preview(text: str | None, column: Column | None) -> str | None:
    """What the quarantine shows of a value: bounded, printable, and nothing of a person."""
    if text is None:
        return None
    if column is not None and column.personal:
        return "(personal, not shown)"
    # Postgres text holds no NUL, so a shown value must not either.
    shown = text[:_PREVIEW_CHARACTERS].replace("\0", "␀")
    shown = shown.encode("utf-8", "replace").decode("utf-8")
    return shown if len(text) <= _PREVIEW_CHARACTERS else f"{shown}… ({len(text)} characters)"


def _text(text: str, column: Column) -> str:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT_BYTES:
        raise BadValueError(
            "text_too_long", f"the text is {size} bytes long; at most {MAX_TEXT_BYTES} are taken"
        )
    if "\0" in text:
        raise BadValueError("nul_byte", "the text holds a NUL byte")
    if column.is_id and size <= LONGEST_NULL_WORD and text.strip().lower() in NULL_WORDS:
        raise BadValueError("null_word", "a word for nothing is no id; leave the field empty")
    if column.is_id and (hidden := INVISIBLE.search(text)) and not _BLANK.fullmatch(text):
        code = f"U+{ord(hidden.group()):04X}"
        raise BadValueError("invisible_character", f"the id holds {code}, which nobody sees")
    if column.values and text not in column.values:
        raise BadValueError("not_in_values", f"not one of: {', '.join(column.values)}")
    if column.is_currency and not _CURRENCY.fullmatch(text):
        raise BadValueError(
            "not_a_currency", "a currency is a code of three letters A to Z, as EUR or eur"
        )
    if column.format == "json":
        _check_json(text)
    if column.format == "tiers":
        _check_tiers(text)
    return text


def _check_json(text: str) -> None:
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
        # Half a surrogate pair passes here, and then breaks every engine that reads it.
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise BadValueError("not_json", f"no JSON: {error}") from None


def _check_tiers(text: str) -> None:
    """Tiers are what the models compute with: a list of bounds and amounts, none of them twice."""
    _check_json(text)
    tiers = json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=_once)
    if not isinstance(tiers, list) or not all(isinstance(tier, dict) for tier in tiers):
        raise BadValueError("not_tiers", "tiers are a JSON list of objects")
    bounds = []
    for tier in tiers:
        for name in ("unit_amount", "flat_amount"):
            amount = tier.get(name)
            if amount is None and tier.get(f"{name}_decimal") is not None:
                raise BadValueError("not_tiers", f"{name} is not there, but {name}_decimal is")
            if amount is not None and not _is_tier_number(amount, _TIER_AMOUNT):
                raise BadValueError(
                    "not_tiers", f"{name} of a tier is a number of at most 4 decimals, or null"
                )
        up_to = tier.get("up_to")
        if up_to not in (None, "inf") and not _is_tier_number(up_to, _TIER_BOUND):
            raise BadValueError("not_tiers", "up_to of a tier is a whole number, inf or null")
        bounds.append(None if up_to in (None, "inf") else int(up_to))
    if len(set(bounds)) < len(bounds):
        raise BadValueError("not_tiers", "two tiers have the same up_to, so which one counts?")


def _is_tier_number(value: object, pattern: re.Pattern[str]) -> bool:
    return (
        isinstance(value, str)
        and pattern.fullmatch(value) is not None
        and abs(Decimal(value)) <= MAX_AMOUNT
    )


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise BadValueError("not_tiers", "a tier has the same name twice")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _integer(text: str, column: Column) -> int:
    if not _INTEGER.fullmatch(text):
        raise BadValueError("not_an_integer", "a whole number is written with digits alone")
    # 40 digits are far outside any 64-bit number, and int() of a million digits is slow.
    number = int(text) if len(text) < 40 else 2**63
    if not -(2**63) <= number < 2**63:
        raise BadValueError("out_of_range", "the number does not fit 64 bits")
    _check_limits(number, column)
    return number


def _check_limits(number: int | Decimal, column: Column) -> None:
    lowest, highest = limits(column)
    if highest is not None and number > highest:
        raise BadValueError("out_of_range", f"{column.name} is at most {highest:,f}")
    if lowest is not None and number < lowest:
        raise BadValueError("out_of_range", f"{column.name} is at least {lowest:,f}")


def limits(column: Column) -> tuple[Decimal | None, Decimal | None]:
    """The least and the most that a number of a column may be; None where only its type says."""
    most = MAX_AMOUNT if column.is_money else MAX_NUMBERS.get(column.name)
    lowest = -Decimal(most) if most is not None else None
    highest = Decimal(most) if most is not None else None
    return (
        lowest if column.lowest is None else column.lowest,
        highest if column.highest is None else column.highest,
    )


def _decimal(text: str, precision: int, scale: int) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise BadValueError(
            "not_a_decimal", "a decimal is written with digits and at most one point, as 12.5"
        )
    whole, _, fraction = text.lstrip("-").partition(".")
    if len(whole.lstrip("0")) > precision - scale:
        raise BadValueError("out_of_range", f"the number does not fit decimal({precision},{scale})")
    if len(fraction.rstrip("0")) > scale:
        raise BadValueError("out_of_range", f"more than {scale} digits after the point")
    return Decimal(f"{'-' if text[0] == '-' else ''}{whole}.{fraction[:scale]:0<{scale}}")


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise BadValueError("not_a_date", "a date is written YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadValueError("not_a_date", f"no day of the calendar: {error}") from None


def _timestamp(text: str) -> datetime:
    """A naive UTC time; digits after the microseconds are cut off."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text, re.ASCII):
            raise BadValueError(
                "epoch_timestamp", "a number is no time here; write ISO 8601, 2026-10-31T12:00:00Z"
            )
        raise BadValueError(
            "not_a_timestamp", "a time is written in ISO 8601, as 2026-10-31T12:00:00Z"
        )
    day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(day).replace(
            hour=int(hour or 0),
            minute=int(minute or 0),
            second=int(second or 0),
            microsecond=int(f"{fraction or '':0<6}"[:6]),
        )
        return moment - _zone_offset(zone)
    except (ValueError, OverflowError) as error:
        raise BadValueError("not_a_timestamp", f"no time of the calendar: {error}") from None


def _zone_offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta()
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(f"{zone} is no offset from UTC")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset


def utc_naive(moment: datetime) -> datetime:
    """The same moment as a naive UTC time."""
    return moment.astimezone(UTC).replace(tzinfo=None)
