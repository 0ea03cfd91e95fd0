"""Refunds: what they take from a month and from paid periods."""

from __future__ import annotations

from datetime import date

from tests.mutation.cases.rows import (
    BOARD,
    FEW,
    INVOICED,
    PAYMENT,
    REFUNDED_ROWS,
    Case,
    Check,
    customer,
    day,
    invoice,
    item,
    line,
    money,
    moves,
    price,
    refund,
    subscription,
)

CASES: tuple[Case, ...] = (
    Case(
        # The payment was booked on the wrong invoice first; its refund is not this invoice's, whose
        # paid period holds until 10 April.
        "a refund touches the invoice that its payment is of now",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(1, 20), updated_at=day(1, 20)),
            ),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(), invoice("other", subscription_id=None)),
            "billing.invoice_line_items": (line(period_end=day(4, 10)),),
            "billing.payments": tuple(
                {"id": "y", "invoice_id": of, "customer_id": "c", "amount": 1000,
                 "currency": "usd", "status": "succeeded", "created": day(1, 10),
                 "updated_at": at}
                for of, at in (("in", day(1, 10)), ("other", day(1, 11)))
            ),
            "billing.refunds": (
                {"id": "r", "payment_id": "y", "amount": 1000, "currency": "usd",
                 "status": "succeeded", "created": day(1, 21), "updated_at": day(1, 21)},
            ),
        },
        (
            Check(
                "select movement_date from {fct_mrr_movements} where customer_id = '{me}.c' "
                f"and policy_id = '{INVOICED}' and movement_type = 'churn'",
                ((date(2024, 4, 10),),),
            ),
        ),
    ),
    *(
        Case(
            # Paid to 10 April, left on 20 January: the paid period holds unless it was refunded.
            f"a refund of status {status or 'null'} "
            f"{'ends' if is_refunded else 'leaves'} a paid period",
            {
                "billing.customers": (customer(),),
                "billing.prices": (price(),),
                "billing.subscriptions": (
                    subscription(),
                    subscription(status="canceled", ended_at=day(1, 20), updated_at=day(1, 20)),
                ),
                "billing.subscription_items": (item(),),
                "billing.invoices": (invoice(),),
                "billing.invoice_line_items": (line(period_end=day(4, 10)),),
                "billing.payments": (
                    {"id": "y", "invoice_id": "in", "customer_id": "c", "amount": 1000,
                     "currency": "usd", "status": "succeeded", "created": day(1, 10),
                     "updated_at": day(1, 10)},
                ),
                "billing.refunds": (
                    {"id": "r", "payment_id": "y", "amount": 1000, "currency": "usd",
                     "status": status, "created": day(1, 21), "updated_at": day(1, 21)},
                ),
            },
            (
                Check(
                    "select movement_date from {fct_mrr_movements} where customer_id = '{me}.c' "
                    f"and policy_id = '{INVOICED}' and movement_type = 'churn'",
                    ((date(2024, 1, 20) if is_refunded else date(2024, 4, 10),),),
                ),
            ),
        )
        for status, is_refunded in ((None, True), ("failed", False))
    ),
    Case(
        # A refund of 0 undoes nothing: what was paid for runs on to 10 April.
        "a refund of nothing leaves a paid period paid",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(3, 10), canceled_at=day(3, 10),
                             updated_at=day(3, 10)),
            ),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (line(period_end=day(4, 10)),),
            "billing.payments": (PAYMENT,),
            "billing.refunds": (refund(day(3, 11), 0),),
        },
        (
            moves(
                "planned_1", FEW,
                (date(2024, 1, 10), "new", money("10.0000")),
                (date(2024, 4, 10), "churn", money("-10.0000")),
            ),
        ),
    ),
    Case(
        # 4 of 10 off until the month is over; what ends the reduction is the refund too.
        "a refund is named where its month begins and where it ends",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (line(),),
            "billing.payments": (PAYMENT,),
            "billing.refunds": (refund(day(2, 12), 400),),
        },
        (
            Check(
                "select movement_date, mrr_change, source_ids from {fct_mrr_movements} "
                "where policy_id = 'planned_1' and customer_id like '{me}.%' "
                "and movement_date > date '2024-02-01' order by 1",
                (
                    (date(2024, 2, 12), money("-4.0000"), REFUNDED_ROWS),
                    (date(2024, 3, 1), money("4.0000"), REFUNDED_ROWS),
                ),
            ),
        ),
    ),
    Case(
        # 10 less the 4 given back are 6, and 8 is more: `t` says why.
        "the greatest subscription of a churn is without what was given back",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(), price("q", 800)),
            "billing.subscriptions": tuple(
                row
                for identity, reason in (("s", "payment_failed"), ("t", "cancellation_requested"))
                for row in (
                    subscription(identity),
                    subscription(identity, status="canceled", ended_at=day(2, 20),
                                 updated_at=day(2, 20), cancellation_reason=reason),
                )
            ),
            "billing.subscription_items": (item(), item("j", subscription_id="t", price_id="q")),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (line(),),
            "billing.payments": (PAYMENT,),
            "billing.refunds": (refund(day(2, 12), 400),),
        },
        (
            moves(
                "random_19", f"{FEW}, churn_type, churn_reason",
                (date(2024, 1, 10), "new", money("18.0000"), None, None),
                (date(2024, 2, 12), "contraction", money("-4.0000"), None, None),
                (date(2024, 2, 20), "churn", money("-14.0000"), "voluntary",
                 "cancellation_requested"),
            ),
            moves(
                BOARD, "movement_type, churn_type, churn_reason",
                ("new", None, None), ("churn", "involuntary", "payment_failed"),
            ),
        ),
    ),
    Case(
        # Half of the invoice is for setting up, once: half of the refund is no MRR.
        "a refund is shared with what was charged once",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(), price("o", type="one_time", interval=None)),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(total=2000),),
            "billing.invoice_line_items": (
                line(), line("m", subscription_item_id=None, price_id="o"),
            ),
            "billing.payments": (PAYMENT,),
            "billing.refunds": (refund(day(2, 12), 400),),
        },
        (
            moves(
                "random_19", FEW,
                (date(2024, 1, 10), "new", money("10.0000")),
                (date(2024, 2, 12), "contraction", money("-2.0000")),
                (date(2024, 3, 1), "expansion", money("2.0000")),
            ),
        ),
    ),
    Case(
        # 3 of 10 given back. Of the other invoice only a credit of 5 recurs, so that giving back 10
        # lowers nothing, and raises nothing.
        "a refund of credits takes nothing from another refund",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(), price("o", type="one_time", interval=None)),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(), invoice("on", day(2, 10))),
            "billing.invoice_line_items": (
                line(),
                line("m", day(2, 10), invoice_id="on", amount=1500, price_id="o",
                     subscription_item_id=None),
                line("n", day(2, 10), invoice_id="on", amount=-500, proration=True),
            ),
            "billing.payments": (PAYMENT, {**PAYMENT, "id": "late", "invoice_id": "on"}),
            "billing.refunds": (
                refund(day(2, 12), 300),
                {**refund(day(2, 14), 1000), "id": "all", "payment_id": "late"},
            ),
        },
        (
            moves(
                "random_19", FEW,
                (date(2024, 1, 10), "new", money("10.0000")),
                (date(2024, 2, 12), "contraction", money("-3.0000")),
                (date(2024, 3, 1), "expansion", money("3.0000")),
            ),
        ),
    ),
    Case(
        # 3 given back of an invoice that was a credit of 5: there is nothing to share it over.
        "a refund of an invoice below zero lowers nothing",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(total=-500),),
            "billing.invoice_line_items": (line(amount=-500, proration=True),),
            "billing.payments": (PAYMENT,),
            "billing.refunds": (refund(day(2, 12), 300),),
        },
        (moves("random_19", FEW, (date(2024, 1, 10), "new", money("10.0000"))),),
    ),
)  # fmt: skip
