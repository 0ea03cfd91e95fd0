"""Raw rows of a small company whose every customer stands for one rule of a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.retention.company import Rows, Story, raw_rows

AS_OF = date(2026, 6, 30)
LONG_AGO = date(2024, 9, 1)

#: Everybody who pays, since when, and in cents of MRR.
PAYING = {
    "three_years": (date(2023, 6, 30), 10000),
    "nearly_three": (date(2023, 7, 1), 10000),
    "one_year": (date(2025, 6, 30), 10000),
    "nearly_one": (date(2025, 7, 1), 10000),
    "opted_out": (LONG_AGO, 10000),
    "deleted": (LONG_AGO, 10000),
    "silent_45": (LONG_AGO, 4500),
    "silent_44": (LONG_AGO, 4400),
    "told_us": (LONG_AGO, 10000),
    "no_champion": (LONG_AGO, 70000),
    "champion_left": (LONG_AGO, 20000),
    "champion_gone": (LONG_AGO, 20000),
    "has_champion": (LONG_AGO, 20000),
    "card_in_july": (LONG_AGO, 3100),
    "card_in_december": (LONG_AGO, 3100),
    "card_replaced": (LONG_AGO, 3100),
    "card_expired": (LONG_AGO, 3100),
    "promoter": (LONG_AGO, 10000),
    "passive": (LONG_AGO, 10000),
    "stale_promoter": (LONG_AGO, 10000),
}


def at(day: date, hour: int = 9) -> datetime:
    """A UTC time of the day."""
    return datetime.combine(day, time(hour))


def account(customer: str) -> str:
    """The crm account of a customer."""
    return f"acc_{customer}"


def stories() -> list[Story]:
    """What everybody paid."""
    result = [Story(customer, [(day, cents)]) for customer, (day, cents) in PAYING.items()]
    result += [
        # Grew by a fifth in a year: 100 on 30 June 2025, 120 now.
        Story("grown", [(LONG_AGO, 10000), (date(2026, 2, 1), 12000)]),
        Story(
            "came_back",
            [(date(2022, 1, 10), 8000), (date(2023, 1, 10), 0), (date(2023, 6, 1), 6000)],
        ),
        lost("lost_price", date(2026, 3, 1), "too_expensive", 9000),
        lost("lost_feature", date(2026, 3, 1), "missing_features"),
        lost("lost_feature_after", date(2026, 5, 10), "missing_features"),
        lost("lost_13_days", AS_OF - timedelta(13), "unused"),
        lost("lost_14_days", AS_OF - timedelta(14), "unused"),
        lost("lost_730_days", AS_OF - timedelta(730), "unused", began=date(2023, 1, 5)),
        lost("lost_731_days", AS_OF - timedelta(731), "unused", began=date(2023, 1, 5)),
        lost("lost_deleted", date(2026, 3, 1), "unused"),
        lost("lost_opted_out", date(2026, 3, 1), "unused"),
        Story(
            "lost_card",
            [(LONG_AGO, 5000), (date(2026, 3, 1), 0)],
            reasons={date(2026, 3, 1): "payment_failed"},
            feedback={date(2026, 3, 1): "other"},
        ),
        # Left in April 2025 and back in time; left in April 2025 and back too late.
        Story(
            "back_in_time",
            [(LONG_AGO, 8000), (date(2025, 4, 10), 0), (date(2025, 5, 20), 6000)],
        ),
        Story(
            "back_late",
            [(LONG_AGO, 3000), (date(2025, 4, 10), 0), (date(2026, 1, 5), 9000)],
        ),
        lost("lost_in_april", date(2025, 4, 20), "unused", 1000),
    ]
    return result


def lost(
    customer: str, day: date, feedback: str, cents: int = 5000, began: date = LONG_AGO
) -> Story:
    """A customer that cancelled for a reason."""
    return Story(customer, [(began, cents), (day, 0)], feedback={day: feedback})


def rows() -> Rows:
    """All raw rows."""
    told = stories()
    result = raw_rows(told)
    for story in told:
        result.setdefault("crm.accounts", []).append(
            {
                "id": account(story.customer),
                "billing_customer_id": story.customer,
                "name": story.customer.title(),
                "segment": "smb",
                "owner_id": "csm_1",
                "updated_at": at(date(2022, 1, 1)),
            }
        )
    for customer in ("deleted", "lost_deleted"):
        (found,) = (row for row in result["billing.customers"] if row["id"] == customer)
        result["billing.customers"].append(
            {**found, "deleted": True, "updated_at": at(date(2026, 4, 1))}
        )
    _trials(result)
    _people(result)
    _use(result)
    result["billing.payment_methods"] = [
        card("card_in_july", 7, 2026),
        card("card_in_december", 12, 2026),
        card("card_replaced", 7, 2026, is_default=False),
        card("card_replaced", 9, 2029),
        card("card_expired", 5, 2026),
        card("card_expired", 9, 2029, is_default=False),
        # Taken away: it is no card any more.
        {**card("card_in_july", 9, 2029, is_default=False), "detached_at": at(date(2026, 1, 9))},
    ]
    result["survey.nps_responses"] = _answers()
    result["support.tickets"] = [
        {
            "id": "tic_1",
            "account_id": account("told_us"),
            "opened_at": at(date(2026, 6, 1)),
            "updated_at": at(date(2026, 6, 1)),
        },
        # Resolved after 1 hour, 2 minutes and 59 seconds, or 63 minutes by the clock's hands.
        {
            "id": "tic_2",
            "account_id": account("grown"),
            "opened_at": at(date(2026, 6, 1)) + timedelta(seconds=30),
            "resolved_at": at(date(2026, 6, 1)) + timedelta(seconds=3_809),
            "updated_at": at(date(2026, 6, 2)),
        },
    ]
    _add_what_comes_later(result)
    return result


def _add_what_comes_later(result: Rows) -> None:
    """What happens after the as-of date, or is announced for it: no figure may know of it."""
    later = AS_OF + timedelta(1)
    quiet = account("silent_45")
    result["product.events"] += [
        {
            "id": f"evt_later_{customer}_{event}",
            "account_id": account(customer),
            "user_id": f"usr_{customer}_4",
            "event": event,
            "occurred_at": at(later),
        }
        for customer in ("silent_45", "no_champion", "nearly_one")
        for event in ("login", "data_connected", "api_called")
    ]
    result["support.tickets"].append(
        {"id": "tic_later", "account_id": quiet, "opened_at": at(later), "updated_at": at(later)}
    )
    result["survey.nps_responses"].append(
        {"id": "nps_later", "account_id": quiet, "score": 10, "responded_at": at(later)}
    )
    # Announced: they are still there.
    for contact in result["crm.contacts"]:
        if contact["id"] == "con_has_champion_champion":
            contact["left_company_at"] = at(later)
    for user in result["product.users"]:
        if user["id"] == "usr_no_champion_3":
            user["deactivated_at"] = at(later)
    result["billing.payment_methods"].append(
        {**card("card_in_july", 1, 2030), "created": at(later), "updated_at": at(later)}
    )


def card(customer: str, month: int, year: int, is_default: bool = True) -> dict[str, Any]:
    """A card on file."""
    return {
        "id": f"pm_{customer}_{year}_{month}",
        "customer_id": customer,
        "type": "card",
        "card_brand": "visa",
        "card_exp_month": month,
        "card_exp_year": year,
        "is_default": is_default,
        "created": at(date(2025, 1, 1)),
        "updated_at": at(date(2025, 1, 1)),
    }


def _trials(result: Rows) -> None:
    for customer, start, end in (
        ("trial_unused", date(2026, 6, 1), date(2026, 6, 15)),
        ("trial_tried", date(2026, 6, 1), date(2026, 6, 15)),
        ("trial_saw_value", date(2026, 6, 1), date(2026, 6, 15)),
        ("trial_ending", date(2026, 6, 23), date(2026, 7, 7)),
        ("trial_going_on", date(2026, 6, 24), date(2026, 7, 8)),
        ("trial_long_over", date(2026, 3, 10), date(2026, 4, 1)),
    ):
        result["billing.customers"].append(
            {"id": customer, "currency": "usd", "created": at(start), "updated_at": at(start)}
        )
        subscription = {
            "id": f"sub_{customer}",
            "customer_id": customer,
            "status": "trialing",
            "start_date": at(start),
            "trial_start": at(start),
            "trial_end": at(end),
            "created": at(start),
            "updated_at": at(start),
        }
        result["billing.subscriptions"].append(subscription)
        if end <= AS_OF:
            result["billing.subscriptions"].append(
                {**subscription, "status": "canceled", "ended_at": at(end), "updated_at": at(end)}
            )
        # A unit of the price is a cent a month: the trial would bring 49.
        result["billing.subscription_items"].append(
            {
                "id": f"item_{customer}",
                "subscription_id": f"sub_{customer}",
                "price_id": "price_Team_usd",
                "quantity": 4900,
                "created": at(start),
                "updated_at": at(start),
            }
        )


def _people(result: Rows) -> None:
    contacts: list[dict[str, Any]] = []
    users: list[dict[str, Any]] = []

    def contact(customer: str, role: str, left: date | None = None, user: str = "") -> None:
        contacts.append(
            {
                "id": f"con_{customer}_{role}",
                "account_id": account(customer),
                "user_id": user or None,
                "email": f"{role}@{customer}.example",
                "name": f"Name Of {customer}",
                "role": role,
                "left_company_at": at(left) if left else None,
                "updated_at": at(date(2026, 1, 1)),
            }
        )

    for customer in PAYING:
        if customer not in ("no_champion", "champion_left", "champion_gone"):
            contact(customer, "champion")
    contact("champion_left", "champion", left=date(2026, 5, 1))
    contact("champion_gone", "champion", user="usr_champion_gone_1")
    contact("has_champion", "decision_maker", left=AS_OF)
    contact("has_champion", "economic_buyer")
    for customer, number, gone in (
        ("no_champion", 1, None),
        ("no_champion", 2, None),
        ("no_champion", 3, None),
        ("no_champion", 4, None),
        ("no_champion", 5, date(2026, 6, 20)),
        ("champion_left", 1, None),
        ("champion_gone", 1, date(2026, 6, 1)),
        ("champion_gone", 2, None),
    ):
        users.append(
            {
                "id": f"usr_{customer}_{number}",
                "account_id": account(customer),
                "role": "member",
                "created": at(LONG_AGO),
                "deactivated_at": at(gone) if gone else None,
                "updated_at": at(LONG_AGO),
            }
        )
    result["crm.contacts"] = contacts
    result["product.users"] = users


def _use(result: Rows) -> None:
    events: list[dict[str, Any]] = []

    def use(customer: str, user: str | None, event: str, days: Sequence[date]) -> None:
        for day in days:
            events.append(
                {
                    "id": f"evt_{len(events)}",
                    "account_id": account(customer) if customer in known else customer,
                    "user_id": user,
                    "event": event,
                    "occurred_at": at(day),
                }
            )

    known = {row["billing_customer_id"] for row in result["crm.accounts"]}
    last_days = [AS_OF - timedelta(days) for days in range(30)]
    # Everybody else who pays was there yesterday.
    for customer in known - {"silent_45", "silent_44", "told_us", "no_champion"}:
        use(customer, None, "login", [AS_OF - timedelta(1)])
    use("silent_45", None, "login", [date(2026, 5, 16)])
    use("silent_44", None, "login", [date(2026, 5, 17)])
    # Mails that the product sends are no sign of life.
    use("silent_45", None, "email_sent", [date(2026, 6, 20)])
    use("told_us", None, "login", [date(2026, 1, 5)])
    use("no_champion", "usr_no_champion_1", "login", last_days[:5])
    use("no_champion", "usr_no_champion_2", "login", last_days[:3])
    use("no_champion", "usr_no_champion_3", "dashboard_viewed", last_days[:5])
    use("no_champion", "usr_no_champion_4", "login", last_days[:1])
    use("no_champion", "usr_no_champion_5", "login", last_days[11:25])
    use("no_champion", "usr_no_champion_2", "login", [date(2026, 3, 1) for _ in range(9)])
    use("champion_left", "usr_champion_left_1", "login", last_days[:2])
    use("champion_gone", "usr_champion_gone_2", "login", last_days[:2])
    for customer in ("promoter", "grown"):
        for event in ("dashboard_viewed", "report_created", "report_shared", "api_called"):
            use(customer, None, event, last_days[:10])
    use("stale_promoter", None, "login", last_days[:10])
    use("trial_tried", None, "login", [date(2026, 6, 2), date(2026, 6, 3)])
    use("trial_saw_value", None, "first_report_created", [date(2026, 6, 5)])
    # The company's first event of onboarding: who was there before is not watched.
    use("three_years", None, "workspace_created", [date(2025, 6, 30)])
    # Onboarding of who began on 1 July 2025: within 1, 7, 14, 21 days.
    use("nearly_one", None, "workspace_created", [date(2025, 7, 2)])
    use("nearly_one", None, "teammate_invited", [date(2025, 7, 9)])
    result["product.events"] = events


def _answers() -> list[dict[str, Any]]:
    def answer(customer: str, score: int, day: date, user: str, hour: int = 9) -> dict[str, Any]:
        return {
            "id": f"nps_{customer}_{user}_{day}_{hour}",
            "account_id": account(customer),
            "user_id": user,
            "score": score,
            "comment": "A secret",
            "responded_at": at(day, hour),
        }

    return [
        answer("promoter", 10, date(2026, 6, 3), "a"),
        answer("grown", 9, date(2026, 6, 4), "a"),
        answer("passive", 8, date(2026, 6, 4), "a"),
        # Changed her mind in the same month: the last answer counts.
        answer("no_champion", 9, date(2026, 6, 5), "a"),
        answer("no_champion", 2, date(2026, 6, 5), "a", hour=15),
        # Another user of the same customer.
        answer("no_champion", 7, date(2026, 6, 6), "b"),
        answer("stale_promoter", 10, date(2025, 12, 31), "a"),
        answer("told_us", 9, date(2026, 5, 1), "a"),
    ]
