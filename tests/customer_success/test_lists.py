"""Who is on which list and why: the company of `lists_company`, worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import sqrt
from typing import Any

import pytest

from tests.customer_success.conftest import Ask
from tests.customer_success.lists_company import PAYING

NOT_OF_EXPERIMENTS = "customer_id not like 'exp_%'"
#: Lists of the schema by the audience or kind that tells them apart.
LISTS = (
    "fct_winback_candidates",
    "fct_loyalty_candidates",
    "fct_advocacy_candidates",
    "fct_silent_customers",
    "fct_champion_candidates",
    "fct_expiring_cards",
    "fct_audiences",
    "fct_trial_followups",
)


def on_list(ask: Ask, mart: str, condition: str = "true") -> set[str]:
    sql = f"select customer_id from customer_success.{mart}"
    rows = ask(f"{sql} where {condition} and {NOT_OF_EXPERIMENTS}")
    return {row[0] for row in rows}


def one(ask: Ask, mart: str, columns: str, condition: str) -> tuple[Any, ...]:
    (row,) = ask(f"select {columns} from customer_success.{mart} where {condition}")
    return row


def test_winback_names_who_is_away_long_enough_and_not_too_long(ask: Ask) -> None:
    assert on_list(ask, "fct_winback_candidates") == {
        "lost_price",
        "lost_feature",
        "lost_feature_after",
        "lost_14_days",
        "lost_730_days",
        "lost_card",
        "lost_in_april",
    }


def test_winback_says_what_was_lost_and_how_to_approach(ask: Ask) -> None:
    row = one(
        ask,
        "fct_winback_candidates",
        "owner_id, churn_date, days_away, churn_type, reason, mrr_lost, suggested_approach",
        "customer_id = 'lost_price'",
    )
    assert row == (
        "csm_1",
        date(2026, 3, 1),
        121,
        "voluntary",
        "too_expensive",
        Decimal("90.00"),
        "Offer a smaller plan or a year at a lower price",
    )


def test_who_did_not_choose_to_leave_is_approached_for_the_payment(ask: Ask) -> None:
    row = one(ask, "fct_winback_candidates", "churn_type, reason", "customer_id = 'lost_card'")
    assert row == ("involuntary", "payment_failed")


@pytest.mark.parametrize(
    ("customer", "mended"),
    [
        ("lost_feature", (True, date(2026, 5, 1), "Reports are there")),
        # It left after the mend: for something else that is missing.
        ("lost_feature_after", (False, None, None)),
        # Mended for another plan, or not yet.
        ("lost_price", (False, None, None)),
    ],
)
def test_a_mend_counts_for_who_left_before_it(
    ask: Ask, customer: str, mended: tuple[Any, ...]
) -> None:
    columns = "is_reason_mended, mended_date, mended_what"
    assert one(ask, "fct_winback_candidates", columns, f"customer_id = '{customer}'") == mended


def test_who_came_back_by_month(ask: Ask) -> None:
    # April 2025: 80, 30 and 10 left. 60 came back after 40 days, 90 after 270: 180 are in time.
    columns = (
        "churns, returned, returned_in_time, mrr_lost, mrr_recovered, median_days_away, is_mature"
    )
    row = one(ask, "fct_winback_by_month", columns, "month = '2025-04-01'")
    money = (Decimal("120.00"), Decimal("150.00"), Decimal("155.0"))
    assert row == (3, 2, 1, *money, True)
    z, share = 1.959963984540054, 1 / 3
    middle, spread = share + z**2 / 6, z * sqrt(share * (1 - share) / 3 + z**2 / 36)
    rate = one(
        ask,
        "fct_winback_by_month",
        "return_rate, return_rate_low, return_rate_high",
        "month = '2025-04-01'",
    )
    expected = (share, (middle - spread) / (1 + z**2 / 3), (middle + spread) / (1 + z**2 / 3))
    assert [float(value) for value in rate] == pytest.approx(expected, abs=1e-6)
    back = ask(
        "select month, returns_in_month, mrr_regained_in_month"
        " from customer_success.fct_winback_by_month"
        " where returns_in_month > 0 and month >= '2025-01-01' order by month"
    )
    assert back == [
        (date(2025, 5, 1), 1, Decimal("60.00")),
        (date(2026, 1, 1), 1, Decimal("90.00")),
    ]
    assert one(ask, "fct_winback_by_month", "is_mature", "month = '2026-03-01'") == (False,)


def test_loyalty_counts_years_by_the_calendar(ask: Ask) -> None:
    listed = on_list(ask, "fct_loyalty_candidates")
    returned = {"grown", "came_back", "back_in_time", "back_late"}
    assert listed == (set(PAYING) | returned) - {"nearly_one", "opted_out", "deleted"}
    tiers = {
        customer: (tier, over)
        for customer, tier, over in ask(
            "select customer_id, tenure_tier, is_over_three_years"
            " from customer_success.fct_loyalty_candidates"
        )
    }
    assert tiers["three_years"] == ("three_years", True)
    assert tiers["nearly_three"] == ("two_years", False)
    assert tiers["one_year"] == ("one_year", False)
    assert {name for name, (_, over) in tiers.items() if over} == {"three_years", "came_back"}


def test_loyalty_tells_who_has_been_away(ask: Ask) -> None:
    columns = "first_paid_date, paying_since_date, has_been_away, activity_tier"
    row = one(ask, "fct_loyalty_candidates", columns, "customer_id = 'came_back'")
    assert row == (date(2022, 1, 10), date(2023, 6, 1), True, "occasional")
    row = one(ask, "fct_loyalty_candidates", columns, "customer_id = 'grown'")
    assert row == (date(2024, 9, 1), date(2024, 9, 1), False, "regular")


def test_advocates_are_promoters_that_use_the_product(ask: Ask) -> None:
    advocates = on_list(ask, "fct_advocacy_candidates", "kind = 'advocate'")
    assert advocates == {"promoter", "grown"}
    columns = "rule_key, latest_score, active_days_28d, core_features_28d, mrr_growth_rate"
    row = one(ask, "fct_advocacy_candidates", columns, "kind = 'case_study'")
    assert row == ("growth_story", 9, 10, 4, Decimal("0.200000"))
    assert on_list(ask, "fct_advocacy_candidates", "kind = 'case_study'") == {"grown"}


def test_silence_begins_after_45_days_without_any_sign(ask: Ask) -> None:
    assert on_list(ask, "fct_silent_customers") == {"silent_45"}
    columns = "silent_days, last_event_date, current_mrr, owner_id"
    row = one(ask, "fct_silent_customers", columns, "customer_id = 'silent_45'")
    assert row == (45, date(2026, 5, 16), Decimal("45.00"), "csm_1")


def test_champions_to_find_are_the_most_active_users(ask: Ask) -> None:
    rows = ask(
        "select customer_id, user_rank, user_id, active_days, core_features"
        " from customer_success.fct_champion_candidates order by customer_id, user_rank"
    )
    # Days first, then features; who was deactivated, or was active long ago only, is no choice.
    assert rows == [
        ("champion_gone", 1, "usr_champion_gone_2", 2, 0),
        ("champion_left", 1, "usr_champion_left_1", 2, 0),
        ("no_champion", 1, "usr_no_champion_3", 5, 1),
        ("no_champion", 2, "usr_no_champion_1", 5, 0),
        ("no_champion", 3, "usr_no_champion_2", 3, 0),
    ]


def test_cards_that_pay_and_expire(ask: Ask) -> None:
    rows = ask(
        "select customer_id, expires_date, expires_in_days, is_expired, has_other_card"
        " from customer_success.fct_expiring_cards order by customer_id"
    )
    assert rows == [
        ("card_expired", date(2026, 5, 31), -30, True, True),
        ("card_in_july", date(2026, 7, 31), 31, False, False),
    ]


def test_trials_are_followed_up_by_what_was_done_in_them(ask: Ask) -> None:
    rows = ask(
        "select customer_id, trial_state, days_since_end, active_days, has_first_value, trial_mrr,"
        " split_part(suggested_approach, ':', 1)"
        " from customer_success.fct_trial_followups order by customer_id"
    )
    value = Decimal("49.00")
    assert rows == [
        ("trial_ending", "ending_soon", -7, 0, False, value, "Never used it"),
        ("trial_saw_value", "ended", 15, 1, True, value, "Saw what it does"),
        ("trial_tried", "ended", 15, 2, False, value, "Did not get to first value"),
        ("trial_unused", "ended", 15, 0, False, value, "Never used it"),
    ]


def test_audiences_reach_who_is_there_and_may_be_written_to(ask: Ask) -> None:
    reached = {
        audience: {
            row[0]
            for row in ask(
                "select recipient_id from customer_success.fct_audiences"
                f" where audience = '{audience}' and {NOT_OF_EXPERIMENTS}"
            )
        }
        for audience in ("newsletter", "portal", "early_access", "feedback")
    }
    champions = {f"con_{customer}_champion" for customer in PAYING}
    # Opted out (the customer, the contact), deleted, left the company, never there.
    without = {"opted_out", "promoter", "deleted", "champion_left", "no_champion"}
    assert reached["newsletter"] == champions - {f"con_{name}_champion" for name in without} | {
        "con_has_champion_economic_buyer"
    }
    # Users that were there lately and are not deactivated, of customers with a day of use.
    assert reached["portal"] == {f"usr_no_champion_{number}" for number in (1, 2, 3, 4)} | {
        "usr_champion_left_1",
        "usr_champion_gone_2",
    }
    assert reached["early_access"] == {"con_promoter_champion"}
    assert reached["feedback"] == {"con_stale_promoter_champion", "con_champion_gone_champion"}


@pytest.mark.parametrize("mart", LISTS)
def test_no_list_has_names_or_addresses_of_people(ask: Ask, mart: str) -> None:
    rows = ask(f"select to_json(listed)::varchar from customer_success.{mart} as listed")
    assert rows
    assert [row for (row,) in rows if "Name Of" in row or "@" in row or "secret" in row] == []


def test_onboarding_says_where_an_account_stands(ask: Ask) -> None:
    columns = "milestone, due_date, reached_date, days_to_reach, days_waiting, state"
    rows = ask(
        f"select {columns}, is_current_step from customer_success.fct_onboarding"
        " where customer_id = 'nearly_one' order by step_number"
    )
    july = [date(2025, 7, day) for day in range(1, 32)]
    assert rows == [
        ("workspace", july[1], july[1], 1, None, "reached", False),
        ("team", july[7], july[8], 8, None, "reached_late", False),
        ("data", july[14], None, None, 356, "overdue", True),
        ("first_report", july[21], None, None, None, "overdue", False),
    ]
    states = ask(
        "select step_number, state, days_to_reach from customer_success.fct_onboarding"
        " where customer_id = 'trial_saw_value' order by step_number"
    )
    # A trial that ended is nobody's onboarding any more.
    assert states == [
        (1, "abandoned", None), (2, "abandoned", None), (3, "abandoned", None), (4, "reached", 4)
    ]  # fmt: skip
    assert on_list(ask, "fct_onboarding", "start_date < '2025-06-30'") == set()
    going_on = ask(
        "select step_number, state from customer_success.fct_onboarding"
        " where customer_id = 'trial_going_on' order by step_number"
    )
    assert going_on == [(1, "overdue"), (2, "open"), (3, "open"), (4, "open")]


@pytest.mark.fault("I11")
def test_nps_counts_everybody_once_a_month(ask: Ask) -> None:
    columns = "responses, customers_answering, promoters, passives, detractors, nps, mean_score"
    where = "month = '2026-06-01' and segment_type = 'all'"
    row = one(ask, "fct_nps_by_month", columns, where)
    assert row == (5, 4, 2, 2, 1, Decimal("20.0000"), Decimal("7.2000"))
    # Three answers added: 2.75 promoters and 1.75 detractors of 8.
    error = 1.959963984540054 * sqrt((4.5 / 8 - (1 / 8) ** 2) / 8)
    low, high = one(ask, "fct_nps_by_month", "nps_low, nps_high", where)
    assert (float(low), float(high)) == pytest.approx(
        (100 * (1 / 8 - error), 100 * (1 / 8 + error)), abs=1e-4
    )
    assert one(ask, "fct_nps_by_month", "is_complete", where) == (True,)
