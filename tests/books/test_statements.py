"""Revenue, receivables, reconciliation, leakage and scheduled MRR, worked out by hand."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import PROJECT_DIR
from tests.books.ledger import Ledger, asked
from tests.books.statements_company import AS_OF, company
from tests.support.dbt_runner import DbtProject

MARTS = (
    "+fct_mrr_invoice_reconciliation",
    "+fct_revenue_leakage",
    "+fct_recognized_revenue_by_month",
    "+fct_scheduled_mrr_by_month",
    "+fct_mrr_by_month",
    "+fct_mrr_by_customer_month",
    "assert_receivables_leave_no_residual",
    "assert_receivables_are_all_there",
    "assert_deferred_revenue_rolls_forward",
    "assert_revenue_is_earned_once_and_in_full",
    "assert_no_invoice_lacks_a_rate",
    "assert_reconciled_mrr_is_published_mrr",
    "assert_scheduled_mrr_starts_from_today",
)
EXAMPLES = PROJECT_DIR.parent / "shared" / "design" / "golden" / "vendor_examples.json"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, dbt_project: DbtProject) -> Path:
    ledger = Ledger(
        Path(tmp_path_factory.mktemp("statements")),
        dbt_project,
        datetime(2026, 3, 31, 22),
        HOLDFAST_AS_OF=AS_OF.isoformat(),
        HOLDFAST_THREADS="2",
    )
    ledger.land(company())
    return ledger.build("statements", None, MARTS, {"fx_max_age_days": 90})


def by_month(
    built: Path, mart: str, customer: str, *columns: str
) -> dict[int, tuple[Decimal | str, ...]]:
    """The columns by number of the month."""
    rows = asked(
        built,
        f"select month, {', '.join(columns)} from revenue.{mart} where customer_id = ? order by 1",
        customer,
    )
    return {row[0].month: row[1:] for row in rows}


def money(*values: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for value in values)


def example(identity: str) -> str:
    if not EXAMPLES.exists():
        pytest.skip("the printed examples of vendors are not here")
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))["examples"]
    return str(next(one["expected"] for one in examples if one["id"] == identity))


def test_the_complete_printed_case_ties_out(built: Path) -> None:
    """G59: 1,200 a year + usage 50 + commitment 50 − credit 30, tax 20 %, paid on 20 January."""
    expected = example("G59")
    revenue = by_month(
        built,
        "fct_recognized_revenue_by_month",
        "lago",
        "recognized",
        "deferred_closing",
        "unbilled_closing",
        "tax_billed",
        "earned",
        "credited",
    )
    assert revenue[1] == money("171.92", "1098.08", "50", "240", "201.92", "30")
    cash = by_month(
        built, "fct_mrr_invoice_reconciliation", "lago", "collected", "subscription_mrr"
    )
    assert cash[1] == money("1440", "100")
    for figure in ("171.92", "1,098.08", "unbilled 50", "tax liability 240", "1,440", "MRR 100"):
        assert figure in expected


@pytest.mark.fault("I07")
def test_a_year_is_earned_by_days(built: Path) -> None:
    """G60: January 101.92, February 92.05, March 101.92."""
    assert "Jan 101.92, Feb 92.05, Mar 101.92; sum 1,200" in example("G60")
    revenue = by_month(
        built, "fct_recognized_revenue_by_month", "lago", "earned", "deferred_closing"
    )
    # January has usage and true-up besides.
    assert revenue[1] == money("201.92", "1098.08")
    assert revenue[2] == money("92.05", "1006.03")
    assert revenue[3] == money("101.92", "904.11")


@pytest.mark.parametrize(("customer", "revenue"), [("commit_300", "500"), ("commit_600", "600")])
def test_a_minimum_commitment_is_revenue_of_its_month(
    built: Path, customer: str, revenue: str
) -> None:
    """G62: 300 used of 500 and a true-up of 200; 600 used and none."""
    assert "revenue 500 / 600" in example("G62")
    rows = by_month(
        built, "fct_recognized_revenue_by_month", customer, "recognized", "unbilled_closing"
    )
    used = "300" if customer == "commit_300" else "600"
    assert rows[1] == money(revenue, used)
    assert rows[2] == money("0", "0")


@pytest.mark.fault("I07")
def test_usage_is_unbilled_until_its_invoice(built: Path) -> None:
    rows = by_month(
        built,
        "fct_recognized_revenue_by_month",
        "commit_600",
        "billed",
        "earned",
        "unbilled_opening",
        "unbilled_closing",
    )
    assert rows == {1: money("0", "600", "0", "600"), 2: money("600", "0", "600", "0")}


FLOWS = ("billed", "credited", "collected", "refunded", "conceded", "written_off", "outstanding")


@pytest.mark.parametrize(
    ("customer", "months"),
    [
        # Given back without a credit note: conceded, not owed anew.
        (
            "refunded",
            {1: ("100", "0", "100", "0", "0", "0", "0"), 2: ("0", "0", "0", "40", "40", "0", "0")},
        ),
        # Given back for a credit note: nothing to concede.
        (
            "credited",
            {1: ("100", "0", "100", "0", "0", "0", "0"), 2: ("0", "30", "0", "30", "0", "0", "0")},
        ),
        # Paid twice: owed to the customer.
        (
            "double",
            {
                1: ("100", "0", "100", "0", "0", "0", "0"),
                2: ("0", "0", "100", "0", "0", "0", "-100"),
                3: ("0", "0", "0", "0", "0", "0", "-100"),
            },
        ),
        (
            "unpaid",
            {
                1: ("100", "0", "0", "0", "0", "0", "100"),
                2: ("0", "0", "0", "0", "0", "0", "100"),
                3: ("0", "0", "0", "0", "0", "0", "100"),
            },
        ),
        (
            "lost",
            {1: ("100", "0", "25", "0", "0", "0", "75"), 2: ("0", "0", "0", "0", "0", "75", "0")},
        ),
        # 100.01 EUR at the invoice's 1.0873 is 108.74; 50.01 left is 54.38; nothing stays behind.
        (
            "euro",
            {
                1: ("108.74", "0", "0", "0", "0", "0", "108.74"),
                2: ("0", "0", "54.36", "0", "0", "0", "54.38"),
                3: ("0", "0", "54.38", "0", "0", "0", "0"),
            },
        ),
        # Money that names no invoice.
        (
            "orphan",
            {2: ("0", "0", "25", "0", "0", "0", "-25"), 3: ("0", "0", "0", "0", "0", "0", "-25")},
        ),
        # The invoice says paid, no payment landed.
        (
            "by_word",
            {1: ("100", "0", "0", "0", "0", "0", "100"), 2: ("0", "0", "100", "0", "0", "0", "0")},
        ),
        ("void", {}),
    ],
)
def test_every_cent_billed_has_a_place(
    built: Path, customer: str, months: dict[int, tuple[str, ...]]
) -> None:
    found = by_month(built, "fct_mrr_invoice_reconciliation", customer, *FLOWS)
    # A month that only opens with something owed shows it leaving; there are none beyond the story.
    assert {month: row for month, row in found.items() if any(row)} == {
        month: money(*row) for month, row in months.items()
    }


@pytest.mark.fault("I07")
def test_nothing_is_left_over(built: Path) -> None:
    (row,) = asked(
        built,
        "select sum(abs(residual)), count(*) from revenue.fct_mrr_invoice_reconciliation",
    )
    assert row[0] == 0
    assert row[1] > 50


@pytest.mark.parametrize(
    ("customer", "subscription_mrr", "invoice_mrr", "reason"),
    [
        ("match", "100", "100", "matched"),
        ("not_invoiced", "100", "0", "not_invoiced"),
        ("cancelled_paid", "0", "100", "invoiced_without_subscription"),
        ("cancelled_open", "0", "100", "invoiced_without_subscription"),
        ("runs_out", "0", "100", "timing"),
        ("seats", "300", "200", "quantity_differs"),
        ("price", "120", "100", "price_differs"),
        ("discount", "80", "100", "discount_differs"),
        # 100 − 51.61 × 31/16 + 103.23 × 31/16 = 200.01: what rounding of prorations makes.
        ("upgrade", "200", "200.01", "matched"),
        ("pending", "200", "100", "timing"),
    ],
)
def test_each_difference_has_one_reason(
    built: Path, customer: str, subscription_mrr: str, invoice_mrr: str, reason: str
) -> None:
    found = by_month(
        built,
        "fct_mrr_invoice_reconciliation",
        customer,
        "subscription_mrr",
        "invoice_mrr",
        "reason",
    )
    assert found[3] == (*money(subscription_mrr, invoice_mrr), reason)


def test_usage_is_the_reason_where_there_is_no_other(built: Path) -> None:
    found = by_month(
        built, "fct_mrr_invoice_reconciliation", "lago", "invoice_mrr", "difference", "reason"
    )
    assert found[1] == (Decimal(150), Decimal(-50), "metered")
    assert found[3] == (Decimal(100), Decimal(0), "matched")


def test_planted_leakage_is_found_and_nothing_else(built: Path) -> None:
    rows = asked(
        built,
        "select customer_id, leakage_type, difference from revenue.fct_revenue_leakage"
        " where month = ? and customer_id not in ('ending', 'half', 'paused', 'trial')"
        " order by customer_id",
        date(2026, 3, 1),
    )
    assert rows == [
        ("cancelled_open", "invoiced_not_active", Decimal(-100)),
        ("cancelled_paid", "paid_and_cancelled", Decimal(-100)),
        ("not_invoiced", "active_not_invoiced", Decimal(100)),
        ("price", "price_differs", Decimal(20)),
        ("seats", "quantity_differs", Decimal(100)),
    ]


def test_what_is_committed_ahead(built: Path) -> None:
    """−100 from 20 April; +66.67 trial on 10 May, +100 pause on 1 May; in June +200 and +49.75."""
    rows: dict[date, tuple[Any, ...]] = {
        row[0]: row[1:]
        for row in asked(
            built,
            "select month, current_mrr, ending_mrr, trial_mrr, resuming_mrr, starting_mrr,"
            " discount_mrr, committed_mrr, ending_subscriptions, trial_subscriptions"
            " from revenue.fct_scheduled_mrr_by_month order by month",
        )
    }
    assert len(rows) == 12
    # lago, match, not_invoiced, ending 100 each; seats 300, price 120, discount 80; upgrade and
    # pending 200 each; half 50.25 until June.
    now = Decimal(400 + 300 + 120 + 80 + 400) + Decimal("50.25")
    trial, half = Decimal("66.67"), Decimal("49.75")
    assert rows[date(2026, 4, 1)] == (now, -100, 0, 0, 0, 0, now - 100, 1, 0)
    assert rows[date(2026, 5, 1)] == (now, -100, trial, 100, 0, 0, now + trial, 1, 1)
    june = (now, -100, trial, 100, 200, half, now + trial + 200 + half, 1, 1)
    assert rows[date(2026, 6, 1)] == june
    assert rows[date(2027, 3, 1)] == rows[date(2026, 6, 1)]
