"""The warehouse and the oracle agree on thousands of random histories, to the cent."""

from __future__ import annotations

import os
from collections.abc import Sequence, Set
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.golden.policy_cases import presets
from tests.oracle.policy import Policy
from tests.properties.comparison import compared, shrunk
from tests.properties.expected import Oracle
from tests.properties.histories import Tenant, World, make_world, tenants
from tests.properties.policies import random_policy
from tests.properties.warehouse import Warehouse

PER_RUN = int(os.environ.get("HOLDFAST_HISTORIES_PER_RUN", "2000"))
POLICIES_PER_RUN = int(os.environ.get("HOLDFAST_POLICIES_PER_RUN", "3"))
LADDERS = 60
DEEP = int(os.environ.get("HOLDFAST_DEEP_HISTORIES", "1000000"))
DEEP_PER_RUN = 5000
SEED = int(os.environ.get("HOLDFAST_HISTORIES_SEED", "0"))

# Month end, running month, leap day, the days around both changes of the clock.
WORLDS = (
    (date(2024, 5, 31), "UTC", "USD"),
    (date(2024, 6, 12), "America/New_York", "USD"),
    (date(2024, 2, 29), "Asia/Kolkata", "EUR"),
    (date(2024, 11, 4), "America/Los_Angeles", "USD"),
    (date(2025, 3, 30), "Europe/Berlin", "EUR"),
)


def generated(world: World, count: int, number: int) -> list[Tenant]:
    """`count` histories that Hypothesis draws; the same ones for the same number."""
    found: list[Tenant] = []

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(tenants(world))
    def collect(tenant: Tenant) -> None:
        found.append(tenant)

    collect()
    return found


def check(
    warehouse: Warehouse,
    world: World,
    policies: Sequence[Policy],
    some: Sequence[Tenant],
    shipped: Set[str] = frozenset({"board_strict"}),
) -> None:
    """Compare histories; fail with the smallest history that can be found to differ."""
    result = compared(warehouse, world, policies, some, shipped)
    where = f"world {world.as_of} {world.zone} {world.currency}"
    if result.tenants:
        first = min(result.tenants, key=lambda one: one.tenant.size())
        smallest = shrunk(warehouse, world, policies, first, shipped)
        pytest.fail(
            f"{len(result.tenants)} of {len(some)} histories differ; {where}.\n"
            + smallest.text(policies),
            pytrace=False,
        )
    assert not result.sums, f"{where}: sums over all histories differ\n" + "\n".join(result.sums)


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(Path(tmp_path_factory.mktemp("histories")))


def rate_days(world: World) -> tuple[date | None, ...]:
    """Dates for a constant rate: none, and one on which every currency has a recent rate."""
    return None, world.as_of - timedelta(days=200)


@pytest.mark.fault("I01", "I02", "I04", "I05", "I06", "I18")
@pytest.mark.parametrize("number", range(len(WORLDS)))
def test_marts_agree_with_the_oracle_on_random_histories(warehouse: Warehouse, number: int) -> None:
    world = make_world(number, *WORLDS[number])
    some = generated(world, PER_RUN, SEED + number)
    assert len(some) >= PER_RUN * 9 // 10, f"only {len(some)} of {PER_RUN} were generated"
    chosen = range((SEED + number) * POLICIES_PER_RUN, (SEED + number + 1) * POLICIES_PER_RUN)
    policies = [Policy(), *(random_policy(one, rate_days(world)) for one in chosen)]
    check(warehouse, world, policies, some)


def test_shipped_policies_agree_with_the_oracle(warehouse: Warehouse) -> None:
    world = make_world(9, *WORLDS[1])
    shipped = presets()
    check(warehouse, world, list(shipped.values()), generated(world, 300, 9), set(shipped))


def test_the_policy_ladder_agrees_with_the_oracle(tmp_path: Path) -> None:
    world = make_world(8, *WORLDS[4])
    policies = list(presets().values())
    some = generated(world, LADDERS, 8)
    bridge = Warehouse(tmp_path, select=("fct_mrr_policy_bridge",))
    got = bridge.ladders(some, world, policies, set(presets()))
    oracle = Oracle(world, policies)
    for tenant, steps in zip(some, got, strict=True):
        expected = oracle.ladder(tenant)
        assert steps == expected, f"seed {tenant.seed}, {sorted(tenant.features)}"
    assert sum(len(steps) for steps in got) > LADDERS, "too few steps to tell anything"


@pytest.mark.deep
def test_marts_agree_with_the_oracle_on_a_million_histories(warehouse: Warehouse) -> None:
    for batch in range(-(-DEEP // DEEP_PER_RUN)):
        number = 1000 + SEED + batch
        world = make_world(number, *WORLDS[batch % len(WORLDS)])
        policies = [Policy(), *(random_policy(10 * number + i, rate_days(world)) for i in range(3))]
        check(warehouse, world, policies, generated(world, DEEP_PER_RUN, number))
