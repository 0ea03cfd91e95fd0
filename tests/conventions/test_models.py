"""What every model and mart owes: see the design's style and mart contract."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from expectations.suites.marts import mart_rules
from orchestration.assets.models import (
    PLATFORM_GROUP,
    books_assets,
    mart_keys,
    model_assets,
    owners_of,
)
from orchestration.assets.raw import raw_assets
from orchestration.landing.contract import load_contract
from orchestration.settings import DBT_PROJECT_DIR

Manifest = Mapping[str, Any]
Node = Mapping[str, Any]

LAYERS = ["staging", "intermediate", "marts", "quality"]
GRAIN_TESTS = {"unique", "unique_combination"}
FLOATS = re.compile(r"\b(float|double|real)", re.IGNORECASE)
MONEY = re.compile(
    r"(^|_)(mrr|arr|arpa|ltv|cac|amount|spend|revenue|billed|credited|refunded|collected|"
    r"outstanding|recognized|deferred|cost|price|margin)(_|$)"
)
NAMES = {
    "staging": re.compile(r"stg_[a-z]+__[a-z0-9_]+"),
    "intermediate": re.compile(r"int_[a-z0-9_]+"),
    "marts": re.compile(r"(dim|fct|rpt)_[a-z0-9_]+"),
    # Readers know the books by these names: quarantine, rejected rows, load log.
    "quality": re.compile(r"[a-z][a-z0-9_]+"),
}


def models(manifest: Manifest, layer: str | None = None) -> list[Node]:
    """Models, of one layer or of all."""
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and layer in (None, layer_of(node))
    ]


def layer_of(node: Node) -> str:
    return str(node["fqn"][1])


def attached_tests(manifest: Manifest, model: Node) -> list[Node]:
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("attached_node") == model["unique_id"]
    ]


def sql_files() -> list[Path]:
    return [
        path
        for folder in ("models", "macros", "tests")
        for path in sorted((DBT_PROJECT_DIR / folder).rglob("*.sql"))
    ]


def without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*|/\*.*?\*/|\{#.*?#\}", "", sql, flags=re.DOTALL)


def places(pattern: str) -> list[str]:
    """Files of the dbt project whose SQL has something, outside of comments."""
    return [
        str(path.relative_to(DBT_PROJECT_DIR))
        for path in sql_files()
        if re.search(pattern, without_comments(path.read_text("utf-8")), re.IGNORECASE)
    ]


def test_a_recursive_model_has_no_other_union() -> None:
    """DuckDB gives any union in it the types of its first part: 94.50 after a 0 became 95."""
    assert [
        str(path.relative_to(DBT_PROJECT_DIR))
        for path in sql_files()
        if "with recursive" in (sql := without_comments(path.read_text("utf-8")))
        and len(re.findall(r"\bunion\b", sql)) != 1
    ] == []


def test_every_mart_has_an_enforced_contract(manifest: Manifest) -> None:
    assert [
        mart["name"] for mart in models(manifest, "marts") if not mart["contract"]["enforced"]
    ] == []


def test_every_mart_has_an_owner(manifest: Manifest) -> None:
    owners = {group["name"]: group["owner"].get("email") for group in manifest["groups"].values()}
    assert [
        mart["name"]
        for mart in models(manifest, "marts")
        if not owners.get(mart["config"].get("group"))
    ] == []


def test_a_domain_is_one_word_everywhere(manifest: Manifest) -> None:
    assert [
        mart["name"]
        for mart in models(manifest, "marts")
        if not mart["fqn"][2] == mart["schema"] == mart["config"].get("group")
    ] == []


def test_every_mart_has_a_consumer(manifest: Manifest) -> None:
    exposed = {
        node
        for exposure in manifest["exposures"].values()
        for node in exposure["depends_on"]["nodes"]
    }
    assert [
        mart["name"] for mart in models(manifest, "marts") if mart["unique_id"] not in exposed
    ] == []


def test_every_mart_says_its_grain_first_and_tests_it(manifest: Manifest) -> None:
    marts = models(manifest, "marts")
    assert [
        mart["name"] for mart in marts if not mart["description"].startswith("One row per ")
    ] == []
    assert [
        mart["name"]
        for mart in marts
        if not any(
            (test.get("test_metadata") or {}).get("name") in GRAIN_TESTS
            for test in attached_tests(manifest, mart)
        )
    ] == []


def test_every_mart_column_has_type_and_meaning(manifest: Manifest) -> None:
    assert [
        f"{mart['name']}.{name}"
        for mart in models(manifest, "marts")
        for name, column in mart["columns"].items()
        if not column["description"].strip() or not column["data_type"]
    ] == []


def test_money_is_never_a_float(manifest: Manifest) -> None:
    assert [
        f"{mart['name']}.{name}"
        for mart in models(manifest, "marts")
        for name, column in mart["columns"].items()
        if MONEY.search(name)
        and not name.endswith(("_rate", "_ratio", "_share"))
        and FLOATS.search(column["data_type"] or "")
    ] == []


def test_layers_are_read_in_the_right_direction(manifest: Manifest) -> None:
    wrong = []
    for model in models(manifest):
        here = LAYERS.index(layer_of(model))
        for parent in model["depends_on"]["nodes"]:
            if parent.startswith("source."):
                allowed = layer_of(model) == "staging"
            elif parent.startswith("model."):
                # Staging reads what landed; of models only those of the same source.
                other = manifest["nodes"][parent]
                allowed = LAYERS.index(layer_of(other)) <= here and (
                    layer_of(model) != "staging" or other["fqn"][1:3] == model["fqn"][1:3]
                )
            else:
                allowed = True
            if not allowed:
                wrong.append(f"{model['name']} reads {parent}")
    assert wrong == []


def test_models_are_named_after_their_layer_and_source(manifest: Manifest) -> None:
    wrong = [
        model["name"]
        for model in models(manifest)
        if not NAMES[layer_of(model)].fullmatch(model["name"])
        or (
            layer_of(model) == "staging"
            and not model["name"].startswith(f"stg_{model['fqn'][2]}__")
        )
    ]
    assert wrong == []


def test_columns_are_named_after_what_they_hold(manifest: Manifest) -> None:
    wrong = []
    for mart in models(manifest, "marts"):
        for name, column in mart["columns"].items():
            kind = (column["data_type"] or "").lower()
            is_flag = name.startswith(("is_", "has_"))
            if is_flag and kind != "boolean":
                wrong.append(f"{mart['name']}.{name} is {kind}")
            if (name.endswith("_date") or name == "month") and kind != "date":
                wrong.append(f"{mart['name']}.{name} is {kind}")
            if name.endswith("_id") and kind != "varchar":
                wrong.append(f"{mart['name']}.{name} is {kind}")
    assert wrong == []


def test_every_dbt_test_is_one_asset_check(manifest: Manifest) -> None:
    checks = Counter(key.name for key in model_assets(manifest).check_keys)
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    assert {name: checks[name] for name in tests if checks[name] != 1} == {}


def test_every_asset_has_group_owner_and_description(manifest: Manifest) -> None:
    raw = raw_assets(load_contract(), owners_of(manifest, PLATFORM_GROUP))
    specs = [*raw.specs, *books_assets(manifest, raw.keys), *model_assets(manifest).specs]
    assert len(specs) > len(manifest["sources"])
    assert [
        spec.key.to_user_string()
        for spec in specs
        if spec.group_name in (None, "default") or not spec.owners or not spec.description
    ] == []
    domains = {group["name"]: group["owner"]["email"] for group in manifest["groups"].values()}
    assert {(spec.group_name, *spec.owners) for spec in specs if spec.group_name in domains} == set(
        domains.items()
    )


def test_every_mart_must_stay_fresh(manifest: Manifest) -> None:
    fresh = {spec.key for spec in model_assets(manifest).specs if spec.freshness_policy}
    assert fresh == set(mart_keys(manifest).values())


def test_tests_are_named_as_sentences(manifest: Manifest) -> None:
    singular = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and not node.get("test_metadata")
    ]
    assert [name for name in singular if not name.startswith("assert_")] == []
    units = [(test["model"], test["name"]) for test in manifest["unit_tests"].values()]
    assert [name for model, name in units if not name.startswith(f"{model}__")] == []


def test_every_singular_test_says_why() -> None:
    assert [
        path.name
        for path in sorted((DBT_PROJECT_DIR / "tests").rglob("assert_*.sql"))
        if not re.search(r"--|\{#", path.read_text("utf-8"))
    ] == []


def test_no_model_asks_the_clock() -> None:
    assert (
        places(
            r"\b(current_date|current_timestamp|localtimestamp|getdate|sysdate)\b|\b(now|today)\s*\("
        )
        == []
    )


def test_no_duplicates_are_hidden() -> None:
    assert places(r"\bselect\s+distinct\b(?!\s+on\b)") == []


def test_joins_are_explicit_and_from_the_left() -> None:
    assert places(r"\bright\s+(outer\s+)?join\b") == []


def test_what_the_mart_suites_read_is_in_the_contracts(manifest: Manifest) -> None:
    columns = {
        (mart["schema"], mart["name"]): set(mart["columns"]) for mart in models(manifest, "marts")
    }
    wrong = []
    for rule in mart_rules():
        known = columns.get((rule.schema, rule.table))
        if known is None:
            wrong.append(f"{rule.subject} does not exist")
        elif rule.column is not None and rule.column not in known:
            wrong.append(f"{rule.subject}.{rule.column} does not exist")
    assert wrong == []
