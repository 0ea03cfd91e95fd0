"""What holds a run, how a person lets it pass, and that an audit that breaks lets nothing pass."""

from __future__ import annotations

import os
import signal
from datetime import date
from pathlib import Path

import pytest

from orchestration import cli, invariants
from orchestration.control import Control
from orchestration.errors import AuditError, HoldfastError
from orchestration.invariants import Audited, Invariant
from orchestration.refresh import Outcome, refresh
from orchestration.run import RefreshRun
from tests.orchestration.toy import MART_SQL, UNIT_TESTS, Toy, customer, make_toy

PEOPLE = [customer(f"c{n:02}", f"customer {'x' * n}") for n in range(40)]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A release of forty customers in two files; tests leave it the last one or add to it."""
    toy = make_toy(tmp_path_factory.mktemp("audit"))
    (toy.project_dir / UNIT_TESTS).unlink()
    toy.land("1.csv", *PEOPLE[:30])
    toy.land("2.csv", *PEOPLE[30:])
    run(toy)
    return toy


def run(toy: Toy) -> Outcome:
    return refresh(toy.settings, print, project_dir=toy.project_dir)


def held(toy: Toy, kind: type[HoldfastError] = AuditError) -> str:
    """The message of a run that must not release anything."""
    before = toy.releases(), toy.released_names()
    with pytest.raises(kind) as caught:
        run(toy)
    assert (toy.releases(), toy.released_names()) == before
    return str(caught.value)


def run_name(message: str) -> str:
    (line,) = [line for line in message.splitlines() if "make accept" in line]
    return line.split("RUN=")[1].split()[0]


def command(toy: Toy, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setenv("HOLDFAST_HOME", str(toy.settings.home))
    return cli.main(list(arguments))


@pytest.mark.fault("F27")
def test_a_column_that_readers_had_holds_the_run(released: Toy) -> None:
    contract = released.project_dir / "models" / "marts" / "core" / "_core.yml"
    before = contract.read_text()
    assert "{name: name," in before
    contract.write_text(before.replace("{name: name,", "{name: label,"))
    released.write_mart(MART_SQL.replace("    name,\n", "    name as label,\n"))
    try:
        message = held(released)
    finally:
        contract.write_text(before)
        released.write_mart(MART_SQL)
    assert "core.dim_customers.name was VARCHAR and is gone" in message
    # It may be meant so.
    assert run_name(message)


@pytest.mark.fault("F83")
def test_an_invariant_that_cannot_be_checked_rejects_the_run(
    released: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(audited: Audited) -> list[str]:
        raise RuntimeError("the tool broke")

    broken = Invariant("broken", "marts", "It can be checked.", crash, acceptable=True)
    monkeypatch.setattr(invariants, "INVARIANTS", (*invariants.INVARIANTS, broken))
    extra = released.land("3.csv", customer("c99", "one more"))
    try:
        message = held(released)
    finally:
        extra.unlink()
    assert "The check itself failed" in message
    assert "RuntimeError: the tool broke" in message
    assert "make accept" not in message


@pytest.mark.fault("F83")
def test_an_auditor_that_is_killed_rejects_the_run(
    released: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_marts_after_the_kill(run: RefreshRun) -> None:
        assert run._suites is not None
        # Whatever it is doing, it does not finish.
        run._suites.start(os.kill, run._suites.do(os.getpid), signal.SIGKILL)
        run._finish_suite(run._start_suite("marts", []))

    monkeypatch.setattr(RefreshRun, "check_raw", check_marts_after_the_kill)
    extra = released.land("3.csv", customer("c99", "one more"))
    try:
        message = held(released, HoldfastError)
    finally:
        extra.unlink()
    assert "Great Expectations" in message


@pytest.mark.fault("F08", "F20")
def test_rows_that_vanish_hold_the_run_until_somebody_accepts_it(
    released: Toy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file is cut to a third, without a manifest: everything that is held is said at once."""
    whole = released.settings.landing / "billing" / "customers" / "1.csv"
    whole.write_text("\n".join(whole.read_text().splitlines()[:11]) + "\n")
    number = len(released.releases())
    message = held(released)
    # Which rule, what was expected, what was seen, how to accept it.
    assert "most_rows_remain" in message
    assert "Found 20, expected at least 36" in message
    assert "most_customers_remain" in message
    assert "expected: 40, seen: 20" in message
    name = run_name(message)
    accepting = ["accept", "--run", name, "--who", "Ada", "--reason", "test accounts are gone"]
    assert command(released, monkeypatch, *accepting) == 0
    assert "accepted most_customers_remain of core.dim_customers" in capsys.readouterr().out

    # Another input is another finding.
    other = released.land("3.csv", customer("c98", "somebody"))
    assert "most_rows_remain" in held(released)
    other.unlink()

    # On another day, the same input passes with what was accepted as a warning.
    outcome = run(released.as_of(date(2026, 11, 1)))
    assert outcome.is_new
    assert len(released.releases()) == number + 1
    warned = {result.name: result.message for result in outcome.results if result.warns}
    for rule in ("most_rows_remain", "most_customers_remain"):
        assert warned[rule].endswith("Accepted by Ada: test accounts are gone")
    with Control(released.settings.control_database) as control:
        entry = next(e for e in control.audit_trail() if e.what == "findings accepted")
    assert (entry.who, entry.details["run"]) == ("Ada", name)
    assert {finding["rule"] for finding in entry.details["findings"]} >= {
        "most_rows_remain",
        "most_customers_remain",
    }


def test_what_is_wrong_in_itself_cannot_be_accepted(
    released: Toy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    released.write_mart(MART_SQL.replace("length(name)", "-length(name)"))
    try:
        message = held(released)
    finally:
        released.write_mart(MART_SQL)
    assert "make accept" not in message
    assert command(released, monkeypatch, "accept", "--run", "last", "--reason", "x") == 2
    assert "was not held for anything that can be accepted" in capsys.readouterr().err
    assert command(released, monkeypatch, "accept", "--run", "last", "--reason", " ") == 2
    assert "Say why" in capsys.readouterr().err


def test_the_names_of_checks_and_their_results_fit_each_other(tmp_path: Path) -> None:
    names = [invariant.name for invariant in invariants.INVARIANTS]
    assert len(names) == len(set(names)) >= 7
