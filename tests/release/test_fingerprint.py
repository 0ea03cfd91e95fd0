"""The fingerprint: the same for the same input, code and settings, another for any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from orchestration.landing.report import FileOutcome, FileState, GateReport
from orchestration.release.fingerprint import code_version, fingerprint, is_unchanged
from orchestration.settings import Settings
from tests.release.conftest import Home

FILE = FileOutcome(
    source="billing",
    table="prices",
    file="billing/prices/a.csv",
    sha256="aa",
    state=FileState.ACCEPTED,
    rows_received=1,
    rows_accepted=1,
    rows_superseded=0,
    rows_quarantined=0,
    loaded_at=datetime(2026, 1, 1),
    is_new=True,
    extra_columns=(),
    column=None,
    reason=None,
    remedy=None,
)
OTHER = replace(FILE, sha256="bb", file="billing/prices/b.csv")


def _report(*files: FileOutcome) -> GateReport:
    return GateReport("run", files, (), ())


def test_what_changes_no_figure_does_not_matter(settings: Settings) -> None:
    base = fingerprint(settings, _report(FILE, OTHER), "code")
    renamed = replace(FILE, file="billing/prices/z.csv", is_new=False)
    copy = replace(FILE, file="billing/prices/copy.csv", state=FileState.DUPLICATE)
    moved = replace(settings, home=Path("/elsewhere"), threads=7, memory_limit="9GB")
    assert fingerprint(moved, _report(OTHER, copy, renamed), "code") == base


@pytest.mark.parametrize(
    "other",
    [
        {"as_of": date(2026, 11, 1)},
        {"known_at": datetime(2026, 11, 1)},
        {"reporting_timezone": "Europe/Berlin"},
        {"reporting_currency": "EUR"},
        {"enabled_policies": ("board_strict", "stripe_legacy")},
        {"official_policy": "stripe_legacy"},
    ],
)
def test_settings_of_figures_matter(settings: Settings, other: dict[str, object]) -> None:
    changed = replace(settings, **other)  # type: ignore[arg-type]
    report = _report(FILE)
    assert fingerprint(changed, report, "code") != fingerprint(settings, report, "code")


@pytest.mark.parametrize(
    "files",
    [
        (),
        (OTHER,),
        (FILE, OTHER),
        (replace(FILE, table="products"),),
        (replace(FILE, state=FileState.REFUSED),),
    ],
)
def test_files_matter(settings: Settings, files: tuple[FileOutcome, ...]) -> None:
    base = fingerprint(settings, _report(FILE), "code")
    assert fingerprint(settings, _report(*files), "code") != base


def test_when_a_file_was_loaded_matters_only_to_a_run_that_looks_at_it(settings: Settings) -> None:
    later = replace(FILE, loaded_at=datetime(2026, 2, 1))
    looking = replace(settings, known_at=datetime(2026, 1, 15))
    assert fingerprint(settings, _report(FILE), "c") == fingerprint(settings, _report(later), "c")
    assert fingerprint(looking, _report(FILE), "c") != fingerprint(looking, _report(later), "c")


def test_code_matters(settings: Settings, tmp_path: Path) -> None:
    files = {
        "dbt_project/models/a.sql": "select 1",
        "dbt_project/seeds/p.csv": "a,b",
        "orchestration/x.py": "x = 1",
        "expectations/y.py": "y = 1",
    }
    rubbish = {
        "dbt_project/target/manifest.sql": "x",
        "dbt_project/logs/dbt.md": "x",
        "orchestration/__pycache__/x.py": "x",
        "orchestration/.cache/x.py": "x",
        "dbt_project/data.parquet": "x",
        "docs/readme.md": "x",
    }
    _write(tmp_path, files)
    base = code_version(tmp_path)
    _write(tmp_path, rubbish)
    assert code_version(tmp_path) == base
    seen = {base}
    for name in files:
        _write(tmp_path, {name: "changed"})
        seen.add(code_version(tmp_path))
    (tmp_path / "dbt_project/models/a.sql").rename(tmp_path / "dbt_project/models/b.sql")
    seen.add(code_version(tmp_path))
    assert len(seen) == 6
    report = _report(FILE)
    assert fingerprint(settings, report, "a") != fingerprint(settings, report, "b")


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_f78_a_rerun_is_unchanged_only_against_the_last_release(home: Home) -> None:
    assert not is_unchanged(home.control, "fingerprint of 1")
    home.release("a", 1)
    assert is_unchanged(home.control, "fingerprint of 1")
    home.release("b", 2)
    assert not is_unchanged(home.control, "fingerprint of 1")
    assert is_unchanged(home.control, "fingerprint of 2")
