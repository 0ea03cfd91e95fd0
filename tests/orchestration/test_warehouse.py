"""Whoever opens a DuckDB file has the limits that the run was given."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from expectations.dialect import ReadOnlyDuckDB
from orchestration.errors import ConfigurationError
from orchestration.settings import load_settings
from orchestration.warehouse import connect, open_for_reading, open_for_writing

ASKED = "select current_setting('memory_limit'), current_setting('threads')"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty database, and an environment with limits that no machine has by itself."""
    monkeypatch.setenv("HOLDFAST_MEMORY_LIMIT", "100MiB")
    monkeypatch.setenv("HOLDFAST_THREADS", "3")
    path = tmp_path / "some.duckdb"
    duckdb.connect(str(path)).close()
    return path


@pytest.mark.fault("F76", "S04")
def test_readers_writers_and_great_expectations_keep_to_the_limits(database: Path) -> None:
    limits = ("100.0 MiB", 3)
    with open_for_reading(database) as connection:
        assert connection.execute(ASKED).fetchone() == limits
    with open_for_writing(load_settings(), database) as connection:
        assert connection.execute(ASKED).fetchone() == limits
    with connect(None) as connection:
        assert connection.execute(ASKED).fetchone() == limits
    reader = ReadOnlyDuckDB().connect(str(database), last_release=None)
    assert reader.execute(ASKED).fetchone() == limits
    reader.close()


@pytest.mark.fault("F76")
def test_a_reader_beyond_the_limit_is_refused_by_name(database: Path) -> None:
    rows = "select list(range::varchar || repeat('x', 100)) from range(4_000_000)"
    with open_for_reading(database) as connection, pytest.raises(duckdb.OutOfMemoryException):
        connection.execute(rows)


def test_a_limit_that_cannot_be_used_is_named(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_MEMORY_LIMIT", "much")
    with pytest.raises(ConfigurationError, match="HOLDFAST_MEMORY_LIMIT"):
        connect(database)
