"""Minor units, rounding and exchange rates (mrr_rules §3, §7)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from tests.oracle.calendar import plain_date
from tests.oracle.versions import Row, Settings

ZERO = Fraction(0)
#: More a month, in its own or the reporting currency, is a wrong number (§3).
LARGEST = Fraction(10) ** 11

# ISO 4217, list one: currencies whose minor unit is not a hundredth.
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_EXPONENTS = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


class MissingRateError(Exception):
    """No landed rate is near enough; the warehouse lists the row and blocks the release."""


def major(amount: Fraction, currency: str) -> Fraction:
    """Minor units in major units of the currency."""
    return amount / Fraction(f"1e{_EXPONENTS.get(currency.upper(), 2)}")


def cents(value: Fraction) -> Fraction:
    """Round to two decimals, half away from zero."""
    doubled = value * 200
    if doubled >= 0:
        return Fraction((doubled.numerator // doubled.denominator + 1) // 2, 100)
    return -cents(-value)


def number(value: object) -> Fraction:
    """A whole number or decimal, exactly; null reads as 0."""
    return ZERO if value is None else Fraction(str(value))


class Rates:
    """Landed exchange rates into the reporting currency."""

    def __init__(self, rows: Iterable[Row], settings: Settings) -> None:
        self._settings = settings
        self._reporting = settings.currency.upper()
        by_currency: dict[str, dict[date, Fraction]] = {}
        for row in rows:
            day = plain_date(row["rate_date"])
            if day <= settings.as_of:
                rates = by_currency.setdefault(str(row["currency"]).upper(), {})
                rates[day] = number(row["rate"])
        self._days = {currency: sorted(rates) for currency, rates in by_currency.items()}
        self._rates = by_currency

    def on(self, currency: str, day: date) -> Fraction:
        """The last landed rate on or before `day`.

        Raises:
            MissingRateError: there is none, or it is older than `fx_max_age_days`.
        """
        if currency == self._reporting:
            return Fraction(1)
        days = self._days.get(currency, [])
        position = bisect_right(days, day) - 1
        if position < 0 or (day - days[position]).days > self._settings.fx_max_age_days:
            raise MissingRateError(f"{currency} on {day}")
        return self._rates[currency][days[position]]

    def largest(self, currency: str) -> Fraction:
        """The most that is a charge a month, in major units of the currency, at its highest rate.

        Rounded to cents, as a bound that is compared with cents may be.
        """
        if currency == self._reporting or currency not in self._rates:
            return LARGEST
        return cents(LARGEST / max(Fraction(1), *self._rates[currency].values()))

    def first(self, currency: str) -> Fraction:
        """The first landed rate of the currency.

        Raises:
            MissingRateError: none has landed.
        """
        if currency == self._reporting:
            return Fraction(1)
        if currency not in self._days:
            raise MissingRateError(currency)
        return self._rates[currency][self._days[currency][0]]
