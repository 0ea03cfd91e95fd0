"""What the company sells, for how much: products, prices per currency and interval, tiers.

Amounts are whole minor units. A price is numbered product x interval x currency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.config import Ints

CURRENCIES = ("USD", "EUR", "GBP", "JPY", "KWD")
EXPONENTS = np.array([2, 2, 2, 0, 3], dtype=np.int64)
# Minor units of each currency that stand for one US cent on the price list.
_PER_CENT = ((1, 1), (93, 100), (79, 100), (3, 2), (307, 100))

INTERVAL_MONTHS = np.array([1, 3, 12], dtype=np.int64)
MONTHLY, QUARTERLY, ANNUAL = 0, 1, 2

PER_UNIT, GRADUATED, VOLUME = 0, 1, 2


@dataclass(frozen=True)
class Product:
    """A product and its monthly list price.

    `tiers` are (up_to, unit_amount, flat_amount) in US cents a month, the last one open (0).
    """

    key: str
    name: str
    scheme: int
    tiers: tuple[tuple[int, int, int], ...]
    usage: str = "licensed"
    kind: str = "recurring"


PRODUCTS = (
    Product("starter", "Starter", PER_UNIT, ((0, 2_900, 0),)),
    Product("team", "Team", PER_UNIT, ((0, 1_250, 0),)),
    Product(
        "business",
        "Business",
        GRADUATED,
        ((10, 2_475, 4_900), (50, 1_995, 0), (0, 1_495, 0)),
    ),
    Product(
        "enterprise",
        "Enterprise",
        VOLUME,
        ((50, 3_900, 29_900), (200, 3_300, 29_900), (0, 2_700, 49_900)),
    ),
    Product("insights", "Insights add-on", PER_UNIT, ((0, 4_900, 0),)),
    Product("api_calls", "API calls", PER_UNIT, ((0, 2, 0),), usage="metered"),
    Product("onboarding", "Onboarding package", PER_UNIT, ((0, 49_900, 0),), kind="one_time"),
)
STARTER, TEAM, BUSINESS, ENTERPRISE, INSIGHTS, API_CALLS, ONBOARDING = range(len(PRODUCTS))
SEAT_PLANS = np.array([TEAM, BUSINESS, ENTERPRISE], dtype=np.int64)

INTERVALS = len(INTERVAL_MONTHS)
PRICES_PER_PRODUCT = INTERVALS * len(CURRENCIES)


def price_number(product: Ints | int, interval: Ints | int, currency: Ints | int) -> Ints:
    """The number of the price of a product in an interval and currency."""
    number: Ints = (np.asarray(product, np.int64) * INTERVALS + interval) * len(
        CURRENCIES
    ) + currency
    return number


def price_product(price: Ints) -> Ints:
    """Product of each price."""
    return price // PRICES_PER_PRODUCT


def price_interval(price: Ints) -> Ints:
    """Interval code of each price."""
    return price // len(CURRENCIES) % INTERVALS


def price_currency(price: Ints) -> Ints:
    """Currency code of each price."""
    return price % len(CURRENCIES)


@dataclass(frozen=True)
class PriceVersion:
    """A price as it was from a second on; amounts in minor units for one whole interval."""

    price: int
    since: int
    nickname: str
    tiers: tuple[tuple[int, int, int], ...]


def price_versions(start: int, raised_at: int) -> list[PriceVersion]:
    """The price list at the start, and its raise: the Team plan and, in euro, the add-on by 8 %."""
    versions = []
    for product_number, product in enumerate(PRODUCTS):
        for interval in _intervals_sold(product):
            for currency in range(len(CURRENCIES)):
                price = int(price_number(product_number, interval, currency))
                tiers = _list_price(product, interval, currency)
                nickname = f"{product.name} {('monthly', 'quarterly', 'annual')[interval]}"
                versions.append(PriceVersion(price, start, nickname, tiers))
                if product_number == TEAM or (product_number == INSIGHTS and currency == 1):
                    raised = tuple((up, unit * 108 // 100, flat) for up, unit, flat in tiers)
                    versions.append(PriceVersion(price, raised_at, nickname, raised))
    return versions


def _intervals_sold(product: Product) -> tuple[int, ...]:
    if product.kind == "one_time" or product.usage == "metered":
        return (MONTHLY,)
    return (MONTHLY, QUARTERLY, ANNUAL)


def _list_price(product: Product, interval: int, currency: int) -> tuple[tuple[int, int, int], ...]:
    # A year costs ten months: its twelfth is no whole number of minor units.
    months = (1, 3, 10)[interval]
    numerator, denominator = _PER_CENT[currency]

    def local(cents: int) -> int:
        return max(cents * numerator // denominator, 1 if cents else 0) * months

    return tuple((up, local(unit), local(flat)) for up, unit, flat in product.tiers)


def period_amounts(versions: list[PriceVersion], version: Ints, quantity: Ints) -> Ints:
    """What `quantity` units cost for one interval, in minor units.

    Args:
        versions: the price list.
        version: position in `versions` of each row.
        quantity: units of each row, 0 or more.
    """
    result = np.zeros(len(version), np.int64)
    for position in np.unique(version):
        rows = version == position
        item = versions[int(position)]
        scheme = PRODUCTS[item.price // PRICES_PER_PRODUCT].scheme
        result[rows] = _tier_amounts(scheme, item.tiers, quantity[rows])
    return result


def _tier_amounts(scheme: int, tiers: tuple[tuple[int, int, int], ...], quantity: Ints) -> Ints:
    if scheme == PER_UNIT:
        return quantity * tiers[0][1]
    total = np.zeros(len(quantity), np.int64)
    below = 0
    for up_to, unit, flat in tiers:
        upper = up_to or np.iinfo(np.int64).max
        if scheme == GRADUATED:
            inside = np.clip(quantity, below, upper) - below
            total += inside * unit + np.where(inside > 0, flat, 0)
        else:
            is_here = (quantity > below) & (quantity <= upper)
            total += np.where(is_here, quantity * unit + flat, 0)
        below = up_to
    return total
