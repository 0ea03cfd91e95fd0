"""Small cases of what random histories once found wrong; figures by hand from docs/mrr_rules.md."""

from __future__ import annotations

from dataclasses import replace

from tests.golden.book import Book, Case, usd
from tests.golden.company import Company
from tests.golden.mrr_cases import STRICT
from tests.oracle.policy import Policy

REFUNDS = Policy("found_refunds", mrr_basis="invoice", refunds="reduce")
REFUNDS_MONTH_END = replace(REFUNDS, policy_id="found_month_end", movement_grain="month_end")
LARGEST = Policy("found_largest", discounts="all")
LARGEST_LINES = replace(LARGEST, policy_id="found_largest_lines", mrr_basis="invoice")
MONTH_END = Policy("found_month_end_strict", movement_grain="month_end")


def negative_quantity() -> Case:
    company = Company()
    company.price("p", 10_00)
    company.subscribe("s", "p", "2024-01-01", quantity=2, customer="c")
    company.subscribe("t", "p", "2024-01-01", quantity=-1, customer="c")
    company.requantify("t", "p", "2024-01-01", "2024-03-10", quantity=1)

    def check(book: Book) -> None:
        move = book.moves[-1]
        assert (move.before, move.after) == (usd("20"), usd("30"))
        assert (move.quantity, move.price, move.plan, move.discount) == (usd("10"), 0, 0, 0)

    return Case(("found",), "-1 seats are none, in the effects too", company.rows, (STRICT,), check)


def _refunded(company: Company, invoice: str, amount: int, day: str) -> None:
    company.add("payments", id=f"payment of {invoice}", invoice_id=invoice, customer_id="c",
                amount=amount, currency="USD", status="succeeded", created=day,
                updated_at=day)  # fmt: skip
    company.add("refunds", id=f"refund of {invoice}", payment_id=f"payment of {invoice}",
                amount=amount, currency="USD", created=day, updated_at=day)  # fmt: skip


def refund_of_an_unknown_subscription() -> Case:
    company = Company()
    company.price("p", 30_00)
    company.subscription("known", "2024-01-01", "c")
    for number, (invoice, first, last) in enumerate(
        (("january", "2024-01-01", "2024-02-01"), ("february", "2024-02-01", "2024-03-01"))
    ):
        company.invoice(
            invoice, "not landed", first,
            [{"amount": 60_00, "price_id": "p", "quantity": 2, "period_start": first,
              "period_end": last}],
            customer="c",
        )  # fmt: skip
        if number:
            _refunded(company, invoice, 20_00, "2024-02-10")

    def check(book: Book) -> None:
        assert book.mrr("2024-02-09") == usd("60")
        assert book.mrr("2024-02-10") == usd("40")
        assert book.mrr("2024-03-01") == 0

    return Case(("found",), "a refund lowers a subscription whose row has not landed",
                company.rows, (REFUNDS,), check)  # fmt: skip


def refund_of_an_invoice_with_a_credit() -> Case:
    company = Company()
    company.price("p", 30_00)
    company.subscribe("s", "p", "2024-01-01", customer="c")
    lines = [
        {"amount": 90_00, "price_id": "p", "quantity": 3, "period_start": "2024-01-01",
         "period_end": "2024-02-01"},
        {"amount": -30_00, "price_id": "p", "period_start": "2024-01-01",
         "period_end": "2024-02-01", "proration": True},
    ]  # fmt: skip
    company.invoice("i", "s", "2024-01-01", lines, customer="c")
    _refunded(company, "i", 20_00, "2024-01-10")

    def check(book: Book) -> None:
        # 20 x 90/60 - 20 x 30/60 = 20, not 30.
        assert book.mrr("2024-01-10") == book.mrr("2024-01-09") - usd("20")

    return Case(("found",), "credits count with their sign in a refund's share", company.rows,
                (REFUNDS,), check)  # fmt: skip


def last_to_cease_in_a_month() -> Case:
    company = Company()
    company.price("p", 10_00)
    company.price("free", 0)
    company.subscribe("a small", "p", "2024-01-01", quantity=1, customer="c")
    company.subscribe("big", "p", "2024-01-01", quantity=5, customer="c")
    # On 10 February the small one stops counting; on the 20th the big one has no item left.
    company.subscription("a small", "2024-01-01", "c", at="2024-02-10", status="unpaid")
    company.item("big", "big", "p", "2024-02-20", quantity=5, created="2024-01-01", deleted=True)

    def check(daily: Book, month_end: Book) -> None:
        assert daily.kinds() == ["new", "contraction", "churn"]
        assert (daily.moves[-1].churn_type, daily.moves[-1].reason) == ("voluntary", "unknown")
        # The day before 10 February the big one had more: it says the reason, not `unpaid`.
        last = month_end.moves[-1]
        assert (last.day.isoformat(), last.kind) == ("2024-02-29", "churn")
        assert (last.churn_type, last.reason) == ("voluntary", "unknown")

    return Case(("found",), "the reason is that of the largest one when one last ceased",
                company.rows, (STRICT, MONTH_END), check)  # fmt: skip


def largest_charges() -> Case:
    """200 items of 100 billion each, the most that one charges; a cent more is not counted."""
    company = Company()
    company.price("most", 10**13)
    company.price("too much", 10**13 + 1)
    company.price("most a year", 10**13, "year")
    company.subscription("s", "2024-01-01", "c")
    for number in range(200):
        company.item(f"most {number}", "s", "most", "2024-01-01")
        if number >= 100:
            company.item(f"most {number}", "s", "most", "2024-05-10", created="2024-01-01",
                         deleted=True)  # fmt: skip
    company.item("too much", "s", "too much", "2024-01-01")
    company.item("most a year", "s", "most a year", "2024-06-10", created="2024-06-10")
    company.discount("a third", "s", "forever", "2024-03-10", percent_off=33)
    company.discount("most off", "s", "forever", "2024-04-10", amount_off=10**13, currency="USD")
    # The same read from lines, of another customer.
    company.subscription("billed", "2024-01-01", "d")
    lines = [
        {"amount": amount, "price_id": "most", "period_start": "2024-01-01",
         "period_end": "2024-02-01", "subscription_item_id": f"billed {number}"}
        for number, amount in enumerate([10**13] * 100 + [10**13 + 1])
    ]  # fmt: skip
    for number in range(len(lines)):
        company.item(f"billed {number}", "billed", "most", "2024-01-01")
    company.invoice("in", "billed", "2024-01-01", lines, customer="d")

    def check(by_prices: Book, by_lines: Book) -> None:
        found = [
            by_prices.mrr(day) - usd(str(101 * 10**11))
            for day in ("2024-01-01", "2024-03-10", "2024-04-10", "2024-05-10", "2024-06-10")
        ]
        # 20 trillion; less 33 %; less 100 billion; half of the items; then 100 billion a year more:
        # 6,705,583,333,333.33 less 10^11 x (6.7 x 10^12 + 5,583,333,333.33 / 12) / that.
        expected = ("20000000000000", "13400000000000", "13300000000000", "6600000000000",
                    "6605659658617.82")  # fmt: skip
        assert found == [usd(amount) for amount in expected]
        # Customer c has no lines; the line that is too large is none.
        assert by_lines.mrr("2024-01-01") == usd("10000000000000")

    return Case(("found",), "200 of the largest charges are added up to the cent", company.rows,
                (LARGEST, LARGEST_LINES), check)  # fmt: skip


CASES = (
    negative_quantity(),
    refund_of_an_unknown_subscription(),
    refund_of_an_invoice_with_a_credit(),
    last_to_cease_in_a_month(),
    largest_charges(),
)
