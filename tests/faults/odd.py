"""What is odd in a whole company: every table of the contract, not only those that make MRR.

Each oddity takes the rows of all tables and a source of chance, and changes the rows in place. All
of them can be landed: the types fit. None may stop a model, and none may break what the data tests
hold of the marts; what cannot be counted is rejected by name, or the raw suites hold the run.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Company = dict[str, list[Row]]
Oddity = Callable[[Company, random.Random], None]

NAMES = (
    *("<script>alert(1)</script>", 'O\'Neil & "Söhne"', "Line one\nline two", "漢字 🏳️", "x" * 3000),
    *("=1+1", "@SUM(A1)", "a\tb", "\u202eevil", "NULL", "None", "nan", "'; drop table x; --"),
    *("%s {{ x }}", "", " ", "Ａ", "A", "a", "é", "e\u0301", "ß", "SS", "0", "01", "1e3", "true"),
)
MOMENTS = (
    *(datetime(1970, 1, 1), datetime(1899, 12, 31, 23, 59, 59), datetime(2024, 2, 29, 12)),
    *(datetime(2026, 10, 31, 23, 59, 59), datetime(2026, 11, 1), datetime(2031, 1, 1)),
    datetime(9999, 12, 31),
)
MONEY = (
    *("unit_amount", "amount_off", "subtotal", "discount_amount", "tax", "total", "amount_paid"),
    *("amount", "tax_amount"),
)
AMOUNTS = (0, 1, -1, 99, -10_000, 10**12, -(10**12), 10**15)


def _some(rows: list[Row], chance: random.Random, share: float = 0.1) -> list[Row]:
    return [row for row in rows if chance.random() < share] or rows[:1]


def _table(company: Company, chance: random.Random) -> list[Row]:
    return company[chance.choice(sorted(name for name, rows in company.items() if rows))]


def a_table_is_absent(company: Company, chance: random.Random) -> None:
    company[chance.choice(sorted(company))].clear()


def some_rows_are_absent(company: Company, chance: random.Random) -> None:
    rows = _table(company, chance)
    gone = _some(rows, chance, chance.choice((0.02, 0.5)))
    rows[:] = [row for row in rows if row not in gone]


def optional_values_are_absent(company: Company, chance: random.Random) -> None:
    rows = _table(company, chance)
    column = chance.choice(sorted(rows[0]))
    if column == "id" or (column.endswith("_at") and chance.random() < 0.5):
        return
    for row in _some(rows, chance, 0.3):
        row[column] = None


def odd_moments(company: Company, chance: random.Random) -> None:
    rows = _table(company, chance)
    columns = sorted(c for c in rows[0] if any(isinstance(row[c], date) for row in rows))
    for column in columns[:1] if not columns else [chance.choice(columns)]:
        for row in _some(rows, chance, 0.05):
            when = chance.choice(MOMENTS)
            was = next(r[column] for r in rows if r[column] is not None)
            row[column] = when if isinstance(was, datetime) else when.date()


def odd_numbers(company: Company, chance: random.Random) -> None:
    rows = _table(company, chance)
    kinds = (int, Decimal)
    columns = sorted(
        c
        for c in rows[0]
        if any(isinstance(r[c], kinds) and not isinstance(r[c], bool) for r in rows)
    )
    for column in columns and [chance.choice(columns)]:
        for row in _some(rows, chance, 0.05):
            row[column] = chance.choice((*AMOUNTS, None))


def odd_words(company: Company, chance: random.Random) -> None:
    rows = _table(company, chance)
    columns = sorted(c for c in rows[0] if any(isinstance(row[c], str) for row in rows))
    columns = [c for c in columns if c != "id" and not c.endswith("_id")]
    for column in columns and [chance.choice(columns)]:
        for row in _some(rows, chance, 0.1):
            row[column] = chance.choice(NAMES)


def ids_point_elsewhere(company: Company, chance: random.Random) -> None:
    """To what is not there, to nothing, or to another row's."""
    rows = _table(company, chance)
    columns = sorted(c for c in rows[0] if c.endswith("_id"))
    for column in columns and [chance.choice(columns)]:
        others = [row[column] for row in rows]
        for row in _some(rows, chance, 0.1):
            row[column] = chance.choice((chance.choice(others), "nobody", "", None))


def one_id_for_many(company: Company, chance: random.Random) -> None:
    """Everything belongs to one: a giant customer, account, subscription, invoice."""
    rows = _table(company, chance)
    columns = sorted(c for c in rows[0] if c.endswith("_id"))
    for column in columns and [chance.choice(columns)]:
        giant = rows[0][column]
        for row in _some(rows, chance, 0.6):
            row[column] = giant


def rows_come_again_with_other_content(company: Company, chance: random.Random) -> None:
    """A later version of a row, with the values of another."""
    rows = _table(company, chance)
    for row in _some(rows, chance, 0.1):
        other = dict(chance.choice(rows))
        for key in ("id", "action_id", "account_id", "limit_key", "measured_at"):
            if key in row:
                other[key] = row[key]
        if isinstance(row.get("updated_at"), datetime):
            other["updated_at"] = row["updated_at"] + timedelta(days=chance.randrange(1, 400))
        rows.append(other)


def parents_in_a_ring(company: Company, chance: random.Random) -> None:
    rows = company["crm.accounts"]
    ids = sorted({row["id"] for row in rows})
    size = chance.choice((1, 2, 3, 40, len(ids)))
    ring = chance.sample(ids, min(size, len(ids)))
    after = dict(zip(ring, [*ring[1:], ring[0]], strict=True))
    if chance.random() < 0.3:
        after.pop(ring[0], None)  # a long chain
    for row in rows:
        row["parent_account_id"] = after.get(row["id"], row["parent_account_id"])


def two_accounts_of_one_customer(company: Company, chance: random.Random) -> None:
    rows = company["crm.accounts"]
    customers = [row["billing_customer_id"] for row in rows]
    for row in _some(rows, chance, 0.3):
        row["billing_customer_id"] = chance.choice(customers)


def experiments_make_no_sense(company: Company, chance: random.Random) -> None:
    for row in company["success.experiments"]:
        row["ended_on"] = row["started_on"] - timedelta(days=chance.choice((0, 1, 400)))
        row["pre_period_days"] = chance.choice((0, -5, None, 100_000))
        row["post_period_days"] = chance.choice((0, -5, None, 100_000))
        row["expected_target_share"] = chance.choice((Decimal(0), Decimal(1), None, Decimal("0.5")))
    for row in _some(company["success.experiment_assignments"], chance, 0.3):
        row["variant"] = chance.choice(("target", "control"))
        row["assigned_at"] = chance.choice(MOMENTS)


def a_rate_is_odd(company: Company, chance: random.Random) -> None:
    rows = company["finance.fx_rates"]
    kind = chance.randrange(4)
    if kind == 0:
        rows[:] = rows[: len(rows) // 2]
    for row in _some(rows, chance, 0.05):
        if kind == 1:
            row["rate"] = chance.choice((Decimal(0), Decimal(-1), Decimal("0.0000001")))
        elif kind == 2:
            row["rate"] = Decimal(10) ** chance.choice((6, 9))
        elif kind == 3:
            row["currency"] = chance.choice(("XXX", "eur", "", "Eur "))


def everything_in_one_currency(company: Company, chance: random.Random) -> None:
    """Of a kind nobody has rates for, or with other decimals."""
    currency = chance.choice(("JPY", "KWD", "ZZZ", "eur", "CLF"))
    for rows in company.values():
        for row in rows:
            if row.get("currency"):
                row["currency"] = currency


def all_of_one_status(company: Company, chance: random.Random) -> None:
    status = chance.choice(
        ("trialing", "past_due", "unpaid", "paused", "canceled", "incomplete", "incomplete_expired")
    )
    for row in company["billing.subscriptions"]:
        row["status"] = status


def funnels_run_backwards(company: Company, chance: random.Random) -> None:
    for row in _some(company["crm.leads"], chance, 0.5):
        moments = ["awareness_at", "consideration_at", "trial_started_at", "converted_at"]
        values = [row[name] for name in moments]
        chance.shuffle(values)
        row.update(zip(moments, values, strict=True))
        row["awareness_at"] = row["awareness_at"] or chance.choice(MOMENTS)


def strange_events(company: Company, chance: random.Random) -> None:
    rows = company["product.events"]
    kind = chance.randrange(4)
    for number, row in enumerate(_some(rows, chance, 0.3)):
        if kind == 0:
            row["event"] = f"event {number}"
        elif kind == 1:
            row["properties"] = chance.choice(("{", "[]", "null", '{"a": {"b": [1, 2]}}', "", "\0"))
        elif kind == 2:
            row["occurred_at"] = chance.choice(MOMENTS)
        else:
            row["user_id"] = chance.choice(NAMES)


def one_customer_is_left(company: Company, chance: random.Random) -> None:
    keep = company["billing.customers"][0]["id"] if company["billing.customers"] else None
    for rows in company.values():
        if rows and "customer_id" in rows[0]:
            rows[:] = [row for row in rows if row["customer_id"] == keep]


def all_money_is_large(company: Company, chance: random.Random) -> None:
    """A company that bills and reports in a currency of small worth, such as the rupiah."""
    factor = chance.choice((10**4, 10**5))
    for rows in company.values():
        for row in rows:
            for column, value in row.items():
                if isinstance(value, int) and column in MONEY:
                    row[column] = value * factor
            if row.get("tiers"):
                row["tiers"] = _larger_tiers(row["tiers"], factor)


def _larger_tiers(tiers: str, factor: int) -> str:
    larger = [
        {key: value if key == "up_to" else (value or 0) * factor for key, value in tier.items()}
        for tier in json.loads(tiers)
    ]
    return json.dumps(larger)


def odd_prices(company: Company, chance: random.Random) -> None:
    for row in _some(company["billing.prices"], chance, 0.5):
        row[chance.choice(("interval_count", "unit_amount"))] = chance.choice((0, -1, 10**9, None))
        row["tiers"] = chance.choice(
            ("[]", "{}", "null", "[{}]", '[{"up_to": 0, "unit_amount": -5}]', "[1]", "x", None)
        )
        row["billing_scheme"] = chance.choice(("tiered", "per_unit", None))


ODDITIES: tuple[Oddity, ...] = (
    a_table_is_absent,
    some_rows_are_absent,
    optional_values_are_absent,
    odd_moments,
    odd_numbers,
    odd_words,
    ids_point_elsewhere,
    one_id_for_many,
    rows_come_again_with_other_content,
    parents_in_a_ring,
    two_accounts_of_one_customer,
    experiments_make_no_sense,
    a_rate_is_odd,
    everything_in_one_currency,
    all_of_one_status,
    funnels_run_backwards,
    strange_events,
    one_customer_is_left,
    odd_prices,
    all_money_is_large,
)
