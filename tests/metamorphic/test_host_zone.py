"""The time zone of the machine means nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.raw_tables import PROJECT_DIR

ZONES = ("UTC", "Asia/Kolkata", "Pacific/Apia")


@pytest.mark.fault("F43", "I17")
def test_the_time_zone_of_the_host_changes_nothing(tmp_path: Path) -> None:
    def run(zone: str) -> tuple[str, str]:
        folder = tmp_path / zone.replace("/", "_")
        folder.mkdir()
        finished = subprocess.run(
            [sys.executable, "-m", "tests.metamorphic.zone_run", str(folder)],
            cwd=PROJECT_DIR,
            env={**os.environ, "TZ": zone, "HOLDFAST_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        digest, midnight = finished.stdout.split()[-2:]
        return digest, midnight

    with ThreadPoolExecutor(len(ZONES)) as pool:
        found = dict(zip(ZONES, pool.map(run, ZONES), strict=True))
    local = {zone: midnight for zone, (_, midnight) in found.items()}
    assert len(set(local.values())) == len(ZONES), f"the zones are not in force: {local}"
    assert len({digest for digest, _ in found.values()}) == 1, found
