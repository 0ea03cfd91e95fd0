"""Two releases, cell by cell: whatever is in one and not in the other, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

#: What says when and by which run it was made, and so differs between two runs.
OF_THE_RUN = frozenset({("quality", "run_log"), ("quality", "load_log")})
#: Columns of other tables that do.
COLUMNS_OF_THE_RUN = {
    ("quality", "check_results"): "run_id",
    ("quality", "lineage"): "loaded_at",
    ("quality", "raw_row_counts"): "run_id",
}


@dataclass(frozen=True)
class Difference:
    """A table that is not the same in both, with the columns that differ."""

    table: str
    rows: tuple[int, int]
    columns: tuple[str, ...]


def differences(left: Path, right: Path, schemas: tuple[str, ...]) -> tuple[int, list[Difference]]:
    """How many tables of these schemas are in `left`, and those that `right` has otherwise."""
    found = []
    with duckdb.connect(str(left), read_only=True) as connection:
        connection.execute(f"attach '{right}' as other (read_only)")
        here = duckdb_name(connection)
        tables = [
            (schema, table)
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables()"
                " where database_name = ? order by all",
                [here],
            ).fetchall()
            if schema in schemas and (schema, table) not in OF_THE_RUN
        ]
        for schema, table in tables:
            left_out = COLUMNS_OF_THE_RUN.get((schema, table))
            difference = _difference(connection, f'"{schema}"."{table}"', here, left_out)
            if difference is not None:
                found.append(difference)
    return len(tables), found


def duckdb_name(connection: duckdb.DuckDBPyConnection) -> str:
    """The catalog of the file that was opened."""
    row = connection.execute("select current_database()").fetchone()
    assert row is not None
    return str(row[0])


def _difference(
    connection: duckdb.DuckDBPyConnection, table: str, here: str, left_out: str | None
) -> Difference | None:
    sides = (f'"{here}".{table}', f"other.{table}")
    described = [connection.execute(f"describe {side}").fetchall() for side in sides]
    shapes = [[(row[0], row[1]) for row in rows] for rows in described]
    counts = tuple(
        int((connection.execute(f"select count(*) from {side}").fetchone() or (0,))[0])
        for side in sides
    )
    if shapes[0] != shapes[1]:
        odd = sorted({name for name, _ in set(shapes[0]) ^ set(shapes[1])})
        return Difference(table, (counts[0], counts[1]), tuple(odd))
    compared = f"* exclude ({left_out})" if left_out else "*"
    left_over = _left_over(connection, compared, *sides)
    if not left_over and counts[0] == counts[1]:
        return None
    odd = [
        name
        for name, _ in shapes[0]
        if _left_over(connection, f'"{name}"', *sides)
        or _left_over(connection, f'"{name}"', sides[1], sides[0])
    ]
    return Difference(table, (counts[0], counts[1]), tuple(odd))


def _left_over(connection: duckdb.DuckDBPyConnection, columns: str, one: str, other: str) -> bool:
    return bool(
        connection.execute(
            f"select 1 from (select {columns} from {one} except all select {columns} from {other})"
            " limit 1"
        ).fetchall()
    )
