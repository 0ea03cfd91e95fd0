from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dbt_runner import DbtProject


@pytest.fixture(scope="session")
def dbt_project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    return DbtProject(Path(tmp_path_factory.mktemp("dbt")))
