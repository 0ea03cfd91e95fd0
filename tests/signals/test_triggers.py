"""What fires when, for accounts that each show one thing (`watched.py`); dates by hand."""

from __future__ import annotations

import csv
import re
from datetime import date

import pytest

from orchestration.settings import DBT_PROJECT_DIR
from tests.signals.conftest import Query
from tests.signals.watched import EARLIER

#: account, trigger → (fired, cleared) of every episode. All logged in every day, but for `silent`
#: (last on 10 January), `back` and `stuck`.
EPISODES = {
    # 30 days without a login; 45 without anything.
    ("acc_silent", "no_login_30_days"): [(date(2026, 2, 9), None)],
    ("acc_silent", "silent_45_days"): [(date(2026, 2, 24), None)],
    # 28 of 28 days before; under half from 14 of them on (24 January), and for seven days; once
    # the days before are under four, nothing is said any more (4 March).
    ("acc_silent", "usage_halved"): [(date(2026, 1, 31), date(2026, 3, 4))],
    # Exports of 5 and 25 January, 10 February, 1 April count for 14 days each. The cooldown of 30
    # days puts the second off to 4 February and leaves the third out: it clears on 24 February.
    ("acc_exporter", "data_exported"): [
        (date(2026, 1, 5), date(2026, 1, 19)),
        (date(2026, 2, 4), date(2026, 2, 8)),
        (date(2026, 4, 1), date(2026, 4, 15)),
    ],
    # Five features until 1 January, then one of eight from the 29th on; for 14 days.
    ("acc_narrow", "low_feature_breadth"): [(date(2026, 2, 12), None)],
    # The card expires on 31 March.
    ("acc_carded", "card_expires_30_days"): [(date(2026, 3, 1), None)],
    # She left on the 3rd, the crm knew on the 5th; 90 days.
    ("acc_champless", "champion_left"): [(date(2026, 2, 5), date(2026, 5, 6))],
    ("acc_handed_over", "owner_changed"): [(date(2026, 3, 1), date(2026, 3, 31))],
    # 9 on 10 January, 5 on 20 February: a fall of 4.
    ("acc_moody", "promoter"): [(date(2026, 1, 10), date(2026, 2, 20))],
    ("acc_moody", "case_study_ready"): [(date(2026, 1, 10), date(2026, 2, 20))],
    ("acc_moody", "nps_detractor"): [(date(2026, 2, 20), None)],
    ("acc_moody", "nps_fell"): [(date(2026, 2, 20), None)],
    # A visit on 1 February, still there without a cancellation a day later; for 14 days.
    ("acc_wavering", "cancel_page_still_here"): [(date(2026, 2, 2), date(2026, 2, 15))],
    # The same visit, but it did cancel that day.
    ("acc_leaving", "cancel_page_still_here"): [],
    # 95 of 100 on 15 January.
    ("acc_full", "limit_90_percent"): [(date(2026, 1, 15), None)],
    ("acc_small", "limit_90_percent"): [],
    # Began on 1 February with the first step and took no other; watched for 120 days.
    ("acc_stuck", "onboarding_stuck_14_days"): [(date(2026, 2, 15), date(2026, 6, 1))],
    ("acc_stuck", "no_login_30_days"): [(date(2026, 3, 3), None)],
    ("acc_unpaid", "payment_failed"): [(date(2026, 6, 28), None)],
    # Failed on 10 February, left on 1 March.
    ("acc_saved", "payment_failed"): [(date(2026, 2, 10), date(2026, 3, 1))],
    # Last seen on 1 November, back on 20 January.
    ("acc_back", "no_login_30_days"): [(date(2025, 12, 1), date(2026, 1, 20))],
    ("acc_back", "back_after_pause"): [(date(2026, 1, 20), date(2026, 2, 17))],
    # The trial ended on 15 January; for 60 days.
    ("tried", "trial_not_converted"): [(date(2026, 1, 16), date(2026, 3, 16))],
    # Green since the end of its first weeks, a year old on 1 May; for 30 days.
    ("acc_exporter", "healthy_long_lived"): [(date(2026, 5, 31), None)],
    # A customer that never fired it.
    ("acc_silent", "payment_failed"): [],
}


@pytest.mark.parametrize(("account", "trigger"), EPISODES)
def test_a_trigger_fires_once_per_episode(later: Query, account: str, trigger: str) -> None:
    assert (
        later(
            "select fired_date, cleared_date from customer_success.fct_trigger_events "
            f"where account_id = '{account}' and trigger_key = '{trigger}' order by fired_date"
        )
        == EPISODES[account, trigger]
    )


def test_a_new_trigger_on_a_known_signal_is_one_row(later: Query) -> None:
    # 20 active days in 28 since 20 May, for three days. All hand accounts are as busy, but only
    # this one is of the segment that the row names.
    assert later(
        "select account_id, fired_date, evidence from customer_success.fct_trigger_events "
        "where trigger_key = 'busy_enterprise'"
    ) == [("acc_enterprise", date(2025, 5, 23), "Active on 23 of the 28 days to 2025-05-23")]
    assert later(
        "select count(*) from customer_success.fct_trigger_events "
        "where trigger_key = 'switched_off'"
    ) == [(0,)]


def test_a_new_version_of_a_trigger_counts_from_its_first_day(later: Query) -> None:
    # 0.95 of the limit since 15 January: not enough for the first version (0.99, to 1 March).
    assert later(
        "select account_id, fired_date, held_from_date from customer_success.fct_trigger_events "
        "where trigger_key = 'tight_limit'"
    ) == [("acc_full", date(2026, 3, 1), date(2026, 1, 15))]


def test_evidence_says_why(later: Query) -> None:
    assert later(
        "select trigger_key, evidence from customer_success.fct_trigger_events where (account_id, "
        "trigger_key) in (('acc_handed_over', 'owner_changed'), "
        "('acc_carded', 'card_expires_30_days'), ('acc_silent', 'no_login_30_days'), "
        "('acc_wavering', 'cancel_page_still_here')) order by 1"
    ) == [
        (
            "cancel_page_still_here",
            "Visits to the cancel page in the 14 days to 2026-02-02: 1",
        ),
        # Read on a later day it is as true: the card's last day is that of its month.
        ("card_expires_30_days", "The card expires on 2026-03-31"),
        ("no_login_30_days", "No login since 2026-01-10 (as of 2026-02-09)"),
        ("owner_changed", "Owner changed on 2026-03-01: csm_1 to csm_2"),
    ]


def test_what_counts_days_says_which() -> None:
    """Evidence is read on later days too: "14 days" without a date would then be others."""
    with (DBT_PROJECT_DIR / "seeds" / "signals.csv").open(encoding="utf-8") as stream:
        texts = [row["evidence"] for row in csv.DictReader(stream)]
    counting = [text for text in texts if "days" in text]
    assert len(counting) > 8
    assert [text for text in counting if not re.search(r"{(day|since|date)}", text)] == []


def test_nothing_that_happens_later_changes_what_fired(later: Query, earlier: Query) -> None:
    # The same rows, two months of which lie after the earlier as-of date.
    fired = (
        "select account_id, trigger_key, episode_number, fired_date, held_from_date, "
        f"case when cleared_date <= date '{EARLIER}' then cleared_date end, evidence, "
        "mrr_at_firing "
        f"from customer_success.fct_trigger_events where fired_date <= date '{EARLIER}' "
        "order by all"
    )
    then = earlier(fired)
    assert len(then) > 300
    assert later(fired) == then


def test_nothing_that_happens_later_changes_a_past_score(later: Query, earlier: Query) -> None:
    scored = (
        "select account_id, as_of_date, score, coverage, colour, reason_1, reason_1_cost, reason_2 "
        f"from intermediate.int_health_snapshots where as_of_date < date '{EARLIER}' "
        "and as_of_date > date '2025-06-30' order by all"
    )
    then = earlier(scored)
    assert len(then) > 1000
    assert later(scored) == then
