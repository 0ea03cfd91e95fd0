"""A home folder to build and release in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.control import Control, Release
from orchestration.release.build import BuildPaths, start_build
from orchestration.release.publish import OutboxMessage, SealedRelease, commit, roll_forward, seal
from orchestration.settings import Settings


@dataclass
class Home:
    """A home folder with an open control database."""

    settings: Settings
    control: Control

    def build(self, run_id: str, value: int) -> BuildPaths:
        """A build whose only mart says `value`."""
        self.control.start_run(run_id, self.settings.as_of, "code")
        build = start_build(self.settings, run_id)
        with duckdb.connect(str(build.database)) as connection:
            connection.execute("create schema core")
            connection.execute(f"create table core.answer as select {value} as value")
        return build

    def sealed(self, run_id: str, value: int) -> SealedRelease:
        return seal(self.build(run_id, value))

    def release(
        self, run_id: str, value: int, *, outbox: tuple[OutboxMessage, ...] = ()
    ) -> Release:
        """Build, seal, commit, roll forward."""
        latest = self.control.latest_release()
        commit(
            self.settings,
            self.control,
            self.sealed(run_id, value),
            previous=0 if latest is None else latest.n,
            fingerprint=f"fingerprint of {value}",
            outbox=outbox,
        )
        release = roll_forward(self.settings, self.control)
        assert release is not None
        return release

    def read(self) -> int | None:
        """What a reader sees in the warehouse; None where there is no warehouse yet."""
        return read(self.settings.warehouse_link)


def read(link: Path) -> int | None:
    if not link.exists():
        return None
    with duckdb.connect(str(link), read_only=True) as connection:
        row = connection.execute("select value from core.answer").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home",
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


@pytest.fixture
def home(settings: Settings) -> Iterator[Home]:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    ticks = iter(range(1_000_000))
    with Control(settings.control_database, lambda: start + timedelta(minutes=next(ticks))) as c:
        yield Home(settings, c)
