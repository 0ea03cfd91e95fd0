"""Somebody is told that a run was held, once for the same trouble; and a run has one as-of date."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import control, settings
from orchestration.control import Control
from orchestration.errors import AuditError
from orchestration.landing.gate import RefusedFilesError
from orchestration.refresh import refresh
from orchestration.settings import load_settings
from tests.orchestration.toy import MART_SQL, UNIT_TESTS, Toy, customer, make_toy


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    made = make_toy(tmp_path)
    (made.project_dir / UNIT_TESTS).unlink()
    made.land("1.csv", customer("c1", "Ada"))
    return made


def notices(toy: Toy) -> list[dict[str, Any]]:
    lines = (toy.settings.home / "notices.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.fault("F20", "I21")
def test_who_is_told_of_releases_is_told_once_that_a_delivery_is_incomplete(toy: Toy) -> None:
    manifest = toy.settings.landing / "billing" / "_manifest.json"
    named = ["customers/1.csv", "products/1.csv"]
    manifest.write_text(json.dumps({"files": [{"file": name} for name in named]}))
    for _ in range(2):
        with pytest.raises(RefusedFilesError, match=r"billing/products/1\.csv"):
            refresh(toy.settings, print, project_dir=toy.project_dir)
    (told,) = notices(toy)
    assert told["key"].endswith("/run_held/notices")
    assert (told["what"], told["names"], told["more"]) == (
        "what landed cannot be taken in",
        ["billing/_manifest.json"],
        0,
    )
    assert told["readers"] == "There is no release yet."
    assert toy.releases() == []
    # The rest arrives: a release, and nobody has to do anything else.
    products = toy.settings.landing / "billing" / "products" / "1.csv"
    products.parent.mkdir()
    products.write_text("id,name,active,updated_at\n")
    refresh(toy.settings, print, project_dir=toy.project_dir)
    assert toy.released_names() == ["Ada"]
    # The checks of another day fail: another trouble, which names the check and no value.
    toy.land("2.csv", customer("c2", "Bea"), customer("c3", "Bea"))
    for _ in range(2):
        with pytest.raises(AuditError, match="Bea"):
            refresh(toy.settings, print, project_dir=toy.project_dir)
    held = notices(toy)[-1]
    assert [one["key"].split("/")[1] for one in notices(toy)] == [
        *("run_held", "release_published", "run_held")
    ]
    assert held["what"] == "checks failed"
    assert held["names"] == ["dim_customers unique_dim_customers_name"]
    assert held["readers"].startswith("Readers stay on release 1 ")
    assert "Bea" not in json.dumps(held)
    assert toy.released_names() == ["Ada"]
    with Control(toy.settings.control_database) as books:
        rows = books.connection.execute("select kind, release_n, state from outbox").fetchall()
    assert [tuple(row) for row in rows] == [
        *(("run_held", None, "delivered"), ("release_published", 1, "delivered")),
        ("run_held", None, "delivered"),
    ]


class Midnight(datetime):
    """A clock that is a second before midnight when it is first asked, and past it from then on."""

    asked = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        cls.asked += 1
        before = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
        return before if cls.asked == 1 else before + timedelta(seconds=cls.asked)


@pytest.mark.fault("F49")
def test_a_run_that_crosses_midnight_is_of_the_day_on_which_it_began(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "datetime", Midnight)
    monkeypatch.setattr(control, "datetime", Midnight)
    environment = {
        "HOLDFAST_HOME": str(toy.settings.home),
        "HOLDFAST_LANDING": str(toy.settings.landing),
        "HOLDFAST_MEMORY_LIMIT": "1GB",
        "HOLDFAST_THREADS": "2",
    }
    began = load_settings(environment)
    crossing = replace(toy, settings=began)
    # What a model sees of the day; it has one from the run alone.
    marked = MART_SQL.replace("    name,\n", "    name || ' {{ var(\"as_of_date\") }}' as name,\n")
    crossing.write_mart(marked)
    outcome = refresh(began, print, project_dir=toy.project_dir)
    assert Midnight.asked > 5
    assert crossing.released_names() == ["Ada 2026-10-31"]
    assert (outcome.release.as_of, outcome.release.published_at.date()) == (
        date(2026, 10, 31),
        date(2026, 11, 1),
    )
    with duckdb.connect(str(began.warehouse_link), read_only=True) as connection:
        logged = connection.execute("select as_of_date from quality.run_log").fetchall()
        assert logged == [(date(2026, 10, 31),)]
    with Control(began.control_database) as books:
        assert [run.as_of for run in books.runs()] == [date(2026, 10, 31)]
    assert [notice["as_of"] for notice in notices(toy)] == ["2026-10-31"]
    # Of the new day is the next run: the same rows, another release.
    outcome = refresh(load_settings(environment), print, project_dir=toy.project_dir)
    assert (outcome.release.n, outcome.release.as_of) == (2, date(2026, 11, 1))
    assert crossing.released_names() == ["Ada 2026-11-01"]
