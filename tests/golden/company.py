"""Hand-made raw rows of a small company, as short to write as to read.

Days are ISO texts and mean midnight UTC; money is in minor units, as in the raw contract.
"""

from __future__ import annotations

from typing import Any

from tests.properties.histories import Rows


class Company:
    """Collects raw rows; each call adds one version."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self._customers: set[str] = set()

    def add(self, table: str, **columns: Any) -> None:
        """A raw row of any table."""
        self.rows.setdefault(f"billing.{table}", []).append(columns)

    def price(
        self, identity: str, amount: int, interval: str = "month", count: int = 1, **columns: Any
    ) -> str:
        """A licensed recurring price per unit in USD."""
        self.add(
            "prices",
            id=identity,
            product_id="product",
            currency="USD",
            unit_amount=amount,
            type="recurring",
            interval=interval,
            interval_count=count,
            created="2010-01-01",
            updated_at="2010-01-01",
            **columns,
        )
        return identity

    def subscription(
        self,
        identity: str,
        start: str,
        customer: str | None = None,
        at: str | None = None,
        status: str = "active",
        **columns: Any,
    ) -> str:
        """A version of a subscription, dated `at` (its start where left out)."""
        customer = customer or f"customer of {identity}"
        if customer not in self._customers:
            self._customers.add(customer)
            self.add(
                "customers", id=customer, name=customer, created="2010-01-01",
                updated_at="2010-01-01",
            )  # fmt: skip
        self.add(
            "subscriptions",
            id=identity,
            customer_id=customer,
            status=status,
            start_date=start,
            created=start,
            updated_at=at or start,
            **columns,
        )
        return identity

    def item(
        self,
        identity: str,
        subscription: str,
        price: str,
        since: str,
        quantity: int = 1,
        created: str | None = None,
        **columns: Any,
    ) -> None:
        """A version of an item, from `since` on; the item's first version where left out."""
        self.add(
            "subscription_items",
            id=identity,
            subscription_id=subscription,
            price_id=price,
            quantity=quantity,
            created=created or since,
            updated_at=since,
            **columns,
        )

    def subscribe(
        self, identity: str, price: str, start: str, quantity: int = 1, customer: str | None = None
    ) -> str:
        """A subscription with one item of its name."""
        self.subscription(identity, start, customer)
        self.item(identity, identity, price, start, quantity)
        return identity

    def requantify(
        self, subscription: str, price: str, start: str, since: str, quantity: int = 1
    ) -> None:
        """Another quantity or price of the one item of a subscription, from `since` on."""
        self.item(subscription, subscription, price, since, quantity, created=start)

    def end(
        self,
        identity: str,
        start: str,
        ended: str,
        customer: str | None = None,
        asked: str | None = None,
        **columns: Any,
    ) -> None:
        """A subscription ends: service ends on `ended`, asked for on `asked` (the same day)."""
        self.subscription(
            identity,
            start,
            customer,
            at=ended,
            status="canceled",
            canceled_at=asked or ended,
            ended_at=ended,
            **columns,
        )

    def discount(
        self, identity: str, subscription: str, duration: str, start: str, **columns: Any
    ) -> None:
        """A discount on a subscription."""
        self.add(
            "discounts",
            id=identity,
            subscription_id=subscription,
            duration=duration,
            start_at=start,
            updated_at=start,
            **columns,
        )

    def invoice(
        self,
        identity: str,
        subscription: str,
        created: str,
        lines: list[dict[str, Any]],
        customer: str | None = None,
        status: str = "paid",
        updated_at: str | None = None,
    ) -> None:
        """An invoice with its lines; a line needs amount, period_start and period_end."""
        self.add(
            "invoices",
            id=identity,
            customer_id=customer or f"customer of {subscription}",
            subscription_id=subscription,
            status=status,
            currency="USD",
            total=sum(line["amount"] for line in lines),
            created=created,
            updated_at=updated_at or created,
        )
        if updated_at is not None:
            return  # a later version of the invoice; its lines are there
        for number, line in enumerate(lines, start=1):
            self.add(
                "invoice_line_items",
                **{
                    "id": f"{identity} line {number}",
                    "invoice_id": identity,
                    "subscription_id": subscription,
                    "type": "subscription",
                    "currency": "USD",
                    "quantity": 1,
                    "proration": False,
                    "updated_at": created,
                    **line,
                },
            )
