"""The run's own log inside the build: `quality.run_log`, `quality.check_results`.

`quality.run_log` has every published run: the rows of the last release are taken over. The other
tables speak of this run only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.landing.contract import Contract
from orchestration.results import Result, tallies
from orchestration.warehouse import has_table, open_for_reading

_TABLES = """
create schema if not exists quality;

create table if not exists quality.run_log (
    run_id varchar primary key,
    as_of_date date not null,
    known_at timestamp,
    input_fingerprint varchar not null,
    code_version varchar not null,
    rows_received bigint not null,
    rows_accepted bigint not null,
    rows_superseded bigint not null,
    rows_quarantined bigint not null,
    checks_run bigint not null,
    checks_failed bigint not null,
    checks_warned bigint not null,
    published_at timestamp not null
);

create table if not exists quality.check_results (
    run_id varchar not null,
    stage varchar not null,
    subject varchar not null,
    name varchar not null,
    is_passed boolean not null,
    is_blocking boolean not null,
    is_skipped boolean not null,
    failure_count bigint,
    message varchar not null,
    primary key (run_id, stage, subject, name)
);

create table if not exists quality.raw_row_counts (
    run_id varchar not null,
    schema_name varchar not null,
    table_name varchar not null,
    row_count bigint not null,
    primary key (run_id, schema_name, table_name)
);
"""


@dataclass(frozen=True)
class RowAccount:
    """What became of the landed rows: `received = accepted + superseded + quarantined`."""

    received: int
    accepted: int
    superseded: int
    quarantined: int


@dataclass(frozen=True)
class RunLogEntry:
    """What is known of a run when it is published; times are naive UTC."""

    run_id: str
    as_of_date: date
    known_at: datetime | None
    input_fingerprint: str
    code_version: str
    published_at: datetime
    rows: RowAccount


def write_run_log(
    connection: duckdb.DuckDBPyConnection,
    entry: RunLogEntry,
    results: Sequence[Result],
    contract: Contract,
    last_release: Path | None,
) -> None:
    """Add the run, its checks and the size of its raw tables to the build."""
    counted = tallies(results)
    connection.execute(_TABLES)
    if last_release is not None:
        _take_over(connection, last_release)
    connection.execute(
        "insert into quality.run_log values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            entry.run_id,
            entry.as_of_date,
            entry.known_at,
            entry.input_fingerprint,
            entry.code_version,
            entry.rows.received,
            entry.rows.accepted,
            entry.rows.superseded,
            entry.rows.quarantined,
            sum(tally.run for tally in counted),
            sum(tally.failed for tally in counted),
            sum(tally.warned for tally in counted),
            entry.published_at,
        ],
    )
    checks = [row for row in results if row.stage != "model"]
    if checks:
        connection.executemany(
            "insert into quality.check_results values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                [
                    entry.run_id,
                    row.stage,
                    row.subject,
                    row.name,
                    row.passed,
                    row.blocking,
                    row.skipped,
                    row.failures,
                    row.message,
                ]
                for row in checks
            ],
        )
    connection.executemany(
        "insert into quality.raw_row_counts values (?, ?, ?, ?)",
        [
            [entry.run_id, schema, table, count]
            for (schema, table), count in raw_row_counts(connection, contract).items()
        ],
    )


def _take_over(connection: duckdb.DuckDBPyConnection, last_release: Path) -> None:
    """Copy the runs that the last release knows of."""
    with open_for_reading(last_release) as earlier:
        rows = earlier.execute("select * from quality.run_log").to_arrow_table()
    if "rows_superseded" not in rows.column_names:
        # A release of before they were counted.
        rows = rows.append_column("rows_superseded", pa.array([0] * len(rows), pa.int64()))
    connection.register("_rows", rows)
    connection.execute("insert into quality.run_log by name select * from _rows")
    connection.unregister("_rows")


def row_account(connection: duckdb.DuckDBPyConnection) -> RowAccount:
    """The account of all landed rows, from `quality.load_log` of a build or a release."""
    found = connection.execute(
        "select coalesce(sum(rows_received), 0), coalesce(sum(rows_accepted), 0),"
        " coalesce(sum(rows_superseded), 0), coalesce(sum(rows_quarantined), 0)"
        " from quality.load_log"
    ).fetchone()
    assert found is not None
    return RowAccount(*(int(number) for number in found))


def raw_row_counts(
    connection: duckdb.DuckDBPyConnection, contract: Contract
) -> dict[tuple[str, str], int]:
    """Rows of each raw table by (schema, table)."""
    names = [(contract.schema_of(table), table.name) for table in contract.tables]
    counts = connection.execute(
        " union all ".join(
            f"select {place} as place, count(*) as row_count from {schema}.{table}"
            for place, (schema, table) in enumerate(names)
        )
    ).fetchall()
    return {names[place]: count for place, count in counts}


def released_row_counts(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Rows of each raw table when this release was published; empty where it does not say."""
    if not has_table(connection, "quality", "raw_row_counts"):
        return {}
    rows = connection.execute(
        "select schema_name, table_name, row_count from quality.raw_row_counts"
        " where run_id = (select run_id from quality.run_log order by published_at desc limit 1)"
    ).fetchall()
    return {(schema, table): count for schema, table, count in rows}
