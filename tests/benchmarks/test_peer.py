"""A peer's dbt project is built on the current rows of the same company."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from benchmarks.peer import TABLES, build_peer, peer_folder
from orchestration.landing.contract import load_contract

PROJECT = """
name: tiny_peer
version: "1.0"
profile: its_own
models: {tiny_peer: {+materialized: table}}
"""
SOURCES = """
version: 2
sources:
  - name: app
    schema: app
    tables: [{name: subscriptions}]
"""
MODEL = "select customer_id, count(*) as items from {{ source('app', 'subscriptions') }} group by 1"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A file with raw tables of which one subscription has two versions."""
    path = tmp_path / "warehouse.duckdb"
    contract = load_contract()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema raw_billing")
        for name in TABLES:
            columns = ", ".join(
                f'"{column.name}" {column.data_type}'
                for column in contract.by_name["billing", name].columns
            )
            connection.execute(f"create table raw_billing.{name}_rows ({columns})")
            # As in a run: views that name no catalog.
            connection.execute(
                f"create view raw_billing.{name} as select * from raw_billing.{name}_rows"
            )
        connection.execute(
            "insert into raw_billing.subscriptions_rows (id, customer_id, status, updated_at)"
            " values"
            " ('s1', 'old', 'active', timestamp '2026-01-01'),"
            " ('s1', 'new', 'active', timestamp '2026-02-01'),"
            " ('s2', 'new', 'active', timestamp '2026-01-01')"
        )
    return path


def test_it_is_built_beside_ours_and_nothing_is_written_into_its_folder(
    tmp_path: Path, raw: Path
) -> None:
    peer = tmp_path / "tiny_peer"
    (peer / "models").mkdir(parents=True)
    (peer / "dbt_project.yml").write_text(PROJECT, encoding="utf-8")
    (peer / "models" / "sources.yml").write_text(SOURCES, encoding="utf-8")
    (peer / "models" / "by_customer.sql").write_text(MODEL, encoding="utf-8")
    shape = ["create schema app", "create view app.subscriptions as from peer_input.subscriptions"]
    (peer / "peer.json").write_text(json.dumps({"sql": shape, "select": "by_customer"}))
    before = sorted(path.relative_to(peer) for path in peer.rglob("*"))
    used = build_peer(peer, raw, tmp_path / "scratch", threads=1)
    assert used.cpu_seconds > 0
    with duckdb.connect(str(tmp_path / "scratch" / "peer.duckdb"), read_only=True) as connection:
        assert connection.execute("from main.by_customer").fetchall() == [("new", 2)]
    assert sorted(path.relative_to(peer) for path in peer.rglob("*")) == before


def test_a_folder_without_a_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no dbt_project\.yml"):
        peer_folder({"HOLDFAST_PEER": str(tmp_path)})
    assert peer_folder({}) is None
