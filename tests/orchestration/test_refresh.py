"""A run from landed files to a release, through Dagster, and what a second one does."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import date

import duckdb
import pytest

from orchestration.control import Control
from orchestration.refresh import refresh
from orchestration.settings import PROJECT_DIR
from tests.orchestration.toy import Toy, customer, make_toy


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A toy with one release; tests that use it may add releases but not take this one away."""
    toy = make_toy(tmp_path_factory.mktemp("toy"))
    toy.land("1.csv", customer("c1", "Ada"), customer("c2", "Grace"))
    refresh(toy.settings, print, project_dir=toy.project_dir)
    return toy


def test_a_run_releases_what_landed(released: Toy) -> None:
    assert released.released_names() == ["Ada", "Grace"]
    assert released.releases() == ["1.duckdb"]
    assert released.settings.warehouse_link.resolve() == released.settings.releases_dir / "1.duckdb"


@pytest.mark.fault("F49", "I20")
def test_the_release_says_which_run_made_it_and_what_was_checked(released: Toy) -> None:
    with duckdb.connect(str(released.settings.warehouse_link), read_only=True) as connection:
        runs = connection.execute(
            "select as_of_date, rows_received, rows_accepted, rows_quarantined, checks_failed,"
            " checks_run from quality.run_log"
        ).fetchall()
        checks = connection.execute(
            "select stage, subject, name from quality.check_results where is_passed"
            " and not is_skipped"
        ).fetchall()
    assert [row[:5] for row in runs] == [(date(2026, 10, 31), 2, 2, 0, 0)]
    assert runs[0][5] == len(checks)
    assert ("raw", "raw_billing.customers", "id_is_filled") in checks
    assert ("test", "dim_customers", "unique_dim_customers_name") in checks
    assert ("marts", "core.dim_customers", "current_mrr_is_plausible") in checks
    stages = {stage for stage, _, _ in checks}
    assert stages == {"raw", "test", "unit_test", "marts", "invariant"}


def test_control_knows_the_run_and_its_checks(released: Toy) -> None:
    with Control(released.settings.control_database) as control:
        first = control.runs()[0]
    assert first.state == "released"
    assert first.checks_failed == 0
    assert (first.checks_passed or 0) > 5


def test_data_docs_are_built(released: Toy) -> None:
    index = (released.settings.home / "data_docs" / "index.html").read_text(encoding="utf-8")
    assert "raw_billing" in index
    assert "dim_customers" in index


def test_dagster_has_recorded_assets_and_checks(released: Toy) -> None:
    history = released.settings.home / "dagster" / "history" / "runs" / "index.db"
    with sqlite3.connect(history) as connection:
        keys = {key for (key,) in connection.execute("select asset_key from asset_keys")}
        checks = {
            (asset, name): status
            for asset, name, status in connection.execute(
                "select asset_key, check_name, execution_status from asset_check_executions"
            )
        }
    assert '["release"]' in keys
    assert '["raw_billing", "customers"]' in keys
    assert '["staging", "stg_billing__customers"]' in keys
    assert checks['["raw_billing", "customers"]', "id_is_filled"] == "SUCCEEDED"
    assert checks['["core", "dim_customers"]', "unique_dim_customers_name"] == "SUCCEEDED"
    assert checks['["core", "dim_customers"]', "current_mrr_is_plausible"] == "SUCCEEDED"


@pytest.mark.fault("F78", "I15")
def test_a_second_run_on_the_same_input_changes_nothing(released: Toy) -> None:
    before = released.settings.warehouse_link.resolve()
    outcome = refresh(released.settings, print, project_dir=released.project_dir)
    assert not outcome.is_new
    assert outcome.release.n == 1
    assert outcome.results == ()
    assert released.settings.warehouse_link.resolve() == before


def test_a_run_with_nothing_to_do_imports_nothing_heavy(released: Toy) -> None:
    code = f"""
import sys
from pathlib import Path
from orchestration.refresh import refresh
from tests.orchestration.toy import open_toy
toy = open_toy(Path({str(released.project_dir.parent.parent)!r}))
outcome = refresh(toy.settings, print, project_dir=toy.project_dir)
heavy = {{"dagster", "dbt", "great_expectations", "sqlalchemy", "pandas"}}
print(outcome.is_new, sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["False []"], done.stderr


def test_new_files_make_the_next_release_and_the_old_one_stays(released: Toy) -> None:
    released.land("2.csv", customer("c1", "Ada Lovelace", "2026-10-02T00:00:00Z"))
    outcome = refresh(released.settings, print, project_dir=released.project_dir)
    assert outcome.is_new
    assert outcome.release.n == 2
    assert released.released_names() == ["Ada Lovelace", "Grace"]
    assert released.releases() == ["1.duckdb", "2.duckdb"]
    # The code is that of release 1, so its unit tests are not run again.
    assert {result.stage for result in outcome.results} == {
        "raw",
        "model",
        "test",
        "marts",
        "invariant",
    }
    with duckdb.connect(str(released.settings.warehouse_link), read_only=True) as connection:
        runs = connection.execute("select rows_received from quality.run_log order by published_at")
        assert runs.fetchall() == [(2,), (3,)]
