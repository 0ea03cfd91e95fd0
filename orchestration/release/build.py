"""The private build of a run: a folder that nobody else opens, rubbish after a crash."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import ConfigurationError
from orchestration.failpoints import failpoint
from orchestration.settings import Settings

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class BuildPaths:
    """Where a run builds. The file has the same name in every run, and so has its catalog."""

    run_id: str
    folder: Path
    database: Path


def start_build(settings: Settings, run_id: str) -> BuildPaths:
    """Make a fresh build folder and remove those that dead runs left.

    Call it while holding the lock of the home folder: what is there then belongs to nobody.

    Raises:
        ConfigurationError: the run id cannot be a folder name.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise ConfigurationError(
            f"The run id {run_id!r} cannot be a folder name; use letters, digits, - _ and dots."
        )
    settings.build_dir.mkdir(parents=True, exist_ok=True)
    for leftover in settings.build_dir.iterdir():
        remove_build(leftover)
    failpoint("build.cleaned")
    folder = settings.build_dir / run_id
    folder.mkdir(mode=0o700)
    failpoint("build.started")
    return BuildPaths(run_id, folder, folder / "warehouse.duckdb")


def remove_build(folder: Path) -> None:
    """Remove a build folder and all that is in it (a link is removed, not followed)."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink()
