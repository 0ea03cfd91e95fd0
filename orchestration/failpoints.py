"""Places where a test can kill the process, as a power cut would.

`HOLDFAST_FAILPOINT=<name>` kills the process with SIGKILL when it comes to that place;
`HOLDFAST_FAILPOINT_LOG=<file>` writes down the places that a run comes to. Without them nothing
happens.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path


def failpoint(name: str) -> None:
    """Name a place between two effects."""
    log = os.environ.get("HOLDFAST_FAILPOINT_LOG")
    if log:
        with Path(log).open("a", encoding="utf-8") as stream:
            stream.write(f"{name}\n")
    if os.environ.get("HOLDFAST_FAILPOINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
