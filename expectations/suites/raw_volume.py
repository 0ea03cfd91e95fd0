"""Raw suites: how many rows a table has, and how recent its newest is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from expectations.rules import Rule, TableName
from orchestration.landing.contract import Contract, Table

#: How old the newest row of a table may be on the as-of date, in days. Only tables that
#: every running company lands continuously.
FRESHNESS_DAYS: dict[TableName, tuple[str, int]] = {
    ("billing", "invoices"): ("created", 35),
    ("product", "events"): ("occurred_at", 3),
    ("finance", "fx_rates"): ("rate_date", 7),
}


#: Tables of events that come every day, with the column that dates them.
VOLUME_COLUMNS: dict[TableName, str] = {
    ("billing", "invoices"): "created",
    ("product", "events"): "occurred_at",
}
#: How many periods before the last release say what is usual, and how many rows each needs.
VOLUME_PERIODS = 8
VOLUME_ROWS = 50
#: Fewer of the last release's rows than this hold the run.
REMAINING_PERCENT = 90


@dataclass(frozen=True)
class Expected:
    """What a run knows beyond the contract.

    Attributes:
        as_of: last day that counts; None while Dagster only asks for names.
        row_counts: rows of each raw table at the last release, by (schema, table).
        last_as_of: as-of date of the last release; None where there is none.
    """

    as_of: date | None = None
    row_counts: tuple[tuple[tuple[str, str], int], ...] = ()
    last_as_of: date | None = None


def volume_rules(contract: Contract, table: Table, expected: Expected) -> list[Rule]:
    """Rows against those of the last release and of the weeks before it, and the newest row."""
    return [*_volume(contract, table, expected), *_freshness(contract, table, expected)]


def _volume(contract: Contract, table: Table, expected: Expected) -> list[Rule]:
    schema = contract.schema_of(table)
    before = dict(expected.row_counts).get((schema, table.name), 0)
    remaining = -(-before * REMAINING_PERCENT // 100)
    rules = [
        Rule(
            schema=schema,
            table=table.name,
            name="rows_are_only_added",
            kind="row_count",
            sentence="There are no fewer rows than in the last release: files are only ever added.",
            severity="warning",
            minimum=before,
        ),
        Rule(
            schema=schema,
            table=table.name,
            name="most_rows_remain",
            kind="row_count",
            sentence=f"There are at least {REMAINING_PERCENT} % of the {before:,} rows of the last"
            " release.",
            minimum=remaining,
            acceptable=True,
        ),
    ]
    column = VOLUME_COLUMNS.get((table.source, table.name))
    return rules if column is None else [*rules, _usual_volume(schema, table, column, expected)]


def _usual_volume(schema: str, table: Table, column: str, expected: Expected) -> Rule:
    """The days since the last release against as many days, of the same weekdays, before it.

    What is judged is in none of the windows that it is judged by.
    """
    as_of, last = expected.as_of, expected.last_as_of
    days = (as_of - last).days if as_of is not None and last is not None else 0
    if days < 1:
        # Without a last release, or on its own day, there is nothing new to judge.
        query = "select 1 as nothing from {batch} where false"
    else:
        period = -(-days // 7) * 7
        age = f"cast(cast('{as_of}' as date) - cast({column} as date) as bigint)"
        query = (
            "select * from (select count(*) filter (place > 0) as periods,"
            " min(row_count) filter (place > 0) as fewest_before,"
            " max(row_count) filter (place > 0) as most_before,"
            " coalesce(max(row_count) filter (place = 0), 0) as seen"
            f" from (select {age} // {period} as place, count(*) as row_count from {{batch}}"
            f" where {age} between 0 and {(VOLUME_PERIODS + 1) * period - 1}"
            f" and {age} % {period} < {days} group by place) as by_period) as volume"
            f" where periods = {VOLUME_PERIODS} and fewest_before >= {VOLUME_ROWS}"
            " and (2 * seen < fewest_before or seen > 2 * most_before)"
        )
    return Rule(
        schema=schema,
        table=table.name,
        name="volume_is_usual",
        kind="no_rows",
        sentence=f"The rows of the {days} days since the last release are at least half of the"
        f" fewest and at most twice the most of {VOLUME_PERIODS} like periods before it.",
        query=query,
        needs_last_release=True,
        acceptable=True,
    )


def _freshness(contract: Contract, table: Table, expected: Expected) -> list[Rule]:
    rule = FRESHNESS_DAYS.get((table.source, table.name))
    if rule is None:
        return []
    column, days = rule
    as_of = expected.as_of
    return [
        Rule(
            schema=contract.schema_of(table),
            table=table.name,
            name=f"{column}_is_recent",
            kind="latest",
            sentence=f"The newest {column} is at most {days} days before the as-of date.",
            severity="warning",
            column=column,
            minimum=(as_of - timedelta(days=days)).isoformat() if as_of else None,
        )
    ]
