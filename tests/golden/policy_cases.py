"""Examples in which the vendors disagree: one history, several policies."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from functools import lru_cache

from tests.golden.book import Book, Case, usd
from tests.golden.company import Company
from tests.golden.mrr_cases import BY_INVOICE, STRICT
from tests.oracle.policy import Policy, policy_from_row
from tests.support.raw_tables import DBT_PROJECT_DIR


@lru_cache(maxsize=1)
def presets() -> dict[str, Policy]:
    """The policies that the project ships, from its seed."""
    with (DBT_PROJECT_DIR / "seeds" / "metric_policies.csv").open(newline="") as seed:
        return {row["policy_id"]: policy_from_row(row) for row in csv.DictReader(seed)}


def coupons_by_duration() -> Case:
    company = Company()
    company.price("p", 10_00)
    for duration, more in (
        ("forever", {}),
        ("once", {}),
        ("repeating", {"duration_in_months": 3}),
    ):
        company.subscribe(duration, "p", "2024-01-01")
        company.discount(duration, duration, duration, "2024-01-01", percent_off="50", **more)

    def check(forever_only: Book, recurring: Book, every: Book) -> None:
        assert forever_only.closing("2024-01") == usd("25")  # halved; unchanged; unchanged
        assert recurring.closing("2024-01") == usd("20")
        assert every.closing("2024-01") == usd("15")
        assert every.closing("2024-02") == usd("20")
        assert every.closing("2024-04") == usd("25")

    return Case(
        ("G18",),
        "a coupon of 50% by duration",
        company.rows,
        (presets()["stripe_legacy"], presets()["stripe_configurable"], STRICT),
        check,
    )


def fourteen_off_the_first_month() -> Case:
    company = Company()
    company.price("p", 15_00)
    for number in range(77):
        company.subscribe(f"s{number}", "p", "2024-01-10")
        company.discount(
            f"d{number}", f"s{number}", "once", "2024-01-10", amount_off=14_00, currency="USD"
        )

    def check(all_discounts: Book, none: Book) -> None:
        assert all_discounts.closing("2024-01") == usd("77")
        assert all_discounts.closing("2024-02") == usd("1,155")
        assert none.closing("2024-01") == usd("1,155")

    undiscounted = Policy("undiscounted", discounts="none")
    return Case(("G74",), "77 sales at $15, $14 off the first month", company.rows,
                (STRICT, undiscounted), check)  # fmt: skip


def april_invoice_voided(as_of: date, april: str) -> Case:
    company = Company()
    company.price("p", 200_00)
    for number in range(5):
        subscription = company.subscribe(f"s{number}", "p", "2024-04-03")
        line = {
            "amount": 200_00,
            "price_id": "p",
            "period_start": "2024-04-03",
            "period_end": "2024-05-03",
        }
        company.invoice(f"in{number}", subscription, "2024-04-03", [line])
        if number == 0:
            company.invoice(
                "in0", subscription, "2024-04-03", [line], status="void", updated_at="2024-05-10"
            )

    def check(book: Book) -> None:
        assert book.closing("2024-04") == usd(april)

    return Case(("G75",), f"an April invoice voided in May, seen on {as_of}", company.rows,
                (BY_INVOICE,), check, as_of)  # fmt: skip


SHOP_ITEMS = replace(
    STRICT, policy_id="contract_by_item", discounts="none", movement_grain="month_end"
)
"""What dbt_stripe's contract basis comes to: no discounts, differences of month ends."""


def _leaves_and_returns(returned: str) -> Company:
    company = Company()
    company.price("p", 100_00)
    company.subscription("first", "2023-01-10", customer="c")
    company.item("first", "first", "p", "2023-01-10")
    company.discount("coupon", "first", "once", "2023-01-10", percent_off="50")
    company.subscription(
        "first", "2023-01-10", customer="c", at="2023-02-20", canceled_at="2023-02-20",
        cancel_at_period_end=True,
    )  # fmt: skip
    company.end("first", "2023-01-10", "2023-03-09", customer="c", asked="2023-02-20")
    company.subscribe("second", "p", returned, customer="c")
    lines = (
        ("first", "2023-01-10", "2023-02-10", 50_00),
        ("first", "2023-02-10", "2023-03-09", 0),
        ("second", returned, "2023-07-15", 0),
    )
    for number, (subscription, start, end, off) in enumerate(lines):
        line = {
            "amount": 100_00,
            "discount_amount": off,
            "price_id": "p",
            "period_start": start,
            "period_end": end,
        }
        company.invoice(f"in{number}", subscription, start, [line], customer="c")
    return company


def one_customer_under_five_policies() -> Case:
    def check(stripe: Book, chartmogul: Book, profitwell: Book, maxio: Book, shop: Book) -> None:
        coming = ("2023-05-15", "reactivation", usd("100"))
        assert stripe.movements() == [
            ("2023-01-10", "new", usd("100")),
            ("2023-02-20", "churn", usd("-100")),
            coming,
        ]
        for book in (chartmogul, profitwell):
            assert book.movements() == [
                ("2023-01-10", "new", usd("50")),
                ("2023-02-10", "expansion", usd("50")),
                ("2023-03-09", "churn", usd("-100")),
                coming,
            ]
        assert maxio.movements() == [
            ("2023-01-10", "new", usd("50")),
            ("2023-02-10", "expansion", usd("50")),
            ("2023-02-20", "churn", usd("-100")),
            coming,  # 84 days after Feb 20: within 90
        ]
        assert shop.movements() == [
            ("2023-01-31", "new", usd("100")),
            ("2023-03-31", "churn", usd("-100")),
            ("2023-05-31", "reactivation", usd("100")),
        ]
        by_month = {
            book.policy.policy_id: [book.closing(f"2023-0{month}") for month in (1, 2, 3, 5)]
            for book in (stripe, chartmogul, profitwell, maxio, shop)
        }
        assert by_month == {
            "stripe_legacy": [100, 0, 0, 100],
            "chartmogul_2025": [50, 100, 0, 100],
            "profitwell_2023": [50, 100, 0, 100],
            "maxio_2023": [50, 0, 0, 100],
            "contract_by_item": [100, 100, 0, 100],
        }

    shipped = ("stripe_legacy", "chartmogul_2025", "profitwell_2023", "maxio_2023")
    return Case(
        ("five policies",),
        "one customer under five policies",
        _leaves_and_returns("2023-05-15").rows,
        (*(presets()[policy_id] for policy_id in shipped), SHOP_ITEMS),
        check,
    )


def two_weeks_later() -> Case:
    def check(maxio: Book) -> None:
        assert maxio.kinds()[-1] == "new"  # 98 days after Feb 20

    return Case(
        ("five policies",),
        "the same customer returns two weeks later",
        _leaves_and_returns("2023-05-29").rows,
        (presets()["maxio_2023"],),
        check,
    )


CASES = (
    coupons_by_duration(),
    fourteen_off_the_first_month(),
    april_invoice_voided(date(2024, 4, 30), "1,000"),
    april_invoice_voided(date(2024, 12, 31), "800"),
    one_customer_under_five_policies(),
    two_weeks_later(),
)
