"""Runs dbt in this process on the real project, against a database file of the test."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import dbt.version
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder

from tests.support.raw_tables import DBT_PROJECT_DIR, PROJECT_DIR

DATABASE_NAME = "warehouse.duckdb"
"""The file's name is the catalog's name, and the models are built into that catalog."""


PARSED_SUFFIXES = (".sql", ".yml", ".yaml", ".csv", ".md", ".py")


class DbtError(AssertionError):
    """A dbt command failed; the message names each node that failed and why."""


class DbtProject:
    """The project, parsed once; every build works on a copy of that parse.

    Args:
        work_dir: private folder for target and logs; made where it is not there.
    """

    def __init__(self, work_dir: Path | None = None) -> None:
        self.work_dir = work_dir or Path(tempfile.mkdtemp(prefix="holdfast-dbt-"))
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self._manifest: bytes | None = None

    def _arguments(self, variables: Mapping[str, Any]) -> list[str]:
        return [
            "--project-dir",
            str(DBT_PROJECT_DIR),
            "--profiles-dir",
            str(PROJECT_DIR),
            "--target-path",
            str(self.work_dir / "target"),
            "--log-path",
            str(self.work_dir / "logs"),
            "--vars",
            json.dumps(variables, default=str),
            "--no-write-json",
            "--quiet",
            "--log-level",
            "none",
            "--log-level-file",
            "none",
        ]

    def manifest(self) -> Manifest:
        """The parsed project; models do not come or go by variables, so one parse serves all."""
        if self._manifest is None:
            # A subclass may read another project, such as a copy with other seeds.
            is_shared = type(self) is DbtProject
            self._manifest = _shared_parse(self._parse) if is_shared else self._parse()
        parsed = Manifest.from_msgpack(self._manifest, decoder=extended_mashumuro_decoder)
        assert isinstance(parsed, Manifest)
        return parsed

    def _parse(self) -> bytes:
        self._environment(self.work_dir / DATABASE_NAME)
        outcome = dbtRunner().invoke(["parse", *self._arguments({})])
        if not outcome.success or not isinstance(outcome.result, Manifest):
            raise DbtError(f"dbt could not parse the project: {outcome.exception}")
        return bytes(outcome.result.to_msgpack(extended_mashumaro_encoder))

    @staticmethod
    def _environment(database: Path) -> None:
        os.environ["HOLDFAST_BUILD_DATABASE"] = str(database)
        os.environ.setdefault("HOLDFAST_THREADS", str(min(4, os.cpu_count() or 1)))
        os.environ["DO_NOT_TRACK"] = "1"

    def build(
        self,
        database: Path,
        select: Sequence[str] = (),
        variables: Mapping[str, Any] | None = None,
        with_tests: bool = False,
        exclude: Sequence[str] = (),
    ) -> None:
        """Build seeds and models into the database, which already has its raw tables.

        Args:
            database: the file, named `warehouse.duckdb`.
            select: dbt selectors; empty: everything.
            variables: dbt variables.
            with_tests: run data tests and unit tests too.
            exclude: dbt selectors to leave out.

        Raises:
            DbtError: something failed.
        """
        if database.name != DATABASE_NAME:
            raise ValueError(f"the database must be named {DATABASE_NAME}, not {database.name}")
        command = ["build", *self._arguments(variables or {})]
        if select:
            command += ["--select", *select]
        if exclude:
            command += ["--exclude", *exclude]
        if not with_tests:
            command += ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
        runner = dbtRunner(manifest=self.manifest())
        self._environment(database)
        _let_go()  # what a run in this process before left open is locked to its own folders
        try:
            outcome = runner.invoke(command)
        finally:
            _let_go()
        if outcome.success:
            return
        raise DbtError(failures(outcome.result, outcome.exception))

    def compiled(self, inline: str, variables: Mapping[str, Any] | None = None) -> str:
        """SQL with macros as the engine gets it; nothing is run."""
        self._environment(self.work_dir / DATABASE_NAME)
        arguments = ["compile", "--inline", inline, "--no-populate-cache"]
        runner = dbtRunner(manifest=self.manifest())
        try:
            outcome = runner.invoke([*arguments, *self._arguments(variables or {})])
        finally:
            _let_go()
        if not outcome.success:
            raise DbtError(failures(outcome.result, outcome.exception))
        result: Any = outcome.result
        return str(result.results[0].node.compiled_code)


def _project_hash() -> str:
    """Of every file that a parse reads."""
    digest = hashlib.sha256()
    for path in sorted(DBT_PROJECT_DIR.rglob("*")):
        if path.suffix in PARSED_SUFFIXES and "target" not in path.parts:
            digest.update(str(path.relative_to(DBT_PROJECT_DIR)).encode())
            digest.update(path.read_bytes())
    digest.update((PROJECT_DIR / "profiles.yml").read_bytes())
    digest.update(dbt.version.__version__.encode())
    return digest.hexdigest()[:16]


def _shared_parse(parse: Callable[[], bytes]) -> bytes:
    """The parse of the project as it is, made once by whichever test process comes first."""
    folder = PROJECT_DIR / ".pytest_cache" / "holdfast"
    folder.mkdir(parents=True, exist_ok=True)
    parsed = folder / f"manifest-{_project_hash()}.msgpack"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not parsed.exists():
            for old in folder.glob("manifest-*"):
                old.unlink()
            made = parsed.with_suffix(".new")
            made.write_bytes(parse())
            made.replace(parsed)
        return parsed.read_bytes()


def _let_go() -> None:
    """Close the adapter's connection, which it would keep for the life of the process."""
    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        with suppress(Exception):
            environment.close()
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def failures(result: Any, exception: BaseException | None) -> str:
    """Each node that failed, and why."""
    messages = [] if exception is None else [f"dbt stopped: {exception}"]
    for node in getattr(result, "results", None) or []:
        if str(node.status) not in ("success", "pass", "skipped", "warn"):
            path = getattr(node.node, "original_file_path", "")
            messages.append(f"{node.node.unique_id} ({path}): {node.status}\n{node.message}")
    return "\n\n".join(messages) or "dbt failed without a message"
