"""Parquet tables have no constraints: what a contract says is held by the models themselves."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.support.dbt_runner import DbtError
from tests.support.raw_tables import write_raw_tables
from tests.support.spark import SparkProject

pytestmark = pytest.mark.spark

MART = "fct_customer_signals"


def signals(evidence: str) -> str:
    """The one table that the mart is made of, with one row."""
    return f"""create table intermediate.int_signals_seen using parquet as select
        'acc_1' as account_id, 'cus_1' as customer_id, date'2026-10-31' as seen_date,
        true as is_latest, 'days_since_login' as signal, cast(3 as decimal(18, 6)) as value,
        'days' as unit, date'2026-10-28' as since_date, {evidence} as evidence"""


@pytest.mark.parametrize("evidence", ["'three days'", "cast(null as string)"])
def test_a_null_where_a_contract_has_none_stops_the_model(
    evidence: str, on_spark: SparkProject, tmp_path: Path
) -> None:
    database = tmp_path / "warehouse.duckdb"
    write_raw_tables(database, {})
    with on_spark.cursor() as cursor:
        cursor.execute("create schema if not exists intermediate")
        cursor.execute("drop table if exists intermediate.int_signals_seen")
        cursor.execute(signals(evidence))
        try:
            if "null" in evidence:
                with pytest.raises(DbtError, match=f"{MART}.evidence may not be null"):
                    on_spark.build(database, [MART])
                return
            on_spark.build(database, [MART])
        finally:
            cursor.execute("drop schema intermediate cascade")
    with duckdb.connect(str(database)) as connection:
        columns = connection.execute(f"describe customer_success.{MART}").fetchall()
        assert connection.execute(f"select evidence from customer_success.{MART}").fetchall() == [
            ("three days",)
        ]
    # In the file the table has the types and constraints of the contract again.
    found = {name: (data_type, null) for name, data_type, null, *_ in columns}
    assert found["value"] == ("DECIMAL(18,6)", "NO")
    assert found["customer_id"] == ("VARCHAR", "YES")
