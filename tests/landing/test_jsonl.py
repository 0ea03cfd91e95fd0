"""Json lines: exact values, bad lines set aside, files that are no json lines refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.landing.conftest import Bench

EVENTS = "product/events/a.jsonl"


def event(more: str = "", id_: str = "e1") -> str:
    return f'{{"id":"{id_}","account_id":"a","event":"x","occurred_at":"2026-01-01"{more}}}\n'


def test_lines_become_rows_by_name(bench: Bench) -> None:
    bench.land(
        EVENTS,
        '{"event": "say \\"hi\\"\\n🎈 \\u00e9", "occurred_at": "2026-01-01T00:00:00Z", "id": "e1",'
        ' "account_id": "a", "properties": {"n": 1.10, "l": [true, null, "ü\\n"], "big": 1e400}}\n',
    )
    bench.gate()
    assert bench.query(
        "select id, account_id, event, user_id, properties, _file_row from raw_product.events"
    ) == [("e1", "a", 'say "hi"\n🎈 é', None, '{"n":1.10,"l":[true,null,"ü\\n"],"big":1e400}', 1)]


@pytest.mark.parametrize(
    ("line", "column", "rule"),
    [
        ("{", None, "not_json"),
        ("", None, "not_json"),
        ("[1]", None, "not_an_object"),
        ('"text"', None, "not_an_object"),
        ('{"a": NaN}', None, "not_json"),
        ('{"id": "e2", "id": "e3"}', None, "repeated_name"),
        (event(',"user_id":{"a":1}').strip(), "user_id", "nested_value"),
        (event(',"user_id":"\\ud800"').strip(), "user_id", "not_unicode"),
        (event(',"user_id":"a\\u0000b"').strip(), "user_id", "nul_byte"),
        (event(',"received_at":1717171717').strip(), "received_at", "epoch_timestamp"),
        (event(',"properties":"no json"').strip(), "properties", "not_json"),
        ('{"id": "e2"}', "account_id", "required_missing"),
        ("[" * 100_000, None, "not_json"),
    ],
)
def test_a_bad_line_is_set_aside(bench: Bench, line: str, column: str | None, rule: str) -> None:
    bench.land(EVENTS, event(id_="good1") + line + "\n" + event(id_="good2"))
    (file,) = bench.gate().files
    assert (file.rows_received, file.rows_accepted) == (3, 2)
    assert [(row[1], row[2], row[4]) for row in bench.quarantine()] == [(2, column, rule)]
    rows = bench.query("select id, _file_row from raw_product.events order by 2")
    assert rows == [("good1", 1), ("good2", 3)]


def test_numbers_are_taken_as_they_were_written(bench: Bench) -> None:
    line = '{"rate_date":"2026-01-0%d","currency":"EUR","rate":%s}\n'
    bench.land("finance/fx_rates/a.jsonl", line % (1, "1.1") + line % (2, '"1.0800000001"'))
    bench.land("finance/fx_rates/b.jsonl", line % (3, "1.08000000001") + line % (4, "1E0"))
    bench.gate()
    rates = bench.query("select rate from raw_finance.fx_rates order by rate_date")
    assert rates == [(Decimal("1.1"),), (Decimal("1.0800000001"),)]
    assert [row[3] for row in bench.quarantine()] == ["1.08000000001", "1E0"]


def test_a_required_name_that_no_line_has_refuses_the_file(bench: Bench) -> None:
    bench.land(EVENTS, '{"id":"e1","accountId":"a","event":"x","occurred_at":"2026-01-01"}\n')
    file = bench.refused()
    assert file.column == "account_id"
    assert "'accountId'" in (file.reason or "")


def test_f07_a_last_line_that_is_cut_off_refuses_the_file(bench: Bench) -> None:
    whole = event(id_="e1") + event(id_="e2")
    bench.land(EVENTS, whole[:-10])
    assert "line (2) is cut off" in (bench.refused().reason or "")


def test_a_whole_last_line_needs_no_line_break(bench: Bench) -> None:
    bench.land(EVENTS, event(id_="e1") + event(id_="e2").rstrip("\n"))
    assert bench.gate().rows_accepted == 2


def test_f01_f02_encodings(bench: Bench) -> None:
    path = bench.land(EVENTS, b"\xef\xbb\xbf" + event().encode())
    assert bench.gate().rows_accepted == 1
    path.unlink()
    content = event().encode() + event(',"user_id":"é"').encode("latin-1")
    bench.land(EVENTS, content)
    assert f"byte {content.index(0xE9)} " in (bench.refused().reason or "")


def test_f09_an_empty_file_is_refused(bench: Bench) -> None:
    bench.land(EVENTS, b"")
    assert "empty" in (bench.refused().reason or "")


def test_f22_new_names_are_reported(bench: Bench) -> None:
    bench.land(EVENTS, event(',"colour":1') + event(',"size":2', "e2"))
    (file,) = bench.gate().files
    assert (file.extra_columns, file.rows_accepted) == (("colour", "size"), 2)


def test_many_lines_keep_their_numbers(bench: Bench) -> None:
    lines = [event(id_=str(n)) for n in range(1, 20_001)]
    lines[9_999] = "{\n"
    bench.land(EVENTS, "".join(lines))
    bench.gate()
    assert bench.query(
        "select count(*), count(*) filter (id = _file_row::varchar) from raw_product.events"
    ) == [(19_999, 19_999)]
    assert [row[1] for row in bench.quarantine()] == [10_000]
