"""F68, I22: no byte of an erased customer stays, no figure changes, and nothing brings it back."""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
import signal
from dataclasses import replace
from datetime import date
from multiprocessing.context import ForkServerContext
from pathlib import Path

import duckdb
import pytest

from orchestration.control import Control, Release
from orchestration.erasure import erase as erasing
from orchestration.errors import ConfigurationError
from orchestration.landing.contract import load_contract
from orchestration.landing.files import LandedFile
from orchestration.landing.tombstones import LINKS, WITHOUT_CUSTOMERS, Tombstones
from orchestration.settings import Settings
from orchestration.targets.parquet import converge_parquet, parquet_dir
from orchestration.targets.postgres.server import TargetError
from orchestration.verify import verify
from tests.erasure import company

pytestmark = pytest.mark.fault("F68")

#: The places that an erasure comes to.
POINTS = (
    "erase.recorded",
    "erase.builds_removed",
    "erase.file_written",
    "erase.file_recorded",
    "erase.file_replaced",
    "erase.taken_in",
    "erase.release_written",
    "erase.release_recorded",
    "erase.release_replaced",
    "erase.releases_done",
    "erase.control_done",
    "erase.finished",
    "erase.compacted",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A company with two releases and all that runs leave behind; not to be changed."""
    folder = tmp_path_factory.mktemp("company")
    settings = Settings(
        home=folder / "now" / "home",
        landing=folder / "now" / "landing",
        as_of=date(2026, 10, 31),
        known_at=None,
        reporting_timezone="UTC",
        reporting_currency="USD",
        enabled_policies=("board_strict",),
        official_policy="board_strict",
        memory_limit="1GB",
        threads=2,
    )
    company.land(settings)
    company.release(settings, "one")
    company.release(settings, "two")
    company.leave_traces(settings)
    settings.home.chmod(0o700)
    shutil.copytree(folder / "now", folder / "made", symlinks=True)
    return settings


@pytest.fixture
def settings(made: Settings) -> Settings:
    """The company as it was made, in the place where it was made."""
    shutil.rmtree(made.home.parent)
    shutil.copytree(made.home.parent.with_name("made"), made.home.parent, symlinks=True)
    return made


def figures(settings: Settings) -> list[list[tuple[object, ...]]]:
    return [company.figures(path) for path in sorted(settings.releases_dir.glob("[12].duckdb"))]


def assert_gone(settings: Settings, before: list[list[tuple[object, ...]]]) -> None:
    assert company.found(settings.home, settings.landing) == {}
    assert figures(settings) == before
    assert verify(settings).wrong == ()
    leftovers = [path for path in settings.home.parent.rglob("*") if "erasing" in path.name]
    assert leftovers == []


@pytest.mark.fault("I22")
def test_no_byte_stays_and_no_figure_changes(settings: Settings) -> None:
    places = company.found(settings.home, settings.landing)
    assert {canary for hits in places.values() for canary in hits} == set(company.CANARIES)
    for place in (
        *("billing/customers/a.csv", "billing/customers/b.csv.gz", "crm/contacts/a.jsonl"),
        *("crm/accounts/a.parquet", "survey/nps_responses/a.parquet"),
        *("releases/1.duckdb", "releases/2.duckdb", "as_known/2026-01-01T000000Z.duckdb"),
        *("control.db", "dagster/history/runs.db", "dbt/logs/dbt.log", "data_docs/index.html"),
        *("fault.log", "notices.jsonl", "build/dead/warehouse.duckdb"),
    ):
        assert place in places
    assert [place for place in places if place.startswith("accepted/")]
    before = figures(settings)
    erasure = company.erase(settings)
    assert (erasure.left, erasure.waiting, erasure.releases) == ([], [], [1, 2])
    assert_gone(settings, before)


def test_folders_of_parquet_go_and_come_back_without_the_customer(settings: Settings) -> None:
    settings = replace(settings, with_parquet=True)
    with Control(settings.control_database) as control:
        converge_parquet(settings, control.latest_release(), lambda line: None)
    # What a write that was killed left behind.
    left = parquet_dir(settings) / ".1.partial"
    shutil.copytree(parquet_dir(settings) / "2", left)
    places = [place for place in company.found(settings.home) if place.startswith("parquet/")]
    assert {place.split("/")[1] for place in places} >= {"2", ".1.partial"}
    company.erase(settings)
    assert not left.exists()
    assert company.found(settings.home, settings.landing) == {}
    # The next start writes the folder of the release as it is now.
    said: list[str] = []
    with Control(settings.control_database) as control:
        converge_parquet(settings, control.latest_release(), said.append)
    assert said[0].startswith("parquet: release 2, ")
    names = f"select name from '{parquet_dir(settings)}/current/core.dim_customers.parquet'"
    with duckdb.connect() as connection:
        assert set(connection.execute(names).fetchall()) >= {(None,), ("Baker Brothers",)}
    assert company.found(settings.home, settings.landing) == {}


def test_every_other_byte_of_a_landed_file_is_as_it_was(settings: Settings) -> None:
    before = {path: path.read_bytes() for path in settings.landing.rglob("*") if path.is_file()}
    company.erase(settings)
    after = {path: path.read_bytes() for path in settings.landing.rglob("*") if path.is_file()}
    assert set(before) == set(after)
    csv = settings.landing / "billing/customers/a.csv"
    was, now = before[csv].splitlines(), after[csv].splitlines()
    time = b"2026-09-01T00:00:00Z"
    assert now == [was[0], b"cus_1,,,," + time + b"," + time, *was[2:]]
    # Nothing of the customer that is no text about it was touched, nor files of others.
    same = {path.relative_to(settings.landing).as_posix() for path in before
            if before[path] == after[path]}  # fmt: skip
    assert same == {"billing/invoices/a.csv", "billing/subscriptions/a.csv"}


def test_the_pipeline_goes_on_with_the_same_figures_and_load_times(settings: Settings) -> None:
    loaded = "select file, loaded_at, rows_received, rows_accepted from quality.load_log order by 1"
    before = _ask(settings, 2, loaded)
    company.erase(settings)
    company.release(settings, "three")
    assert company.figures(settings.releases_dir / "3.duckdb") == figures(settings)[0]
    assert _ask(settings, 3, loaded) == before
    assert company.found(settings.home, settings.landing) == {}
    # The user is still one, under a name that says nothing.
    (person,) = _ask(settings, 3, "select person_id, email from outreach.dim_addresses"
                     " where account_id = 'acc_1'")  # fmt: skip
    assert str(person[0]).startswith("erased-")
    assert person[1] is None
    assert (person[0],) in _ask(settings, 1, "select person_id from outreach.dim_addresses")


def test_landing_the_original_again_does_not_bring_it_back(settings: Settings) -> None:
    original = settings.home.parent.with_name("made") / "landing"
    company.erase(settings)
    for name in ("billing/customers/a.csv", "crm/accounts/a.parquet", "crm/contacts/a.jsonl"):
        path = settings.landing / name
        shutil.copyfile(original / name, path.with_name(f"again{path.suffix}"))
    said = company.release(settings, "three")
    assert sum("came in without their personal data" in line for line in said) == 3
    assert company.found(settings.home) == {}
    assert company.figures(settings.releases_dir / "3.duckdb")[:4] == figures(settings)[0][:4]
    # Erased again, it is gone from what was landed again too.
    erasure = company.erase(settings)
    assert len(erasure.files) == 3
    assert company.found(settings.home, settings.landing) == {}
    assert verify(settings).wrong == ()


def test_the_trail_says_who_when_and_why_and_nothing_of_the_person(settings: Settings) -> None:
    with Control(settings.control_database) as control:
        head = control.audit_trail()[-1].hash
    company.erase(settings)
    with Control(settings.control_database) as control:
        trail = control.audit_trail()
    said = {entry.what: entry for entry in trail}
    done = said["customer erased"]
    assert (done.who, done.details["why"], done.details["customer_id"]) == (
        *("dpo", "request 17"), company.CUSTOMER,
    )  # fmt: skip
    assert done.details["releases"] == [1, 2]
    # An earlier entry had a name in it: what was taken out, and the head it had, are on record.
    assert said["quarantine acknowledged"].details["why"] == "[erased] asked for it"
    began = said["erasure began"].details
    assert (began["entries_redacted"], began["head_before"]) == (1, head)


def test_what_others_say_too_stays_theirs(settings: Settings) -> None:
    path = settings.landing / "billing/customers/c.csv"
    path.write_text(
        "id,name,email,created,updated_at\n"
        "cus_4,Ada Canary,other@example.com,2026-09-01T00:00:00Z,2026-09-01T00:00:00Z\n"
        "cus_5,Ada Canary-Smith,,2026-09-01T00:00:00Z,2026-09-01T00:00:00Z\n",
        encoding="utf-8",
    )
    company.release(settings, "three")
    erasure = company.erase(settings)
    assert erasure.shared >= 1
    assert erasure.left == []
    names = _ask(settings, 3, "select customer_id, name from core.dim_customers order by 1")
    assert names == [
        ("cus_1", None),
        ("cus_2", "Baker Brothers"),
        ("cus_3", "Northwind"),
        ("cus_4", "Ada Canary"),
        ("cus_5", "Ada Canary-Smith"),
    ]
    assert "Ada Canary" in path.read_text(encoding="utf-8")


def test_a_landing_folder_that_cannot_be_written_to_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: LandedFile, tombstones: Tombstones) -> Path | None:
        raise PermissionError(13, "Permission denied")

    before = figures(settings)
    monkeypatch.setattr(erasing, "rewrite", refuse)
    erasure = company.erase(settings)
    assert "billing/customers/a.csv: cannot be written (Permission denied)" in erasure.left
    # The home is free of it all the same, and stays so.
    assert company.found(settings.home) == {}
    company.release(settings, "three")
    assert company.found(settings.home) == {}
    assert figures(settings) == before


def test_a_file_that_nobody_can_read_is_said(settings: Settings) -> None:
    folder = settings.landing / "billing/customers"
    (folder / "broken.csv").write_text('id,name\ncus_1,"Ada Canary', encoding="utf-8")
    (folder / "list.xlsx").write_text("Ada Canary", encoding="utf-8")
    assert company.erase(settings).left == [
        "billing/customers/broken.csv: still holds a text of the customer",
        "billing/customers/list.xlsx: still holds a text of the customer",
    ]


def test_a_database_that_cannot_be_reached_is_gone_on_with_by_the_next_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on the server is looked at in tests/targets; here, that nobody forgets it."""
    before = figures(settings)
    with Control(settings.control_database) as control:
        control.connection.execute(
            "insert into targets (name, release_n, state, attempted_at)"
            " values ('postgres', 2, 'current', '2026-11-01')"
        )
    # It was published to, and the address is not there: the copy is not forgotten.
    told = company.erase(settings).waiting
    assert len(told) == 1, told
    waiting = told[0]
    assert "set HOLDFAST_POSTGRES_DSN" in waiting
    assert _states(settings) == ["running"]
    loaded: list[str] = []

    def down(*_: object) -> None:
        raise TargetError("the server is down")

    def load(server: object, settings: Settings, control: Control, release: Release) -> None:
        loaded.append(release.sha256)

    monkeypatch.setenv("HOLDFAST_POSTGRES_DSN", "host=127.0.0.1 dbname=bi user=publisher")
    monkeypatch.setattr(erasing, "erase_postgres", down)
    assert company.erase(settings).waiting == ["postgres: the server is down"]
    monkeypatch.setattr(erasing, "erase_postgres", load)
    assert company.erase(settings).waiting == []
    file = settings.releases_dir / "2.duckdb"
    assert loaded == [hashlib.sha256(file.read_bytes()).hexdigest()]
    assert _states(settings) == ["done"]
    assert_gone(settings, before)


def _states(settings: Settings) -> list[str]:
    with Control(settings.control_database) as control:
        return [row["state"] for row in control.connection.execute("select state from erasures")]


@pytest.mark.parametrize(
    ("customer", "why", "message"),
    [
        ("cus_99", "request 17", "No customer or account has the id 'cus_99'"),
        ("cus_1", " ", "Say why"),
        ("cus_1", "Ada Canary asked for it", "says something that is to be erased"),
    ],
)
def test_what_cannot_be_asked_changes_nothing(
    settings: Settings, customer: str, why: str, message: str
) -> None:
    before = company.found(settings.home, settings.landing)
    with pytest.raises(ConfigurationError, match=message):
        company.erase(settings, customer=customer, why=why)
    after = company.found(settings.home, settings.landing)
    dead = {"build/dead/warehouse.duckdb"}
    assert {place: after[place] for place in set(after) - dead} == {
        place: before[place] for place in set(before) - dead
    }


def test_an_account_means_its_customer(settings: Settings) -> None:
    before = figures(settings)
    company.erase(settings, customer="acc_1")
    assert_gone(settings, before)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.erasure.company", "pandas"])
    return context


def _erase_in(processes: ForkServerContext, settings: Settings, **environ: str) -> int | None:
    process = processes.Process(target=company.erase, args=(settings, environ))
    process.start()
    process.join(timeout=60)
    return process.exitcode


def test_the_places_are_those_that_an_erasure_comes_to(
    processes: ForkServerContext, settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "points"
    assert _erase_in(processes, settings, HOLDFAST_FAILPOINT_LOG=str(log)) == 0
    visited = log.read_text(encoding="utf-8").split()
    assert {point for point in visited if point.startswith("erase.")} == set(POINTS)


@pytest.mark.parametrize("points", [POINTS[n::4] for n in range(4)], ids=" ".join)
def test_killed_again_and_again_the_next_start_goes_on_with_it(
    processes: ForkServerContext, settings: Settings, points: tuple[str, ...]
) -> None:
    before = figures(settings)
    for point in points:
        exit_code = _erase_in(processes, settings, HOLDFAST_FAILPOINT=point)
        assert exit_code == -signal.SIGKILL, point
    # Whichever start comes next finishes it before anything else.
    company.release(settings, "three")
    assert_gone(settings, before)
    assert company.figures(settings.releases_dir / "3.duckdb") == before[0]
    with Control(settings.control_database) as control:
        whats = [entry.what for entry in control.audit_trail()]
        (left,) = control.connection.execute("select count(*) from erasure_values").fetchone()
    assert whats.count("customer erased") == 1
    assert whats.count("release resealed") == 2
    assert left == 0


def test_every_table_of_the_contract_says_whose_its_rows_are() -> None:
    tables = load_contract().by_name
    assert set(LINKS) | WITHOUT_CUSTOMERS == set(tables)
    assert not set(LINKS) & WITHOUT_CUSTOMERS
    for key, links in LINKS.items():
        assert {column for column, _ in links} <= set(tables[key].column_names)


#: Texts that name nobody: codes, words of a list that the company keeps.
CODES = frozenset(
    {
        *("billing_scheme", "brand", "campaign", "card_brand", "category", "channel", "country"),
        *("currency", "event", "failure_code", "industry", "limit_key", "lost_reason", "priority"),
        *("resolution_reason", "resolved_by", "role", "segment", "status", "type", "variant"),
    }
)


@pytest.mark.fault("S10")
def test_every_text_of_the_contract_is_personal_or_erasable_or_a_code() -> None:
    untagged = {
        f"{table.label}.{column.name}"
        for table in load_contract().tables
        if (table.source, table.name) in LINKS
        for column in table.columns
        if column.data_type == "varchar" and not column.is_id and not column.values
        and not column.erasable and column.name not in CODES
    }  # fmt: skip
    assert untagged == set()


def _ask(settings: Settings, n: int, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.releases_dir / f"{n}.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()
