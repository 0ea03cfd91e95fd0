"""Invoice lines: where policies read MRR from them, and as evidence for the past of an item."""

from __future__ import annotations

from datetime import date

from tests.mutation.cases.rows import (
    BILLED_ROWS,
    BOARD,
    FEW,
    INVOICED,
    Case,
    customer,
    day,
    invoice,
    item,
    line,
    money,
    moves,
    price,
    subscription,
)

CASES: tuple[Case, ...] = (
    Case(
        # Only the last version of invoice and line counts: 40, not 10 and not nothing (draft). The
        # line names no item: its subscription has just one.
        "corrected invoices and lines count once, as they were corrected",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(status="draft"), invoice(updated_at=day(1, 12))),
            "billing.invoice_line_items": (
                line(subscription_item_id=None),
                line(subscription_item_id=None, amount=4000, updated_at=day(1, 13)),
            ),
        },
        (moves(INVOICED, FEW, (date(2024, 1, 10), "new", money("40.0000"))),),
    ),
    Case(
        # 90 for three whole months without a price: 30 a month.
        "a line of whole months without a known price counts by the month",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (
                line(amount=9000, price_id="gone", period_end=day(4, 10)),
            ),
        },
        (moves(INVOICED, FEW, (date(2024, 1, 10), "new", money("30.0000"))),),
    ),
    Case(
        # No subscription at all: the line's own three months, 60 / 3; then none.
        "a line without item counts for its customer and names itself",
        {
            "billing.customers": (customer(),),
            "billing.invoices": (invoice(subscription_id=None),),
            "billing.invoice_line_items": (
                line(subscription_id=None, subscription_item_id=None, price_id=None, amount=6000,
                     period_end=day(4, 10)),
            ),
        },
        (
            moves(
                INVOICED, f"{FEW}, source_ids",
                (date(2024, 1, 10), "new", money("20.0000"),
                 ["billing.customers/{me}.c", "billing.invoice_line_items/{me}.l",
                  "billing.invoices/{me}.in"]),
                (date(2024, 4, 10), "churn", money("-20.0000"),
                 ["billing.customers/{me}.c", "billing.invoice_line_items/{me}.l",
                  "billing.invoices/{me}.in"]),
            ),
        ),
    ),
    Case(
        # 61 for the last 61 of the 366 days to 10 May: 366 a year, 30.50 a month.
        "a proration without item is brought to the full period of its price",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price("y", 36600, interval="year"),),
            "billing.invoices": (invoice(subscription_id=None, at=day(3, 10)),),
            "billing.invoice_line_items": (
                line(at=day(3, 10), subscription_id=None, subscription_item_id=None, price_id="y",
                     amount=6100, proration=True, period_end=day(5, 10)),
            ),
        },
        (
            moves(
                INVOICED, FEW,
                (date(2024, 3, 10), "new", money("30.5000")),
                (date(2024, 5, 10), "churn", money("-30.5000")),
            ),
        ),
    ),
    Case(
        # Without subscription the customer is the unit, at the grain of subscriptions too: 20 from
        # January, 10 more for a month.
        "lines without subscription expand and contract their customer",
        {
            "billing.customers": (customer(),),
            "billing.invoices": (invoice(subscription_id=None),),
            "billing.invoice_line_items": tuple(
                line(identity, at, subscription_id=None, subscription_item_id=None, price_id=None,
                     amount=amount, period_end=end)
                for identity, at, amount, end in (
                    ("l", day(1, 10), 6000, day(4, 10)), ("m", day(2, 10), 1000, day(3, 10)),
                )
            ),
        },
        (
            moves(
                "random_6", f"{FEW}, plan_effect",
                (date(2024, 1, 10), "new", money("20.0000"), None),
                (date(2024, 2, 10), "expansion", money("10.0000"), money("10.0000")),
                (date(2024, 3, 10), "contraction", money("-10.0000"), money("-10.0000")),
                (date(2024, 4, 10), "churn", money("-20.0000"), None),
            ),
        ),
    ),
    Case(
        # 40 less 15 on the line: 40 where discounts do not count.
        "a line's discount is left out where a policy leaves discounts out",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (line(amount=4000, discount_amount=1500),),
        },
        (
            moves("planned_4", FEW, (date(2024, 1, 10), "new", money("40.0000"))),
            moves(INVOICED, FEW, (date(2024, 1, 10), "new", money("25.0000"))),
        ),
    ),
    Case(
        # Neither a customer nor a subscription has landed: 20 a month, then 30, by lines alone.
        "lines count for a customer whom only their invoice names",
        {
            "billing.invoices": (invoice(subscription_id=None),),
            "billing.invoice_line_items": tuple(
                line(identity, at, subscription_id=None, subscription_item_id=None, price_id=None,
                     amount=amount, period_end=end)
                for identity, at, amount, end in (
                    ("l", day(1, 10), 6000, day(4, 10)), ("m", day(4, 10), 3000, day(5, 10)),
                )
            ),
        },
        (
            moves(
                "planned_4", f"{FEW}, plan_effect",
                (date(2024, 1, 10), "new", money("20.0000"), None),
                (date(2024, 4, 10), "expansion", money("10.0000"), money("10.0000")),
                (date(2024, 5, 10), "churn", money("-30.0000"), None),
            ),
        ),
    ),
    Case(
        # The line speaks for the time before the item's first version: 3 seats, then 1.
        "a line without subscription belongs to its invoice's",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(updated_at=day(3, 1)),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (
                line(subscription_id=None, subscription_item_id=None, quantity=3, amount=3000),
            ),
        },
        (
            moves(
                BOARD, FEW,
                (date(2024, 1, 10), "new", money("30.0000")),
                (date(2024, 3, 1), "contraction", money("-20.0000")),
            ),
        ),
    ),
    Case(
        # Both of one invoice, both from 10 January: the greater id says 5 seats, until 1 March.
        "of lines that start together on one invoice the greatest id speaks",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(updated_at=day(3, 1)),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (
                line(quantity=7, amount=7000),
                line("n", quantity=5, amount=5000),
                line("m", quantity=3, amount=3000),
            ),
        },
        (
            moves(
                BOARD, FEW,
                (date(2024, 1, 10), "new", money("50.0000")),
                (date(2024, 3, 1), "contraction", money("-40.0000")),
            ),
            moves(INVOICED, FEW, (date(2024, 1, 10), "new", money("50.0000"))),
        ),
    ),
    Case(
        # 60 for three months to `c`, 10 for one of them to `e`: no row says whose it is.
        "a subscription that has not landed is one unit, under the first of those it is billed to",
        {
            "billing.customers": (customer(), customer("e")),
            "billing.invoices": (
                invoice(subscription_id="gone"),
                invoice("on", day(2, 10), customer_id="e", subscription_id="gone"),
            ),
            "billing.invoice_line_items": tuple(
                line(identity, at, invoice_id=of, subscription_id="gone",
                     subscription_item_id=None, price_id=None, amount=amount, period_end=end)
                for identity, of, at, amount, end in (
                    ("l", "in", day(1, 10), 6000, day(4, 10)),
                    ("m", "on", day(2, 10), 1000, day(3, 10)),
                )
            ),
        },
        (
            moves(
                "random_6", f"{FEW}, customer_id, subscription_id",
                *((on, kind, money(amount), "{me}.c", "{me}.gone") for on, kind, amount in (
                    (date(2024, 1, 10), "new", "20.0000"),
                    (date(2024, 2, 10), "expansion", "10.0000"),
                    (date(2024, 3, 10), "contraction", "-10.0000"),
                    (date(2024, 4, 10), "churn", "-20.0000"),
                )),
            ),
        ),
    ),
    Case(
        # The period of `m` ends before it begins: as evidence of the past it would do, as a charge
        # it is none.
        "a line without a day of service charges nothing",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (line(), line("m", day(2, 20), amount=2000)),
        },
        (
            moves(INVOICED, f"{FEW}, source_ids",
                  (date(2024, 1, 10), "new", money("10.0000"), BILLED_ROWS)),
            moves("planned_4", FEW, (date(2024, 1, 10), "new", money("10.0000"))),
        ),
    ),
)  # fmt: skip
