"""The statistics of every experiment. One row per experiment."""

from typing import Any

from orchestration.analysis.experiment_table import experiment_statistics


def model(dbt: Any, session: Any) -> Any:
    """Hand the accounts' values to the statistics and their result back to the warehouse."""
    dbt.config(materialized="table")
    experiments = dbt.ref("stg_success__experiments").filter("is_current")
    return experiment_statistics(
        dbt.ref("int_experiment_accounts").to_arrow_table(),
        experiments.to_arrow_table(),
        dbt.ref("experiment_rules").to_arrow_table(),
    )
