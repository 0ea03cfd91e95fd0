"""Rows in other files, another order, other formats, several times over: the same marts."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.metamorphic.landed import land_in_pieces, land_whole, through_the_gate
from tests.metamorphic.marts import SELECTED, histories, variables
from tests.properties.histories import make_world
from tests.properties.warehouse import pooled
from tests.support.dbt_runner import DATABASE_NAME, DbtProject

WORLD = make_world(3, date(2022, 5, 31), "UTC", "USD")
MARTS = ("fct_mrr_movements", "fct_mrr_by_customer_month", "fct_mrr_by_month",
         "fct_mrr_policy_bridge")  # fmt: skip
Published = dict[str, list[tuple[Any, ...]]]


def published(database: Path) -> Published:
    """All rows and columns of the marts, sorted."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return {
            mart: sorted(connection.execute(f"select * from revenue.{mart}").fetchall(), key=str)
            for mart in MARTS
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    return DbtProject(tmp_path_factory.mktemp("dbt"))


@pytest.mark.fault("F32", "I12", "I13", "I14")
def test_rows_in_any_files_order_and_number_give_the_same_marts(
    project: DbtProject, tmp_path: Path
) -> None:
    rows = pooled(histories(WORLD, 16, 40), WORLD)
    marts: list[Published] = []
    for name in ("whole", "pieces"):
        folder = tmp_path / name
        landing = folder / "landing"
        landing.mkdir(parents=True)
        if name == "whole":
            land_whole(landing, rows)
            landed = sum(len(some) for some in rows.values())
        else:
            landed = land_in_pieces(landing, rows, random.Random(1))
        database = folder / DATABASE_NAME
        report = through_the_gate(folder / "home", landing, WORLD, database)
        assert report.rows_quarantined == 0
        assert report.rows_accepted + _in_duplicates(report.duplicates, landing) >= landed
        project.build(database, SELECTED, variables(WORLD))
        marts.append(published(database))
    whole, pieces = marts
    assert len(whole["fct_mrr_movements"]) > 300
    for mart in MARTS:
        assert whole[mart] == pieces[mart], mart


def _in_duplicates(files: tuple[Any, ...], landing: Path) -> int:
    """At most so many rows lie in files with the content of another one."""
    return sum((landing / file.file).read_bytes().count(b"\n") for file in files)
