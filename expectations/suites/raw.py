"""Raw suites: the landing contract, generated from the contract where it says so.

What the contract cannot say (which id points where, which numbers are usual, how recent a
table must be) is in the tables below. dbt tests nothing of this again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from expectations.rules import Bound, Rule, Severity
from orchestration.landing.contract import Contract, Table
from orchestration.landing.values import CURRENCY_PATTERN

TableName = tuple[str, str]

#: Optional columns whose values decide how money is counted: an unknown one blocks the build,
#: like one of a required column. In all others it is a warning.
DECIDING_COLUMNS: frozenset[tuple[str, str, str]] = frozenset(
    ("billing", table, column)
    for table, columns in {
        "prices": ("billing_scheme", "tiers_mode", "type", "interval", "usage_type"),
        "invoice_line_items": ("type",),
    }.items()
    for column in columns
)


@dataclass(frozen=True)
class Reference:
    """Values of `column` are keys of `target`; nulls pass."""

    column: str
    target: TableName
    target_column: str = "id"


REFERENCES: dict[TableName, tuple[Reference, ...]] = {
    ("billing", "prices"): (Reference("product_id", ("billing", "products")),),
    ("billing", "subscriptions"): (Reference("customer_id", ("billing", "customers")),),
    ("billing", "subscription_items"): (
        Reference("subscription_id", ("billing", "subscriptions")),
        Reference("price_id", ("billing", "prices")),
    ),
    ("billing", "discounts"): (
        Reference("customer_id", ("billing", "customers")),
        Reference("subscription_id", ("billing", "subscriptions")),
    ),
    ("billing", "invoices"): (
        Reference("customer_id", ("billing", "customers")),
        Reference("subscription_id", ("billing", "subscriptions")),
    ),
    ("billing", "invoice_line_items"): (
        Reference("invoice_id", ("billing", "invoices")),
        Reference("subscription_id", ("billing", "subscriptions")),
        Reference("subscription_item_id", ("billing", "subscription_items")),
        Reference("price_id", ("billing", "prices")),
    ),
    ("billing", "payments"): (
        Reference("customer_id", ("billing", "customers")),
        Reference("invoice_id", ("billing", "invoices")),
    ),
    ("billing", "refunds"): (Reference("payment_id", ("billing", "payments")),),
    ("billing", "credit_notes"): (Reference("invoice_id", ("billing", "invoices")),),
    ("billing", "payment_methods"): (Reference("customer_id", ("billing", "customers")),),
    ("crm", "accounts"): (
        Reference("billing_customer_id", ("billing", "customers")),
        Reference("parent_account_id", ("crm", "accounts")),
    ),
    ("crm", "contacts"): (Reference("account_id", ("crm", "accounts")),),
    ("crm", "leads"): (Reference("account_id", ("crm", "accounts")),),
    ("product", "users"): (Reference("account_id", ("crm", "accounts")),),
    ("product", "events"): (Reference("account_id", ("crm", "accounts")),),
    ("product", "entitlements"): (Reference("account_id", ("crm", "accounts")),),
    ("survey", "nps_responses"): (Reference("account_id", ("crm", "accounts")),),
    ("support", "tickets"): (Reference("account_id", ("crm", "accounts")),),
    ("success", "experiment_assignments"): (
        Reference("experiment_id", ("success", "experiments")),
        Reference("account_id", ("crm", "accounts")),
    ),
}


@dataclass(frozen=True)
class Range:
    """Values of `column` are from `minimum` to `maximum`, both inclusive; nulls pass."""

    column: str
    minimum: Bound | None
    maximum: Bound | None


#: What numbers usually are; what they have to be is in the contract, and the gate holds it first.
RANGES: dict[TableName, tuple[Range, ...]] = {
    ("billing", "prices"): (Range("interval_count", 1, None),),
    ("billing", "subscription_items"): (Range("quantity", 0, None),),
    ("billing", "discounts"): (
        Range("percent_off", 0, 100),
        Range("amount_off", 0, None),
        Range("duration_in_months", 1, None),
    ),
    ("billing", "invoices"): (Range("attempt_count", 0, None),),
    ("billing", "payments"): (Range("amount", 0, None),),
    ("billing", "refunds"): (Range("amount", 0, None),),
    ("billing", "credit_notes"): (Range("amount", 0, None),),
    ("billing", "payment_methods"): (Range("card_exp_month", 1, 12),),
    ("product", "entitlements"): (Range("limit_value", 0, None), Range("used_value", 0, None)),
    ("support", "tickets"): (Range("csat", 1, 5),),
    ("success", "experiments"): (Range("expected_target_share", 0, 1),),
}

#: Pairs of columns of which the second is never before the first.
ORDERED_DATES: dict[TableName, tuple[tuple[str, str], ...]] = {
    ("billing", "subscriptions"): (
        ("start_date", "ended_at"),
        ("trial_start", "trial_end"),
        ("current_period_start", "current_period_end"),
    ),
    ("billing", "discounts"): (("start_at", "end_at"),),
    ("billing", "invoices"): (("period_start", "period_end"), ("created", "paid_at")),
    ("billing", "invoice_line_items"): (("period_start", "period_end"),),
    ("product", "events"): (("occurred_at", "received_at"),),
    ("support", "tickets"): (("opened_at", "resolved_at"),),
    ("success", "experiments"): (("started_on", "ended_on"),),
}

#: What dates a row of a table that has no versions.
DATES: dict[TableName, str] = {
    ("product", "events"): "occurred_at",
    ("product", "entitlements"): "measured_at",
    ("survey", "nps_responses"): "responded_at",
    ("finance", "fx_rates"): "rate_date",
    ("success", "experiment_assignments"): "assigned_at",
}

#: Rows that share a key are not looked for: that alone would take as long as all other rules do.
NOT_COMPARED: frozenset[TableName] = frozenset({("product", "events")})

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


def raw_rules(contract: Contract, expected: Expected | None = None) -> list[Rule]:
    """All rules of all raw tables, in the contract's order; their names are always the same."""
    known = expected or Expected()
    return [
        rule
        for table in contract.tables
        for rule in (
            *_filled(contract, table),
            *_values(contract, table),
            *_ranges(contract, table),
            *_currencies(contract, table),
            *_orders(contract, table),
            *_future(contract, table),
            *_references(contract, table),
            *_twins(contract, table),
            *_volume(contract, table, known),
            *_freshness(contract, table, known),
        )
    ]


def _told(
    contract: Contract, table: Table, column: str | None, name: str, sentence: str, query: str
) -> Rule:
    """A rule that the query finds no rows; what it finds is told, and counted as it stands."""
    return Rule(
        schema=contract.schema_of(table),
        table=table.name,
        name=name,
        kind="no_rows",
        sentence=sentence,
        severity="warning",
        column=column,
        query=query,
    )


def _filled(contract: Contract, table: Table) -> list[Rule]:
    return [
        Rule(
            schema=contract.schema_of(table),
            table=table.name,
            name=f"{column.name}_is_filled",
            kind="not_null",
            sentence=f"{column.name} is never null: "
            + ("it is the key." if column.name in table.key else "it is required."),
            column=column.name,
        )
        for column in table.columns
        if column.name in table.must_be_filled
    ]


def _values(contract: Contract, table: Table) -> list[Rule]:
    return [
        Rule(
            schema=contract.schema_of(table),
            table=table.name,
            name=f"{column.name}_is_known",
            kind="in_set",
            sentence=f"{column.name} is one of {', '.join(column.values)}.",
            severity="critical"
            if column.required or (table.source, table.name, column.name) in DECIDING_COLUMNS
            else "warning",
            column=column.name,
            values=column.values,
        )
        for column in table.columns
        if column.values
    ]


def _ranges(contract: Contract, table: Table) -> list[Rule]:
    needed = (
        Range(column.name, column.lowest, column.highest)
        for column in table.columns
        if column.lowest is not None or column.highest is not None
    )
    usual = RANGES.get((table.source, table.name), ())
    return [
        *(_range(contract, table, bounds, "critical") for bounds in needed),
        *(_range(contract, table, bounds, "warning") for bounds in usual),
    ]


def _range(contract: Contract, table: Table, bounds: Range, severity: Severity) -> Rule:
    return Rule(
        schema=contract.schema_of(table),
        table=table.name,
        name=f"{bounds.column}_is_possible",
        kind="between",
        sentence=f"{bounds.column} is {_span(bounds.minimum, bounds.maximum)}.",
        severity=severity,
        column=bounds.column,
        minimum=bounds.minimum,
        maximum=bounds.maximum,
    )


def _span(minimum: Bound | None, maximum: Bound | None) -> str:
    if minimum is None:
        return f"at most {maximum}"
    return f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"


def _currencies(contract: Contract, table: Table) -> list[Rule]:
    """GX's own regex expectation does not speak DuckDB, so the rule is SQL."""
    return [
        Rule(
            schema=contract.schema_of(table),
            table=table.name,
            name=f"{column.name}_is_a_code",
            kind="no_rows",
            sentence=f"{column.name} is a three-letter ISO 4217 code.",
            severity="critical" if column.required else "warning",
            column=column.name,
            query=f"select {column.name} from {{batch}}"
            f" where not regexp_full_match({column.name}, '{_in_query(CURRENCY_PATTERN)}')",
        )
        for column in table.columns
        if column.is_currency
    ]


def _in_query(pattern: str) -> str:
    """A pattern in a query, in which braces stand for the batch."""
    return pattern.replace("{", "{{").replace("}", "}}")


def _orders(contract: Contract, table: Table) -> list[Rule]:
    return [
        _told(
            contract,
            table,
            later,
            f"{later}_is_not_before_{earlier}",
            f"{later} is never before {earlier}.",
            f"select {', '.join(table.key)}, {earlier}, {later}"
            f" from {{batch}} where {later} < {earlier}",
        )
        for earlier, later in ORDERED_DATES.get((table.source, table.name), ())
    ]


def _future(contract: Contract, table: Table) -> list[Rule]:
    """Rows that are dated after they came: a clock that is wrong, or a year that is.

    They count from their day on, and nobody would see that they do not yet.
    """
    own = DATES.get((table.source, table.name))
    dates = [
        name
        for name in (table.version, own, "created")
        if name is not None and name in table.column_names
    ]
    if not dates:
        return []
    # A version that means never reads as null; what is dated once has no other date.
    wrong = [f"({name} > _loaded_at + interval 1 day and {name} < '9999-01-01')" for name in dates]
    if own is not None:
        wrong += [f"{own} < '1970-01-02'", f"{own} >= '9999-01-01'"]
    ahead = " or ".join(wrong)
    shown = dict.fromkeys((*table.key, *dates, "_loaded_at"))
    return [
        _told(
            contract,
            table,
            dates[0],
            "rows_are_not_of_the_future",
            f"{' and '.join(dates)} {'is' if len(dates) == 1 else 'are'} a date, and at"
            " most a day after the row arrived: a row counts from its day on.",
            f"select {', '.join(shown)} from {{batch}} where {ahead}",
        )
    ]


def _references(contract: Contract, table: Table) -> list[Rule]:
    return [
        _told(
            contract,
            table,
            reference.column,
            f"{reference.column}_exists",
            f"{reference.column} is in {'.'.join(reference.target)}.",
            _orphans(contract, reference),
        )
        for reference in REFERENCES.get((table.source, table.name), ())
    ]


def _orphans(contract: Contract, reference: Reference) -> str:
    """Values that point nowhere. Without a crm, account ids are billing customer ids."""
    targets = [(reference.target, reference.target_column)]
    if reference.target == ("crm", "accounts") and reference.column == "account_id":
        targets.append((("billing", "customers"), "id"))
    found = " union all ".join(
        f"select {key} as found from {contract.schema_of(contract.by_name[target])}.{target[1]}"
        for target, key in targets
    )
    return (
        f"select {reference.column}, count(*) as row_count from {{batch}}"
        f" where {reference.column} not in (select found from ({found}) where found is not null)"
        f" group by {reference.column}"
    )


def _twins(contract: Contract, table: Table) -> list[Rule]:
    """Rows of tables with versions that may be one thing twice, or that say two things at once.

    Both are counted as they stand, by rule (ids are texts; of two contents one wins), so somebody
    has to be told.
    """
    if table.version is None:
        is_compared = (table.source, table.name) not in NOT_COMPARED
        return _one_content(contract, table) if is_compared else []
    ids = [column.name for column in table.columns if column.name in table.key and column.is_id]
    version = f"coalesce({table.version}, timestamp '1970-01-01')"
    contents = ", ".join((*table.column_names, f"{version} as version"))
    when = ", ".join((*table.key, version))
    again = f"select {when} from {{batch}} group by all having count(*) > 1"
    names = ", ".join((*table.key, "version"))
    keys = ", ".join(table.key)
    born = [
        _told(
            contract,
            table,
            "created",
            "created_never_changes",
            "All versions of a key were created at one time: else two things share it.",
            f"select {keys}, min(created) as first, max(created) as last from {{batch}}"
            f" group by {keys} having min(created) < max(created)",
        )
    ]
    alike = [
        _told(
            contract,
            table,
            id_column,
            f"{id_column}_differs_in_more_than_letter_case",
            f"No two of {id_column} differ in letter case and blanks alone.",
            f"select min({id_column}) as one, max({id_column}) as other from {{batch}}"
            f" group by lower(trim({id_column})) having min({id_column}) < max({id_column})",
        )
        for id_column in ids
    ]
    return [
        *alike,
        *(born if "created" in table.column_names else []),
        _told(
            contract,
            table,
            None,
            "a_version_says_one_thing",
            "Rows of one key and version are the same row.",
            # Only what comes again is compared: nearly all rows come once.
            f"select {names} from (select distinct {contents} from {{batch}}"
            f" where ({when}) in ({again})) group by {names} having count(*) > 1",
        ),
    ]


def _one_content(contract: Contract, table: Table) -> list[Rule]:
    """Rows of a table without versions that share a key: of two contents one counts, by rule."""
    keys = {
        column.name: f"upper({column.name})" if column.is_currency else column.name
        for column in table.columns
        if column.name in table.key
    }
    # When a row came says nothing of what it is of.
    others = [
        column
        for column in table.columns
        if column.name not in keys and column.name != "received_at"
    ]
    numbers = ", ".join(
        f"min({column.name}) as least_{column.name}, max({column.name}) as greatest_{column.name}"
        for column in others
        if column.data_type.startswith(("bigint", "decimal"))
    )
    named = ", ".join(f"{text} as {name}" for name, text in keys.items())
    again = f"select {', '.join(keys.values())} from {{batch}} group by all having count(*) > 1"
    contents = ", ".join(column.name for column in others)
    return [
        _told(
            contract,
            table,
            None,
            "a_key_says_one_thing",
            "Rows of one key are the same row; of several contents one is counted.",
            # Only what comes again is compared: nearly all rows come once.
            f"select {named}{', ' if numbers else ''}{numbers} from {{batch}}"
            f" where ({', '.join(keys.values())}) in ({again}) group by {', '.join(keys.values())}"
            f" having count(distinct row({contents})) > 1",
        )
    ]


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
