"""The compiled SQL of the revenue models and their data tests, for one set of variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

from tests.properties.warehouse import MARTS as READ_BY_PROPERTIES
from tests.support.dbt_runner import DbtError, DbtProject, _let_go

MARTS = (
    "fct_mrr_movements",
    "fct_mrr_by_customer_month",
    "fct_mrr_by_month",
    "fct_mrr_policy_bridge",
)
REJECTED = "rejected_rows"
"""Where the models list what they cannot count; hand cases look at it."""

MUTATED_FOLDERS = ("models/intermediate/revenue/", "models/marts/revenue/")


@dataclass(frozen=True)
class Node:
    """A model or a data test, compiled; `relation` is a model's quoted name in the database."""

    name: str
    is_model: bool
    path: str
    relation: str
    sql: str
    source_sql: str
    depends_on: tuple[str, ...]

    @property
    def is_mutated(self) -> bool:
        """Whether mutants are made of it."""
        return self.is_model and self.path.startswith(MUTATED_FOLDERS)


def selectors() -> list[str]:
    """What dbt builds: the marts, those that the property tests read, and all before them."""
    return [f"+{mart}" for mart in sorted({*MARTS, REJECTED, *READ_BY_PROPERTIES})]


def compiled_nodes(
    project: DbtProject, database: Path, variables: Mapping[str, Any]
) -> tuple[Node, ...]:
    """Models in an order in which each follows what it reads, then the tests that they can pass.

    Args:
        project: the dbt project.
        database: a database in which the models are built, so that references resolve.
        variables: dbt variables.

    Raises:
        DbtError: dbt could not compile.
    """
    runner = dbtRunner(manifest=project.manifest())
    project._environment(database)
    try:
        outcome = runner.invoke(["compile", *project._arguments(variables),
                                 "--select", *selectors()])  # fmt: skip
    finally:
        _let_go()
    if not outcome.success:
        raise DbtError(f"dbt could not compile: {outcome.exception}")
    results: Any = outcome.result
    nodes = [
        result.node
        for result in results.results
        if str(result.node.resource_type) == "model"
        or (
            str(result.node.resource_type) == "test"
            and str(result.node.config.severity).lower() == "error"
        )
    ]
    models = {node.unique_id for node in nodes if str(node.resource_type) == "model"}
    found = [
        _node(node)
        for node in nodes
        if all(
            parent in models or not parent.startswith("model.") for parent in node.depends_on.nodes
        )
    ]
    tests = sorted((node for node in found if not node.is_model), key=lambda one: one.name)
    return (*_in_order([node for node in found if node.is_model]), *tests)


def _node(node: Any) -> Node:
    return Node(
        name=node.name,
        is_model=str(node.resource_type) == "model",
        path=str(node.original_file_path),
        relation=node.relation_name or "",
        sql=node.compiled_code,
        source_sql=node.raw_code,
        depends_on=tuple(
            sorted(p.rpartition(".")[2] for p in node.depends_on.nodes if p.startswith("model."))
        ),
    )


def _in_order(models: Sequence[Node]) -> list[Node]:
    ordered: list[Node] = []
    placed: set[str] = set()
    waiting = sorted(models, key=lambda one: one.name)
    while waiting:
        ready = [one for one in waiting if placed.issuperset(one.depends_on)]
        assert ready, "models read each other in a circle"
        ordered += ready
        placed |= {one.name for one in ready}
        waiting = [one for one in waiting if one.name not in placed]
    return ordered
