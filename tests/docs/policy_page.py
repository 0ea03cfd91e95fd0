"""Makes `docs/policies.md`: one customer under five policies, from what the models say.

Run `python -m tests.docs.policy_page` to write the page anew.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import PROJECT_DIR, write_raw_tables

PAGE = PROJECT_DIR / "docs" / "policies.md"
POLICIES = ("board_strict", "stripe_legacy", "chartmogul_2025", "profitwell_2023", "maxio_2023")
MARTS = ("fct_mrr_movements", "fct_mrr_by_customer_month", "fct_mrr_policy_bridge")


def customer_rows() -> dict[str, list[dict[str, Any]]]:
    """Joins on 10 January at 100 a month with half off once; asks on 20 February to cancel at
    the end of the paid period, 10 March; is back on 15 May."""
    joined = datetime(2026, 1, 10, 9)
    asked = datetime(2026, 2, 20, 9)
    ended = datetime(2026, 3, 10, 9)
    back = datetime(2026, 5, 15, 9)
    renewed = datetime(2026, 2, 10, 9)
    first = {
        "id": "sub_1",
        "customer_id": "cus_1",
        "status": "active",
        "start_date": joined,
        "created": joined,
        "updated_at": joined,
    }
    second = {
        "id": "sub_2",
        "customer_id": "cus_1",
        "status": "active",
        "start_date": back,
        "created": back,
        "updated_at": back,
    }

    def item(number: int, at: datetime) -> dict[str, Any]:
        return {
            "id": f"si_{number}",
            "subscription_id": f"sub_{number}",
            "price_id": "price_1",
            "quantity": 1,
            "created": at,
            "updated_at": at,
        }

    def invoice(number: int, subscription: int, at: datetime) -> dict[str, Any]:
        return {
            "id": f"in_{number}",
            "customer_id": "cus_1",
            "subscription_id": f"sub_{subscription}",
            "status": "paid",
            "currency": "usd",
            "total": 10000,
            "created": at,
            "updated_at": at,
        }

    def line(number: int, subscription: int, begin: datetime, end: datetime, off: int) -> Any:
        return {
            "id": f"il_{number}",
            "invoice_id": f"in_{number}",
            "subscription_id": f"sub_{subscription}",
            "subscription_item_id": f"si_{subscription}",
            "price_id": "price_1",
            "type": "subscription",
            "amount": 10000,
            "discount_amount": off,
            "currency": "usd",
            "quantity": 1,
            "proration": False,
            "period_start": begin,
            "period_end": end,
            "updated_at": begin,
        }

    return {
        "billing.customers": [
            {"id": "cus_1", "name": "Aida GmbH", "created": joined, "updated_at": joined}
        ],
        "billing.products": [{"id": "prod_1", "name": "Team", "updated_at": joined}],
        "billing.prices": [
            {
                "id": "price_1",
                "product_id": "prod_1",
                "currency": "usd",
                "unit_amount": 10000,
                "type": "recurring",
                "interval": "month",
                "interval_count": 1,
                "usage_type": "licensed",
                "updated_at": joined,
            }
        ],
        "billing.subscriptions": [
            first,
            {**first, "canceled_at": asked, "cancel_at_period_end": True, "updated_at": asked},
            {
                **first,
                "status": "canceled",
                "canceled_at": asked,
                "ended_at": ended,
                "cancellation_reason": "cancellation_requested",
                "updated_at": ended,
            },
            second,
        ],
        "billing.subscription_items": [item(1, joined), item(2, back)],
        "billing.discounts": [
            {
                "id": "di_1",
                "subscription_id": "sub_1",
                "percent_off": 50,
                "duration": "once",
                "start_at": joined,
                "updated_at": joined,
            }
        ],
        "billing.invoices": [invoice(1, 1, joined), invoice(2, 1, renewed), invoice(3, 2, back)],
        "billing.invoice_line_items": [
            line(1, 1, joined, renewed, 5000),
            line(2, 1, renewed, ended, 0),
            line(3, 2, back, datetime(2026, 6, 15, 9), 0),
        ],
    }


def render(work_dir: Path) -> str:
    """The page's text, from one dbt run on the customer's rows."""
    database = work_dir / DATABASE_NAME
    write_raw_tables(database, customer_rows())
    DbtProject(work_dir / "dbt").build(
        database,
        [f"+{mart}" for mart in MARTS],
        {"as_of_date": "2026-05-31", "enabled_policies": list(POLICIES)},
    )
    with duckdb.connect(str(database), read_only=True) as connection:
        closings = _months(connection)
        movements = connection.execute(
            "select policy_id, movement_date, movement_type, mrr_before, mrr_after"
            " from revenue.fct_mrr_movements order by policy_id, movement_date"
        ).fetchall()
        ladder = connection.execute(
            "select to_policy_id, month, step_no, switch, difference"
            " from revenue.fct_mrr_policy_bridge order by to_policy_id, month, step_no"
        ).fetchall()
    return _TEMPLATE.format(
        closings=closings,
        movements=_table(
            ("policy", "day", "movement", "MRR before", "MRR after"),
            [
                (policy, f"{day}", kind, f"{before:.2f}", f"{after:.2f}")
                for policy, day, kind, before, after in movements
            ],
        ),
        ladder=_table(
            ("from board_strict to", "month", "step", "switch", "difference"),
            [
                (policy, f"{month:%Y-%m}", str(step), switch, f"{difference:+.2f}")
                for policy, month, step, switch, difference in ladder
            ],
        ),
    )


def _months(connection: duckdb.DuckDBPyConnection) -> str:
    months = [datetime(2026, number, 1).date() for number in range(1, 6)]
    closing = {
        (policy, month): mrr
        for policy, month, mrr in connection.execute(
            "select policy_id, month, closing_mrr from revenue.fct_mrr_by_customer_month"
        ).fetchall()
    }
    return _table(
        ("policy", *(f"{month:%b}" for month in months)),
        [
            (policy, *(f"{closing.get((policy, month), 0):.2f}" for month in months))
            for policy in POLICIES
        ],
    )


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


_TEMPLATE = """# One customer, five policies

Made from the models' output by `python -m tests.docs.policy_page`; a test keeps it true.

The facts: a customer joins on 10 January 2026 at 100 a month, with half off the first invoice.
On 20 February it asks to cancel; its paid period ends on 10 March. On 15 May it is back, at 100 a
month. Nobody disputes any of this, and still the vendors' dashboards show different MRR, because
they answer the questions of metrics.md, section 3 differently. Here each way of answering is a row
of `dbt_project/seeds/metric_policies.csv`.

## MRR at the end of each month

{closings}

## Every movement

{movements}

## The ladder

What each switch, changed one after another in the table's order, does to the month's MRR
(`fct_mrr_policy_bridge`): the steps between two policies sum to the whole difference, to the cent.

{ladder}

## Your own

Add a row to the seed, enable it beside the others
(`HOLDFAST_ENABLED_POLICIES=board_strict,mine`), and `make run`. A value that a switch does not know
stops the run before anything is built, with file, line, column and the values that it may have.
"""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(render(Path(folder)), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(PROJECT_DIR)}")
