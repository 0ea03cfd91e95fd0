"""Daily exchange rates to the reporting currency (USD): a random walk, none on weekends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulation.catalogue import CURRENCIES
from simulation.columns import Columns
from simulation.config import Ints, Objects, SimulationConfig, generator
from simulation.dates import first_day
from simulation.world import World

# Rates are whole numbers of this part.
RATE_SCALE = 10**8
_BEGIN = (1.0, 1.09, 1.27, 0.0068, 3.26)
_NOISE = (0.0, 0.0045, 0.005, 0.006, 0.0006)
_DAYS_BEFORE = 12


def daily_rates(config: SimulationConfig) -> Columns:
    """Weekdays from some days before the first month: rate_day, currency (code), rate (scaled)."""
    rng = generator(config.seed, "rates")
    start = int(first_day(np.array([config.first_month]))[0]) - _DAYS_BEFORE
    days = np.arange(start, config.as_of_day + 1, dtype=np.int64)
    weekday = (days + 3) % 7 < 5
    parts_day, parts_currency, parts_rate = [], [], []
    for code in range(1, len(CURRENCIES)):
        walk = np.cumsum(rng.normal(0, _NOISE[code], len(days)))
        rate = np.rint(_BEGIN[code] * np.exp(np.clip(walk, -0.6, 0.6)) * RATE_SCALE)
        parts_day.append(days[weekday])
        parts_currency.append(np.full(int(weekday.sum()), code, np.int64))
        parts_rate.append(rate.astype(np.int64)[weekday])
    return {
        "rate_day": np.concatenate(parts_day),
        "currency": np.concatenate(parts_currency),
        "rate": np.concatenate(parts_rate),
    }


def rates_on(world: World, days: Ints) -> Callable[[Ints], Objects]:
    """A function from currency codes (one per day) to the last rates on or before the days."""
    table = daily_rates(world.config)

    def look_up(currency: Ints) -> Objects:
        result = np.full(len(days), RATE_SCALE, np.int64)
        for code in range(1, len(CURRENCIES)):
            rows = currency == code
            of_code = table["currency"] == code
            position = np.searchsorted(table["rate_day"][of_code], days[rows], side="right") - 1
            result[rows] = table["rate"][of_code][position]
        return result.astype(np.object_)

    return look_up
