"""The bench of the gate's own tests, for the faults of files; a company that can be killed."""

from __future__ import annotations

from multiprocessing.context import ForkServerContext

import pytest

from tests.faults.crash_company import Company, fork_server, make_company
from tests.landing.conftest import bench

__all__ = ["bench"]


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with the imports done."""
    return fork_server()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, processes: ForkServerContext) -> Company:
    """A company with a release."""
    made = make_company(tmp_path_factory.mktemp("company"))
    made.land()
    assert made.run(processes) == 0, made.said()
    return made
