"""Rows in quarantine: what is open, what was corrected since, what somebody takes as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.control import Control, to_text
from orchestration.errors import ConfigurationError
from orchestration.landing import identity
from orchestration.landing.contract import Contract, Table

_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("table_name", pa.string()),
        ("file", pa.string()),
        ("file_row", pa.int64()),
        ("line", pa.int64()),
        ("column_name", pa.string()),
        ("value", pa.string()),
        ("rule", pa.string()),
        ("reason", pa.string()),
        ("first_seen", pa.timestamp("us")),
        ("state", pa.string()),
        ("acknowledged_by", pa.string()),
        ("acknowledged_why", pa.string()),
    ]
)
#: Rows of a chosen landing folder; a content is named by the first of its files.
_PRESENT = """
    select quarantine.*, min(landed.name) as file
    from quarantine join landed using (source, table_name, sha256)
    where landed.landing = ? and landed.is_present = 1
    group by source, table_name, sha256, file_row
    order by file, file_row
"""


@dataclass(frozen=True)
class QuarantinedRow:
    """A row in quarantine. `file` is relative to the landing folder; times are naive UTC."""

    source: str
    table: str
    file: str
    file_row: int
    line: int | None
    column: str | None
    value: str | None
    rule: str
    reason: str
    first_seen: datetime
    state: str
    row_key: str | None
    row_version: str | None
    acknowledged_by: str | None
    acknowledged_why: str | None


def rows_in_quarantine(control: Control, landing: Path) -> list[QuarantinedRow]:
    """Rows of the files that the last run of the gate found, in order of file and row."""
    return [
        QuarantinedRow(
            source=row["source"],
            table=row["table_name"],
            file=row["file"],
            file_row=row["file_row"],
            line=row["line"],
            column=row["column_name"],
            value=row["value"],
            rule=row["rule"],
            reason=row["reason"],
            first_seen=datetime.fromisoformat(row["first_seen"]),
            state=row["state"],
            row_key=row["row_key"],
            row_version=row["row_version"],
            acknowledged_by=row["acknowledged_by"],
            acknowledged_why=row["acknowledged_why"],
        )
        for row in control.connection.execute(_PRESENT, (str(landing),))
    ]


def acknowledge(
    control: Control,
    landing: Path,
    *,
    who: str,
    why: str,
    file: str,
    file_row: int | None = None,
    rule: str | None = None,
) -> list[QuarantinedRow]:
    """Take open rows of a file as they are: they stay away, and nobody is asked about them again.

    Args:
        control: the control database.
        landing: the landing folder.
        who: answers for it.
        why: the reason, for those who ask later.
        file: as the quarantine names it.
        file_row: one row only.
        rule: rows set aside by this rule only.

    Returns:
        The rows as they were.

    Raises:
        ConfigurationError: no reason was given, or there is no such open row.
    """
    if not why.strip():
        raise ConfigurationError("Say why, for those who ask later: REASON='...'.")
    chosen = [
        row
        for row in rows_in_quarantine(control, landing)
        if row.state == "open"
        and row.file == file
        and file_row in (None, row.file_row)
        and rule in (None, row.rule)
    ]
    if not chosen:
        raise ConfigurationError(
            f"No open row in quarantine is of file {file!r}"
            + (f", row {file_row}" if file_row is not None else "")
            + (f", rule {rule}" if rule is not None else "")
            + ". `make quarantine` lists them."
        )
    with control.transaction() as connection:
        connection.executemany(
            "update quarantine set state = 'acknowledged', acknowledged_at = ?,"
            " acknowledged_by = ?, acknowledged_why = ? where file_row = ? and (source, table_name,"
            " sha256) in (select source, table_name, sha256 from landed where landing = ?"
            " and name = ? and is_present = 1)",
            [
                (to_text(control.now()), who, why, row.file_row, str(landing), file)
                for row in chosen
            ],
        )
        control.append_audit(
            who,
            "quarantine acknowledged",
            {"file": file, "rows": [row.file_row for row in chosen], "why": why},
        )
    return chosen


def mark_corrected(
    connection: duckdb.DuckDBPyConnection, contract: Contract, control: Control, landing: Path
) -> None:
    """Call open rows corrected whose key has an accepted row that is not older, and back again.

    Not older: its version is the same or a later one; where the bad row's version cannot be read
    or there are no versions, any accepted row of the same key. The raw views must be there.
    """
    rows = [row for row in rows_in_quarantine(control, landing) if row.state != "acknowledged"]
    corrected: set[tuple[str, str, int]] = set()
    for table in contract.tables:
        of_table = [row for row in rows if (row.source, row.table) == (table.source, table.name)]
        if any(row.row_key for row in of_table):
            corrected |= _corrected(connection, contract.schema_of(table), table, of_table)
    with control.transaction() as transaction:
        transaction.executemany(
            "update quarantine set state = ? where state <> 'acknowledged' and file_row = ?"
            " and source = ? and table_name = ? and sha256 in (select sha256 from landed"
            " where landing = ? and name = ? and is_present = 1)",
            [
                (
                    "corrected" if (row.table, row.file, row.file_row) in corrected else "open",
                    row.file_row,
                    row.source,
                    row.table,
                    str(landing),
                    row.file,
                )
                for row in rows
            ],
        )


def _corrected(
    connection: duckdb.DuckDBPyConnection, schema: str, table: Table, rows: list[QuarantinedRow]
) -> set[tuple[str, str, int]]:
    known = [row for row in rows if row.row_key is not None]
    connection.register(
        "_rows",
        pa.table(
            {
                "file": pa.array([row.file for row in known], pa.string()),
                "file_row": pa.array([row.file_row for row in known], pa.int64()),
                "row_key": pa.array([row.row_key for row in known], pa.string()),
                "row_version": pa.array([row.row_version for row in known], pa.string()),
            }
        ),
    )
    found = connection.execute(
        "select distinct _rows.file, _rows.file_row from _rows"
        f" join (select {identity.key_sql(table)} as row_key,"
        f' {identity.version_sql(table)} as row_version from "{schema}"."{table.name}") as good'
        " on good.row_key = _rows.row_key and (_rows.row_version is null"
        " or good.row_version is null or good.row_version >= _rows.row_version)"
    ).fetchall()
    connection.unregister("_rows")
    return {(table.name, file, file_row) for file, file_row in found}


def as_table(rows: list[QuarantinedRow]) -> pa.Table:
    """The rows as `quality.quarantine` has them."""
    values = [
        (
            *(row.source, row.table, row.file, row.file_row, row.line, row.column, row.value),
            *(row.rule, row.reason, row.first_seen, row.state),
            *(row.acknowledged_by, row.acknowledged_why),
        )
        for row in rows
    ]
    columns = list(zip(*values, strict=True)) if values else [()] * len(_SCHEMA)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, _SCHEMA, strict=True)]
    return pa.table(arrays, schema=_SCHEMA)


def acknowledged_rows(control: Control, landing: Path) -> Mapping[str, list[int]]:
    """Acknowledged rows by file: a release says who took them, so it depends on them."""
    said: dict[str, list[int]] = {}
    for row in rows_in_quarantine(control, landing):
        if row.state == "acknowledged":
            said.setdefault(row.file, []).append(row.file_row)
    return said


def counts(rows: list[QuarantinedRow]) -> dict[str, int]:
    """Rows by state."""
    found = {"open": 0, "corrected": 0, "acknowledged": 0}
    for row in rows:
        found[row.state] += 1
    return found


def lines(rows: list[QuarantinedRow], most: int = 50) -> list[str]:
    """What is in quarantine, for people: by file and rule, then row by row."""
    if not rows:
        return ["Nothing is in quarantine."]
    by_rule: dict[tuple[str, str, str], int] = {}
    for row in rows:
        place = (row.file, row.rule, row.state)
        by_rule[place] = by_rule.get(place, 0) + 1
    said = counts(rows)
    shown = [
        f"{len(rows):,} rows in quarantine: {said['open']:,} open, {said['corrected']:,} corrected "
        f"by a later row, {said['acknowledged']:,} acknowledged.",
        "",
        *(f"{file}: {count:,} {rule} ({state})" for (file, rule, state), count in by_rule.items()),
        "",
    ]
    still_open = [row for row in rows if row.state == "open"]
    for row in still_open[:most]:
        line = "" if row.line is None else f", line {row.line}"
        column = "" if row.column is None else f", column {row.column}"
        value = "" if row.value is None else f" = {row.value!r}"
        shown.append(
            f"{row.file}, row {row.file_row}{line}{column}{value}: {row.rule}, {row.reason}"
        )
    if len(still_open) > most:
        shown.append(f"... and {len(still_open) - most:,} more.")
    if still_open:
        shown += [
            "",
            "Land the corrected rows in a new file (same key, same or later updated_at), or let",
            "them be: make quarantine-ack FILE=<file> [ROW=<row>] [RULE=<rule>] REASON='...'",
        ]
    return shown
