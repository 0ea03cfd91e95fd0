"""A simulated company against the truth that the simulation kept apart, MRR to the cent.

The simulation lands late, duplicate and corrected rows; its truth comes from its own state.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.customer_success.simulated_experiments import simulated_groups
from tests.support.released_company import CONFIG


def test_mrr_of_2000_customers_over_36_months_is_the_truth(company: Path) -> None:
    truth = company / "truth"
    with duckdb.connect(company / "home" / "warehouse.duckdb", read_only=True) as connection:
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


def test_experiments_compare_who_was_truly_in_them(company: Path) -> None:
    with duckdb.connect(company / "home" / "warehouse.duckdb", read_only=True) as connection:
        rows = connection.execute(
            """
            select
                experiment_id, target_accounts_measured, control_accounts_measured,
                target_before, target_after, control_before, control_after, result
            from customer_success.fct_experiment_results
            """
        ).fetchall()
    found = {row[0]: row[1:] for row in rows}
    # In the landed events sessions fall on days of their own: active days are not compared.
    for key in ("exp_coach", "exp_footer", "exp_call"):
        groups = simulated_groups(CONFIG)[key]
        answered = ~(np.isnan(groups.before) & np.isnan(groups.after))
        expected = [int((answered & chosen).sum()) for chosen in _both(groups.is_target)]
        expected += [
            np.nanmean(values[chosen])
            for chosen in _both(groups.is_target)
            for values in (groups.before, groups.after)
        ]
        assert [float(value) for value in found[key][:6]] == pytest.approx(expected, abs=1e-6)
    # What truly does nothing is not called.
    assert found["exp_footer"][6] in ("no_difference_shown", "not_enough_data")


def _both(is_target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return is_target, ~is_target
