"""A whole small run in a process of its own: land, gate, build, release. It can be killed."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from pathlib import Path

import duckdb

from orchestration.control import Control
from orchestration.errors import HoldfastError
from orchestration.landing.contract import load_contract
from orchestration.landing.gate import run_gate
from orchestration.landing.raw import create_raw
from orchestration.lock import home_lock
from orchestration.release.build import start_build
from orchestration.release.publish import commit, roll_forward, seal
from orchestration.settings import Settings

# Read once in the server process that the runs are forked from.
load_contract()


def run(settings: Settings, run_id: str, environ: Mapping[str, str]) -> None:
    """Release a mart that says the sum of the landed prices; an error goes to `error.txt`."""
    os.environ.update(environ)
    if "FILE_SIZE_LIMIT" in environ:
        # A write beyond it fails as one to a full disk does.
        limit = int(environ["FILE_SIZE_LIMIT"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with home_lock(settings.home, run_id), Control(settings.control_database) as control:
            _release(settings, control, run_id)
    except HoldfastError as error:
        (settings.home / "error.txt").write_text(str(error))
        raise SystemExit(error.exit_code) from error


def _release(settings: Settings, control: Control, run_id: str) -> None:
    latest = roll_forward(settings, control)
    control.start_run(run_id, settings.as_of, "code")
    run_gate(settings, control, run_id)
    build = start_build(settings, run_id)
    with duckdb.connect(str(build.database)) as connection:
        create_raw(connection, load_contract(), control, settings)
        connection.execute("create schema core")
        connection.execute(
            "create table core.answer as select sum(unit_amount)::bigint as value"
            " from raw_billing.prices"
        )
    previous = latest.n if latest is not None else 0
    commit(settings, control, seal(build), previous=previous, fingerprint=run_id)
    roll_forward(settings, control)


def land(settings: Settings, name: str, amount: int) -> None:
    """Land a file with one price."""
    folder: Path = settings.landing / "billing/prices"
    folder.mkdir(parents=True, exist_ok=True)
    header = "id,product_id,currency,unit_amount\n"
    (folder / name).write_text(f"{header}{name},x,usd,{amount}\n")
