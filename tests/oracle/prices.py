"""What a price asks for a quantity, and its monthly factor (mrr_rules §3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from tests.oracle.money import ZERO, Rates, major, number
from tests.oracle.policy import Policy
from tests.oracle.versions import Row


def is_metered(price: Row) -> bool:
    """Whether a price is billed by usage."""
    return price.get("usage_type") == "metered"


def is_recurring(price: Row) -> bool:
    """Whether a price recurs at all."""
    return price.get("type") != "one_time"


def interval_count(price: Row) -> int:
    """How many intervals a period has; null or below 1 reads as 1."""
    return max(1, int(price.get("interval_count") or 1))


def monthly_factor(price: Row, policy: Policy) -> Fraction:
    """What one period's amount is multiplied with to make a month's."""
    factors = {
        "year": Fraction(1, 12),
        "month": Fraction(1),
        "week": policy.week_factor,
        "day": policy.day_factor,
    }
    return factors[str(price.get("interval") or "month")] / interval_count(price)


Tier = tuple[Fraction | None, Fraction, Fraction]
"""Upper bound (null: none), unit amount, flat amount."""


@lru_cache(maxsize=50_000)
def _tiers(text: str) -> tuple[Tier, ...]:
    def tier(entry: Mapping[str, Any]) -> Tier:
        up_to = entry.get("up_to")
        return (
            None if up_to in (None, "inf") else number(up_to),
            number(entry.get("unit_amount")),
            number(entry.get("flat_amount")),
        )

    tiers = [tier(entry) for entry in json.loads(text)]
    return tuple(sorted(tiers, key=lambda entry: (entry[0] is None, entry[0] or ZERO)))


def _graduated(tiers: tuple[Tier, ...], quantity: Fraction) -> Fraction:
    total, below = ZERO, ZERO
    for position, (up_to, unit, flat) in enumerate(tiers):
        is_last = position == len(tiers) - 1
        top = quantity if up_to is None or is_last else min(quantity, up_to)
        if top > below:
            total += (top - below) * unit + flat
            below = top
    return total


def _volume(tiers: tuple[Tier, ...], quantity: Fraction) -> Fraction:
    for up_to, unit, flat in tiers:
        if up_to is None or quantity <= up_to:
            return quantity * unit + flat
    _, unit, flat = tiers[-1]
    return quantity * unit + flat


def period_amount(price: Row, quantity: int) -> Fraction:
    """Minor units of one period for `quantity`, exactly."""
    if quantity <= 0 or not is_recurring(price):
        return ZERO
    units = Fraction(quantity)
    if price.get("billing_scheme") != "tiered":
        return units * max(ZERO, number(price.get("unit_amount")))
    tiers = _tiers(str(price["tiers"]))
    if any(unit < 0 or flat < 0 for _, unit, flat in tiers):
        return ZERO
    if price.get("tiers_mode") == "volume":
        return _volume(tiers, units)
    return _graduated(tiers, units)


#: How often a month has to be able to charge what one interval does (§3).
_TIMES_A_MONTH = {"day": 31, "week": 5}


def is_too_large(price: Row, quantity: int, rates: Rates) -> bool:
    """Whether a price asks for more than anybody charges: it is rejected, and not counted."""
    currency = str(price["currency"]).upper()
    times = _TIMES_A_MONTH.get(str(price.get("interval")), 1)
    return times * major(period_amount(price, quantity), currency) > rates.largest(currency)


def is_too_large_a_line(line: Row, price: Row | None, rates: Rates) -> bool:
    """The same of an invoice line; one that is brought to a month by days may grow like a day's."""
    currency = str(line["currency"]).upper()
    interval = "day"
    if price is not None and not line.get("proration"):
        interval = str(price.get("interval") or "day")
    amount = max(abs(number(line.get("amount"))), abs(number(line.get("discount_amount"))))
    return _TIMES_A_MONTH.get(interval, 1) * major(amount, currency) > rates.largest(currency)


def monthly_gross(price: Row, quantity: int, policy: Policy) -> Fraction:
    """Monthly amount in major units of the price's currency, before discounts."""
    if not is_recurring(price):
        return ZERO
    amount = period_amount(price, quantity) * monthly_factor(price, policy)
    return major(amount, str(price["currency"]))
