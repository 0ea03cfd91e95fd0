"""The folder that Dagster keeps its history in: `dagster` in the home folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from orchestration.settings import PROJECT_DIR, Settings


def prepare_dagster_home(
    settings: Settings, environ: MutableMapping[str, str] = os.environ
) -> Path:
    """Make the folder with the project's `dagster.yaml`, and point this process to it."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT_DIR / "dagster.yaml", folder / "dagster.yaml")
    environ["DAGSTER_HOME"] = str(folder)
    environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    return folder


def write_history_without_waiting() -> None:
    """Let Dagster's SQLite files be written without waiting for the disk at every event.

    A run has about a thousand events, each with several commits; waiting for each costs more
    than building a small company. A killed process loses nothing; a machine that loses power may
    lose Dagster's history, which is for looking at: what was released is in control.db.
    """
    import sqlalchemy as sa

    if not sa.event.contains(sa.Engine, "connect", _do_not_wait):
        sa.event.listen(sa.Engine, "connect", _do_not_wait)


def _do_not_wait(connection: Any, record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")
