"""One writer: a lock on the home folder that dies with the process that holds it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.control import Clock, system_clock
from orchestration.errors import LockedError


@contextmanager
def home_lock(home: Path, run_id: str, clock: Clock = system_clock) -> Iterator[None]:
    """Hold `<home>/lock` for the length of a with block.

    The lock is the kernel's (flock), so it goes when the process does, however it ends; what is
    written in the file only says who holds it, and is no matter once nobody does.

    Raises:
        LockedError: another run holds it; raised at once, naming pid, host, run and since when.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            raise LockedError(
                f"Another run holds {home} ({_holder(path)}). Wait until it ends, or stop it."
            ) from None
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "run_id": run_id,
            "since": clock().isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return (
            f"process {holder['pid']} on {holder['host']}, run {holder['run_id']}, "
            f"since {holder['since']}"
        )
    except (OSError, ValueError, KeyError, TypeError):
        # The other run is between taking the lock and writing its name.
        return "it has not written its name yet"
