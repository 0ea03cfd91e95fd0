"""The books as raw tables of the build (`raw_control`), for dbt to read; dropped when it is sealed.

Nothing here is landed: it comes from control.db, and says what was closed, what was restated
since, and what this release follows on.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.books.periods import PART_COLUMNS, CloseRequest, closed_rows, closes
from orchestration.control import Control, to_text
from orchestration.policies import SEED
from orchestration.settings import Settings

SCHEMA = "raw_control"
_MONEY = pa.decimal128(18, 2)
_PART_FIELDS = [(column, _MONEY) for column in PART_COLUMNS]

CLOSES = pa.schema(
    [
        ("close_id", pa.string()),
        ("month", pa.date32()),
        ("closed_at", pa.timestamp("us")),
        ("closed_by", pa.string()),
        ("release_n", pa.int64()),
        ("policies", pa.list_(pa.string())),
        ("content_hash", pa.string()),
        ("reopened_at", pa.timestamp("us")),
        ("reopened_by", pa.string()),
        ("reopen_reason", pa.string()),
        ("is_requested", pa.bool_()),
    ]
)
CLOSED_ROWS = pa.schema(
    [
        ("close_id", pa.string()),
        ("policy_id", pa.string()),
        ("customer_id", pa.string()),
        *_PART_FIELDS,
    ]
)
RESTATEMENTS = pa.schema(
    [
        ("release_n", pa.int64()),
        ("close_id", pa.string()),
        ("policy_id", pa.string()),
        ("customer_id", pa.string()),
        ("run_id", pa.string()),
        ("restated_at", pa.timestamp("us")),
        *_PART_FIELDS,
        ("cause", pa.string()),
        ("source_ids", pa.list_(pa.string())),
    ]
)
RUN = pa.schema(
    [
        ("run_id", pa.string()),
        ("started_at", pa.timestamp("us")),
        ("release_n", pa.int64()),
        ("previous_published_at", pa.timestamp("us")),
        ("previous_as_of", pa.date32()),
        ("is_code_changed", pa.bool_()),
        ("changed_policies", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class Definitions:
    """What figures are computed by besides data and code: settings, and each policy's switches."""

    settings: str
    policies: str

    def changed_policies(self, earlier: Definitions | None) -> list[str]:
        """The policies that are not what they were; all of them where a setting changed."""
        now: dict[str, str] = json.loads(self.policies)
        if earlier is None:
            return []
        if self.settings != earlier.settings:
            return sorted(now)
        before: dict[str, str] = json.loads(earlier.policies)
        return sorted(policy for policy, digest in now.items() if before.get(policy) != digest)


def definitions(settings: Settings, project_dir: Path) -> Definitions:
    """The definitions of a run: its settings but for the dates, and its policies' rows."""
    variables = dict(settings.dbt_vars())
    for name in ("as_of_date", "known_at", "enabled_policies", "official_policy"):
        variables.pop(name, None)
    with (project_dir / SEED).open(newline="", encoding="utf-8") as lines:
        digests = {
            row["policy_id"]: hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
            for row in csv.DictReader(lines)
            if row["policy_id"] in settings.enabled_policies
        }
    return Definitions(json.dumps(variables, sort_keys=True), json.dumps(digests, sort_keys=True))


def record_definitions(control: Control, release_n: int, made_by: Definitions) -> None:
    """Keep what a release was computed by; call it in the transaction that commits it."""
    with control.transaction() as connection:
        connection.execute(
            "insert into release_definitions (release_n, settings, policies) values (?, ?, ?)",
            (release_n, made_by.settings, made_by.policies),
        )


def books_digest(control: Control, request: CloseRequest | None) -> list[list[str]]:
    """What of the books a release depends on: which months are closed, by which close.

    Restatements are left out: those of the last release are what the next one would find anyway.
    """
    events = control.connection.execute("select kind, close_id from period_events order by id")
    decided = [[row["kind"], row["close_id"]] for row in events]
    return decided + ([] if request is None else [["close", request.close_id]])


def write_books(
    connection: duckdb.DuckDBPyConnection,
    control: Control,
    settings: Settings,
    *,
    run_id: str,
    code_version: str,
    made_by: Definitions,
    request: CloseRequest | None,
) -> None:
    """Create the tables of `raw_control` in the build."""
    until = settings.known_at
    decided = closes(control, until)
    tables = {
        "closes": (CLOSES, _close_rows(decided, request)),
        "closed_rows": (CLOSED_ROWS, _closed_rows(control, [c.close_id for c in decided])),
        "restatements": (RESTATEMENTS, _restatements(control, until)),
        "run": (RUN, [_run(control, run_id, code_version, made_by, until)]),
    }
    connection.execute(f"create schema if not exists {SCHEMA}")
    for name, (schema, rows) in tables.items():
        connection.register("_books", pa.Table.from_pylist(rows, schema=schema))
        connection.execute(f"create or replace table {SCHEMA}.{name} as select * from _books")
        connection.unregister("_books")


def _close_rows(decided: list[Any], request: CloseRequest | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "close_id": close.close_id,
            "month": close.month,
            "closed_at": close.closed_at,
            "closed_by": close.closed_by,
            "release_n": close.release_n,
            "policies": list(close.policies),
            "content_hash": close.content_hash,
            "reopened_at": close.reopened_at,
            "reopened_by": close.reopened_by,
            "reopen_reason": close.reopen_reason,
            "is_requested": False,
        }
        for close in decided
    ]
    if request is not None:
        rows.append(
            {
                "close_id": request.close_id,
                "month": request.month,
                "closed_at": request.requested_at,
                "closed_by": request.who,
                "is_requested": True,
            }
        )
    return rows


def _closed_rows(control: Control, close_ids: list[str]) -> list[dict[str, Any]]:
    return [
        {"close_id": close_id, "policy_id": policy, "customer_id": customer, **_parts(cents)}
        for close_id in close_ids
        for policy, customer, cents in closed_rows(control, close_id)
    ]


def _restatements(control: Control, until: datetime | None) -> list[dict[str, Any]]:
    rows = control.connection.execute(
        "select restatements.* from restatements join releases on releases.n = release_n"
        " where releases.published_at <= ?"
        " order by release_n, close_id, policy_id, customer_id",
        ("9999" if until is None else to_text(until),),
    )
    return [
        {
            "release_n": row["release_n"],
            "close_id": row["close_id"],
            "policy_id": row["policy_id"],
            "customer_id": row["customer_id"],
            "run_id": row["run_id"],
            "restated_at": datetime.fromisoformat(row["restated_at"]),
            **_parts(tuple(row[column] for column in PART_COLUMNS)),
            "cause": row["cause"],
            "source_ids": json.loads(row["source_ids"]),
        }
        for row in rows
    ]


def _run(
    control: Control,
    run_id: str,
    code_version: str,
    made_by: Definitions,
    until: datetime | None,
) -> dict[str, Any]:
    releases = [r for r in control.releases() if until is None or r.published_at <= until]
    runs = {run.run_id: run for run in control.runs()}
    now: dict[str, Any] = {
        "run_id": run_id,
        "started_at": runs[run_id].started_at if run_id in runs else control.now(),
        "release_n": (releases[-1].n if releases else 0) + 1,
        "is_code_changed": False,
        "changed_policies": [],
    }
    if not releases:
        return now
    last = releases[-1]
    earlier = control.connection.execute(
        "select settings, policies from release_definitions where release_n = ?", (last.n,)
    ).fetchone()
    before = None if earlier is None else Definitions(earlier["settings"], earlier["policies"])
    return {
        **now,
        "previous_published_at": last.published_at,
        "previous_as_of": last.as_of,
        "is_code_changed": runs[last.run_id].code_version != code_version,
        "changed_policies": made_by.changed_policies(before),
    }


def _parts(cents: tuple[int, ...]) -> dict[str, Decimal | date]:
    return {
        column: Decimal(amount).scaleb(-2)
        for column, amount in zip(PART_COLUMNS, cents, strict=True)
    }
