"""What a killed stack leaves behind, and what a run writes for whom."""

from __future__ import annotations

import json
import os
import signal
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.storage.tags import GRPC_INFO_TAG

from orchestration.reaper import PROCESS_TAG, process_stamp, reap
from tests.faults.crash_company import Company


def test_f77_a_run_whose_whole_stack_was_killed_holds_up_nobody(
    company: Company, processes: ForkServerContext
) -> None:
    company.land()
    # SIGKILL in the middle of the job: Dagster's history says STARTED from now on.
    assert company.run(processes, HOLDFAST_FAILPOINT="raw.checked") == -signal.SIGKILL
    folder = company.toy.settings.home / "dagster"
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        (left,) = instance.get_runs(started)
    assert company.run(processes) == 0, company.said()
    assert f"Dagster run {left.run_id[:8]} is called failed" in company.said()
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        assert instance.get_runs(started) == []
        ended = instance.get_run_by_id(left.run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE


def test_f77_a_run_that_is_alive_is_left_alone(company: Company) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        alive, gone, unknown = (
            instance.create_run_for_job(
                dg.GraphDefinition(name="refresh", node_defs=[]).to_job(),
                tags=tags,
                status=dg.DagsterRunStatus.STARTED,
            )
            for tags in ({PROCESS_TAG: process_stamp()}, {PROCESS_TAG: process_stamp(2**22)}, {})
        )
        assert reap(instance) == [gone.run_id]
        under_way = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
        left = {run.run_id for run in instance.get_runs(under_way)}
        assert left == {alive.run_id, unknown.run_id}


def test_f77_a_run_that_was_killed_before_it_came_to_the_lock_is_called_failed() -> None:
    here = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": "of-a-code-server"})}
    elsewhere = {GRPC_INFO_TAG: json.dumps({"host": "other", "port": 4000})}
    yesterday = time.time() - 86_400
    with dg.DagsterInstance.ephemeral() as instance:

        def given(number: int | None, tags: dict[str, str], at: float | None = None) -> str:
            run = instance.create_run_for_job(
                dg.GraphDefinition(name="refresh", node_defs=[]).to_job(),
                tags=tags,
                status=dg.DagsterRunStatus.STARTED,
            )
            if number is not None:
                said = EngineEventData({"pid": dg.MetadataValue.text(str(number))})
                with mock.patch("time.time", return_value=at or time.time()):
                    instance.report_engine_event("Started process", run, said)
            return run.run_id

        dead = given(2**22, here)
        # Another process has the number by now.
        dead_long_ago = given(os.getpid(), here, yesterday)
        alive = given(os.getpid(), here)
        waiting = given(None, here)
        of_another_machine = given(2**22, elsewhere)
        assert sorted(reap(instance)) == sorted([dead, dead_long_ago])
        under_way = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
        left = {run.run_id for run in instance.get_runs(under_way)}
        assert left == {alive, waiting, of_another_machine}


@pytest.mark.fault("S01", "S13")
def test_a_run_writes_no_secret_anywhere_and_nothing_for_other_users(
    company: Company, processes: ForkServerContext
) -> None:
    canaries = ("canary-of-the-signature", "canary-of-the-path", "canary-of-dbt")
    home = company.toy.settings.home
    before = {path: path.stat().st_ino for path in home.rglob("*")}
    company.land()
    exit_code = company.run(
        processes,
        HOLDFAST_SECRET_WEBHOOK=canaries[0],
        # Nobody listens there, so that the failure is told and recorded too.
        HOLDFAST_WEBHOOK_URL=f"http://127.0.0.1:9/{canaries[1]}",
        HOLDFAST_WEBHOOK_PRIVATE_HOSTS="127.0.0.1",
        DBT_ENV_SECRET_CANARY=canaries[2],
    )
    assert exit_code == 0, company.said()
    assert "webhook: not delivered (ConnectionRefusedError at 127.0.0.1)" in company.said()
    written = [path for path in home.rglob("*") if path.is_file()]
    assert len(written) > 20
    for path in [*written, company.folder / "said.txt"]:
        content = path.read_bytes()
        assert not [canary for canary in canaries if canary.encode() in content], path
    new = [path for path, inode in _inodes(home).items() if before.get(path) != inode]
    open_to_others = [
        path
        for path in new
        if not path.is_symlink()
        and home / "landing" not in path.parents
        and path.stat().st_mode & (0o007 if path.parent.name == "releases" else 0o077)
    ]
    assert open_to_others == []


def _inodes(folder: Path) -> dict[Path, int]:
    return {path: path.lstat().st_ino for path in folder.rglob("*")}
