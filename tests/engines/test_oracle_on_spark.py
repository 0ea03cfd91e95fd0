"""The marts of money that the cluster builds are those of the oracle, to the cent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.policy import Policy
from tests.properties.histories import make_world
from tests.properties.policies import random_policy
from tests.properties.test_histories import WORLDS, check, generated, rate_days
from tests.properties.warehouse import Warehouse
from tests.support.spark import SparkProject

pytestmark = pytest.mark.spark

HISTORIES = 120


def test_marts_of_the_cluster_agree_with_the_oracle(on_spark: SparkProject, tmp_path: Path) -> None:
    """A world with a zone, another currency than USD, and random policies beside the default."""
    number = 4
    world = make_world(number, *WORLDS[number])
    policies = [Policy(), *(random_policy(one, rate_days(world)) for one in (7, 11))]
    some = generated(world, HISTORIES, number)
    assert len(some) >= HISTORIES * 9 // 10
    check(Warehouse(tmp_path, project=on_spark), world, policies, some)
