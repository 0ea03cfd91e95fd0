"""Health by hand, snapshots that stay, and the queue of actions."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.signals.conftest import CopiedProject, Query, reader
from tests.signals.watched import EARLIER, LATER, action_id
from tests.support.dbt_runner import DATABASE_NAME


def score_of(ask: Query, account: str, day: date) -> tuple[Any, ...]:
    (found,) = ask(
        "select score, colour, coverage, score_change_30d, reason_1, reason_1_cost, reason_2, "
        "reason_3, reason_3_cost from customer_success.fct_health_scores "
        f"where account_id = '{account}' and as_of_date = date '{day}'"
    )
    return found


def test_a_score_is_the_weighted_mean_of_what_is_known(later: Query) -> None:
    # Silent since January. Known: activity 3, login recency 2, feature breadth 3, all red;
    # payments 2, past due 3, cancel page 3, cancellation 6, all green. Unknown: usage trend 1,
    # use of what was bought 2, nps 2, mark 0.5, tickets 0.5, champion 1.
    known, points = 22, 100 * (2 + 3 + 3 + 6)
    score, colour, coverage, change, first, first_cost, second, third, third_cost = score_of(
        later, "acc_silent", LATER
    )
    assert score == round(Decimal(points) / known, 4)
    assert colour == "red"
    assert coverage == round(Decimal(known) / 29, 6)
    assert change == 0
    assert (first, second, third) == ("activity", "feature_breadth", "login_recency")
    assert (first_cost, third_cost) == (
        round(Decimal(300) / known, 6),
        round(Decimal(200) / known, 6),
    )


def test_the_change_is_against_the_score_30_days_before(later: Query) -> None:
    # Paid until its payment failed on 28 June: 1 in 28 days is between 0 and 2, 50 points of
    # weight 2. Known: activity 3, recency 2, trend 1, breadth 3 (red), payments, past due 3,
    # cancel page 3, cancellation 6.
    assert score_of(later, "acc_unpaid", LATER)[3] == round(Decimal(-100) / 23, 4)


@pytest.fixture(scope="module")
def reweighed(
    watched_project: CopiedProject, later_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Query:
    """The next day's run, with other weights, over the tables of the last one."""
    database = tmp_path_factory.mktemp("reweighed") / DATABASE_NAME
    shutil.copy(later_database, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update seeds.health_components set weight = 9 where component = 'activity'"
        )
    watched_project.build(
        database,
        ["int_months", "int_signal_dates", "int_health_configurations+1",
         "int_health_component_bands", "int_health_intervals",
         "int_health_components_seen", "int_health_seen",
         "int_health_snapshots", "fct_health_scores"],
        {"as_of_date": "2026-07-01"},
    )  # fmt: skip
    return reader(database)


def test_new_weights_do_not_rewrite_what_was_published(later: Query, reweighed: Query) -> None:
    published = "select * exclude (is_latest) from customer_success.fct_health_scores "
    past = f"{published} where as_of_date <= date '{LATER}' order by all"
    assert reweighed(past) == later(past)
    versions = (
        "select distinct health_version_id from customer_success.fct_health_scores "
        "where as_of_date {} date '{}'"
    )
    (before,), (after,) = (reweighed(versions.format(sign, LATER)) for sign in ("<=", ">"))
    assert before != after
    # 9 of activity's 100 in place of 3: 1400 / 28.
    assert score_of(reweighed, "acc_silent", date(2026, 7, 1))[0] == Decimal(50)


def test_a_run_of_an_earlier_day_leaves_later_snapshots_alone(
    watched_project: CopiedProject, later_database: Path, later: Query, tmp_path: Path
) -> None:
    database = tmp_path / DATABASE_NAME
    shutil.copy(later_database, database)
    watched_project.build(
        database,
        ["int_signal_dates", "int_health_components_seen", "int_health_seen",
         "int_health_snapshots", "fct_health_scores"],
        {"as_of_date": EARLIER.isoformat()},
    )  # fmt: skip
    ask = reader(database)
    everything = "select * from intermediate.int_health_snapshots order by all"
    assert ask(everything) == later(everything)
    # But a reader of that day sees nothing of what comes after it.
    assert ask("select max(as_of_date) from customer_success.fct_health_scores") == [(EARLIER,)]


def test_ids_of_actions_are_the_same_in_every_run(later: Query, earlier: Query) -> None:
    steps = later(
        "select action_id, step_number, channel, due_date, expires_date, state, state_reason, "
        "resolution_reason, is_known_reason, owner from customer_success.fct_action_queue "
        "where account_id = 'acc_silent' and trigger_key = 'no_login_30_days' order by step_number"
    )
    fired = date(2026, 2, 9)
    ids = [action_id("acc_silent", "no_login_30_days", fired, "re_engage", n) for n in (1, 2)]
    assert steps == [
        (ids[0], 1, "email", date(2026, 2, 10), date(2026, 3, 11), "resolved", "customer_saved",
         "customer_saved", True, "csm_1"),
        (ids[1], 2, "call", date(2026, 2, 16), date(2026, 3, 26), "expired", "too_late",
         None, None, "csm_1"),
    ]  # fmt: skip


def test_open_actions_stand_in_the_order_of_what_they_save(later: Query) -> None:
    assert later(
        "select step_number, state, due_date, is_overdue, mrr_at_stake, risk, mrr_at_risk, owner "
        "from customer_success.fct_action_queue "
        "where account_id = 'acc_unpaid' and trigger_key = 'payment_failed' order by step_number"
    ) == [
        # High severity without a record of its own: 0.3 of 100.
        (1, "open", date(2026, 6, 28), True, 100, Decimal("0.3"), 30, "billing_operations"),
        (2, "open", date(2026, 7, 3), False, 100, Decimal("0.3"), 30, "billing_operations"),
    ]
    queue = later(
        "select queue_position, state, mrr_at_stake * risk from customer_success.fct_action_queue"
    )
    places = [row for row in queue if row[0] is not None]
    assert {row[1] for row in places} == {"open"}
    assert len(places) == sum(row[1] == "open" for row in queue) > 10
    assert [row[0] for row in places] == list(range(1, len(places) + 1))
    saved = [row[2] for row in places]
    assert saved == sorted(saved, reverse=True)


def test_actions_of_who_left_or_of_what_cleared_expire(later: Query) -> None:
    assert later(
        "select account_id, step_number, state, state_reason, is_known_reason "
        "from customer_success.fct_action_queue where (account_id, trigger_key) in "
        "(('acc_saved', 'payment_failed'), ('acc_wavering', 'cancel_page_still_here')) "
        "order by 1, 2"
    ) == [
        ("acc_saved", 1, "resolved", "made_up", False),
        ("acc_saved", 2, "expired", "account_left", None),
        ("acc_wavering", 1, "expired", "cleared", None),
    ]


def test_a_churn_says_what_warned_of_it_and_what_was_done(later: Query) -> None:
    # The payment failed on 10 February, 19 days before; its first step was done.
    assert later(
        "select churn_date, triggers_fired_count, days_of_warning, actions_taken_count "
        "from retention.fct_churn_events where customer_id = 'saved'"
    ) == [(date(2026, 3, 1), 1, 19, 1)]
    unwarned = later("select customer_id from customer_success.fct_churns_without_warning")
    assert len(unwarned) > 0
    assert later(
        "select count(*) from retention.fct_churn_events where triggers_fired_count = 0"
    ) == [(len(unwarned),)]
