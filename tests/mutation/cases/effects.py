"""How a movement is split over its causes: half cents, and where the rest goes.

One unit of the annual price `h` is half a cent a month. It changes on the day on which another
item's change of 10 makes the movement, so that the rest never goes to the half cent.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.mutation.cases.rows import (
    BOARD,
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

HALF = price("h", 6, interval="year")
EFFECTS = "movement_date, mrr_change, quantity_effect, price_effect, plan_effect, discount_effect"


def seats(identity: str, price_id: str, *quantities: int) -> tuple[dict[str, object], ...]:
    """An item with these quantities from 10 January, 3 March and 3 April."""
    return tuple(
        item(identity, price_id=price_id, quantity=quantity, updated_at=at)
        for quantity, at in zip(quantities, (day(1, 10), day(3, 3), day(4, 3)), strict=True)
    )


def swapped(identity: str, *prices: str) -> tuple[dict[str, object], ...]:
    """An item with these prices from 10 January, 3 March and 3 April."""
    return tuple(
        item(identity, price_id=price_id, updated_at=at)
        for price_id, at in zip(prices, (day(1, 10), day(3, 3), day(4, 3)), strict=True)
    )


def split(*expected: tuple[str, ...]) -> tuple[Check, ...]:
    """The movements of March and April: change, quantity, price, plan, discount."""
    return (
        Check(
            f"select {EFFECTS} from {{fct_mrr_movements}} where policy_id = '{BOARD}' "
            "and customer_id = '{me}.c' and movement_type <> 'new' order by 1",
            tuple(
                (on, *(money(f"{amount}00") for amount in amounts))
                for on, amounts in zip((date(2024, 3, 3), date(2024, 4, 3)), expected, strict=True)
            ),
        ),
    )


CASES: tuple[Case, ...] = (
    Case(
        # 10.005 is 10.01; 20.01; 10.01. The seat is 0.005, so 0.01, and the plan gives one up.
        "half a cent of seats is a cent, up and down",
        {
            "billing.customers": (customer(),),
            "billing.prices": (HALF, price(), price("q", 2000)),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (
                *seats("i", "h", 1, 2, 1), *swapped("j", "p", "q", "p"),
            ),
        },
        split(
            ("10.00", "0.01", "0.00", "9.99", "0.00"),
            ("-10.00", "-0.01", "0.00", "-9.99", "0.00"),
        ),
    ),
    Case(
        # 12.00 a year, 12.06, 12.00: 11, 21.005, 11.
        "half a cent of price is a cent, up and down",
        {
            "billing.customers": (customer(),),
            "billing.prices": (
                *(price("z", amount, interval="year", updated_at=at)
                  for amount, at in ((1200, day(1, 1)), (1206, day(3, 3)), (1200, day(4, 3)))),
                price(), price("q", 2000),
            ),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (
                item(price_id="z"), *swapped("j", "p", "q", "p"),
            ),
        },
        split(
            ("10.01", "0.00", "0.01", "10.00", "0.00"),
            ("-10.01", "0.00", "-0.01", "-10.00", "0.00"),
        ),
    ),
    Case(
        # Of half a cent to a whole one by another price, while a second seat comes and goes.
        "half a cent of plan is a cent, up and down",
        {
            "billing.customers": (customer(),),
            "billing.prices": (HALF, price("o", 12, interval="year"), price()),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (
                *swapped("i", "h", "o", "h"), *seats("j", "p", 1, 2, 1),
            ),
        },
        split(
            ("10.00", "9.99", "0.00", "0.01", "0.00"),
            ("-10.00", "-9.99", "0.00", "-0.01", "0.00"),
        ),
    ),
    Case(
        # Half off a cent from March to April: 10.01, then 0.005 + 20 is 20.01, then 10.01.
        "half a cent of discount is a cent, down and up",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price("o", 1), price(), price("q", 2000)),
            "billing.subscriptions": (subscription(), subscription("t")),
            "billing.subscription_items": (
                item(subscription_id="t", price_id="o"), *swapped("j", "p", "q", "p"),
            ),
            "billing.discounts": (
                {"id": "d", "subscription_id": "t", "percent_off": Decimal(50),
                 "duration": "forever", "start_at": day(3, 3), "end_at": day(4, 3),
                 "updated_at": day(3, 3)},
            ),
        },
        split(
            ("10.00", "0.00", "0.00", "10.01", "-0.01"),
            ("-10.00", "0.00", "0.00", "-10.01", "0.01"),
        ),
    ),
    Case(
        # A line of 0 from 5 February, of 20 from the 20th: one change, from 10 to 20, of the price.
        "an absence by a line of nothing is one change",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (
                line(),
                line("m", day(2, 5), amount=0),
                line("n", day(2, 20), amount=2000, period_end=day(3, 20)),
            ),
        },
        (
            moves(
                "planned_4",
                "movement_date, movement_type, quantity_effect, price_effect, plan_effect, "
                "discount_effect",
                (date(2024, 1, 10), "new", None, None, None, None),
                (date(2024, 2, 20), "expansion", money("0.0000"), money("10.0000"),
                 money("0.0000"), money("0.0000")),
            ),
        ),
    ),
)  # fmt: skip
