"""A company whose rows do not fit one another: each customer stands for one way of it.

The rows themselves can all be landed. Every price is 10 a month in USD unless it says otherwise;
what has to come of each is worked out by hand in `test_related.py`.
"""

from __future__ import annotations

from typing import Any

from tests.golden.company import Company

AS_OF = "2028-04-30"
JANUARY, MARCH, APRIL, MAY, JUNE = (
    *("2027-01-10", "2027-03-10", "2027-04-10", "2027-05-10", "2027-06-10"),
)


def the_company() -> Company:
    company = Company()
    company.price("ten", 10_00)
    company.price("euro", 10_00)
    company.rows["billing.prices"][-1]["currency"] = "EUR"
    for month in range(12, 30):
        day = f"{2026 + (month - 1) // 12}-{(month - 1) % 12 + 1:02}"
        for part in ("01", "08", "15", "22", "28"):
            company.rows.setdefault("finance.fx_rates", []).append(
                {"rate_date": f"{day}-{part}", "currency": "eUr", "rate": "1.5"}
            )
    _subscriptions(company)
    _items(company)
    _discounts(company)
    _customers(company)
    _invoices(company)
    _accounts(company)
    return company


def _subscriptions(company: Company) -> None:
    # Ended twice: the later version corrects when service ended.
    company.subscribe("ended twice", "ten", JANUARY)
    company.end("ended twice", JANUARY, MARCH)
    company.subscription("ended twice", JANUARY, at=APRIL, status="canceled",
                         canceled_at=MARCH, ended_at="2027-03-25")  # fmt: skip
    # Asked to end in June, and back before that: it never ended.
    company.subscribe("back before the end", "ten", JANUARY)
    company.subscription("back before the end", JANUARY, at=MARCH, status="canceled",
                         canceled_at=MARCH, ended_at=JUNE)  # fmt: skip
    company.subscription("back before the end", JANUARY, at=APRIL)
    # Ended before it was asked for, and before it began by its own trial.
    company.subscription("trial outlasts it", JANUARY, trial_start=JANUARY, trial_end=JUNE,
                         status="trialing")  # fmt: skip
    company.item("trial outlasts it", "trial outlasts it", "ten", JANUARY)
    company.subscription("trial outlasts it", JANUARY, at=MARCH, status="canceled",
                         trial_start=JANUARY, trial_end=JUNE, ended_at=MARCH)  # fmt: skip
    company.subscription("trial backwards", JANUARY, trial_start=JUNE, trial_end=MARCH)
    company.item("trial backwards", "trial backwards", "ten", JANUARY)
    # Paused in March, ended in April while paused, to be resumed in May.
    company.subscribe("paused to its end", "ten", JANUARY)
    company.subscription("paused to its end", JANUARY, at=MARCH, collection_paused_at=MARCH,
                         collection_resumes_at=MAY)  # fmt: skip
    company.subscription("paused to its end", JANUARY, at=APRIL, status="canceled",
                         collection_paused_at=MARCH, collection_resumes_at=MAY,
                         ended_at=APRIL)  # fmt: skip
    company.subscribe("pause backwards", "ten", JANUARY)
    company.subscription("pause backwards", JANUARY, at=MARCH, collection_paused_at=APRIL,
                         collection_resumes_at=MARCH)  # fmt: skip
    # The later content has the earlier time: it is the older version.
    company.subscribe("time goes back", "ten", JANUARY)
    company.requantify("time goes back", "ten", JANUARY, APRIL, 3)
    company.requantify("time goes back", "ten", JANUARY, MARCH, 2)
    # Nothing is known of it for a year, and nothing happened.
    company.subscribe("silent year", "ten", JANUARY)
    company.requantify("silent year", "ten", JANUARY, "2028-03-10", 2)
    # It starts after it was first seen, and again, later still.
    company.subscribe("start moves", "ten", JANUARY)
    company.subscription("start moves", APRIL, at=MARCH)


def _items(company: Company) -> None:
    company.item("of no subscription", "no such subscription", "ten", JANUARY)
    company.subscribe("two of one price", "ten", JANUARY)
    company.item("two of one price again", "two of one price", "ten", JANUARY)
    # An item that first names one customer's subscription and then another's.
    company.subscription("item leaves", JANUARY)
    company.subscription("item comes", JANUARY)
    company.item("wanderer", "item leaves", "ten", JANUARY)
    company.item("wanderer", "item comes", "ten", MARCH, created=JANUARY)
    company.subscribe("unknown price", "no such price", JANUARY)
    company.price("no amount", 0)
    company.rows["billing.prices"][-1]["unit_amount"] = None
    company.subscribe("no amount", "no amount", JANUARY)
    for name, quantity in (("negative", -3), ("none", 0), ("huge", 10**9)):
        company.subscribe(f"{name} quantity", "ten", JANUARY, quantity)
    company.subscribe("changes currency", "ten", JANUARY)
    company.requantify("changes currency", "euro", JANUARY, MARCH)
    # One price that is in dollars first and in euro later.
    company.price("of two currencies", 10_00)
    company.add("prices", id="of two currencies", product_id="product", currency="Eur",
                unit_amount=10_00, type="recurring", interval="month", interval_count=1,
                created="2010-01-01", updated_at=MARCH)  # fmt: skip
    company.subscribe("price changes currency", "of two currencies", JANUARY)
    # Numbers that nobody charges, and the largest that are taken.
    for name, interval, amount, quantity in (
        ("nobody by the day", "day", 10**15, 10**9),
        ("nobody by the month", "month", 10**13 + 1, 1),
        ("nobody by the week", "week", 2 * 10**12 + 1, 1),
        ("most by the month", "month", 10**13, 1),
        ("most by the week", "week", 2 * 10**12, 1),
    ):
        company.price(name, amount, interval)
        company.subscribe(name, name, JANUARY, quantity)
    # 10^11 dollars is what counts, and a euro is 1.5 of them.
    company.price("nobody in euro", 10**13 * 2 // 3 + 100)
    company.rows["billing.prices"][-1]["currency"] = "EUR"
    company.subscribe("nobody in euro", "nobody in euro", JANUARY)
    # A coupon of 10 billion on two items of 30 billion each.
    company.price("thirty billion", 30 * 10**11)
    company.subscribe("large coupon", "thirty billion", JANUARY)
    company.item("large coupon again", "large coupon", "thirty billion", JANUARY)
    company.discount("ten billion off", "large coupon", "forever", JANUARY,
                     amount_off=10**12, currency="USD")  # fmt: skip
    # Older than its subscription, and younger.
    company.subscription("item older", MARCH)
    company.item("item older", "item older", "ten", JANUARY)
    company.subscription("item younger", JANUARY)
    company.item("item younger", "item younger", "ten", MARCH)
    company.subscribe("item deleted twice", "ten", JANUARY)
    for day in (MARCH, APRIL):
        company.item("item deleted twice", "item deleted twice", "ten", day, created=JANUARY,
                     deleted=True)  # fmt: skip


def _discounts(company: Company) -> None:
    given: dict[str, list[dict[str, Any]]] = {
        "more than all off": [{"percent_off": 150}],
        "less than nothing off": [{"percent_off": -20}],
        "coupon backwards": [{"percent_off": 50, "end_at": "2026-12-10"}],
        "coupon of a day": [{"percent_off": 50, "end_at": JANUARY}],
        # 10 less a half is 5, less 2 is 3.
        "two coupons": [{"percent_off": 50}, {"amount_off": 2_00, "currency": "USD"}],
        "coupon of euro": [{"amount_off": 2_00, "currency": "EUR"}],
        "coupon above the price": [{"amount_off": 99_00, "currency": "usd"}],
        "amount below nothing": [{"amount_off": -5_00, "currency": "USD"}],
        "coupon of nothing": [{}],
    }
    for name, discounts in given.items():
        company.subscribe(name, "ten", JANUARY)
        for number, columns in enumerate(discounts):
            company.discount(f"{name} {number}", name, "forever", JANUARY, **columns)
    company.subscribe("coupon of months backwards", "ten", JANUARY)
    company.discount("of months", "coupon of months backwards", "repeating", JANUARY,
                     percent_off=50, duration_in_months=-3)  # fmt: skip
    company.discount("of nobody", "no such subscription", "forever", JANUARY, percent_off=50)


def _customers(company: Company) -> None:
    company.add("customers", id="profile alone", created=JANUARY, updated_at=JANUARY)
    # Deleted, and subscribed to afterwards, without a word that it is back.
    company.subscription("before deletion", JANUARY, customer="deleted")
    company.add("customers", id="deleted", created=JANUARY, deleted=True, updated_at=MARCH)
    company.subscribe("after deletion", "ten", MAY, customer="deleted")
    # Only ever known as deleted.
    company.add("customers", id="always deleted", created=JANUARY, deleted=True,
                updated_at=MARCH)  # fmt: skip
    company.add("subscriptions", id="of always deleted", customer_id="always deleted",
                status="active", start_date=JANUARY, created=JANUARY,
                updated_at=JANUARY)  # fmt: skip
    company.item("of always deleted", "of always deleted", "ten", JANUARY)


def _invoices(company: Company) -> None:
    """Lines of March 2027, 31 days; revenue is earned by days."""
    march = {"period_start": "2027-03-01", "period_end": "2027-04-01", "price_id": "ten"}
    whole: dict[str, Any] = {"amount": 31_00, **march}
    # A total that is not the sum of its lines, and lines that are on no known invoice.
    company.subscribe("total is off", "ten", JANUARY)
    company.invoice("total is off", "total is off", "2027-03-01", [whole])
    company.rows["billing.invoices"][-1]["total"] = 50_00
    # Before the service, after it, backwards, and in no time.
    periods = {
        "period long before": ("2025-03-01", "2025-04-01"),
        "period after the end": ("2027-07-01", "2027-08-01"),
        "period backwards": ("2027-04-01", "2027-03-01"),
        "period of no time": ("2027-03-01", "2027-03-01"),
    }
    for name, (start, end) in periods.items():
        company.subscribe(name, "ten", JANUARY)
        company.end(name, JANUARY, MAY)
        company.invoice(name, name, "2027-03-01",
                        [{**whole, "period_start": start, "period_end": end}])  # fmt: skip
    company.subscribe("credit alone", "ten", JANUARY)
    company.invoice("credit alone", "credit alone", "2027-03-01", [{**whole, "amount": -31_00}])
    company.subscribe("large line", "ten", JANUARY)
    company.invoice("large line", "large line", "2027-03-01", [
        {**whole, "amount": 10**13 + 1},
        {**whole, "amount": 10**12, "proration": True},
        {**whole, "amount": -(10**12), "price_id": "unknown price"},
    ])  # fmt: skip
    company.subscribe("line of another", "ten", JANUARY)
    company.subscribe("its owner", "ten", JANUARY)
    company.invoice("line of another", "line of another", "2027-03-01",
                    [{**whole, "subscription_id": "its owner"}])  # fmt: skip
    # 31 euro on an invoice in dollars: 46.50.
    company.subscribe("line in euro", "ten", JANUARY)
    company.invoice("line in euro", "line in euro", "2027-03-01", [{**whole, "currency": "EUR"}])
    for name, payments, refunds, notes in (
        ("paid twice", (31_00, 31_00), (), ()),
        ("refund above payment", (31_00,), (50_00,), ()),
        ("credited twice", (), (), (31_00, 31_00)),
        ("paid too little", (1_00,), (), ()),
    ):
        company.subscribe(name, "ten", JANUARY)
        company.invoice(name, name, "2027-03-01", [whole], status="open" if notes else "paid")
        for number, amount in enumerate(payments):
            company.add("payments", id=f"{name} {number}", invoice_id=name,
                        customer_id=f"customer of {name}", amount=amount, currency="USD",
                        status="succeeded", created="2027-03-02",
                        updated_at="2027-03-02")  # fmt: skip
        for number, amount in enumerate(refunds):
            company.add("refunds", id=f"{name} {number}", payment_id=f"{name} 0", amount=amount,
                        currency="USD", created="2027-03-03", updated_at="2027-03-03")  # fmt: skip
        for number, amount in enumerate(notes):
            company.add("credit_notes", id=f"{name} {number}", invoice_id=name,
                        customer_id=f"customer of {name}", amount=amount, currency="USD",
                        created="2027-03-03", updated_at="2027-03-03")  # fmt: skip
    # What no line says of tax and discount the invoice does; what lines say, lines do.
    for name, total, header, line in (
        ("header says", 33_00, {"tax": 3_00, "discount_amount": 1_00}, {}),
        ("lines say", 33_00, {"tax": 3_00}, {"tax_amount": 3_00, "discount_amount": 1_00}),
        ("tax left out", 31_00, {"tax": 3_00}, {}),
    ):
        company.subscribe(name, "ten", JANUARY)
        company.invoice(name, name, "2027-03-01", [{**whole, **line}])
        company.rows["billing.invoices"][-1].update(total=total, **header)
    company.subscribe("without lines", "ten", JANUARY)
    company.invoice("without lines", "without lines", "2027-03-01", [])
    company.rows["billing.invoices"][-1]["total"] = 31_00
    # Paid in euro; and given back what never came in.
    for name, currency, status in (
        ("paid in euro", "EUR", "succeeded"),
        ("failed", "USD", "failed"),
    ):
        company.subscribe(name, "ten", JANUARY)
        company.invoice(name, name, "2027-03-01", [whole], status="open")
        company.add("payments", id=name, invoice_id=name, customer_id=f"customer of {name}",
                    amount=20_00, currency=currency, status=status, created="2027-03-02",
                    updated_at="2027-03-02")  # fmt: skip
    company.add("refunds", id="of failed", payment_id="failed", amount=20_00, currency="USD",
                created="2027-03-03", updated_at="2027-03-03")  # fmt: skip
    # Paid though nothing is asked for: wholly, in part given back, and all given back.
    for name, status, given_back in (
        ("paid though void", "void", 0),
        ("paid on a draft", "draft", 11_00),
        ("void and given back", "void", 31_00),
    ):
        company.subscribe(name, "ten", JANUARY)
        company.invoice(name, name, "2027-03-01", [whole], status=status)
        company.add("payments", id=name, invoice_id=name, customer_id=f"customer of {name}",
                    amount=31_00, currency="USD", status="succeeded", created="2027-03-02",
                    updated_at="2027-03-02")  # fmt: skip
        company.add("refunds", id=f"of {name}", payment_id=name, amount=given_back, currency="USD",
                    created="2027-03-03", updated_at="2027-03-03")  # fmt: skip
    # In francs, of which there are no rates: the invoice, its line and its payment.
    company.subscribe("no rate", "ten", JANUARY)
    company.invoice("no rate", "no rate", "2027-03-01", [{**whole, "currency": "CHF"}])
    company.rows["billing.invoices"][-1]["currency"] = "CHF"
    company.add("payments", id="no rate", invoice_id="no rate", customer_id="customer of no rate",
                amount=31_00, currency="CHF", status="succeeded", created="2027-03-05",
                updated_at="2027-03-05")  # fmt: skip
    # Paid twice and given back once: it fits again.
    company.subscribe("paid back", "ten", JANUARY)
    company.invoice("paid back", "paid back", "2027-03-01", [whole])
    for number in (1, 2):
        company.add("payments", id=f"paid back {number}", invoice_id="paid back", amount=31_00,
                    customer_id="customer of paid back", currency="USD", status="succeeded",
                    created="2027-03-02", updated_at="2027-03-02")  # fmt: skip
    company.add("refunds", id="paid back", payment_id="paid back 2", amount=31_00, currency="USD",
                created="2027-03-03", updated_at="2027-03-03")  # fmt: skip
    company.subscribe("pays for nothing known", "ten", JANUARY)
    company.add("payments", id="for nothing known", invoice_id="no such invoice",
                customer_id="customer of pays for nothing known", amount=31_00, currency="USD",
                status="succeeded", created="2027-03-02", updated_at="2027-03-02")  # fmt: skip


def _accounts(company: Company) -> None:
    """Parents that are none, answers of nobody, and events out of their time."""
    rows = company.rows
    parents = {
        "ring c": "ring a", "ring a": "ring b", "ring b": "ring c", "into the ring": "ring b",
        "itself": "itself", "under nobody": "no such account", "child": "top", "top": None,
    }  # fmt: skip
    for account, parent in parents.items():
        company.subscribe(f"of {account}", "ten", JANUARY, customer=account)
        rows.setdefault("crm.accounts", []).append(
            {"id": account, "billing_customer_id": account, "parent_account_id": parent,
             "updated_at": JANUARY}
        )  # fmt: skip
    company.subscribe("of twice mapped", "ten", JANUARY, customer="twice mapped")
    for account, segment in (("mapped 1", "smb"), ("mapped 2", "enterprise")):
        rows["crm.accounts"].append(
            {"id": account, "billing_customer_id": "twice mapped", "segment": segment,
             "updated_at": JANUARY}
        )  # fmt: skip
    answers = {
        "of nobody": ("no such account", 9, "2027-03-02"),
        "of somebody": ("itself", 3, "2027-03-02"),
        "eleven": ("itself", 11, "2027-03-02"),
        "below nothing": ("itself", -1, "2027-03-02"),
        "of the future": ("itself", 9, "2028-05-02"),
    }
    for answer, (account, score, day) in answers.items():
        rows.setdefault("survey.nps_responses", []).append(
            {"id": answer, "account_id": account, "user_id": answer, "score": score,
             "responded_at": day}
        )  # fmt: skip
    for number, (channel, amount, day) in enumerate((
        ("search", 100_00, "2027-01-05"),
        ("search", -30_00, "2027-01-20"),
        ("no such channel", 7_00, "2027-01-05"),
        ("search", -1_00, "2027-07-05"),
        ("search", 900_00, "2028-05-05"),
    )):  # fmt: skip
        rows.setdefault("marketing.spend", []).append(
            {"id": f"spend {number}", "spend_date": day, "channel": channel, "category": "media",
             "amount": amount, "currency": "USD", "updated_at": day}
        )  # fmt: skip
