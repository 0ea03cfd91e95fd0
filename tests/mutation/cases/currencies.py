"""Customers with several currencies, and revaluation."""

from __future__ import annotations

from tests.mutation.cases.rows import (
    BOARD,
    Case,
    Check,
    customer,
    day,
    item,
    money,
    price,
    subscription,
)

CASES: tuple[Case, ...] = (
    Case(
        # Of two currencies none speaks for the customer; the 5 dollars off touch the dollars only:
        # 100 euros stay 100 euros whatever the discount.
        "a customer of two currencies has no native change, and an amount off keeps to its own",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(), price("q", 10000, currency="eur")),
            "billing.subscriptions": (subscription(), subscription("t", day(2, 10))),
            "billing.subscription_items": (
                item(), item("j", day(2, 10), subscription_id="t", price_id="q"),
            ),
            "billing.discounts": (
                {"id": "d", "customer_id": "c", "amount_off": 500, "currency": "usd",
                 "duration": "forever", "start_at": day(1, 10), "updated_at": day(1, 10)},
            ),
        },
        (
            Check(
                "select distinct currency, mrr_change_native from {fct_mrr_movements} "
                f"where policy_id = '{BOARD}' and customer_id = '{{me}}.c'",
                ((None, None),),
            ),
        ),
    ),
    Case(
        # A seat more on 1 March, the day on which what stands is revalued:
        # the revaluation changes no euro, the seat changes 10.
        "on a day of revaluation only the seat changes the native amount",
        {
            "billing.customers": (customer(currency="eur"),),
            "billing.prices": (price(currency="eur"),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(), item(quantity=2, updated_at=day(3, 1))),
        },
        (
            Check(
                "select movement_type, mrr_change_native from {fct_mrr_movements} "
                f"where policy_id = '{BOARD}' and customer_id = '{{me}}.c' "
                "and movement_date = date '2024-03-01' order by 1",
                (("expansion", money("10.0000")), ("fx", money("0.0000"))),
            ),
        ),
    ),
    Case(
        # Two currencies in one subscription: 5 dollars off leave the 100 euros alone.
        "an amount off leaves an item of another currency of the same subscription alone",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(), price("q", 10000, currency="eur")),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(), item("j", price_id="q")),
            "billing.discounts": (
                {"id": "d", "subscription_id": "s", "amount_off": 500, "currency": "usd",
                 "duration": "forever", "start_at": day(1, 10), "updated_at": day(1, 10)},
            ),
        },
    ),
)  # fmt: skip
