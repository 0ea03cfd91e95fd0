"""Raw suites: the landing contract, generated from the contract where it says so.

What the contract cannot say of a value (which numbers are usual) is in the tables below; of rows
in `raw_rows.py`, of how many there are in `raw_volume.py`. dbt tests nothing of this again.
"""

from __future__ import annotations

from dataclasses import dataclass

from expectations.rules import Bound, Rule, Severity, TableName
from expectations.suites.raw_rows import row_rules
from expectations.suites.raw_volume import Expected, volume_rules
from orchestration.landing.contract import Contract, Table
from orchestration.landing.values import CURRENCY_PATTERN

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
            *row_rules(contract, table),
            *volume_rules(contract, table, known),
        )
    ]


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
