"""A hundred dirty files land at once beside a clean one; each is judged, and none shifts a value.

What a case says of its file: the rows that are taken, the rules that set rows aside, or a part of
the sentence that refuses it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import socket
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.errors import LandingError
from orchestration.landing.report import FileOutcome, FileState
from tests.landing.conftest import Bench

Taken = list[tuple[str, str]]
HEAD = "id,name\n"


@dataclass(frozen=True)
class Case:
    """Bytes under a name, and what has to come of them."""

    name: str
    content: bytes
    taken: Taken = field(default_factory=list)
    rules: tuple[str, ...] = ()
    refused: str = ""


def _case(name: str, text: str | bytes, *taken: str, rules: str = "", refused: str = "") -> Case:
    content = text.encode() if isinstance(text, str) else text
    rows = [(row.split("|")[0], row.split("|")[1]) for row in taken]
    return Case(name, content, rows, tuple(rules.split()), refused)


def _parquet(columns: dict[str, Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, **options)
    return stream.getvalue()


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", HEAD)
    return stream.getvalue()


def _in_groups() -> bytes:
    stream, rows = io.BytesIO(), pa.table({"id": ["g1", "g2"], "name": ["a", "b"]})
    with pq.ParquetWriter(stream, rows.schema) as writer:
        for part in (rows.slice(0, 0), rows.slice(0, 1), rows.slice(0, 0), rows.slice(1)):
            writer.write_table(part)
    return stream.getvalue()


def _zst(text: bytes) -> bytes:
    return pa.compress(text, codec="zstd").to_pybytes()  # type: ignore[no-any-return]


def _csv_cases() -> Iterator[Case]:
    missing = "missing"
    headers = {
        "two_marks": "\ufeff\ufeffid,name\n", "spaces": " id, name\n", "nbsp": "id\u00a0,name\n",
        "hidden": "\u200bid,name\n", "homoglyph": "\u0456d,name\n", "quoted_whole": "'id','name'\n",
        "wide": "ｉｄ,name\n", "trailing": "id ,name\n", "tab_in_name": "id\t,name\n",
    }  # fmt: skip
    for name, header in headers.items():
        yield _case(f"header_{name}.csv", f"{header}p1,{name}\n", refused=missing)
    yield _case("header_quotes.csv", '"id" ,"name"\np1,a\n', refused="a bare quote")
    yield _case("header_two_cases.csv", "id,ID,name\np1,x,a\n", "p1|a")
    yield _case("header_extra_twice.csv", "id,name,x,x\np1,a,1,2\n", refused="2 times")
    yield _case("comma_at_all_ends.csv", "id,name,\np1,c,\n", "p1|c")
    yield _case("comma_at_row_ends.csv", "id,name\np1,d,\n", rules="too_many_fields")
    yield _case("single_quotes.csv", "id,name\n'p1','a,b'\n", rules="too_many_fields")
    yield _case("backslash.csv", 'id,name\np1,"say \\"hi\\""\n', refused="a bare quote")
    yield _case("blank_before_quote.csv", 'id,name\np1, "b"\n', refused="a bare quote")
    few = "too_few_fields"
    yield _case(
        "blank_lines.csv", "id,name\np1,e\n\n  \np2,f\n", "p1|e", "p2|f", rules=f"{few} {few}"
    )
    yield _case("comment.csv", "id,name\n# from Oracle\np1,g\n", "p1|g", rules=few)
    yield _case("ctrl_z.csv", "id,name\np1,h\n\x1a", refused="not ended by a line break")
    yield _case("line_feed_first.csv", "id,name\n\rp1,i\n\r", refused="line 2")
    yield _case("two_returns.csv", "id,name\r\r\np1,j\r\r\n", refused="line 1")
    yield _case("returns_alone.csv", "id,name\rp1,k\r", refused="lone carriage return")
    yield _case("utf7.csv", "id,name\np1,+AGE-\n", "p1|+AGE-")
    yield _case("replaced.csv", "id,name\np1,M\ufffdller\n", "p1|M\ufffdller")
    for name, text in {
        "overlong": b"\xc0\xaf", "surrogate": b"\xed\xa0\x80", "too_far": b"\xf4\x90\x80\x80",
    }.items():  # fmt: skip
        yield _case(f"utf8_{name}.csv", HEAD.encode() + b"p1," + text + b"\n", refused="byte 11")
    yield _case("utf16_big.csv", "id,name\np1,l\n".encode("utf-16-be"), refused="NUL")
    yield _case("utf32.csv", "id,name\np1,l\n".encode("utf-32"), refused="not UTF-8: byte 0")
    yield _case("ebcdic.csv", "id,name\np1,l\n".encode("cp037"), refused="not UTF-8: byte 0")
    hidden = (
        "\u200b",
        "\ufeff",
        "\u2060",
        "\u00ad",
        "\u3164",
        "\u202e",
        "\x01",
        "\x7f",
        "\x1b[31m",
    )
    for sign in hidden:
        code = f"{ord(sign[0]):04x}"
        yield _case(f"id_{code}.csv", f"{HEAD}p1{sign},{code}\n", rules="invisible_character")
    yield _case("id_only_blank.csv", f"{HEAD}\u00a0,m\n\u2003,n\n", rules="key_missing key_missing")
    # Two spellings of one sign are two ids, and so are two cases: nobody may say they are one.
    both = ("caf\u00e9|o", "cafe\u0301|p", "Cafe\u0301|q", "cafe\u0301 |r")
    yield _case("id_spellings.csv", HEAD + "".join(f"{b.replace('|', ',')}\n" for b in both), *both)
    yield _case("id_joiner.csv", f"{HEAD}می\u200cخواهم,s\n", "می\u200cخواهم|s")


def _packed_cases() -> Iterator[Case]:
    text, more = b"id,name\np1,packed\n", b"p2,more\n"
    other = "another kind of file"
    yield _case("gzip.csv", gzip.compress(text), refused=other)
    yield _case("bzip2.csv", bz2.compress(text), refused=other)
    yield _case("excel.csv", _zip(), refused=other)
    yield _case("zstd.csv", _zst(text), refused=other)
    yield _case("parquet.jsonl", _parquet({"id": ["p"]}), refused=other)
    yield _case("old_excel.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", refused=other)
    yield _case("gzip_twice.csv.gz", gzip.compress(gzip.compress(text)), refused=other)
    yield _case("plain.csv.gz", text, refused="damaged")
    yield _case("zip.csv.gz", _zip() + b" ", refused="damaged")
    yield _case("zstd.csv.gz", _zst(more), refused="damaged")
    yield _case("members.csv.gz", gzip.compress(text) + gzip.compress(more), "p1|packed", "p2|more")
    yield _case("garbage.csv.gz", gzip.compress(text) + b"garbage", refused="damaged")
    yield _case("frames.csv.zst", _zst(text) + _zst(more), "p1|packed", "p2|more")
    yield _case("cut.csv.zst", _zst(text)[:-1], refused="damaged")
    yield _case("garbage.csv.zst", _zst(text) + b"garbage", refused="damaged")


def _json_cases() -> Iterator[Case]:
    good = '{"id": "p3", "name": "c"}\n'
    none = "is a JSON object"
    yield _case("list.jsonl", '[{"id": "p1", "name": "a"}]\n', refused=none)
    yield _case("pretty.jsonl", '{\n "id": "p1",\n "name": "a"\n}\n', refused=none)
    yield _case("csv.jsonl", "id,name\np1,a\n", refused=none)
    yield _case("single_quotes.jsonl", "{'id': 'p1', 'name': 'a'}\n", refused=none)
    yield _case("separator.jsonl", f"\x1e{good}", refused=none)
    yield _case("other_cases.jsonl", '{"ID": "p1", "Name": "a"}\n', refused="missing")
    bad = {
        "comma": '{"id": "p1", "name": "a"},', "comment": "// from Mongo",
        "two": '{"id": "p1", "name": "a"}{"id": "p2", "name": "b"}', "nan": '{"id": NaN}',
        "deep": '{"id": "p1", "name": "a", "x": ' + "[" * 10_000 + "]" * 10_000 + "}",
        "mark": '\ufeff{"id": "p1", "name": "a"}', "blank": "",
    }  # fmt: skip
    for name, line in bad.items():
        yield _case(f"{name}.jsonl", f"{good}{line}\n", "p3|c", rules="not_json")
    twice = '{"id": "p1", "id": "p2", "name": "b"}\n'
    yield _case("twice.jsonl", good + twice, "p3|c", rules="repeated_name")
    nested = '{"id": {"a": 1}, "name": "b"}\n'
    yield _case("nested.jsonl", good + nested, "p3|c", rules="nested_value")
    yield _case(
        "some_cases.jsonl", f'{good}{{"Id": "p1", "name": "a"}}\n', "p3|c", rules="key_missing"
    )
    yield _case(
        "half_sign.jsonl", good + '{"id": "x", "name": "\\ud800"}\n', "p3|c", rules="not_unicode"
    )
    yield _case("nul.jsonl", good + '{"id": "x\\u0000", "name": "a"}\n', "p3|c", rules="nul_byte")
    digits = "123456789012345678901234567890"
    numbers = f'{{"id": {digits}, "name": 1.0}}\n{{"id": 1e3, "name": 1.10}}\n'
    yield _case("numbers.jsonl", numbers, f"{digits}|1.0", "1e3|1.10")


def _parquet_cases() -> Iterator[Case]:
    two = {"id": ["q1", "q2"], "name": ["a", "b"]}
    rows = ("q1|a", "q2|b")
    for number, packing in enumerate(("zstd", "brotli", "lz4", "gzip")):
        more = {"id": ["q1", f"q{number}"], "name": ["a", "b"]}
        packed = _parquet(more, compression=packing)
        yield _case(f"{packing}.parquet", packed, "q1|a", f"q{number}|b")
    delta = _parquet(two, data_page_version="2.0", use_dictionary=False,
                     column_encoding="DELTA_BYTE_ARRAY")  # fmt: skip
    yield _case("delta.parquet", delta, *rows)
    yield _case("empty_groups.parquet", _in_groups(), "g1|a", "g2|b")
    large = {name: pa.array(texts, pa.large_string()) for name, texts in two.items()}
    yield _case("large_texts.parquet", _parquet(large), *rows)
    coded = {name: pa.array(texts).dictionary_encode() for name, texts in two.items()}
    yield _case("coded.parquet", _parquet(coded | {"x": [1, 2]}), *rows)
    big = {**two, "id": pa.array([2**64 - 1, 7], pa.uint64())}
    yield _case("unsigned.parquet", _parquet(big), f"{2**64 - 1}|a", "7|b")
    for name, ids in {
        "binary": [b"q1", b"\xff"], "floats": [1.0, 2.0], "structs": [{"id": 1}, None],
    }.items():  # fmt: skip
        yield _case(f"{name}.parquet", _parquet({**two, "id": ids}), refused="without loss")
    inside = {"x": [{"id": "z", "name": "z"}] * 2, "x.id": ["y", "y"], **two}
    yield _case("same_name_inside.parquet", _parquet(inside), *rows)
    names = pa.table(
        [pa.array(["1"]), pa.array(["2"]), pa.array(["a"])], names=["id", "id", "name"]
    )
    stream = io.BytesIO()
    pq.write_table(names, stream)
    yield _case("name_twice.parquet", stream.getvalue(), refused="2 times")
    yield _case("no_columns.parquet", _parquet({}), refused="missing")
    whole = _parquet(two)
    for name, content in {
        "encrypted": whole[:-4] + b"PARE", "longer": whole + b"\n", "shifted": b"\n" + whole,
        "head_gone": b"ABCD" + whole[4:], "head_flipped": b"QAR1" + whole[4:],
        "two_in_one": whole + _parquet({"id": ["q3"], "name": ["c"]}), "nothing": b"",
    }.items():  # fmt: skip
        yield _case(f"{name}.parquet", content, refused="no readable Parquet")
    no_ids = {**two, "id": pa.nulls(2)}
    yield _case("no_ids.parquet", _parquet(no_ids), rules="key_missing key_missing")
    far = pa.array([2**62, 0], pa.timestamp("us"))
    yield _case("far.parquet", _parquet({**two, "updated_at": far}), rows[1], rules="inexact_value")
    turned = pa.array([2**61, 0], pa.timestamp("ms"))
    yield _case("turns_round.parquet", _parquet({**two, "updated_at": turned}), rows[1],
                rules="inexact_value")  # fmt: skip
    epoch = {**two, "updated_at": pa.array([1767323045, 0])}
    yield _case("epoch.parquet", _parquet(epoch), refused="without loss")
    words = {**two, "active": ["True", "0"]}
    yield _case("words.parquet", _parquet(words), rules="not_a_boolean not_a_boolean")


NAMES = (
    *("new\nline", 'q"uote', "emoji😀", "x" * 240, "per%20cent", "back\\slash", "tab\t", "'; drop"),
    *(
        "$(touch x)",
        "star*?",
        "[1-2]",
        " lead",
        "trail ",
        "-rf",
        "é",
        "e\u0301",
        "a",
        "A",
        "\u202e",
    ),
)


def _named_cases() -> Iterator[Case]:
    for number, name in enumerate(NAMES):
        yield _case(f"names/{name}.csv", f"{HEAD}n{number},x\n", f"n{number}|x")
    yield _case("/".join(f"d{n}" for n in range(200)) + "/a.csv", f"{HEAD}deep,x\n", "deep|x")


CASES = [*_csv_cases(), *_packed_cases(), *_json_cases(), *_parquet_cases(), *_named_cases()]
CLEAN = _case("clean.csv", "id,name\nclean,row\n", "clean|row")


@pytest.mark.fault("F01", "F02", "F04", "F05", "F10", "F11", "F12", "F16", "F18", "F29", "I19")
def test_each_of_many_dirty_files_is_taken_set_aside_or_refused(bench: Bench) -> None:
    names = [case.name for case in (*CASES, CLEAN)]
    assert len(set(names)) == len(names) > 110
    for case in (*CASES, CLEAN):
        bench.land(f"billing/products/{case.name}", case.content)
    found = {_short(file): file for file in bench.gate(go_on=True).files}
    rows: dict[str, Taken] = {}
    for file, key, name in bench.query(
        "select _file, id, name from raw_billing.products order by all"
    ):
        rows.setdefault(file.removeprefix("billing/products/"), []).append((key, name))
    rules: dict[str, list[str]] = {}
    for file, _, _, _, rule in bench.quarantine():
        rules.setdefault(file.removeprefix("billing/products/"), []).append(rule)
    wrong = []
    for case in (*CASES, CLEAN):
        file = found[case.name]
        judged = (rows.get(case.name, []), tuple(rules.get(case.name, ())))
        is_refused = file.state is FileState.REFUSED
        is_right = judged == (sorted(case.taken), case.rules) and is_refused == bool(case.refused)
        if (
            not is_right
            or case.refused not in (file.reason or "")
            or is_refused > bool(file.remedy)
        ):
            wrong.append((case.name[:60], judged, str(file.state), file.reason))
        counted = file.rows_accepted + file.rows_superseded + file.rows_quarantined
        assert file.rows_received == counted, file
    assert wrong == []


@pytest.mark.fault("F16", "F18")
def test_a_file_that_gets_its_right_name_is_read_again(bench: Bench) -> None:
    """The remedy for a wrong name has to work, whether the wrong one stays or goes."""
    content = gzip.compress(b"id,name\np1,a\n")
    wrong = bench.land("billing/products/a.csv", content)
    assert "gzip" in (bench.refused().reason or "")
    right = bench.land("billing/products/b.csv.gz", content)
    assert [file.state for file in bench.gate().files] == [FileState.DUPLICATE, FileState.ACCEPTED]
    wrong.unlink()
    assert [file.state for file in bench.gate().files] == [FileState.ACCEPTED]
    assert bench.query("select id from raw_billing.products") == [("p1",)]
    right.rename(wrong)
    bench.refused()


def _short(file: FileOutcome) -> str:
    return file.file.removeprefix("billing/products/")


@pytest.mark.fault("F21", "F19")
def test_what_is_no_file_is_refused_by_name(bench: Bench) -> None:
    """Nothing is waited for, nothing read for ever, and no name stops the run."""
    bench.land("billing/products/good.csv", f"{HEAD}p1,a\n")
    folder = bench.settings.landing / "billing" / "products"
    os.mkfifo(folder / "pipe.csv")
    os.mkfifo(folder / "_manifest.json")
    (folder / "ring1.csv").symlink_to("ring2.csv")
    (folder / "ring2.csv").symlink_to("ring1.csv")
    (folder / "gone.csv").symlink_to("nowhere.csv")
    (folder / "loop").symlink_to(".")
    raw = os.fsencode(folder)
    Path(os.fsdecode(raw + b"/m\xfcller.csv")).write_text(f"{HEAD}p2,b\n")
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        stack.enter_context(chdir(folder))
        server.bind("socket.csv")
        report = bench.gate(go_on=True)
    refused = {_short(file) for file in report.refused}
    assert refused == {
        *("pipe.csv", "_manifest.json", "ring1.csv", "ring2.csv", "gone.csv", "socket.csv"),
        "m\\xfcller.csv",
    }
    assert bench.query("select id from raw_billing.products") == [("p1",)]


@pytest.mark.fault("F21")
def test_a_path_too_long_for_the_machine_is_an_error_and_no_traceback(bench: Bench) -> None:
    folder = bench.settings.landing / "billing" / "products"
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        stack.enter_context(chdir(folder))
        for _ in range(25):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
        Path("a.csv").write_text(f"{HEAD}p1,a\n")
    with pytest.raises(LandingError, match="too long"):
        bench.gate(go_on=True)


@pytest.mark.fault("F46")
@pytest.mark.parametrize("name", ["a", ""], ids=["in_place", "written_again"])
def test_times_of_96_bits_keep_their_year(bench: Bench, name: str) -> None:
    """Spark's old times reach the year 9999; counted in nanoseconds that is 1816."""
    times = [datetime(9999, 12, 31), datetime(1, 1, 1), datetime(2026, 1, 2, 3, 4, 5, 6)]
    columns = {"id": ["a", "b", "c"], "name": ["x", "y", "z"], "updated_at": times}
    # An empty text has to be written again as nothing.
    columns |= {"active": pa.array([True, None, None])} if name else {"active": ["", "true", None]}
    content = _parquet(columns, use_deprecated_int96_timestamps=True)
    bench.land("billing/products/a.parquet", content)
    bench.gate()
    found = bench.query("select updated_at from raw_billing.products order by id")
    assert found == [(time,) for time in times]


TIERS = {
    '[{"up_to": 5, "unit_amount": 100}, {"up_to": null, "flat_amount": 12.5}]': "",
    '[{"up_to": "inf", "unit_amount": "7", "x": {"y": [1]}}]': "",
    '[{"up_to": null, "unit_amount": -5}]': "",  # rejected by name in the models
    "[]": "",
    '[{"up_to": "abc", "unit_amount": 1}]': "not_tiers",
    '[{"up_to": 1.5, "unit_amount": 1}]': "not_tiers",
    '[{"up_to": -1, "unit_amount": 1}]': "not_tiers",
    '[{"up_to": 9, "unit_amount": 1}, {"up_to": 9, "unit_amount": 2}]': "not_tiers",
    '[{"up_to": null}, {"up_to": "inf"}]': "not_tiers",
    '[{"up_to": null, "unit_amount": "x"}]': "not_tiers",
    '[{"up_to": null, "unit_amount": true}]': "not_tiers",
    '[{"up_to": null, "unit_amount": 1e30}]': "not_tiers",
    '[{"up_to": null, "unit_amount": 1000000000000001}]': "not_tiers",
    '[{"up_to": null, "unit_amount": 0.00001}]': "not_tiers",
    '[{"up_to": null, "unit_amount": null, "unit_amount_decimal": "0.5"}]': "not_tiers",
    '[{"up_to": null, "unit_amount": 1, "unit_amount": 2}]': "not_tiers",
    "{}": "not_tiers",
    "null": "not_tiers",
    "[1]": "not_tiers",
    '"x"': "not_tiers",
    "[": "not_json",
}


@pytest.mark.fault("F25", "F50")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tiers_are_what_the_models_can_compute_with(bench: Bench, suffix: str) -> None:
    rows = [{"id": f"p{n:02}", "product_id": "x", "currency": "usd", "tiers": text}
            for n, text in enumerate(TIERS)]  # fmt: skip
    if suffix == "csv":
        lines = ["id,product_id,currency,tiers"]
        for row in rows:
            document = row["tiers"].replace('"', '""')
            lines.append(f'{row["id"]},x,usd,"{document}"')
        bench.land("billing/prices/a.csv", "\n".join([*lines, ""]))
    else:
        bench.land(
            "billing/prices/a.parquet", _parquet({n: [row[n] for row in rows] for n in rows[0]})
        )
    bench.gate()
    taken = bench.query("select tiers from raw_billing.prices order by id")
    assert [text for (text,) in taken] == [text for text, rule in TIERS.items() if not rule]
    assert [row[4] for row in bench.quarantine()] == [rule for rule in TIERS.values() if rule]


CODES = {
    "EUR": True, "eur": True, "eUr": True, "XQZ": True, "\u0131dr": False, "\uff25UR": False,
    "Eur ": False, " EUR": False, "EUR\u200b": False, "EU": False, "EURO": False, "\u20ac": False,
    "978": False, "US$": False, "E\u0301UR": False, "null": False,
}  # fmt: skip


@pytest.mark.fault("F53")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_currency_is_three_letters_of_any_case(bench: Bench, suffix: str) -> None:
    """The capital of a dotless i is an I: what is no currency would have become rupiah."""
    days = [f"2026-01-{day:02}" for day in range(1, len(CODES) + 1)]
    if suffix == "csv":
        rows = [f"{day},{code},1.5" for day, code in zip(days, CODES, strict=True)]
        bench.land("finance/fx_rates/a.csv", "\n".join(["rate_date,currency,rate", *rows, ""]))
        # Where a currency may be missing, the same is no currency.
        bench.land("billing/customers/a.csv", "id,created,currency\nc,2026-01-01,\u0131dr\n")
    else:
        columns = {"rate_date": days, "currency": list(CODES), "rate": ["1.5"] * len(CODES)}
        bench.land("finance/fx_rates/a.parquet", _parquet(columns))
    bench.gate()
    taken = bench.query("select currency from raw_finance.fx_rates order by rate_date")
    assert [code for (code,) in taken] == [code for code, is_good in CODES.items() if is_good]
    said = [row[2:] for row in bench.quarantine()]
    bad = [("currency", code, "not_a_currency") for code, is_good in CODES.items() if not is_good]
    more = [("currency", "\u0131dr", "not_a_currency")] if suffix == "csv" else []
    assert said == more + bad


@pytest.mark.fault("F56")
def test_a_rate_that_no_amount_can_be_multiplied_with_is_set_aside(bench: Bench) -> None:
    """Six digits before the point; with seven, amounts left the decimals and a model stopped."""
    rates = ["999999.9999999999", "1000000", "0.0000000001", "0.00000000001"]
    rows = [f"2026-01-{day:02},eur,{rate}" for day, rate in enumerate(rates, 1)]
    bench.land("finance/fx_rates/a.csv", "\n".join(["rate_date,currency,rate", *rows, ""]))
    bench.gate()
    taken = bench.query("select rate from raw_finance.fx_rates order by rate_date")
    assert taken == [(Decimal(rates[0]),), (Decimal(rates[2]),)]
    said = [("rate", "1000000", "out_of_range"), ("rate", "0.00000000001", "out_of_range")]
    assert [row[2:] for row in bench.quarantine()] == said


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_the_contract_says_no_number_is_below_or_above_sets_its_row_aside(
    bench: Bench, suffix: str
) -> None:
    """A rate of nothing would take all money of its currency away; scores are 0 to 10."""
    rates = ["1.1", "0", "-1.1", "0.0000000001"]
    scores = [0, 10, 11, -1, 7]
    if suffix == "csv":
        rows = [f"2026-01-{day:02},eur,{rate}" for day, rate in enumerate(rates, 1)]
        bench.land("finance/fx_rates/a.csv", "\n".join(["rate_date,currency,rate", *rows, ""]))
        rows = [f"r{row},acc,{score},2026-01-01" for row, score in enumerate(scores)]
        header = "id,account_id,score,responded_at"
        bench.land("survey/nps_responses/a.csv", "\n".join([header, *rows, ""]))
    else:
        days = [date(2026, 1, day) for day in range(1, 5)]
        decimals = pa.array([Decimal(rate) for rate in rates], pa.decimal128(16, 10))
        of_rates = {"rate_date": days, "currency": ["eur"] * 4, "rate": decimals}
        bench.land("finance/fx_rates/a.parquet", _parquet(of_rates))
        ids, moments = [f"r{row}" for row in range(5)], [datetime(2026, 1, 1)] * 5
        of_scores = {"id": ids, "account_id": ids, "score": scores, "responded_at": moments}
        bench.land("survey/nps_responses/a.parquet", _parquet(of_scores))
    bench.gate()
    assert bench.query("select rate from raw_finance.fx_rates order by rate_date") == [
        (Decimal("1.1"),),
        (Decimal("0.0000000001"),),
    ]
    taken = bench.query("select score from raw_survey.nps_responses order by id")
    assert taken == [(0,), (10,), (7,)]
    said = {(row[2], Decimal(row[3]), row[4]) for row in bench.quarantine()}
    assert said == {
        ("rate", Decimal(0), "out_of_range"),
        ("rate", Decimal("-1.1"), "out_of_range"),
        ("score", Decimal(11), "out_of_range"),
        ("score", Decimal(-1), "out_of_range"),
    }


def test_tiers_of_json_lines_may_be_a_list(bench: Bench) -> None:
    tiers = [{"up_to": 5, "unit_amount": 100}, {"up_to": None, "unit_amount": 90}]
    row = {"id": "p", "product_id": "x", "currency": "usd", "tiers": tiers}
    bad = {**row, "id": "q", "tiers": [{"up_to": [1]}]}
    bench.land("billing/prices/a.jsonl", json.dumps(row) + "\n" + json.dumps(bad) + "\n")
    bench.gate()
    assert [
        json.loads(text) for (text,) in bench.query("select tiers from raw_billing.prices")
    ] == [tiers]
    assert [row[4] for row in bench.quarantine()] == ["not_tiers"]
