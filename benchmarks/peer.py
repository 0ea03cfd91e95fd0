"""Another dbt project on the same simulated subscriptions, in the same run.

`HOLDFAST_PEER` names the folder of a dbt project (docs/benchmarks.md says how to lay it out). Its
models are built by a dbt process of its own, in a new DuckDB file in which the tables of the
simulated company stand in the schema `peer_input`: the current rows as a billing system's export
has them, not this project's history.

`peer.json` beside its `dbt_project.yml` may say `select` (what to build), `vars`, and `sql`: a list
of statements that shape `peer_input` into what its sources are called; they are not measured.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.processes import Measured, measure
from orchestration.landing.contract import load_contract

VARIABLE = "HOLDFAST_PEER"
INPUT = "peer_input"
#: The tables that a project for MRR reads.
TABLES = ("customers", "subscriptions", "subscription_items", "prices", "invoices", "payments")
_PROFILE = """
{name}:
  target: benchmark
  outputs:
    benchmark: {{type: duckdb, path: "{path}", schema: main, threads: {threads}}}
"""


def peer_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The folder of the peer's project, None where none is named.

    Raises:
        FileNotFoundError: it is no dbt project.
    """
    named = environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser().resolve()
    if not (folder / "dbt_project.yml").is_file():
        raise FileNotFoundError(
            f"{VARIABLE} names {folder}, which has no dbt_project.yml: name the folder of a dbt "
            "project (docs/benchmarks.md)."
        )
    return folder


def build_peer(peer: Path, raw: Path, scratch: Path, threads: int) -> Measured:
    """Build a peer's project on the current rows of the raw views; its dbt process is measured.

    Args:
        peer: folder of its `dbt_project.yml`; nothing is written there.
        raw: the DuckDB file with the raw views.
        scratch: a folder for its database, profile and target.
        threads: of dbt and DuckDB.

    Raises:
        RuntimeError: its dbt failed; the end of its output is the message.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    database = scratch / "peer.duckdb"
    database.unlink(missing_ok=True)
    said = _options(peer)
    lay_out(raw, database, said.get("sql", []))
    profile = _profile_name(peer)
    (scratch / "profiles.yml").write_text(
        _PROFILE.format(name=profile, path=database, threads=threads), encoding="utf-8"
    )
    command = [sys.executable, "-m", "dbt.cli.main", "--no-version-check"]
    command += ["--log-path", str(scratch / "logs"), "build", "--project-dir", str(peer)]
    command += ["--profiles-dir", str(scratch), "--target-path", str(scratch / "target")]
    command += ["--profile", profile, "--vars", json.dumps(said.get("vars", {}))]
    if "select" in said:
        command += ["--select", said["select"]]
    return measure(command, {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})


def lay_out(raw: Path, database: Path, statements: list[str]) -> None:
    """Copy the current row of each key into the schema `peer_input`, then run the statements."""
    contract = load_contract()
    with duckdb.connect(str(database)) as engine:
        engine.execute("set TimeZone = 'UTC'")
        engine.execute(f"create schema {INPUT}")
        engine.execute(f"attach '{raw}' as raw (read_only)")
        for name in TABLES:
            table = contract.by_name["billing", name]
            columns = ", ".join(f'"{column}"' for column in table.column_names)
            # The views name no catalog, so they are read with their own as the current one.
            engine.execute("use raw")
            engine.execute(
                f"create or replace table {database.stem}.{INPUT}.{name} as select {columns}"
                f" from {contract.schema_of(table)}.{name} qualify row_number() over"
                f" (partition by id order by {table.version} desc nulls last) = 1"
            )
        engine.execute(f"use {database.stem}")
        engine.execute("detach raw")
        for statement in statements:
            engine.execute(statement)


def _options(peer: Path) -> dict[str, Any]:
    path = peer / "peer.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _profile_name(peer: Path) -> str:
    """The profile that its project names; any other name would do, but dbt wants one."""
    for line in (peer / "dbt_project.yml").read_text(encoding="utf-8").splitlines():
        if line.startswith("profile:"):
            return line.partition(":")[2].strip().strip("'\"")
    return "benchmark"
