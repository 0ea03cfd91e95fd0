"""The run under way, as the resource that every step of the job shares."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.books.periods import closing_month
from orchestration.reaper import PROCESS_TAG, process_stamp, reap
from orchestration.run import RefreshRun, open_run
from orchestration.settings import load_settings

#: Name of the resource; steps that need it run inside the lock of the home folder.
RUN = "run"


def refresh_run(project_dir: Path) -> dg.ResourceDefinition:
    """Opens a run for a job that Dagster started; the command line brings its own."""

    @dg.resource(
        description="The run under way, with the home folder's lock held to its end.",
        config_schema={
            "close_month": dg.Field(
                str,
                is_required=False,
                description="The month that the run closes, as 2026-10; `last`: the one before.",
            ),
            "who": dg.Field(str, default_value="Dagster", description="Who closes it."),
        },
    )
    def run(context: dg.InitResourceContext) -> Iterator[RefreshRun]:
        say = context.log.info if context.log else print
        os.umask(0o077)
        settings = load_settings()
        config = context.resource_config or {}
        month = config.get("close_month")
        with open_run(
            settings,
            say,
            project_dir=project_dir,
            close=None if month is None else closing_month(month, settings.as_of),
            who=config.get("who", ""),
        ) as opened:
            if context.instance is not None and context.run is not None:
                reap(context.instance, context.run.run_id)
                stamp = {PROCESS_TAG: process_stamp()}
                context.instance.add_run_tags(context.run.run_id, stamp)
            yield opened

    return run


def run_of(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> RefreshRun:
    """The run that this step belongs to."""
    run = getattr(context.resources, RUN)
    assert isinstance(run, RefreshRun)
    return run
