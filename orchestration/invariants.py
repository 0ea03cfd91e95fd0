"""Invariants of the run as a whole, checked on the build before it is released.

What must hold within the marts (shared design, invariants 1 to 10) are tests of the dbt project;
here is what they cannot see: rows that were lost on the way, books that do not agree with each
other, releases that do not follow each other. Every check gives exactly one result; one that cannot
be carried out has failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.control import Control
from orchestration.landing.contract import Contract
from orchestration.results import Result
from orchestration.warehouse import open_for_reading

EXAMPLES = 3


@dataclass(frozen=True)
class Audited:
    """What the invariants look at."""

    connection: duckdb.DuckDBPyConnection
    contract: Contract
    control: Control
    last_release: Path | None


@dataclass(frozen=True)
class Invariant:
    """One invariant: `find` returns what breaks it, a line each."""

    name: str
    subject: str
    sentence: str
    find: Callable[[Audited], list[str]]
    acceptable: bool = False
    blocking: bool = True


def check_invariants(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    control: Control,
    last_release: Path | None,
) -> list[Result]:
    """Check all invariants on a build; `last_release` is the file of the last one, if any."""
    audited = Audited(connection, contract, control, last_release)
    return [_check(invariant, audited) for invariant in INVARIANTS]


def _check(invariant: Invariant, audited: Audited) -> Result:
    acceptable = invariant.acceptable
    try:
        found = invariant.find(audited)
        message = invariant.sentence
    except Exception as error:
        acceptable = False
        # Whatever it was: what could not be checked is not released.
        found = [f"{type(error).__name__}: {error}"]
        message = f"The check itself failed: {invariant.sentence}"
    return Result(
        stage="invariant",
        subject=invariant.subject,
        name=invariant.name,
        passed=not found,
        # A check that could not be carried out always blocks.
        blocking=invariant.blocking or message != invariant.sentence,
        failures=len(found) or None,
        message=message,
        examples=tuple(found[:EXAMPLES]),
        acceptable=acceptable,
    )


def _files_add_up(audited: Audited) -> list[str]:
    rows = audited.connection.execute(
        "select file, rows_received, rows_accepted, rows_superseded, rows_quarantined"
        # A count that is missing makes the sum null, which is no number of rows either.
        " from quality.load_log where rows_received"
        " is distinct from rows_accepted + rows_superseded + rows_quarantined"
        " or rows_received is null"
        " or least(rows_received, rows_accepted, rows_superseded, rows_quarantined) < 0"
        " order by file"
    ).fetchall()
    return [
        f"{file}: {received} received, {accepted} accepted, {superseded} superseded, "
        f"{quarantined} quarantined"
        for file, received, accepted, superseded, quarantined in rows
    ]


def _quarantine_agrees(audited: Audited) -> list[str]:
    rows = audited.connection.execute(
        "with listed as (select file, count(*) as listed from quality.quarantine group by file)"
        " select coalesce(load_log.file, listed.file), coalesce(rows_quarantined, 0),"
        " coalesce(listed, 0) from quality.load_log full join listed using (file)"
        " where coalesce(rows_quarantined, 0) <> coalesce(listed, 0) order by all"
    ).fetchall()
    return [f"{file}: {booked} booked, {listed} listed" for file, booked, listed in rows]


def _raw_rows_agree(audited: Audited) -> list[str]:
    """Reads every raw view again: what the books say was accepted is what models see."""
    names = [
        (table, f'"{audited.contract.schema_of(table)}"."{table.name}"')
        for table in audited.contract.tables
    ]
    seen = " union all ".join(
        f"select _file as file, count(*) as seen from {view} group by _file" for _, view in names
    )
    rows = audited.connection.execute(
        f"with seen as ({seen}), booked as (select file, rows_accepted + rows_superseded as booked"
        " from quality.load_log where state = 'accepted')"
        " select coalesce(booked.file, seen.file), coalesce(booked, 0), coalesce(seen, 0)"
        " from booked full join seen using (file)"
        " where coalesce(booked, 0) <> coalesce(seen, 0) order by all"
    ).fetchall()
    return [f"{file}: {booked} rows booked, {seen} in the raw view" for file, booked, seen in rows]


def _no_number_is_lost_in_floating_point(audited: Audited) -> list[str]:
    """NaN and infinity are no figures, and no amount is kept as a float."""
    found = []
    columns = audited.connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() join duckdb_tables()"
        " using (database_name, schema_name, table_name) where not duckdb_columns.internal"
        " and database_name = current_database() and duckdb_columns.data_type in ('DOUBLE',"
        " 'FLOAT') and not starts_with(schema_name, 'raw_') order by all"
    ).fetchall()
    for schema, table, column in columns:
        row = audited.connection.execute(
            f'select count(*) from "{schema}"."{table}" where not isfinite("{column}")'
        ).fetchone()
        if row != (0,):
            found.append(f"{schema}.{table}.{column}: {row and row[0]} values are not finite")
        if column.endswith(("_mrr", "_amount", "_arr")) or column in ("mrr", "arr", "amount"):
            found.append(f"{schema}.{table}.{column} is money in floating point")
    return found


def _releases_follow_each_other(audited: Audited) -> list[str]:
    numbers = [release.n for release in audited.control.releases()]
    expected = list(range(1, len(numbers) + 1))
    found = [] if numbers == expected else [f"releases are numbered {numbers}"]
    if audited.last_release is not None and not audited.last_release.is_file():
        found.append(f"{audited.last_release.name} is not there")
    audited.control.audit_trail()
    return found


def _messages_belong_to_releases(audited: Audited) -> list[str]:
    rows = audited.control.connection.execute(
        "select key from outbox left join releases on releases.n = outbox.release_n"
        " where releases.n is null and not (release_n is null and kind = 'run_held')"
    ).fetchall()
    return [f"message {row['key']} is of no release" for row in rows]


def _contracts_are_kept(audited: Audited) -> list[str]:
    """Readers find what they had: no column of a mart is gone or has another type."""
    if audited.last_release is None:
        return []
    query = (
        "select schema_name || '.' || table_name || '.' || column_name, data_type"
        " from duckdb_columns() where not internal and database_name = current_database()"
        " and schema_name not in ('staging', 'intermediate', 'main', 'quality')"
        " and not starts_with(schema_name, 'raw_')"
    )
    with open_for_reading(audited.last_release) as earlier:
        before = dict(earlier.execute(query).fetchall())
    now = dict(audited.connection.execute(query).fetchall())
    return [
        f"{column} was {kind} and is {now.get(column, 'gone')}"
        for column, kind in sorted(before.items())
        if now.get(column) != kind
    ]


def _references_are_found(audited: Audited) -> list[str]:
    rows = audited.connection.execute(
        "select schema_name || '.' || table_name || '.' || columns[1], to_schema || '.' || to_table"
        " from quality.dictionary_keys where is_kept is not true order by all"
    ).fetchall()
    return [f"{column} has values that {target} has not" for column, target in rows]


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "marts_keep_their_columns",
        "marts",
        "Readers find every column that they had, with the type that it had.",
        _contracts_are_kept,
        acceptable=True,
    ),
    Invariant(
        "rows_of_each_file_add_up",
        "quality.load_log",
        "Of each file, received = accepted + superseded + quarantined.",
        _files_add_up,
    ),
    Invariant(
        "quarantine_lists_every_row",
        "quality.quarantine",
        "Every row that was set aside is listed, once.",
        _quarantine_agrees,
    ),
    Invariant(
        "raw_views_have_every_row",
        "quality.load_log",
        "Models see every row that was accepted, once.",
        _raw_rows_agree,
    ),
    Invariant(
        "numbers_are_finite_and_money_is_exact",
        "marts",
        "No figure is NaN or infinite, and no money is in floating point.",
        _no_number_is_lost_in_floating_point,
    ),
    Invariant(
        "releases_follow_each_other",
        "control.db",
        "Releases are numbered from 1 without a gap, and the audit trail is whole.",
        _releases_follow_each_other,
    ),
    Invariant(
        "references_are_found",
        "marts",
        "Every customer and policy that a mart names is in the dimensions.",
        _references_are_found,
        blocking=False,
    ),
    Invariant(
        "messages_belong_to_releases",
        "control.db",
        "Every message to be delivered is of a release.",
        _messages_belong_to_releases,
    ),
)
