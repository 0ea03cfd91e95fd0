"""Order of the tests, and the one release that several folders of tests look at."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from orchestration import workers
from orchestration.parsed_project import FOLDER_VARIABLE
from tests.support.released_company import released_company

# Releases of other tests need no pages, which take seconds each; tests/dashboard turns them on.
os.environ.setdefault("HOLDFAST_DASHBOARD", "off")

# Tests publish to servers of their own only, whatever the shell of a developer names.
os.environ.pop("HOLDFAST_POSTGRES_DSN", None)

# Most of what a run of a test's size costs are the imports of its two workers: a server of
# processes has done them. `make run`, and what tests it, starts new interpreters.
workers.START_METHOD = "forkserver"
multiprocessing.get_context("forkserver").set_forkserver_preload(
    ["great_expectations", "dbt.cli.main", "dbt.adapters.duckdb", "expectations.context",
     "orchestration.dbt_runner"]
)  # fmt: skip

#: With one file per worker the longest ones must not come last.
LONGEST_FIRST = ("properties/", "faults/", "acceptance/", "customer_success/", "metamorphic/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring long files to the front; pytest-xdist hands files out in this order."""

    def place(item: pytest.Item) -> int:
        path = item.nodeid.removeprefix("tests/")
        for position, start in enumerate(LONGEST_FIRST):
            if path.startswith(start):
                return position
        return len(LONGEST_FIRST)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def parsed_projects(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    """One parse of a project serves the homes of all tests and of all workers."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    os.environ[FOLDER_VARIABLE] = str(shared / "parsed")


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The released simulated company, the same for all workers; only to be read."""
    base = tmp_path_factory.getbasetemp()
    return released_company(base if worker_id == "master" else base.parent)
