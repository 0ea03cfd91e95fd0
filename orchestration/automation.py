"""When the job runs: every morning, and when files have landed."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.settings import load_settings

REFRESH = "refresh"

#: All assets and all checks: a release holds one state of everything.
refresh_job = dg.define_asset_job(
    REFRESH,
    selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
    description="Landed files in, a release out: gate, raw, checks, models, checks, release.",
    executor_def=dg.in_process_executor,
)


def daily_schedule(timezone: str) -> dg.ScheduleDefinition:
    """Every morning in the reporting time zone, when the day before is complete."""
    return dg.ScheduleDefinition(
        name="daily",
        job_name=REFRESH,
        cron_schedule="0 5 * * *",
        execution_timezone=timezone,
        description="The day before is complete: build it.",
    )


@dg.sensor(
    name="landed_files",
    job_name=REFRESH,
    minimum_interval_seconds=60,
    description="Asks for a run when the files in the landing folder are not what they were.",
)
def landing_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """The cursor is the digest of the listing; one request for each state of the folder."""
    landing = load_settings().landing
    digest = listing_digest(landing)
    if digest is None:
        return dg.SkipReason(f"Nothing has landed in {landing}.")
    if digest == context.cursor:
        return dg.SkipReason("The landed files are what they were.")
    context.update_cursor(digest)
    return dg.RunRequest(run_key=digest)


def listing_digest(landing: Path) -> str | None:
    """A digest of names, sizes and times of all landed files; None where there are none."""
    digest = hashlib.sha256()
    found = False
    for name, size, modified in sorted(_files(landing)):
        found = True
        digest.update(f"{name}\0{size}\0{modified}\n".encode())
    return digest.hexdigest() if found else None


def _files(landing: Path) -> Iterator[tuple[str, int, int]]:
    for folder, _, names in os.walk(landing):
        for name in names:
            path = Path(folder, name)
            try:
                stat = path.stat()
            except FileNotFoundError:
                # Taken away between the listing and now; the next look sees it gone.
                continue
            yield str(path.relative_to(landing)), stat.st_size, stat.st_mtime_ns
