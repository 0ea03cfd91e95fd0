"""Invoice lines as evidence: price and quantity of the past, paid periods, usage (§2, §3, §5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from tests.oracle.calendar import Calendar, timestamp
from tests.oracle.money import number
from tests.oracle.subscriptions import Interval, latest
from tests.oracle.versions import History, Row

Current = Mapping[str, History]


@dataclass(frozen=True)
class Line:
    """A line of an invoice that is neither draft nor void; money in minor units."""

    identity: str
    row: Row
    invoice: Row
    invoice_time: datetime
    invoice_date: date
    start: date | None
    end: date | None
    amount: Fraction
    discount: Fraction

    @property
    def is_charge(self) -> bool:
        """Whether the line charges a service period of a subscription."""
        return (
            self.start is not None
            and self.end is not None
            and self.amount >= 0
            and (self.row.get("type") == "subscription" or bool(self.row.get("proration")))
        )

    @property
    def subscription_id(self) -> str | None:
        """The line's own subscription, else its invoice's."""
        named = self.row.get("subscription_id") or self.invoice.get("subscription_id")
        return None if named is None else str(named)

    @property
    def order(self) -> tuple[datetime, str]:
        """Of two lines with the same start the greater one speaks."""
        return self.invoice_time, self.identity


class Invoices:
    """All invoice evidence: current versions of lines, invoices, payments and refunds.

    `lines` are those of invoices that count; `rows_of_invoice` has the lines of all, for refunds.
    """

    def __init__(
        self,
        lines: Current,
        invoices: Current,
        payments: Current,
        refunds: Current,
        calendar: Calendar,
    ) -> None:
        self._calendar = calendar
        self.invoices = {identity: history.current for identity, history in invoices.items()}
        self.lines: list[Line] = []
        self.rows_of_invoice: dict[str, list[Row]] = {}
        for identity, history in lines.items():
            row = history.current
            self.rows_of_invoice.setdefault(str(row["invoice_id"]), []).append(row)
            invoice = self.invoices.get(str(row["invoice_id"]))
            if invoice is None or invoice["status"] in ("draft", "void"):
                continue
            invoice_date = calendar.day(invoice["created"])
            assert invoice_date is not None, "created is required"
            self.lines.append(
                Line(
                    identity=identity,
                    row=row,
                    invoice=invoice,
                    invoice_time=latest(timestamp(invoice["created"])),
                    invoice_date=invoice_date,
                    start=calendar.day(row.get("period_start")),
                    end=calendar.day(row.get("period_end")),
                    amount=number(row.get("amount")),
                    discount=number(row.get("discount_amount")),
                )
            )
        self.payments = [history.current for history in payments.values()]
        invoice_of = {str(row["id"]): row.get("invoice_id") for row in self.payments}
        self.refunds: list[tuple[Row, str]] = []
        for history in refunds.values():
            refund = history.current
            invoice_id = invoice_of.get(str(refund["payment_id"]))
            is_made = refund.get("status") in (None, "succeeded") and number(refund["amount"]) > 0
            if invoice_id is not None and is_made:
                self.refunds.append((refund, str(invoice_id)))

    def by_item(self, item_subscriptions: Mapping[str, str]) -> dict[str | None, list[Line]]:
        """Lines by item; null for those whose item is not known.

        A line that names no item belongs to the only one that its subscription ever had.

        Args:
            item_subscriptions: the subscription of each known item.
        """
        items_of: dict[str, list[str]] = {}
        for known_id, subscription_id in item_subscriptions.items():
            items_of.setdefault(subscription_id, []).append(known_id)
        found: dict[str | None, list[Line]] = {}
        for line in self.lines:
            item_id: str | None = line.row.get("subscription_item_id")
            if item_id is None:
                siblings = items_of.get(str(line.subscription_id), [])
                item_id = siblings[0] if len(siblings) == 1 else None
            elif item_id not in item_subscriptions:
                item_id = None
            found.setdefault(item_id, []).append(line)
        return found

    def paid_periods(self, subscription_id: str) -> list[Interval]:
        """Service periods of the subscription's paid and unrefunded subscription lines."""
        refunded = {invoice_id for _, invoice_id in self.refunds}
        return [
            (line.start, line.end)
            for line in self.lines
            if line.subscription_id == subscription_id
            and line.row.get("type") == "subscription"
            and line.start is not None
            and line.end is not None
            and line.amount > 0
            and line.invoice["status"] == "paid"
            and str(line.invoice["id"]) not in refunded
        ]

    def last_payment_failed(self, customer_id: str, day: date) -> bool:
        """Whether the customer's last payment on or before `day` failed (§8)."""
        made = [
            (latest(timestamp(payment["created"])), str(payment["id"]), payment["status"])
            for payment in self.payments
            if payment["customer_id"] == customer_id
            and (self._calendar.day(payment["created"]) or date.max) <= day
        ]
        return bool(made) and max(made)[2] == "failed"
