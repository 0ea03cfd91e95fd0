"""A company of a test: its customers, leads and spend as raw rows, and the marts made from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import DBT_PROJECT_DIR, write_raw_tables

Rows = dict[str, list[dict[str, Any]]]

#: One cent a month: a subscription's quantity is its MRR in cents.
CENT_PRICE = "price_cent"


def at(day: date) -> datetime:
    """Noon of the day, UTC."""
    return datetime(day.year, day.month, day.day, 12)


@dataclass
class Company:
    """Raw rows that are added up; every customer pays in the given currency by the month."""

    rows: Rows = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.rows["billing.products"].append({"id": "prod", "name": "Plan"})
        self.rows["billing.prices"].append(
            {
                "id": CENT_PRICE,
                "product_id": "prod",
                "currency": "usd",
                "unit_amount": 1,
                "billing_scheme": "per_unit",
                "type": "recurring",
                "interval": "month",
                "interval_count": 1,
                "usage_type": "licensed",
            }
        )

    def customer(
        self,
        customer_id: str,
        channel: str | None,
        cents: Sequence[tuple[date, int]],
        ended: date | None = None,
        aware: date | None = None,
    ) -> None:
        """Add a customer.

        Args:
            customer_id: id of customer, account, subscription, item and lead alike.
            channel: channel of its lead; None: it has no lead.
            cents: MRR in cents from each day on; 0 where it pays nothing.
            ended: day on which the service ends.
            aware: day on which the lead became aware; the first paid day where not given.
        """
        start = cents[0][0]
        self.rows["billing.customers"].append(
            {"id": customer_id, "currency": "usd", "created": at(start)}
        )
        self.rows["billing.subscriptions"].append(
            {
                "id": customer_id,
                "customer_id": customer_id,
                "status": "canceled" if ended else "active",
                "start_date": at(start),
                "created": at(start),
                "ended_at": at(ended) if ended else None,
                "canceled_at": at(ended) if ended else None,
                "updated_at": at(ended or start),
            }
        )
        for day, quantity in cents:
            self.rows["billing.subscription_items"].append(
                {
                    "id": customer_id,
                    "subscription_id": customer_id,
                    "price_id": CENT_PRICE,
                    "quantity": quantity,
                    "created": at(start),
                    "updated_at": at(day),
                }
            )
        self.rows["crm.accounts"].append(
            {"id": customer_id, "billing_customer_id": customer_id, "updated_at": at(start)}
        )
        if channel is not None:
            self.lead(customer_id, channel, aware or start, account_id=customer_id, converted=start)

    def lead(self, lead_id: str, channel: str, aware: date, **fields: Any) -> None:
        """Add a lead; `fields` are columns, or days: `considered`, `tried`, `converted`, `lost`."""
        names = {
            "considered": "consideration_at",
            "tried": "trial_started_at",
            "converted": "converted_at",
            "lost": "lost_at",
        }
        row = {names.get(name, name): value for name, value in fields.items()}
        dates = {name: at(row[name]) for name in names.values() if row.get(name)}
        self.rows["crm.leads"].append(
            {"id": lead_id, "channel": channel, "awareness_at": at(aware), **row, **dates}
        )

    def spend(
        self, day: date, channel: str, category: str, amount: int, currency: str = "usd"
    ) -> None:
        """Add a booking of minor units."""
        number = len(self.rows["marketing.spend"])
        self.rows["marketing.spend"].append(
            {
                "id": f"spend_{number}",
                "spend_date": day,
                "channel": channel,
                "category": category,
                "amount": amount,
                "currency": currency,
                "updated_at": at(day),
            }
        )

    def cost_of_revenue(self, month: date, cents: int) -> None:
        """Add a month's cost."""
        self.rows["finance.cost_of_revenue"].append(
            {"month": month, "amount": cents, "currency": "usd"}
        )

    def rate(self, day: date, currency: str, rate: str) -> None:
        """Add an exchange rate: dollars for one unit."""
        self.rows["finance.fx_rates"].append({"rate_date": day, "currency": currency, "rate": rate})

    def build(self, folder: Path, variables: Mapping[str, Any], with_tests: bool = True) -> Path:
        """Build the marts from these rows; returns the database file.

        Raises:
            DbtError: a model or data test failed.
        """
        database = folder / DATABASE_NAME
        write_raw_tables(database, self.rows)
        others = [
            f"path:tests/{path.name}"
            for path in sorted((DBT_PROJECT_DIR / "tests").iterdir())
            if path.name not in {"generic", "unit_economics"}
        ]
        DbtProject(folder / "dbt").build(
            database,
            select=[
                "+path:models/marts/unit_economics",
                "+fct_mrr_by_month",
                "+fct_retention_by_period",
            ],
            variables=variables,
            with_tests=with_tests,
            # They need marts that are not built here.
            exclude=["resource_type:unit_test", *others],
        )
        return database


def read(database: Path, query: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    connection = duckdb.connect(str(database), read_only=True)
    try:
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    finally:
        connection.close()


def one(database: Path, query: str) -> dict[str, Any]:
    """The only row of a query."""
    rows = read(database, query)
    assert len(rows) == 1, f"{len(rows)} rows: {query}"
    return rows[0]
