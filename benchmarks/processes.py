"""What a process and all that it starts use: CPU-seconds, wall seconds, memory, disk.

CPU-seconds are the operating system's account of the finished process and its children. Memory is
the resident memory of all of them together, looked at four times a second, so that what worker
processes hold is counted; disk is the most that a folder held.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from orchestration.settings import PROJECT_DIR

LOOK_EVERY_SECONDS = 0.25
#: A folder of many files is looked at more rarely: walking it costs what is to be measured.
LOOK_AT_DISK_EVERY_SECONDS = 1.0


@dataclass(frozen=True)
class Line:
    """A line that the process printed, with what had been used by then.

    `peak_bytes` is the most memory since the line before.
    """

    text: str
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int = 0


@dataclass(frozen=True)
class Measured:
    """What a finished process used: seconds and bytes."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    peak_disk_bytes: int = 0
    lines: tuple[Line, ...] = ()


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    disk: Path | None = None,
    log: Path | None = None,
) -> Measured:
    """Run a command in the project's folder to its end.

    Args:
        command: what to run.
        environment: variables that are added to those of this process.
        disk: a folder whose greatest size is measured too.
        log: a file that gets each line as it comes, after the CPU-seconds till then and the most
            gigabytes of memory since the line before: a long run is looked at while it runs.

    Raises:
        RuntimeError: it ended with another exit code than 0; the end of its output is the message.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        list(command),
        cwd=PROJECT_DIR,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    watched = psutil.Process(process.pid)
    watch = _Watch(watched, disk)
    watch.start()
    lines: list[Line] = []
    assert process.stdout is not None
    with log.open("w", encoding="utf-8") if log else nullcontext() as told:
        for text in process.stdout:
            used, most = _used(watched)[0], watch.most_since_asked()
            lines.append(Line(text.rstrip("\n"), used, time.monotonic() - began, most))
            if told:
                print(f"{used:8.1f} CPU s {most / 1e9:5.2f} GB {text}", end="", file=told)
                told.flush()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    watch.stop()
    if process.returncode:
        said = "\n".join(line.text for line in lines)
        raise RuntimeError(f"{' '.join(command)}\nended with {process.returncode}:\n{said[-4000:]}")
    return Measured(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        wall_seconds=wall,
        # A process that was over before it was looked at has its own account, in which the one
        # that it was forked from is counted too.
        peak_bytes=watch.peak_bytes or usage.ru_maxrss * 1024,
        peak_disk_bytes=watch.peak_disk_bytes,
        lines=tuple(lines),
    )


def folder_bytes(folder: Path) -> int:
    """The size of all files in a folder; those that go while it is walked count for nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).lstat().st_size
            except OSError:
                continue
    return total


class _Watch(threading.Thread):
    """Looks at a process and its children until it is stopped."""

    def __init__(self, process: psutil.Process, disk: Path | None) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._disk = disk
        self._over = threading.Event()
        self.peak_bytes = 0
        self.peak_disk_bytes = 0
        self._since_asked = 0

    def most_since_asked(self) -> int:
        """The most memory since this was asked last; 0 where it was not looked at since."""
        most, self._since_asked = self._since_asked, 0
        return most

    def run(self) -> None:
        looked_at_disk = 0.0
        while not self._over.wait(LOOK_EVERY_SECONDS):
            resident = _used(self._process)[1]
            self.peak_bytes = max(self.peak_bytes, resident)
            self._since_asked = max(self._since_asked, resident)
            if self._disk and time.monotonic() - looked_at_disk > LOOK_AT_DISK_EVERY_SECONDS:
                looked_at_disk = time.monotonic()
                self.peak_disk_bytes = max(self.peak_disk_bytes, folder_bytes(self._disk))

    def stop(self) -> None:
        """End it."""
        self._over.set()
        self.join()
        if self._disk:
            self.peak_disk_bytes = max(self.peak_disk_bytes, folder_bytes(self._disk))


def _used(process: psutil.Process) -> tuple[float, int]:
    """CPU-seconds so far and resident bytes of a process and its children."""
    seconds, resident = 0.0, 0
    try:
        processes = [process, *process.children(recursive=True)]
    except psutil.Error:
        return seconds, resident
    for one in processes:
        try:
            with one.oneshot():
                times = one.cpu_times()
                resident += one.memory_info().rss
        except psutil.Error:
            # It ended while it was looked at.
            continue
        # With those of its own children that it has waited for.
        seconds += times.user + times.system + times.children_user + times.children_system
    return seconds, resident
