"""Dagster runs whose process is gone, called failed at once, so that they hold up nobody.

Dagster counts runs that it believes to be under way against its limit of one. When a whole stack
is killed its run stays STARTED in Dagster's history for ever. The lock of the home folder tells
better: it goes with the process that held it. Each run writes down which process it is, when it
takes the lock; whoever comes later looks who is not there any more. Of a run that did not come so
far Dagster's own events say which process of this machine it was given.
"""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG

PROCESS_TAG = "holdfast/process"
_UNDER_WAY = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_TICKS = os.sysconf("SC_CLK_TCK")


def process_stamp(pid: int | None = None) -> str:
    """Host, process number and when it started: a number that is used again is told apart."""
    number = os.getpid() if pid is None else pid
    return f"{socket.gethostname()}:{number}:{_started(number)}"


def reap(instance: dg.DagsterInstance, own_run_id: str | None = None) -> list[str]:
    """Call failed every run under way on this machine whose process is gone; returns their ids.

    A run that nothing is known of, such as one that is still to get its process, is left alone.
    """
    gone = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY)):
        if run.run_id == own_run_id:
            continue
        stamp = run.tags.get(PROCESS_TAG)
        process = _given_process(instance, run) if stamp is None else stamp
        if process is None or (stamp is not None and _is_alive(stamp)):
            continue
        instance.report_run_failed(run, f"Its process ({process}) is gone.")
        gone.append(run.run_id)
    return gone


def _given_process(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """The process of this machine that a run without a stamp was given, if it is gone; else None.

    Dagster's launcher tells its number, and the launcher is on this machine where it is spoken to
    by a socket.
    """
    if not json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("socket"):
        return None
    events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    for event in reversed(list(events)):
        said = event.dagster_event.event_specific_data if event.dagster_event else None
        number = getattr(said, "metadata", {}).get("pid")
        if number is not None:
            return None if _was_there(int(number.value), event.timestamp) else str(number.value)
    return None


def _was_there(number: int, at: float) -> bool:
    """Whether the process of a number is there, and was at that time (seconds of the epoch)."""
    ticks = _started(number)
    if not ticks.isdigit():
        return ticks != ""
    seconds_ago = float(Path("/proc/uptime").read_text().split()[0]) - int(ticks) / _TICKS
    # The clock may have been set a little since; a number comes again much later.
    return time.time() - seconds_ago <= at + 60


def _is_alive(stamp: str) -> bool:
    host, number, started = stamp.rsplit(":", 2)
    if host != socket.gethostname():
        # Not ours to judge; the lock says that it does not write here.
        return True
    return _started(int(number)) == started != ""


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty where there is none (or no /proc)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return _exists(pid)
    # The name of the command, in parentheses, may have blanks.
    return text.rpartition(")")[2].split()[19]


def _exists(pid: int) -> str:
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "unknown"
