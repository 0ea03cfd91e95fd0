"""Hand cases: small histories with the outcome worked out by hand, for what random histories and
the oracle do not reach.

Every case is a tenant of its own in one database; the oracle checks its movements and months as
it does for all others, and `checks` say what only a person has worked out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.properties.histories import Row, Rows, Tenant


@dataclass(frozen=True)
class Check:
    """A query on marts (`{fct_...}`) and its rows; `{me}` is the number that begins all ids."""

    query: str
    expected: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Case:
    """The rows of one tenant and what must come out."""

    name: str
    rows: Mapping[str, tuple[Row, ...]]
    checks: tuple[Check, ...] = ()


def as_tenant(case: Case) -> Tenant:
    """The case among the generated histories."""
    rows: Rows = {table: [dict(row) for row in some] for table, some in case.rows.items()}
    return Tenant(seed=0, features=frozenset({case.name}), rows=rows)


def numbered(check: Check, number: int) -> Check:
    """The check of the case of that number."""

    def own(cell: Any) -> Any:
        if isinstance(cell, str):
            return cell.replace("{me}", str(number))
        return [own(one) for one in cell] if isinstance(cell, list) else cell

    return Check(
        own(check.query), tuple(tuple(own(cell) for cell in row) for row in check.expected)
    )


def day(month: int, of_month: int, hour: int = 0, year: int = 2024) -> datetime:
    """A time in UTC."""
    return datetime(year, month, of_month, hour)


def customer(identity: str = "c", **columns: Any) -> Row:
    return {"id": identity, "name": identity, "currency": "usd", "created": day(1, 1),
            "updated_at": day(1, 1), **columns}  # fmt: skip


def price(identity: str = "p", unit_amount: int | None = 1000, **columns: Any) -> Row:
    return {"id": identity, "product_id": "prod", "currency": "usd", "unit_amount": unit_amount,
            "billing_scheme": "per_unit", "type": "recurring", "interval": "month",
            "interval_count": 1, "usage_type": "licensed", "created": day(1, 1),
            "updated_at": day(1, 1), **columns}  # fmt: skip


def subscription(identity: str = "s", at: datetime | None = None, **columns: Any) -> Row:
    at = at or day(1, 10)
    return {"id": identity, "customer_id": "c", "status": "active", "start_date": at,
            "created": at, "updated_at": at, **columns}  # fmt: skip


def item(identity: str = "i", at: datetime | None = None, **columns: Any) -> Row:
    at = at or day(1, 10)
    return {"id": identity, "subscription_id": "s", "price_id": "p", "quantity": 1,
            "created": at, "updated_at": at, **columns}  # fmt: skip


def invoice(identity: str = "in", at: datetime | None = None, **columns: Any) -> Row:
    at = at or day(1, 10)
    return {"id": identity, "customer_id": "c", "subscription_id": "s", "status": "paid",
            "currency": "usd", "total": 1000, "created": at, "updated_at": at,
            **columns}  # fmt: skip


def line(identity: str = "l", at: datetime | None = None, **columns: Any) -> Row:
    at = at or day(1, 10)
    return {"id": identity, "invoice_id": "in", "subscription_id": "s",
            "subscription_item_id": "i", "price_id": "p", "type": "subscription", "amount": 1000,
            "currency": "usd", "quantity": 1, "proration": False, "period_start": at,
            "period_end": day(2, 10), "updated_at": at, **columns}  # fmt: skip


def refund(at: datetime, amount: int) -> Row:
    return {"id": "re", "payment_id": "pay", "amount": amount, "currency": "usd",
            "status": "succeeded", "created": at, "updated_at": at}  # fmt: skip


def moves(policy: str, columns: str, *expected: tuple[Any, ...]) -> Check:
    """The movements of the case's customers under a policy, in order of day."""
    return Check(
        f"select {columns} from {{fct_mrr_movements}} where policy_id = '{policy}' and "
        "customer_id like '{me}.%' order by movement_date, customer_id, movement_type",
        tuple(expected),
    )


def money(text: str) -> Decimal:
    """An amount with the decimals that a mart gives it."""
    return Decimal(text)


BOARD = "board_strict"
INVOICED = "chartmogul_2025"  # invoice basis, churn at the end of the paid period
MONTH_END = "recurly_classic"  # invoice basis, month ends, refunds reduce
FEW = "movement_date, movement_type, mrr_change"

PAYMENT: Row = {"id": "pay", "invoice_id": "in", "customer_id": "c", "amount": 1000,
                "currency": "usd", "status": "succeeded", "created": day(1, 10),
                "updated_at": day(1, 10)}  # fmt: skip
BILLED_ROWS = ["billing.customers/{me}.c", "billing.invoice_line_items/{me}.l",
               "billing.invoices/{me}.in", "billing.prices/{me}.p",
               "billing.subscription_items/{me}.i", "billing.subscriptions/{me}.s"]  # fmt: skip
REFUNDED_ROWS = ["billing.customers/{me}.c", "billing.invoice_line_items/{me}.l",
                 "billing.invoices/{me}.in", "billing.payments/{me}.pay",
                 "billing.prices/{me}.p", "billing.refunds/{me}.re",
                 "billing.subscription_items/{me}.i", "billing.subscriptions/{me}.s"]  # fmt: skip
OWN_ROWS = ["billing.customers/{me}.c", "billing.prices/{me}.p",
            "billing.subscription_items/{me}.i", "billing.subscriptions/{me}.s"]  # fmt: skip

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
        # A metered price needs no amount; what currency ZZZ is nobody knows.
        "prices that cannot be counted are listed with their reason, and no others",
        {
            "billing.prices": (
                price("m", None, usage_type="metered"),
                price("o", None, type="one_time", interval=None),
                price("n", None),
                price("t", None, billing_scheme="tiered"),
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
                    ("prices", "{me}.t", "no_tiers"),
                    ("prices", "{me}.v", "no_interval"),
                    ("prices", "{me}.z", "unknown_currency"),
                ),
            ),
        ),
    ),
)  # fmt: skip
