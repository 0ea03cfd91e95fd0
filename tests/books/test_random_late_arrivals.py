"""closed + Σ restatements = current, exactly, however rows arrive.

Hundreds of random histories land in random parts and order over several releases, while months are
closed and reopened in between. The sums are recomputed here from the figures as they were released,
apart from the SQL under test.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.books.periods import PART_COLUMNS, reopen
from tests.books.ledger import Ledger, asked
from tests.properties.histories import make_world
from tests.properties.test_histories import SEED, generated
from tests.properties.warehouse import pooled
from tests.support.dbt_runner import DbtProject

HISTORIES = 150
DELIVERIES = 4
POLICIES = ("board_strict", "profitwell_2023")
FIGURES = f"select policy_id, customer_id, {', '.join(PART_COLUMNS)}" + (
    " from revenue.fct_mrr_by_customer_month where month = ?"
)
DIFFERENCES = """
    select policy_id, customer_id, opening_difference, new_difference, reactivation_difference,
        expansion_difference, contraction_difference, churn_difference, fx_difference, difference
    from revenue.fct_mrr_restatements
    where month = ? and is_in_force
"""
Figures = dict[tuple[str, str], tuple[Decimal, ...]]


def figures(release: Path, month: date) -> Figures:
    return {(row[0], row[1]): tuple(row[2:]) for row in asked(release, FIGURES, month)}


@pytest.fixture(scope="module")
def released(
    tmp_path_factory: pytest.TempPathFactory, dbt_project: DbtProject
) -> tuple[Ledger, list[Path], list[date]]:
    """Four deliveries, each with its release; March is closed, reopened, and closed again."""
    chance = random.Random(SEED + 7)
    world = make_world(3, date(2024, 5, 31), "UTC", "USD")
    ledger = Ledger(
        Path(tmp_path_factory.mktemp("ledger")),
        dbt_project,
        datetime(2024, 6, 1),
        HOLDFAST_AS_OF="2024-05-31",
        HOLDFAST_ENABLED_POLICIES=",".join(POLICIES),
        HOLDFAST_THREADS="2",
    )
    parts: list[dict[str, list[dict[str, Any]]]] = [defaultdict(list) for _ in range(DELIVERIES)]
    for table, rows in pooled(generated(world, HISTORIES, SEED + 3), world).items():
        for row in rows:
            # Rates are there from the start: a missing one blocks a release.
            late = table != "finance.fx_rates" and chance.random() < 0.5
            parts[chance.randrange(1, DELIVERIES) if late else 0][table].append(row)
    months = [date(2024, 3, 1), date(2024, 4, 1)]
    releases = []
    for number, part in enumerate(parts):
        ledger.land(part)
        if number == 2:
            reopen(ledger.control, months[0], "found late rows", "ada")
        closing = {0: months[0], 1: months[1], 2: months[0]}.get(number)
        releases.append(ledger.release(close=[closing] if closing else []))
    return ledger, releases, months


@pytest.mark.fault("I14", "F34", "F64")
def test_closed_and_restated_is_current_in_every_release(
    released: tuple[Ledger, list[Path], list[date]],
) -> None:
    _, releases, months = released
    seen = 0
    for number, release in enumerate(releases):
        for month in months:
            # In force since release (from 0): the second close of March takes over from the first.
            since = {months[0]: 0 if number < 2 else 2, months[1]: 1}[month]
            if number < since:
                continue
            closed = figures(releases[since], month)
            current = figures(release, month)
            restated: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 8)
            for policy, customer, *parts in asked(release, DIFFERENCES, month):
                sums = restated[policy, customer]
                restated[policy, customer] = [a + b for a, b in zip(sums, parts, strict=True)]
                seen += 1
            nothing = (Decimal(0),) * 8
            for key in closed.keys() | current.keys() | restated.keys():
                now = [a + b for a, b in zip(closed.get(key, nothing), restated[key], strict=True)]
                assert now == list(current.get(key, nothing)), (number, month, key)
    assert seen > 300


def test_closed_figures_never_change(released: tuple[Ledger, list[Path], list[date]]) -> None:
    _, releases, months = released
    sql = f"select close_id, policy_id, customer_id, {', '.join(PART_COLUMNS)}, content_hash"
    sql += " from revenue.fct_mrr_closed_periods order by all"
    earlier: list[tuple[Any, ...]] = []
    for release in releases:
        now = asked(release, sql)
        assert set(earlier) <= set(now)
        earlier = now
    assert {row[0] for row in earlier} == {"2024-03.1", "2024-03.2", "2024-04.1"}
    assert figures(releases[1], months[1]) == {
        (row[1], row[2]): row[3:11] for row in earlier if row[0] == "2024-04.1"
    }


def test_every_restatement_has_its_cause_and_rows(
    released: tuple[Ledger, list[Path], list[date]],
) -> None:
    ledger, releases, _ = released
    rows = asked(
        releases[-1],
        "select cause, source_ids, customer_id, release_n, close_id, policy_id from"
        " revenue.fct_mrr_restatements",
    )
    # Only rows arrived: no rate, definition or code changed.
    assert {row[0] for row in rows} <= {"late_row", "corrected_row"}
    assert [row for row in rows if not row[1]] == []
    late = {
        f"{table}/{row['id']}"
        for table, some in ledger.rows.items()
        for row in some
        if "id" in row and row["_loaded_at"] > datetime(2024, 6, 2)
    }
    assert {source for row in rows for source in row[1]} <= late


def test_a_closed_figure_that_was_tampered_with_stops_the_next_run(
    released: tuple[Ledger, list[Path], list[date]],
) -> None:
    from orchestration.books.periods import check_settings_fit
    from orchestration.errors import HoldfastError

    ledger, _, _ = released
    connection = ledger.control.connection
    check_settings_fit(ledger.control, ledger.settings)
    with pytest.raises(Exception, match="append-only"):
        connection.execute("update closed_rows set closing_mrr = closing_mrr + 1")
    connection.execute("drop trigger closed_rows_are_not_updated")
    connection.execute(
        "update closed_rows set closing_mrr = closing_mrr + 1 where (policy_id, customer_id) ="
        " (select policy_id, customer_id from closed_rows where close_id = '2024-04.1' limit 1)"
    )
    with pytest.raises(HoldfastError, match="are not those that were closed"):
        check_settings_fit(ledger.control, ledger.settings)
