"""Runs `refresh` the way `make run` does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from orchestration.settings import PROJECT_DIR


def refresh(home: Path, landing: Path, as_of: str, **environment: str) -> str:
    """Release a landing folder and return what was printed; fails the test where the run fails."""
    run = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run"],
        cwd=PROJECT_DIR,
        env={
            **os.environ,
            "HOLDFAST_HOME": str(home),
            "HOLDFAST_LANDING": str(landing),
            "HOLDFAST_AS_OF": as_of,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, f"exit code {run.returncode}\n{run.stdout}\n{run.stderr}"
    return run.stdout
