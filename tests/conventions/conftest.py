from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from orchestration.dbt_runner import prepare_manifest
from orchestration.settings import load_settings


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The manifest of the dbt project as it is."""
    home = tmp_path_factory.mktemp("home")
    settings = load_settings({"HOLDFAST_HOME": str(home), "HOLDFAST_AS_OF": "2026-10-31"})
    parsed: Mapping[str, Any] = json.loads(prepare_manifest(settings).read_text(encoding="utf-8"))
    return parsed
