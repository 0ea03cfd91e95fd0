"""One PostgreSQL server for all tests of the target, and a new database for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer, postgres_server
from tests.targets.company import Company, make_company


@pytest.fixture(scope="session")
def running() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def server(running: PostgresServer) -> PostgresServer:
    """The server, with an empty database; running, whatever the test before did to it."""
    if running.process is None:
        running.start()
    running.make_database()
    return running


@pytest.fixture
def company(server: PostgresServer, tmp_path: Path) -> Company:
    return make_company(tmp_path, server.dsn())
