"""From when until when a customer counts, why one left, and what a month says of it."""

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
        # Paid to 10 February and, by another line of the same start, to 10 April: gone in April.
        "of paid periods with one start the longest counts",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(1, 20), updated_at=day(1, 20)),
            ),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (
                line(period_end=day(4, 10)), line("m"),
            ),
        },
        (
            Check(
                "select movement_date from {fct_mrr_movements} where customer_id = '{me}.c' "
                "and policy_id = 'planned_1' and movement_type = 'churn'",
                ((date(2024, 4, 10),),),
            ),
        ),
    ),
    Case(
        # Both subscriptions end in March: the one that ended last says why.
        "of several ends in a month the last one says why, where only month ends count",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": tuple(
                row
                for identity, end, reason in (
                    ("s", day(3, 5), "payment_failed"),
                    ("t", day(3, 15), "cancellation_requested"),
                )
                for row in (
                    subscription(identity),
                    subscription(identity, status="canceled", ended_at=end, updated_at=end,
                                 cancellation_reason=reason),
                )
            ),
            "billing.subscription_items": (item(), item("j", subscription_id="t")),
        },
        (
            moves(
                "planned_2", "movement_type, churn_type, churn_reason",
                ("new", None, None), ("churn", "voluntary", "cancellation_requested"),
            ),
        ),
    ),
    Case(
        # Iceland in March: one loses a seat (-10), one leaves (-10), one comes (+5): 5 / 20.
        "a quick ratio of equal contraction and churn, by country",
        {
            "billing.customers": tuple(customer(one, country="IS") for one in ("c", "e", "f")),
            "billing.prices": (price(), price("q", 500)),
            "billing.subscriptions": (
                subscription(),
                subscription("t", customer_id="e"),
                subscription("t", customer_id="e", status="canceled", ended_at=day(3, 9),
                             updated_at=day(3, 9)),
                subscription("u", day(3, 20), customer_id="f"),
            ),
            "billing.subscription_items": (
                item(quantity=2),
                item(quantity=1, updated_at=day(3, 3)),
                item("j", subscription_id="t"),
                item("k", day(3, 20), subscription_id="u", price_id="q"),
            ),
        },
        (
            Check(
                "select opening_mrr, new_mrr, contraction_mrr, churn_mrr, closing_mrr, "
                "quick_ratio, opening_customers, new_customers, churned_customers, "
                "closing_customers, net_new_mrr, arr, is_complete from {fct_mrr_by_month} "
                f"where policy_id = '{BOARD}' and month = date '2024-03-01' "
                "and segment_type = 'country' and segment_value = 'IS'",
                ((money("30.00"), money("5.00"), money("-10.00"), money("-10.00"), money("15.00"),
                  money("0.250000"), 2, 1, 1, 2, money("-15.00"), money("180.00"), True),),
            ),
        ),
    ),
    Case(
        # Malta in March: 20,000 leave and 0.01 comes, 0.000 000 5: half a millionth rounds up.
        "a quick ratio on the half of its last digit, by country",
        {
            "billing.customers": tuple(customer(one, country="MT") for one in ("c", "e")),
            "billing.prices": (price(unit_amount=2_000_000), price("q", 1)),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(3, 9), updated_at=day(3, 9)),
                subscription("t", day(3, 20), customer_id="e"),
            ),
            "billing.subscription_items": (
                item(),
                item("j", day(3, 20), subscription_id="t", price_id="q"),
            ),
        },
        (
            Check(
                "select new_mrr, churn_mrr, quick_ratio from {fct_mrr_by_month} "
                f"where policy_id = '{BOARD}' and month = date '2024-03-01' "
                "and segment_type = 'country' and segment_value = 'MT'",
                ((money("0.01"), money("-20000.00"), money("0.000001")),),
            ),
        ),
    ),
    Case(
        # Paused on 1 March until 1 May, then corrected: until 1 April.
        "of versions of one collection pause the last one says when it ends",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(collection_paused_at=day(3, 1), collection_resumes_at=day(5, 1),
                             updated_at=day(3, 1)),
                subscription(collection_paused_at=day(3, 1), collection_resumes_at=day(4, 1),
                             updated_at=day(3, 7)),
            ),
            "billing.subscription_items": (item(),),
        },
        (
            moves(
                BOARD, FEW,
                (date(2024, 1, 10), "new", money("10.0000")),
                (date(2024, 3, 1), "churn", money("-10.0000")),
                (date(2024, 4, 1), "reactivation", money("10.0000")),
            ),
        ),
    ),
    Case(
        # No row of the customer has landed; the subscription counts all the same, under its id.
        "a customer who has not landed is counted",
        {
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(4, 20), updated_at=day(4, 20),
                             cancellation_reason="payment_failed"),
            ),
            "billing.subscription_items": (item(),),
        },
        (
            moves(
                "planned_3", "movement_type, mrr_change, churn_type",
                ("new", money("10.0000"), None),
                ("churn", money("-10.0000"), "involuntary"),
            ),
        ),
    ),
    Case(
        # Back after 19 days the second time, which is within 30; counted from the first leaving it
        # would be 79.
        "the window of a reactivation begins with the last churn",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(2, 1), updated_at=day(2, 1)),
                subscription(updated_at=day(2, 10)),
                subscription(status="canceled", ended_at=day(4, 1), updated_at=day(4, 1)),
                subscription(updated_at=day(4, 20)),
            ),
            "billing.subscription_items": (item(),),
        },
        (
            moves(
                "planned_3", "movement_date, movement_type",
                (date(2024, 1, 10), "new"),
                (date(2024, 2, 1), "churn"),
                (date(2024, 2, 10), "reactivation"),
                (date(2024, 4, 1), "churn"),
                (date(2024, 4, 20), "reactivation"),
            ),
        ),
    ),
    Case(
        # One day of grace, each time; the days away in February are smoothed by the policy.
        "a second spell of past_due has its own grace",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="past_due", updated_at=day(2, 1)),
                subscription(updated_at=day(2, 5)),
                subscription(status="past_due", updated_at=day(3, 1)),
            ),
            "billing.subscription_items": (item(),),
        },
        (
            moves(
                "planned_1", FEW,
                (date(2024, 1, 10), "new", money("10.0000")),
                (date(2024, 3, 2), "churn", money("-10.0000")),
            ),
        ),
    ),
    Case(
        # Asked and past due on one day: out of service that day, it is what it was the day before.
        "where asking is the end, the day of asking is not in service",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="past_due", canceled_at=day(2, 10), updated_at=day(2, 10)),
                subscription(status="canceled", canceled_at=day(2, 10), ended_at=day(3, 10),
                             updated_at=day(3, 10)),
            ),
            "billing.subscription_items": (item(),),
        },
        (
            moves(
                "stripe_legacy", "movement_date, movement_type, churn_type, churn_reason",
                (date(2024, 1, 10), "new", None, None),
                (date(2024, 2, 10), "churn", "voluntary", "unknown"),
            ),
        ),
    ),
    Case(
        # `t` begins past due without a day of grace, after `s` has left: it never counted, and has
        # no say in which day of March was the last one.
        "a subscription that never counted does not move the day of a churn",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(3, 5), updated_at=day(3, 5),
                             cancellation_reason="payment_failed"),
                subscription("t", day(3, 15), status="past_due"),
            ),
            "billing.subscription_items": (
                item(), item("j", day(3, 15), subscription_id="t"),
            ),
        },
        (
            moves(
                "random_34", "movement_date, movement_type, churn_type, churn_reason",
                (date(2024, 1, 31), "new", None, None),
                (date(2024, 3, 31), "churn", "involuntary", "payment_failed"),
            ),
        ),
    ),
    Case(
        "the current version says when a subscription started",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(start_date=day(1, 20), updated_at=day(1, 20)),
            ),
            "billing.subscription_items": (item(),),
        },
        (moves(BOARD, FEW, (date(2024, 1, 20), "new", money("10.0000"))),),
    ),
    Case(
        # The last version of the run of ended ones speaks, and knows no other day than its own.
        "an expired version corrects the end that was said before it",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(3, 5), updated_at=day(3, 5)),
                subscription(status="incomplete_expired", updated_at=day(4, 10)),
            ),
            "billing.subscription_items": (item(),),
        },
        (
            moves(
                BOARD, FEW,
                (date(2024, 1, 10), "new", money("10.0000")),
                (date(2024, 4, 10), "churn", money("-10.0000")),
            ),
        ),
    ),
    Case(
        # Away on 5 February, back on the 10th for nothing until the 20th, with a second seat:
        # one change from 5 to 20 February, of one seat.
        "what came and went in an absence has no effect",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(2, 5), updated_at=day(2, 5)),
                subscription(updated_at=day(2, 10)),
            ),
            "billing.subscription_items": (item(), item(quantity=2, updated_at=day(2, 10))),
            "billing.discounts": (
                {"id": "d", "subscription_id": "s", "percent_off": Decimal(100),
                 "duration": "forever", "start_at": day(2, 10), "end_at": day(2, 20),
                 "updated_at": day(2, 10)},
            ),
        },
        (
            moves(
                "planned_1",
                f"{FEW}, quantity_effect, price_effect, plan_effect, discount_effect",
                (date(2024, 1, 10), "new", money("10.0000"), None, None, None, None),
                (date(2024, 2, 20), "expansion", money("10.0000"), money("10.0000"),
                 money("0.0000"), money("0.0000"), money("0.0000")),
            ),
        ),
    ),
    Case(
        # Ended on 10 March, paid to 10 April, and paused on 20 March: in service by what was paid.
        "the state of a churn is the one of what was paid for",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(3, 10), updated_at=day(3, 10)),
                subscription(status="canceled", ended_at=day(3, 10), updated_at=day(3, 20),
                             collection_paused_at=day(3, 20)),
            ),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (line(period_end=day(4, 10)),),
        },
        (
            moves(
                "planned_1", "movement_date, movement_type, churn_type, churn_reason",
                (date(2024, 1, 10), "new", None, None),
                (date(2024, 3, 20), "churn", "voluntary", "paused"),
            ),
            moves(
                BOARD, "movement_date, movement_type, churn_type, churn_reason",
                (date(2024, 1, 10), "new", None, None),
                (date(2024, 3, 10), "churn", "voluntary", "unknown"),
            ),
        ),
    ),
    Case(
        # A day of grace each time: not there at the end of February, nor of April.
        "each spell of past_due begins its own grace",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="past_due", updated_at=day(2, 28)),
                subscription(updated_at=day(3, 5)),
                subscription(status="past_due", updated_at=day(4, 10)),
            ),
            "billing.subscription_items": (item(),),
        },
        (
            moves(
                "random_38", "movement_date, movement_type",
                (date(2024, 1, 31), "new"),
                (date(2024, 2, 29), "churn"),
                # 31 days are more than the 30 of a reactivation.
                (date(2024, 3, 31), "new"),
                (date(2024, 4, 30), "churn"),
            ),
        ),
    ),
    Case(
        "what is paid by a line without subscription is paid for its invoice's",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(status="canceled", ended_at=day(1, 20), updated_at=day(1, 20)),
            ),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (line(subscription_id=None, period_end=day(4, 10)),),
        },
        (
            moves(
                "planned_1", FEW,
                (date(2024, 1, 10), "new", money("10.0000")),
                (date(2024, 4, 10), "churn", money("-10.0000")),
            ),
        ),
    ),
)  # fmt: skip
