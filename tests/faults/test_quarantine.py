"""Rows in quarantine: accounted for, listed, acknowledged, corrected: I19, F24, F30."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from orchestration import cli
from orchestration.control import Control
from orchestration.errors import ConfigurationError
from orchestration.invariants import check_invariants
from orchestration.landing.contract import load_contract
from orchestration.landing.quarantine import acknowledge, lines, rows_in_quarantine
from orchestration.results import Result
from orchestration.run_log import row_account
from tests.landing.conftest import Bench, csv_text, products
from tests.support.raw_tables import raw_contract

PRICES = "billing/prices/a.csv"
HEADER = "id,product_id,currency,unit_amount,updated_at\n"


def states(bench: Bench) -> list[tuple[object, ...]]:
    bench.gate()
    return bench.query("select file, file_row, state from quality.quarantine order by all")


def failed(bench: Bench) -> list[Result]:
    """Invariants of the landed rows that do not hold."""
    names = {"rows_of_each_file_add_up", "quarantine_lists_every_row", "raw_views_have_every_row"}
    results = check_invariants(bench.connection, load_contract(), bench.control, None)
    assert names <= {result.name for result in results}
    return [result for result in results if result.name in names and not result.passed]


@pytest.mark.fault("I19", "F18", "F30")
def test_every_row_is_accepted_superseded_or_in_quarantine(bench: Bench) -> None:
    bench.land("billing/products/a.csv", products("p1,a,,", "p1,a,,", "p2,b,maybe,", "p3,c,"))
    bench.land("billing/products/b.csv", products("p1,a,,", "p4,d,,"))
    bench.land("billing/products/copy.csv", products("p1,a,,", "p4,d,,"))
    events = "id,account_id,event,occurred_at\n"
    bench.land("product/events/a.csv", events + "e1,a,x,2026-01-01\ne1,a,y,2026-01-01\n")
    bench.land("product/events/b.csv", events + "e1,a,x,2026-01-01\ne2,a,x,2026-01-01\nbad,row\n")
    report = bench.gate()
    assert bench.query(
        "select file, rows_received, rows_accepted, rows_superseded, rows_quarantined, state"
        " from quality.load_log order by file"
    ) == [
        ("billing/products/a.csv", 4, 1, 1, 2, "accepted"),
        ("billing/products/b.csv", 2, 1, 1, 0, "accepted"),
        ("billing/products/copy.csv", 2, 0, 2, 0, "duplicate"),
        # The row that counts is the one with the lowest content, in the first file that has it.
        ("product/events/a.csv", 2, 1, 1, 0, "accepted"),
        ("product/events/b.csv", 3, 1, 1, 1, "accepted"),
    ]
    account = row_account(bench.connection)
    assert (account.received, account.accepted, account.superseded, account.quarantined) == (
        *(13, 4, 6, 3),
    )
    assert report.rows_received == 13
    assert failed(bench) == []


@pytest.mark.fault("I19")
@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("update quality.load_log set rows_received = 3", "rows_of_each_file_add_up"),
        (
            "update quality.load_log set rows_received = 3, rows_quarantined = 2",
            "quarantine_lists_every_row",
        ),
        ("delete from quality.quarantine", "quarantine_lists_every_row"),
        (
            "update quality.load_log set rows_received = 3, rows_accepted = 2",
            "raw_views_have_every_row",
        ),
        (
            "create or replace view raw_billing.products as select null as _file where false",
            "raw_views_have_every_row",
        ),
        ("drop table quality.load_log", "rows_of_each_file_add_up"),
    ],
)
def test_a_row_that_is_lost_or_made_up_is_seen(bench: Bench, statement: str, name: str) -> None:
    bench.land("billing/products/a.csv", products("p1,a,,", "p2,b,maybe,"))
    bench.gate()
    bench.query("select 1")
    assert failed(bench) == []
    bench.connection.execute(statement)
    found = {result.name: result for result in failed(bench)}
    assert name in found
    assert found[name].rejects
    assert found[name].examples


@pytest.mark.fault("F24", "I19")
def test_a_later_row_of_its_key_corrects_a_row_and_its_going_opens_it_again(bench: Bench) -> None:
    bench.land(
        PRICES,
        HEADER
        + "p1,x,usd,ten,2026-01-02\np2,x,usd,N/A,2026-01-02\np3,x,usd,1.0,yesterday\n,x,usd,1,\n",
    )
    all_open = [(PRICES, row, "open") for row in (1, 2, 3, 4)]
    assert states(bench) == all_open
    # An older version of p2 corrects nothing; any version of p3 does, as its own cannot be read.
    mended = bench.land(
        "billing/prices/b.csv",
        HEADER + "p1,x,usd,10,2026-01-02\np2,x,usd,20,2026-01-01\np3,x,usd,30,2025-01-01\n",
    )
    assert states(bench) == [
        (PRICES, 1, "corrected"),
        (PRICES, 2, "open"),
        (PRICES, 3, "corrected"),
        (PRICES, 4, "open"),
    ]
    bench.land("billing/prices/c.jsonl", json.dumps({"id": "p2", "product_id": "x",
               "currency": "usd", "updated_at": "2026-01-03T00:00:00Z"}) + "\n")  # fmt: skip
    assert states(bench)[1] == (PRICES, 2, "corrected")
    mended.unlink()
    assert states(bench)[0] == (PRICES, 1, "open")


@pytest.mark.fault("I19")
def test_keys_of_several_columns_and_types_find_their_correction(bench: Bench) -> None:
    head = "account_id,limit_key,measured_at,limit_value,used_value\n"
    name = "product/entitlements/a.csv"
    odd = '"a ""1"", é"'
    bench.land(name, head + f"{odd},seats,2026-01-01T10:00:00.5Z,x,1\na,seats,2026-01-01,x,1\n")
    assert states(bench) == [(name, 1, "open"), (name, 2, "open")]
    bench.land(
        "product/entitlements/b.csv", head + f"{odd},seats,2026-01-01T12:00:00.500+02:00,5,1\n"
    )
    assert states(bench) == [(name, 1, "corrected"), (name, 2, "open")]


@pytest.mark.fault("I19")
def test_acknowledged_rows_stay_so_with_who_and_why(bench: Bench) -> None:
    bench.land(PRICES, HEADER + "p1,x,usd,ten,2026-01-02\np2,x,usd,N/A,\np3,x\n")
    bench.gate()
    landing = bench.settings.landing
    taken = acknowledge(
        bench.control, landing, who="Ada", why="a test account", file=PRICES, rule="not_an_integer"
    )
    assert [row.file_row for row in taken] == [1, 2]
    bench.land("billing/prices/b.csv", HEADER + "p1,x,usd,10,2026-01-02\n")
    assert [state for *_, state in states(bench)] == ["acknowledged", "acknowledged", "open"]
    assert bench.query(
        "select distinct acknowledged_by, acknowledged_why from quality.quarantine"
        " where state = 'acknowledged'"
    ) == [("Ada", "a test account")]
    entry = bench.control.audit_trail()[-1]
    assert (entry.who, entry.what) == ("Ada", "quarantine acknowledged")
    assert entry.details == {"file": PRICES, "rows": [1, 2], "why": "a test account"}
    for choice in (
        {"file": PRICES, "file_row": 1},
        {"file": "billing/prices/x.csv"},
        {"file": PRICES, "rule": "no_such_rule"},
    ):
        with pytest.raises(ConfigurationError, match="No open row"):
            acknowledge(bench.control, landing, who="Ada", why="y", **choice)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="Say why"):
        acknowledge(bench.control, landing, who="Ada", why=" ", file=PRICES)


@pytest.mark.fault("I19")
def test_the_list_says_where_what_and_what_to_do(bench: Bench) -> None:
    assert lines(rows_in_quarantine(bench.control, bench.settings.landing)) == [
        "Nothing is in quarantine."
    ]
    bench.land(PRICES, HEADER + "p1,x,usd,ten,2026-01-02\np3,x\n")
    bench.gate()
    text = "\n".join(lines(rows_in_quarantine(bench.control, bench.settings.landing)))
    assert "2 rows in quarantine: 2 open, 0 corrected by a later row, 0 acknowledged." in text
    assert f"{PRICES}: 1 not_an_integer (open)" in text
    assert f"{PRICES}, row 1, line 2, column unit_amount = 'ten': not_an_integer, a whole" in text
    assert "make quarantine-ack FILE=" in text


def test_the_commands_list_and_acknowledge(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.land(PRICES, HEADER + "p1,x,usd,ten,2026-01-02\n")
    bench.gate()
    monkeypatch.setenv("HOLDFAST_HOME", str(bench.settings.home))
    monkeypatch.setenv("HOLDFAST_LANDING", str(bench.settings.landing))
    assert cli.main(["quarantine"]) == 0
    assert "1 open" in capsys.readouterr().out
    acknowledging = ["quarantine-ack", "--file", PRICES, "--row", "1", "--reason", "a test"]
    assert cli.main([*acknowledging, "--who", "Ada"]) == 0
    assert "1 rows of billing/prices/a.csv are acknowledged" in capsys.readouterr().out
    assert cli.main(acknowledging) == 2
    assert "No open row" in capsys.readouterr().err
    assert cli.main(["accept", "--run", "last", "--reason", "x"]) == 2
    assert "There is no run" in capsys.readouterr().err


def test_a_quarantine_of_before_is_kept_when_the_database_grows(tmp_path: Path) -> None:
    """The second migration copies the rows of the first."""
    import sqlite3

    from orchestration.control_schema import MIGRATIONS

    path = tmp_path / "control.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(MIGRATIONS[0] + "; pragma user_version = 1")
        connection.execute(
            "insert into files values ('s','t','h','c','csv','accepted',null,null,null,"
            " 1, 0, 1, null, '[]', '[]', '', '', '')"
        )
        connection.execute(
            "insert into quarantine values ('s','t','h',1,2,'c','v','r','because','', 'run','open')"
        )
    with Control(path) as control:
        rows = control.connection.execute("select rule, state, row_key from quarantine").fetchall()
    assert [tuple(row) for row in rows] == [("r", "open", None)]


@pytest.mark.fault("I19", "F24")
@pytest.mark.parametrize("seed", range(8))
def test_mended_rows_give_exactly_what_a_clean_file_gives(bench: Bench, seed: int) -> None:
    """What models read is the same, column by column; that order and files do not matter to them
    is tests/metamorphic's to show.
    """
    chance = random.Random(seed)
    columns = [name for name, _ in raw_contract()["billing.prices"].columns]
    clean = [
        {
            "id": f"p{n}",
            "product_id": f"product {n % 3}",
            "currency": chance.choice(("usd", "EUR")),
            "unit_amount": str(chance.randrange(-5, 10_000)),
            "interval": chance.choice(("month", "year", "")),
            "updated_at": f"2026-0{chance.randrange(1, 9)}-01T00:00:00Z",
        }
        for n in range(60)
    ]
    spoilt = [dict(row) for row in clean]
    bad = chance.sample(range(60), 12)
    for n in bad:
        column, value = chance.choice(
            [("unit_amount", "1,5"), ("interval", "fortnight"), ("product_id", ""),
             ("updated_at", "yesterday"), ("currency", "\0"), ("id", "NULL")]
        )  # fmt: skip
        spoilt[n][column] = value

    def text(rows: list[dict[str, str]]) -> str:
        lines = [[row.get(name, "") for name in columns] for row in rows]
        return csv_text([columns, *lines])

    path = bench.land(PRICES, text(clean))
    bench.gate()
    listed = ", ".join(columns)
    everything = f"select {listed} from raw_billing.prices order by all"
    expected = bench.query(everything)
    assert len(expected) == 60
    path.write_text(text(spoilt))
    assert bench.gate().rows_quarantined == 12
    assert len(bench.query(everything)) == 48
    bench.land("billing/prices/mended.csv", text([clean[n] for n in bad]))
    bench.gate()
    assert bench.query(everything) == expected
    still_open = bench.query("select rule from quality.quarantine where state = 'open'")
    # A row whose key was lost cannot be told to be mended: somebody has to say so.
    assert {rule for (rule,) in still_open} <= {"null_word"}
    assert failed(bench) == []
