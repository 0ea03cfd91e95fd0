"""Lands raw rows as files, and takes them through the real gate into a database."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.control import Control
from orchestration.landing.contract import load_contract
from orchestration.landing.gate import run_gate
from orchestration.landing.raw import create_raw
from orchestration.landing.report import GateReport
from orchestration.settings import Settings
from tests.properties.histories import Row, Rows, World
from tests.support.raw_tables import RawTable, raw_contract

Write = Callable[[Path, RawTable, Sequence[Row]], None]


def land_whole(landing: Path, rows: Rows) -> None:
    """One csv file for each table."""
    for name, some in rows.items():
        _csv(_folder(landing, name) / "all.csv", raw_contract()[name], some)


def land_in_pieces(landing: Path, rows: Rows, chance: random.Random) -> int:
    """Every row one to three times, shuffled, in any number of files of any format and folder.

    Returns:
        How many rows were landed.
    """
    landed = 0
    for name, some in rows.items():
        again = [row for row in some for _ in range(chance.choice((1, 1, 2, 3)))]
        chance.shuffle(again)
        landed += len(again)
        for number, piece in enumerate(_pieces(again, chance)):
            ending, write = chance.choice(_FORMATS)
            folder = _folder(landing, name) / chance.choice(("", "date=2022-05-31", "a/b"))
            folder.mkdir(parents=True, exist_ok=True)
            write(folder / f"{chance.randrange(10**6):06d}_{number}.{ending}",
                  raw_contract()[name], piece)  # fmt: skip
    return landed


def _folder(landing: Path, name: str) -> Path:
    folder = landing.joinpath(*name.split("."))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _pieces(rows: Sequence[Row], chance: random.Random) -> Iterator[Sequence[Row]]:
    count = chance.choice((1, 2, 5))
    cuts = sorted({0, len(rows), *(chance.randrange(len(rows)) for _ in range(count))})
    for first, last in itertools.pairwise(cuts):
        yield rows[first:last]


# -- formats ----------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """As in csv and jsonl: timestamps as ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(_plain(value))


def _csv_text(table: RawTable, rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name, _ in table.columns]
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue()


def _csv(path: Path, table: RawTable, rows: Sequence[Row]) -> None:
    path.write_text(_csv_text(table, rows), encoding="utf-8")


def _csv_gz(path: Path, table: RawTable, rows: Sequence[Row]) -> None:
    path.write_bytes(gzip.compress(_csv_text(table, rows).encode()))


def _jsonl(path: Path, table: RawTable, rows: Sequence[Row]) -> None:
    lines = [
        json.dumps(
            {
                name: str(value) if isinstance(value, Decimal) else _plain(value)
                for name, value in row.items()
            }
        )
        for row in rows
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _parquet(path: Path, table: RawTable, rows: Sequence[Row]) -> None:
    columns = {
        name: pa.array([_typed(row.get(name), kind) for row in rows], _arrow_type(kind))
        for name, kind in table.columns
    }
    pq.write_table(pa.table(columns), path)


def _arrow_type(kind: str) -> pa.DataType:
    if kind.startswith("decimal"):
        precision, scale = kind.removeprefix("decimal(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    simple = {"bigint": pa.int64(), "integer": pa.int32(), "boolean": pa.bool_(),
              "timestamp": pa.timestamp("us"), "date": pa.date32()}  # fmt: skip
    return simple.get(kind, pa.string())


def _typed(value: Any, kind: str) -> Any:
    if value is None or not kind.startswith("decimal"):
        return value
    scale = int(kind.removesuffix(")").split(",")[1])
    return Decimal(value).quantize(Decimal(1).scaleb(-scale))


_FORMATS: tuple[tuple[str, Write], ...] = (
    ("csv", _csv), ("csv.gz", _csv_gz), ("jsonl", _jsonl), ("parquet", _parquet),
)  # fmt: skip


# -- the gate ---------------------------------------------------------------------------------


def through_the_gate(
    home: Path, landing: Path, world: World, database: Path, *, go_on: bool = False
) -> GateReport:
    """Take in all landed files, and make the raw views in a new database.

    With `go_on`, files that are refused are left out instead of stopping.
    """
    settings = Settings(
        home=home,
        landing=landing,
        as_of=world.as_of,
        known_at=None,
        reporting_timezone=world.zone,
        reporting_currency=world.currency,
        enabled_policies=("board_strict",),
        official_policy="board_strict",
        memory_limit="1GB",
        threads=2,
    )
    start = datetime(2026, 11, 1, tzinfo=UTC)
    ticks = iter(range(1_000_000))
    with Control(
        settings.control_database, lambda: start + timedelta(minutes=next(ticks))
    ) as control:
        report = run_gate(settings, control, "run-1", go_on=go_on)
        with duckdb.connect(str(database)) as connection:
            create_raw(connection, load_contract(), control, settings)
    return report
