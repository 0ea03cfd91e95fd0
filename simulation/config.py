"""What is simulated: the size, the dates, the seed, and how the files are dealt out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]
AnyArray = npt.NDArray[Any]

MAX_CUSTOMERS = 5_000_000
MAX_MONTHS = 240


class SimulationError(Exception):
    """A setting of the simulation that cannot be used; the message says which and what to do."""


@dataclass(frozen=True)
class SimulationConfig:
    """The settings of one simulated company.

    Attributes:
        customers: billing customers that ever signed up, trials that came to nothing included.
        months: length of the company's life in calendar months, the month of `as_of` included.
        seed: same seed and settings, same bytes.
        as_of: last day that is landed and valued.
        events: product events to make; None: what the accounts' engagement calls for.
        batches: deliveries that the company's life is landed in (sub-folders per table).
        clean: leave out late, duplicate and corrected rows.
        workers: threads that write event files; the bytes do not depend on it.
    """

    customers: int
    months: int
    seed: int
    as_of: date
    events: int | None = None
    batches: int = 4
    clean: bool = False
    workers: int = 4

    def __post_init__(self) -> None:
        _check("customers", self.customers, 1, MAX_CUSTOMERS)
        _check("months", self.months, 1, MAX_MONTHS)
        _check("seed", self.seed, 0, 2**32 - 1)
        _check("batches", self.batches, 1, 1_000)
        _check("workers", self.workers, 1, 256)
        if self.events is not None:
            _check("events", self.events, 0, 10**10)
        if not date(1990, 1, 1) <= self.as_of <= date(2200, 1, 1):
            raise SimulationError(
                f"as-of is {self.as_of}; use a date between 1990-01-01 and 2200-01-01."
            )

    @property
    def first_month(self) -> int:
        """Month number (months since January 1970) in which the company begins."""
        return self.as_of_month - self.months + 1

    @property
    def as_of_month(self) -> int:
        """Month number of the last month."""
        return (self.as_of.year - 1970) * 12 + self.as_of.month - 1

    @property
    def as_of_day(self) -> int:
        """Day number (days since 1970-01-01) of the last day."""
        return (self.as_of - date(1970, 1, 1)).days


def _check(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SimulationError(f"{name} is {value!r}; use a whole number from {low} to {high}.")


def generator(seed: int, stream: str) -> np.random.Generator:
    """A random generator of its own per subject, so that a new table changes no other."""
    return np.random.Generator(np.random.PCG64([seed, *stream.encode()]))
