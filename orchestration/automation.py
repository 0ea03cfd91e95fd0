"""When the jobs run: every morning, when files have landed, and when a month is to be closed."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np

from orchestration.reaper import reap
from orchestration.settings import Settings, load_settings

REFRESH = "refresh"
CLOSE = "close"

#: All assets and all checks: a release holds one state of everything.
refresh_job = dg.define_asset_job(
    REFRESH,
    selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
    description="Landed files in, a release out: gate, raw, checks, models, checks, release.",
    executor_def=dg.in_process_executor,
)


#: A release that closes a month; launched by hand it closes the last one that is over.
close_job = dg.define_asset_job(
    CLOSE,
    selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
    description="The same, and the month named in the resource `run` is closed with the release.",
    config={"resources": {"run": {"config": {"close_month": "last", "who": "Dagster"}}}},
    executor_def=dg.in_process_executor,
)


def is_closing_day(day: date, business_day: int, holidays: Iterable[date] = ()) -> bool:
    """Whether a day is the n-th business day of its month: neither weekend nor holiday."""
    off = np.array(sorted(holidays), dtype="datetime64[D]")
    nth = np.busday_offset(
        np.datetime64(day.replace(day=1), "D"), business_day - 1, roll="forward", holidays=off
    )
    return bool(nth == np.datetime64(day, "D"))


def close_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Closes the month before on business day n (HOLDFAST_CLOSE_BUSINESS_DAY), after the daily run.

    It is off until somebody turns it on: closing the books is a decision.
    """

    @dg.schedule(
        name="close_last_month",
        job=close_job,
        cron_schedule="0 7 1-31 * *",
        execution_timezone=settings.reporting_timezone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Closes the month before on business day {settings.close_business_day}.",
    )
    def close_last_month(
        context: dg.ScheduleEvaluationContext,
    ) -> dg.RunRequest | dg.SkipReason:
        today = context.scheduled_execution_time.date()
        if not is_closing_day(today, settings.close_business_day, settings.holidays):
            return dg.SkipReason(f"{today} is not business day {settings.close_business_day}.")
        month = date.fromordinal(today.replace(day=1).toordinal() - 1)
        return dg.RunRequest(
            run_key=f"{month:%Y-%m}",
            run_config={
                "resources": {
                    "run": {"config": {"close_month": f"{month:%Y-%m}", "who": "schedule"}}
                }
            },
        )

    return close_last_month


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


@dg.sensor(
    name="dead_runs",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Calls runs failed whose process is gone, so that no run waits for them.",
)
def dead_run_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """After a power cut Dagster's history calls a run started for ever, and lets no other start."""
    gone = reap(context.instance)
    return dg.SkipReason(f"Called failed: {', '.join(gone)}." if gone else "No run is dead.")


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
