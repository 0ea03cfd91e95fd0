"""Builds the marts of tenants under all shipped policies at once."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.oracle.policy import Policy, policy_from_row
from tests.properties.histories import FEATURES, Tenant, World, make_tenant
from tests.properties.warehouse import MARTS, Built, pooled
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import DBT_PROJECT_DIR, write_raw_tables

SELECTED = tuple(f"+{mart}" for mart in (*MARTS, "fct_mrr_policy_bridge"))
UNTIED = frozenset(FEATURES) - {"tie"}


def shipped_policies() -> tuple[Policy, ...]:
    """The policies of the seed, the official one first."""
    with (DBT_PROJECT_DIR / "seeds" / "metric_policies.csv").open(encoding="utf-8") as file:
        return tuple(policy_from_row(row) for row in csv.DictReader(file))


def variables(world: World) -> dict[str, Any]:
    """The dbt variables of a world, all shipped policies enabled."""
    policies = shipped_policies()
    return {
        "as_of_date": world.as_of.isoformat(),
        "reporting_timezone": world.zone,
        "reporting_currency": world.currency,
        "enabled_policies": [one.policy_id for one in policies],
        "official_policy": policies[0].policy_id,
    }


def build(project: DbtProject, folder: Path, world: World, tenants: Sequence[Tenant]) -> Built:
    """One dbt run on the tenants, each with its own keys."""
    folder.mkdir(parents=True)
    database = folder / DATABASE_NAME
    write_raw_tables(database, pooled(tenants, world))
    project.build(database, SELECTED, variables(world))
    return Built(database, len(tenants), shipped_policies())


def histories(
    world: World, count: int, first_seed: int, without: frozenset[str] = frozenset()
) -> list[Tenant]:
    """Random histories rich in features, the same ones in every process.

    Features of `without`, and ties that only content decides, are left out.
    """
    mask = sum(1 << bit for bit, name in enumerate(FEATURES) if name in UNTIED - without)
    return [
        make_tenant(world, _bits(seed) & mask, seed)
        for seed in range(first_seed, first_seed + count)
    ]


def _bits(seed: int) -> int:
    """About half of the features; subscriptions are invoiced in most histories."""
    mixed = (seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) % 2**64
    mixed ^= mixed >> 29
    lines = 1 << FEATURES.index("lines") if seed % 4 else 0
    return (mixed * 0xBF58476D1CE4E5B9 % 2**64) >> 20 | lines
