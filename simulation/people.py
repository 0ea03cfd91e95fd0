"""The users of each account: when they came, and when they left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.columns import NULL, expand
from simulation.config import Ints, generator
from simulation.dates import DAY
from simulation.world import World

MAX_USERS = 25


@dataclass(frozen=True)
class Users:
    """One row per user, by account and number, in the order in which they came.

    Attributes:
        account: the user's account.
        number: 0 for the one who signed up, and so on.
        created: instant at which the user was added.
        left_at: instant at which the user was deactivated (NULL: never).
        first: per account, the row of its first user; one more at the end.
    """

    account: Ints
    number: Ints
    created: Ints
    left_at: Ints
    first: Ints

    def present(self, account: Ints, day: Ints) -> Ints:
        """How many users the accounts have had by the beginning of the days, at least one."""
        wide = np.int64(2**36)
        key = self.account * wide + self.created
        found = np.searchsorted(key, account * wide + day * DAY, side="right")
        result: Ints = np.maximum(found - self.first[account], 1)
        return result


def make_users(world: World) -> Users:
    """As many as an account ever has seats, within bounds; they come within weeks of each other."""
    rng = generator(world.config.seed, "users")
    seats = np.zeros(world.config.customers, np.int64)
    np.maximum.at(seats, world.subscriptions["customer"], world.subscriptions["seats"])
    counts = np.clip(seats, 1, MAX_USERS)
    account, number = expand(counts)
    first = np.append(0, np.cumsum(counts))
    gap = np.where(number > 0, rng.exponential(5 * DAY, len(account)), 0).astype(np.int64)
    waited = np.cumsum(gap)
    created = world.customers["created"][account] + 120 + waited - waited[first[account]]
    leaves = (rng.random(len(account)) < 0.12) & (number > 0)
    left_at = np.where(leaves, created + rng.integers(40, 700, len(account)) * DAY, NULL)
    # The user who signed up is the champion, and is deactivated three days after leaving.
    champion = np.full(world.config.customers, NULL)
    log = world.champions_left.columns()
    champion[log["customer"][::-1]] = log["at"][::-1]
    goes = (number == 0) & (champion[account] > created)
    left_at = np.where(goes, champion[account] + 3 * DAY, left_at)
    return Users(account, number, created, left_at, first)
