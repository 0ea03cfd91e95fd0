"""A company that dbt has built, to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb


@dataclass(frozen=True)
class Built:
    """The database file of a build."""

    database: Path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement; the file is open no longer than it takes."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()
