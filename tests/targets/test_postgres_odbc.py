"""What a BI tool sees through psqlODBC, PostgreSQL's own driver: types, values, keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import PostgresServer
from tests.targets.company import MARTS, Company, rows_of
from tests.targets.test_postgres_content import HOSTILE, edges

pyodbc = pytest.importorskip("pyodbc", reason="unixODBC is not installed (Debian: unixodbc)")
DRIVERS = sorted(Path("/usr/lib").glob("*/odbc/psqlodbcw.so"))
if not DRIVERS:
    pytest.skip("psqlODBC is not installed (Debian: odbc-postgresql)", allow_module_level=True)


@pytest.fixture
def tool(server: PostgresServer, company: Company) -> Iterator[Any]:
    """A BI tool that is connected as a reader."""
    company.with_marts(*MARTS, edges())
    company.release()
    assert not company.publish().is_behind
    with server.connect() as admin:
        admin.execute("drop role if exists dora")
        admin.execute("create role dora login")
        admin.execute("grant bi_reader to dora")
    connection = pyodbc.connect(
        f"Driver={DRIVERS[0]};Server=127.0.0.1;Port={server.port};Database=bi;Uid=dora;"
        "BoolsAsChar=0"
    )
    try:
        yield connection.cursor()
    finally:
        connection.close()
        with server.connect() as admin:
            admin.execute("drop role dora")


def test_views_have_the_types_of_the_contract(tool: Any) -> None:
    columns = {
        row.column_name: (row.type_name, row.column_size, row.decimal_digits)
        for table in ("fct_mrr_by_customer_month", "fct_edges")
        for row in tool.columns(table=table, schema="revenue").fetchall()
    }
    assert columns["closing_mrr"] == ("numeric", 18, 2)
    assert columns["small"] == ("numeric", 38, 16)
    assert columns["month"] == ("date", 10, None)
    assert columns["last_at"] == ("timestamp", 26, 6)
    assert columns["least"][0] == "int8"
    assert columns["is_even"][0] == "bool"
    assert columns["words"][0] == "text"


def test_values_arrive_as_they_were_released(tool: Any) -> None:
    row = tool.execute(
        "select small, least, first_day, last_at, is_even, float_ from revenue.fct_edges"
        " where i = 6"
    ).fetchone()
    assert tuple(row) == (
        Decimal("-0.0000000000000001"),
        -9223372036854775808,
        date(1, 1, 1),
        datetime(9999, 12, 31, 23, 59, 59, 999999),
        True,
        0.1 + 0.2,
    )
    texts = tool.execute(
        "select words from revenue.fct_edges where words is not null order by i"
    ).fetchall()
    assert [row.words for row in texts] == list(HOSTILE)
    total = tool.execute(
        "select count(*), sum(closing_mrr) from revenue.fct_mrr_by_customer_month"
    ).fetchone()
    assert tuple(total) == (rows_of(1), Decimal(sum(range(rows_of(1)))))


def test_views_have_no_keys_so_the_dictionary_says_them(tool: Any) -> None:
    """ODBC's own functions find keys of tables alone; readers see views, and may read the list."""
    assert tool.primaryKeys("fct_mrr_by_customer_month", schema="revenue").fetchall() == []
    keys = tool.execute(
        "select kind, array_to_string(columns, ','), coalesce(to_schema || '.' || to_table, '')"
        " from ops.dictionary_keys where table_name = 'fct_mrr_by_customer_month' order by kind"
    ).fetchall()
    assert [tuple(key) for key in keys] == [
        ("foreign", "customer_id", "core.dim_customers"),
        ("primary", "customer_id,month", ""),
    ]
    # The hidden tables have the same as constraints, which the catalog shows to whoever asks.
    primary = tool.primaryKeys("fct_mrr_by_customer_month", schema="rel_1").fetchall()
    assert [row.column_name for row in primary] == ["customer_id", "month"]
    foreign = tool.foreignKeys(
        foreignTable="fct_mrr_by_customer_month", foreignSchema="rel_1"
    ).fetchall()
    assert [(row.pktable_name, row.pkcolumn_name, row.fkcolumn_name) for row in foreign] == [
        ("dim_customers", "customer_id", "customer_id")
    ]
    with pytest.raises(pyodbc.Error, match="42501"):
        tool.execute("select * from rel_1.dim_customers")
