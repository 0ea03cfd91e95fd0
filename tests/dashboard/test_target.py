"""The dashboard as a target: it converges by itself and holds up nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import dashboard.build
from orchestration.control import Control, Release
from orchestration.settings import PROJECT_DIR, Settings, load_settings
from orchestration.targets import dashboard as target


@pytest.fixture
def settings(company: Path, tmp_path: Path) -> Settings:
    """A home with the released company in it."""
    shutil.copyfile(company / "home" / "control.db", tmp_path / "control.db")
    (tmp_path / "releases").mkdir()
    file = company / "home" / "releases" / "1.duckdb"
    (tmp_path / "releases" / "1.duckdb").symlink_to(file)
    return load_settings({"HOLDFAST_HOME": str(tmp_path), "HOLDFAST_AS_OF": "2026-10-31"})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One small page instead of all."""

    def build(
        released: Any, folder: Path, earlier: Sequence[Path] = (), show: Any = None
    ) -> list[str]:
        folder.mkdir()
        (folder / "index.html").write_text(f"release {released.edition.release_n}")
        edition = {"release": released.edition.release_n, "code": target.code_digest()}
        (folder / "edition.json").write_text(json.dumps(edition))
        return []

    monkeypatch.setattr(dashboard.build, "build", build)


def converge(settings: Settings, said: list[str], n: int = 1) -> Release:
    with Control(settings.control_database) as control:
        release = control.latest_release()
        assert release is not None
        release = replace(release, n=n)
        target.converge_dashboard(settings, control, release, said.append)
    return release


def test_a_start_builds_what_is_missing_and_leaves_what_is_there(
    settings: Settings, quick: None
) -> None:
    said: list[str] = []
    release = converge(settings, said)
    assert said == ["dashboard of release 1", "dashboard: release 1"]
    page = target.current_page(settings)
    assert page.read_text() == "release 1"
    assert target.is_current(settings, release)
    before = page.stat().st_mtime_ns
    converge(settings, said)
    assert (len(said), page.stat().st_mtime_ns) == (2, before)


def test_off_means_no_pages(settings: Settings, quick: None) -> None:
    said: list[str] = []
    converge(replace(settings, with_dashboard=False), said)
    assert said == []
    assert not target.dashboard_dir(settings).exists()


def test_what_goes_wrong_is_said_and_the_old_pages_stay(
    settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    converge(settings, said)

    def broken(
        released: Any, folder: Path, earlier: Sequence[Path] = (), show: Any = None
    ) -> list[str]:
        folder.mkdir()
        (folder / "index.html").write_text("half")
        raise OSError(28, "No space left on device")

    (settings.releases_dir / "2.duckdb").symlink_to(settings.releases_dir / "1.duckdb")
    with monkeypatch.context() as patch:
        patch.setattr(dashboard.build, "build", broken)
        converge(settings, said, n=2)
    assert said[3].startswith("dashboard: not built (OSError")
    assert said[3].endswith("the release stands; the pages of release 1 stay")
    assert target.current_page(settings).read_text() == "release 1"
    # The next start tries again, over what the failure left.
    converge(settings, said, n=2)
    assert said[5] == "dashboard: release 2"
    assert target.current_page(settings).read_text() == "release 2"
    assert sorted(path.name for path in target.dashboard_dir(settings).iterdir()) == [
        "1",
        "2",
        "current",
    ]


def test_new_code_makes_new_pages_beside_the_old_and_few_are_kept(
    settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    converge(settings, said)
    old = target.current_page(settings).resolve()
    monkeypatch.setattr(target, "code_digest", lambda: "a" * 64)
    converge(settings, said)
    new = target.current_page(settings).resolve()
    assert new.parent.name == "1-aaaaaaaa"
    # Who has the old pages open still has them.
    assert old.exists()
    for n in (2, 3, 4):
        (settings.releases_dir / f"{n}.duckdb").symlink_to(settings.releases_dir / "1.duckdb")
        converge(settings, said, n=n)
    kept = {path.name for path in target.dashboard_dir(settings).iterdir()}
    assert kept == {"4", "3", "2", "current"}


@pytest.mark.parametrize("place", ["dashboard.partial", "dashboard.moved"])
def test_a_kill_leaves_the_old_pages_or_the_new_ones(
    settings: Settings, quick: None, place: str
) -> None:
    said: list[str] = []
    converge(settings, said)
    (settings.releases_dir / "2.duckdb").symlink_to(settings.releases_dir / "1.duckdb")
    script = (
        "import dataclasses, json, sys\n"
        "from pathlib import Path\n"
        "import dashboard.build\n"
        "from orchestration.control import Control\n"
        "from orchestration.settings import load_settings\n"
        "from orchestration.targets import dashboard as target\n"
        "def build(released, folder, earlier=(), show=None):\n"
        "    folder.mkdir()\n"
        "    (folder / 'index.html').write_text('release 2')\n"
        "    edition = {'release': 2, 'code': target.code_digest()}\n"
        "    (folder / 'edition.json').write_text(json.dumps(edition))\n"
        "    return []\n"
        "dashboard.build.build = build\n"
        "settings = load_settings()\n"
        "with Control(settings.control_database) as control:\n"
        "    release = dataclasses.replace(control.latest_release(), n=2)\n"
        "    target.converge_dashboard(settings, control, release, print)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_DIR,
        env={
            **os.environ,
            "HOLDFAST_HOME": str(settings.home),
            "HOLDFAST_DASHBOARD": "on",
            "HOLDFAST_FAILPOINT": place,
        },
        check=False,
    )
    assert killed.returncode == -9
    assert target.current_page(settings).read_text() == "release 1"
    converge(settings, said, n=2)
    assert target.current_page(settings).read_text() == "release 2"


def test_the_command_says_where_the_pages_are(settings: Settings) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "dashboard"],
        cwd=PROJECT_DIR,
        env={
            **{k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")},
            "HOLDFAST_HOME": str(settings.home),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    page = target.current_page(settings)
    assert f"{page} (release 1): open it in a browser" in ran.stdout
    assert "Overview" in page.read_text("utf-8")


def test_without_a_release_the_command_says_what_to_do(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "dashboard"],
        cwd=PROJECT_DIR,
        env={**os.environ, "HOLDFAST_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr.strip()) == (2, "There is no release yet: make run.")
