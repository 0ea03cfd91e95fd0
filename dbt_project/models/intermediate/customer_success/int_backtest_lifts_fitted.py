"""Lift of every alert with its interval. One row per kind, subject, scope and month end."""

from typing import Any

from orchestration.analysis.foresight import lifts


def model(dbt: Any, session: Any) -> Any:
    """Hand the small aggregate to the statistics and their result back to the warehouse."""
    dbt.config(materialized="table")
    return lifts(dbt.ref("int_backtest_counts").to_arrow_table())
