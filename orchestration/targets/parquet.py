"""A release as a folder of Parquet files with a manifest, for whoever reads no DuckDB file.

`parquet/<n>` of the home folder has `<schema>.<table>.parquet` for every table of the release, and
`manifest.json`: the release and its sha256, and of every file its sha256, bytes, rows, columns with
their types, and control totals (the exact sum of every decimal column). `parquet/current` is a link
to the last release; readers see the old folder or the new one, never a part.

Written where HOLDFAST_PARQUET=on. It converges by itself and never holds up a release. Tables with
contact data (schema outreach) and working tables (intermediate) are not in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from orchestration.control import Release
from orchestration.errors import HoldfastError
from orchestration.failpoints import failpoint
from orchestration.settings import Settings
from orchestration.warehouse import connect, lock_down

Say = Callable[[str], None]

MANIFEST = "manifest.json"
#: Folders that stay: who reads one of an earlier release can finish.
KEPT = 3
#: What readers get elsewhere (by their own rights), or have no use for.
LEFT_OUT = ("outreach", "intermediate")


def parquet_dir(settings: Settings) -> Path:
    """Where the folders are."""
    return settings.home / "parquet"


def converge_parquet(settings: Settings, release: Release | None, say: Say) -> None:
    """Let the last release have its folder; called by every start.

    It never holds up a release: what goes wrong is said, and tried again by the next start.
    """
    if release is None or not settings.with_parquet or is_current(settings, release):
        return
    try:
        manifest = write_parquet(settings, release)
        tables = manifest["tables"]
        size = sum(table["bytes"] for table in tables)
        say(f"parquet: release {release.n}, {len(tables)} tables, {size:,} bytes")
    except Exception as error:
        say(f"parquet: not written ({type(error).__name__}: {error}); the release stands")


def is_current(settings: Settings, release: Release) -> bool:
    """Whether readers have the folder of that release, made of its file as it is."""
    try:
        text = (parquet_dir(settings) / "current" / MANIFEST).read_text(encoding="utf-8")
        manifest = json.loads(text)
    except (OSError, ValueError):
        return False
    return (manifest["release"], manifest["sha256"]) == (release.n, release.sha256)


def write_parquet(settings: Settings, release: Release) -> dict[str, Any]:
    """Write the folder of a release and let readers have it; returns its manifest.

    A folder that is there already is replaced.

    Raises:
        HoldfastError: what was written is not what the release has.
    """
    home = parquet_dir(settings)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = home / f".{release.n}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    file = settings.releases_dir / f"{release.n}.duckdb"
    connection = connect(file, settings, read_only=True, spill=partial / "spill")
    try:
        lock_down(connection, [partial])
        tables = [
            _write_table(connection, partial, schema, table)
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables()"
                " where database_name = current_database() order by all"
            ).fetchall()
            if schema not in LEFT_OUT
        ]
    finally:
        connection.close()
    manifest: dict[str, Any] = {
        "release": release.n,
        "sha256": release.sha256,
        "run": release.run_id,
        "as_of": release.as_of.isoformat(),
        "published_at": release.published_at.isoformat(),
        "tables": tables,
    }
    path = partial / MANIFEST
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for written in (*partial.iterdir(), partial):
        _sync(written)
    failpoint("parquet.partial")
    target = home / str(release.n)
    # An erasure seals a release anew: the folder of the old file goes before the new one comes.
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    failpoint("parquet.moved")
    _point(home / "current", target.name)
    _sync(home)
    for old in _folders(home)[KEPT:]:
        if old != target:
            shutil.rmtree(old)
    return manifest


def _write_table(
    connection: duckdb.DuckDBPyConnection, folder: Path, schema: str, table: str
) -> dict[str, Any]:
    """Write one table, read what was written, and say what it is."""
    source = f"{_quoted(schema)}.{_quoted(table)}"
    path = folder / f"{schema}.{table}.parquet"
    literal = "'" + str(path).replace("'", "''") + "'"
    connection.execute(f"copy (from {source}) to {literal} (format parquet, compression zstd)")
    columns = [(row[0], row[1]) for row in connection.execute(f"describe {source}").fetchall()]
    money = [column for column, kind in columns if kind.startswith("DECIMAL")]
    sums = "".join(f", cast(sum({_quoted(column)}) as varchar)" for column in money)
    there, written = (
        connection.execute(f"select count(*){sums} from {rows}").fetchone()
        for rows in (source, f"read_parquet({literal}, hive_partitioning = false)")
    )
    if there is None or there != written:
        raise HoldfastError(f"{path.name} has {written}, the release has {there} (rows, sums).")
    return {
        "table": f"{schema}.{table}",
        "file": path.name,
        "rows": there[0],
        "bytes": path.stat().st_size,
        "sha256": _sha256(path),
        "columns": [{"name": column, "type": kind} for column, kind in columns],
        "control_totals": dict(zip(money, there[1:], strict=True)),
    }


def _folders(home: Path) -> list[Path]:
    """Finished folders, newest first."""
    found = [path for path in home.iterdir() if path.is_dir() and path.name.isdigit()]
    return sorted(found, key=lambda path: -int(path.name))


def _point(link: Path, name: str) -> None:
    temporary = link.with_name(".current.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(name)
    temporary.replace(link)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
