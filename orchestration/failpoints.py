"""Places where a test can kill the process, as a power cut would.

`HOLDFAST_FAILPOINT=<name>` kills the process with SIGKILL when it comes to that place, and
`<name>:<n>` when it comes there for the nth time; `HOLDFAST_FAILPOINT_LOG=<file>` writes down the
places that a run and its workers come to. Without them nothing happens.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

_visits: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Name a place between two effects."""
    log = os.environ.get("HOLDFAST_FAILPOINT_LOG")
    if log:
        with Path(log).open("a", encoding="utf-8") as stream:
            stream.write(f"{name}\n")
    wanted = os.environ.get("HOLDFAST_FAILPOINT")
    if wanted is None:
        return
    _visits[name] += 1
    if wanted in (name, f"{name}:{_visits[name]}"):
        os.kill(os.getpid(), signal.SIGKILL)
