"""Schema drift and keys of the fault matrix: F22 to F26, F29; times F44 to F48; money F50, F56."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.landing.conftest import Bench, products

PRICES = "billing/prices/a.csv"


def test_f22_a_new_column_is_reported_and_left_out(bench: Bench) -> None:
    bench.land("billing/products/a.csv", "id,colour,name,\np1,red,Basic,x\n")
    report = bench.gate()
    assert report.files[0].extra_columns == ("colour", "")
    assert any("colour" in line for line in report.lines())
    columns = bench.query("select column_name from (describe raw_billing.products)")
    assert [name for (name,) in columns] == [
        "id",
        "name",
        "active",
        "updated_at",
        "_file",
        "_file_row",
        "_loaded_at",
    ]


def test_f22_records_are_counted_with_the_new_columns(bench: Bench) -> None:
    bench.land("billing/products/a.csv", "id,colour,name\np1,red,Basic\np2,Plus\n")
    bench.gate()
    assert bench.query("select name from raw_billing.products") == [("Basic",)]


@pytest.mark.parametrize(
    ("header", "column", "hint"),
    [
        ("id,Name,active", "name", "'Name'"),
        ("id,product_name", "name", "'product_name'"),
        ("id, name", "name", "' name'"),
        ("product,name", "id", None),
    ],
)
def test_f23_a_required_column_that_is_gone_or_renamed_is_refused_with_a_hint(
    bench: Bench, header: str, column: str, hint: str | None
) -> None:
    bench.land("billing/products/a.csv", f"{header}\n")
    file = bench.refused()
    assert file.column == column
    assert file.reason is not None
    assert (hint is None) == ("is it" not in file.reason)
    assert hint is None or hint in file.reason


def test_f23_all_missing_columns_are_named(bench: Bench) -> None:
    bench.land("billing/refunds/a.csv", "id,payment_id,currency\n")
    reason = bench.refused().reason or ""
    assert "amount" in reason
    assert "created" in reason


def test_a_column_that_is_there_twice_is_refused(bench: Bench) -> None:
    bench.land("billing/products/a.csv", "id,name,name\np1,a,b\n")
    file = bench.refused()
    assert (file.column, "2 times" in (file.reason or "")) == ("name", True)


def test_f24_a_type_that_changes_late_sets_only_those_rows_aside(bench: Bench) -> None:
    rows = [f"p{i},prod,usd,{i},2026-01-01" for i in range(40_000)]
    rows[30_000] = "p30000,prod,usd,N/A,2026-01-01"
    rows[35_000] = "p35000,prod,usd,12.0,2026-01-01"
    header = "id,product_id,currency,unit_amount,created\n"
    bench.land(PRICES, header + "\n".join(rows) + "\n")
    bench.gate()
    assert bench.query("select count(*), sum(unit_amount) from raw_billing.prices") == [
        (39_998, sum(range(40_000)) - 65_000)
    ]
    assert bench.quarantine() == [
        (PRICES, 30_001, "unit_amount", "N/A", "not_an_integer"),
        (PRICES, 35_001, "unit_amount", "12.0", "not_an_integer"),
    ]


def test_f25_a_value_never_seen_is_set_aside(bench: Bench) -> None:
    header = "id,customer_id,status,start_date,created\n"
    bench.land(
        "billing/subscriptions/a.csv",
        header + "s1,c1,active,2026-01-01,2026-01-01\ns2,c1,Active,2026-01-01,2026-01-01\n",
    )
    bench.gate()
    assert bench.query("select id from raw_billing.subscriptions") == [("s1",)]
    assert [row[1:] for row in bench.quarantine()] == [(2, "status", "Active", "not_in_values")]


def test_f26_ids_are_text_as_they_were_written(bench: Bench, tmp_path: Path) -> None:
    bench.land("billing/products/a.csv", products("00123,a,,", "1e3,b,,", " x ,c,,"))
    bench.land("billing/products/b.jsonl", '{"id": 123, "name": 4.50}\n')
    path = bench.land("billing/products/c.parquet", b"")
    pq.write_table(pa.table({"id": [7], "name": ["d"]}), path)
    bench.gate()
    assert bench.query("select id, name from raw_billing.products order by name") == [
        ("123", "4.50"),
        ("00123", "a"),
        ("1e3", "b"),
        (" x ", "c"),
        ("7", "d"),
    ]


def test_f29_a_key_that_is_missing_or_blank_sets_the_row_aside(bench: Bench) -> None:
    bench.land(
        "billing/products/a.csv",
        products(",a,,", '"",b,,', "  ,c,,", "\t,d,,", "\u2003,e,,", "p1,f,,", "p2,,,", "p3, ,,"),
    )
    bench.land("billing/products/b.jsonl", '{"id": null, "name": "g"}\n{"name": "h"}\n')
    bench.gate()
    assert bench.query("select id, name from raw_billing.products") == [("p1", "f")]
    assert [(row, column, rule) for _, row, column, _, rule in bench.quarantine()] == [
        (1, "id", "key_missing"),
        (2, "id", "key_missing"),
        (3, "id", "key_missing"),
        (4, "id", "key_missing"),
        (5, "id", "key_missing"),
        (7, "name", "required_missing"),
        (8, "name", "required_missing"),
        (1, "id", "key_missing"),
        (2, "id", "key_missing"),
    ]


@pytest.mark.parametrize("blank", [" ", "\t", "\v", "\x1c", "\x85", "\u00a0", "\u2003", "\u3000"])
def test_f29_white_space_of_any_kind_is_no_key(bench: Bench, blank: str) -> None:
    bench.land("billing/products/a.csv", products("p1,a,,", f"{blank}{blank},b,,"))
    bench.gate()
    assert bench.query("select id from raw_billing.products") == [("p1",)]


def test_f29_every_column_of_a_key_counts(bench: Bench) -> None:
    bench.land(
        "finance/fx_rates/a.csv",
        "rate_date,currency,rate\n,EUR,1\n2026-01-01,,1\n2026-01-01,XQZ,1\n",
    )
    bench.gate()
    assert bench.query("select currency from raw_finance.fx_rates") == [("XQZ",)]


def test_a_row_with_several_faults_is_set_aside_once(bench: Bench) -> None:
    bench.land(
        "finance/fx_rates/a.csv", "rate_date,currency,rate\n01/02/2024,,x\n2026-01-01,XQZ,1\n"
    )
    (file,) = bench.gate().files
    assert (file.rows_received, file.rows_accepted, file.rows_quarantined) == (2, 1, 1)
    ((reason,),) = bench.query("select reason from quality.quarantine")
    assert reason.endswith("; also currency (key_missing), rate (not_a_decimal)")


def test_f44_times_become_utc(bench: Bench) -> None:
    landed = {
        "2026-03-08T02:30:00Z": "2026-03-08 02:30:00",
        "2026-03-08 02:30:00": "2026-03-08 02:30:00",
        "2026-03-08T02:30:00.123456+05:30": "2026-03-07 21:00:00.123456",
        "2026-03-08T02:30:00-0800": "2026-03-08 10:30:00",
        "2026-03-08": "2026-03-08 00:00:00",
    }
    rows = "".join(f"c{i},{text}\n" for i, text in enumerate(landed))
    bench.land("billing/customers/a.csv", f"id,created\n{rows}")
    bench.gate()
    times = bench.query("select cast(created as varchar) from raw_billing.customers order by id")
    assert [time for (time,) in times] == list(landed.values())


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("01/02/2024", "not_a_timestamp"),
        ("2024-02-30", "not_a_timestamp"),
        ("2024-01-01 24:00:00", "not_a_timestamp"),
        ("2024-01-01T00:00:00 Europe/Berlin", "not_a_timestamp"),
        ("infinity", "not_a_timestamp"),
        ("1717171717", "epoch_timestamp"),
        ("1717171717000", "epoch_timestamp"),
        ("1717171717.5", "epoch_timestamp"),
    ],
)
def test_f47_f48_other_ways_to_write_a_time_are_set_aside(
    bench: Bench, text: str, rule: str
) -> None:
    bench.land("billing/customers/a.csv", f"id,created\nc1,{text}\nc2,2024-01-01\n")
    bench.gate()
    assert [row[1:] for row in bench.quarantine()] == [(1, "created", text, rule)]
    assert bench.query("select id from raw_billing.customers") == [("c2",)]


def test_f50_money_in_floating_point_is_refused_in_parquet(bench: Bench) -> None:
    path = bench.land("billing/prices/a.parquet", b"")
    table = {"id": ["p1"], "product_id": ["x"], "currency": ["usd"], "unit_amount": [1900.0]}
    pq.write_table(pa.table(table), path)
    file = bench.refused()
    assert file.column == "unit_amount"
    assert "floating point is not exact" in (file.reason or "")


@pytest.mark.parametrize("text", ["10.00", "1e3", "+5", "0x1F", "1_000", "1 000", "5-", "٣", "--5"])
def test_f50_money_is_whole_minor_units(bench: Bench, text: str) -> None:
    bench.land(
        PRICES, f"id,product_id,currency,unit_amount\np1,x,usd,{text}\np2,x,usd,-0012\np3,x,usd,\n"
    )
    bench.land(
        "billing/prices/b.jsonl", '{"id":"j","product_id":"x","currency":"usd","unit_amount":1.0}\n'
    )
    bench.gate()
    assert bench.query("select id, unit_amount from raw_billing.prices order by id") == [
        ("p2", -12),
        ("p3", None),
    ]
    assert [(row[2], row[3]) for row in bench.quarantine()] == [
        ("unit_amount", text),
        ("unit_amount", "1.0"),
    ]


def test_f56_a_number_too_large_is_set_aside(bench: Bench) -> None:
    header = "id,product_id,currency,unit_amount\n"
    most = 10**15
    rows = {"a": most, "b": most + 1, "c": -most, "d": -(2**63) - 1, "e": 10**5000}
    bench.land(PRICES, header + "".join(f"{id_},x,usd,{n}\n" for id_, n in _texts(rows)))
    bench.gate()
    assert bench.query("select id, unit_amount from raw_billing.prices order by id") == [
        ("a", most),
        ("c", -most),
    ]
    assert [row[4] for row in bench.quarantine()] == ["out_of_range"] * 3


def _texts(numbers: dict[str, int]) -> list[tuple[str, str]]:
    return [(id_, "1" + "0" * 5000 if n == 10**5000 else str(n)) for id_, n in numbers.items()]


def test_decimals_are_exact_or_set_aside(bench: Bench) -> None:
    header = "id,duration,start_at,percent_off\n"
    texts = ["12.5", "33.333333", "100.0000000000", "33.3333333", "1000", "-5", ".5", "5.", "1e1"]
    rows = "".join(f"d{i},once,2026-01-01,{text}\n" for i, text in enumerate(texts))
    bench.land("billing/discounts/a.csv", header + rows)
    bench.gate()
    assert bench.query("select percent_off from raw_billing.discounts order by id") == [
        (Decimal("12.5"),),
        (Decimal("33.333333"),),
        (Decimal(100),),
        (Decimal(-5),),
    ]
    assert [(row[3], row[4]) for row in bench.quarantine()] == [
        ("33.3333333", "out_of_range"),
        ("1000", "out_of_range"),
        (".5", "not_a_decimal"),
        ("5.", "not_a_decimal"),
        ("1e1", "not_a_decimal"),
    ]


def test_booleans_are_true_or_false(bench: Bench) -> None:
    texts = ["true", "false", "", "True", "1", "yes", "t"]
    bench.land("billing/products/a.csv", products(*(f"p{i},a,{t}," for i, t in enumerate(texts))))
    bench.gate()
    assert bench.query("select active from raw_billing.products order by id") == [
        (True,),
        (False,),
        (None,),
    ]
    assert [row[3] for row in bench.quarantine()] == ["True", "1", "yes", "t"]


@pytest.mark.parametrize(
    "text", ["{'a': 1}", '{"a": 1', "NaN", '{"a": [1,]}', '{"a": Infinity}', '"\\ud800"', "x"]
)
def test_json_columns_hold_json(bench: Bench, text: str) -> None:
    quoted = text.replace('"', '""')
    bench.land(
        "product/events/a.csv",
        "id,account_id,event,occurred_at,properties\n"
        f'e1,a,login,2026-01-01,"{quoted}"\n'
        'e2,a,login,2026-01-01,"{""a"": 1}"\n'
        "e3,a,login,2026-01-01,\n",
    )
    bench.gate()
    assert bench.query("select id, properties from raw_product.events order by id") == [
        ("e2", '{"a": 1}'),
        ("e3", None),
    ]
    assert [row[2:] for row in bench.quarantine()] == [("properties", text, "not_json")]


def test_json_texts_that_look_like_no_json_are_json(bench: Bench) -> None:
    document = '{"a": "NaN, ]", "inf": ",}"}'
    bench.land(
        "product/events/a.jsonl",
        '{"id":"e1","account_id":"a","event":"x","occurred_at":"2026-01-01","properties":'
        + document
        + "}\n",
    )
    bench.gate()
    ((properties,),) = bench.query("select properties from raw_product.events")
    assert json.loads(properties) == json.loads(document)


def test_values_of_persons_are_not_shown_in_the_quarantine(bench: Bench) -> None:
    bench.land("billing/customers/a.csv", "id,email,created\nc1,ann@example.com\0,2026-01-01\n")
    bench.gate()
    ((_, _, column, value, _),) = bench.quarantine()
    assert (column, value) == ("email", "(personal, not shown)")
