"""Parquet: read where it lies when it can be, with the same values and rules as text."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.landing.conftest import Bench

PRODUCTS = "billing/products/a.parquet"


def land(bench: Bench, name: str, columns: dict[str, Any], **options: Any) -> None:
    pq.write_table(pa.table(columns), bench.land(name, b""), **options)


def accepted_files(bench: Bench) -> list[str]:
    folder = bench.settings.accepted_dir
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_good_file_is_read_where_it_lies(bench: Bench) -> None:
    land(
        bench,
        "billing/products/2026 'x' [a]*?/a.parquet",
        {
            "updated_at": pa.array([datetime(2026, 1, 1, 12), None]),
            "colour": ["red", None],
            "name": pa.array(["Basic", "Plus"]).dictionary_encode(),
            "id": ["p1", "p2"],
        },
    )
    (file,) = bench.gate().files
    assert (file.rows_accepted, file.extra_columns) == (2, ("colour",))
    assert accepted_files(bench) == []
    assert bench.query(
        "select id, name, active, updated_at::varchar, _file, _file_row"
        " from raw_billing.products order by id"
    ) == [
        ("p1", "Basic", None, "2026-01-01 12:00:00", file.file, 1),
        ("p2", "Plus", None, None, file.file, 2),
    ]


def test_names_of_files_are_no_patterns(bench: Bench) -> None:
    for n, name in enumerate(["a*.parquet", "ab.parquet", "[a]b.parquet", "a?.parquet"]):
        land(bench, f"billing/products/{name}", {"id": [f"p{n}"], "name": [name]})
    bench.gate()
    rows = bench.query("select id, name, _file from raw_billing.products order by id")
    assert rows == [
        (f"p{n}", name, f"billing/products/{name}")
        for n, name in enumerate(["a*.parquet", "ab.parquet", "[a]b.parquet", "a?.parquet"])
    ]


def test_row_numbers_go_on_over_row_groups(bench: Bench) -> None:
    ids = [f"p{n}" for n in range(1, 101)]
    land(bench, PRODUCTS, {"id": ids, "name": ids}, row_group_size=7)
    bench.gate()
    assert bench.query("select count(*) from raw_billing.products where id = 'p' || _file_row") == [
        (100,)
    ]


def test_narrow_types_are_cast_and_zones_become_utc(bench: Bench) -> None:
    new_york = pa.timestamp("ms", "America/New_York")
    moment = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    land(
        bench,
        "billing/prices/a.parquet",
        {
            "id": ["p1"],
            "product_id": ["x"],
            "currency": ["usd"],
            "unit_amount": pa.array([1900], pa.int16()),
            "interval_count": pa.array([1], pa.uint32()),
            "created": pa.array([moment], new_york),
            "updated_at": pa.array([date(2026, 1, 2)], pa.date32()),
        },
    )
    bench.gate()
    assert accepted_files(bench) == []
    bench.connection.execute("set timezone = 'Pacific/Apia'")
    assert bench.query(
        "select unit_amount, interval_count, created::varchar, updated_at::varchar"
        " from raw_billing.prices"
    ) == [(1900, 1, "2025-12-31 20:00:00", "2026-01-02 00:00:00")]


def test_bad_rows_are_set_aside_and_the_good_ones_written(bench: Bench) -> None:
    land(
        bench,
        "billing/subscriptions/a.parquet",
        {
            "id": ["s1", None, " ", "s4", "s5"],
            "customer_id": ["c", "c", "c", "", "c"],
            "status": ["active", "active", "active", "active", "Active"],
            "start_date": [datetime(2026, 1, 1)] * 5,
            "created": pa.array(
                [datetime(2026, 1, 1, tzinfo=UTC)] * 5, pa.timestamp("us", "Asia/Kolkata")
            ),
            "cancellation_reason": ["", None, None, None, None],
        },
    )
    (file,) = bench.gate().files
    assert (file.rows_received, file.rows_accepted, file.rows_quarantined) == (5, 1, 4)
    assert bench.query(
        "select id, cancellation_reason, created::varchar, _file_row from raw_billing.subscriptions"
    ) == [("s1", None, "2026-01-01 00:00:00", 1)]
    assert [row[1:] for row in bench.quarantine()] == [
        (2, "id", None, "key_missing"),
        (3, "id", " ", "key_missing"),
        (4, "customer_id", None, "required_missing"),
        (5, "status", "Active", "not_in_values"),
    ]


def test_empty_texts_read_as_null_as_in_csv(bench: Bench) -> None:
    land(
        bench,
        "billing/customers/a.parquet",
        {"id": ["c1"], "country": [""], "created": [datetime(2026, 1, 1)]},
    )
    bench.gate()
    assert bench.query("select country from raw_billing.customers") == [(None,)]


def test_texts_follow_the_rules_of_csv(bench: Bench) -> None:
    land(
        bench,
        "finance/fx_rates/a.parquet",
        {
            "rate_date": ["2026-01-01", "01/02/2026", "2026-01-03"],
            "currency": ["EUR", "EUR", "EUR"],
            "rate": ["1.0850000000", "1.1", "1,1"],
        },
    )
    bench.gate()
    rows = bench.query("select rate_date, rate from raw_finance.fx_rates")
    assert rows == [(date(2026, 1, 1), Decimal("1.085"))]
    assert [row[1:] for row in bench.quarantine()] == [
        (2, "rate_date", "01/02/2026", "not_a_date"),
        (3, "rate", "1,1", "not_a_decimal"),
    ]


def test_counts_and_rates_in_floating_point_are_taken_where_exact(bench: Bench) -> None:
    land(
        bench,
        "billing/subscription_items/a.parquet",
        {
            "id": ["i1", "i2", "i3", "i4", "i5"],
            "subscription_id": ["s"] * 5,
            "price_id": ["p"] * 5,
            "quantity": pa.array([3.0, None, 2.5, float("nan"), 1e19]),
            "created": [date(2026, 1, 1)] * 5,
        },
    )
    land(
        bench,
        "finance/fx_rates/a.parquet",
        {
            "rate_date": pa.array([date(2026, 1, n) for n in (1, 2, 3)], pa.date64()),
            "currency": ["EUR"] * 3,
            "rate": [1.085, 1 / 3, float("inf")],
        },
    )
    bench.gate()
    quantities = bench.query("select id, quantity from raw_billing.subscription_items order by id")
    assert quantities == [("i1", 3), ("i2", None)]
    assert bench.query("select rate_date, rate from raw_finance.fx_rates") == [
        (date(2026, 1, 1), Decimal("1.085"))
    ]
    assert [(row[1], row[2], row[4]) for row in bench.quarantine()] == [
        (3, "quantity", "inexact_value"),
        (4, "quantity", "inexact_value"),
        (5, "quantity", "inexact_value"),
        (2, "rate", "inexact_value"),
        (3, "rate", "inexact_value"),
    ]


def test_decimals_and_large_integers_become_minor_units_where_exact(bench: Bench) -> None:
    amounts = [Decimal("1900.00"), Decimal("19.50"), Decimal(2**63)]
    base = {"id": ["p1", "p2", "p3"], "product_id": ["x"] * 3, "currency": ["usd"] * 3}
    land(bench, "billing/prices/a.parquet", {**base, "unit_amount": amounts})
    big = pa.array([1, 2**63, None], pa.uint64())
    land(bench, "billing/prices/b.parquet", {**base, "unit_amount": big})
    bench.gate()
    assert bench.query("select _file, id, unit_amount from raw_billing.prices order by all") == [
        ("billing/prices/a.parquet", "p1", 1900),
        ("billing/prices/b.parquet", "p1", 1),
        ("billing/prices/b.parquet", "p3", None),
    ]
    assert [row[4] for row in bench.quarantine()] == ["inexact_value"] * 3


def test_integers_become_decimals(bench: Bench) -> None:
    columns = {"id": ["d1", "d2"], "duration": ["once"] * 2, "start_at": [date(2026, 1, 1)] * 2}
    land(bench, "billing/discounts/a.parquet", {**columns, "percent_off": [20, 1000]})
    bench.gate()
    assert bench.query("select percent_off from raw_billing.discounts") == [(Decimal(20),)]
    assert [row[1:] for row in bench.quarantine()] == [(2, "percent_off", "1000", "inexact_value")]


def test_a_day_with_a_time_is_no_date(bench: Bench) -> None:
    land(
        bench,
        "finance/fx_rates/a.parquet",
        {
            "rate_date": [datetime(2026, 1, 1), datetime(2026, 1, 2, 1)],
            "currency": ["EUR"] * 2,
            "rate": pa.array([1, 1]),
        },
    )
    bench.gate()
    assert bench.query("select rate_date from raw_finance.fx_rates") == [(date(2026, 1, 1),)]
    assert [row[1:3] for row in bench.quarantine()] == [(2, "rate_date")]


def test_nested_values_become_json_and_uuids_text(bench: Bench) -> None:
    id_ = uuid.UUID(int=7)
    land(
        bench,
        "product/events/a.parquet",
        {
            "id": pa.array([id_.bytes], pa.uuid()),
            "account_id": ["a"],
            "event": ["x"],
            "occurred_at": pa.array([datetime(2026, 1, 1)], pa.timestamp("ns")),
            "properties": [{"a": [1, None], "b": "ü"}],
        },
    )
    bench.gate()
    assert bench.query("select id, properties, occurred_at::varchar from raw_product.events") == [
        (str(id_), '{"a": [1, null], "b": "ü"}', "2026-01-01 00:00:00")
    ]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"p1"], pa.binary()),
        pa.array([1.0]),
        pa.array([True]),
        pa.array([["p1"]]),
        pa.array([datetime(2026, 1, 1)]),
    ],
)
def test_types_that_lose_something_are_refused(bench: Bench, column: Any) -> None:
    land(bench, PRODUCTS, {"id": column, "name": ["Basic"]})
    file = bench.refused()
    assert file.column == "id"
    assert str(column.type).partition("<")[0] in (file.reason or "")


def test_f48_numbers_are_no_times(bench: Bench) -> None:
    land(bench, "billing/customers/a.parquet", {"id": ["c1"], "created": [1717171717]})
    assert bench.refused().column == "created"


def test_f23_a_required_column_that_is_gone_is_refused(bench: Bench) -> None:
    land(bench, PRODUCTS, {"id": ["p1"], "Name": ["Basic"]})
    file = bench.refused()
    assert (file.column, "'Name'" in (file.reason or "")) == ("name", True)


@pytest.mark.parametrize("other", ["ID", "file_row_number", "filename", "_location", "_file"])
def test_names_that_duckdb_would_mix_up_do_no_harm(bench: Bench, other: str) -> None:
    land(bench, PRODUCTS, {other: ["wrong"], "id": ["p1"], "name": ["Basic"]})
    bench.gate()
    assert bench.query("select id, name, _file, _file_row from raw_billing.products") == [
        ("p1", "Basic", PRODUCTS, 1)
    ]


def test_f13_f14_texts_follow_the_limits(bench: Bench) -> None:
    land(bench, PRODUCTS, {"id": ["p1", "p2", "p3"], "name": ["a\0", "x" * 1_000_001, "ok"]})
    bench.gate()
    assert bench.query("select id from raw_billing.products") == [("p3",)]
    assert [row[4] for row in bench.quarantine()] == ["nul_byte", "text_too_long"]


def test_f02_text_that_is_not_utf8_is_refused(bench: Bench) -> None:
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")]
    )
    land(bench, PRODUCTS, {"id": bad, "name": ["Basic"]})
    assert "UTF8" in (bench.refused().reason or "").upper().replace("-", "")


def test_f17_flipped_bits_are_refused_or_change_no_more_than_values(bench: Bench) -> None:
    """Without checksums in the file a flipped value is a value; nothing else may come of it."""
    ids = [f"p{n}" for n in range(200)]
    land(bench, PRODUCTS, {"id": ids, "name": ids}, write_page_checksum=True)
    path = bench.settings.landing / PRODUCTS
    whole = path.read_bytes()
    for at in range(4, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        report = bench.gate(go_on=True)
        assert report.rows_received in (0, 200)
        assert report.rows_received == report.rows_accepted + report.rows_quarantined
        bench.query("select * from raw_billing.products")
