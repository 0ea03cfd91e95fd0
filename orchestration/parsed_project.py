"""The parsed dbt project, kept for later runs.

Parsing takes dbt 18 CPU-seconds, reading what it came to half a second. dbt by itself parses all
anew as soon as a variable has another value, and the as-of date has another one every day. What a
parse comes to depends on the files of the project, the versions of dbt, the target, and those
variables that may decide what a model reads; the as-of date and `known_at` are only looked at when
a model is compiled (tests/orchestration/test_parsed_project.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestration.settings import Settings

#: A folder for the parses of many homes; without it each home has its own.
FOLDER_VARIABLE = "HOLDFAST_PARSED"

#: Variables that no parse depends on.
LATE_VARIABLES = frozenset({"as_of_date", "known_at"})

_PARSED = "partial_parse.msgpack"
#: What dbt writes of a parse, all of which is wanted later.
_FILES = (_PARSED, "manifest.json", "semantic_manifest.json")
_PACKAGES = ("dbt-core", "dbt-adapters", "dbt-duckdb", "dbt-spark")


class ParsedProject:
    """Where the parse of a project is kept, under these settings.

    Args:
        settings: of the run.
        project_dir: folder of `dbt_project.yml`.
        digest: of the files of the project.
        target_dir: where dbt writes its files.
    """

    def __init__(
        self, settings: Settings, project_dir: Path, digest: str, target_dir: Path
    ) -> None:
        early = {
            name: value for name, value in settings.dbt_vars().items() if name not in LATE_VARIABLES
        }
        depends_on = [digest, settings.target, early, [*map(version, _PACKAGES)]]
        key = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:16]
        shared = os.environ.get(FOLDER_VARIABLE)
        self._is_shared = bool(shared)
        self._root = Path(shared) if shared else settings.home / "dbt" / "parsed"
        self._prefix = settings.target
        self._folder = self._root / f"{settings.target}-{key}"
        self._target = target_dir
        self._project_dir = project_dir

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Hold off other processes, which would parse the same."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self) -> Any:
        """The kept manifest as dbt's own object, with dbt's files put where it writes them.

        None where none is kept that can be read; it is made again then.
        """
        from dbt.contracts.graph.manifest import Manifest
        from dbt.parser.manifest import extended_mashumuro_decoder

        try:
            content = (self._folder / _PARSED).read_bytes()
            parsed = Manifest.from_msgpack(content, decoder=extended_mashumuro_decoder)
            self._target.mkdir(parents=True, exist_ok=True)
            for name in _FILES:
                shutil.copyfile(self._folder / name, self._target / name)
        except Exception:
            # A file that is not there or not whole is no harm: the project is parsed.
            return None
        nodes: list[Any] = list(parsed.nodes.values())
        for node in nodes:
            # Seeds are read from where the project lies now.
            if getattr(node, "root_path", None):
                node.root_path = str(self._project_dir)
        parsed.metadata.generated_at = datetime.now(UTC).replace(tzinfo=None)
        return parsed

    def keep(self) -> None:
        """Keep what dbt has just written of its parse: whole, or not at all."""
        made = self._root / f"new-{os.getpid()}"
        for other in () if self._is_shared else self._root.iterdir():
            # Of another state of the project, or left by a run that was broken off.
            if other.is_dir() and other.name.startswith((f"{self._prefix}-", "new-")):
                shutil.rmtree(other)
        made.mkdir(exist_ok=True)
        for name in _FILES:
            shutil.copyfile(self._target / name, made / name)
        shutil.rmtree(self._folder, ignore_errors=True)
        made.rename(self._folder)
