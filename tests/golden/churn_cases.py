"""Examples about churn and retention: rates, dates, reasons."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from tests.golden.book import Book, Case, usd
from tests.golden.company import Company
from tests.golden.mrr_cases import STRICT
from tests.oracle.policy import Policy

NAIVE = Policy("naive_rate", churn_rate_excludes_new=False)
PAID_PERIOD_END = Policy("paid_period_end", churn_at="paid_period_end")
AGGREGATE_CAP = Policy("aggregate_cap", grr_cap="aggregate")
TWELVE_MONTHS = replace(STRICT, policy_id="twelve_months_ago", nrr_base="twelve_months_ago")


def gross_and_net_churn() -> Case:
    company = Company()
    company.price("p", 10_00)
    company.subscribe("stays", "p", "2024-01-01", quantity=7)
    company.requantify("stays", "p", "2024-01-01", "2024-02-10", quantity=8)
    company.subscribe("shrinks", "p", "2024-01-01", quantity=2)
    company.requantify("shrinks", "p", "2024-01-01", "2024-02-11", quantity=1)
    company.subscribe("leaves", "p", "2024-01-01")
    company.end("leaves", "2024-01-01", "2024-02-12")

    def check(book: Book) -> None:
        february = book.period("2024-02")
        assert february.mrr_start == usd("100")
        assert february.gross_mrr_churn_rate == Fraction(20, 100)  # G07
        assert february.net_mrr_churn_rate == Fraction(10, 100)  # G08

    return Case(("G07", "G08"), "churn 10, contraction 10, expansion 10", company.rows,
                (STRICT,), check)  # fmt: skip


def one_day_of_churn() -> Case:
    company = Company()
    company.price("p", 5_00)
    for number in range(20):
        company.subscribe(f"s{number}", "p", "2024-01-01")
    company.end("s0", "2024-01-01", "2024-02-10")

    def check(book: Book) -> None:
        assert book.mrr("2024-02-09") == usd("100")
        assert book.mrr("2024-02-10") == usd("95")
        assert book.moves[-1].change / book.mrr("2024-02-09") == Fraction(-5, 100)

    return Case(("G09",), "one day: 100 to 95", company.rows, (STRICT,), check)


def twelve_churn_of_a_hundred() -> Case:
    company = Company()
    company.price("p", 10_00)
    for number in range(100):
        company.subscribe(f"s{number}", "p", "2024-01-01")
    for number in range(11):
        company.end(f"s{number}", "2024-01-01", "2024-02-10")
    company.subscribe("back", "p", "2024-02-20", customer="customer of s0")
    company.subscribe("joins and leaves", "p", "2024-02-05")
    company.end("joins and leaves", "2024-02-05", "2024-02-25")

    def check(excluded: Book, naive: Book) -> None:
        assert excluded.kinds().count("churn") == 12
        assert excluded.period("2024-02").logo_churn_rate == Fraction(10, 100)
        assert naive.period("2024-02").logo_churn_rate == Fraction(12, 100)

    return Case(("G10",), "12 churn, 1 of them returns, 1 joined in the month", company.rows,
                (STRICT, NAIVE), check)  # fmt: skip


def coupons_of_half_and_of_all() -> Case:
    company = Company()
    company.price("p", 10_00)
    company.subscribe("s", "p", "2024-01-01")
    company.discount("half", "s", "forever", "2024-01-01", percent_off="50")
    company.discount("all", "s", "forever", "2024-03-10", percent_off="100")

    def check(book: Book) -> None:
        assert book.closing("2024-01") == usd("5")
        assert book.movements()[-1] == ("2024-03-10", "churn", usd("-5"))
        assert book.period("2024-03").logo_churn_rate == 1

    return Case(("G23",), "a lifetime coupon of 50%, then one of 100%", company.rows,
                (STRICT,), check)  # fmt: skip


def five_percent_churn() -> Case:
    company = Company()
    company.price("p", 10_00)
    for number in range(40):
        company.subscribe(f"s{number}", "p", "2024-01-01")
    company.end("s0", "2024-01-01", "2024-02-10")
    company.end("s1", "2024-01-01", "2024-02-20")

    def check(book: Book) -> None:
        rate = book.period("2024-02").logo_churn_rate
        assert rate == Fraction(5, 100)
        assert 1 / rate == 20  # months to churn

    return Case(("G25",), "5% cancelled: 20 months to churn", company.rows, (STRICT,), check)


def churn_at_the_end_of_the_paid_period() -> Case:
    company = Company()
    company.price("p", 10_00)
    company.subscribe("s", "p", "2024-04-15")
    company.end("s", "2024-04-15", "2024-06-08", cancellation_reason="cancellation_requested")
    for month in (4, 5):
        line = {
            "amount": 10_00,
            "price_id": "p",
            "period_start": f"2024-{month:02}-15",
            "period_end": f"2024-{month + 1:02}-15",
        }
        company.invoice(f"in{month}", "s", f"2024-{month:02}-15", [line])

    def check(at_period_end: Book, at_service_end: Book) -> None:
        assert at_period_end.mrr("2024-06-14") == usd("10")
        assert at_period_end.movements()[1:] == [("2024-06-15", "churn", usd("-10"))]
        assert at_service_end.movements()[1:] == [("2024-06-08", "churn", usd("-10"))]

    return Case(("G29",), "$10 from Apr 15, cancels Jun 8", company.rows,
                (PAID_PERIOD_END, STRICT), check)  # fmt: skip


def larger_at_the_end() -> Case:
    company = Company()
    company.price("p", 1000_00)
    company.subscribe("grows", "p", "2024-01-01", quantity=4)
    company.requantify("grows", "p", "2024-01-01", "2024-02-10", quantity=6)
    company.subscribe("leaves", "p", "2024-01-01")
    company.end("leaves", "2024-01-01", "2024-02-12")

    def check(aggregate: Book, customer: Book) -> None:
        assert aggregate.period("2024-02").mrr_start == usd("5,000")
        assert aggregate.period("2024-02").mrr_end == usd("6,000")
        # The page prints "1%" for min(5,000, 6,000) / 5,000.
        assert aggregate.period("2024-02").gross_revenue_retention == 1
        assert customer.period("2024-02").gross_revenue_retention == Fraction(4, 5)

    return Case(("G38",), "opening 5,000, closing 6,000", company.rows,
                (AGGREGATE_CAP, STRICT), check)  # fmt: skip


def voluntary_and_involuntary() -> Case:
    company = Company()
    company.price("p", 10_00)
    reasons = ["cancellation_requested"] * 10 + [None] * 5 + ["payment_failed"] * 10
    for number, reason in enumerate(reasons):
        company.subscribe(f"s{number}", "p", "2024-01-01")
        company.end(f"s{number}", "2024-01-01", "2024-02-10", cancellation_reason=reason)

    def check(book: Book) -> None:
        lost = {"voluntary": usd("0"), "involuntary": usd("0")}
        for move in book.moves:
            if move.churn_type is not None:
                lost[move.churn_type] -= move.change
        assert lost == {"voluntary": usd("150"), "involuntary": usd("100")}

    return Case(("G39",), "15 cancel, 10 fail to pay", company.rows, (STRICT,), check)


def renewal_in_grace() -> Case:
    company = Company()
    company.price("p", 10_00)
    company.subscribe("s", "p", "2024-10-29")
    company.subscription("s", "2024-10-29", at="2024-11-29", status="past_due")
    company.subscription("s", "2024-10-29", at="2024-12-04")

    def check(in_grace: Book, at_once: Book) -> None:
        assert in_grace.kinds() == ["new"]
        assert in_grace.closing("2024-11") == usd("10")
        assert at_once.kinds() == ["new", "churn", "reactivation"]
        assert at_once.moves[1].churn_type == "involuntary"
        assert at_once.closing("2024-11") == 0

    drop = Policy("drop_on_failure", past_due_grace_days=0)
    return Case(("G50",), "due Nov 29, paid Dec 4 in grace", company.rows, (STRICT, drop), check)


def gross_and_net_of_a_year() -> Case:
    company = Company()
    company.price("p", 1_00)
    for name, before, after in (("a", 100, 130), ("b", 200, 150)):
        company.subscribe(name, "p", "2022-12-01", quantity=before)
        company.requantify(name, "p", "2022-12-01", "2023-06-01", quantity=after)
    company.subscribe("newcomer", "p", "2023-03-01", quantity=500)
    # G79: 67% a year for two years leaves 44.89%.
    company.price("cent", 1)
    company.subscribe("compounding", "cent", "2020-01-01", quantity=10000)
    company.requantify("compounding", "cent", "2020-01-01", "2021-01-01", quantity=6700)
    company.requantify("compounding", "cent", "2020-01-01", "2022-01-01", quantity=4489)
    company.end("compounding", "2020-01-01", "2022-02-01")

    def check(book: Book) -> None:
        year = book.period("2023-01", 12)
        assert year.gross_revenue_retention == Fraction(100 + 150, 300)
        assert year.net_revenue_retention == Fraction(130 + 150, 300)
        by_age = {row.age: row for row in book.cohorts() if row.cohort.isoformat() == "2020-01-01"}
        assert by_age[12].gross_retention == Fraction("0.67")
        assert by_age[24].gross_retention == Fraction("0.67") ** 2

    return Case(("G76", "G79"), "A twelve months ago, B now", company.rows,
                (TWELVE_MONTHS,), check)  # fmt: skip


CASES = (
    gross_and_net_churn(),
    one_day_of_churn(),
    twelve_churn_of_a_hundred(),
    coupons_of_half_and_of_all(),
    five_percent_churn(),
    churn_at_the_end_of_the_paid_period(),
    larger_at_the_end(),
    voluntary_and_involuntary(),
    renewal_in_grace(),
    gross_and_net_of_a_year(),
)
