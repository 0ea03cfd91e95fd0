"""An expectation that a query finds nothing, at the cost of running it once.

Great Expectations' own runs the query twice, for the rows and for their number, and keeps only the
number. Imported late, like everything that imports Great Expectations.
"""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations.core.unexpected_rows_expectation import (
    UnexpectedRowsExpectation,
)


class ExpectNoRows(UnexpectedRowsExpectation):
    """`unexpected_rows_query` returns no row."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> Any:
        # The rows are asked for nowhere: a failed check reads the few that it shows by itself.
        counted = {**metrics, "unexpected_rows_query.table": None}
        return super()._validate(counted, runtime_configuration, execution_engine)
