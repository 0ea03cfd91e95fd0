"""A company of a dozen customers, small enough to work every figure out by hand.

    MRR in dollars at the end of
                         Dec 21  Jan 22  Feb 22  Mar 22  Dec 22  15 May 23
    A  since 10 Jan 21      100     100     100     100     100        130
    B  since 10 Jan 21      200     200     200     250     250        250
    C  since 1 Feb 21       300     300     300     180     180        180
    D  since 1 Mar 21        50      50      50       -       -          -  left 31 Mar 22
    E  since 1 Mar 21        80      80      80       -       -          -  card failed, 15 Mar 22
    F  since 1 May 21       120     120     120      90      90         90  away 8 to 25 Mar 22
    G  since 1 Jun 21         -       -       -      70      70         70  away 10 Nov to 12 Mar
    H  3 Mar 22, 40           -       -       -       -       -          -  left 28 Mar 22
    I  since 15 Mar 22        -       -       -     110     110        110
    J  since 10 Jan 22        -     400     500     500       -          -  left 10 May 22
    K  1 Feb 22, 30           -       -       -       -       -          -  left 20 Feb 22
    L  since 1 Jul 21        70      70      20      90      90         90
    sum                     920    1320    1370    1390     890        920

The as-of date is 15 May 2023; B's end on 20 May 2023 is not known yet.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.retention.company import Rows, Story, at, raw_rows

AS_OF = date(2023, 5, 15)

STRICT = {
    "mrr_basis": "subscription",
    "counted_statuses": "active|past_due",
    "paused": "excluded",
    "discounts": "all",
    "metered": "excluded",
    "refunds": "ignored",
    "churn_at": "service_end",
    "zero_mrr_customer": "churned",
    "grain": "customer",
    "movement_grain": "event",
    "same_month_new_and_churn": "both",
    "week_factor": "52/12",
    "day_factor": "365/12",
    "fx": "period_end",
    "churn_rate_base": "start",
    "churn_rate_excludes_new": "true",
    "reactivation_in_nrr": "false",
    "nrr_base": "period_start",
    "grr_cap": "customer",
    "ltv_method": "margin",
}
SWITCHED = {
    "counts_new": {"churn_rate_excludes_new": "false"},
    "plus_new": {"churn_rate_base": "start_plus_new"},
    "plus_new_counted": {
        "churn_rate_base": "start_plus_new",
        "churn_rate_excludes_new": "false",
    },
    "with_returns": {"reactivation_in_nrr": "true"},
    "capped_in_sum": {"grr_cap": "aggregate"},
    "year_base": {"nrr_base": "twelve_months_ago"},
    "year_base_returns": {"nrr_base": "twelve_months_ago", "reactivation_in_nrr": "true"},
    # A gap of more than 60 days makes G new in March 2022; F's of 17 days does not.
    "short_memory": {"reactivation_in_nrr": "true", "reactivation_window_days": "60"},
}

STORIES = [
    Story("A", [(date(2021, 1, 10), 10000), (date(2023, 5, 10), 13000)]),
    Story("B", [(date(2021, 1, 10), 20000), (date(2022, 3, 10), 25000), (date(2023, 5, 20), 0)]),
    Story("C", [(date(2021, 2, 1), 30000), (date(2022, 3, 5), 18000)]),
    Story(
        "D",
        [(date(2021, 3, 1), 5000), (date(2022, 3, 31), 0)],
        feedback={date(2022, 3, 31): "too_expensive"},
    ),
    Story(
        "E",
        [(date(2021, 3, 1), 8000), (date(2022, 3, 15), 0)],
        reasons={date(2022, 3, 15): "payment_failed"},
    ),
    Story("F", [(date(2021, 5, 1), 12000), (date(2022, 3, 8), 0), (date(2022, 3, 25), 9000)]),
    Story("G", [(date(2021, 6, 1), 6000), (date(2021, 11, 10), 0), (date(2022, 3, 12), 7000)]),
    Story("H", [(date(2022, 3, 3), 4000), (date(2022, 3, 28), 0)]),
    Story("I", [(date(2022, 3, 15), 11000)]),
    Story(
        "J",
        [(date(2022, 1, 10), 40000), (date(2022, 2, 10), 50000), (date(2022, 5, 10), 0)],
        plan="Pro",
    ),
    Story("K", [(date(2022, 2, 1), 3000), (date(2022, 2, 20), 0)]),
    Story("L", [(date(2021, 7, 1), 7000), (date(2022, 2, 1), 2000), (date(2022, 3, 30), 9000)]),
]


def _with_add_on(billing: Rows) -> Rows:
    """A quarter of what H pays is for an add-on: its plan is what it pays most for."""
    items = billing["billing.subscription_items"]
    (main,) = (item for item in items if item["subscription_id"] == "sub_H_0")
    main["quantity"] = 3000
    items.append({**main, "id": "item_add_on", "price_id": "price_add_on", "quantity": 1000})
    billing["billing.products"].append({"id": "prod_add_on", "name": "Add-on"})
    (price,) = (p for p in billing["billing.prices"] if p["id"] == "price_Team_usd")
    billing["billing.prices"].append({**price, "id": "price_add_on", "product_id": "prod_add_on"})
    return billing


def _accounts() -> list[dict[str, Any]]:
    """Every customer's account, handed from csm_1 to csm_2 on the day that F leaves."""
    return [
        {
            "id": f"acc_{story.customer}",
            "billing_customer_id": story.customer,
            "owner_id": owner,
            "updated_at": at(day),
        }
        for story in STORIES
        for owner, day in (("csm_1", date(2021, 1, 1)), ("csm_2", date(2022, 3, 8)))
    ]


def _evidence() -> Rows:
    """What crm and product say of customers being gone."""

    def user(name: str, account: str, gone: date | None) -> dict[str, Any]:
        return {
            "id": name,
            "account_id": f"acc_{account}",
            "created": at(date(2021, 1, 1)),
            "deactivated_at": gone and at(gone),
            "updated_at": at(gone or date(2021, 1, 1)),
        }

    def contact(name: str, left: date | None) -> dict[str, Any]:
        return {
            "id": name,
            "account_id": "acc_B",
            "left_company_at": left and at(left),
            "updated_at": at(date(2022, 6, 30)),
        }

    return {
        "product.users": [
            # D's last user is gone three weeks before billing; one of C's is still there.
            user("u1", "D", date(2022, 3, 1)),
            user("u2", "D", date(2022, 3, 10)),
            user("u3", "C", date(2022, 3, 1)),
            user("u4", "C", None),
        ],
        "product.events": [
            # F says so before it comes back, B although it pays.
            {
                "id": f"e_{account}",
                "account_id": f"acc_{account}",
                "event": "account_closed",
                "occurred_at": at(day),
                "received_at": at(day),
            }
            for account, day in (("F", date(2022, 3, 1)), ("B", date(2022, 6, 1)))
        ],
        "crm.contacts": [contact("p1", date(2022, 6, 10)), contact("p2", date(2022, 6, 12))],
        "crm.leads": [
            {
                "id": "lead_A",
                "account_id": "acc_A",
                "channel": "referral",
                "motion": "sales_led",
                "awareness_at": at(date(2020, 12, 1)),
                "converted_at": at(date(2021, 1, 10)),
                "lost_at": at(date(2022, 4, 1)),
                "lost_reason": "competitor",
                "updated_at": at(date(2022, 4, 1)),
            }
        ],
    }


def _cards() -> list[dict[str, Any]]:
    """Cards on file on 28 February 2022: A, B, C and J pay by a card that ends in March."""

    def card(
        name: str,
        customer: str,
        expiry: tuple[int, int],
        created: date = date(2021, 1, 10),
        is_default: bool = True,
        detached: date | None = None,
    ) -> dict[str, Any]:
        return {
            "id": name,
            "customer_id": customer,
            "type": "card",
            "card_exp_year": expiry[0],
            "card_exp_month": expiry[1],
            "is_default": is_default,
            "created": at(created),
            "detached_at": detached and at(detached),
            "updated_at": at(detached or created),
        }

    return [
        # A has a new one in time. B has another one on file already. C has none. D's lasts.
        card("pm_A1", "A", (2022, 3)),
        card("pm_A2", "A", (2026, 1), created=date(2022, 3, 20)),
        card("pm_B1", "B", (2022, 3)),
        card("pm_B2", "B", (2023, 8), is_default=False),
        card("pm_C1", "C", (2022, 3)),
        card("pm_D1", "D", (2024, 1)),
        # J has no default card: all it has end. One of F's ends, its default lasts.
        card("pm_J1", "J", (2022, 3), created=date(2022, 1, 10), is_default=False),
        card("pm_F1", "F", (2022, 3), is_default=False),
        card("pm_F2", "F", (2023, 8)),
        # Not on file: L's has ended already, E's was taken off, G does not pay in February.
        card("pm_L1", "L", (2022, 1)),
        card("pm_E1", "E", (2022, 3), detached=date(2022, 2, 10)),
        card("pm_G1", "G", (2022, 3)),
    ]


def _failed_payments() -> Rows:
    """Five invoices of March 2022 on which a payment failed."""
    # customer, cents, status at the end, failures, success, paid outside the payments
    cases: list[tuple[str, int, str, list[int], int | None, int | None]] = [
        ("A", 10000, "paid", [2, 5], 9, None),
        ("C", 30000, "open", [30], None, None),
        ("D", 5000, "open", [10], None, None),
        ("E", 8000, "uncollectible", [1, 4, 8], None, None),
        ("L", 2000, "paid", [12], None, 14),
    ]
    invoices: list[dict[str, Any]] = []
    payments: list[dict[str, Any]] = []
    for customer, cents, status, failures, success, paid in cases:
        first = date(2022, 3, failures[0])
        invoices.append(
            {
                "id": f"in_{customer}",
                "customer_id": customer,
                "status": status,
                "currency": "usd",
                "total": cents,
                "created": at(first, 8),
                "paid_at": at(date(2022, 3, paid)) if paid else None,
                "updated_at": at(date(2022, 3, 31)),
            }
        )
        attempts = [(day, "failed") for day in failures]
        attempts += [(success, "succeeded")] if success else []
        payments += [
            {
                "id": f"py_{customer}_{day:02}",
                "invoice_id": f"in_{customer}",
                "customer_id": customer,
                "amount": cents,
                "currency": "usd",
                "status": outcome,
                "created": at(date(2022, 3, day)),
                "updated_at": at(date(2022, 3, day)),
            }
            for day, outcome in attempts
        ]
    return {"billing.invoices": invoices, "billing.payments": payments}


def rows() -> Rows:
    """All raw rows of the company."""
    return {
        **_with_add_on(raw_rows(STORIES)),
        **_evidence(),
        **_failed_payments(),
        "crm.accounts": _accounts(),
        "billing.payment_methods": _cards(),
    }


def policies() -> list[dict[str, str]]:
    """Rows of the policy seed: board_strict with a switch or two turned."""
    return [
        {"policy_id": name, "name": name, **STRICT, **switches}
        for name, switches in SWITCHED.items()
    ]
