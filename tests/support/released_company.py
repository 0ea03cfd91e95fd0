"""One released simulated company for all tests that look at a release: made once in a test run."""

from __future__ import annotations

import fcntl
from datetime import date
from pathlib import Path

from simulation.config import SimulationConfig
from simulation.run import simulate, write_company
from tests.acceptance.refresh import refresh

#: The company of the guides (docs/guides), which say how to make it.
CONFIG = SimulationConfig(
    customers=2000, months=36, seed=20261031, as_of=date(2026, 10, 31), events=50_000
)
POLICIES = ("board_strict", "stripe_legacy")


def released_company(shared: Path) -> Path:
    """The folder with `landing`, `truth` and the released `home`; not to be written to.

    Args:
        shared: a folder that all test processes of this run see.
    """
    folder = shared / "released_company"
    done = folder / "done"
    with (shared / "released_company.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir()  # a second try after a failure fails at once, and does not run again
            write_company(simulate(CONFIG), folder / "landing", folder / "truth")
            refresh(
                folder / "home",
                folder / "landing",
                CONFIG.as_of.isoformat(),
                HOLDFAST_ENABLED_POLICIES=",".join(POLICIES),
            )
            done.touch()
    return folder
