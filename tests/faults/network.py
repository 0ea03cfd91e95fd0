"""Who calls whom: connections of a process that are written down, and ports that it listens on."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

from orchestration.settings import PROJECT_DIR

#: Names the file that connections are written to; nothing is where it is not set.
LOG = "WATCH_CONNECTIONS"
_OF_THE_INTERNET = (socket.AF_INET, socket.AF_INET6)
_LISTEN = "0A"


def _write(line: str) -> None:
    log = os.environ.get(LOG)
    if log:
        with Path(log).open("a", encoding="utf-8") as stream:
            stream.write(f"{os.getpid()} {line}\n")


class _Watched(socket.socket):
    """A socket that writes down where it connects to."""

    def connect(self, address: Any) -> None:
        if self.family in _OF_THE_INTERNET:
            _write(f"connect {address}")
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        if self.family in _OF_THE_INTERNET:
            _write(f"connect {address}")
        return super().connect_ex(address)


def watch() -> None:
    """Write down every connection of this process from now on."""
    socket.socket = _Watched  # type: ignore[misc]
    _write("watched")
    os.register_at_fork(after_in_child=lambda: _write("watched"))


def environment(log: Path) -> dict[str, str]:
    """What lets a run and all its processes write their connections to a file."""
    folder = Path(__file__).with_name("watched")
    return {LOG: str(log), "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT_DIR)])}


def listening(leader: int) -> set[tuple[str, int]]:
    """Addresses and ports that the processes of a session listen on."""
    inodes = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) != leader:
                continue
            for entry in (process / "fd").iterdir():
                target = str(entry.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
        except OSError:
            continue
    found = set()
    for name, size in (("tcp", 4), ("tcp6", 16)):
        for line in Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and fields[9] in inodes:
                address, _, port = fields[1].partition(":")
                packed = b"".join(
                    struct.pack("<I", int(address[n : n + 8], 16)) for n in range(0, 2 * size, 8)
                )
                family = socket.AF_INET if size == 4 else socket.AF_INET6
                found.add((socket.inet_ntop(family, packed), int(port, 16)))
    return found


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session, and all that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
