"""The oracle keeps its own promises, before the warehouse is held against it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.oracle.calendar import add_months, month_end, month_start
from tests.oracle.money import Rates
from tests.oracle.months import KINDS
from tests.oracle.policy import Policy
from tests.oracle.replay import Company, Replayed, replay
from tests.oracle.versions import Settings
from tests.properties.histories import make_world
from tests.properties.policies import random_policy
from tests.properties.test_histories import WORLDS, generated


def replays(number: int, count: int, every_day: bool = False) -> list[tuple[Policy, Replayed]]:
    world = make_world(number, *WORLDS[number])
    settings = Settings(world.as_of, world.zone, world.currency)
    rates = Rates(world.fx_rows(), settings)
    return [
        (policy, replay(Company(tenant.rows, settings, rates), policy, every_day))
        for position, tenant in enumerate(generated(world, count, number))
        for policy in (Policy(), random_policy(position))
    ]


@pytest.mark.parametrize("number", range(len(WORLDS)))
def test_nothing_changes_between_the_days_that_are_looked_at(number: int) -> None:
    for (policy, quick), (_, slow) in zip(
        replays(number, 15), replays(number, 15, every_day=True), strict=True
    ):
        assert quick.series == slow.series, policy
        assert quick.movements == slow.movements, policy
        assert quick.unit_months == slow.unit_months, policy


def test_movements_and_months_add_up() -> None:
    for policy, replayed in replays(1, 300):
        closing: dict[str, object] = {}
        for move in replayed.movements:
            assert move.after - move.before == move.change
            assert closing.get(move.unit_id, 0) == move.before, (policy, move)
            closing[move.unit_id] = move.after
            if move.kind in ("expansion", "contraction"):
                assert move.quantity + move.price + move.plan + move.discount == move.change
        for row in replayed.unit_months:
            assert row.opening + sum(row.sums.values()) == row.closing
            assert row.closing >= 0
        for total in replayed.month_totals:
            assert total.opening + total.net_new == total.closing
        for before, after in zip(replayed.month_totals, replayed.month_totals[1:], strict=False):
            assert before.closing == after.opening
            assert before.closing_customers == after.opening_customers


def test_every_type_and_effect_of_movement_occurs_in_random_histories() -> None:
    moves = [move for _, replayed in replays(0, 600) for move in replayed.movements]
    assert {move.kind for move in moves} == set(KINDS)
    for effect in ("quantity", "price", "plan", "discount"):
        assert sum(1 for move in moves if getattr(move, effect)) > 20, effect
    assert {move.churn_type for move in moves} == {None, "voluntary", "involuntary"}


def test_months_are_clamped_and_never_drift() -> None:
    assert add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert add_months(date(2024, 1, 31), 2) == date(2024, 3, 31)
    assert add_months(date(2024, 1, 31), -2) == date(2023, 11, 30)
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)
    for offset in range(800):
        day = date(2023, 1, 1) + timedelta(days=offset)
        assert month_start(day) <= day <= month_end(day)
        assert month_end(day) + timedelta(days=1) == add_months(month_start(day), 1)
