"""A history while it is made: what it may contain, its few moments, and its rows so far."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from tests.properties.histories.world import Row, Rows, World

FEATURES = (
    "several_customers",
    "several_subscriptions",
    "several_items",
    "foreign_currency",
    "annual",
    "odd_interval",
    "tiered",
    "metered",
    "free_or_one_time",
    "repricing",
    "price_swap",
    "seat_change",
    "item_added_or_removed",
    "discount",
    "discount_stack",
    "trial",
    "past_due",
    "paused",
    "collection_pause",
    "incomplete",
    "scheduled_cancel",
    "cancel",
    "return",
    "only_current_row",
    "lines",
    "proration",
    "refund",
    "payment_failed",
    "deleted_customer",
    "duplicates",
    "same_day_versions",
    "tie",
    "back_dated",
    "missing_updated_at",
)
"""What a history may contain; each is drawn by itself."""

HOURS = ((0, 0, 0), (0, 0, 0), (12, 0, 0), (23, 59, 59), (4, 30, 0), (5, 0, 0), (22, 15, 0))


class Draft:
    """The rows of one tenant, and chance."""

    def __init__(self, world: World, features: frozenset[str], chance: random.Random) -> None:
        self.world = world
        self.features = features
        self.chance = chance
        self.rows: Rows = {}
        self.moments = self._moments()
        self.currencies = [world.currency]
        if "foreign_currency" in features:
            self.currencies = chance.choice(
                [
                    [chance.choice(world.currencies)],
                    [world.currency, chance.choice(world.currencies)],
                ]
            )
        self.prices: list[Row] = []
        self.line_count = 0

    def has(self, feature: str, share: float = 1.0) -> bool:
        """Whether the history has the feature, and this time shows it."""
        return feature in self.features and self.chance.random() < share

    def add(self, table: str, **row: Any) -> Row:
        """One more row of a table."""
        self.rows.setdefault(table, []).append(row)
        return row

    def _moments(self) -> list[datetime]:
        chance = self.chance
        found: list[datetime] = []
        for _ in range(chance.randint(6, 12)):
            back = chance.choice((0, 0, 1, 1, 2, 3, 4, 5, 6, 8, 10, 12, 13))
            month = self.world.as_of.year * 12 + self.world.as_of.month - 1 - back
            first = datetime(month // 12, month % 12 + 1, 1)
            day = first + timedelta(days=chance.choice((-2, -1, -1, 0, 0, 1, 14, 28, 29, 30)))
            hour = chance.choice(HOURS)
            found.append(day.replace(hour=hour[0], minute=hour[1], second=hour[2]))
        found.append(datetime.combine(self.world.as_of, datetime.min.time()))
        if chance.random() < 0.3:
            found.append(found[-1] + timedelta(days=chance.choice((1, 2, 31)), hours=4))
        return sorted(found)

    def moment(self, after: datetime | None = None) -> datetime:
        """One of the tenant's few moments, not before `after`."""
        eligible = [one for one in self.moments if after is None or one >= after]
        if not eligible:
            assert after is not None
            return after + timedelta(hours=self.chance.choice((0, 1, 30)))
        return self.chance.choice(eligible[: 1 + len(eligible) * 2 // 3])

    def step(self, after: datetime) -> datetime:
        """A later moment; sometimes the same day, sometimes the very next one."""
        if self.has("same_day_versions", 0.4):
            return after + timedelta(minutes=self.chance.choice((1, 5, 29)))
        return self.moment(after + timedelta(minutes=1))
