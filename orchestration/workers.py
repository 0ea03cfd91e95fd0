"""Processes beside the run for what is slow to import: dbt and Great Expectations.

Each takes seconds to import, longer than most suites and builds of a small company take. In
processes of their own they start at once and side by side, and what they
hold (memory, an open DuckDB file) goes when they do.

A worker lives as long as its run lets it: both ends of a pipe see to that. When the run closes
its end, or dies in whatever way, the worker ends at once, so that no second writer is ever left.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import util
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

from orchestration.errors import HoldfastError
from orchestration.settings import PROJECT_DIR

P = ParamSpec("P")
T = TypeVar("T")

#: A new interpreter, which has no open file and no thread of the run.
START_METHOD = "spawn"

_POLL_SECONDS = 0.2
_lines: Any = None


def tell(line: str, *, is_passing: bool = False) -> None:
    """Called inside a worker: a line of progress for the run. Outside of one it goes nowhere.

    A passing line says how far something is, and stands for what was said of it before.
    """
    if _lines is not None:
        _lines.put((line, is_passing))


class Worker:
    """One process that does what it is given, in order, until it is closed."""

    def __init__(self, name: str) -> None:
        # A new process takes over the path for imports; Dagster takes the project off its own.
        if str(PROJECT_DIR) not in sys.path:
            sys.path.append(str(PROJECT_DIR))
        context = multiprocessing.get_context(START_METHOD)
        self._name = name
        # Written through at once: a line is there before the result of the call that told it.
        self._queue = context.SimpleQueue()
        lifeline, self._lifeline = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            max_workers=1,
            mp_context=context,
            initializer=_begin,
            initargs=(self._queue, lifeline, dict(os.environ)),
        )

    def start(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give it something to do, and go on.

        Raises:
            HoldfastError: the process died before.
        """
        try:
            return self._pool.submit(call, *args, **kwargs)
        except BrokenProcessPool:
            raise self._died() from None

    def result(
        self,
        future: Future[T],
        say: Callable[[str], None] | None = None,
        show: Callable[[str], None] | None = None,
    ) -> T:
        """Wait for something given to it, passing on its lines of progress.

        Args:
            future: what to wait for.
            say: is given the lines that stay.
            show: is given the passing lines.

        Raises:
            HoldfastError: the process died, for example for want of memory.
            Exception: what the call raised.
        """
        while True:
            done = bool(wait([future], timeout=_POLL_SECONDS).done)
            for line, is_passing in self._drain():
                hear = show if is_passing else say
                if hear is not None:
                    hear(line)
            if done:
                break
        try:
            return future.result()
        except BrokenProcessPool:
            raise self._died() from None

    def do(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Give it something to do and wait."""
        return self.result(self.start(call, *args, **kwargs))

    def close(self) -> None:
        """Let it finish what it was given, and end it."""
        self._pool.shutdown(wait=True)
        self._queue.close()
        self._lifeline.close()

    def kill(self) -> None:
        """End it at once, whatever it is doing; what it wrote so far is rubbish."""
        self._lifeline.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._queue.close()

    def _died(self) -> HoldfastError:
        return HoldfastError(
            f"The process that runs {self._name} died; nothing was released. The machine may "
            "be out of memory: lower HOLDFAST_MEMORY_LIMIT or HOLDFAST_THREADS, and run again."
        )

    def _drain(self) -> list[tuple[str, bool]]:
        lines: list[tuple[str, bool]] = []
        while not self._queue.empty():
            lines.append(self._queue.get())
        return lines


def _begin(lines: Any, lifeline: Connection, environ: dict[str, str]) -> None:
    global _lines
    _lines = lines
    # A process that comes from a server of processes has umask and environment of that server.
    os.umask(0o077)
    os.environ.clear()
    os.environ.update(environ)
    # Ctrl-C, and many a polite kill, reach the whole group of processes; the run says what is to
    # be done, and its end ends this one.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    """Wait for the other end to go, and go too."""
    lifeline.poll(None)
    # Locks that dbt made have a name in the kernel; left there, Python would complain of them.
    finalize = getattr(util, "_run_finalizers", None)
    with suppress(Exception):
        if finalize is not None:
            finalize(0)
    os._exit(1)
