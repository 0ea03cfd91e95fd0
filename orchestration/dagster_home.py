"""The folder that Dagster keeps its history in: `dagster` in the home folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import MutableMapping
from pathlib import Path

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
