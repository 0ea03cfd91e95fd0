"""Raw rows of a company from what its customers paid: one line per customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Story:
    """What a customer paid, and why it stopped.

    Attributes:
        customer: billing customer id; its crm account is `acc_<customer>`.
        steps: (day, MRR in cents from that day on); 0 ends the subscription, then a new one begins.
        country: country in billing; tests use it to keep companies apart in one warehouse.
        plan: product that it is subscribed to.
        currency: of its prices; `steps` are in its cents.
        reasons: cancellation reason by the day of the end.
        feedback: cancellation feedback by the day of the end.
    """

    customer: str
    steps: Sequence[tuple[date, int]]
    country: str = "US"
    plan: str = "Team"
    currency: str = "usd"
    reasons: dict[date, str] = field(default_factory=dict)
    feedback: dict[date, str] = field(default_factory=dict)


def at(day: date, hour: int = 9) -> datetime:
    """A UTC time of the day."""
    return datetime.combine(day, time(hour))


def raw_rows(stories: Iterable[Story]) -> Rows:
    """Billing rows of the stories: a unit costs one cent a month, so quantity is MRR in cents."""
    rows: Rows = {
        f"billing.{table}": []
        for table in ("customers", "products", "prices", "subscriptions", "subscription_items")
    }
    prices: set[str] = set()
    for story in stories:
        first_day = story.steps[0][0]
        price = f"price_{story.plan}_{story.currency}"
        if price not in prices:
            prices.add(price)
            rows["billing.products"].append({"id": f"prod_{story.plan}", "name": story.plan})
            rows["billing.prices"].append(
                {
                    "id": price,
                    "product_id": f"prod_{story.plan}",
                    "currency": story.currency,
                    "unit_amount": 1,
                    "type": "recurring",
                    "interval": "month",
                    "interval_count": 1,
                }
            )
        rows["billing.customers"].append(
            {
                "id": story.customer,
                "country": story.country,
                "currency": story.currency,
                "created": at(first_day),
                "updated_at": at(first_day),
            }
        )
        _subscriptions(story, price, rows)
    return rows


def _subscriptions(story: Story, price: str, rows: Rows) -> None:
    subscription: dict[str, Any] | None = None
    for number, (day, cents) in enumerate(story.steps):
        if subscription is None:
            subscription = {
                "id": f"sub_{story.customer}_{number}",
                "customer_id": story.customer,
                "status": "active",
                "start_date": at(day),
                "created": at(day),
                "updated_at": at(day),
            }
            rows["billing.subscriptions"].append(subscription)
        if cents == 0:
            rows["billing.subscriptions"].append(
                {
                    **subscription,
                    "status": "canceled",
                    "canceled_at": at(day),
                    "ended_at": at(day),
                    "cancellation_reason": story.reasons.get(day, "cancellation_requested"),
                    "cancellation_feedback": story.feedback.get(day),
                    "updated_at": at(day, 10),
                }
            )
            subscription = None
        else:
            rows["billing.subscription_items"].append(
                {
                    "id": f"item_{subscription['id']}",
                    "subscription_id": subscription["id"],
                    "price_id": price,
                    "quantity": cents,
                    "created": subscription["created"],
                    "updated_at": at(day),
                }
            )


def months_later(month: date, months: int) -> date:
    """The first day of the month so many months after a first of month."""
    position = month.year * 12 + month.month - 1 + months
    return date(position // 12, position % 12 + 1, 1)


def days_later(day: date, days: int) -> date:
    """The day so many days later."""
    return day + timedelta(days=days)
