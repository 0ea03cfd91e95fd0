"""Processes beside the run for what is slow to import: dbt and Great Expectations.

Each takes seconds to import, longer than most suites and builds of a small company take. In
processes of their own they start at once and side by side, and what they
hold (memory, an open DuckDB file) goes when they do.
"""

from __future__ import annotations

import multiprocessing
import queue
import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, ParamSpec, TypeVar

from orchestration.errors import HoldfastError
from orchestration.settings import PROJECT_DIR

P = ParamSpec("P")
T = TypeVar("T")

_POLL_SECONDS = 0.2
_lines: Any = None


def tell(line: str) -> None:
    """Called inside a worker: a line of progress for the run. Outside of one it goes nowhere."""
    if _lines is not None:
        _lines.put(line)


class Worker:
    """One process that does what it is given, in order, until it is closed."""

    def __init__(self, name: str) -> None:
        # A new process takes over the path for imports; Dagster takes the project off its own.
        if str(PROJECT_DIR) not in sys.path:
            sys.path.append(str(PROJECT_DIR))
        context = multiprocessing.get_context("spawn")
        self._name = name
        self._queue = context.Queue()
        self._pool = ProcessPoolExecutor(
            max_workers=1, mp_context=context, initializer=_begin, initargs=(self._queue,)
        )

    def start(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give it something to do, and go on."""
        return self._pool.submit(call, *args, **kwargs)

    def result(self, future: Future[T], say: Callable[[str], None] | None = None) -> T:
        """Wait for something given to it, passing on its lines of progress.

        Raises:
            HoldfastError: the process died, for example for want of memory.
            Exception: what the call raised.
        """
        while True:
            done = bool(wait([future], timeout=_POLL_SECONDS).done)
            for line in self._drain():
                if say is not None:
                    say(line)
            if done:
                break
        try:
            return future.result()
        except BrokenProcessPool:
            raise HoldfastError(
                f"The process that runs {self._name} died; nothing was released. The machine may "
                "be out of memory: lower HOLDFAST_MEMORY_LIMIT or HOLDFAST_THREADS, and run again."
            ) from None

    def do(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Give it something to do and wait."""
        return self.result(self.start(call, *args, **kwargs))

    def close(self) -> None:
        """Let it finish what it was given, and end it."""
        self._pool.shutdown(wait=True)
        self._queue.close()

    def _drain(self) -> list[str]:
        lines: list[str] = []
        while True:
            try:
                lines.append(self._queue.get_nowait())
            except queue.Empty:
                return lines


def _begin(lines: Any) -> None:
    global _lines
    _lines = lines
