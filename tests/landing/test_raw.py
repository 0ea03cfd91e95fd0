"""The raw views: contract columns and types, whatever was landed; and the book's company."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.errors import ConfigurationError, LandingError
from orchestration.landing.contract import load_contract
from orchestration.settings import PROJECT_DIR, load_settings
from tests.landing.conftest import Bench, products

SHARED = PROJECT_DIR.parent / "shared" / "data" / "fightchurn"


def _described(bench: Bench) -> dict[tuple[str, str], list[tuple[str, str]]]:
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, name, data_type in bench.query(
        "select table_schema, table_name, column_name, lower(data_type)"
        " from information_schema.columns where table_schema like 'raw_%'"
        " and table_schema <> 'raw_files' order by table_schema, table_name, ordinal_position"
    ):
        columns.setdefault((schema, table), []).append((name, data_type))
    return columns


def test_every_table_is_a_view_of_the_contract_with_and_without_files(bench: Bench) -> None:
    contract = load_contract()
    expected = {
        (contract.schema_of(table), table.name): [
            *((column.name, column.data_type) for column in table.columns),
            ("_file", "varchar"),
            ("_file_row", "bigint"),
            ("_loaded_at", "timestamp"),
        ]
        for table in contract.tables
    }
    assert len(expected) >= 25
    bench.gate()
    assert _described(bench) == expected
    for table in contract.tables:
        required = sorted(table.must_be_filled)
        bench.land(f"{table.source}/{table.name}/a.csv", ",".join(required) + "\n")
        columns = {name: pa.array([], pa.string()) for name in required}
        pq.write_table(pa.table(columns), bench.land(f"{table.source}/{table.name}/b.parquet", b""))
    bench.gate()
    assert _described(bench) == expected


def test_files_of_other_shapes_are_read_together(bench: Bench) -> None:
    bench.land("billing/products/a.csv", products("p1,Basic,true,2026-01-01"))
    bench.land("billing/products/b.jsonl", '{"name": "Plus", "id": "p2", "active": false}\n')
    tables = [
        {"id": ["p3"], "name": ["Pro"]},
        {"name": ["Max"], "id": ["p4"], "active": [True]},
        {"name": ["Max"], "id": ["p5"], "active": [False]},
        {"id": pa.array([6], pa.int64()), "name": ["Six"]},
    ]
    for n, table in enumerate(tables):
        pq.write_table(pa.table(table), bench.land(f"billing/products/{n}.parquet", b""))
    bench.gate()
    assert bench.query(
        "select id, name, active, updated_at::date::varchar, _file, _file_row"
        " from raw_billing.products order by id"
    ) == [
        ("6", "Six", None, None, "billing/products/3.parquet", 1),
        ("p1", "Basic", True, "2026-01-01", "billing/products/a.csv", 1),
        ("p2", "Plus", False, None, "billing/products/b.jsonl", 1),
        ("p3", "Pro", None, None, "billing/products/0.parquet", 1),
        ("p4", "Max", True, None, "billing/products/1.parquet", 1),
        ("p5", "Max", False, None, "billing/products/2.parquet", 1),
    ]


def test_a_folder_date_is_no_column(bench: Bench) -> None:
    path = bench.land("billing/products/id=wrong/active=true/a.parquet", b"")
    pq.write_table(pa.table({"id": ["p1"], "name": ["Basic"]}), path)
    bench.gate()
    assert bench.query("select id, active from raw_billing.products") == [("p1", None)]


def test_a_file_that_changes_after_the_gate_stops_the_build(bench: Bench) -> None:
    path = bench.land("billing/products/a.parquet", b"")
    pq.write_table(pa.table({"id": ["p1"], "name": ["Basic"]}), path)
    bench.gate()
    pq.write_table(pa.table({"id": ["p1"], "name": ["Basic, changed"]}), path)
    with pytest.raises(LandingError, match=r"billing/products/a\.parquet changed"):
        bench.query("select 1")


def test_the_books_say_what_was_set_aside_and_why(bench: Bench) -> None:
    bench.land("billing/products/a.csv", products("p1,Basic,maybe,"))
    bench.gate()
    assert bench.query(
        "select source, table_name, file, file_row, column_name, value, rule, reason, state"
        " from quality.quarantine"
    ) == [
        (
            "billing",
            "products",
            "billing/products/a.csv",
            1,
            "active",
            "maybe",
            "not_a_boolean",
            "a boolean is written true or false",
            "open",
        )
    ]
    assert bench.query(
        "select source, table_name, file, length(sha256), rows_received, rows_accepted,"
        " rows_quarantined, loaded_at is not null, state from quality.load_log"
    ) == [("billing", "products", "billing/products/a.csv", 64, 1, 0, 1, True, "accepted")]


def test_a_contract_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / "models/staging/zoo/_zoo__sources.yml"
    file.parent.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="No raw contract"):
        load_contract(tmp_path)
    columns = "columns: [{name: id, data_type: varchar}]"
    for text, reason in [
        ("sources: [{name: zoo, tables: [{name: a}]}]", "columns"),
        (f"sources: [{{name: 'z; drop', tables: [{{name: a, {columns}}}]}}]", "z; drop"),
        (f"sources: [{{name: zoo, tables: [{{name: a, {columns}}}]}}]", "key"),
        (
            "sources: [{name: zoo, tables: [{name: a, columns: [{name: id, data_type: blob}]}]}]",
            "blob",
        ),
        ("sources: [", "expected"),
    ]:
        file.write_text(text)
        load_contract.cache_clear()
        with pytest.raises(ConfigurationError, match=reason):
            load_contract(tmp_path)
    load_contract.cache_clear()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the book's data is absent")
def test_the_books_company_comes_in_whole(bench: Bench, tmp_path: Path) -> None:
    settings = load_settings(
        {"HOLDFAST_HOME": str(tmp_path / "home"), "HOLDFAST_LANDING": str(SHARED / "landing")}
    )
    bench.settings = settings
    report = bench.gate()
    assert (report.refused, report.ignored, report.rows_quarantined) == ((), (), 0)
    assert report.rows_received == report.rows_accepted
    assert bench.query("select count(*), sum(amount) from raw_billing.invoice_line_items") == (
        bench.connection.execute(
            "select count(*), sum(amount) from read_parquet(?)",
            [str(SHARED / "landing/billing/invoice_line_items/*.parquet")],
        ).fetchall()
    )
    assert bench.query("select count(*), count(distinct id) from raw_product.events") == [
        (622_882, 622_882)
    ]
    assert bench.query("select count(*) from raw_billing.customers") == [(750,)]
