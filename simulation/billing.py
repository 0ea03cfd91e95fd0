"""Billing's raw tables of customers and of what is sold."""

from __future__ import annotations

import json

import numpy as np

from simulation import names
from simulation.arrivals import COUNTRIES
from simulation.catalogue import (
    CURRENCIES,
    GRADUATED,
    INTERVAL_MONTHS,
    INTERVALS,
    PER_UNIT,
    PRICES_PER_PRODUCT,
    PRODUCTS,
    PriceVersion,
)
from simulation.columns import KEEP, NULL, Columns, fill_forward, take
from simulation.config import Ints, generator
from simulation.dates import DAY
from simulation.tables import (
    Column,
    RawTable,
    code,
    expression,
    flag,
    ids,
    instant,
    whole,
)
from simulation.world import World

INTERVAL_NAMES = ("monthly", "quarterly", "annual")


def price_ids() -> list[str]:
    """Identifier of each price number, such as price_team_annual_eur."""
    return [
        f"price_{product.key}_{INTERVAL_NAMES[interval]}_{currency.lower()}"
        for product in PRODUCTS
        for interval in range(INTERVALS)
        for currency in CURRENCIES
    ]


def currency_column(numbers: Ints) -> Column:
    """Currency codes as billing systems write them, in lower case."""
    return code([name.lower() for name in CURRENCIES], numbers)


def customers_table(world: World) -> RawTable:
    """Versions: created, sometimes a new mail address, deleted, brought back."""
    rng = generator(world.config.seed, "billing.customers")
    count = world.config.customers
    everyone = np.arange(count, dtype=np.int64)
    created = world.customers["created"]
    changed = everyone[rng.random(count) < 0.15]
    deleted = world.deletions.columns()
    restored = deleted["until"] > 0
    customer = np.concatenate(
        [everyone, changed, deleted["customer"], deleted["customer"][restored]]
    )
    at = np.concatenate(
        [
            created,
            created[changed] + rng.integers(5, 300, len(changed)) * DAY,
            deleted["at"],
            deleted["until"][restored],
        ]
    )
    kind = np.repeat([0, 1, 2, 3], [count, len(changed), len(deleted["at"]), restored.sum()])
    rows: Columns = {"customer": customer, "at": at, "kind": kind}
    order = np.lexsort((at, customer))
    rows = take(rows, order)
    is_deleted = np.where(rows["kind"] == 2, 1, np.where(rows["kind"] == 1, KEEP, 0))
    first = np.ones(len(order), dtype=bool)
    first[1:] = rows["customer"][1:] != rows["customer"][:-1]
    rows["deleted"] = fill_forward(is_deleted, first)
    rows = take(rows, rows["at"] // DAY <= world.config.as_of_day)
    number, at = rows["customer"], rows["at"]
    mail = np.where(rows["kind"] == 0, number, number + 10_000_000)
    # A first version may name another country; the later ones are right.
    country = world.customers["country"][number]
    if not world.config.clean:
        mended = number[rows["kind"] == 1][::3]
        country = np.where((rows["kind"] == 0) & np.isin(number, mended), 0, country)
    return RawTable(
        "billing",
        "customers",
        {
            "id": ids("cus", number, 7),
            "name": expression(number, names.company()),
            "email": expression(mail, names.mail("billing")),
            "country": code(COUNTRIES, country),
            "currency": currency_column(world.customers["currency"][number]),
            "created": instant(created[number]),
            "deleted": flag(rows["deleted"]),
            "updated_at": instant(at),
        },
        landed=at,
        formats=("parquet", "csv", "jsonl"),
    )


def products_table(world: World) -> RawTable:
    """The products; the first one is renamed once."""
    start = min(version.since for version in world.prices)
    later = max(version.since for version in world.prices)
    number = np.arange(len(PRODUCTS), dtype=np.int64)
    product = np.append(number, 0)
    at = np.append(np.full(len(PRODUCTS), start), later)
    labels = [product.name for product in PRODUCTS] + ["Starter plan"]
    seen = at // DAY <= world.config.as_of_day
    return RawTable(
        "billing",
        "products",
        {
            "id": code([f"prod_{product.key}" for product in PRODUCTS], product[seen]),
            "name": code(labels, np.append(number, len(PRODUCTS))[seen]),
            "active": flag(np.ones(int(seen.sum()), np.int64)),
            "updated_at": instant(at[seen]),
        },
        landed=at[seen],
        formats=("csv",),
    )


def _tiers_json(version: PriceVersion) -> str:
    return json.dumps(
        [
            {"up_to": up_to or None, "unit_amount": unit, "flat_amount": flat}
            for up_to, unit, flat in version.tiers
        ]
    )


def prices_table(world: World) -> RawTable:
    """The price list and its raise, as versions."""
    versions = [
        version for version in world.prices if version.since // DAY <= world.config.as_of_day
    ]
    number = np.array([version.price for version in versions], np.int64)
    position = np.arange(len(versions), dtype=np.int64)
    products = [PRODUCTS[price // PRICES_PER_PRODUCT] for price in number.tolist()]
    product_ids = [f"prod_{product.key}" for product in PRODUCTS]
    tiered = np.array([product.scheme != PER_UNIT for product in products])
    one_time = np.array([product.kind == "one_time" for product in products])
    annual = number // len(CURRENCIES) % INTERVALS == 2
    since = np.array([version.since for version in versions], np.int64)
    graduated = np.array([product.scheme == GRADUATED for product in products])
    return RawTable(
        "billing",
        "prices",
        {
            "id": code(price_ids(), number),
            "product_id": code(product_ids, number // PRICES_PER_PRODUCT),
            "nickname": code([version.nickname for version in versions], position),
            "currency": currency_column(number % len(CURRENCIES)),
            "unit_amount": whole(
                np.where(tiered, NULL, [version.tiers[0][1] for version in versions])
            ),
            "billing_scheme": code(("per_unit", "tiered"), tiered.astype(np.int64)),
            "tiers": expression(
                np.where(tiered, position, NULL),
                code([_tiers_json(version) for version in versions], position).sql,
            ),
            "tiers_mode": code(("volume", "graduated"), np.where(tiered, graduated, NULL)),
            "type": code(("recurring", "one_time"), one_time.astype(np.int64)),
            "interval": code(("month", "year"), np.where(one_time, NULL, annual)),
            "interval_count": whole(
                np.where(
                    one_time,
                    NULL,
                    np.where(annual, 1, INTERVAL_MONTHS[number // len(CURRENCIES) % INTERVALS]),
                )
            ),
            "usage_type": code(
                ("licensed", "metered"),
                np.where(one_time, NULL, [product.usage == "metered" for product in products]),
            ),
            "created": instant(np.full(len(versions), since.min())),
            "updated_at": instant(since),
        },
        landed=since,
        formats=("csv",),
    )
