"""What the pages are made from: the manifest of the dbt project, and its seeds."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.settings import DBT_PROJECT_DIR

Node = Mapping[str, Any]

#: How a data test reads in a table.
TEST_NAMES = {
    "unique": "unique",
    "not_null": "never null",
    "not_negative": "never negative",
    "fraction": "from 0 to 1",
    "is_empty": "no rows",
}


class Project:
    """The manifest, asked as the pages need it.

    Args:
        manifest: as `dbt parse` writes it.
        folder: of `dbt_project.yml`; seeds are read there.
    """

    def __init__(self, manifest: Mapping[str, Any], folder: Path = DBT_PROJECT_DIR) -> None:
        self.manifest = manifest
        self.folder = folder
        self.nodes: dict[str, Node] = {**manifest["nodes"], **manifest["sources"]}

    @cached_property
    def marts(self) -> list[Node]:
        """All marts, by domain in the order of the groups, then by name."""
        order = list(self.domains)
        found = [
            node
            for node in self.manifest["nodes"].values()
            if node["resource_type"] == "model" and node["fqn"][1] == "marts"
        ]
        return sorted(found, key=lambda node: (order.index(node["schema"]), node["name"]))

    @cached_property
    def domains(self) -> dict[str, Mapping[str, str]]:
        """Owner of each domain: its name and e-mail."""
        return {group["name"]: group["owner"] for group in self.manifest["groups"].values()}

    @cached_property
    def seeds(self) -> list[Node]:
        """All seeds by name."""
        found = [n for n in self.manifest["nodes"].values() if n["resource_type"] == "seed"]
        return sorted(found, key=lambda node: str(node["name"]))

    @cached_property
    def exposures(self) -> list[Node]:
        """All exposures by label."""
        return sorted(self.manifest["exposures"].values(), key=lambda node: str(node["label"]))

    def seed_rows(self, seed: Node) -> list[dict[str, str]]:
        """The rows of a seed as they stand in the csv."""
        path = self.folder / seed["original_file_path"]
        with path.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    def tests_of(self, node: Node) -> list[Node]:
        """The data tests that look at a node."""
        children = self.manifest["child_map"].get(node["unique_id"], [])
        tests = [self.nodes[child] for child in children if child.startswith("test.")]
        return sorted(tests, key=lambda test: str(test["name"]))

    def grain_of(self, node: Node) -> list[str]:
        """The columns that tell its rows apart, as its grain test says."""
        for test in self.tests_of(node):
            named = test.get("test_metadata") or {}
            if test.get("attached_node") != node["unique_id"]:
                continue
            if named.get("name") == "unique_combination":
                return [str(column) for column in named["kwargs"]["columns"]]
            if named.get("name") == "unique":
                return [str(named["kwargs"]["column_name"])]
        return []

    def column_rules(self, node: Node) -> dict[str, list[str]]:
        """What is tested of each column, as people read it."""
        rules: dict[str, list[str]] = {
            name: ["never null" for rule in column["constraints"] if rule["type"] == "not_null"]
            for name, column in node["columns"].items()
        }
        for test in self.tests_of(node):
            named = test.get("test_metadata") or {}
            column = named.get("kwargs", {}).get("column_name")
            if test.get("attached_node") != node["unique_id"] or column not in rules:
                continue
            if named["name"] == "accepted_values":
                said = "one of " + ", ".join(f"`{v}`" for v in named["kwargs"]["values"])
            else:
                said = TEST_NAMES.get(named["name"], str(named["name"]).replace("_", " "))
            if said not in rules[column]:
                rules[column].append(said)
        return rules

    def parents(self, node: Node) -> list[Node]:
        """What its SQL reads."""
        return [self.nodes[parent] for parent in sorted(set(node["depends_on"]["nodes"]))]

    def sources_of(self, node: Node) -> set[str]:
        """Ids of the landed tables behind a node, through all steps."""
        found: set[str] = set()
        seen: set[str] = set()
        waiting = [str(node["unique_id"])]
        while waiting:
            here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            if here.startswith("source."):
                found.add(here)
                continue
            waiting += self.nodes[here]["depends_on"].get("nodes", [])
        return found

    def readers(self, node: Node) -> list[Node]:
        """Exposures that read a node."""
        return [e for e in self.exposures if node["unique_id"] in e["depends_on"]["nodes"]]

    def child_marts(self, node: Node) -> list[Node]:
        """Marts whose SQL reads a node."""
        children = set(self.manifest["child_map"].get(node["unique_id"], []))
        return [mart for mart in self.marts if mart["unique_id"] in children]

    @cached_property
    def metrics(self) -> list[Node]:
        """The metrics that people ask for, by name: not the parts that they are made of."""
        parts = {
            used["name"] for metric in self.manifest["metrics"].values() for used in _parts(metric)
        }
        found = self.manifest["metrics"].values()
        return sorted((m for m in found if m["name"] not in parts), key=lambda m: str(m["name"]))

    def models_of(self, metric: Node) -> list[Node]:
        """The marts that a metric is made of."""
        found: dict[str, Node] = {}
        waiting = list(metric["depends_on"]["nodes"])
        while waiting:
            here = waiting.pop()
            if here.startswith("metric."):
                waiting += self.manifest["metrics"][here]["depends_on"]["nodes"]
            elif here.startswith("semantic_model."):
                for model in self.manifest["semantic_models"][here]["depends_on"]["nodes"]:
                    found[model] = self.nodes[model]
        return list(found.values())


def _parts(metric: Node) -> list[Mapping[str, Any]]:
    params = metric["type_params"]
    ends = [params.get("numerator"), params.get("denominator")]
    return [*(params.get("metrics") or []), *(end for end in ends if end)]
