"""A read-only SQLAlchemy dialect over the DuckDB driver: all that Great Expectations needs.

Great Expectations reads query assets only, so nothing of the catalogue is reflected. DuckDB
connections are in autocommit; begin, commit and rollback say nothing, because a rollback would
close the result that is still being read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL, default
from sqlalchemy.sql import compiler

from orchestration.warehouse import connect, lock_down

URL_SCHEME = "duckdb+readonly"


_folders: list[Path] = []


def allow(folders: Sequence[Path]) -> None:
    """Let connections of this process read in these folders too."""
    _folders[:] = folders


def lock(connection: duckdb.DuckDBPyConnection, *more: Path) -> None:
    """Keep a connection to the folders that were allowed, and these."""
    lock_down(connection, [*_folders, *more])


class _AlwaysQuoting(compiler.IdentifierPreparer):
    """Quotes every name: contract columns are called `interval`, `type` and `month`."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class ReadOnlyDuckDB(default.DefaultDialect):
    """Opens `duckdb+readonly:///<file>` read-only; `?last_release=<file>` attaches a second one."""

    name = "duckdb"
    driver = "readonly"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    preparer = _AlwaysQuoting

    @classmethod
    def import_dbapi(cls) -> Any:
        """The driver is duckdb itself; its module follows the Python database API."""
        return duckdb

    def create_connect_args(self, url: URL) -> tuple[list[Any], dict[str, Any]]:
        """Arguments of `connect`, from the URL."""
        return [url.database], {"last_release": url.query.get("last_release")}

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """Open the file read-only and locked down, and the last release beside it."""
        last_release = cparams.get("last_release")
        connection = connect(Path(cargs[0]), read_only=True)
        lock(connection, *([Path(last_release).parent] if last_release else []))
        if last_release:
            quoted = str(last_release).replace("'", "''")
            connection.execute(f"attach if not exists '{quoted}' as last_release (read_only)")
        return connection

    def do_begin(self, dbapi_connection: Any) -> None:
        """Nothing: each statement reads one state of a file that nobody writes."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Nothing was written."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing was written, and the result is still being read."""

    def has_table(
        self, connection: sa.Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Query assets name no table."""
        return False


def register() -> None:
    """Make the dialect known to SQLAlchemy under `URL_SCHEME`."""
    registry.register(URL_SCHEME.replace("+", "."), __name__, ReadOnlyDuckDB.__name__)
