"""The run under way, as the resource that every step of the job shares."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.run import RefreshRun, open_run
from orchestration.settings import load_settings

#: Name of the resource; steps that need it run inside the lock of the home folder.
RUN = "run"


def refresh_run(project_dir: Path) -> dg.ResourceDefinition:
    """Opens a run for a job that Dagster started; the command line brings its own."""

    @dg.resource(description="The run under way, with the home folder's lock held to its end.")
    def run(context: dg.InitResourceContext) -> Iterator[RefreshRun]:
        say = context.log.info if context.log else print
        with open_run(load_settings(), say, project_dir=project_dir) as opened:
            yield opened

    return run


def run_of(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> RefreshRun:
    """The run that this step belongs to."""
    run = getattr(context.resources, RUN)
    assert isinstance(run, RefreshRun)
    return run
