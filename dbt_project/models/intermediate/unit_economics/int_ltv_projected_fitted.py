"""What active customers are still expected to bring. One row per policy and segment or cohort."""

from typing import Any

from orchestration.analysis.ltv import project_lifetimes


def model(dbt: Any, session: Any) -> Any:
    """Hand the small aggregate to the statistics and their result back to the warehouse."""
    dbt.config(materialized="table")
    return project_lifetimes(dbt.ref("int_lifetimes_by_age").to_arrow_table())
