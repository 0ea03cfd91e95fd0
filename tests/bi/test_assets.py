"""The files that Superset imports: they fit the marts and one another. No Superset is needed."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import yaml

from bi.client import ASSETS, DATABASE, POLICY, asset, main, pack
from orchestration.errors import ConfigurationError
from tests.bi.contracts import KEYS, contract

#: What Superset calls the types of the contracts.
TYPES = {
    "varchar": "VARCHAR",
    "varchar[]": "VARCHAR[]",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE PRECISION",
}
CHARTS = sorted(path.stem for path in (ASSETS / "charts").glob("*.yaml"))
# pragma: allowlist nextline secret
ADDRESS = "postgresql://anna:hidden%2Fword@db.example.com/bi?sslmode=verify-full"


def unpacked(bundle: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as files:
        return {name: files.read(name).decode() for name in files.namelist()}


def filters(chart: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The filters that a person sees in a chart."""
    return [
        (one["subject"], one["operator"], one["comparator"])
        for one in chart["params"]["adhoc_filters"]
    ]


@pytest.mark.parametrize("mart", sorted(KEYS))
def test_a_dataset_has_the_columns_of_the_contract(mart: str) -> None:
    schema, name = mart.split(".")
    dataset = asset("datasets", name)
    assert (dataset["schema"], dataset["table_name"]) == (schema, name)
    assert {one["column_name"]: one["type"] for one in dataset["columns"]} == {
        column: TYPES.get(kind, "NUMERIC") for column, kind in contract(mart).items()
    }
    times = [one["column_name"] for one in dataset["columns"] if one["is_dttm"]]
    assert times == [one for one, kind in contract(mart).items() if kind in ("date", "timestamp")]


def test_no_figure_adds_up_what_does_not_add_up() -> None:
    for mart in (mart for mart in KEYS if "policy_id" in contract(mart)):
        for metric in asset("datasets", mart.split(".")[1])["metrics"]:
            guard = "count(distinct policy_id)" if "sum(" in metric["expression"] else "count(*)"
            assert metric["expression"].startswith(f"case when {guard} = 1 then "), metric
            assert metric["warning_text"].startswith("Nothing where several")


@pytest.mark.parametrize("name", CHARTS)
def test_the_stored_query_is_what_the_chart_shows(name: str) -> None:
    chart = dict(asset("charts", name))
    query = json.loads(chart["query_context"])
    shown = chart["params"]
    assert {"adhoc_filters": [], **query["form_data"]} == shown
    (asked,) = query["queries"]
    assert [(one["col"], one["op"], one["val"]) for one in asked["filters"]] == filters(chart)
    assert asked["row_limit"] == shown["row_limit"]
    assert asked.get("metrics", []) == shown["metrics"]
    columns = [one["label"] if isinstance(one, dict) else one for one in asked["columns"]]
    axis = [shown["x_axis"]] if "x_axis" in shown else []
    assert columns == (shown.get("all_columns") or [*axis, *shown["groupby"]])
    uuids = {asset("datasets", mart.split(".")[1])["uuid"]: mart for mart in KEYS}
    mart = uuids[chart["dataset_uuid"]]
    assert {*columns, *(one["col"] for one in asked["filters"])} <= set(contract(mart))
    assert mart in chart["description"]
    # Whoever reads the chart is told whose figures they are.
    if "policy_id" in contract(mart):
        assert ("policy_id", "==", POLICY) in filters(chart)
        assert f"policy {POLICY}" in chart["description"]


def test_the_dashboard_has_every_chart_once() -> None:
    position = dict(asset("dashboards", "holdfast")["position"])
    assert position.pop("DASHBOARD_VERSION_KEY") == "v2"
    placed = [one["meta"] for one in position.values() if one["type"] == "CHART"]
    found = [asset("charts", name) for name in CHARTS]
    assert sorted((one["uuid"], one["sliceName"]) for one in placed) == sorted(
        (one["uuid"], one["slice_name"]) for one in found
    )
    assert len({one["chartId"] for one in placed}) == len(placed)
    for name, one in position.items():
        for child in one.get("children", []):
            assert position[child]["parents"][-1] == name


def test_the_bundle_names_the_database_and_not_its_password() -> None:
    bundle, password = pack(ADDRESS)
    assert password == "hidden/word"  # pragma: allowlist secret
    files = unpacked(bundle)
    assert len(files) == len(list(ASSETS.rglob("*.yaml")))
    assert not [name for name, text in files.items() if "hidden" in text]
    database = yaml.safe_load(files[f"holdfast/{DATABASE}"])
    assert database["sqlalchemy_uri"] == (
        "postgresql+psycopg2://anna:XXXXXXXXXX@db.example.com:5432/bi?sslmode=verify-full"
    )


def test_charts_can_be_of_another_policy() -> None:
    files = unpacked(pack(ADDRESS, "cash_like")[0])
    assert not [name for name, text in files.items() if POLICY in text]
    chart = yaml.safe_load(files["holdfast/charts/mrr_by_month.yaml"])
    assert ("policy_id", "==", "cash_like") in filters(chart)
    assert '"val": "cash_like"' in chart["query_context"]


@pytest.mark.parametrize("address", ["", "mysql://anna@db.example.com/bi", "postgresql:///bi"])
def test_an_address_of_something_else_is_said(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUPERSET_DATABASE", address)
    assert main([]) == ConfigurationError.exit_code
    assert "postgresql://name:password@host" in capsys.readouterr().err
