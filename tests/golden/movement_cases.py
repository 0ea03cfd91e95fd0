"""Examples about movements: what a change is called, on which day, and how much it is."""

from __future__ import annotations

from fractions import Fraction

from tests.golden.book import Book, Case, approximately, usd
from tests.golden.company import Company
from tests.golden.mrr_cases import BY_INVOICE, STRICT


def gold_and_silver() -> Case:
    company = Company()
    company.price("silver monthly", 30_00)
    company.price("gold yearly", 500_00, "year")
    company.price("gold monthly", 50_00)
    company.subscribe("gold", "gold yearly", "2024-01-10", quantity=4, customer="c")
    company.subscribe("silver", "silver monthly", "2024-02-15", quantity=2, customer="c")
    company.end("silver", "2024-02-15", "2024-03-05", customer="c")
    company.end("gold", "2024-01-10", "2024-06-10", customer="c")
    company.subscribe("gold again", "gold monthly", "2024-09-01", quantity=3, customer="c")

    def check(book: Book) -> None:
        assert book.movements() == [
            ("2024-01-10", "new", usd("166.67")),  # G02: 4 x 500 / 12
            ("2024-02-15", "expansion", usd("60")),  # G03: not new
            ("2024-03-05", "contraction", usd("-60")),  # G04: not churn
            ("2024-06-10", "churn", usd("-166.67")),
            ("2024-09-01", "reactivation", usd("150")),  # G06
        ]

    return Case(("G02", "G03", "G04", "G06"), "gold, then silver", company.rows, (STRICT,), check)


def bronze_to_gold() -> Case:
    company = Company()
    company.price("bronze", 100_00)
    company.price("gold", 250_00)
    company.subscription("s", "2019-01-01")
    company.item("i", "s", "bronze", "2019-01-01")
    company.item("i", "s", "gold", "2019-02-01", created="2019-01-01")
    for month, price, amount in ((1, "bronze", 100_00), (2, "gold", 250_00)):
        line = {
            "amount": amount,
            "price_id": price,
            "period_start": f"2019-{month:02}-01",
            "period_end": f"2019-{month + 1:02}-01",
        }
        company.invoice(f"in{month}", "s", f"2019-{month:02}-01", [line])

    def check(by_invoice: Book, by_subscription: Book) -> None:
        for book in (by_invoice, by_subscription):
            assert book.mrr("2019-02-01") == usd("250")
            assert book.movements() == [
                ("2019-01-01", "new", usd("100")),
                ("2019-02-01", "expansion", usd("150")),
            ]
            assert book.moves[1].plan == usd("150")

    return Case(("G13",), "bronze to gold, not prorated", company.rows, (BY_INVOICE, STRICT), check)


def seat_added_in_mid_period() -> Case:
    company = Company()
    company.price("seat", 50_00)
    company.subscription("s", "2016-03-01")
    company.item("i", "s", "seat", "2016-03-01")
    company.subscription("second seat", "2016-03-16", customer="customer of s")
    company.item("j", "second seat", "seat", "2016-03-16")
    whole = {"price_id": "seat", "period_start": "2016-03-01", "period_end": "2016-04-01"}
    part = {"price_id": "seat", "period_start": "2016-03-16", "period_end": "2016-04-01"}
    company.invoice("in1", "s", "2016-03-01", [{**whole, "amount": 50_00}])
    company.invoice(
        "in2",
        "second seat",
        "2016-03-16",
        [{**part, "amount": 25_00, "proration": True}],
        customer="customer of s",
    )
    april = {"price_id": "seat", "period_start": "2016-04-01", "period_end": "2016-05-01"}
    company.invoice(
        "in3", "second seat", "2016-04-01", [{**april, "amount": 50_00}], customer="customer of s"
    )

    def check(by_invoice: Book, by_subscription: Book) -> None:
        # 25 x 31 / 16; the gap to the list price shows as a price effect, never as contraction.
        assert by_invoice.mrr("2016-03-16") == usd("50") + usd("48.44")
        assert by_invoice.movements()[-1] == ("2016-04-01", "expansion", usd("1.56"))
        assert by_invoice.moves[-1].price == usd("1.56")
        assert "contraction" not in by_invoice.kinds()
        assert by_subscription.mrr("2016-03-16") == usd("100")
        assert by_subscription.kinds() == ["new", "expansion"]

    return Case(("G15",), "a seat added and prorated", company.rows, (BY_INVOICE, STRICT), check)


def two_subscriptions_cancelled_one_by_one() -> Case:
    company = Company()
    company.price("p", 20_00)
    company.subscribe("first", "p", "2024-01-01", customer="c")
    company.subscribe("second", "p", "2024-01-01", customer="c")
    company.end("first", "2024-01-01", "2024-02-10", customer="c")
    company.end("second", "2024-01-01", "2024-03-10", customer="c")

    def check(book: Book) -> None:
        assert book.kinds() == ["new", "contraction", "churn"]
        assert book.kinds().count("churn") == 1

    return Case(("G19",), "two subscriptions of one customer", company.rows, (STRICT,), check)


def cheaper_plan() -> Case:
    company = Company()
    company.price("100", 100_00)
    company.price("70", 70_00)
    company.subscribe("s", "100", "2024-01-01")
    company.requantify("s", "70", "2024-01-01", "2024-02-01")

    def check(book: Book) -> None:
        assert book.movements()[1:] == [("2024-02-01", "contraction", usd("-30"))]
        assert book.moves[1].plan == usd("-30")
        assert book.period("2024-02").logo_churn_rate == 0

    return Case(("G33",), "$100 to $70 a month", company.rows, (STRICT,), check)


def coupon_counts_when_invoiced() -> Case:
    company = Company()
    company.price("plan", 100_00)
    company.price("addon", 100_00)
    company.subscription("s", "2024-01-01")
    company.item("plan", "s", "plan", "2024-01-01")
    company.item("addon", "s", "addon", "2024-01-01", quantity=3)
    company.discount("d", "s", "forever", "2024-01-20", percent_off="10")
    for month, off in ((1, 0), (2, 10)):
        period = {"period_start": f"2024-{month:02}-01", "period_end": f"2024-{month + 1:02}-01"}
        company.invoice(
            f"in{month}",
            "s",
            f"2024-{month:02}-01",
            [
                {
                    **period,
                    "subscription_item_id": item,
                    "price_id": item,
                    "quantity": quantity,
                    "amount": quantity * 100_00,
                    "discount_amount": quantity * off * 1_00,
                }
                for item, quantity in (("plan", 1), ("addon", 3))
            ],
        )

    def check(by_invoice: Book, by_subscription: Book) -> None:
        assert by_invoice.mrr("2024-01-10") == usd("400")
        assert by_invoice.mrr("2024-01-31") == usd("400")
        assert by_invoice.mrr("2024-02-01") == usd("360")
        assert by_subscription.mrr("2024-01-19") == usd("400")
        assert by_subscription.mrr("2024-01-20") == usd("360")

    return Case(("G35",), "a coupon added in mid-term", company.rows, (BY_INVOICE, STRICT), check)


def half_as_much_again() -> Case:
    company = Company()
    company.price("1000", 1000_00)
    company.subscribe("s", "1000", "2024-01-01", quantity=2)
    company.requantify("s", "1000", "2024-01-01", "2024-02-10", quantity=3)

    def check(book: Book) -> None:
        february = book.period("2024-02")
        assert february.sums["expansion"] / february.mrr_start == Fraction(1, 2)
        assert book.moves[1].quantity == usd("1000")

    return Case(("G36",), "2,000 to 3,000", company.rows, (STRICT,), check)


def growth_of_thirty_percent() -> Case:
    company = Company()
    company.price("p", 500_00)
    company.subscribe("grows", "p", "2024-01-01", quantity=6)
    company.requantify("grows", "p", "2024-01-01", "2024-02-10", quantity=12)
    company.subscribe("shrinks", "p", "2024-01-01", quantity=2)
    company.requantify("shrinks", "p", "2024-01-01", "2024-02-11", quantity=1)
    company.subscribe("leaves", "p", "2024-01-01", quantity=2)
    company.end("leaves", "2024-01-01", "2024-02-12")

    def check(book: Book) -> None:
        february = book.period("2024-02")
        assert february.mrr_start == usd("5,000")
        assert february.sums["expansion"] == usd("3,000")
        assert february.sums["contraction"] + february.sums["churn"] == usd("-1,500")
        assert book.net_new("2024-02") == usd("1,500")
        assert book.net_new("2024-02") / february.mrr_start == Fraction(3, 10)

    return Case(("G37",), "opening 5,000, net growth 1,500", company.rows, (STRICT,), check)


def quick_ratios() -> Case:
    company = Company()
    company.price("thousand", 1000_00)
    company.subscribe("base", "thousand", "2024-01-01", quantity=100)
    # Gains and losses of three months: 24k/4k, 30k/10k, 40k/20k.
    for month, gain, loss in ((3, 24, 4), (4, 30, 10), (5, 40, 20)):
        company.subscribe(f"leaves {month}", "thousand", "2024-02-01", quantity=loss)
        company.end(f"leaves {month}", "2024-02-01", f"2024-{month:02}-10")
        company.subscribe(f"comes {month}", "thousand", f"2024-{month:02}-11", quantity=gain)
    # G72: new 20k, expansion 8k, churn 5k, contraction 3k.
    company.subscribe("leaves 7", "thousand", "2024-02-01", quantity=5)
    company.end("leaves 7", "2024-02-01", "2024-07-10")
    company.subscribe("shrinks 7", "thousand", "2024-02-01", quantity=10)
    company.requantify("shrinks 7", "thousand", "2024-02-01", "2024-07-12", quantity=7)
    company.requantify("base", "thousand", "2024-01-01", "2024-07-11", quantity=108)
    company.subscribe("comes 7", "thousand", "2024-07-13", quantity=20)

    def check(book: Book) -> None:
        assert [book.quick_ratio(f"2024-0{month}") for month in (3, 4, 5)] == [6, 3, 2]
        assert [book.net_new(f"2024-0{month}") for month in (3, 4, 5)] == [usd("20,000")] * 3
        assert book.quick_ratio("2024-07") == Fraction("3.5")

    return Case(("G31", "G72"), "quick ratios", company.rows, (STRICT,), check)


def leaky_bucket() -> Case:
    company = Company()
    for name, amount in (("stays", 900_000_00), ("leaves", 100_000_00), ("comes", 300_000_00)):
        company.price(name, amount, "year")
    company.subscribe("stays", "stays", "2023-01-01")
    company.subscribe("leaves", "leaves", "2023-01-01")
    company.end("leaves", "2023-01-01", "2024-05-01")
    company.subscribe("comes", "comes", "2024-04-01")

    def check(book: Book) -> None:
        year = book.period("2024-01", 12)
        # MRR is in whole cents, so twelve times it may miss a printed ARR by a few cents.
        assert approximately(12 * year.mrr_start, "1000000", "0.12")
        assert 12 * year.sums["new"] == usd("300,000")
        assert approximately(12 * year.sums["churn"], "-100000", "0.12")
        assert 12 * year.mrr_end == usd("1,200,000")

    return Case(("G64",), "a leaky bucket of ARR", company.rows, (STRICT,), check)


CASES = (
    gold_and_silver(),
    bronze_to_gold(),
    seat_added_in_mid_period(),
    two_subscriptions_cancelled_one_by_one(),
    cheaper_plan(),
    coupon_counts_when_invoiced(),
    half_as_much_again(),
    growth_of_thirty_percent(),
    quick_ratios(),
    leaky_bucket(),
)
