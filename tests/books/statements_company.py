"""One small company in which every customer is one story of invoices, money and service.

Prices are 100 a month (1,200 a year) a seat in USD. The as-of date is 31 March 2026.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Any

from tests.books.ledger import Rows

AS_OF = date(2026, 3, 31)
JANUARY = datetime(2026, 1, 1)


def day(month: int, number: int, hour: int = 0) -> datetime:
    return datetime(2026, month, number, hour)


class Company:
    """Rows of the raw contract, added customer by customer."""

    def __init__(self) -> None:
        self.rows: Rows = defaultdict(list)
        for name, cents, interval, more in (
            ("month", 10000, "month", {}),
            ("new", 12000, "month", {}),
            # A sum in whole units would show.
            ("odd", 6667, "month", {}),
            ("year", 120000, "year", {}),
            ("usage", 5, "month", {"usage_type": "metered"}),
        ):
            self.rows["billing.prices"].append(
                {
                    "id": name,
                    "product_id": "product",
                    "currency": "USD",
                    "unit_amount": cents,
                    "billing_scheme": "per_unit",
                    "type": "recurring",
                    "interval": interval,
                    "interval_count": 1,
                    "created": JANUARY,
                    "updated_at": JANUARY,
                    **more,
                }
            )
        self.rows["finance.fx_rates"] += [
            {"rate_date": date(2026, 1, 1), "currency": "EUR", "rate": "1.0873"},
            {"rate_date": date(2026, 3, 28), "currency": "EUR", "rate": "1.2"},
        ]

    def customer(self, key: str) -> None:
        self.rows["billing.customers"].append(
            {"id": key, "created": JANUARY, "updated_at": JANUARY}
        )

    def subscribe(
        self,
        key: str,
        price: str = "month",
        seats: int = 1,
        start: datetime = JANUARY,
        **more: Any,
    ) -> None:
        """A customer with a subscription of one item; a second call is a second version."""
        if not any(row["id"] == key for row in self.rows["billing.customers"]):
            self.customer(key)
        seen = more.pop("seen", min(start, day(3, 1)))
        self.rows["billing.subscriptions"].append(
            {
                "id": f"sub_{key}",
                "customer_id": key,
                "status": "active",
                "start_date": start,
                "created": seen if seen < start else start,
                "updated_at": seen,
                **more,
            }
        )
        self.rows["billing.subscription_items"].append(self.item(key, price, seats, seen, start))

    @staticmethod
    def item(key: str, price: str, seats: int, seen: datetime, created: datetime) -> dict[str, Any]:
        return {
            "id": f"si_{key}",
            "subscription_id": f"sub_{key}",
            "price_id": price,
            "quantity": seats,
            "created": min(created, seen),
            "updated_at": seen,
        }

    def invoice(
        self,
        key: str,
        number: str,
        at: datetime,
        lines: list[dict[str, Any]],
        status: str = "paid",
        currency: str = "USD",
        paid: int | None = None,
        updated_at: datetime | None = None,
    ) -> None:
        """An invoice; a paid one has a payment on its day unless `paid` says how much instead."""
        total = sum(
            line["amount"] - line.get("discount_amount", 0) + line.get("tax_amount", 0)
            for line in lines
        )
        if not any(row["id"] == key for row in self.rows["billing.customers"]):
            self.customer(key)
        received = paid if paid is not None else total if status == "paid" else 0
        self.rows["billing.invoices"].append(
            {
                "id": f"in_{key}_{number}",
                "customer_id": key,
                "status": status,
                "currency": currency,
                "total": total,
                "tax": sum(line.get("tax_amount", 0) for line in lines),
                "amount_paid": received,
                "created": at,
                "updated_at": updated_at or at,
            }
        )
        for place, line in enumerate(lines):
            self.rows["billing.invoice_line_items"].append(
                {
                    "id": f"il_{key}_{number}_{place}",
                    "invoice_id": f"in_{key}_{number}",
                    "currency": currency,
                    "type": "subscription",
                    "updated_at": at,
                    **line,
                }
            )
        if received:
            self.pay(key, number, received, at, currency)

    def pay(
        self, key: str, number: str | None, cents: int, at: datetime, currency: str = "USD"
    ) -> str:
        identity = f"pay_{key}_{number}_{len(self.rows['billing.payments'])}"
        self.rows["billing.payments"].append(
            {
                "id": identity,
                "invoice_id": None if number is None else f"in_{key}_{number}",
                "customer_id": key,
                "amount": cents,
                "currency": currency,
                "status": "succeeded",
                "created": at,
                "updated_at": at,
            }
        )
        return identity

    def refund(self, payment: str, cents: int, at: datetime) -> None:
        self.rows["billing.refunds"].append(
            {
                "id": f"re_{payment}",
                "payment_id": payment,
                "amount": cents,
                "currency": "USD",
                "status": "succeeded",
                "created": at,
                "updated_at": at,
            }
        )

    def credit(self, key: str, number: str, cents: int, at: datetime, **more: Any) -> None:
        self.rows["billing.credit_notes"].append(
            {
                "id": f"cn_{key}_{number}_{len(self.rows['billing.credit_notes'])}",
                "invoice_id": f"in_{key}_{number}",
                "customer_id": key,
                "amount": cents,
                "currency": "USD",
                "created": at,
                "updated_at": at,
                **more,
            }
        )


def line(
    key: str, cents: int, start: datetime, end: datetime, price: str = "month", **more: Any
) -> dict[str, Any]:
    """A line of the customer's item for a service period."""
    return {
        "amount": cents,
        "subscription_id": f"sub_{key}",
        "subscription_item_id": f"si_{key}",
        "price_id": price,
        "quantity": 1,
        "period_start": start,
        "period_end": end,
        **more,
    }


def one_off(cents: int, **more: Any) -> dict[str, Any]:
    return {"amount": cents, "type": "invoiceitem", "quantity": 1, **more}


def month_line(key: str, month: int, cents: int = 10000, **more: Any) -> dict[str, Any]:
    return line(key, cents, day(month, 1), day(month + 1, 1), **more)


def company() -> Rows:
    """All stories; each is named in the tests."""
    made = Company()
    _lifecycle(made)
    _receivables(made)
    _leakage(made)
    _scheduled(made)
    return dict(made.rows)


def _lifecycle(made: Company) -> None:
    # Lago's full-lifecycle example (vendor_examples.json G59), and its siblings G60 and G62.
    year = line("lago", 120000, JANUARY, datetime(2027, 1, 1), "year", tax_amount=24000)
    made.subscribe("lago", "year")
    made.invoice("lago", "annual", JANUARY, [year], paid=0)
    made.pay("lago", "annual", 144000, day(1, 20))
    usage = line("lago", 5000, JANUARY, day(2, 1), "usage", quantity=1000)
    made.invoice("lago", "usage", day(2, 1), [usage], status="open")
    made.invoice("lago", "true_up", day(1, 31), [one_off(5000)], status="open")
    made.credit("lago", "annual", 3000, day(1, 25))
    made.credit("lago", "annual", 7700, day(2, 2), voided_at=day(2, 3))
    for key, used, true_up in (("commit_300", 30000, 20000), ("commit_600", 60000, 0)):
        lines = [{**line(key, used, JANUARY, day(2, 1), "usage"), "subscription_id": None}]
        made.invoice(key, "usage", day(2, 1), lines)
        if true_up:
            made.invoice(key, "true_up", day(1, 31), [one_off(true_up)])


def _receivables(made: Company) -> None:
    for key in ("refunded", "credited", "double"):
        made.invoice(key, "1", day(1, 10), [one_off(10000)], paid=0)
        payment = made.pay(key, "1", 10000, day(1, 10))
        if key == "refunded":
            made.refund(payment, 4000, day(2, 3))
        if key == "credited":
            made.credit(key, "1", 3000, day(2, 5))
            made.refund(payment, 3000, day(2, 6))
        if key == "double":
            made.pay(key, "1", 10000, day(2, 10))
    made.invoice("unpaid", "1", day(1, 10), [one_off(10000)], status="open")
    made.invoice("void", "1", day(1, 10), [one_off(10000)], status="void")
    made.invoice(
        "lost", "1", day(1, 10), [one_off(10000)], status="uncollectible", updated_at=day(2, 15)
    )
    made.pay("lost", "1", 2500, day(1, 12))
    made.invoice("euro", "1", day(1, 2), [one_off(10001)], currency="EUR", paid=0)
    made.pay("euro", "1", 5000, day(2, 1), "EUR")
    made.pay("euro", "1", 5001, day(3, 30), "EUR")
    made.customer("orphan")
    made.pay("orphan", None, 2500, day(2, 1))
    made.invoice("by_word", "1", day(1, 10), [one_off(10000)], paid=0)
    made.rows["billing.invoices"][-1].update(amount_paid=10000, paid_at=day(2, 7))


def _leakage(made: Company) -> None:
    made.subscribe("match")
    made.subscribe("not_invoiced")
    made.subscribe("seats", seats=3)
    made.subscribe("price", price="new")
    made.subscribe("discount")
    made.rows["billing.discounts"].append(
        {
            "id": "di_discount",
            "subscription_id": "sub_discount",
            "percent_off": "20",
            "duration": "forever",
            "start_at": JANUARY,
            "updated_at": JANUARY,
        }
    )
    for key in ("cancelled_paid", "cancelled_open", "runs_out"):
        made.subscribe(key, price="year" if key == "runs_out" else "month")
        made.rows["billing.subscriptions"][-1].update(
            status="canceled", ended_at=day(2, 10), updated_at=day(2, 10)
        )
        made.rows["billing.subscription_items"][-1].update(updated_at=JANUARY)
    for key in ("upgrade", "pending"):
        made.subscribe(key)
        made.rows["billing.subscription_items"].append(
            made.item(key, "month", 2, day(3, 16 if key == "upgrade" else 30), JANUARY)
        )
    for month in (1, 2, 3):
        for key in ("match", "seats", "price", "discount", "upgrade", "pending"):
            seats = 2 if key == "seats" else 1
            lines = [month_line(key, month, seats * 10000, quantity=seats)]
            made.invoice(key, str(month), day(month, 1), lines)
    made.invoice("not_invoiced", "1", day(1, 1), [month_line("not_invoiced", 1)])
    for month in (1, 2, 3):
        made.invoice(
            "cancelled_paid", str(month), day(month, 1), [month_line("cancelled_paid", month)]
        )
        made.invoice(
            "cancelled_open",
            str(month),
            day(month, 1),
            [month_line("cancelled_open", month)],
            status="open" if month == 3 else "paid",
        )
    full = line("runs_out", 120000, JANUARY, datetime(2027, 1, 1), "year")
    made.invoice("runs_out", "1", JANUARY, [full])
    # 16 of 31 days: 51.61 back for the one seat, 103.23 for two.
    rest = (day(3, 16), day(4, 1))
    made.invoice(
        "upgrade",
        "proration",
        day(3, 16),
        [
            line("upgrade", -5161, *rest, proration=True),
            line("upgrade", 10323, *rest, proration=True, quantity=2),
        ],
    )


def _scheduled(made: Company) -> None:
    made.subscribe("ending", cancel_at_period_end=True, current_period_end=day(4, 20))
    made.subscribe(
        "trial", price="odd", start=day(3, 20), trial_start=day(3, 20), trial_end=day(5, 10)
    )
    made.rows["billing.subscriptions"][-1].update(status="trialing")
    made.subscribe(
        "paused", collection_paused_at=day(3, 5), collection_resumes_at=day(5, 1), seen=day(3, 5)
    )
    made.subscribe("future", seats=2, start=day(6, 1), seen=day(3, 1))
    made.subscribe("half")
    made.rows["billing.discounts"].append(
        {
            "id": "di_half",
            "subscription_id": "sub_half",
            "percent_off": "49.75",
            "duration": "repeating",
            "duration_in_months": 3,
            "start_at": day(3, 1),
            "updated_at": day(3, 1),
        }
    )
