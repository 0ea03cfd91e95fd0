"""What Dagster sees of a tiny company, for tests that start its webserver and daemon."""

from __future__ import annotations

import os
from pathlib import Path

from orchestration.dagster_home import prepare_dagster_home
from orchestration.dbt_runner import prepare_manifest
from orchestration.definitions import build_definitions
from orchestration.settings import load_settings
from tests.orchestration.toy import open_toy

_toy = open_toy(Path(os.environ["TOY_FOLDER"]))
_settings = load_settings()
prepare_dagster_home(_settings)
definitions = build_definitions(
    _settings, prepare_manifest(_settings, _toy.project_dir), _toy.project_dir
)
