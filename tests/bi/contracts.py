"""The marts that Superset is shown: their keys and columns."""

from __future__ import annotations

import yaml

from orchestration.settings import DBT_PROJECT_DIR

KEYS = {
    "revenue.fct_mrr_by_month": ("policy_id", "month", "segment_type", "segment_value"),
    "revenue.fct_mrr_movements": ("movement_id",),
    "retention.fct_retention_by_period": (
        "policy_id",
        "period_type",
        "period_start",
        "segment_type",
        "segment_value",
    ),
    "customer_success.fct_action_queue": ("action_id",),
}


def contract(mart: str) -> dict[str, str]:
    """The columns of a mart and their types."""
    schema, name = mart.split(".")
    for path in sorted((DBT_PROJECT_DIR / "models" / "marts").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text("utf-8")).get("models") or []:
            if model["name"] == name:
                return {column["name"]: column["data_type"] for column in model["columns"]}
    raise AssertionError(f"no mart {schema}.{name}")
