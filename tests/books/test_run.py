"""Closing and looking back through the whole run, on a warehouse of two models."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.books.periods import closes
from orchestration.control import Control
from orchestration.errors import AuditError
from orchestration.refresh import refresh
from tests.orchestration.toy import customer, make_toy


def test_a_close_without_figures_is_refused_and_a_look_back_is_no_release(tmp_path: Path) -> None:
    toy = make_toy(tmp_path)
    toy.land("1.csv", customer("c1", "Ada"))
    with pytest.raises(AuditError, match="October 2026 has no figures"):
        refresh(
            toy.settings,
            print,
            project_dir=toy.project_dir,
            close=date(2026, 10, 1),
            who="ada",
        )
    assert toy.releases() == []
    settings = replace(toy.settings, known_at=datetime.now(UTC).replace(tzinfo=None))
    outcome = refresh(settings, print, project_dir=toy.project_dir)
    assert (outcome.release, outcome.is_new) == (None, False)
    assert outcome.as_known is not None
    assert outcome.as_known.parent == settings.as_known_dir
    assert toy.releases() == []
    assert not settings.warehouse_link.exists()
    with duckdb.connect(str(outcome.as_known), read_only=True) as connection:
        assert connection.execute("select count(*) from core.dim_customers").fetchall() == [(1,)]
    with Control(settings.control_database) as control:
        assert closes(control) == []
        assert [run.state for run in control.runs()] == ["failed", "unchanged"]
        assert "as known at" in (control.runs()[-1].message or "")
