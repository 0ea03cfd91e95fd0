"""A simulated company's MRR against the truth that the simulation kept apart, to the cent.

The simulation lands late, duplicate and corrected rows; its truth comes from its own state.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from simulation.config import SimulationConfig
from simulation.run import simulate, write_company
from tests.acceptance.refresh import refresh


def test_mrr_of_2000_customers_over_36_months_is_the_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth"
    config = SimulationConfig(
        customers=2000, months=36, seed=20261031, as_of=date(2026, 10, 31), events=50_000
    )
    write_company(simulate(config), tmp_path / "landing", truth)
    refresh(tmp_path / "home", tmp_path / "landing", "2026-10-31")
    with duckdb.connect(tmp_path / "home" / "warehouse.duckdb", read_only=True) as connection:
        expected = connection.execute(
            f"""
            select customer_id, month::date, closing_mrr::decimal(18, 2)
            from read_csv('{truth / "mrr_by_customer_month.csv"}', all_varchar = true)
            order by all
            """
        ).fetchall()
        got = connection.execute(
            """
            select customer_id, month, closing_mrr from revenue.fct_mrr_by_customer_month
            where policy_id = 'board_strict' and closing_mrr > 0
            order by all
            """
        ).fetchall()
    assert len(expected) > 10_000
    assert got == expected
