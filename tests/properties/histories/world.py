"""What the histories of one run share: days, zone, currency and exchange rates."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class World:
    """What all histories of one run share: as-of date, zone, currency and exchange rates."""

    as_of: date
    zone: str
    currency: str
    currencies: tuple[str, ...]
    rates: tuple[tuple[date, str, Decimal], ...]

    def fx_rows(self) -> list[Row]:
        """The rates as raw rows."""
        return [
            {"rate_date": day, "currency": code, "rate": rate} for day, code, rate in self.rates
        ]


def make_world(seed: int, as_of: date, zone: str, currency: str) -> World:
    """Rates with gaps of up to a week that jump now and then; some dated after `as_of`."""
    chance = random.Random(seed)
    others = tuple(code for code in ("EUR", "JPY", "KWD", "USD") if code != currency)
    around = {"EUR": 1.1, "JPY": 0.0067, "KWD": 3.25, "USD": 1.0}
    rates: list[tuple[date, str, Decimal]] = []
    for code in others:
        level = around[code] / around[currency]
        day = as_of - timedelta(days=chance.randint(560, 600))
        while day < as_of + timedelta(days=30):
            level *= 1 + chance.uniform(-0.05, 0.05)
            rates.append((day, code, Decimal(f"{level:.{chance.choice((4, 6, 10))}f}")))
            day += timedelta(days=chance.choice((1, 1, 2, 3, 5, 7, 7)))
    return World(as_of, zone, currency, others, tuple(rates))
