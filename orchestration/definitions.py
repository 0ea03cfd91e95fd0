"""Table of contents of the warehouse, as Dagster sees it.

    landing ─► raw ─► raw checks ─► dbt models and tests ─► mart checks ─► release

Nothing is done at import. On loading, only the dbt project is parsed, and only where it changed.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from orchestration.assets.models import (
    PLATFORM_GROUP,
    books_assets,
    mart_keys,
    model_assets,
    owners_of,
    read_manifest,
)
from orchestration.assets.raw import raw_assets
from orchestration.assets.release import release_asset
from orchestration.assets.resource import RUN, refresh_run
from orchestration.automation import (
    close_job,
    close_schedule,
    daily_schedule,
    dead_run_sensor,
    landing_sensor,
    refresh_job,
)
from orchestration.checks import mart_checks, raw_checks
from orchestration.dagster_history import write_without_waiting
from orchestration.dbt_runner import prepare_manifest
from orchestration.landing.contract import load_contract
from orchestration.settings import DBT_PROJECT_DIR, Settings, load_settings


def build_definitions(
    settings: Settings, manifest_path: Path, project_dir: Path = DBT_PROJECT_DIR
) -> dg.Definitions:
    """The definitions for a dbt project and its parsed manifest."""
    contract = load_contract(project_dir)
    manifest = read_manifest(manifest_path)
    marts = mart_keys(manifest)
    platform = owners_of(manifest, PLATFORM_GROUP)
    raw = raw_assets(contract, platform)
    return dg.Definitions(
        assets=[
            raw,
            *books_assets(manifest, raw.keys),
            model_assets(manifest),
            release_asset(list(marts.values()), platform),
        ],
        asset_checks=[raw_checks(contract), mart_checks(marts)],
        jobs=[refresh_job, close_job],
        schedules=[daily_schedule(settings.reporting_timezone), close_schedule(settings)],
        sensors=[landing_sensor, dead_run_sensor],
        resources={RUN: refresh_run(project_dir)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and `dagster definitions` load."""
    settings = load_settings()
    write_without_waiting()
    return build_definitions(settings, prepare_manifest(settings))
