"""Every worked example about MRR, churn and retention, in the oracle and in the marts."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.golden import (
    churn_cases,
    cohort_cases,
    found_cases,
    movement_cases,
    mrr_cases,
    policy_cases,
)
from tests.golden.book import Book, Case
from tests.golden.pending import PENDING
from tests.golden.policy_cases import presets
from tests.oracle.policy import Policy
from tests.properties.expected import Oracle
from tests.properties.histories import Tenant, World
from tests.properties.warehouse import Warehouse
from tests.support.raw_tables import PROJECT_DIR

CASES: tuple[Case, ...] = (
    *mrr_cases.CASES,
    *movement_cases.CASES,
    *churn_cases.CASES,
    *policy_cases.CASES,
    *cohort_cases.CASES,
    *found_cases.CASES,
)
EXAMPLES = PROJECT_DIR.parent / "shared" / "design" / "golden" / "vendor_examples.json"

case_by_id = pytest.mark.parametrize(
    "case", CASES, ids=[f"{'+'.join(case.ids)} {case.name}" for case in CASES]
)


def world_of(as_of: date) -> World:
    return World(as_of, "UTC", "USD", (), ())


def tenant_of(case: Case) -> Tenant:
    return Tenant(0, frozenset(), case.rows)


@case_by_id
def test_oracle_agrees_with_the_printed_example(case: Case) -> None:
    answer = Oracle(world_of(case.as_of), case.policies).answer(tenant_of(case))
    case.check(*(Book(answer[policy.policy_id], policy, case.as_of) for policy in case.policies))


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Book]]:
    """Books of all cases from the marts: one dbt run per as-of date, one tenant per case."""
    warehouse = Warehouse(Path(tmp_path_factory.mktemp("golden")))
    found: dict[int, list[Book]] = {}
    for as_of in sorted({case.as_of for case in CASES}):
        numbers = [number for number, case in enumerate(CASES) if case.as_of == as_of]
        policies: dict[str, Policy] = {
            policy.policy_id: policy for number in numbers for policy in CASES[number].policies
        }
        tenants = [tenant_of(CASES[number]) for number in numbers]
        built = warehouse.build(
            tenants, world_of(as_of), list(policies.values()), shipped=set(presets())
        )
        for number, figures in zip(numbers, built.figures, strict=True):
            found[number] = [
                Book(figures[policy.policy_id], policy, as_of) for policy in CASES[number].policies
            ]
    return found


@case_by_id
def test_marts_agree_with_the_printed_example(case: Case, books: dict[int, list[Book]]) -> None:
    case.check(*books[CASES.index(case)])


def test_every_printed_example_is_tested_or_pending() -> None:
    if not EXAMPLES.exists():
        pytest.skip(f"{EXAMPLES.name} is not beside the project")
    printed = json.loads(EXAMPLES.read_text())
    ids = {example["id"] for example in printed["examples"]}
    ids |= {f"cohort table {name}" for name in printed["cohort_tables"]}
    tested = {identity for case in CASES for identity in case.ids} - {"five policies", "found"}
    assert tested | set(PENDING) == ids
    assert not tested & set(PENDING)
