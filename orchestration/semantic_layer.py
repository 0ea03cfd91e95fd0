"""MetricFlow on the current release: `make metrics`, docs/semantic_layer.md.

`mf` looks for a project folder with `target/semantic_manifest.json`, and asks the package index for
a newer version of itself at each start. Here it gets a folder in the home, reads the release and
never writes it, and reaches no network.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from orchestration.dbt_runner import dbt_target_dir, parse, prepare_manifest
from orchestration.errors import ConfigurationError
from orchestration.settings import DBT_PROJECT_DIR, PROJECT_DIR, Settings

MANIFEST = "semantic_manifest.json"

#: `mf` shows six significant digits otherwise, which is not the figure.
DECIMALS = ("--decimals", "4")


def query_arguments(
    metrics: str | None, group_by: str | None, where: str | None, saved_query: str | None
) -> list[str]:
    """The arguments of `mf` for a question; with nothing asked, the list of metrics.

    Rows are ordered by what they are grouped by.
    """
    if saved_query:
        return ["query", "--saved-query", saved_query, "--order", "metric_time__month", *DECIMALS]
    if not metrics:
        return ["list", "metrics"]
    arguments = ["query", "--metrics", metrics, *DECIMALS]
    if group_by:
        arguments += ["--group-by", group_by, "--order", group_by]
    if where:
        arguments += ["--where", where]
    return arguments


def prepare(settings: Settings) -> Path:
    """Make the folder that `mf` takes for the project, and point this process to it.

    Raises:
        ConfigurationError: there is no release to ask.
        BuildError: the project does not parse.
    """
    if not settings.warehouse_link.exists():
        raise ConfigurationError("There is no release yet: make run.")
    prepare_manifest(settings)
    manifest = dbt_target_dir(settings) / MANIFEST
    if not manifest.exists():
        parse(settings)
    folder = settings.home / "dbt" / "semantic_layer"
    (folder / "target").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DBT_PROJECT_DIR / "dbt_project.yml", folder / "dbt_project.yml")
    shutil.copyfile(manifest, folder / "target" / MANIFEST)
    os.environ.update(
        {
            "DBT_PROJECT_DIR": str(folder),
            "DBT_PROFILES_DIR": str(PROJECT_DIR),
            "DBT_TARGET": "reader",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "HOLDFAST_BUILD_DATABASE": str(settings.warehouse_link),
            "HOLDFAST_ENGINE_FOLDERS": str(settings.releases_dir),
        }
    )
    os.chdir(folder)
    return folder


def run_mf(settings: Settings, arguments: Sequence[str]) -> int:
    """Run a command of `mf` in this process; returns its exit code.

    Raises:
        ConfigurationError: there is no release to ask.
        BuildError: the project does not parse.
    """
    prepare(settings)
    if arguments[:1] == ["query"] and not sys.stdout.isatty():
        arguments = [*arguments, "--quiet"]  # no spinner in a pipe
    mf: Any = import_module("dbt_metricflow.cli.main")
    mf.UpdateChecker = _NoUpdates
    try:
        mf.cli.main(args=list(arguments), prog_name="mf")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


class _NoUpdates:
    """In place of the look-up of a newer version."""

    def check(self, package: str, version: str) -> None:
        return None
