"""Faults between rows: each fits its table, and together they do not fit. Worked out by hand.

One company has all of them, a customer for each (`related.py`); one dbt run builds it. MRR is under
the policy `board_strict`, in USD and in UTC's days; a euro is 1.5 dollars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.faults.related import APRIL, AS_OF, JANUARY, MARCH, the_company
from tests.support.built import Built
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import DBT_PROJECT_DIR, write_raw_tables

MARTS = (
    *("fct_mrr_movements", "fct_mrr_by_customer_month", "dim_customers", "rejected_rows"),
    *("fct_mrr_invoice_reconciliation", "fct_recognized_revenue_by_month", "fct_nps_by_month"),
    *("fct_cac_by_channel_month", "billing_findings"),
)
NEW = "new"


@dataclass(frozen=True)
class Marts(Built):
    """The company, built."""

    project: DbtProject

    def movements(self, customer: str) -> list[tuple[str, str, Decimal]]:
        """Day, type and MRR after it of a customer's movements, in order."""
        return self.query(
            "select cast(movement_date as varchar), movement_type, mrr_after"
            f" from revenue.fct_mrr_movements where customer_id = '{customer}'"
            " order by movement_date, movement_type"
        )


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Marts:
    folder = Path(tmp_path_factory.mktemp("related"))
    database = folder / DATABASE_NAME
    write_raw_tables(database, the_company().rows)
    project = DbtProject(folder / "dbt")
    project.build(database, [f"+{mart}" for mart in MARTS], {"as_of_date": AS_OF})
    return Marts(database, project)


def of(name: str) -> str:
    return f"customer of {name}"


#: By customer: days, types, and what its MRR is then.
MOVEMENTS: dict[str, list[tuple[str, str, str]]] = {
    of("ended twice"): [(JANUARY, NEW, "10"), ("2027-03-25", "churn", "0")],
    of("back before the end"): [(JANUARY, NEW, "10")],
    of("trial outlasts it"): [],
    of("trial backwards"): [(JANUARY, NEW, "10")],
    of("paused to its end"): [(JANUARY, NEW, "10"), (MARCH, "churn", "0")],
    of("pause backwards"): [(JANUARY, NEW, "10")],
    of("time goes back"): [
        (JANUARY, NEW, "10"),
        (MARCH, "expansion", "20"),
        (APRIL, "expansion", "30"),
    ],
    of("silent year"): [(JANUARY, NEW, "10"), ("2028-03-10", "expansion", "20")],
    # The current version says when service began.
    of("start moves"): [(APRIL, NEW, "10")],
    of("two of one price"): [(JANUARY, NEW, "20")],
    # An item belongs for all its life to the subscription that its current version names.
    of("item leaves"): [],
    of("item comes"): [(JANUARY, NEW, "10")],
    of("unknown price"): [],
    of("no amount"): [],
    of("negative quantity"): [],
    of("none quantity"): [],
    of("huge quantity"): [(JANUARY, NEW, "10000000000")],
    of("changes currency"): [(JANUARY, NEW, "10"), (MARCH, "expansion", "15")],
    of("price changes currency"): [(JANUARY, NEW, "10"), (MARCH, "expansion", "15")],
    of("item older"): [(MARCH, NEW, "10")],
    of("item younger"): [(MARCH, NEW, "10")],
    of("item deleted twice"): [(JANUARY, NEW, "10"), (MARCH, "churn", "0")],
    of("more than all off"): [],
    of("less than nothing off"): [(JANUARY, NEW, "10")],
    of("coupon backwards"): [(JANUARY, NEW, "10")],
    of("coupon of a day"): [(JANUARY, NEW, "10")],
    of("two coupons"): [(JANUARY, NEW, "3")],
    of("coupon of euro"): [(JANUARY, NEW, "10")],
    of("coupon above the price"): [],
    of("amount below nothing"): [(JANUARY, NEW, "10")],
    of("coupon of nothing"): [(JANUARY, NEW, "10")],
    of("coupon of months backwards"): [(JANUARY, NEW, "10")],
    of("nobody by the day"): [],
    of("nobody by the month"): [],
    of("nobody by the week"): [],
    of("nobody in euro"): [],
    of("most by the month"): [(JANUARY, NEW, "100000000000")],
    # 20 billion a week, 52/12 of them a month.
    of("most by the week"): [(JANUARY, NEW, "86666666666.67")],
    of("large coupon"): [(JANUARY, NEW, "50000000000")],
    of("large line"): [(JANUARY, NEW, "10")],
    "profile alone": [],
    "deleted": [],
    "always deleted": [(JANUARY, NEW, "10"), (MARCH, "churn", "0")],
}


@pytest.mark.fault("F25", "F38", "F54", "F56", "F58", "F59", "F61", "F67")
def test_each_customer_has_the_movements_that_its_rows_allow(marts: Marts) -> None:
    wrong = {}
    for customer, expected in MOVEMENTS.items():
        found = marts.movements(customer)
        if found != [(day, kind, Decimal(mrr)) for day, kind, mrr in expected]:
            wrong[customer] = found
    assert wrong == {}


REJECTED = {
    ("prices", "no amount", "no_amount"),
    ("subscription_items", "of no subscription", "unknown_subscription"),
    ("subscription_items", "unknown price", "unknown_price"),
    ("subscriptions", "after deletion", "deleted_customer"),
    ("subscription_items", "nobody by the day", "amount_too_large"),
    ("subscription_items", "nobody by the month", "amount_too_large"),
    ("subscription_items", "nobody by the week", "amount_too_large"),
    ("subscription_items", "nobody in euro", "amount_too_large"),
    ("invoice_line_items", "large line line 1", "amount_too_large"),
    ("invoice_line_items", "large line line 2", "amount_too_large"),
    ("invoice_line_items", "large line line 3", "amount_too_large"),
}


@pytest.mark.fault("F36", "F53", "F56")
def test_what_is_not_counted_is_listed_with_its_reason(marts: Marts) -> None:
    found = marts.query("select table_name, row_key, reason from quality.rejected_rows")
    assert sorted(found) == sorted(REJECTED)


#: By customer: what is billed, earned and recognised of March 2027, by the lines.
REVENUE = {
    of("total is off"): ("31", "31", "31"),
    of("credit alone"): ("-31", "-31", "-31"),
    of("line in euro"): ("46.50", "46.50", "46.50"),
    # Revenue is the invoice's customer's, whoever's subscription the line names.
    of("line of another"): ("31", "31", "31"),
    of("its owner"): None,
    of("period backwards"): ("31", "31", "31"),
    of("period of no time"): ("31", "31", "31"),
    of("period long before"): ("31", "0", "0"),
    of("period after the end"): ("31", "0", "0"),
    of("credited twice"): ("31", "31", "-31"),
    of("paid twice"): ("31", "31", "31"),
}


@pytest.mark.fault("F36", "F58")
def test_revenue_is_that_of_the_lines_in_their_currency_and_days(marts: Marts) -> None:
    found = {
        customer: amounts
        for customer, *amounts in marts.query(
            "select customer_id, billed, earned, recognized"
            " from revenue.fct_recognized_revenue_by_month where month = '2027-03-01'"
        )
    }
    for customer, expected in REVENUE.items():
        amounts = None if expected is None else [Decimal(amount) for amount in expected]
        assert found.get(customer) == amounts, customer


#: By customer: billed, credited, collected, refunded, conceded, outstanding at the end of March.
RECEIVABLES = {
    # The invoice says 50 and its lines 31: what is owed is what the invoice says.
    of("total is off"): "50 0 0 0 0 50",
    of("paid twice"): "31 0 62 0 0 -31",
    of("refund above payment"): "31 0 31 50 50 0",
    of("credited twice"): "31 62 0 0 0 -31",
    of("paid too little"): "31 0 1 0 0 30",
    of("pays for nothing known"): "0 0 31 0 0 -31",
}


@pytest.mark.fault("F36", "F58")
def test_money_that_does_not_fit_its_invoice_is_shown_as_owed(marts: Marts) -> None:
    found = {
        customer: amounts
        for customer, *amounts in marts.query(
            "select customer_id, billed, credited, collected, refunded, conceded, outstanding"
            " from revenue.fct_mrr_invoice_reconciliation where month = '2027-03-01'"
        )
    }
    for customer, expected in RECEIVABLES.items():
        assert found[customer] == [Decimal(amount) for amount in expected.split()], customer
    residuals = "select max(abs(residual)) from revenue.fct_mrr_invoice_reconciliation"
    assert marts.query(residuals) == [(Decimal(0),)]


#: By finding and row: the invoice, what it asks for (or a payment brought in), what was found.
FINDINGS = {
    ("total_is_not_its_lines", "total is off"): ("total is off", "50", "31"),
    ("total_is_not_its_lines", "tax left out"): ("tax left out", "31", "34"),
    ("total_is_not_its_lines", "without lines"): ("without lines", "31", "0"),
    ("paid_above_total", "paid twice"): ("paid twice", "31", "62"),
    ("credited_above_total", "credited twice"): ("credited twice", "31", "62"),
    ("refunded_above_payment", "refund above payment 0"): ("refund above payment", "31", "50"),
    ("refunded_above_payment", "failed"): ("failed", "0", "20"),
    ("paid_on_unsent_invoice", "paid though void"): ("paid though void", "0", "31"),
    ("paid_on_unsent_invoice", "paid on a draft"): ("paid on a draft", "0", "20"),
    ("line_in_other_currency", "line in euro line 1"): ("line in euro", None, "31"),
    ("money_in_other_currency", "paid in euro"): ("paid in euro", None, "20"),
}


@pytest.mark.fault("F36", "F58")
def test_money_that_does_not_fit_its_invoice_is_told_with_both_amounts(marts: Marts) -> None:
    found = {
        (finding, row_key): (invoice, expected, amount)
        for finding, row_key, invoice, expected, amount in marts.query(
            "select finding, row_key, invoice_id, expected_amount, found_amount"
            " from quality.billing_findings"
        )
    }
    assert found == {
        row: (invoice, None if expected is None else Decimal(expected), Decimal(amount))
        for row, (invoice, expected, amount) in FINDINGS.items()
    }
    (paid,) = marts.query(
        "select table_name, customer_id, currency, detail from quality.billing_findings"
        " where finding = 'paid_above_total'"
    )
    assert paid[:3] == ("invoices", of("paid twice"), "USD")
    assert "refund it" in paid[3]


@pytest.mark.fault("F54")
def test_a_currency_without_rates_is_named_once_with_all_its_days(marts: Marts) -> None:
    test = DBT_PROJECT_DIR / "tests" / "revenue" / "assert_no_invoice_lacks_a_rate.sql"
    sql = marts.project.compiled(test.read_text("utf-8"), {"as_of_date": AS_OF})
    # What is billed and what is paid, and the line.
    assert marts.query(sql) == [("CHF", date(2027, 3, 1), date(2027, 3, 5), 3)]


def test_a_circle_of_parents_is_one_unit_under_its_lowest_id(marts: Marts) -> None:
    """From each account one came to another one's neighbour, so all three had another name."""
    found = dict(
        marts.query("select customer_id, parent_unit_id from intermediate.int_customer_parents")
    )
    ring = ("ring a", "ring b", "ring c", "into the ring")
    assert [found[customer] for customer in ring] == ["ring a"] * 4
    assert found["itself"] == "itself"
    # Whose parent nobody knows is a root.
    assert found["under nobody"] == "under nobody"
    assert (found["child"], found["twice mapped"]) == ("top", "twice mapped")


def test_answers_of_nobody_count_and_answers_outside_the_scale_do_not(marts: Marts) -> None:
    assert marts.query(
        "select month, responses, promoters, detractors from customer_success.fct_nps_by_month"
        " where segment_type = 'all' and responses > 0"
    ) == [(date(2027, 3, 1), 2, 1, 1)]


def test_credits_lower_spend_and_a_channel_without_leads_keeps_its_own(marts: Marts) -> None:
    found = marts.query(
        "select cast(month as varchar), channel, spend, reason"
        " from unit_economics.fct_cac_by_channel_month"
        " where loading = 'media' and not is_blended order by month, channel"
    )
    assert [row for row in found if row[2] is not None and row[2] != 0] == [
        ("2027-01-01", "no such channel", Decimal(7), "no_customers_won"),
        ("2027-01-01", "search", Decimal(70), "no_customers_won"),
        ("2027-07-01", "search", Decimal(-1), "net_credit"),
    ]


def test_every_customer_is_known_by_its_profile_alone(marts: Marts) -> None:
    found = marts.query(
        "select customer_id, account_id, segment, status, current_mrr from core.dim_customers"
        " where customer_id in ('profile alone', 'twice mapped') order by 1"
    )
    assert found == [
        ("profile alone", None, "unknown", "lead", Decimal(0)),
        # Of two accounts the lowest id speaks.
        ("twice mapped", "mapped 1", "smb", "paying", Decimal(10)),
    ]
