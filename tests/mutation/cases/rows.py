"""A case and the rows that cases are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.properties.histories import Row, Rows, Tenant, make_world

WORLD = make_world(7, date(2024, 5, 31), "UTC", "USD")
"""As-of date, zone, currency and rates of all cases."""


def rate_row(currency: str, on: date) -> str:
    """The raw row of the last rate on or before a day."""
    last = max(at for at, code, _ in WORLD.rates if code == currency and at <= on)
    return f"finance.fx_rates/{currency}/{last}"


@dataclass(frozen=True)
class Check:
    """A query on marts (`{fct_...}`) and its rows; `{me}` is the number that begins all ids."""

    query: str
    expected: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Case:
    """The rows of one tenant and what must come out."""

    name: str
    rows: Mapping[str, tuple[Row, ...]]
    checks: tuple[Check, ...] = ()


def as_tenant(case: Case) -> Tenant:
    """The case among the generated histories."""
    rows: Rows = {table: [dict(row) for row in some] for table, some in case.rows.items()}
    return Tenant(seed=0, features=frozenset({case.name}), rows=rows)


def numbered(check: Check, number: int) -> Check:
    """The check of the case of that number."""

    def own(cell: Any) -> Any:
        if isinstance(cell, str):
            return cell.replace("{me}", str(number))
        return [own(one) for one in cell] if isinstance(cell, list) else cell

    return Check(
        own(check.query), tuple(tuple(own(cell) for cell in row) for row in check.expected)
    )


def day(month: int, of_month: int, hour: int = 0, year: int = 2024) -> datetime:
    """A time in UTC."""
    return datetime(year, month, of_month, hour)


def customer(identity: str = "c", **columns: Any) -> Row:
    return {"id": identity, "name": identity, "currency": "usd", "created": day(1, 1),
            "updated_at": day(1, 1), **columns}  # fmt: skip


def price(identity: str = "p", unit_amount: int | None = 1000, **columns: Any) -> Row:
    return {"id": identity, "product_id": "prod", "currency": "usd", "unit_amount": unit_amount,
            "billing_scheme": "per_unit", "type": "recurring", "interval": "month",
            "interval_count": 1, "usage_type": "licensed", "created": day(1, 1),
            "updated_at": day(1, 1), **columns}  # fmt: skip


def subscription(identity: str = "s", at: datetime | None = None, **columns: Any) -> Row:
    at = at or day(1, 10)
    return {"id": identity, "customer_id": "c", "status": "active", "start_date": at,
            "created": at, "updated_at": at, **columns}  # fmt: skip


def item(identity: str = "i", at: datetime | None = None, **columns: Any) -> Row:
    at = at or day(1, 10)
    return {"id": identity, "subscription_id": "s", "price_id": "p", "quantity": 1,
            "created": at, "updated_at": at, **columns}  # fmt: skip


def invoice(identity: str = "in", at: datetime | None = None, **columns: Any) -> Row:
    at = at or day(1, 10)
    return {"id": identity, "customer_id": "c", "subscription_id": "s", "status": "paid",
            "currency": "usd", "total": 1000, "created": at, "updated_at": at,
            **columns}  # fmt: skip


def line(identity: str = "l", at: datetime | None = None, **columns: Any) -> Row:
    at = at or day(1, 10)
    return {"id": identity, "invoice_id": "in", "subscription_id": "s",
            "subscription_item_id": "i", "price_id": "p", "type": "subscription", "amount": 1000,
            "currency": "usd", "quantity": 1, "proration": False, "period_start": at,
            "period_end": day(2, 10), "updated_at": at, **columns}  # fmt: skip


def refund(at: datetime, amount: int) -> Row:
    return {"id": "re", "payment_id": "pay", "amount": amount, "currency": "usd",
            "status": "succeeded", "created": at, "updated_at": at}  # fmt: skip


def moves(policy: str, columns: str, *expected: tuple[Any, ...]) -> Check:
    """The movements of the case's customers under a policy, in order of day."""
    return Check(
        f"select {columns} from {{fct_mrr_movements}} where policy_id = '{policy}' and "
        "customer_id like '{me}.%' order by movement_date, customer_id, movement_type",
        tuple(expected),
    )


def money(text: str) -> Decimal:
    """An amount with the decimals that a mart gives it."""
    return Decimal(text)


BOARD = "board_strict"
INVOICED = "chartmogul_2025"  # invoice basis, churn at the end of the paid period
MONTH_END = "recurly_classic"  # invoice basis, month ends, refunds reduce
FEW = "movement_date, movement_type, mrr_change"

PAYMENT: Row = {"id": "pay", "invoice_id": "in", "customer_id": "c", "amount": 1000,
                "currency": "usd", "status": "succeeded", "created": day(1, 10),
                "updated_at": day(1, 10)}  # fmt: skip
BILLED_ROWS = ["billing.customers/{me}.c", "billing.invoice_line_items/{me}.l",
               "billing.invoices/{me}.in", "billing.prices/{me}.p",
               "billing.subscription_items/{me}.i", "billing.subscriptions/{me}.s"]  # fmt: skip
REFUNDED_ROWS = ["billing.customers/{me}.c", "billing.invoice_line_items/{me}.l",
                 "billing.invoices/{me}.in", "billing.payments/{me}.pay",
                 "billing.prices/{me}.p", "billing.refunds/{me}.re",
                 "billing.subscription_items/{me}.i", "billing.subscriptions/{me}.s"]  # fmt: skip
OWN_ROWS = ["billing.customers/{me}.c", "billing.prices/{me}.p",
            "billing.subscription_items/{me}.i", "billing.subscriptions/{me}.s"]  # fmt: skip
