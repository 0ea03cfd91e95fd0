"""Invoices with their lines, payments and refunds."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.properties.histories.draft import Draft
from tests.properties.histories.prices import quantity_of
from tests.properties.histories.world import Row


def add_invoices(draft: Draft, subscription: Row) -> None:
    """Invoices of a subscription, with lines for any of its items."""
    chance = draft.chance
    items = [row for row in draft.rows["billing.subscription_items"]
             if row["subscription_id"] == subscription["id"]]  # fmt: skip
    for _ in range(chance.randint(1, 4)):
        draft.line_count += 1
        identity = f"in{draft.line_count}"
        created = draft.moment()
        currency = chance.choice(draft.currencies)
        status = chance.choice(("paid", "paid", "paid", "paid", "open", "draft", "void"))
        lines = [_line(draft, identity, created, chance.choice(items), subscription)
                 for _ in range(chance.choice((1, 1, 2, 3)))]  # fmt: skip
        total = sum(line["amount"] for line in lines)
        draft.add(
            "billing.invoices",
            id=identity,
            customer_id=subscription["customer_id"],
            subscription_id=subscription["id"],
            status=status,
            currency=currency,
            total=total,
            created=created,
            updated_at=created if chance.random() < 0.8 else None,
        )
        _payment(draft, identity, subscription["customer_id"], created, currency, total)


def _line(draft: Draft, invoice_id: str, created: datetime, item: Row, subscription: Row) -> Row:
    chance = draft.chance
    by_id = {price["id"]: price for price in draft.prices}
    price = by_id[item["price_id"]] if chance.random() < 0.7 else chance.choice(draft.prices)
    quantity = quantity_of(draft, price)
    is_proration = draft.has("proration", 0.4)
    amount = (price["unit_amount"] or 400) * (quantity if quantity is not None else 2)
    if is_proration:
        amount = chance.choice((-1, 1, 1)) * (amount // chance.choice((2, 3, 7)))
    start = created if chance.random() < 0.6 else draft.moment()
    days = {"year": 365, "month": 30, "week": 7, "day": 1, None: 30}[price["interval"]]
    end = start + timedelta(days=days * (price["interval_count"] or 1))
    if is_proration:
        end = start + timedelta(days=chance.randint(1, 29))
    has_period = chance.random() < 0.93
    draft.line_count += 1
    return draft.add(
        "billing.invoice_line_items",
        id=f"l{draft.line_count}",
        invoice_id=invoice_id,
        subscription_id=subscription["id"],
        subscription_item_id=item["id"] if chance.random() < 0.7 else None,
        price_id=price["id"] if chance.random() < 0.95 else None,
        type="invoiceitem" if is_proration and chance.random() < 0.5 else "subscription",
        amount=amount,
        discount_amount=chance.choice((None, 0, amount // 4 if amount > 0 else 0)),
        currency=price["currency"],
        quantity=quantity,
        proration=is_proration or chance.choice((None, False)),
        period_start=start if has_period else None,
        period_end=end if has_period else None,
        updated_at=created,
    )


def _payment(
    draft: Draft, invoice_id: str, customer_id: str, at: datetime, currency: str, total: int
) -> None:
    chance = draft.chance
    failed = draft.has("payment_failed", 0.6)
    draft.add(
        "billing.payments",
        id=f"pay_{invoice_id}",
        invoice_id=invoice_id,
        customer_id=customer_id,
        amount=total,
        currency=currency,
        status="failed" if failed else chance.choice(("succeeded", "succeeded", "pending")),
        created=at + timedelta(minutes=chance.choice((0, 1, 3000))),
        updated_at=at + timedelta(minutes=3001),
    )
    if draft.has("refund", 0.4):
        at = draft.moment(at)
        draft.add(
            "billing.refunds",
            id=f"re_{invoice_id}",
            payment_id=f"pay_{invoice_id}",
            amount=chance.choice((0, abs(total) // 2 + 1, abs(total) + 1)),
            currency=currency,
            status=chance.choice(("succeeded", None, "failed")),
            created=at,
            updated_at=at,
        )
