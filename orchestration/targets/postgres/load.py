"""A hidden schema that holds a release: loaded from the sealed file, and compared with it.

Rows come as csv that Arrow writes, by COPY with FREEZE in the transaction that makes the table.
Frozen rows are seen by every transaction, also by one whose snapshot is older than they are: a
report that began before a publication and reads a view after it would otherwise find it empty.
The binary COPY of ADBC takes two thirds of the time, but cannot freeze (DECISIONS.md).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import sql

from orchestration.failpoints import failpoint
from orchestration.targets.postgres.dictionary import Column, Table
from orchestration.targets.postgres.server import TargetError, Watchdog

BATCH_ROWS = 20_000
_CSV = pa_csv.WriteOptions(include_header=False)
#: A list as PostgreSQL's array literal; every value is quoted, so that none is taken for a null.
_LIST = r"""
case when {name} is not null then '{' || array_to_string(list_transform({name}, lambda v:
    case when v is null then 'NULL' else
        '"' || replace(replace(cast(v as varchar), '\', '\\'), '"', '\"') || '"'
    end), ',') || '}'
end as {name}"""
_INTEGERS = ("smallint", "integer", "bigint")
#: DuckDB adds up decimals of so many digits without an overflow; of wider ones it may not.
_SUMMED_DIGITS = 18
_DIGITS = re.compile(r"numeric\((\d+),")


def load(
    connection: psycopg.Connection[Any],
    release: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    schema: str,
    mark: str,
    watchdog: Watchdog,
) -> int:
    """Load all tables into a new schema, compare them with the release; returns their rows.

    `mark` is put on the schema when all is done.

    Raises:
        TargetError: what arrived is not what was sent.
        psycopg.Error: the server refused something, or went away.
    """
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    failpoint("postgres.schema_made")
    for table in tables:
        with connection.transaction():
            connection.execute(create_table(table, schema))
            _copy(connection, release, table, schema, watchdog.tick)
        failpoint("postgres.table_loaded")
    with watchdog.patient():
        connection.execute("set maintenance_work_mem = '256MB'")
        with connection.transaction():
            for statement in add_keys(tables, schema):
                connection.execute(statement)
        for table in tables:
            connection.execute(sql.SQL("analyze {}").format(table.table(schema)))
    failpoint("postgres.keyed")
    said = [line for table in tables for line in comments(table, table.table(schema), "table")]
    if said:
        connection.execute(sql.SQL("; ").join(said))
    watchdog.tick()
    failpoint("postgres.loaded")
    rows = compared(connection, release, tables, schema, watchdog)
    # Whoever comes next, after a crash or a view that was in use, need not load it again.
    connection.execute(
        sql.SQL("comment on schema {} is {}").format(sql.Identifier(schema), sql.Literal(mark))
    )
    failpoint("postgres.compared")
    return rows


def is_loaded(connection: psycopg.Connection[Any], schema: str, mark: str) -> bool:
    """Whether a hidden schema was loaded to its end from the file that has this mark."""
    row = connection.execute(
        "select obj_description(oid, 'pg_namespace') = %s from pg_namespace where nspname = %s",
        [mark, schema],
    ).fetchone()
    return bool(row and row[0])


def compared(
    connection: psycopg.Connection[Any],
    release: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    schema: str,
    watchdog: Watchdog,
) -> int:
    """The rows of all tables, which are those of the release.

    Raises:
        TargetError: they are not; names tables and columns.
    """
    wrong, rows = compare(connection, release, tables, schema, watchdog)
    if wrong:
        raise TargetError(f"what was loaded is not the release: {'; '.join(wrong)}")
    return rows


def create_table(table: Table, schema: str) -> sql.Composed:
    """The statement that makes a table."""
    columns = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name),
            sql.SQL(column.type),
            sql.SQL("" if column.is_nullable else " not null"),
        )
        for column in table.columns
    ]
    return sql.SQL("create table {} ({})").format(table.table(schema), sql.SQL(", ").join(columns))


def add_keys(tables: Sequence[Table], schema: str) -> list[sql.Composed]:
    """The statements that add the keys: what is referred to comes before what refers."""
    primary, foreign = [], []
    by_view = {f"{table.schema}.{table.name}": table for table in tables}
    for table in tables:
        for key in table.keys:
            names = {"table": table.table(schema), "columns": _names(key.columns)}
            if key.kind == "primary":
                statement = sql.SQL("alter table {table} add primary key ({columns})")
                primary.append(statement.format(**names))
            elif key.kind == "unique":
                statement = sql.SQL("alter table {table} add unique nulls not distinct ({columns})")
                primary.append(statement.format(**names))
            else:
                statement = sql.SQL(
                    "alter table {table} add foreign key ({columns}) references {to} ({to_columns})"
                )
                foreign.append(
                    statement.format(
                        **names,
                        to=by_view[key.to].table(schema),
                        to_columns=_names(key.to_columns),
                    )
                )
    return [*primary, *foreign]


def comments(
    table: Table,
    relation: sql.Identifier,
    kind: str,
    before: Mapping[str, str] | None = None,
    comment_before: str = "",
) -> list[sql.Composed]:
    """The statements that describe a table or view (`kind`) and its columns, where it is new."""
    before = before or {}
    said = []
    if table.comment != comment_before:
        said.append(
            sql.SQL("comment on {} {} is {}").format(
                sql.SQL(kind), relation, sql.Literal(table.comment)
            )
        )
    for column in table.columns:
        if column.description != before.get(column.name, ""):
            said.append(
                sql.SQL("comment on column {}.{} is {}").format(
                    relation, sql.Identifier(column.name), sql.Literal(column.description)
                )
            )
    return said


def compare(
    connection: psycopg.Connection[Any],
    release: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    schema: str,
    watchdog: Watchdog,
) -> tuple[list[str], int]:
    """What differs between a hidden schema and the release, and the rows of all tables.

    Counts of all columns, sums of numbers and of lengths of texts, first and last of dates, times,
    floats and the widest decimals.
    """
    wrong, rows = [], 0
    for table in tables:
        ours, theirs = zip(*(_digest(column) for column in table.columns), strict=True)
        sent = release.execute(
            f'select count(*), {", ".join(ours)} from "{table.source_schema}"."{table.name}"'
        ).fetchone()
        with watchdog.patient():
            arrived = connection.execute(
                sql.SQL("select count(*), {} from {}").format(
                    sql.SQL(", ").join(theirs), table.table(schema)
                )
            ).fetchone()
        assert sent is not None
        assert arrived is not None
        rows += int(sent[0])
        if tuple(sent) != tuple(arrived):
            wrong.append(_difference(table, sent, arrived))
    return wrong, rows


def _difference(table: Table, sent: Sequence[Any], arrived: Sequence[Any]) -> str:
    name = f"{table.schema}.{table.name}"
    if sent[0] != arrived[0]:
        return f"{name} has {arrived[0]:,} rows instead of {sent[0]:,}"
    labels = [column.name for column in table.columns for _ in range(3)]
    different = dict.fromkeys(
        label
        for label, one, other in zip(labels, sent[1:], arrived[1:], strict=True)
        if one != other
    )
    return f"{name} differs in {', '.join(different)}"


def _digest(column: Column) -> tuple[str, sql.Composable]:
    """Three aggregates of a column, for DuckDB and for PostgreSQL."""
    name, quoted = '"' + column.name.replace('"', '""') + '"', sql.Identifier(column.name)
    if column.type.endswith("[]"):
        ours, theirs = f"sum(len({name})), null", "sum(cardinality({0})), null"
    elif _is_summed(column.type):
        ours, theirs = f"sum({name}), null", "sum({0}), null"
    elif column.type == "boolean":
        ours, theirs = f"count(*) filter ({name}), null", "count(*) filter (where {0}), null"
    elif column.type == "text":
        ours, theirs = f"sum(strlen({name})), null", "sum(octet_length({0})), null"
    else:
        ours, theirs = f"min({name}), max({name})", "min({0}), max({0})"
    return f"count({name}), {ours}", sql.SQL("count({0}), " + theirs).format(quoted)


def _is_summed(kind: str) -> bool:
    digits = _DIGITS.match(kind)
    return kind in _INTEGERS or bool(digits and int(digits[1]) <= _SUMMED_DIGITS)


def _copy(
    connection: psycopg.Connection[Any],
    release: duckdb.DuckDBPyConnection,
    table: Table,
    schema: str,
    tick: Callable[[], None],
) -> None:
    selected = ", ".join(_as_sent(column) for column in table.columns)
    reader: pa.RecordBatchReader = release.execute(
        f'select {selected} from "{table.source_schema}"."{table.name}"'
    ).to_arrow_reader(BATCH_ROWS)
    statement = sql.SQL("copy {} from stdin (format csv, freeze)").format(table.table(schema))
    with connection.cursor().copy(statement) as stream:
        for batch in reader:
            buffer = io.BytesIO()
            pa_csv.write_csv(batch, buffer, _CSV)
            stream.write(buffer.getbuffer())
            tick()
    tick()


def _as_sent(column: Column) -> str:
    """A column as Arrow's csv can say it and PostgreSQL reads it."""
    name = '"' + column.name.replace('"', '""') + '"'
    if column.type.endswith("[]"):
        return _LIST.replace("{name}", name)
    if column.kind in ("HUGEINT", "UBIGINT", "TIMESTAMP WITH TIME ZONE"):
        return f"cast({name} as varchar) as {name}"
    return name


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in columns)
