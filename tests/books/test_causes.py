"""What changed a closed month, told apart; and the month as it was known earlier.

Six customers at 100 a month, April closed on the evening of 30 April:

- `late`: 50 more from 10 April, landed in May;
- `corrected`: asked on 2 May to be ended as of 29 April;
- `rate`: bills in EUR; the rate of 30 April (1.10) lands in May, till then that of 27 April (1.00);
- `zone`: begins on 1 May 02:00 UTC, which is 30 April in New York;
- `code`: bills in GBP at a rate of 25 April, which other code takes for too old;
- `same`: renewed in May, as everybody.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.books.periods import closes
from orchestration.control import Control
from tests.books.ledger import Ledger, Rows, asked
from tests.support.dbt_runner import DbtProject

APRIL = date(2026, 4, 1)
CUSTOMERS = {"late": "USD", "corrected": "USD", "rate": "EUR", "zone": "USD", "code": "GBP"}
CUSTOMERS["same"] = "USD"


def company() -> Rows:
    january = datetime(2026, 1, 5)
    rows: Rows = {"finance.fx_rates": []}
    rows["finance.fx_rates"] += [
        {"rate_date": date(2026, 3, 31), "currency": "EUR", "rate": "1.00"},
        {"rate_date": date(2026, 4, 27), "currency": "EUR", "rate": "1.00"},
        {"rate_date": date(2026, 3, 31), "currency": "GBP", "rate": "1.25"},
        {"rate_date": date(2026, 4, 25), "currency": "GBP", "rate": "1.25"},
    ]
    for customer, currency in CUSTOMERS.items():
        start = datetime(2026, 5, 1, 2) if customer == "zone" else january
        seen = datetime(2026, 4, 1) if customer == "zone" else january
        rows.setdefault("billing.customers", []).append(
            {"id": customer, "created": january, "updated_at": january}
        )
        rows.setdefault("billing.prices", []).append(
            {
                "id": f"price_{customer}",
                "product_id": "p",
                "currency": currency,
                "unit_amount": 10000 if customer != "late" else 5000,
                "billing_scheme": "per_unit",
                "type": "recurring",
                "interval": "month",
                "interval_count": 1,
                "created": january,
                "updated_at": january,
            }
        )
        rows.setdefault("billing.subscriptions", []).append(
            subscription(customer, start, seen, current_period_end=datetime(2026, 5, 5))
        )
        rows.setdefault("billing.subscription_items", []).append(item(customer, 2, seen))
    return rows


def subscription(
    customer: str, start: datetime, updated_at: datetime, **more: Any
) -> dict[str, Any]:
    return {
        "id": f"sub_{customer}",
        "customer_id": customer,
        "status": "active",
        "start_date": start,
        "created": min(start, updated_at),
        "updated_at": updated_at,
        **more,
    }


def item(customer: str, quantity: int, updated_at: datetime) -> dict[str, Any]:
    return {
        "id": f"si_{customer}",
        "subscription_id": f"sub_{customer}",
        "price_id": f"price_{customer}",
        "quantity": quantity if customer == "late" else 1,
        "created": datetime(2026, 1, 5),
        "updated_at": updated_at,
    }


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory, dbt_project: DbtProject) -> Ledger:
    ledger = Ledger(
        Path(tmp_path_factory.mktemp("ledger")),
        dbt_project,
        datetime(2026, 4, 30, 10),
        HOLDFAST_AS_OF="2026-04-30",
        HOLDFAST_THREADS="2",
    )
    ledger.land(company())
    ledger.release(close=[APRIL])
    ledger.as_of(date(2026, 5, 3))
    january = datetime(2026, 1, 5)
    second = datetime(2026, 5, 2, 9)
    ended = {"status": "canceled", "canceled_at": second, "ended_at": datetime(2026, 4, 29, 12)}
    ledger.land(
        {
            "billing.subscriptions": [
                subscription("corrected", january, second, **ended),
                subscription("same", january, second, current_period_end=datetime(2026, 6, 5)),
            ],
            "billing.subscription_items": [item("late", 3, datetime(2026, 4, 10))],
            "finance.fx_rates": [
                {"rate_date": date(2026, 4, 30), "currency": "EUR", "rate": "1.10"}
            ],
        }
    )
    ledger.release()
    ledger.code = "code 2"
    ledger.release(variables={"fx_max_age_days": 4})
    ledger.settings = replace(ledger.settings, reporting_timezone="America/New_York")
    ledger.release(variables={"fx_max_age_days": 4})
    return ledger


def closing(release: Path) -> dict[str, Decimal]:
    return dict(
        asked(
            release,
            "select customer_id, closing_mrr from revenue.fct_mrr_by_customer_month"
            " where month = ? and closing_mrr > 0",
            APRIL,
        )
    )


@pytest.mark.fault("F55", "F64")
def test_april_is_closed_at_what_was_known_then(ledger: Ledger) -> None:
    expected = {"late": 100, "corrected": 100, "rate": 100, "code": 125, "same": 100}
    assert closing(ledger.folder / "1.duckdb") == expected
    for release in range(1, 5):
        rows = asked(
            ledger.folder / f"{release}.duckdb",
            "select customer_id, closing_mrr, closed_by, release_n, is_in_force"
            " from revenue.fct_mrr_closed_periods where month = ? order by 1",
            APRIL,
        )
        assert rows == [(key, value, "ada", 1, True) for key, value in sorted(expected.items())]


@pytest.mark.fault("F34", "F55", "F64")
def test_each_restatement_names_its_cause_and_its_rows(ledger: Ledger) -> None:
    rows = asked(
        ledger.folder / "4.duckdb",
        "select customer_id, release_n, cause, closed_mrr, current_mrr, difference, source_ids"
        " from revenue.fct_mrr_restatements order by release_n, customer_id",
    )
    end = "billing.subscriptions/sub_corrected"
    more = "billing.subscription_items/si_late"
    rate = "finance.fx_rates/EUR/2026-04-30"
    assert rows == [
        ("corrected", 2, "corrected_row", 100, 0, -100, [end]),
        ("late", 2, "late_row", 100, 150, 50, [more]),
        ("rate", 2, "rate_change", 100, 110, 10, [rate]),
        ("code", 3, "code_change", 125, 0, -125, []),
        ("zone", 4, "definition_change", 0, 100, 100, []),
    ]


def test_the_audit_trail_and_the_control_database_have_them_too(ledger: Ledger) -> None:
    kept = ledger.control.connection.execute(
        "select release_n, customer_id, closing_mrr, cause from restatements"
        " order by release_n, customer_id"
    ).fetchall()
    assert [tuple(row) for row in kept][:2] == [
        (2, "corrected", -10000, "corrected_row"),
        (2, "late", 5000, "late_row"),
    ]
    what = [entry.what for entry in ledger.control.audit_trail()]
    assert what == ["month closed", *["closed months restated"] * 3]


def test_a_back_dated_end_is_not_known_before_it_was_told(ledger: Ledger) -> None:
    """Cancelled on 2 May with the end back-dated to 29 April (issue 8.5)."""
    assert "corrected" not in closing(ledger.folder / "2.duckdb")
    now = ledger.settings
    try:
        ledger.settings = replace(
            now,
            known_at=datetime(2026, 4, 30, 23, 59),
            as_of=date(2026, 4, 30),
            reporting_timezone="UTC",
        )
        back = ledger.build("look-back", None, ["+fct_mrr_restatements"])
        assert closing(back) == closing(ledger.folder / "1.duckdb")
        # Nothing was closed by then: the release came on the next day.
        assert closes(ledger.control, ledger.settings.known_at) == []
        assert asked(back, "select count(*) from revenue.fct_mrr_restatements") == [(0,)]
    finally:
        ledger.settings = now


def test_the_books_are_found_again(ledger: Ledger) -> None:
    with Control(ledger.settings.control_database) as again:
        (close,) = closes(again)
    assert (close.close_id, close.closed_by, close.row_count) == ("2026-04.1", "ada", 5)
