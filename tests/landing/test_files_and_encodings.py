"""Files and encodings of the fault matrix, F1 to F21: taken exactly, set aside, or refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.errors import LandingError
from orchestration.landing.files import LandedFile
from orchestration.landing.report import FileState
from orchestration.landing.take_in import Taken, take_in
from tests.landing.conftest import Bench, csv_text, products

PRODUCTS = "billing/products/a.csv"
NAMES = "select id, name from raw_billing.products order by _file_row"


def test_f01_byte_order_mark_is_no_part_of_the_header(bench: Bench) -> None:
    bench.land(PRODUCTS, b"\xef\xbb\xbf" + products("p1,Basic,true,2026-01-01").encode())
    bench.gate()
    assert bench.query(NAMES) == [("p1", "Basic")]


@pytest.mark.parametrize(
    ("content", "byte"),
    [
        (products("p1,Café,,").encode("latin-1"), 32),
        (products("p1,5€,,").encode("cp1252"), 30),
        (products("p1,Basic,,").encode("utf-16"), 0),
    ],
)
def test_f02_other_encodings_are_refused_with_the_byte(
    bench: Bench, content: bytes, byte: int
) -> None:
    bench.land(PRODUCTS, content)
    assert f"byte {byte} " in (bench.refused().reason or "")


def test_f02_an_offset_counts_the_byte_order_mark_and_earlier_blocks(bench: Bench) -> None:
    before = b"\xef\xbb\xbf" + products(*(f"p{i},name,," for i in range(200_000))).encode()
    bench.land(PRODUCTS, before + b"q,\xff,,\n")
    assert f"byte {len(before) + 2} " in (bench.refused().reason or "")


def test_f02_utf_16_without_mark_is_refused(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,").encode("utf-16-le"))
    assert "UTF-16" in (bench.refused().reason or "")


def test_f03_line_breaks_quotes_and_commas_in_fields_are_kept(bench: Bench) -> None:
    names = ['say "hi"', "two\nlines", "two\r\nlines", "a,b", '"', '""', " blank ", "ünïcode 🎈"]
    rows = [[f"p{i}", name, "", ""] for i, name in enumerate(names)]
    bench.land(PRODUCTS, csv_text([["id", "name", "active", "updated_at"], *rows]))
    bench.gate()
    assert bench.query(NAMES) == [(f"p{i}", name) for i, name in enumerate(names)]


def test_f04_f05_records_of_other_lengths_are_set_aside(bench: Bench) -> None:
    bench.land(
        PRODUCTS,
        products(
            "p1,Basic,true,2026-01-01",
            "p2,Plus,true,2026-01-01,",
            'p3,"two',
            'lines",true',
            "p4,Pro,true,2026-01-01",
            "",
            "p5,Max,true,2026-01-01",
        ),
    )
    (file,) = bench.gate().files
    assert (file.rows_received, file.rows_accepted, file.rows_quarantined) == (6, 3, 3)
    rows = bench.query("select id, name, _file_row from raw_billing.products order by _file_row")
    assert rows == [("p1", "Basic", 1), ("p4", "Pro", 4), ("p5", "Max", 6)]
    assert bench.quarantine() == [
        (PRODUCTS, 2, None, None, "too_many_fields"),
        (PRODUCTS, 3, None, None, "too_few_fields"),
        (PRODUCTS, 5, None, None, "too_few_fields"),
    ]
    lines = bench.control.connection.execute("select line from quarantine order by 1").fetchall()
    assert [tuple(line) for line in lines] == [(3,), (4,), (7,)]


@pytest.mark.parametrize(
    ("record", "line"),
    [('p2,5" screen,,', 3), ('p2,"Basic" plan,,', 3), ('p2,a"",,', 3), ('p2,"a"b",,', 3)],
)
def test_f06_a_bare_quote_refuses_the_file(bench: Bench, record: str, line: int) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,", record, 'p3,"Quoted",,', "p4,a,,"))
    reason = bench.refused().reason or ""
    assert f"line {line}" in reason or "never closed" in reason


def test_f06_an_unterminated_quote_refuses_the_file(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,", 'p2,"Plus,,', "p3,Pro,,"))
    assert "never closed" in (bench.refused().reason or "")


def test_f07_a_file_cut_off_anywhere_is_refused_or_a_whole_smaller_file(bench: Bench) -> None:
    whole = products('p1,"a ""b""\nc",true,2026-01-01', "p2,Plus,false,2026-01-02").encode()
    ends_of_records = {whole.index(b"\n") + 1: 0, whole.index(b"p2"): 1, len(whole): 2}
    for cut in range(len(whole) + 1):
        path = bench.land(PRODUCTS, whole[:cut])
        if cut in ends_of_records:
            assert bench.gate().rows_accepted == ends_of_records[cut]
        else:
            bench.refused()
        path.unlink()


def test_f09_an_empty_file_is_refused_and_a_header_alone_is_no_rows(bench: Bench) -> None:
    bench.land("billing/products/empty.csv", b"")
    bench.land("billing/customers/header.csv", "id,name,created\n")
    assert bench.refused().file == "billing/products/empty.csv"
    report = bench.gate(go_on=True)
    assert [(file.file, file.state) for file in report.files] == [
        ("billing/customers/header.csv", FileState.ACCEPTED),
        ("billing/products/empty.csv", FileState.REFUSED),
    ]
    assert bench.query("select * from raw_billing.customers") == []


def test_f10_columns_are_taken_by_name(bench: Bench) -> None:
    bench.land(PRODUCTS, "updated_at,name,id\n2026-01-01T10:00:00Z,Basic,p1\n")
    bench.gate()
    assert bench.query(
        "select id, name, active, cast(updated_at as varchar) from raw_billing.products"
    ) == [("p1", "Basic", None, "2026-01-01 10:00:00")]


def test_f11_a_repeated_header_is_set_aside(bench: Bench) -> None:
    bench.land("billing/products/b.csv", "id,name\np1,Basic\nid,name\np2,id\n")
    bench.gate()
    assert bench.query(NAMES) == [("p1", "Basic"), ("p2", "id")]
    assert [row[1:] for row in bench.quarantine()] == [(2, None, None, "repeated_header")]


def test_f11_files_put_together_with_their_marks_are_one_file(bench: Bench) -> None:
    bench.land("billing/products/b.csv", "\ufeffid,name\np1,Basic\n\ufeffid,name\np2,id\n")
    bench.gate()
    assert bench.query(NAMES) == [("p1", "Basic"), ("p2", "id")]
    assert [row[1:] for row in bench.quarantine()] == [(2, None, None, "repeated_header")]


def test_f11_a_preamble_is_refused(bench: Bench) -> None:
    bench.land(PRODUCTS, "Products of ACME\n\n" + products("p1,Basic,,"))
    file = bench.refused()
    assert file.column == "id"


def test_f11_a_second_table_in_a_file_is_set_aside(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,") + "code,country\nDE,Germany\n")
    bench.gate()
    assert bench.query(NAMES) == [("p1", "Basic")]
    assert [row[4] for row in bench.quarantine()] == ["too_few_fields", "too_few_fields"]


def test_f12_crlf_is_taken_when_uniform(bench: Bench) -> None:
    text = products("p1,Basic,,", 'p2,"two\nlines",,', 'p3,"a\rb",,').replace(",,\n", ",,\r\n")
    bench.land(PRODUCTS, text.replace("updated_at\n", "updated_at\r\n"))
    bench.gate()
    assert bench.query(NAMES) == [("p1", "Basic"), ("p2", "two\nlines"), ("p3", "a\rb")]


@pytest.mark.parametrize(
    "content",
    [
        "id,name\r\np1,a\r\np2,b\n",
        "id,name\np1,a\r\np2,b\n",
        "id,name\np1,a\rp2,b\n",
        "id,name\rp1,a\rp2,b\r",
        'id,name\r\np1,"a"\np2,b\r\n',
    ],
)
def test_f12_mixed_line_endings_are_refused(bench: Bench, content: str) -> None:
    bench.land(PRODUCTS, content)
    bench.refused()


def test_f13_a_nul_byte_sets_the_row_aside(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,a\0b,,", "p2,Plus,,"))
    bench.gate()
    assert bench.query(NAMES) == [("p2", "Plus")]
    assert bench.quarantine() == [(PRODUCTS, 1, "name", "a␀b", "nul_byte")]


@pytest.mark.parametrize("size", [1_000_001, 3_000_000, 40_000_000])
def test_f14_a_field_too_long_sets_the_row_aside(bench: Bench, size: int) -> None:
    bench.land(
        PRODUCTS, products("p1," + "x" * 1_000_000 + ",,", "p2," + "y" * size + ",,", "p3,c,,")
    )
    bench.gate()
    sizes = "select id, length(name) from raw_billing.products order by id"
    assert bench.query(sizes) == [("p1", 1_000_000), ("p3", 1)]
    ((_, row, column, value, rule),) = bench.quarantine()
    assert (row, column, rule) == (2, "name", "text_too_long")
    assert value == "y" * 200 + f"… ({size} characters)"


def test_f15_another_delimiter_is_refused_and_named(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,").replace(",", ";"))
    assert "semicolons" in (bench.refused().reason or "")


def test_f15_european_decimals_are_set_aside(bench: Bench) -> None:
    bench.land(
        "finance/fx_rates/a.csv",
        'rate_date,currency,rate\n2026-01-01,EUR,"1.234,56"\n2026-01-02,EUR,1.08\n',
    )
    bench.gate()
    rows = bench.query("select cast(rate as varchar) from raw_finance.fx_rates")
    assert rows == [("1.0800000000",)]
    assert [row[2:] for row in bench.quarantine()] == [("rate", "1.234,56", "not_a_decimal")]


def test_f16_a_damaged_parquet_file_is_refused(bench: Bench, tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"id": ["p1"], "name": ["Basic"]}), whole)
    content = whole.read_bytes()
    for damaged in (content[:-5], content[: len(content) // 2], b"", b"PAR1", b"id,name\n"):
        path = bench.land("billing/products/a.parquet", damaged)
        assert "no readable Parquet" in (bench.refused().reason or "")
        path.unlink()


def test_f18_the_same_content_counts_once_per_table(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,"))
    bench.land("billing/products/copy.csv", products("p1,Basic,,"))
    report = bench.gate()
    assert [file.state for file in report.files] == [FileState.ACCEPTED, FileState.DUPLICATE]
    assert (report.rows_received, report.rows_accepted, report.rows_superseded) == (2, 1, 1)
    assert bench.query("select id, _file from raw_billing.products") == [("p1", PRODUCTS)]
    assert bench.query("select file, rows_accepted, state from quality.load_log order by 1") == [
        (PRODUCTS, 1, "accepted"),
        ("billing/products/copy.csv", 0, "duplicate"),
    ]


def test_f18_one_content_for_two_tables_is_read_by_both_contracts(bench: Bench) -> None:
    text = "id,name,created\n1,a,2026-01-01\n"
    bench.land("billing/products/a.csv", text)
    bench.land("billing/customers/a.csv", text)
    bench.gate()
    assert bench.query("select id, name from raw_billing.products") == [("1", "a")]
    assert bench.query("select id, name, created::date::varchar from raw_billing.customers") == [
        ("1", "a", "2026-01-01")
    ]


def test_f19_a_file_that_changes_while_it_is_read_is_refused_and_taken_next_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.land(PRODUCTS, products("p1,Basic,,"))

    def take_in_while_it_grows(
        file: LandedFile, sha256: str, accepted_dir: Path, **_: object
    ) -> Taken:
        with path.open("a") as stream:
            stream.write("p2,Plus,,\n")
        return take_in(file, sha256, accepted_dir)

    monkeypatch.setattr("orchestration.landing.gate.take_in", take_in_while_it_grows)
    assert "changed while it was read" in (bench.refused().reason or "")
    monkeypatch.undo()
    bench.gate()
    assert bench.query(NAMES) == [("p1", "Basic"), ("p2", "Plus")]


def test_f21_a_link_out_of_the_landing_folder_stops_the_run(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(products("p1,Secret,,"))
    bench.land(PRODUCTS, products("p1,Basic,,"))
    link = bench.settings.landing / "billing/products/b.csv"
    link.symlink_to(secret)
    with pytest.raises(LandingError, match=r"billing/products/b\.csv is a link"):
        bench.gate()
    link.unlink()
    (bench.settings.landing / "billing/customers").symlink_to(tmp_path)
    with pytest.raises(LandingError, match="billing/customers is a link"):
        bench.gate()


def test_f21_a_link_inside_the_landing_folder_is_followed(bench: Bench) -> None:
    path = bench.land("billing/products/2026/a.csv", products("p1,Basic,,"))
    (bench.settings.landing / PRODUCTS).symlink_to(path)
    states = [file.state for file in bench.gate().files]
    assert states == [FileState.ACCEPTED, FileState.DUPLICATE]


def test_compressed_csv_and_jsonl_are_unpacked(bench: Bench) -> None:
    bench.land("billing/products/a.csv.gz", gzip.compress(products("p1,Basic,,").encode()))
    with pa.output_stream(bench.land("billing/products/b.jsonl.zst", b""), "zstd") as stream:
        stream.write(b'{"id": "p2", "name": "Plus"}\n')
    bench.gate()
    assert bench.query("select id, name from raw_billing.products order by id") == [
        ("p1", "Basic"),
        ("p2", "Plus"),
    ]


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst", "jsonl.gz", "jsonl.zst"])
def test_a_compressed_file_that_is_cut_off_is_refused(bench: Bench, suffix: str) -> None:
    names = [os.urandom(20).hex() for _ in range(2000)]
    content = (
        products(*(f"p,{name},," for name in names)).encode()
        if suffix.startswith("csv")
        else b"".join(b'{"id": "p", "name": "%s"}\n' % name.encode() for name in names)
    )
    path = bench.land(f"billing/products/a.{suffix}", gzip.compress(content))
    if suffix.endswith("zst"):
        with pa.output_stream(path, "zstd") as stream:
            stream.write(content)
    path.write_bytes(path.read_bytes()[:-100])
    assert "damaged or cut off" in (bench.refused().reason or "")
