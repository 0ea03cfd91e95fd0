"""Area under the curve of the health score with its interval. One row per scope and month end."""

from typing import Any

from orchestration.analysis.foresight import areas_under_curve


def model(dbt: Any, session: Any) -> Any:
    """Hand the small aggregate to the statistics and their result back to the warehouse."""
    dbt.config(materialized="table")
    return areas_under_curve(dbt.ref("int_health_score_counts").to_arrow_table())
