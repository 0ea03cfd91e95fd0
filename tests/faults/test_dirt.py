"""Dirt that real files have: each is taken exactly, set aside with its reason, or refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.landing import batches, files
from orchestration.landing.contract import load_contract
from orchestration.landing.csv_reader import CsvReader
from orchestration.landing.report import FileState, RefusedFileError, Reject
from orchestration.landing.take_in import take_in
from tests.landing.conftest import Bench, products

PRODUCTS = "billing/products/a.csv"
PRICES = "billing/prices/a.csv"
NAMES = "select id, name from raw_billing.products order by _file_row"
CONTRACT = load_contract().by_name


def amounts(*texts: str) -> str:
    """A prices file with these texts as amounts."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "product_id", "currency", "unit_amount"])
    writer.writerows([f"p{n}", "x", "usd", one] for n, one in enumerate(texts))
    return text.getvalue()


@pytest.mark.fault("F15", "F24", "F50")
@pytest.mark.parametrize(
    "text",
    [
        *("1e3", "1E3", "1.0", "1.", ".5", "1,5", "1.234", "1.234,56", "1,234", "1 234", "1'234"),
        *("+5", "--5", "5-", "(5)", "$5", "5 USD", "5%", "0x1F", "0b1", "1_000", "5;", "five"),
        *(" 5", "5 ", "5\t", "\u00a05", "٣", "５", "²", "NaN", "nan", "Infinity", "-inf", "1e400"),
        *("NULL", "null", "None", "N/A", "#N/A", "\\N", "-", "--", "?", "true", "2024-01-01"),
        *("=5", "9223372036854775808", "-9223372036854775809", "99999999999999999999999"),
        *("9223372036854775807", "1000000000000001", "-1000000000000001"),
    ],
)
def test_what_is_no_whole_number_is_set_aside(bench: Bench, text: str) -> None:
    bench.land(PRICES, amounts("7", text, "8"))
    bench.gate()
    assert bench.query("select unit_amount from raw_billing.prices order by id") == [(7,), (8,)]
    ((_, row, column, value, rule),) = bench.quarantine()
    assert (row, column, value) == (2, "unit_amount", text)
    assert rule in ("not_an_integer", "out_of_range")


def test_what_is_a_whole_number_is_that_number(bench: Bench) -> None:
    # The largest amounts there may be; 2**63 - 1 has its place among what is set aside.
    texts = ["0", "-0", "007", "-12", str(10**15), str(-(10**15)), "0" * 30 + "1"]
    bench.land(PRICES, amounts(*texts))
    bench.gate()
    assert bench.query("select unit_amount from raw_billing.prices order by id") == [
        (int(text),) for text in texts
    ]


TIMES = {
    # What is taken, in UTC.
    "2024-02-29": "2024-02-29 00:00:00",
    "2024-02-29T23:59:59Z": "2024-02-29 23:59:59",
    "2024-02-29 23:59:59.999999": "2024-02-29 23:59:59.999999",
    "2024-02-29T23:59:59.999999999Z": "2024-02-29 23:59:59.999999",
    "2024-03-10T02:30:00-05:00": "2024-03-10 07:30:00",
    "2024-11-03T01:30:00-04:00": "2024-11-03 05:30:00",
    "2024-01-01T00:00:00+14:00": "2023-12-31 10:00:00",
    "2024-01-01T00:00": "2024-01-01 00:00:00",
    "0001-01-01": "0001-01-01 00:00:00",
    "9999-12-31T23:59:59Z": "9999-12-31 23:59:59",
}


@pytest.mark.fault("F42", "F44", "F46")
def test_times_of_iso_8601_are_taken_as_they_are(bench: Bench) -> None:
    rows = "".join(f"c{n:02},{text}\n" for n, text in enumerate(TIMES))
    bench.land("billing/customers/a.csv", f"id,created\n{rows}")
    bench.gate()
    times = bench.query("select cast(created as varchar) from raw_billing.customers order by id")
    assert [time for (time,) in times] == list(TIMES.values())


@pytest.mark.fault("F46", "F47", "F48")
@pytest.mark.parametrize(
    "text",
    [
        *("2024-02-30", "2023-02-29", "2024-13-01", "2024-00-10", "2024-04-31", "0000-01-01"),
        *("01/02/2024", "1.2.2024", "2024/01/02", "20240102", "24-01-02", "2024-1-2", "Jan 2 2024"),
        *("2024-W01-1", "2024-001", "10000-01-01", "-2024-01-01", "2024-01-02T", "2024-01-02TZ"),
        *("2024-01-02T24:00:00Z", "2024-01-02T23:60:00Z", "2024-01-02T23:59:60Z", "12:30:00"),
        *("2024-01-02T12:00:00 PM", "2024-01-02 1:00", "2024-01-02T12:00:00 Europe/Berlin"),
        *("2024-01-02T12:00:00+25:00", "2024-01-02T12:00:00+02:75", "2024-01-02T12:00:00,5Z"),
        *("1704153600", "1704153600000", "1704153600.5", "-1", "0", "45293", "infinity", "now"),
        *("today", "NULL", "\\N", "2024-01-02 ", " 2024-01-02", "２０２４-01-02", "2024–01–02"),
        *("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"),
    ],
)
def test_what_is_no_time_is_set_aside(bench: Bench, text: str) -> None:
    quoted = '"' + text + '"'
    bench.land("billing/customers/a.csv", f"id,created\nc1,2024-01-01\nc2,{quoted}\n")
    bench.gate()
    assert bench.query("select id from raw_billing.customers") == [("c1",)]
    ((_, row, column, value, rule),) = bench.quarantine()
    assert (row, column, value) == (2, "created", text)
    assert rule in ("not_a_timestamp", "epoch_timestamp")


@pytest.mark.parametrize(
    "text", ["True", "TRUE", "t", "1", "0", "yes", "Y", "on", "ja", "wahr", " true", "tru", "null"]
)
def test_what_is_neither_true_nor_false_is_set_aside(bench: Bench, text: str) -> None:
    bench.land(PRODUCTS, products("p1,a,true,", f"p2,b,{text},"))
    bench.gate()
    assert bench.query("select id from raw_billing.products") == [("p1",)]
    assert [row[2:] for row in bench.quarantine()] == [("active", text, "not_a_boolean")]


@pytest.mark.fault("F29")
@pytest.mark.parametrize("word", ["NULL", "null", "N/A", "#N/A", "\\N", "NaN", "None", " nil "])
def test_a_word_for_nothing_is_no_id_but_may_be_a_name(bench: Bench, word: str) -> None:
    bench.land(PRODUCTS, products(f"{word},a,,", f"p2,{word},,"))
    bench.land("crm/accounts/a.csv", f"id,parent_account_id\na1,{word}\na2,\n")
    bench.gate()
    assert bench.query(NAMES) == [("p2", word)]
    assert bench.query("select id from raw_crm.accounts") == [("a2",)]
    assert [row[1:] for row in bench.quarantine()] == [
        (1, "id", word, "null_word"),
        (1, "parent_account_id", word, "null_word"),
    ]


@pytest.mark.fault("F26")
def test_ids_that_differ_in_case_or_space_stay_apart(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,a,,", "P1,b,,", " p1,c,,", "p1 ,d,,", "ｐ1,e,,"))
    bench.gate()
    assert [name for _, name in bench.query(NAMES)] == ["a", "b", "c", "d", "e"]
    assert bench.query("select count(distinct id) from raw_billing.products") == [(5,)]


@pytest.mark.fault("F11")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sep=,\nid,name\np1,a\n", "sep="),
        ("sep=;\nid;name\np1;a\n", "sep="),
        ("id;name\np1;a\n", "semicolons"),
        ("id\tname\np1\ta\n", "tabs"),
        ("id|name\np1|a\n", "bars"),
        ("\nid,name\np1,a\n", "required columns missing"),
        ("# exported 2024\nid,name\np1,a\n", "required columns missing"),
        ("p1,a\np2,b\n", "required columns missing"),
        ("ID,NAME\np1,a\n", "is it 'NAME'?"),
        ("id,name,\n", None),
        ("id,name,id\np1,a,p2\n", "2 times"),
        ("id,name,,\np1,a,,\n", "2 times"),
        ('"id,name"\np1,a\n', "required columns missing"),
        ("<html><body>Not found</body></html>\n", "required columns missing"),
        ('{"id": "p1", "name": "a"}\n', "a bare quote"),
        ("\n", "required columns missing"),
        ("PK\x03\x04\n", "another kind of file"),
    ],
)
def test_a_first_line_that_is_no_header_is_refused(
    bench: Bench, content: str, said: str | None
) -> None:
    bench.land(PRODUCTS, content)
    if said is None:
        assert bench.gate().rows_received == 0
    else:
        assert said in (bench.refused().reason or "")


@pytest.mark.fault("F10", "F22")
def test_columns_in_any_order_with_others_between_are_taken_by_name(bench: Bench) -> None:
    bench.land("billing/products/a.csv", "x,name,y,id\n,Basic,1,p1\n")
    bench.land("billing/products/b.csv", "id,name\np2,Plus\n")
    bench.land("billing/products/c.jsonl", '{"z": [], "name": "Pro", "id": "p3"}\n')
    report = bench.gate()
    assert [file.extra_columns for file in report.files] == [("x", "y"), (), ("z",)]
    assert bench.query("select id, name from raw_billing.products order by id") == [
        ("p1", "Basic"),
        ("p2", "Plus"),
        ("p3", "Pro"),
    ]


@pytest.mark.fault("S18")
def test_a_hundred_thousand_columns_are_refused_at_once(bench: Bench) -> None:
    names = ",".join(f"c{n}" for n in range(100_000))
    bench.land(PRODUCTS, f"id,name,{names}\n")
    assert f"at most {batches.MAX_COLUMNS}" in (bench.refused().reason or "")


@pytest.mark.fault("S18", "S04")
@pytest.mark.parametrize("name", ["billing/products/a.csv.gz", "billing/products/a.jsonl.gz"])
def test_a_bomb_is_refused_before_it_fills_anything(
    bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_UNPACKED_FREE", 1 << 20)
    monkeypatch.setattr(files, "MAX_UNPACKED_RATIO", 100)
    line = products("p1,Basic,,").splitlines()[1] if "csv" in name else '{"id":"p1","name":"B"}'
    head = products().encode() if "csv" in name else b""
    bench.land(name, gzip.compress(head + f"{line}\n".encode() * 2_000_000))
    assert "unpacks to more than" in (bench.refused().reason or "")
    assert list(bench.settings.accepted_dir.iterdir()) == []


@pytest.mark.fault("F07", "F16")
@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.csv.zst", "a.jsonl.zst"])
def test_a_compressed_file_that_is_cut_or_none_is_refused(bench: Bench, name: str) -> None:
    text = products(*(f"p{n},name {n * 7919},," for n in range(5_000))).encode()
    packed = gzip.compress(text)
    for content in (packed[: len(packed) // 2], packed[:-3], b"id,name\n", b"", packed[5:]):
        path = bench.land(f"billing/products/{name}", content)
        bench.refused()
        path.unlink()


@pytest.mark.fault("F12")
@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_other_marks_of_lines_are_text(bench: Bench, mark: str) -> None:
    bench.land(PRODUCTS, products(f"p1,a{mark}b,,", "p2,c,,"))
    bench.gate()
    assert bench.query(NAMES) == [("p1", f"a{mark}b"), ("p2", "c")]


@pytest.mark.fault("F18", "F19")
def test_names_of_files_that_are_traps(bench: Bench) -> None:
    bench.land("billing/products/a.CSV", products("p1,a,,"))
    bench.land("billing/products/b.csv/c.csv", products("p2,b,,"))
    bench.land("billing/products/ü '\"$(x).csv", products("p3,c,,"))
    bench.land("billing/products/x.ndjson", '{"id": "p4", "name": "d"}\n')
    for unfinished in (".x.csv", "x.csv.tmp", "x.csv.part", "x.csv.crdownload", "x.csv~"):
        bench.land(f"billing/products/{unfinished}", products("p9,half"))
    (bench.settings.landing / "billing/products/empty.csv").mkdir()
    report = bench.gate()
    assert [file.state for file in report.files] == [FileState.ACCEPTED] * 4
    assert len(report.ignored) == 4
    rows = bench.query("select id from raw_billing.products order by id")
    assert [key for (key,) in rows] == ["p1", "p2", "p3", "p4"]


_LETTERS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.mark.fault("F39")
@given(texts=st.lists(_LETTERS, max_size=5))
@settings(deadline=None, max_examples=60)
def test_f39_names_come_through_letter_by_letter(texts: list[str], tmp_path_factory: Any) -> None:
    """Emoji, right-to-left, SQL, line breaks: by csv and by jsonl, the text that was sent."""
    folder = tmp_path_factory.mktemp("names")
    rows = [{"id": f"p{n}", "name": f"x{text}"} for n, text in enumerate(texts)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "name"], *((row["id"], row["name"]) for row in rows)])
    (folder / "a.csv").write_bytes(text.getvalue().encode())
    lines = "".join(json.dumps(row) + "\n" for row in rows) or '{"id": "", "name": ""}\n'
    (folder / "b.jsonl").write_bytes(lines.encode())
    for name, file_format in (("a.csv", "csv"), ("b.jsonl", "jsonl")):
        path = folder / name
        table = CONTRACT["billing", "products"]
        file = files.LandedFile(table, name, path, file_format, files.stamp_of(path))
        taken = take_in(file, name, folder)
        assert taken.rows_accepted == len(rows)

        names = pq.read_table(folder / str(taken.accepted_name))["name"].to_pylist()
        assert names == [row["name"] for row in rows]


# Bytes that are nearly csv, in any order.
_PIECES = st.sampled_from(
    [
        *(b'"', b'""', b",", b",,", b"\n", b"\r\n", b"\r", b"p1", b"Basic", b"true", b"x", b"NULL"),
        *(b"\0", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf", b" ", b"\t", b"=1+1", b"'", b"\\", b"1"),
    ]
)


@pytest.mark.fault("F03", "F04", "F05", "F06", "F13", "I19")
@given(
    pieces=st.lists(_PIECES, max_size=40),
    block_bytes=st.integers(1, 64),
    is_known_whole=st.booleans(),
)
@settings(deadline=None, max_examples=600)
def test_whatever_the_bytes_every_record_is_accounted_for(
    pieces: list[bytes], block_bytes: int, is_known_whole: bool
) -> None:
    """Taken, set aside or the file refused: never shifted, and what is taken is in the bytes."""
    content = b"id,name,active,updated_at\n" + b"".join(pieces)
    stream = io.BytesIO(content)
    table = CONTRACT["billing", "products"]
    rows = rejects = 0
    try:
        reader = CsvReader(stream, table, block_bytes, is_known_whole=is_known_whole)
        for batch in reader.read():
            rows += len(batch.file_rows)
            rejects += len(batch.rejects)
            assert all(isinstance(reject, Reject) for reject in batch.rejects)
            for name, array in batch.columns.items():
                for value in array.to_pylist():
                    plain = (value or "").encode().replace(b'"', b'""')
                    assert plain in content, (name, value)
    except RefusedFileError:
        return
    assert rows + rejects == reader.received
    # Python's own reader, which is lenient, finds as many records where there is nothing odd.
    if b'"' not in content and b"\r" not in content and b"\0" not in content:
        assert reader.received == len(content.decode().split("\n")[1:]) - content.endswith(b"\n")


@pytest.mark.fault("F56")
@pytest.mark.parametrize("number", [10**15 + 1, -(10**15) - 1, 2**62])
def test_amounts_and_quantities_that_nobody_has_are_set_aside(bench: Bench, number: int) -> None:
    """By csv, jsonl and Parquet alike: a product of two such would not fit any engine's numbers."""
    bench.land(PRICES, amounts("7", str(number), str(10**15)))
    price = {"id": "j", "product_id": "x", "currency": "usd", "unit_amount": number}
    bench.land("billing/prices/b.jsonl", json.dumps(price) + "\n")
    items = {"id": ["a", "b"], "subscription_id": ["s"] * 2, "price_id": ["p"] * 2}
    items |= {"created": ["2026-01-01"] * 2, "updated_at": ["2026-01-01"] * 2}
    path = bench.settings.landing / "billing/subscription_items/a.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({**items, "quantity": pa.array([10**9, number], pa.int64())}), path)
    bench.gate()
    taken = "select unit_amount from raw_billing.prices order by id"
    assert bench.query(taken) == [(7,), (10**15,)]
    assert bench.query("select id from raw_billing.subscription_items") == [("a",)]
    said = [("unit_amount", str(number), "out_of_range"), ("quantity", str(number), "out_of_range")]
    assert [row[2:] for row in bench.quarantine()] == [said[0], said[0], said[1]]


@pytest.mark.fault("F56")
@pytest.mark.parametrize("number", [1201, -1201, 10**9])
def test_a_term_of_more_than_a_century_is_set_aside(bench: Bench, number: int) -> None:
    """It is added to dates, and there are none there; of 10^9 years a model stopped."""
    header = "id,product_id,currency,interval_count,updated_at"
    rows = [f"p{count},x,usd,{count},2026-01-01" for count in (1, 1200, number)]
    bench.land(PRICES, "\n".join([header, *rows, ""]))
    bench.gate()
    assert bench.query("select id from raw_billing.prices order by id") == [("p1",), ("p1200",)]
    assert [row[2:] for row in bench.quarantine()] == [
        ("interval_count", str(number), "out_of_range")
    ]
