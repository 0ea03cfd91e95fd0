"""The job as Dagster's own schedule or sensor starts it: the run opens itself."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.release import RELEASE_KEY
from orchestration.automation import REFRESH
from orchestration.control import Control
from orchestration.dagster_home import prepare_dagster_home
from orchestration.dbt_runner import prepare_manifest
from orchestration.definitions import build_definitions
from orchestration.lock import home_lock
from tests.orchestration.toy import Toy, customer

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def job(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> dg.JobDefinition:
    monkeypatch.setenv("HOLDFAST_HOME", str(toy.settings.home))
    monkeypatch.setenv("HOLDFAST_AS_OF", toy.settings.as_of.isoformat())
    monkeypatch.delenv("HOLDFAST_LANDING", raising=False)
    manifest = prepare_manifest(toy.settings, toy.project_dir)
    return build_definitions(toy.settings, manifest, toy.project_dir).resolve_job_def(REFRESH)


def test_the_job_releases_then_skips_and_never_builds_a_part(
    toy: Toy, job: dg.JobDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server that nobody is at: the release stands, and says so.
    monkeypatch.setenv("HOLDFAST_POSTGRES_DSN", "postgresql://nobody@127.0.0.1:1/bi")
    toy.land("1.csv", customer("c1", "Ada"))
    with dg.DagsterInstance.ephemeral() as instance:
        first = job.execute_in_process(instance=instance, run_config=QUIET)
        assert first.success
        assert toy.released_names() == ["Ada"]
        shown = {
            event.asset_key: event.step_materialization_data.materialization.metadata
            for event in first.get_asset_materialization_events()
        }
        mart = shown[dg.AssetKey(["core", "dim_customers"])]
        assert mart["dagster/row_count"].value == 1
        assert mart["tests_passed"].value == 2
        assert mart["tests_not_passed"].value == 0
        release = shown[RELEASE_KEY]
        assert release["release"].value == 1
        assert "| dbt tests | 2 | 0 | 0 |" in release["checks"].value
        assert Path(release["warehouse"].value).name == "warehouse.duckdb"
        assert Path(release["data_docs"].value).is_file()
        assert release["postgres"].value.startswith("BEHIND: shows nothing yet, not 1: ")

        second = job.execute_in_process(instance=instance, run_config=QUIET)
        assert second.success
        assert second.get_asset_materialization_events() == []
        assert toy.releases() == ["1.duckdb"]

        toy.land("2.csv", customer("c2", "Grace"))
        part = job.execute_in_process(
            instance=instance,
            run_config=QUIET,
            asset_selection=[dg.AssetKey(["core", "dim_customers"])],
            raise_on_error=False,
        )
        assert not part.success
        assert toy.released_names() == ["Ada"]
    with Control(toy.settings.control_database) as control:
        assert [run.state for run in control.runs()] == ["released", "unchanged", "failed"]


def test_the_job_fails_while_another_run_holds_the_home(toy: Toy, job: dg.JobDefinition) -> None:
    toy.land("1.csv", customer("c1", "Ada"))
    with dg.DagsterInstance.ephemeral() as instance, home_lock(toy.settings.home, "other"):
        result = job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
    assert not result.success
    assert toy.releases() == []


def test_the_dagster_home_has_the_settings_of_the_project(toy: Toy, tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    folder = prepare_dagster_home(toy.settings, environ)
    assert environ["DAGSTER_HOME"] == str(folder)
    settings = (folder / "dagster.yaml").read_text(encoding="utf-8")
    assert "telemetry:\n  enabled: false" in settings
    assert "max_concurrent_runs: 1" in settings
