"""What we expect of a table, as plain data.

Dagster wants the names of all checks when it loads, in a moment; importing Great Expectations
takes seconds. So the suites are made of these records, and `context.py` turns them
into expectations when a suite is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Severity = Literal["critical", "warning"]
Kind = Literal[
    "not_null",  # no null in `column`
    "in_set",  # values of `column` are among `values`; nulls pass
    "between",  # values of `column` are from `minimum` to `maximum`; nulls pass
    "latest",  # the greatest value of `column` is from `minimum` to `maximum`
    "row_count",  # the table has from `minimum` to `maximum` rows
    "no_rows",  # `query` returns no row
]
Bound = int | Decimal | str
#: Source and table of the raw contract.
TableName = tuple[str, str]


@dataclass(frozen=True)
class Rule:
    """One expectation of one table.

    Attributes:
        schema: schema of the table in the warehouse.
        table: name of the table or view.
        name: unique within the table; the name of the asset check.
        kind: which expectation it is.
        sentence: what is expected, as people read it.
        severity: a critical one that fails rejects the run, a warning is shown.
        column: of the column kinds.
        values: of `in_set`.
        minimum, maximum: inclusive bounds; dates as ISO text, None: open.
        query: of `no_rows`; reads `{batch}`, which stands for the table, and returns the rows
            that should not be. Braces of its own are doubled, colons are not allowed.
        needs_last_release: it compares with the last release, readable as `last_release`.
        acceptable: it compares with what was, so a person may accept what it finds.
    """

    schema: str
    table: str
    name: str
    kind: Kind
    sentence: str
    severity: Severity = "critical"
    column: str | None = None
    values: tuple[str, ...] = ()
    minimum: Bound | None = None
    maximum: Bound | None = None
    query: str | None = None
    needs_last_release: bool = False
    acceptable: bool = False

    @property
    def subject(self) -> str:
        """The table as people name it."""
        return f"{self.schema}.{self.table}"


def by_table(rules: Sequence[Rule]) -> dict[tuple[str, str], list[Rule]]:
    """The rules of each table, in the order given.

    Raises:
        ValueError: two rules of one table have one name, so that one would hide the other.
    """
    tables: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        siblings = tables.setdefault((rule.schema, rule.table), [])
        if any(sibling.name == rule.name for sibling in siblings):
            raise ValueError(f"two expectations of {rule.subject} are named {rule.name}")
        siblings.append(rule)
    return tables
