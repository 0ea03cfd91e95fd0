"""Calendar arithmetic on arrays: days since 1970-01-01, months since January 1970, seconds UTC."""

from __future__ import annotations

import numpy as np

from simulation.config import Ints

DAY = 86_400
# Beyond every date of a simulation: an interval that has not ended.
FOREVER = 2**31


def month_of(day: Ints) -> Ints:
    """Month number of each day."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_day(month: Ints) -> Ints:
    """Day number of the first day of each month."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def add_months(day: Ints, months: Ints | int) -> Ints:
    """The same day of the month `months` later, clamped to that month's last day."""
    month = month_of(day)
    target = month + months
    start = first_day(target)
    length = first_day(target + 1) - start
    result: Ints = start + np.minimum(day - first_day(month), length - 1)
    return result


def next_period_end(anchor: Ints, months: Ints, day: Ints) -> Ints:
    """The first end of a billing period after `day`; periods are `months` long from `anchor`."""
    whole = np.maximum((month_of(day) - month_of(anchor)) // months, 0)
    candidate = add_months(anchor, whole * months)
    late = candidate <= day
    candidate[late] = add_months(anchor[late], (whole[late] + 1) * months[late])
    return candidate
