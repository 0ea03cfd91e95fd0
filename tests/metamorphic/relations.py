"""Changes of a tenant's raw rows of which we know what they do to the marts."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from tests.properties.histories import Row, Rows, Tenant
from tests.properties.warehouse import ID_COLUMNS

AMOUNTS = ("unit_amount", "amount", "discount_amount", "tax_amount", "amount_off", "total",
           "subtotal", "amount_paid", "tax")  # fmt: skip
MOMENTS = (
    "created", "updated_at", "start_date", "trial_start", "trial_end", "canceled_at", "ended_at",
    "collection_paused_at", "collection_resumes_at", "start_at", "end_at", "period_start",
    "period_end", "cancel_at", "current_period_start", "current_period_end",
)  # fmt: skip


def _each_row(tenant: Tenant, change: Callable[[str, Row], Row]) -> Tenant:
    rows: Rows = {
        table: [change(table, dict(row)) for row in some] for table, some in tenant.rows.items()
    }
    return replace(tenant, rows=rows)


def permuted(tenant: Tenant, chance: random.Random) -> Tenant:
    """The same rows in another order."""
    return replace(
        tenant,
        rows={table: chance.sample(some, len(some)) for table, some in tenant.rows.items()},
    )


def duplicated(tenant: Tenant, chance: random.Random) -> Tenant:
    """Some rows once, some twice, some three times, shuffled."""
    rows = {
        table: [dict(row) for row in some for _ in range(chance.choice((1, 2, 3)))]
        for table, some in tenant.rows.items()
    }
    return permuted(replace(tenant, rows=rows), chance)


def renamed(tenant: Tenant, chance: random.Random) -> tuple[Tenant, dict[str, str]]:
    """Other ids, one for one, and the way back.

    Discounts and invoice lines keep theirs: of equal ones the rules let the id decide.
    """
    found = sorted(
        {
            str(row[column])
            for some in tenant.rows.values()
            for row in some
            for column in ID_COLUMNS
            if row.get(column) is not None and str(row[column])[0] not in "dl"
        }
    )
    names = [f"x{number:03d}" for number in range(len(found))]
    chance.shuffle(names)
    mapping = dict(zip(found, names, strict=True))

    def change(table: str, row: Row) -> Row:
        return {
            name: mapping.get(str(value), value) if name in ID_COLUMNS else value
            for name, value in row.items()
        }

    return _each_row(tenant, change), {new: old for old, new in mapping.items()}


def scaled(tenant: Tenant, factor: int) -> Tenant:
    """Every amount of money times a whole number."""

    def change(table: str, row: Row) -> Row:
        for column in AMOUNTS:
            if row.get(column) is not None:
                row[column] = row[column] * factor
        if row.get("tiers"):
            row["tiers"] = json.dumps(
                [_scaled_tier(one, factor) for one in json.loads(row["tiers"])]
            )
        return row

    return _each_row(tenant, change)


def _scaled_tier(tier: dict[str, Any], factor: int) -> dict[str, Any]:
    return {
        name: value * factor if name != "up_to" and value is not None else value
        for name, value in tier.items()
    }


def a_year_later(moment: Any) -> Any:
    """The same moment of the next year. No leap day may lie between."""
    if isinstance(moment, date | datetime):
        return moment.replace(year=moment.year + 1)
    return moment


def shifted(tenant: Tenant) -> Tenant:
    """All moments a year later."""

    def change(table: str, row: Row) -> Row:
        return {
            name: a_year_later(value) if name in MOMENTS else value for name, value in row.items()
        }

    return _each_row(tenant, change)


def at_hour(tenant: Tenant, hour: int) -> Tenant:
    """All moments at one hour of their UTC day (minutes stay, so that their order mostly stays)."""

    def change(table: str, row: Row) -> Row:
        return {
            name: value.replace(hour=hour)
            if name in MOMENTS and isinstance(value, datetime)
            else value
            for name, value in row.items()
        }

    return _each_row(tenant, change)


def merged(tenant: Tenant) -> Tenant:
    """All customers are one: a last version of each subscription, which names the first of them.

    Everything else of a subscription stays as it was in its version before. A tenant whose
    subscriptions have no versions, or one customer, stays as it is.
    """
    if not is_mergeable(tenant):
        return tenant
    first = min(row["id"] for row in tenant.rows["billing.customers"])
    latest: dict[str, Row] = {}
    for row in tenant.rows["billing.subscriptions"]:
        known = latest.setdefault(row["id"], row)
        latest[row["id"]] = max(known, row, key=lambda one: one["updated_at"])
    at = max(row["updated_at"] for row in latest.values()) + timedelta(seconds=1)
    moved = [{**row, "customer_id": first, "updated_at": at} for row in latest.values()]
    some = [*tenant.rows["billing.subscriptions"], *moved]
    return replace(tenant, rows={**tenant.rows, "billing.subscriptions": some})


def is_mergeable(tenant: Tenant) -> bool:
    """Whether several customers have subscriptions, and their rows say when they were written."""
    rows = tenant.rows["billing.subscriptions"]
    customers = {row["customer_id"] for row in rows}
    return len(customers) > 1 and all(row["updated_at"] is not None for row in rows)


def with_split_lines(tenant: Tenant) -> Tenant:
    """Each invoice line of at least two units of money as two lines of the same period."""
    lines: list[Row] = []
    for row in tenant.rows.get("billing.invoice_line_items", ()):
        if row["amount"] < 2:
            lines.append(row)
            continue
        first = row["amount"] // 2
        discount = row.get("discount_amount")
        kept = discount // 2 if discount is not None else None
        lines.append({**row, "amount": first, "discount_amount": kept})
        lines.append(
            {
                **row,
                "id": f"{row['id']}_rest",
                "amount": row["amount"] - first,
                "discount_amount": discount - kept if discount is not None else None,
            }
        )
    return replace(tenant, rows={**tenant.rows, "billing.invoice_line_items": lines})


def with_one_off_invoice(tenant: Tenant) -> Tenant:
    """A set-up fee more: an invoice of two lines, one without a period, one of a one-time price."""
    customer = tenant.rows["billing.customers"][0]["id"]
    at = max(row["created"] for row in tenant.rows["billing.subscriptions"])
    price: Row = {"id": "p_setup", "product_id": "prod", "currency": "usd", "unit_amount": 250000,
                  "billing_scheme": "per_unit", "type": "one_time", "created": at,
                  "updated_at": at}  # fmt: skip
    invoice: Row = {"id": "in_setup", "customer_id": customer, "status": "paid", "currency": "usd",
                    "total": 350000, "created": at, "updated_at": at}  # fmt: skip
    line: Row = {"invoice_id": "in_setup", "type": "invoiceitem", "currency": "usd",
                 "quantity": 1, "proration": False, "updated_at": at}  # fmt: skip
    month_later = datetime(at.year + at.month // 12, at.month % 12 + 1, 28)
    added: Rows = {
        "billing.prices": [price],
        "billing.invoices": [invoice],
        "billing.invoice_line_items": [
            {**line, "id": "l_setup_1", "amount": 100000},
            {**line, "id": "l_setup_2", "amount": 250000, "price_id": "p_setup",
             "type": "subscription",
             "period_start": at, "period_end": month_later},
        ],
    }  # fmt: skip
    return replace(
        tenant,
        rows={
            table: [*tenant.rows.get(table, ()), *added.get(table, ())]
            for table in tenant.rows.keys() | added.keys()
        },
    )
