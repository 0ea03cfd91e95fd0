"""The refresh as one call: what `make run` does, and what tests and other programs call."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.control import Release
from orchestration.dagster_home import prepare_dagster_home
from orchestration.landing.report import GateReport
from orchestration.report import Say
from orchestration.results import Result
from orchestration.run import RefreshRun, open_run
from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.targets.postgres.target import TargetState


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        release: the release that readers have after the run; None only where a look back was
            the first run of all.
        is_new: False where nothing had changed, so that the last release stands.
        gate: what the gate found.
        results: checks and models of the run; none where nothing had changed.
        as_known: the file of a run that looks back (`known_at`); it is no release.
        notices: what the run owes people a word about, line by line.
        postgres: how far the database of BI tools is; None where none is set up.
    """

    release: Release | None
    is_new: bool
    gate: GateReport
    results: tuple[Result, ...]
    as_known: Path | None = None
    notices: tuple[str, ...] = ()
    postgres: TargetState | None = None


def refresh(
    settings: Settings,
    say: Say = print,
    *,
    show: Say | None = None,
    go_on_without_refused: bool = False,
    project_dir: Path = DBT_PROJECT_DIR,
    close: date | None = None,
    who: str = "",
) -> Outcome:
    """Take in what has landed, and build, audit and release it if it is not what was released.

    Args:
        settings: of the run.
        say: is given lines of progress.
        show: is given passing lines, how far a step is; without it, `say` is given a few of them.
        go_on_without_refused: leave out files that cannot be taken in, instead of stopping.
        project_dir: folder of `dbt_project.yml`.
        close: first day of the month that the run is to close, if it is to close one.
        who: who closes it.

    Raises:
        HoldfastError: nothing was released; readers have the last release as before.
    """
    with open_run(
        settings,
        say,
        show=show,
        go_on_without_refused=go_on_without_refused,
        project_dir=project_dir,
        close=close,
        who=who,
    ) as run:
        if run.take_in():
            _execute_job(run)
        release = run.released or run.previous
        assert release is not None or run.as_known is not None
        assert run.gate is not None
        return Outcome(
            release=release,
            is_new=run.released is not None,
            gate=run.gate,
            results=tuple(run.results),
            as_known=run.as_known,
            notices=tuple(run.notices),
            postgres=run.postgres_state,
        )


def _execute_job(run: RefreshRun) -> None:
    """Run the Dagster job in this process, with its history in the home folder."""
    folder = prepare_dagster_home(run.settings)
    run.say("starting dbt, Great Expectations and Dagster")
    run.warm_up()
    import dagster as dg

    # Dagster calls some of what dagster-dbt itself uses preview or beta; people cannot mend it.
    warnings.filterwarnings("ignore", module=r"dagster.*")
    from orchestration.assets.resource import RUN
    from orchestration.automation import CLOSE, REFRESH
    from orchestration.dagster_history import open_history
    from orchestration.definitions import build_definitions
    from orchestration.reaper import PROCESS_TAG, process_stamp, reap

    definitions = build_definitions(run.settings, run.manifest(), run.project_dir)
    job = definitions.resolve_job_def(REFRESH if run.closing is None else CLOSE)
    try:
        with open_history(folder) as instance:
            for gone in reap(instance):
                run.say(f"Dagster run {gone[:8]} is called failed: its process is gone")
            job.execute_in_process(
                instance=instance,
                resources={RUN: run},
                raise_on_error=True,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                tags={"holdfast/run_id": run.run_id, PROCESS_TAG: process_stamp()},
            )
    except dg.DagsterExecutionInterruptedError:
        # What Dagster makes of Ctrl-C and of a polite kill.
        raise KeyboardInterrupt from None
    # Checks that block have raised above; this is for a result that no check reported.
    run.stop_if_rejected(at_the_end=True)
