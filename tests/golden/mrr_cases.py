"""Examples about the size of MRR: intervals, quantities, discounts in a price."""

from __future__ import annotations

from fractions import Fraction

from tests.golden.book import Book, Case, usd
from tests.golden.company import Company
from tests.oracle.policy import Policy

STRICT = Policy()
BY_INVOICE = Policy("by_invoice", mrr_basis="invoice")
REVENUECAT_FACTORS = Policy(
    "weeks_of_4_days_of_30", week_factor=Fraction(4), day_factor=Fraction(30)
)
PADDLE_FACTORS = Policy("weeks_of_433", week_factor=Fraction("4.33"), day_factor=Fraction(30))


def five_then_two_more() -> Case:
    company = Company()
    company.price("small", 5_00)
    company.price("large", 30_00)
    for number in range(5):
        company.subscribe(f"small {number}", "small", "2024-01-10")
    for number in range(2):
        company.subscribe(f"large {number}", "large", "2024-02-10")

    def check(book: Book) -> None:
        assert book.closing("2024-01") == usd("25")
        assert book.closing("2024-02") == usd("85")

    return Case(("G01",), "5 x $5, then 2 x $30", company.rows, (STRICT,), check)


def quarter_paid_at_once() -> Case:
    company = Company()
    company.price("quarter", 90_00, "month", 3)
    company.subscribe("s", "quarter", "2024-01-15")

    def check(book: Book) -> None:
        assert {book.closing(f"2024-{month:02}") for month in range(1, 13)} == {usd("30")}

    return Case(("G12",), "a 3-month plan paid 90", company.rows, (STRICT,), check)


def hundred_monthly_and_fifty_yearly() -> Case:
    company = Company()
    company.price("monthly", 100_00)
    company.price("yearly", 600_00, "year")
    company.subscribe("monthlies", "monthly", "2024-03-01", quantity=100)
    company.subscribe("yearlies", "yearly", "2024-03-01", quantity=50)

    def check(book: Book) -> None:
        # The page divides 50 x 800 by 12; the plan costs 600, so it is 10,000 + 2,500.
        assert book.closing("2024-03") == usd("12,500")

    return Case(("G16",), "100 x $100 a month and 50 x $600 a year", company.rows, (STRICT,), check)


def annual_prices() -> Case:
    company = Company()
    company.price("1200", 1200_00, "year")
    company.price("120", 120_00, "year")
    company.price("10", 10_00)
    company.price("8", 8_00)
    company.subscribe("G17", "1200", "2024-01-01")
    company.subscribe("G22", "120", "2023-01-01")
    company.end("G22", "2023-01-01", "2024-01-01")
    for number in range(10):
        company.subscribe(f"G21 {number}", "10", "2022-05-01", customer=f"ten {number}")
        company.end(f"G21 {number}", "2022-05-01", "2022-06-01", customer=f"ten {number}")
    company.subscribe("G45 monthly", "8", "2021-05-01")
    company.end("G45 monthly", "2021-05-01", "2021-07-01")
    company.subscribe("G45 yearly", "120", "2021-06-01")
    company.end("G45 yearly", "2021-06-01", "2021-07-01")

    def check(book: Book) -> None:
        assert book.closing("2024-01") == usd("100")  # G17
        assert [book.closing(f"2023-{month:02}") for month in range(1, 13)] == [usd("10")] * 12
        assert book.closing("2022-05") == usd("100")  # G21
        assert book.closing("2021-05") == usd("8")  # G45
        assert book.closing("2021-06") == usd("18")

    return Case(
        ("G17", "G21", "G22", "G26", "G45", "G59"),
        "annual prices are a twelfth a month",
        company.rows,
        (STRICT,),
        check,
    )


def annual_with_ten_percent_off() -> Case:
    company = Company()
    company.price("120", 120_00, "year")
    company.subscribe("s", "120", "2024-01-01")
    company.discount("d", "s", "forever", "2024-01-01", percent_off="10")

    def check(book: Book) -> None:
        assert book.closing("2024-01") == usd("9")

    return Case(("G27",), "$120 a year with 10% off", company.rows, (STRICT,), check)


def month_value_is_not_prorated() -> Case:
    company = Company()
    company.price("p", 100_00)
    company.subscribe("s", "p", "2024-03-29")

    def check(book: Book) -> None:
        for day in ("2024-03-29", "2024-03-30", "2024-03-31", "2024-04-15", "2024-04-29"):
            assert book.mrr(day) == usd("100")
        assert book.closing("2024-03") == usd("100")

    return Case(("G42",), "$100 from Mar 29 on is 100 on each day", company.rows, (STRICT,), check)


REVENUECAT_INTERVALS = (
    ("day", 1, "30"),
    ("day", 3, "10"),
    ("week", 1, "4"),  # "7-day" on the page
    ("week", 2, "2"),
    ("week", 4, "1"),
    ("month", 2, "1/2"),
    ("month", 3, "1/3"),
    ("month", 6, "1/6"),
    ("year", 1, "1/12"),
)


def revenuecat_intervals() -> Case:
    company = Company()
    for number, (interval, count, _) in enumerate(REVENUECAT_INTERVALS):
        company.price(f"p{number}", 84_00, interval, count)
        start = f"2024-{number + 1:02}-01"
        company.subscribe(f"s{number}", f"p{number}", start)
        company.end(f"s{number}", start, f"2024-{number + 2:02}-01")

    def check(book: Book) -> None:
        for number, (_, _, factor) in enumerate(REVENUECAT_INTERVALS):
            assert book.closing(f"2024-{number + 1:02}") == 84 * Fraction(factor)

    return Case(("G46",), "RevenueCat's factors", company.rows, (REVENUECAT_FACTORS,), check)


def paddle_intervals() -> Case:
    company = Company()
    for month, interval in (("01", "day"), ("02", "week"), ("03", "year")):
        company.price(interval, 12_00, interval)
        company.subscribe(interval, interval, f"2024-{month}-01")
        company.end(interval, f"2024-{month}-01", f"2024-{int(month) + 1:02}-01")

    def check(book: Book) -> None:
        assert book.closing("2024-01") == usd("360")
        assert book.closing("2024-02") == usd("51.96")
        assert book.closing("2024-03") == usd("1")

    return Case(("G47",), "Paddle's factors", company.rows, (PADDLE_FACTORS,), check)


def contract_over_a_year() -> Case:
    company = Company()
    company.subscription("contract", "2024-01-01")
    company.invoice(
        "in",
        "contract",
        "2024-01-01",
        [{"amount": 12_000_00, "period_start": "2024-01-01", "period_end": "2025-01-01"}],
    )

    def check(book: Book) -> None:
        assert book.closing("2024-01") == usd("1,000")
        assert book.closing("2024-12") == usd("1,000")

    return Case(("G56",), "a contract of 12,000 for a year", company.rows, (BY_INVOICE,), check)


CASES = (
    five_then_two_more(),
    quarter_paid_at_once(),
    hundred_monthly_and_fifty_yearly(),
    annual_prices(),
    annual_with_ten_percent_off(),
    month_value_is_not_prorated(),
    revenuecat_intervals(),
    paddle_intervals(),
    contract_over_a_year(),
)
