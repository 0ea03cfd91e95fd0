"""What an item charges: prices by their versions, tiers, usage."""

from __future__ import annotations

from datetime import date

from tests.mutation.cases.rows import (
    BOARD,
    FEW,
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
    subscription,
)

CASES: tuple[Case, ...] = (
    Case(
        # The price's only version is from March: no older evidence, so it holds before too.
        "a price's first version speaks for the time before it",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(updated_at=day(3, 1)),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
        },
        (moves(BOARD, FEW, (date(2024, 1, 10), "new", money("10.0000"))),),
    ),
    Case(
        # Usage of 30 invoiced on 1 March, of 50 on 1 April: +20, all of it quantity. It holds until
        # the last day of May; the customer stays, at 0, under this policy.
        "a change of metered usage is a change of quantity",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(usage_type="metered"),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(quantity=None),),
            "billing.invoices": (invoice("a", day(3, 1)), invoice("b", day(4, 1))),
            "billing.invoice_line_items": (
                line("l", day(2, 1), invoice_id="a", amount=3000, period_end=day(3, 1)),
                line("m", day(3, 1), invoice_id="b", amount=5000, period_end=day(4, 1)),
            ),
        },
        (
            moves(
                "random_19", f"{FEW}, quantity_effect, price_effect, plan_effect",
                (date(2024, 3, 1), "new", money("30.0000"), None, None, None),
                (date(2024, 4, 1), "expansion", money("20.0000"), money("20.0000"),
                 money("0.0000"), money("0.0000")),
                (date(2024, 5, 31), "contraction", money("-50.0000"), money("-50.0000"),
                 money("0.0000"), money("0.0000")),
            ),
        ),
    ),
    Case(
        "a tier may have a flat amount alone",
        {
            "billing.customers": (customer(),),
            "billing.prices": (
                price(unit_amount=None, billing_scheme="tiered", tiers_mode="graduated",
                      tiers='[{"up_to": null, "flat_amount": 5000}]'),
            ),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(quantity=4),),
        },
        (moves(BOARD, FEW, (date(2024, 1, 10), "new", money("50.0000"))),),
    ),
    Case(
        # A metered price needs no amount; what currency ZZZ is nobody knows.
        "prices that cannot be counted are listed with their reason, and no others",
        {
            "billing.prices": (
                price("m", None, usage_type="metered"),
                price("o", None, type="one_time", interval=None),
                price("f", 0),
                price("n", None),
                price("o-1", -1, type="one_time", interval=None),
                price("q", -1),
                price("t", None, billing_scheme="tiered"),
                price("u", None, billing_scheme="tiered", tiers="[]"),
                price("u-1", None, billing_scheme="tiered",
                      tiers='[{"up_to": 5, "unit_amount": 100}, '
                            '{"up_to": null, "unit_amount": 90, "flat_amount": -1}]'),
                price("u-2", tiers='[{"up_to": null, "unit_amount": -1}]'),
                price("v", interval=None),
                price("z", currency="zzz"),
            ),
        },
        (
            Check(
                "select table_name, row_key, reason from {rejected_rows} "
                "where row_key like '{me}.%' order by 2",
                (
                    ("prices", "{me}.n", "no_amount"),
                    ("prices", "{me}.q", "negative_amount"),
                    ("prices", "{me}.t", "no_tiers"),
                    ("prices", "{me}.u", "no_tiers"),
                    ("prices", "{me}.u-1", "negative_amount"),
                    ("prices", "{me}.v", "no_interval"),
                    ("prices", "{me}.z", "unknown_currency"),
                ),
            ),
        ),
    ),
    Case(
        # Two at 10 and two at 5: each unit by its tier, as no mode is named.
        "tiers without a mode are graduated",
        {
            "billing.customers": (customer(),),
            "billing.prices": (
                price(unit_amount=None, billing_scheme="tiered",
                      tiers='[{"up_to": 2, "unit_amount": 1000}, '
                            '{"up_to": null, "unit_amount": 500}]'),
            ),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(quantity=4),),
        },
        (moves(BOARD, FEW, (date(2024, 1, 10), "new", money("30.0000"))),),
    ),
)  # fmt: skip
