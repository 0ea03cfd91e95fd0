"""Discounts, by their versions and how long they last."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.mutation.cases.rows import (
    BOARD,
    FEW,
    Case,
    Check,
    customer,
    day,
    item,
    money,
    moves,
    price,
    subscription,
)

CASES: tuple[Case, ...] = (
    Case(
        # Both versions are of 5 March: the last one counts, and, being the first that counts, also
        # before its day. 20 % off from the start.
        "a discount's first version that counts speaks for the time before it",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.discounts": tuple(
                {"id": "d", "subscription_id": "s", "percent_off": percent, "duration": "forever",
                 "start_at": day(1, 10), "updated_at": at}
                for percent, at in ((Decimal(10), day(3, 5, 8)), (Decimal(20), day(3, 5, 12)))
            ),
        },
        (moves(BOARD, FEW, (date(2024, 1, 10), "new", money("8.0000"))),),
    ),
    Case(
        # 120 a year, half of it for the first year.
        "once on an annual price is a year",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(unit_amount=12000, interval="year"),),
            "billing.subscriptions": (subscription(at=day(3, 10, year=2023)),),
            "billing.subscription_items": (item(at=day(3, 10, year=2023)),),
            "billing.discounts": (
                {"id": "d", "customer_id": "c", "duration": "once", "percent_off": "50",
                 "start_at": day(3, 10, year=2023), "updated_at": day(3, 10, year=2023)},
            ),
        },
        (
            moves(
                BOARD, FEW,
                (date(2023, 3, 10), "new", money("5.0000")),
                (date(2024, 3, 10), "expansion", money("5.0000")),
            ),
        ),
    ),
    Case(
        # 5 of 10 dollars; then 20 of 100 euros, which the first discount left alone.
        "amounts in two currencies each keep to their own",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(), price("q", 10000, currency="eur")),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(), item("j", day(2, 10), price_id="q")),
            "billing.discounts": tuple(
                {"id": identity, "subscription_id": "s", "amount_off": amount,
                 "currency": currency, "duration": "forever", "start_at": day(1, 10),
                 "updated_at": day(1, 10)}
                for identity, amount, currency in (("d", 500, "usd"), ("e", 2000, "eur"))
            ),
        },
        (
            Check(
                "select mrr_change from {fct_mrr_movements} where customer_id = '{me}.c' "
                f"and policy_id = '{BOARD}' and movement_type = 'new'",
                ((money("5.0000"),),),
            ),
        ),
    ),
    Case(
        # Half off for ever, says the first version; for a month, says the current one.
        "the current version says how long a discount lasts",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.discounts": tuple(
                {"id": "d", "subscription_id": "s", "percent_off": Decimal(50), "duration": lasting,
                 "duration_in_months": months, "start_at": day(1, 10), "updated_at": at}
                for lasting, months, at in (
                    ("forever", None, day(1, 10)), ("repeating", 1, day(3, 1)),
                )
            ),
        },
        (
            moves(
                BOARD, FEW,
                (date(2024, 1, 10), "new", money("5.0000")),
                (date(2024, 2, 10), "expansion", money("5.0000")),
            ),
        ),
    ),
)  # fmt: skip
