"""Kaplan–Meier curves of the counted lifetimes. One row per policy, segment and point."""

from typing import Any

from orchestration.analysis.survival_table import survival_by_segment


def model(dbt: Any, session: Any) -> Any:
    """Hand the small aggregate to the statistics and their result back to the warehouse."""
    dbt.config(materialized="table")
    return survival_by_segment(dbt.ref("int_lifetimes_counted").to_arrow_table())
