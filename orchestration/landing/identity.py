"""Which row a row is: its key and version as texts, the same in Python and in SQL.

A row in quarantine is known by these again when its correction comes.
"""

from __future__ import annotations

import json
from datetime import date, datetime

import pyarrow as pa

from orchestration.landing.contract import Column, Table


def key_of(rows: pa.Table, row: int, table: Table) -> str | None:
    """The key of one row of converted rows; None where a part of it is missing or unreadable."""
    parts = [_text(rows[name][row].as_py()) for name in table.key]
    known = [part for part in parts if part is not None]
    return json.dumps(known, ensure_ascii=False) if len(known) == len(parts) else None


def version_of(rows: pa.Table, row: int, table: Table) -> str | None:
    """The version of one row of converted rows; None where there is none."""
    return None if table.version is None else _text(rows[table.version][row].as_py())


def key_sql(table: Table) -> str:
    """What `key_of` gives, as an expression over the columns of the raw view."""
    columns = {column.name: column for column in table.columns}
    parts = ", ".join(_sql(columns[name]) for name in table.key)
    # As Python's json writes it: a space after each comma of the list.
    return f"'[' || array_to_string([to_json(part) for part in [{parts}]], ', ') || ']'"


def version_sql(table: Table) -> str:
    """What `version_of` gives, as an expression over the columns of the raw view."""
    columns = {column.name: column for column in table.columns}
    return "cast(null as varchar)" if table.version is None else _sql(columns[table.version])


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else str(value)


def _sql(column: Column) -> str:
    name = f'"{column.name}"'
    if column.data_type == "timestamp":
        return f"strftime({name}, '%Y-%m-%d %H:%M:%S.%f')"
    return f"cast({name} as varchar)"
