"""One warehouse for all rules of lists and experiments: built once, asked by every test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from tests.customer_success import experiments_company, lists_company
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import write_raw_tables

Ask = Callable[[str], list[tuple[Any, ...]]]

MARTS = (
    "fct_experiment_results",
    "fct_winback_candidates",
    "fct_winback_by_month",
    "fct_loyalty_candidates",
    "fct_advocacy_candidates",
    "fct_silent_customers",
    "fct_champion_candidates",
    "fct_expiring_cards",
    "fct_audiences",
    "fct_trial_followups",
    "fct_onboarding",
    "fct_nps_by_month",
    "rpt_quarterly_review",
    "fct_next_steps",
    "fct_churn_events",
    "fct_customer_signals",
    "dim_customers",
)

#: What a person would add to the seeds: a mend, and wishes not to be approached.
SEED_ROWS = (
    "insert into seeds.mended_reasons values"
    " ('faster', 'missing_features', null, '2026-05-01', 'Reports are there'),"
    " ('other_plan', 'too_expensive', 'Basic', '2026-05-01', 'For another plan'),"
    " ('to_come', 'too_expensive', null, '2026-07-01', 'Not yet')",
    "insert into seeds.outreach_opt_outs values"
    " ('o1', 'customer', 'opted_out', null, '2026-01-01', null, 'Asked for it'),"
    " ('o2', 'account', 'acc_lost_opted_out', 'winback', '2026-01-01', null, 'Asked for it'),"
    " ('o3', 'contact', 'con_promoter_champion', 'newsletter', '2026-01-01', null, 'Mail'),"
    " ('o5', 'customer', 'one_year', null, '2026-07-01', null, 'From tomorrow on'),"
    " ('o4', 'customer', 'three_years', null, '2025-01-01', '2026-01-01', 'No longer holds')",
)


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """A function that asks the warehouse of `lists_company` and `experiments_company`."""
    folder = tmp_path_factory.mktemp("customer_success")
    database = folder / DATABASE_NAME
    rows = lists_company.rows()
    for table, more in experiments_company.rows().items():
        known = {row["id"] for row in rows.get(table, []) if table.endswith(("prices", "products"))}
        rows.setdefault(table, []).extend(row for row in more if row.get("id") not in known)
    write_raw_tables(database, rows)
    project = DbtProject(folder / "dbt")
    variables = {"as_of_date": lists_company.AS_OF.isoformat()}
    project.build(database, ["path:seeds"], variables)
    with duckdb.connect(str(database)) as connection:
        for statement in SEED_ROWS:
            connection.execute(statement)
    project.build(database, [f"+{mart}" for mart in MARTS], variables, exclude=["path:seeds"])
    project.build(
        database,
        ["path:tests/customer_success", *(f"{mart},test_type:generic" for mart in MARTS)],
        variables,
        with_tests=True,
    )

    def answer(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return answer
