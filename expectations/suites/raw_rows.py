"""Raw suites: rows that do not fit each other, or their time.

What they say is counted as it stands, so each of these rules only tells: somebody has to find out
which row is wrong. Which id points where, and which day is before which, is in the tables below.
"""

from __future__ import annotations

from dataclasses import dataclass

from expectations.rules import Rule, TableName
from orchestration.landing.contract import Contract, Table


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


def row_rules(contract: Contract, table: Table) -> list[Rule]:
    """Order of days, rows of the future, ids that point nowhere, two rows that say one thing."""
    return [
        *_orders(contract, table),
        *_future(contract, table),
        *_references(contract, table),
        *_twins(contract, table),
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
