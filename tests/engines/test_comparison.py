"""The comparison of releases sees what it is there to see."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.engines.compare import differences

MADE = (
    "create schema core; create table core.t as select 1 as id, cast(2.5 as decimal(9, 2)) as m"
    " union all select 2, null"
)


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ("select 1", None),
        ("update core.t set m = 2.51 where id = 1", ("m",)),
        ("update core.t set m = 0 where id = 2", ("m",)),
        ("insert into core.t values (2, null)", ("id", "m")),
        ("delete from core.t where id = 2", ("id", "m")),
        ("alter table core.t alter m type decimal(10, 2)", ("m",)),
    ],
)
def test_any_other_cell_row_or_type_is_seen(
    tmp_path: Path, change: str, columns: tuple[str, ...] | None
) -> None:
    for name, then in (("one", "select 1"), ("two", change)):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as connection:
            connection.execute(MADE)
            connection.execute(then)
    count, found = differences(tmp_path / "one.duckdb", tmp_path / "two.duckdb", ("core",))
    assert count == 1
    assert [row.columns for row in found] == ([] if columns is None else [columns])
