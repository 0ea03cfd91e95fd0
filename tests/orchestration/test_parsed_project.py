"""A parse is kept and read again, and only where the project would come to the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration import dbt_runner
from orchestration.parsed_project import FOLDER_VARIABLE
from orchestration.settings import Settings, load_settings
from tests.orchestration.toy import Toy

#: What dbt says of the parse itself, besides the order of sets.
OF_THE_PARSE = {"created_at", "generated_at", "invocation_id", "invocation_started_at"}


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The homes for which dbt has parsed."""
    seen: list[str] = []
    invoke = dbt_runner._invoke

    def counted(command: list[str], settings: Settings, *rest: Any) -> Any:
        seen.append(settings.home.name)
        return invoke(command, settings, *rest)

    monkeypatch.setattr(dbt_runner, "_invoke", counted)
    return seen


def test_a_parse_is_read_again_only_where_it_would_come_to_the_same(
    toy: Toy, parses: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "parsed"))

    def parse(name: str, **changes: Any) -> Path:
        settings = replace(toy.settings, home=tmp_path / name, **changes)
        return dbt_runner.parse(settings, toy.project_dir)

    first = json.loads(parse("first").read_text(encoding="utf-8"))
    known_at = datetime(2025, 3, 5, tzinfo=UTC)
    other_day = parse("other day", as_of=date(2025, 1, 31), known_at=known_at)
    assert parses == ["first"]
    assert json.loads(other_day.read_text(encoding="utf-8")) == first
    (target,) = (tmp_path / "other day" / "dbt").glob("target")
    assert (target / "semantic_manifest.json").is_file()

    parse("other currency", reporting_currency="EUR")
    assert parses == ["first", "other currency"]

    for kept in (tmp_path / "parsed").glob("*/partial_parse.msgpack"):
        kept.write_bytes(kept.read_bytes()[:100])
    parse("cut off")
    assert parses[2:] == ["cut off"]

    mart = next((toy.project_dir / "models").rglob("dim_customers.sql"))
    mart.write_text(mart.read_text(encoding="utf-8") + "\n-- changed", encoding="utf-8")
    parse("changed")
    assert parses[3:] == ["changed"]


def test_a_home_keeps_the_parse_of_the_project_as_it_is(
    toy: Toy, parses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE)
    kept = toy.settings.home / "dbt" / "parsed"
    for _ in range(2):
        dbt_runner.parse(toy.settings, toy.project_dir)
    assert len(parses) == 1
    (kept / "new-1").mkdir()
    mart = next((toy.project_dir / "models").rglob("dim_customers.sql"))
    mart.write_text(mart.read_text(encoding="utf-8") + "\n-- changed", encoding="utf-8")
    before = {path.name for path in kept.glob("duckdb-*")}
    dbt_runner.parse(toy.settings, toy.project_dir)
    after = {path.name for path in kept.iterdir() if path.is_dir()}
    assert len(parses) == 2
    assert len(before) == len(after) == 1
    assert before != after


@pytest.mark.deep
def test_the_parse_does_not_depend_on_the_as_of_date_nor_on_known_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the whole of this rests on, looked at in the real project."""
    parsed = []
    for name, more in (
        ("a", {"HOLDFAST_AS_OF": "2026-10-31"}),
        ("b", {"HOLDFAST_AS_OF": "2025-02-17", "HOLDFAST_KNOWN_AT": "2025-03-05T07:00Z"}),
    ):
        monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / name))
        settings = load_settings({"HOLDFAST_HOME": str(tmp_path / f"home-{name}"), **more})
        parsed.append(_said(json.loads(dbt_runner.parse(settings).read_text(encoding="utf-8"))))
    assert parsed[0] == parsed[1]


def _said(manifest: Any) -> Any:
    manifest["metadata"] = None
    return _walk(manifest, sorted_lists=("nodes", "sources", "macros", "refs", "columns"))


def _walk(value: Any, sorted_lists: tuple[str, ...], name: str = "") -> Any:
    order: Callable[[Any], str] = lambda item: json.dumps(item, sort_keys=True)  # noqa: E731
    if isinstance(value, dict):
        return {
            key: _walk(item, sorted_lists, key)
            for key, item in value.items()
            if key not in OF_THE_PARSE
        }
    if isinstance(value, list):
        items = [_walk(item, sorted_lists) for item in value]
        # dbt keeps some of these as sets, whose order differs from process to process.
        return sorted(items, key=order) if name in sorted_lists else items
    return value


def test_each_engine_keeps_the_manifest_of_the_project_as_it_is(tmp_path: Path) -> None:
    on_duckdb = load_settings({"HOLDFAST_HOME": str(tmp_path), "HOLDFAST_AS_OF": "2026-10-31"})
    both = (on_duckdb, replace(on_duckdb, target="spark"))
    for settings in both:
        written = dbt_runner.dbt_target_dir(settings) / "manifest.json"
        written.parent.mkdir(parents=True)
        written.write_text(settings.target, encoding="utf-8")
    for digest in ("a" * 64, "b" * 64):
        kept = [dbt_runner._keep_manifest(settings, digest) for settings in both]
        assert [path.read_text(encoding="utf-8") for path in kept] == ["duckdb", "spark"]
        assert sorted((tmp_path / "dbt").glob("manifest*")) == sorted(kept)
