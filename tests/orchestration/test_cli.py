"""The command line: exit codes, and messages without tracebacks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import cli
from orchestration.errors import BuildError
from orchestration.lock import home_lock
from orchestration.settings import PROJECT_DIR


def run_cli(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")},
        "HOLDFAST_HOME": str(home),
        "HOLDFAST_AS_OF": "2026-10-31",
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_second_run_exits_at_once_and_names_the_holder(tmp_path: Path) -> None:
    with home_lock(tmp_path, "run-one"):
        done = run_cli(tmp_path, "run")
    assert done.returncode == 75
    assert f"process {os.getpid()}" in done.stderr
    assert "run-one" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_taken_in_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "landing" / "billing" / "customers" / "broken.parquet"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"PAR1 this is no parquet file PAR1")
    done = run_cli(tmp_path, "run")
    assert done.returncode == 3
    assert "billing/customers/broken.parquet" in done.stderr
    assert "There is no release yet." in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "releases").exists()


def test_a_landing_folder_that_is_not_there_is_no_release_of_nothing(tmp_path: Path) -> None:
    done = run_cli(tmp_path / "home", "run", HOLDFAST_LANDING=str(tmp_path / "mistyped"))
    assert done.returncode == 2
    assert "mistyped" in done.stderr
    assert "no folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "run", HOLDFAST_AS_OF="yesterday")
    assert done.returncode == 2
    assert "HOLDFAST_AS_OF" in done.stderr


def test_a_simulated_company_is_not_mixed_with_landed_files(tmp_path: Path) -> None:
    landed = tmp_path / "landing" / "billing" / "customers" / "1.csv"
    landed.parent.mkdir(parents=True)
    landed.write_text("id\n", encoding="utf-8")
    done = run_cli(tmp_path, "simulate", "--customers", "10", "--months", "3")
    assert done.returncode == 2
    assert [path.name for path in landed.parent.iterdir()] == ["1.csv"]


def test_the_class_of_an_error_is_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BuildError("Model x could not be built.")

    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setattr("orchestration.refresh.refresh", fail)
    assert cli.main(["run"]) == 5
    assert capsys.readouterr().err == "\nModel x could not be built.\n"


def test_a_fault_of_the_program_goes_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by 0")

    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setattr("orchestration.refresh.refresh", fail)
    assert cli.main(["run"]) == cli.EXIT_FAULT
    told = capsys.readouterr().err
    assert "ZeroDivisionError: by 0" in told
    assert "Traceback" not in told
    assert "Traceback" in (tmp_path / "fault.log").read_text(encoding="utf-8")


def test_a_stop_that_a_library_wrapped_is_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Readers of documents catch whatever is raised in them, a KeyboardInterrupt too."""

    def stopped(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException:
            raise ValueError("field x has an invalid value") from None

    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setattr("orchestration.refresh.refresh", stopped)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert cli.main(["run"]) == 143
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert capsys.readouterr().err == "\nStopped.\nReaders stay on the last release.\n"
