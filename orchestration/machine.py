"""What the machine does to a run: signals, and want of space or memory.

A signal stops a run politely, and want is told in a sentence that says where and what to do,
whichever library came upon it first.
"""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from orchestration.errors import HoldfastError, MachineError

_NO_SPACE = re.compile(
    r"no space left|disk is full|disk full|quota exceeded|file too large|could not write all bytes"
    r"|max_temp_directory_size",
    re.IGNORECASE,
)
_NO_MEMORY = re.compile(r"out of memory|cannot allocate memory|failed to allocate", re.IGNORECASE)
_NEXT_TO_NONE = 1 << 18
_NO_SPACE_ERRNO = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

SPACE = "Free some, or let HOLDFAST_HOME be on a larger disk, and run again: nothing is lost."
MEMORY = (
    "Give the run more with HOLDFAST_MEMORY_LIMIT, let it want less with HOLDFAST_THREADS, or free "
    "memory and disk of the machine, and run again."
)


def catch_signals() -> Callable[[], int]:
    """Let SIGINT and SIGTERM stop the run in the same way; the call says which of them it was.

    Dagster puts its own handlers in the place of ours while it runs and forgets the number, so the
    number is read from the pipe that the interpreter itself writes to.
    """
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)

    def which() -> int:
        try:
            return os.read(reader, 1)[0]
        except BlockingIOError:
            return int(signal.SIGINT)

    return which


def _stop(number: int, frame: FrameType | None) -> None:
    # What follows is cleaning up, which takes a moment and is not to be broken off.
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def was_stopped(error: BaseException) -> bool:
    """Whether an error is what a library made of the stop that a signal asked for."""
    return any(isinstance(link, KeyboardInterrupt) for link in _chain(error))


def lack_of(error: BaseException) -> MachineError | None:
    """The want of space or memory that an error comes from, None where it comes from another thing.

    Looks at the whole chain of causes: libraries wrap what the machine told them.
    """
    for link in _chain(error):
        text = str(link)
        if isinstance(link, OSError) and link.errno in _NO_SPACE_ERRNO:
            where = f" ({link.filename})" if link.filename else ""
            return _with_notes(MachineError(f"No space is left on the disk{where}. {SPACE}"), error)
        if isinstance(link, MemoryError) or _NO_MEMORY.search(text):
            return _with_notes(MachineError(f"The run is out of memory: {text}. {MEMORY}"), error)
        if _NO_SPACE.search(text):
            return _with_notes(
                MachineError(f"No space is left on the disk: {text}. {SPACE}"), error
            )
    return None


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has next to no space left."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < _NEXT_TO_NONE


def hint(message: str) -> str:
    """What to do about a message of the engine that tells of want; empty where it tells of none."""
    if _NO_SPACE.search(message):
        return SPACE
    return MEMORY if _NO_MEMORY.search(message) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        # What we say ourselves has its own exit code.
        if isinstance(link, HoldfastError):
            return
        yield link
        link = link.__cause__ or link.__context__


def _with_notes(lack: MachineError, error: BaseException) -> MachineError:
    for note in getattr(error, "__notes__", []):
        lack.add_note(note)
    return lack
