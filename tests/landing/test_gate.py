"""The gate as a whole: what it remembers, what it ignores, how it counts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from orchestration.landing import take_in as taking
from orchestration.landing.gate import RefusedFilesError
from orchestration.landing.report import FileState
from tests.landing.conftest import Bench, products

PRODUCTS = "billing/products/a.csv"


def test_an_absent_landing_folder_is_an_empty_one(bench: Bench) -> None:
    bench.settings.landing.rmdir()
    report = bench.gate()
    assert (report.files, report.ignored, report.gone) == ((), (), ())
    assert bench.query("select * from raw_product.events") == []


def test_what_is_not_of_the_contract_is_ignored_with_a_hint(bench: Bench) -> None:
    for name in (
        "readme.txt",
        "billing/products/notes.md",
        "billing/products/a.csv.part",
        "zoo/animals/a.csv",
        # These are left alone without a word.
        "billing/products/.hidden.csv",
        "billing/products/_SUCCESS",
        ".git/products/a.csv",
    ):
        bench.land(name, products("p1,Basic,,"))
    report = bench.gate()
    assert report.files == ()
    assert [(entry.file, entry.reason) for entry in report.ignored] == [
        ("billing/products/a.csv.part", "by its name not finished; it is taken when renamed"),
        (
            "billing/products/notes.md",
            "not .parquet, .csv or .jsonl (csv and jsonl also .gz, .zst)",
        ),
        ("readme.txt", "not in a folder <source>/<table>"),
        ("zoo/animals/a.csv", "no source is called 'zoo'"),
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("biling/products/a.csv", "is it billing?"),
        ("Billing/products/a.csv", "is it billing?"),
        ("billing/product/a.csv", "is it products?"),
        ("billing/Products/a.parquet", "is it products?"),
        ("billing/products.csv", "is it for billing/products?"),
        ("billing/products/a.xlsx", "not .parquet, .csv or .jsonl"),
        ("billing/products/a.json", "not .parquet, .csv or .jsonl"),
        ("billing/products/a.csv.zip", "not .parquet, .csv or .jsonl"),
        ("billing/products/a.parquet.gz", "not .parquet, .csv or .jsonl"),
    ],
)
def test_data_that_somebody_wants_taken_is_not_passed_over(
    bench: Bench, name: str, said: str
) -> None:
    bench.land(name, products("p1,Basic,,"))
    assert said in (bench.refused().reason or "")


def test_all_refused_files_are_in_one_error(bench: Bench) -> None:
    bench.land("billing/products/a.csv", "id\n")
    bench.land("billing/customers/a.csv", b"")
    bench.land("billing/products/good.csv", products("p1,Basic,,"))
    with pytest.raises(RefusedFilesError) as caught:
        bench.gate()
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert "billing/products/a.csv, column name: required column missing: name." in message
    assert "billing/customers/a.csv: the file is empty." in message
    assert "The columns of billing/products are id, name, active, updated_at" in message
    assert "HOLDFAST_GO_ON_WITHOUT_REFUSED=1" in message
    assert "good.csv" not in message


def test_going_on_leaves_refused_files_out_and_says_so(bench: Bench) -> None:
    bench.land("billing/products/a.csv", "id\n")
    bench.land("billing/products/good.csv", products("p1,Basic,,"))
    report = bench.gate(go_on=True)
    assert [file.file for file in report.refused] == ["billing/products/a.csv"]
    assert bench.query("select id from raw_billing.products") == [("p1",)]
    assert bench.query("select file, state from quality.load_log order by file") == [
        ("billing/products/a.csv", "refused"),
        ("billing/products/good.csv", "accepted"),
    ]


def test_a_refused_file_is_refused_again_without_being_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.land(PRODUCTS, "id\n")
    first = bench.refused()
    monkeypatch.setattr("orchestration.landing.gate.take_in", None)
    assert bench.refused().reason == first.reason


def test_a_known_file_is_neither_hashed_nor_read_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,"))
    first = bench.gate()
    monkeypatch.setattr("orchestration.landing.gate.take_in", None)
    monkeypatch.setattr("orchestration.landing.gate.sha256_of", None)
    second = bench.gate()
    assert [file.is_new for file in (*first.files, *second.files)] == [True, False]
    assert first.files[0].loaded_at == second.files[0].loaded_at


def test_loaded_at_is_when_the_content_was_first_accepted(bench: Bench) -> None:
    path = bench.land(PRODUCTS, products("p1,Basic,,"))
    (file,) = bench.gate().files
    assert file.loaded_at is not None
    assert file.loaded_at.date() == datetime(2026, 11, 1).date()
    bench.land("billing/products/b.csv", products("p2,Plus,,"))
    path.rename(path.with_name("renamed.csv"))
    bench.gate()
    rows = bench.query("select id, _file, _loaded_at from raw_billing.products order by id")
    assert rows[0] == ("p1", "billing/products/renamed.csv", file.loaded_at)
    assert rows[1][2] > file.loaded_at


def test_a_corrected_file_takes_the_place_of_the_one_before(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,", "p2,Plus,maybe,"))
    report = bench.gate()
    assert (report.rows_received, report.rows_accepted, report.rows_quarantined) == (2, 1, 1)
    bench.land(PRODUCTS, products("p1,Basic,,", "p2,Plus,true,"))
    report = bench.gate()
    assert (report.rows_received, report.rows_accepted, report.rows_quarantined) == (2, 2, 0)
    assert report.gone == (PRODUCTS,)
    assert bench.quarantine() == []
    assert bench.query("select id from raw_billing.products order by id") == [("p1",), ("p2",)]


def test_a_file_that_is_gone_is_reported_once(bench: Bench) -> None:
    path = bench.land(PRODUCTS, products("p1,Basic,,"))
    bench.gate()
    path.unlink()
    report = bench.gate()
    assert report.gone == (PRODUCTS,)
    assert any(PRODUCTS in line for line in report.lines())
    assert bench.query("select * from raw_billing.products") == []
    assert bench.gate().gone == ()


def test_other_rules_read_known_files_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,", "p2,Plus,maybe,"))
    before = bench.gate().files[0]
    names = {path.name for path in bench.settings.accepted_dir.iterdir()}
    bench.control.connection.execute(
        "update quarantine set state = 'acknowledged', acknowledged_by = 'Ada'"
    )
    monkeypatch.setattr(taking, "_rules_digest", lambda: "other")
    after = bench.gate().files[0]
    assert after.loaded_at == before.loaded_at
    # The file by the old rules is gone, the new one is there.
    now = {path.name for path in bench.settings.accepted_dir.iterdir()}
    assert len(now) == 1
    assert now.isdisjoint(names)
    assert bench.query("select state from quality.quarantine") == [("acknowledged",)]


def test_an_accepted_file_that_was_lost_is_made_again(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,"))
    bench.gate()
    for path in bench.settings.accepted_dir.iterdir():
        path.unlink()
    bench.gate()
    assert bench.query("select id from raw_billing.products") == [("p1",)]


def test_leftovers_of_a_dead_run_are_removed(bench: Bench) -> None:
    bench.settings.accepted_dir.mkdir(parents=True)
    for name in ("0.tmp", "1.parquet"):
        (bench.settings.accepted_dir / name).write_bytes(b"half")
    bench.gate()
    assert list(bench.settings.accepted_dir.iterdir()) == []


def test_a_refused_file_leaves_nothing_behind(bench: Bench) -> None:
    bench.land(PRODUCTS, products(*(f"p{n},name,," for n in range(300_000)), 'p,"'))
    bench.refused()
    assert list(bench.settings.accepted_dir.iterdir()) == []


def test_the_landing_folder_is_only_read(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,"))
    before = _tree(bench.settings.landing)
    bench.gate()
    bench.query("select * from raw_billing.products")
    assert _tree(bench.settings.landing) == before


def _tree(folder: Path) -> list[tuple[str, int, int]]:
    return [
        (str(path), path.stat().st_mtime_ns, path.stat().st_size)
        for path in sorted([folder, *folder.rglob("*")])
    ]


def test_the_order_of_files_and_their_number_do_not_matter(bench: Bench) -> None:
    rows = [f"p{n},name {n},true,2026-01-01" for n in range(50)]
    bench.land(PRODUCTS, products(*rows))
    bench.gate()
    whole = bench.query("select id, name, active, updated_at from raw_billing.products order by 1")
    (bench.settings.landing / PRODUCTS).unlink()
    for n, row in enumerate(reversed(rows)):
        bench.land(f"billing/products/day={n % 7}/{n}.csv", products(row))
    report = bench.gate()
    assert report.rows_accepted == 50
    split = bench.query("select id, name, active, updated_at from raw_billing.products order by 1")
    assert split == whole


def test_states_of_files_are_counted(bench: Bench) -> None:
    bench.land(PRODUCTS, products("p1,Basic,,"))
    bench.land("billing/products/b.csv", products("p1,Basic,,"))
    bench.land("billing/products/c.csv", "id\n")
    report = bench.gate(go_on=True)
    assert [file.state for file in report.files] == [
        FileState.ACCEPTED,
        FileState.DUPLICATE,
        FileState.REFUSED,
    ]
    assert report.lines()[0] == (
        "landing: 1 files accepted (1 new), 1 duplicates, 1 refused, 0 ignored; "
        "rows: 2 received = 1 accepted + 1 superseded + 0 quarantined"
    )
