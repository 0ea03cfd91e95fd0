"""Asks MetricFlow many questions in one process: starting it costs seconds, a question does not.

Reads questions as JSON from stdin, writes for each the columns and rows, every value as text.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from orchestration.semantic_layer import prepare
from orchestration.settings import load_settings


def main() -> None:
    prepare(load_settings())
    configuration = import_module("dbt_metricflow.cli.cli_configuration").CLIConfiguration()
    configuration.setup()
    request: Any = import_module("metricflow.engine.metricflow_engine").MetricFlowQueryRequest
    answers = []
    for question in json.load(sys.stdin):
        table = configuration.mf.query(
            request.create(
                saved_query_name=question.get("saved_query"),
                metric_names=question.get("metrics"),
                group_by_names=question.get("group_by"),
                where_constraints=question.get("where"),
            )
        ).result_df
        rows = [[None if value is None else str(value) for value in row] for row in table.rows]
        answers.append({"columns": list(table.column_names), "rows": rows})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
