"""What a release depends on, in one hash: the same fingerprint means the same figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from orchestration.control import Control
from orchestration.landing.report import FileOutcome, FileState, GateReport
from orchestration.settings import PROJECT_DIR, Settings

_CODE_FOLDERS = ("dbt_project", "orchestration", "expectations")
_CODE_SUFFIXES = frozenset({".py", ".sql", ".yml", ".yaml", ".csv", ".md"})
_NOT_CODE = frozenset({"__pycache__", "target", "logs", "dbt_packages", "node_modules"})


def code_version(project_dir: Path = PROJECT_DIR) -> str:
    """Sha256 over the names and contents of the files that figures are computed by."""
    digest = hashlib.sha256()
    for path in sorted(_code_files(project_dir)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(project_dir).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def fingerprint(
    settings: Settings,
    report: GateReport,
    code_version: str,
    books: Sequence[Sequence[str]] = (),
    acknowledged: Mapping[str, Sequence[int]] | None = None,
) -> str:
    """Sha256 over input, code and the settings that figures depend on.

    Names and order of the files, duplicates, the place of the folders, memory and threads do not
    matter. When a file was loaded matters only to a run that looks at it (`known_at`).

    Args:
        settings: of the run.
        report: what the gate found.
        code_version: of the project.
        books: which months are closed.
        acknowledged: rows in quarantine, by file, that people let be: releases show it.
    """
    content: dict[str, object] = {
        "settings": settings.dbt_vars(),
        "code": code_version,
        "files": sorted(
            _file(file, with_time=settings.known_at is not None)
            for file in report.files
            if file.state is not FileState.DUPLICATE
        ),
    }
    if books:
        content["books"] = [list(entry) for entry in books]
    if acknowledged:
        content["acknowledged"] = dict(acknowledged)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def input_digest(settings: Settings, report: GateReport, code_version: str) -> str:
    """The fingerprint on any day: input, code and settings without the as-of date."""
    settings = replace(settings, as_of=date(1970, 1, 1))
    return fingerprint(settings, report, code_version)


def is_unchanged(control: Control, fingerprint: str) -> bool:
    """Whether the last release was made from the same input, code and settings."""
    latest = control.latest_release()
    return latest is not None and latest.fingerprint == fingerprint


def _file(file: FileOutcome, *, with_time: bool) -> list[str]:
    loaded_at = str(file.loaded_at) if with_time else ""
    return [file.source, file.table, file.sha256, str(file.state), loaded_at]


def _code_files(project_dir: Path) -> Iterator[Path]:
    for folder in _CODE_FOLDERS:
        for path in (project_dir / folder).rglob("*"):
            parts = path.relative_to(project_dir).parts
            if any(part.startswith(".") or part in _NOT_CODE for part in parts):
                continue
            if path.suffix in _CODE_SUFFIXES and path.is_file():
                yield path
