"""What a sender's manifest says is held against what landed: F8, F17, F18, F20."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.landing.gate import RefusedFilesError
from orchestration.landing.report import FileState
from tests.landing.conftest import Bench, products

PRICES = "billing/prices/a.csv"
MANIFEST = "billing/prices/_manifest.json"
HEADER = "id,product_id,currency,unit_amount\n"
ROWS = HEADER + "p1,x,usd,1000\np2,x,usd,250\np3,x,usd,\n"


def promise(bench: Bench, **said: Any) -> None:
    """Land a manifest of one file."""
    bench.land(MANIFEST, json.dumps({"files": [{"file": "a.csv", **said}]}))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_file_that_is_as_its_manifest_says_is_taken(bench: Bench) -> None:
    bench.land(PRICES, ROWS)
    promise(
        bench, bytes=len(ROWS), sha256=sha256(ROWS).upper(), rows=3, totals={"unit_amount": 1250}
    )
    (file,) = bench.gate().files
    assert (file.state, file.rows_accepted) == (FileState.ACCEPTED, 3)


@pytest.mark.parametrize("keep", [3, 2, 1])
@pytest.mark.parametrize("kind", ["bytes", "sha256", "rows", "totals"])
def test_f08_a_file_cut_at_the_end_of_a_record_is_refused(
    bench: Bench, keep: int, kind: str
) -> None:
    said = {
        "bytes": len(ROWS),
        "sha256": sha256(ROWS),
        "rows": 3,
        "totals": {"unit_amount": "1250"},
    }
    bench.land(PRICES, "".join(ROWS.splitlines(keepends=True)[:keep]))
    promise(bench, **{kind: said[kind]})
    if kind == "totals" and keep == 3:
        # The row that is cut off has no amount: a total alone cannot see it.
        assert bench.gate().rows_accepted == 2
        return
    assert MANIFEST in (bench.refused().reason or "")


def test_f08_a_total_sees_a_value_that_moved(bench: Bench) -> None:
    bench.land(PRICES, ROWS.replace("250", "520"))
    promise(bench, rows=3, totals={"unit_amount": 1250})
    file = bench.refused()
    assert file.column == "unit_amount"
    assert "sums to 1520" in (file.reason or "")


def test_f08_totals_are_exact_beyond_64_bits_and_of_decimals(bench: Bench) -> None:
    large, rows = 10**15, 10_000
    assert large * rows > 2**63
    bench.land(PRICES, HEADER + "".join(f"p{n},x,usd,{large}\n" for n in range(rows)))
    promise(bench, totals={"unit_amount": rows * large})
    rates = "rate_date,currency,rate\n2026-01-01,EUR,1.08\n2026-01-02,EUR,0.0000000001\n"
    bench.land("finance/fx_rates/r.csv", rates)
    entry = {"file": "fx_rates/r.csv", "totals": {"rate": "1.0800000001"}}
    bench.land("finance/_manifest.json", json.dumps({"files": [entry]}))
    assert bench.gate().rows_accepted == rows + 2


def test_a_total_over_rows_that_cannot_be_read_is_not_confirmed_and_says_so(bench: Bench) -> None:
    bench.land(PRICES, ROWS.replace("250", "2,5 0"))
    promise(bench, rows=3, totals={"unit_amount": 1250})
    report = bench.gate()
    assert report.rows_quarantined == 1
    (line,) = [line for line in report.lines() if "total not confirmed" in line]
    assert line.startswith(PRICES)
    assert "unit_amount (1 rows of it cannot be read)" in line


def test_a_total_counts_rows_that_are_set_aside_for_something_else(bench: Bench) -> None:
    bench.land(PRICES, ROWS.replace("p2,x", "p2,"))
    promise(bench, totals={"unit_amount": 1250})
    assert bench.gate().rows_quarantined == 1


def test_f07_a_last_line_without_its_break_is_taken_where_the_bytes_are_confirmed(
    bench: Bench,
) -> None:
    cut = ROWS.removesuffix("\n")
    bench.land(PRICES, cut)
    assert "not ended by a line break" in (bench.refused().reason or "")
    # A file that was refused is looked at again when its manifest comes.
    promise(bench, bytes=len(cut))
    assert bench.gate().rows_accepted == 3
    windows = ROWS.replace("\n", "\r\n").removesuffix("\r\n")
    bench.land(PRICES, windows)
    promise(bench, sha256=sha256(windows))
    assert bench.gate().rows_accepted == 3
    promise(bench, rows=3)
    assert "not ended by a line break" in (bench.refused().reason or "")


def test_f07_a_confirmed_file_still_closes_its_quotes(bench: Bench) -> None:
    text = HEADER + 'p1,x,"usd'
    bench.land(PRICES, text)
    promise(bench, bytes=len(text))
    assert "never closed" in (bench.refused().reason or "")


def test_f20_a_delivery_of_which_tables_are_missing_is_refused(bench: Bench) -> None:
    named = [f"{table}/1.csv" for table in ("customers", "prices", "products", "invoices")]
    bench.land(
        "billing/_manifest.2026-11-22.json", json.dumps({"files": [{"file": f} for f in named]})
    )
    bench.land("billing/products/1.csv", products("p1,Basic,,"))
    bench.land("billing/prices/1.csv", ROWS)
    with pytest.raises(RefusedFilesError) as caught:
        bench.gate()
    said = str(caught.value)
    assert "the delivery is incomplete: of the 4 files" in said
    assert "2 are not there: billing/customers/1.csv, billing/invoices/1.csv" in said
    # On purpose one can go on with what is there.
    assert bench.gate(go_on=True).rows_accepted == 4


def test_f20_a_missing_file_that_comes_later_completes_the_delivery(bench: Bench) -> None:
    bench.land(MANIFEST, json.dumps({"files": [{"file": "a.csv"}, {"file": "date=1/b.csv"}]}))
    bench.land(PRICES, ROWS)
    bench.refused()
    bench.land("billing/prices/date=1/b.csv", HEADER + "p4,x,usd,1\n")
    assert bench.gate().rows_accepted == 4


#: What a manifest says that can be read, and cannot be held against the file.
HELD_TO_CONTENT = ("is it 'unit_amount'?", "no number column")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[]", 'no object with a list "files"'),
        ('{"files": {}}', 'no object with a list "files"'),
        ('{"files": [], "file": []}', "is it 'files'?"),
        ('{"files": ["a.csv"]}', 'no object with a text "file"'),
        ('{"files": [{"file": "a.csv", "row": 3}]}', "is it 'rows'?"),
        ('{"files": [{"file": "a.csv", "sha265": "x"}]}', "is it 'sha256'?"),
        ('{"files": [{"file": "a.csv", "rows": -1}]}', "no whole number"),
        ('{"files": [{"file": "a.csv", "rows": 3.0}]}', "no whole number"),
        ('{"files": [{"file": "a.csv", "rows": true}]}', "no whole number"),
        ('{"files": [{"file": "a.csv", "bytes": NaN}]}', "not JSON"),
        ('{"files": [{"file": "a.csv", "sha256": "abc"}]}', "64 hex digits"),
        ('{"files": [{"file": "a.csv", "totals": [1]}]}', "no object of sums"),
        ('{"files": [{"file": "a.csv", "totals": {"unit_amount": "1,250"}}]}', "is no number"),
        ('{"files": [{"file": "a.csv", "totals": {"unit_amount": 1e3}}]}', "is no number"),
        ('{"files": [{"file": "a.csv", "totals": {"amount": 1250}}]}', "is it 'unit_amount'?"),
        ('{"files": [{"file": "a.csv", "totals": {"currency": 1}}]}', "no number column"),
        ('{"files": [{"file": "a.csv"}, {"file": "a.csv"}]}', "twice"),
        ('{"files": [{"file": "a.csv", "rows": 3, "rows": 4}]}', "the same name twice"),
        ('{"files": [{"file": "../prices/a.csv"}]}', "no file of its own folder"),
        ('{"files": [{"file": "/etc/passwd"}]}', "no file of its own folder"),
        ('{"files": ' + "[" * 5000, "no JSON"),
    ],
)
def test_a_manifest_that_says_nothing_certain_is_refused(
    bench: Bench, text: str, said: str
) -> None:
    bench.land(PRICES, ROWS)
    bench.land(MANIFEST, text)
    with pytest.raises(RefusedFilesError) as caught:
        bench.gate()
    refused = {file.file: file.reason or "" for file in caught.value.report.refused}
    assert said in refused[PRICES if said in HELD_TO_CONTENT else MANIFEST]


def test_files_of_a_broken_manifest_are_not_taken_unconfirmed(bench: Bench) -> None:
    bench.land("billing/prices/before.csv", HEADER + "p0,x,usd,1\n")
    assert bench.gate().rows_accepted == 1
    bench.land(MANIFEST, '{"files": [{"file": "a.csv", "rows": 3,}]}')
    bench.land(PRICES, ROWS)
    bench.land("billing/prices/date=1/below.csv", HEADER + "p4,x,usd,1\n")
    bench.land("billing/prices/said.csv", HEADER + "p5,x,usd,1\n")
    bench.land(
        "billing/prices/_manifest.2.json", json.dumps({"files": [{"file": "said.csv", "rows": 1}]})
    )
    bench.land("billing/products/other.csv", products("x,Basic,,"))
    for _ in range(2):
        # Also told to go on, and also the second time.
        with pytest.raises(RefusedFilesError):
            bench.gate()
        report = bench.gate(go_on=True)
        assert [file.file for file in report.accepted] == [
            *("billing/prices/before.csv", "billing/prices/said.csv"),
            "billing/products/other.csv",
        ]
        reasons = {file.file: file.reason or "" for file in report.refused}
        assert set(reasons) == {MANIFEST, PRICES, "billing/prices/date=1/below.csv"}
        assert f"its manifest {MANIFEST} cannot be read" in reasons[PRICES]
    promise(bench, rows=3)
    assert bench.gate().rows_accepted == 7


def test_f17_no_flipped_bit_gets_past_a_sha256(bench: Bench) -> None:
    """300 flips anywhere in a Parquet file; none is accepted."""
    ids = [f"p{n}" for n in range(500)]
    path = bench.land("billing/products/a.parquet", b"")
    pq.write_table(pa.table({"id": ids, "name": ids}), path)
    whole = path.read_bytes()
    said = {"file": "a.parquet", "sha256": hashlib.sha256(whole).hexdigest()}
    bench.land("billing/products/_manifest.json", json.dumps({"files": [said]}))
    assert bench.gate().rows_accepted == 500
    chance = random.Random(17)
    for _ in range(300):
        bit = chance.randrange(8 * len(whole))
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert bench.gate(go_on=True).rows_accepted == 0, f"bit {bit}"


def test_f17_page_checksums_keep_flipped_values_out(bench: Bench) -> None:
    """Without a manifest, but with checksums in the file: what is accepted is what was written."""
    ids = [f"p{n}" for n in range(500)]
    path = bench.land("billing/products/a.parquet", b"")
    pq.write_table(pa.table({"id": ids, "name": ids}), path, write_page_checksum=True)
    whole = path.read_bytes()
    accepted = 0
    chance = random.Random(18)
    for _ in range(300):
        bit = chance.randrange(8 * len(whole))
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        if bench.gate(go_on=True).rows_accepted:
            accepted += 1
            rows = bench.query("select id, name from raw_billing.products order by _file_row")
            assert rows == [(one, one) for one in ids], f"bit {bit}"
    assert accepted < 100, "most flips are in pages, and those must be seen"
