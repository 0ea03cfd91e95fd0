"""A company whose accounts each show one thing, among others that come and go by chance.

Hand accounts are called after what they show. `crowd_NNN` are 240 customers of whom some lose
interest, and those leave more often; their tickets are pure chance.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.retention.company import Rows, Story, at, raw_rows

FIRST = date(2025, 5, 1)
#: Two releases: what is true of the past at the later one was true at the earlier one.
EARLIER, LATER = date(2026, 4, 30), date(2026, 6, 30)
CROWD = 240
FEATURES = (
    "dashboard_viewed",
    "report_created",
    "report_shared",
    "alert_configured",
    "integration_synced",
    "automation_run",
    "comment_added",
    "api_called",
)
ONBOARDING = ("workspace_created", "teammate_invited", "data_connected", "first_report_created")

#: Rows that a team adds to the seeds: a trigger on an existing signal each.
NEW_TRIGGERS = (
    "noise,tickets_open,>=,1,0,0,low,risk,customer_success_manager,listen,,true,2000-01-01,",
    "busy_enterprise,active_days_28d,>=,20,3,400,low,opportunity,marketing,case_study,enterprise,"
    "true,2000-01-01,",
    # Its threshold changes on 1 March 2026: two versions of one trigger.
    "tight_limit,limit_utilisation,>=,0.99,0,10,low,risk,account_manager,right_size,,true,"
    "2000-01-01,2026-03-01",
    "tight_limit,limit_utilisation,>=,0.94,0,10,low,risk,account_manager,right_size,,true,"
    "2026-03-01,",
    "switched_off,active_days_28d,>=,0,0,0,low,risk,growth,listen,,false,2000-01-01,",
)


def days(start: date, end: date, step: int = 1) -> list[date]:
    """Days from the first to before the last."""
    return [start + timedelta(days=n) for n in range(0, (end - start).days, step)]


@dataclass
class Watched:
    """Raw rows of the company, and what the crowd did by day (account → day → events)."""

    rows: Rows = field(default_factory=dict)
    deeds: dict[str, dict[date, list[str]]] = field(default_factory=dict)
    starts: dict[str, date] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> None:
        """One raw row."""
        self.rows.setdefault(table, []).append(values)

    def events(self, account: str, on: Iterable[date], *names: str, user: str = "1") -> None:
        """Each of the events once on each of the days."""
        for day in on:
            self.deeds.setdefault(account, {}).setdefault(day, []).extend(names)
            for name in names:
                self.add(
                    "product.events",
                    id=f"evt_{len(self.rows.get('product.events', ()))}",
                    account_id=account,
                    user_id=f"usr_{account}_{user}",
                    event=name,
                    occurred_at=at(day),
                    received_at=at(day),
                )

    def answer(self, account: str, day: date, score: int) -> None:
        """An answer to the NPS survey."""
        self.add(
            "survey.nps_responses",
            id=f"nps_{account}_{day}",
            account_id=account,
            score=score,
            comment="canary-comment",
            responded_at=at(day),
        )

    def ticket(self, account: str, opened: date, resolved: date) -> None:
        """A ticket, in the versions that the desk lands."""
        common = {"id": f"tic_{account}_{opened}", "account_id": account, "opened_at": at(opened)}
        self.add("support.tickets", **common, updated_at=at(opened))
        self.add("support.tickets", **common, resolved_at=at(resolved), updated_at=at(resolved))

    def failed_payment(self, customer: str, day: date) -> None:
        """A payment that failed."""
        self.add(
            "billing.payments",
            id=f"py_{customer}_{day}",
            customer_id=customer,
            amount=100,
            currency="usd",
            status="failed",
            created=at(day),
            updated_at=at(day),
        )


def action_id(account: str, trigger: str, fired: date, playbook: str, step: int) -> str:
    """The id of an action, as docs/signal_rules.md 6 says."""
    event = hashlib.md5(f"{account}|{trigger}|{fired}".encode()).hexdigest()
    return hashlib.md5(f"{event}|{playbook}|{step}".encode()).hexdigest()


HAND = (
    "silent", "exporter", "narrow", "carded", "champless", "handed_over", "moody", "wavering",
    "leaving", "full", "stuck", "unpaid", "back", "enterprise", "small", "saved",
)  # fmt: skip


def company() -> Watched:
    """All rows."""
    watched = Watched()
    stories = [
        Story(name, [(FIRST if name != "stuck" else date(2026, 2, 1), 10_000)])
        for name in HAND
        if name != "saved"
    ]
    stories.append(Story("saved", [(FIRST, 10_000), (date(2026, 3, 1), 0)]))
    chance = random.Random(6)
    stories += [_crowd_member(watched, number, chance) for number in range(CROWD)]
    watched.rows.update(raw_rows(stories))
    for row in watched.rows["billing.customers"]:
        row.update(name=f"Account {row['id']}", email=f"canary-{row['id']}@example.com")
    for story in stories:
        watched.starts[f"acc_{story.customer}"] = story.steps[0][0]
        _account(watched, story.customer)
    _hand(watched)
    return watched


def _account(watched: Watched, customer: str) -> None:
    common: dict[str, Any] = {
        "id": f"acc_{customer}",
        "billing_customer_id": customer,
        "name": f"Account {customer}",
        "segment": "enterprise" if customer == "enterprise" else "smb",
        "owner_id": "csm_1",
        "updated_at": at(FIRST),
    }
    watched.add("crm.accounts", **common)
    if customer == "handed_over":
        watched.add(
            "crm.accounts", **common | {"owner_id": "csm_2", "updated_at": at(date(2026, 3, 1))}
        )


def _hand(watched: Watched) -> None:
    whole = days(FIRST, LATER + timedelta(days=1))
    for name in set(HAND) - {"silent", "narrow", "stuck", "back"}:
        watched.events(f"acc_{name}", whole, "login")
    for name in HAND:
        if name not in ("narrow", "stuck"):
            watched.events(f"acc_{name}", [FIRST], *ONBOARDING)
    watched.events("acc_silent", days(FIRST, date(2026, 1, 11)), "login", *FEATURES)
    for day in (date(2026, 1, 5), date(2026, 1, 25), date(2026, 2, 10), date(2026, 4, 1)):
        watched.events("acc_exporter", [day], "data_exported")
    watched.events("acc_narrow", days(FIRST, date(2026, 1, 2)), *FEATURES[1:5])
    watched.events("acc_narrow", whole, "login", FEATURES[0])
    watched.events("acc_back", days(FIRST, date(2025, 11, 2)), "login")
    watched.events("acc_back", days(date(2026, 1, 20), LATER), "login")
    watched.events("acc_stuck", [date(2026, 2, 1)], "login", ONBOARDING[0])
    watched.events("acc_wavering", [date(2026, 2, 1)], "cancel_page_viewed")
    watched.events("acc_leaving", [date(2026, 2, 1)], "cancel_page_viewed")
    watched.answer("acc_moody", date(2026, 1, 10), 9)
    watched.answer("acc_moody", date(2026, 2, 20), 5)
    watched.failed_payment("unpaid", date(2026, 6, 28))
    watched.failed_payment("saved", date(2026, 2, 10))
    watched.add(
        "billing.payment_methods",
        id="pm_1", customer_id="carded", type="card", card_exp_month=3, card_exp_year=2026,
        is_default=True, created=at(FIRST), updated_at=at(FIRST),
    )  # fmt: skip
    contact: dict[str, Any] = {
        "id": "con_1", "account_id": "acc_champless", "role": "champion",
        "name": "Canary Person", "email": "canary-contact@example.com",
    }  # fmt: skip
    watched.add("crm.contacts", **contact, updated_at=at(FIRST))
    # She left on the 3rd; the crm knew of it on the 5th.
    watched.add(
        "crm.contacts",
        **contact, left_company_at=at(date(2026, 2, 3)), updated_at=at(date(2026, 2, 5)),
    )  # fmt: skip
    # A champion who gets another role and hers again, is locked out for three weeks, and moves on.
    for day, account, role in (
        (FIRST, "acc_roles", "champion"),
        (date(2026, 2, 10), "acc_roles", "user"),
        (date(2026, 3, 1), "acc_roles", "champion"),
        (date(2026, 4, 10), "acc_roles_2", "champion"),
    ):
        watched.add("crm.contacts", id="con_2", account_id=account, role=role,
                    user_id="usr_roles", updated_at=at(day))  # fmt: skip
    for day, gone in ((FIRST, None), (date(2026, 3, 10), at(date(2026, 3, 10))),
                      (date(2026, 4, 1), None)):  # fmt: skip
        watched.add("product.users", id="usr_roles", account_id="acc_roles", created=at(FIRST),
                    deactivated_at=gone, updated_at=at(day))  # fmt: skip
    watched.add(
        "product.users",
        id="usr_canary", account_id="acc_full", email="canary-user@example.com", role="admin",
        created=at(FIRST), updated_at=at(FIRST),
    )  # fmt: skip
    for account, used in (("acc_full", 95), ("acc_small", 50)):
        for day in days(date(2026, 1, 15), LATER, 28):
            watched.add(
                "product.entitlements",
                account_id=account, limit_key="seats", measured_at=at(day), limit_value=100,
                used_value=used,
            )  # fmt: skip
    (subscription,) = (
        row for row in watched.rows["billing.subscriptions"] if row["customer_id"] == "leaving"
    )
    # It asked to leave at the year's end on the day of its visit, and is still served.
    watched.add(
        "billing.subscriptions",
        **subscription
        | {
            "cancel_at_period_end": True,
            "cancel_at": at(date(2026, 12, 31)),
            "updated_at": at(date(2026, 2, 1), 12),
        },
    )
    # A trial that ended without a subscription.
    watched.add("billing.customers", id="tried", created=at(date(2026, 1, 1)),
                updated_at=at(date(2026, 1, 1)))  # fmt: skip
    trial: dict[str, Any] = {
        "id": "sub_tried", "customer_id": "tried", "status": "trialing",
        "start_date": at(date(2026, 1, 1)), "trial_start": at(date(2026, 1, 1)),
        "trial_end": at(date(2026, 1, 15)), "created": at(date(2026, 1, 1)),
    }  # fmt: skip
    watched.add("billing.subscriptions", **trial, updated_at=at(date(2026, 1, 1)))
    watched.add(
        "billing.subscriptions",
        **trial | {"status": "canceled", "ended_at": at(date(2026, 1, 15)),
                   "canceled_at": at(date(2026, 1, 14))},
        updated_at=at(date(2026, 1, 15), 10),
    )  # fmt: skip
    for account, trigger, fired, playbook, reason, resolved in (
        ("acc_silent", "no_login_30_days", date(2026, 2, 9), "re_engage", "customer_saved",
         date(2026, 2, 12)),
        ("acc_saved", "payment_failed", date(2026, 2, 10), "recover_payment", "made_up",
         date(2026, 2, 11)),
    ):  # fmt: skip
        watched.add(
            "crm.action_outcomes",
            action_id=action_id(account, trigger, fired, playbook, 1),
            resolved_at=at(resolved),
            resolution_reason=reason,
            resolved_by="csm_1",
            note="canary-note",
            updated_at=at(resolved),
        )


def _crowd_member(watched: Watched, number: int, chance: random.Random) -> Story:
    customer = f"crowd_{number:03}"
    account = f"acc_{customer}"
    start = FIRST + timedelta(days=chance.randrange(0, 90))
    loses_interest = chance.random() < 0.35
    end = LATER + timedelta(days=1)
    bored = end
    if loses_interest:
        bored = start + timedelta(days=chance.randrange(60, 300))
    # Most of the bored leave, some weeks later; of the others a few do.
    if loses_interest and chance.random() < 0.75:
        end = min(end, bored + timedelta(days=chance.randrange(30, 100)))
    elif not loses_interest and chance.random() < 0.08:
        end = min(end, start + timedelta(days=chance.randrange(60, 330)))
    keen = chance.uniform(0.3, 0.8)
    width = chance.randrange(3, 9)
    for day in days(start, end):
        if chance.random() < (keen if day < bored else 0.06):
            names = ["login", *FEATURES[: width if day < bored else 1]]
            watched.events(account, [day], *names)
    for _ in range(chance.randrange(0, 5)):
        opened = start + timedelta(days=chance.randrange(0, 330))
        if opened < end:
            watched.ticket(account, opened, opened + timedelta(days=chance.randrange(1, 25)))
    steps = [(start, 10_000)]
    if end <= LATER:
        steps.append((end, 0))
    return Story(customer, steps)
