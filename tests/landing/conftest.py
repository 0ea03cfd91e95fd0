"""A landing folder and a home folder to try the gate on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.control import Control
from orchestration.landing.contract import load_contract
from orchestration.landing.gate import RefusedFilesError, run_gate
from orchestration.landing.raw import create_raw
from orchestration.landing.report import FileOutcome, GateReport
from orchestration.settings import Settings

Row = tuple[Any, ...]

PRODUCTS_HEADER = "id,name,active,updated_at"


@dataclass
class Bench:
    """A home folder whose clock moves a minute at every look."""

    settings: Settings
    control: Control
    connection: duckdb.DuckDBPyConnection
    runs: int = field(default=0)

    def land(self, name: str, content: str | bytes) -> Path:
        """Put a file into the landing folder."""
        path = self.settings.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def gate(self, *, go_on: bool = False) -> GateReport:
        self.runs += 1
        return run_gate(self.settings, self.control, f"run-{self.runs}", go_on=go_on)

    def refused(self) -> FileOutcome:
        """Run the gate, which must refuse exactly one file and say so in its error."""
        with pytest.raises(RefusedFilesError) as caught:
            self.gate()
        (file,) = caught.value.report.refused
        assert file.file in str(caught.value)
        assert file.reason is not None
        assert file.reason in str(caught.value)
        assert file.remedy
        assert (file.rows_received, file.rows_accepted, file.rows_quarantined) == (0, 0, 0)
        return file

    def query(self, sql: str) -> list[Row]:
        """Rows of a query on the raw views."""
        create_raw(self.connection, load_contract(), self.control, self.settings)
        return self.connection.execute(sql).fetchall()

    def quarantine(self) -> list[Row]:
        """(file, row, column, value, rule) of what was set aside."""
        return self.query(
            "select file, file_row, column_name, value, rule from quality.quarantine order by all"
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    home = tmp_path / "home"
    (tmp_path / "landing").mkdir()
    start = datetime(2026, 11, 1, tzinfo=UTC)
    ticks = iter(range(1_000_000))
    settings = Settings(
        home=home,
        landing=tmp_path / "landing",
        as_of=date(2026, 10, 31),
        known_at=None,
        reporting_timezone="UTC",
        reporting_currency="USD",
        enabled_policies=("board_strict",),
        official_policy="board_strict",
        memory_limit="1GB",
        threads=2,
    )
    clock = lambda: start + timedelta(minutes=next(ticks))  # noqa: E731
    with (
        Control(settings.control_database, clock) as control,
        duckdb.connect(config={"threads": 1}) as connection,
    ):
        yield Bench(settings, control, connection)


def csv_text(rows: Sequence[Sequence[str]]) -> str:
    """Rows as csv by Python's own writer."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def products(*rows: str) -> str:
    """A products file with the given lines."""
    return "\n".join((PRODUCTS_HEADER, *rows)) + "\n"
