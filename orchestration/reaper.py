"""Dagster runs whose process is gone, called failed at once, so that they hold up nobody.

Dagster counts runs that it believes to be under way against its limit of one. When a whole stack
is killed its run stays STARTED in Dagster's history for ever. The lock of the home folder tells
better: it goes with the process that held it. Each run writes down which process it is, when it
takes the lock; the next one that holds the lock looks who is not there any more.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import dagster as dg

PROCESS_TAG = "holdfast/process"
_UNDER_WAY = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def process_stamp(pid: int | None = None) -> str:
    """Host, process number and when it started: a number that is used again is told apart."""
    number = os.getpid() if pid is None else pid
    return f"{socket.gethostname()}:{number}:{_started(number)}"


def reap(instance: dg.DagsterInstance, own_run_id: str | None = None) -> list[str]:
    """Call failed every run under way on this machine whose process is gone; returns their ids.

    Call it while holding the lock of the home folder. Runs without a stamp have not come to the
    lock yet; Dagster's own monitoring has an eye on those.
    """
    gone = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY)):
        stamp = run.tags.get(PROCESS_TAG)
        if stamp is None or run.run_id == own_run_id or _is_alive(stamp):
            continue
        instance.report_run_failed(
            run, f"Its process ({stamp}) is gone; the lock of the home folder was free."
        )
        gone.append(run.run_id)
    return gone


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
