"""dbt ignores keys that it does not know: a misspelt `data_test:` is a test that never runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.settings import DBT_PROJECT_DIR

Schema = Mapping[str, Any]

#: What may stand in a dict: the key, and what its value is made of (None: anything).
ANY = None
OWNER: Schema = {"name": ANY, "email": ANY}
CONFIG: Schema = dict.fromkeys(
    [
        "access",
        "alias",
        "column_types",
        "contract",
        "enabled",
        "event_time",
        "file_format",
        "full_refresh",
        "group",
        "incremental_strategy",
        "materialized",
        "meta",
        "on_schema_change",
        "packages",
        "post_hook",
        "pre_hook",
        "quote_columns",
        "schema",
        "severity",
        "tags",
        "unique_key",
        "where",
        "error_if",
        "warn_if",
        "limit",
        "store_failures",
    ]
)
TEST: Schema = {"arguments": ANY, "config": CONFIG, "name": ANY, "description": ANY}
CONSTRAINT: Schema = {
    "type": ANY,
    "columns": ANY,
    "expression": ANY,
    "name": ANY,
    "to": ANY,
    "to_columns": ANY,
    "warn_unsupported": ANY,
    "warn_unenforced": ANY,
}
COLUMN: Schema = {
    "name": ANY,
    "data_type": ANY,
    "description": ANY,
    "config": CONFIG,
    "constraints": [CONSTRAINT],
    "data_tests": "tests",
    "quote": ANY,
    "granularity": ANY,
}
MODEL: Schema = {
    "name": ANY,
    "description": ANY,
    "config": CONFIG,
    "constraints": [CONSTRAINT],
    "columns": [COLUMN],
    "data_tests": "tests",
    "docs": ANY,
    "latest_version": ANY,
    "deprecation_date": ANY,
    "versions": ANY,
    "time_spine": {"standard_granularity_column": ANY, "custom_granularities": ANY},
}
MEASURE: Schema = {
    "name": ANY,
    "agg": ANY,
    "expr": ANY,
    "description": ANY,
    "label": ANY,
    "create_metric": ANY,
    "agg_time_dimension": ANY,
    "non_additive_dimension": {"name": ANY, "window_choice": ANY, "window_groupings": ANY},
}
SEMANTIC_MODEL: Schema = {
    "name": ANY,
    "description": ANY,
    "label": ANY,
    "model": ANY,
    "config": CONFIG,
    "defaults": {"agg_time_dimension": ANY},
    "primary_entity": ANY,
    "entities": [{"name": ANY, "type": ANY, "expr": ANY, "description": ANY}],
    "dimensions": [
        {
            "name": ANY,
            "type": ANY,
            "expr": ANY,
            "description": ANY,
            "label": ANY,
            "type_params": {"time_granularity": ANY},
        }
    ],
    "measures": [MEASURE],
}
METRIC: Schema = {
    "name": ANY,
    "label": ANY,
    "description": ANY,
    "type": ANY,
    "filter": ANY,
    "config": CONFIG,
    "type_params": {
        "expr": ANY,
        "metrics": ANY,
        "measure": ANY,
        "numerator": ANY,
        "denominator": ANY,
    },
}
SOURCE_TABLE: Schema = {
    "name": ANY,
    "identifier": ANY,
    "description": ANY,
    "config": CONFIG,
    "columns": [COLUMN],
    "data_tests": "tests",
}
UNIT_TEST_DATA: Schema = {"input": ANY, "rows": ANY, "format": ANY, "fixture": ANY}
FILE: Schema = {
    "version": ANY,
    "models": [MODEL],
    "seeds": [
        {
            "name": ANY,
            "description": ANY,
            "config": CONFIG,
            "columns": [COLUMN],
            "data_tests": "tests",
        }
    ],
    "sources": [
        {
            "name": ANY,
            "schema": ANY,
            "description": ANY,
            "config": CONFIG,
            "tables": [SOURCE_TABLE],
        }
    ],
    "exposures": [
        {
            "name": ANY,
            "label": ANY,
            "type": ANY,
            "maturity": ANY,
            "url": ANY,
            "description": ANY,
            "owner": OWNER,
            "depends_on": ANY,
            "config": CONFIG,
        }
    ],
    "semantic_models": [SEMANTIC_MODEL],
    "metrics": [METRIC],
    "saved_queries": [
        {
            "name": ANY,
            "description": ANY,
            "label": ANY,
            "config": CONFIG,
            "query_params": {"metrics": ANY, "group_by": ANY, "where": ANY},
        }
    ],
    "groups": [{"name": ANY, "description": ANY, "owner": OWNER, "config": CONFIG}],
    "unit_tests": [
        {
            "name": ANY,
            "description": ANY,
            "model": ANY,
            "overrides": {"vars": ANY, "macros": ANY, "env_vars": ANY},
            "given": [UNIT_TEST_DATA],
            "expect": UNIT_TEST_DATA,
            "config": CONFIG,
        }
    ],
    "macros": [
        {
            "name": ANY,
            "description": ANY,
            "arguments": [{"name": ANY, "type": ANY, "description": ANY}],
            "config": CONFIG,
        }
    ],
}


def unknown_keys(value: Any, schema: Any, where: str = "") -> Iterator[str]:
    """Places in a YAML document that dbt would pass over in silence."""
    if schema is ANY:
        return
    if schema == "tests":
        yield from _unknown_in_tests(value, where)
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield f"{where}: a list is expected"
            return
        for place, entry in enumerate(value):
            name = entry.get("name", place) if isinstance(entry, dict) else place
            yield from unknown_keys(entry, schema[0], f"{where}[{name}]")
    elif not isinstance(value, dict):
        yield f"{where}: keys and values are expected"
    else:
        for key, entry in value.items():
            if key not in schema:
                yield f"{where}.{key}"
            else:
                yield from unknown_keys(entry, schema[key], f"{where}.{key}")


def _unknown_in_tests(tests: Any, where: str) -> Iterator[str]:
    """A test is a name, or one name with its arguments."""
    if not isinstance(tests, list):
        yield f"{where}: a list is expected"
        return
    for test in tests:
        if isinstance(test, str):
            continue
        if not isinstance(test, dict) or len(test) != 1:
            yield f"{where}: {test!r} is no test"
            continue
        ((name, details),) = test.items()
        yield from unknown_keys(details, TEST, f"{where}[{name}]")


def yaml_files() -> list[Path]:
    """All YAML files of the dbt project that describe resources."""
    return sorted(
        path
        for folder in ("models", "seeds", "macros", "tests")
        for path in (DBT_PROJECT_DIR / folder).rglob("*.y*ml")
    )


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: path.name)
def test_dbt_knows_every_key(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(unknown_keys(document, FILE)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("models: [{name: a, descripton: b}]", ".models[a].descripton"),
        (
            "models: [{name: a, columns: [{name: c, tests: [unique]}]}]",
            ".models[a].columns[c].tests",
        ),
        ("models: [{name: a, data_tests: [{unique_combination: {columns: [b]}}]}]", "columns"),
        ("models: [{name: a, config: {materialised: table}}]", ".models[a].config.materialised"),
        ("unit_tests: [{name: u, overides: {}}]", ".unit_tests[u].overides"),
        ("exposures: [{name: e, owner: {nam: x}}]", ".exposures[e].owner.nam"),
        ("metrics: [{name: m, type_params: {exp: x}}]", ".metrics[m].type_params.exp"),
    ],
)
def test_a_misspelt_key_is_found(text: str, found: str) -> None:
    (problem,) = unknown_keys(yaml.safe_load(text), FILE)
    assert problem.endswith(found)


def test_a_yaml_file_is_named_after_its_folder() -> None:
    wrong = [
        str(path.relative_to(DBT_PROJECT_DIR))
        for path in yaml_files()
        if not path.name.startswith("_")
    ]
    assert wrong == []
