"""How a run writes Dagster's history: a thousand events and more, each a handful of commits.

Dagster's own storage opens and closes an SQLite file several times for each event and waits for the
disk at each commit, which took longer than building a small company. The run that writes keeps the
files open and does not wait. Whoever reads the history (`make dev`) finds the same files.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData

_BUSY_SECONDS = 30


class OpenEventLog(SqliteEventLogStorage):
    """Dagster's event log in SQLite, with one connection to each file, held until the end."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, sa.Engine] = {}
        self._engines_lock = threading.Lock()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> OpenEventLog:
        """As Dagster makes a storage from its settings."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> sa.Engine:
        with self._engines_lock:
            if shard not in self._engines:
                self._engines[shard] = sa.create_engine(
                    self.conn_string_for_shard(shard),
                    poolclass=sa.QueuePool,
                    pool_size=1,
                    connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
                )
            return self._engines[shard]

    def dispose(self) -> None:
        """Close the files."""
        with self._engines_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
        super().dispose()


def open_history(folder: Path) -> DagsterInstance:
    """Dagster's instance in its folder (`prepare_dagster_home`), for the one who writes."""
    write_without_waiting()
    log = {
        "module": OpenEventLog.__module__,
        "class": OpenEventLog.__name__,
        # Where Dagster's own storage has it, and looks for it.
        "config": {"base_dir": str(folder / "history" / "runs")},
    }
    return DagsterInstance.from_ref(
        InstanceRef.from_dir(str(folder), overrides={"event_log_storage": log})
    )


def write_without_waiting() -> None:
    """Let SQLite files of Dagster be written without waiting for the disk.

    A killed process loses nothing; a machine that loses power may lose Dagster's history, which is
    for looking at: what was released is in control.db.
    """
    if not sa.event.contains(sa.Engine, "connect", _do_not_wait):
        sa.event.listen(sa.Engine, "connect", _do_not_wait)


def _do_not_wait(connection: Any, record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")
