"""What nobody sees until it is abused: supply chain, telemetry, open ports, pickles."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR
from tests.faults import network
from tests.faults.crash_company import Company, make_company

LOCKS = ("requirements.lock", ".ci/audit-requirements.txt")
CODE = ("orchestration", "dashboard", "expectations", "simulation", "benchmarks", "dbt_project")


@pytest.mark.fault("S15")
@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_version_and_hash(lock: str) -> None:
    text = (PROJECT_DIR / lock).read_text(encoding="utf-8")
    packages = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    packages = [entry for entry in packages if re.match(r"[A-Za-z0-9]", entry)]
    assert len(packages) > 30
    for entry in packages:
        assert re.match(r"[A-Za-z0-9][\w.\-\[\],]*==[\w.+!]+( ;.*)? \\\n", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]


@pytest.mark.fault("S15")
def test_nothing_is_installed_without_its_hash_and_the_audit_lists_what_is() -> None:
    install = (PROJECT_DIR / ".ci" / "install").read_text(encoding="utf-8")
    audit = (PROJECT_DIR / ".ci" / "audit").read_text(encoding="utf-8")
    commands = re.findall(r"pip\"? install(?:[^\n]*\\\n)*[^\n]*", install + audit)
    assert len(commands) == 2
    for command in commands:
        assert "--require-hashes" in command
    assert "cyclonedx-py" in audit
    assert 'pip-audit" --strict --require-hashes' in audit


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, processes: ForkServerContext) -> Company:
    """A company with a release, whose every connection was written down."""
    company = make_company(tmp_path_factory.mktemp("company"))
    company.land()
    log = company.folder / "connections"
    exit_code = company.run(
        processes,
        **network.environment(log),
        # One connection that is meant, so that the log is seen to work.
        HOLDFAST_WEBHOOK_URL="http://127.0.0.1:9/hook",
        HOLDFAST_WEBHOOK_PRIVATE_HOSTS="127.0.0.1",
        HOLDFAST_SECRET_WEBHOOK="x",  # pragma: allowlist secret
    )
    assert exit_code == 0, company.said()
    return company


@pytest.mark.fault("S16")
def test_a_run_calls_nobody_but_whom_it_is_told_to(watched: Company) -> None:
    lines = (watched.folder / "connections").read_text(encoding="utf-8").splitlines()
    processes = {line.split()[0] for line in lines if line.endswith("watched")}
    # The run, and its workers for dbt and for Great Expectations.
    assert len(processes) >= 3, lines
    called = [line.split(maxsplit=1)[1] for line in lines if not line.endswith("watched")]
    assert called == ["connect ('127.0.0.1', 9)"]


@pytest.mark.fault("S19")
def test_a_run_leaves_no_pickle(watched: Company) -> None:
    written = [path for path in watched.toy.settings.home.rglob("*") if path.is_file()]
    assert len(written) > 20
    pickles = {path.name for path in written if re.match(rb"\x80[\x02-\x05]", path.read_bytes())}
    # dbt writes down which model follows which, and never reads it; no data is in it.
    assert pickles <= {"graph.gpickle"}


@pytest.mark.fault("S19")
def test_no_code_loads_what_could_run() -> None:
    bad = []
    for path in (file for folder in CODE for file in (PROJECT_DIR / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                names = [f"{node.value.id}.{node.attr}"]
            bad += [f"{path.name}:{node.lineno} {name}" for name in names if _runs(name)]
    assert bad == []


def _runs(name: str) -> bool:
    modules = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    loads = {"yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"}
    return name.split(".")[0] in modules or name in loads


@pytest.mark.fault("S17")
def test_the_ui_is_asked_to_serve_this_machine_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration import cli

    asked: list[list[str]] = []
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "execv", lambda path, arguments: asked.append(arguments))
    cli.main(["dev"])
    (arguments,) = asked
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"


@pytest.mark.deep
@pytest.mark.fault("S17")
def test_every_port_that_the_ui_opens_is_on_this_machine_only(tmp_path: Path) -> None:
    environ = {**os.environ, "HOLDFAST_HOME": str(tmp_path / "home")}
    dev = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "dev"],
        cwd=PROJECT_DIR,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 300
        opened: set[tuple[str, int]] = set()
        while time.monotonic() < deadline and not opened:
            assert dev.poll() is None
            time.sleep(1)
            opened = network.listening(dev.pid)
        assert opened
        assert {address for address, _ in opened} == {"127.0.0.1"}
    finally:
        network.end_group(dev)
