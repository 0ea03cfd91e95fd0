"""Small releases made by hand: marts whose every row says which release it is of.

No dbt is run: the build is written directly, with the manifest that dbt would have written for it,
and is sealed, committed and rolled forward as in a run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.control import Control, Release
from orchestration.dictionary import write_dictionary
from orchestration.lock import home_lock
from orchestration.release.build import start_build
from orchestration.release.publish import commit, roll_forward, seal
from orchestration.settings import Settings
from orchestration.targets.postgres.server import server_from
from orchestration.targets.postgres.target import TargetState, converge_postgres

START = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Mart:
    """A mart: `sql` has {n} for the number of the release and {rows} for its rows."""

    schema: str
    name: str
    sql: str
    key: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    is_personal: bool = False

    @property
    def layer(self) -> str:
        return "quality" if self.schema == "quality" else "marts"


CUSTOMERS = Mart(
    "core",
    "dim_customers",
    "select 'c' || i as customer_id, 'Ada ' || i as name, {n} as of_release, {rows} as of_rows"
    " from range({rows}) as numbers (i)",
    ("customer_id",),
    {"customer_id": "Billing customer.", "name": "Name of the company."},
    ("customer_id",),
)
MRR = Mart(
    "revenue",
    "fct_mrr_by_customer_month",
    "select 'c' || i as customer_id, date '2026-10-01' as month,"
    " cast(i as decimal(18, 2)) as closing_mrr, {n} as of_release, {rows} as of_rows"
    " from range({rows}) as numbers (i)",
    ("customer_id", "month"),
    {"customer_id": "Billing customer.", "closing_mrr": "MRR at the end, reporting currency."},
    ("customer_id", "month"),
)
HEALTH = Mart(
    "customer_success",
    "fct_health_scores",
    "select 'c' || i as customer_id, i / 100.0::double as score, {n} as of_release,"
    " {rows} as of_rows from range({rows}) as numbers (i)",
    ("customer_id",),
)
ADDRESSES = Mart(
    "outreach",
    "dim_addresses",
    "select 'c' || i as person_id, 'ada' || i || '@example.com' as email, {n} as of_release,"
    " {rows} as of_rows from range({rows}) as numbers (i)",
    ("person_id",),
    is_personal=True,
)
REJECTED = Mart(
    "quality",
    "rejected_rows",
    "select 'r' || i as row_key, {n} as of_release, {rows} as of_rows"
    " from range({rows}) as numbers (i)",
    ("row_key",),
)
MARTS = (CUSTOMERS, MRR, HEALTH, ADDRESSES, REJECTED)


def rows_of(n: int) -> int:
    """How many rows each mart of release n has."""
    return 100 + 7 * n


@dataclass
class Company:
    """A home folder, and the database that its releases are published to."""

    settings: Settings
    dsn: str
    marts: tuple[Mart, ...] = MARTS

    def __post_init__(self) -> None:
        self._ticks = iter(range(1_000_000))

    def control(self) -> Control:
        return Control(
            self.settings.control_database, lambda: START + timedelta(minutes=next(self._ticks))
        )

    def release(self, rows: int | None = None) -> Release:
        """The next release."""
        with self.control() as control:
            latest = control.latest_release()
            n = 1 + (latest.n if latest else 0)
            run_id = f"run-{n}-{os.urandom(3).hex()}"
            control.start_run(run_id, self.settings.as_of, "code")
            build = start_build(self.settings, run_id)
            with duckdb.connect(str(build.database)) as connection:
                for mart in self.marts:
                    connection.execute(f"create schema if not exists {mart.schema}")
                    body = mart.sql.replace("{n}", str(n))
                    body = body.replace("{rows}", str(rows or rows_of(n)))
                    connection.execute(f'create table {mart.schema}."{mart.name}" as {body}')
                write_dictionary(connection, manifest(self.marts))
            commit(
                self.settings, control, seal(build), previous=n - 1, fingerprint=f"fingerprint {n}"
            )
            released = roll_forward(self.settings, control)
        assert released is not None
        return released

    def with_marts(self, *marts: Mart) -> None:
        """Later releases have other marts."""
        self.marts = marts

    def publish(self, dsn: str | None = None, **settings: Any) -> TargetState:
        """What a start does with the target."""
        server = server_from({"HOLDFAST_POSTGRES_DSN": dsn or self.dsn})
        assert server is not None
        server = replace(server, **settings)
        self.said: list[str] = []
        with self.control() as control, home_lock(self.settings.home, "publish"):
            release = roll_forward(self.settings, control)
            state = converge_postgres(server, self.settings, control, release, self.said.append)
        assert state is not None
        return state


def make_company(folder: Path, dsn: str) -> Company:
    """A company that has released nothing."""
    settings = Settings(
        home=folder / "home",
        landing=folder / "landing",
        as_of=date(2026, 10, 31),
        known_at=None,
        reporting_timezone="UTC",
        reporting_currency="USD",
        enabled_policies=("board_strict",),
        official_policy="board_strict",
        memory_limit="1GB",
        threads=1,
    )
    return Company(settings, dsn)


def publish_in_process(company: Company, environ: Mapping[str, str]) -> None:
    """A publication in a process of its own, which may be killed; exit code 0: it is live."""
    os.environ.update(environ)
    state = company.publish()
    raise SystemExit(1 if state.is_behind else 0)


def manifest(marts: Sequence[Mart]) -> dict[str, Any]:
    """What dbt would write of these marts."""
    nodes: dict[str, Any] = {}
    for mart in marts:
        model = f"model.holdfast.{mart.name}"
        nodes[model] = {
            "unique_id": model,
            "resource_type": "model",
            "fqn": ["holdfast", mart.layer, mart.schema, mart.name],
            "schema": mart.schema,
            "name": mart.name,
            "description": f"One row per {' and '.join(mart.key)}.",
            "config": {"group": mart.schema, "meta": {"personal": mart.is_personal}},
            "columns": {
                name: {"description": text, "config": {}} for name, text in mart.columns.items()
            },
        }
        tests: list[tuple[str, dict[str, Any]]] = [
            ("unique_combination", {"columns": list(mart.key)})
        ]
        tests += [("not_null", {"column_name": name}) for name in mart.required]
        for name, arguments in tests:
            test = f"test.holdfast.{name}_{mart.name}_{len(nodes)}"
            nodes[test] = {
                "unique_id": test,
                "resource_type": "test",
                "attached_node": model,
                "config": {"severity": "ERROR"},
                "test_metadata": {"name": name, "kwargs": arguments},
            }
    groups = {mart.schema: {"name": mart.schema, "owner": {"name": "Finance"}} for mart in marts}
    return {"nodes": nodes, "groups": groups}
