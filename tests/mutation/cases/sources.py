"""The raw rows that a movement names."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.mutation.cases.rows import (
    BILLED_ROWS,
    BOARD,
    FEW,
    INVOICED,
    MONTH_END,
    OWN_ROWS,
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
    rate_row,
    subscription,
)

CASES: tuple[Case, ...] = (
    Case(
        # 10 from 10 January; 30 from 3 March; cancelled on 20 April, payment failed.
        "a seat change and a churn name their raw rows",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (
                subscription(),
                subscription(
                    status="canceled", ended_at=day(4, 20), canceled_at=day(4, 20),
                    cancellation_reason="payment_failed", cancellation_feedback="too_expensive",
                    updated_at=day(4, 20),
                ),
            ),
            "billing.subscription_items": (item(), item(quantity=3, updated_at=day(3, 3))),
        },
        (
            moves(
                BOARD,
                "movement_date, movement_type, month, currency, mrr_change_native, "
                "quantity_effect, churn_type, churn_reason, churn_feedback, source_ids",
                (date(2024, 1, 10), "new", date(2024, 1, 1), "USD", money("10.0000"), None, None,
                 None, None, OWN_ROWS),
                (date(2024, 3, 3), "expansion", date(2024, 3, 1), "USD", money("20.0000"),
                 money("20.0000"), None, None, None,
                 OWN_ROWS),
                (date(2024, 4, 20), "churn", date(2024, 4, 1), "USD", money("-30.0000"), None,
                 "involuntary", "payment_failed", "too_expensive",
                 OWN_ROWS),
            ),
        ),
    ),
    Case(
        # Two items that begin together are one subscription; the 10 % starts with them, and rises
        # to 50 % on 1 April: 20 - 2 = 18, then 10.
        "sources are named once, and a discount's later version holds from its day",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(), item("j")),
            "billing.discounts": (
                {"id": "d", "subscription_id": "s", "percent_off": Decimal(10),
                 "duration": "forever", "start_at": day(1, 10), "updated_at": day(1, 10)},
                {"id": "d", "subscription_id": "s", "percent_off": Decimal(50),
                 "duration": "forever", "start_at": day(1, 10), "updated_at": day(4, 1)},
            ),
        },
        (
            moves(
                BOARD, f"{FEW}, source_ids",
                *((date(2024, month, of_month), kind, money(change),
                   ["billing.customers/{me}.c", "billing.discounts/{me}.d", "billing.prices/{me}.p",
                    "billing.subscription_items/{me}.i", "billing.subscription_items/{me}.j",
                    "billing.subscriptions/{me}.s"])
                  for month, of_month, kind, change in (
                      (1, 10, "new", "18.0000"), (4, 1, "contraction", "-8.0000"))),
            ),
        ),
    ),
    Case(
        # The line of 15 March is no evidence for the time before the first version.
        "a line after an item's first version is not behind its history",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (
                item(updated_at=day(3, 1)), item(quantity=2, updated_at=day(4, 1)),
            ),
            "billing.invoices": (invoice(at=day(3, 15)),),
            "billing.invoice_line_items": (line(at=day(3, 15), period_end=day(4, 15)),),
        },
        (
            moves(
                BOARD, f"{FEW}, source_ids",
                (date(2024, 1, 10), "new", money("10.0000"), OWN_ROWS),
                (date(2024, 4, 1), "expansion", money("10.0000"), OWN_ROWS),
            ),
        ),
    ),
    Case(
        # It charges nothing, and says that there were 3 seats before 1 March.
        "a line of 0 is evidence, and named",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(updated_at=day(3, 1)),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (line(amount=0, quantity=3),),
        },
        (
            moves(
                BOARD, f"{FEW}, source_ids",
                (date(2024, 1, 10), "new", money("30.0000"), BILLED_ROWS),
                (date(2024, 3, 1), "contraction", money("-20.0000"), BILLED_ROWS),
            ),
        ),
    ),
    Case(
        "by invoices a movement names the line and its invoice",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(),),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (line(),),
        },
        (
            Check(
                "select mrr_change, source_ids from {fct_mrr_movements} where movement_type = 'new'"
                f" and policy_id = '{MONTH_END}' and customer_id like '{{me}}.%'",
                ((money("10.0000"), BILLED_ROWS),),
            ),
        ),
    ),
    Case(
        # A seat until 10 March by the first line, two by the second, three by the first version.
        "a line is named while it speaks",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(quantity=3, updated_at=day(5, 1)),),
            "billing.invoices": (invoice(), invoice("on", day(3, 10))),
            "billing.invoice_line_items": (
                line(),
                line("m", day(3, 10), invoice_id="on", quantity=2, amount=2000,
                     period_end=day(4, 10)),
            ),
        },
        (
            moves(
                BOARD, f"{FEW}, source_ids",
                (date(2024, 1, 10), "new", money("10.0000"), BILLED_ROWS),
                (date(2024, 3, 10), "expansion", money("10.0000"), sorted([
                    *BILLED_ROWS, "billing.invoice_line_items/{me}.m", "billing.invoices/{me}.on",
                ])),
                (date(2024, 5, 1), "expansion", money("10.0000"), sorted([
                    *OWN_ROWS, "billing.invoice_line_items/{me}.m", "billing.invoices/{me}.on",
                ])),
            ),
        ),
    ),
    *(
        Case(
            # It would say that there were 3 seats before 1 March.
            f"a line without {column} is no evidence, and not named",
            {
                "billing.customers": (customer(),),
                "billing.prices": (price(),),
                "billing.subscriptions": (subscription(),),
                "billing.subscription_items": (item(updated_at=day(3, 1)),),
                "billing.invoices": (invoice(),),
                "billing.invoice_line_items": (line(**{"quantity": 3, column: None}),),
            },
            (moves(BOARD, f"{FEW}, source_ids",
                   (date(2024, 1, 10), "new", money("10.0000"), OWN_ROWS)),),
        )
        for column in ("period_start", "period_end")
    ),
    Case(
        # Under each policy, of each customer and of each currency: the rate before and the rate of
        # the new month, and nobody else's.
        "a revaluation names the rates before and after it",
        {
            "billing.customers": (customer(), customer("e")),
            "billing.prices": (price(currency="eur"), price("q", 5000, currency="jpy")),
            "billing.subscriptions": (
                subscription(), subscription("t", day(1, 20)),
                subscription("u", day(2, 20), customer_id="e"),
            ),
            "billing.subscription_items": (
                item(), item("j", day(1, 20), subscription_id="t", price_id="q"),
                item("k", day(2, 20), subscription_id="u"),
            ),
        },
        tuple(
            Check(
                "select list_filter(source_ids, one -> starts_with(one, 'finance.')) "
                f"from {{fct_mrr_movements}} where customer_id = '{{me}}.{of}' and policy_id = "
                f"'{policy}' and movement_date = date '{on}'",
                ((sorted(rate_row(code, at) for code in codes for at in days),),),
            )
            for policy in (BOARD, "stripe_legacy", "random_19")
            for of, on, codes, days in (
                ("c", date(2024, 2, 1), ("EUR", "JPY"), (date(2024, 1, 31), date(2024, 2, 29))),
                ("c", date(2024, 3, 1), ("EUR", "JPY"), (date(2024, 2, 29), date(2024, 3, 31))),
                ("e", date(2024, 2, 20), ("EUR",), (date(2024, 2, 29),)),
                ("e", date(2024, 3, 1), ("EUR",), (date(2024, 2, 29), date(2024, 3, 31))),
            )
        ),
    ),
    Case(
        # A draft and a void one would say 3 seats and 5, before 1 March.
        "lines of draft and void invoices are no evidence, and not named",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(), price("m", None, usage_type="metered")),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (
                item(updated_at=day(3, 1)), item("u", price_id="m", quantity=None),
            ),
            "billing.invoices": (
                invoice(status="draft"), invoice("no", status="void"), invoice("on", day(2, 10)),
            ),
            "billing.invoice_line_items": (
                line(quantity=3),
                line("v", invoice_id="no", quantity=5),
                line("w", invoice_id="no", subscription_item_id="u", price_id="m"),
                line("x", subscription_item_id="u", price_id="m"),
                line("y", day(2, 10), invoice_id="on", subscription_item_id="u", price_id="m",
                     amount=700, period_end=day(3, 10)),
            ),
        },
        (
            moves(BOARD, f"{FEW}, source_ids",
                  (date(2024, 1, 10), "new", money("10.0000"), [
                      "billing.customers/{me}.c", "billing.prices/{me}.p",
                      "billing.subscription_items/{me}.i", "billing.subscriptions/{me}.s"])),
            # Usage counts from the day of its invoice until the end of March (rules 3).
            moves(
                "random_19", f"{FEW}, source_ids",
                (date(2024, 1, 10), "new", money("10.0000"), OWN_ROWS),
                *((on, kind, money(change), [
                    "billing.customers/{me}.c", "billing.invoice_line_items/{me}.y",
                    "billing.invoices/{me}.on", "billing.prices/{me}.m", "billing.prices/{me}.p",
                    "billing.subscription_items/{me}.i", "billing.subscription_items/{me}.u",
                    "billing.subscriptions/{me}.s"])
                  for on, kind, change in ((date(2024, 2, 10), "expansion", "7.0000"),
                                           (date(2024, 3, 31), "contraction", "-7.0000"))),
            ),
        ),
    ),
    Case(
        # A line that names no item is of neither of two; it counts 60 / 3 for its own three months,
        # and then is over (the policy keeps who subscribes, at 0). Were there one item, it would be
        # that item's, and stay: so both items are behind both movements, though no line is theirs.
        "the items that a line may have been of are named",
        {
            "billing.customers": (customer(),),
            "billing.prices": (price(interval_count=3),),
            "billing.subscriptions": (subscription(),),
            "billing.subscription_items": (item(), item("j")),
            "billing.invoices": (invoice(),),
            "billing.invoice_line_items": (
                line(subscription_item_id=None, amount=6000, period_end=day(4, 10)),
            ),
        },
        (
            moves(
                INVOICED, f"{FEW}, source_ids",
                *((on, kind, money(change), [
                    "billing.customers/{me}.c", "billing.invoice_line_items/{me}.l",
                    "billing.invoices/{me}.in", "billing.prices/{me}.p",
                    "billing.subscription_items/{me}.i", "billing.subscription_items/{me}.j",
                    "billing.subscriptions/{me}.s"])
                  for on, kind, change in ((date(2024, 1, 10), "new", "20.0000"),
                                           (date(2024, 4, 10), "contraction", "-20.0000"))),
            ),
        ),
    ),
)  # fmt: skip
