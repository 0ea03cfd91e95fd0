"""Raw tables into landing files: deliveries, formats, and dirt that must not change the truth."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from simulation.config import Ints, SimulationConfig, generator
from simulation.dates import DAY, first_day
from simulation.tables import Column, RawTable, text

# Of the rows: landed a delivery late; landed a second time, unchanged.
LATE_SHARE = 0.02
DUPLICATE_SHARE = 0.01
_DATES = "timestampformat '%Y-%m-%dT%H:%M:%SZ', dateformat '%Y-%m-%d'"
_OPTIONS = {
    "parquet": ("parquet", "format parquet, compression zstd"),
    "csv": ("csv", f"format csv, header, {_DATES}"),
    "csv.gz": ("csv.gz", f"format csv, header, {_DATES}, compression gzip"),
    "jsonl": ("jsonl", f"format json, {_DATES}"),
    "jsonl.gz": ("jsonl.gz", f"format json, {_DATES}, compression gzip"),
}


@dataclass(frozen=True)
class LandedFile:
    """A file that was written, with its rows."""

    path: Path
    rows: int


def land(table: RawTable, folder: Path, config: SimulationConfig) -> list[LandedFile]:
    """Write a table's rows as deliveries `<source>/<table>/date=<day>/part-<n>.<format>`.

    Unless the company is clean, some rows come a delivery late, some twice, and every second
    delivery in no order.
    """
    rng = generator(config.seed, f"landing {table.source}.{table.name}")
    days = delivery_days(config)
    row = np.arange(len(table.landed), dtype=np.int64)
    delivery = np.minimum(np.searchsorted(days, table.landed // DAY), len(days) - 1)
    if not config.clean:
        late = rng.random(len(row)) < LATE_SHARE
        delivery = np.where(late, np.minimum(delivery + 1, len(days) - 1), delivery)
        again = np.flatnonzero(rng.random(len(row)) < DUPLICATE_SHARE)
        row = np.concatenate([row, row[again]])
        repeated = np.minimum(delivery[again] + rng.integers(0, 2, len(again)), len(days) - 1)
        delivery = np.concatenate([delivery, repeated])
    written = []
    for number, end in enumerate(days.tolist()):
        rows = row[delivery == number]
        # An empty delivery lands nothing: a file without rows looks like one that was cut off.
        if not len(rows):
            continue
        if not config.clean and number % 2:
            rng.shuffle(rows)
        kind = table.formats[number % len(table.formats)]
        name = f"date={date(1970, 1, 1) + timedelta(days=end)}"
        path = folder / table.source / table.name / name / f"part-{number:03d}.{_OPTIONS[kind][0]}"
        written.append(LandedFile(path, write_file(table.columns, rows, path, kind)))
    return written


def delivery_days(config: SimulationConfig) -> Ints:
    """Last days of the deliveries: month ends spread over the company's life, then as-of."""
    bounds = np.linspace(config.first_month, config.as_of_month + 1, config.batches + 1)[1:]
    ends = first_day(np.rint(bounds).astype(np.int64)) - 1
    ends[-1] = config.as_of_day
    result: Ints = np.unique(np.minimum(ends, config.as_of_day))
    return result


def land_all(tables: list[RawTable], folder: Path, config: SimulationConfig) -> list[LandedFile]:
    """Write all tables, several at a time."""
    with ThreadPoolExecutor(config.workers) as pool:
        results = list(pool.map(lambda table: land(table, folder, config), tables))
    return [file for files in results for file in files]


def write_file(columns: Mapping[str, Column], rows: Ints, path: Path, kind: str) -> int:
    """Write those rows of the columns as one file; returns how many rows it holds."""
    data = pa.table({name: pa.array(column.values[rows]) for name, column in columns.items()})
    selected = ", ".join(column.expression(name) for name, column in columns.items())
    return copy_query(f"select {selected} from given", data, path, kind)


def copy_query(query: str, given: pa.Table, path: Path, kind: str) -> int:
    """Write the rows of a query over the table `given` as one file; returns how many there are.

    The engine works with one thread, so what it writes does not depend on the machine.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connection()
    connection.register("given", given)
    try:
        copied = connection.execute(
            f"copy ({query}) to {text(str(path))} ({_OPTIONS[kind][1]})"
        ).fetchall()
    finally:
        connection.unregister("given")
    return int(copied[0][0])


_LOCAL = threading.local()


def _connection() -> duckdb.DuckDBPyConnection:
    """This thread's connection: opening one for every file would cost more than most files."""
    if not hasattr(_LOCAL, "connection"):
        _LOCAL.connection = duckdb.connect(config={"threads": 1})
        _LOCAL.connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = true")
    connection: duckdb.DuckDBPyConnection = _LOCAL.connection
    return connection
