"""A plugin of dbt-duckdb that locks dbt's engine down; named in `profiles.yml`.

dbt-duckdb applies `settings:` of a profile to every cursor, which a locked configuration refuses;
a plugin is asked once per connection, before anything is done with it.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from orchestration.settings import DBT_PROJECT_DIR
from orchestration.warehouse import lock_down

#: Folders that dbt's engine may use beside that of its database; default: the project's seeds.
FOLDERS_VARIABLE = "HOLDFAST_ENGINE_FOLDERS"


class Plugin(BasePlugin):
    """Reads and writes in the folders of the run, and nowhere else."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Lock the connection down; its cursors are too."""
        assert self.creds is not None
        listed = os.environ.get(FOLDERS_VARIABLE) or str(DBT_PROJECT_DIR / "seeds")
        folders = [Path(folder) for folder in listed.split(os.pathsep)]
        lock_down(conn, [Path(self.creds.path).parent, *folders])
