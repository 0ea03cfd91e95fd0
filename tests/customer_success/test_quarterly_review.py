"""The quarterly review says in words what the figures are."""

from __future__ import annotations

import pytest

from tests.customer_success.conftest import Ask

SECTIONS = [
    "mrr_history",
    "usage",
    "value_delivered",
    "health",
    "tickets",
    "nps",
    "experiments",
    "renewal",
    "next_steps",
]


def page(ask: Ask, customer: str) -> dict[str, tuple[str, list[str]]]:
    """Headline and lines of each section of a customer's review, in their order."""
    rows = ask(
        "select section, headline, body from customer_success.rpt_quarterly_review"
        f" where customer_id = '{customer}' order by section_number"
    )
    return {section: (headline, body.splitlines()) for section, headline, body in rows}


def test_a_page_has_nine_sections_in_their_order(ask: Ask) -> None:
    assert list(page(ask, "grown")) == SECTIONS
    # Only who pays is talked to: not the lost, not the deleted, not who is on trial.
    rows = ask("select customer_id from customer_success.rpt_quarterly_review group by 1")
    customers = {row[0] for row in rows}
    assert {"grown", "opted_out"} <= customers
    assert not {"deleted", "lost_price", "trial_ending"} & customers


def test_money_is_told_with_its_history(ask: Ask) -> None:
    headline, lines = page(ask, "grown")["mrr_history"]
    assert headline == "MRR 120.00 USD; +20 % against twelve months ago"
    assert lines[0] == "In the last 90 days: expansion 0.00 USD, contraction 0.00 USD"
    assert lines[1:] == [f"2025-{month:02}: 100.00 USD" for month in range(7, 13)] + [
        "2026-01: 100.00 USD",
        *[f"2026-{month:02}: 120.00 USD" for month in range(2, 7)],
    ]
    # 100 until 15 March; 110 since: an expansion of the last 112 days, not of the last 90.
    assert page(ask, "exp_t_00")["mrr_history"] == (
        "MRR 190.00 USD; it did not pay twelve months ago",
        [
            "In the last 90 days: expansion 90.00 USD, contraction 0.00 USD",
            "2025-12: 100.00 USD",
            "2026-01: 100.00 USD",
            "2026-02: 100.00 USD",
            "2026-03: 100.00 USD",
            "2026-04: 190.00 USD",
            "2026-05: 190.00 USD",
            "2026-06: 190.00 USD",
        ],
    )


def test_use_is_told_with_what_is_not_used(ask: Ask) -> None:
    sections = page(ask, "no_champion")
    # Users 1, 2, 3, 4 on 26 to 30 June, user 5 on 6 to 19 June; user 2 on 1 March, before that.
    assert sections["usage"] == (
        "Active on 19 of 90 days, 1 in the 90 before",
        [
            "Users: 5 (1 before)",
            "Core features used: 1 of 8",
            "Not used: alerts, api, automations, comments, integrations, report sharing, reports",
        ],
    )
    assert sections["value_delivered"] == (
        "5 uses of core features, 0 in the 90 days before",
        ["First value: not seen yet", "dashboards: 5 uses (0 before)"],
    )


def test_what_the_customer_said_is_told(ask: Ask) -> None:
    sections = page(ask, "told_us")
    assert sections["tickets"] == (
        "1 opened, 0 resolved, 1 open now",
        ["Nothing was resolved in the last 90 days"],
    )
    # 3,779 seconds are 1.0497 hours; 63 minutes would be 1.05.
    assert page(ask, "grown")["tickets"] == (
        "1 opened, 1 resolved, 0 open now",
        ["Median hours to resolve: 1.0"],
    )
    assert sections["nps"] == ("Scored 9 on 2026-05-01", ["2026-05-01: 9"])
    answers = page(ask, "no_champion")["nps"]
    assert answers[0] == "Scored 7 on 2026-06-06, 2 the time before"
    assert page(ask, "grown")["renewal"] == (
        "No renewal date is known",
        ["Customer since: 2024-09-01"],
    )


def test_experiments_are_told_by_their_group_and_result(ask: Ask) -> None:
    headline, lines = page(ask, "exp_c_00")["experiments"]
    assert headline == "Was part of 4 experiments"
    assert lines == [
        "exp keep: control group, not enough data",
        "exp open: control group, not enough data",
        "exp price: control group, target better",
        "exp skewed: control group, not enough data",
    ]
    assert page(ask, "grown")["experiments"] == ("Was part of no experiment", [])
    assert page(ask, "exp_both")["experiments"][1] == ["exp price: in both groups, target better"]


@pytest.mark.parametrize(
    ("customer", "step"),
    [
        ("grown", "Ask for a case study on how use grew"),
        ("three_years", "Three years and more: A reward in person and a say in the roadmap"),
        ("no_champion", "Find a champion; most active is user usr_no_champion_3"),
        ("nearly_one", "Onboarding: help with data"),
        ("one_year", "Ask for an answer to the survey"),
    ],
)
def test_next_steps_are_what_the_lists_say(ask: Ask, customer: str, step: str) -> None:
    headline, lines = page(ask, customer)["next_steps"]
    assert step in lines
    assert headline == ("One step" if len(lines) == 1 else f"{len(lines)} steps")


def test_next_steps_begin_with_open_actions(ask: Ask) -> None:
    rows = ask(
        "select source, step from customer_success.fct_next_steps"
        " where customer_id = 'silent_45' order by step_number"
    )
    sources = [source for source, _ in rows]
    actions = sources.count("action_queue")
    assert actions > 0
    assert sources[:actions] == ["action_queue"] * actions
    assert "silent_customers" in sources
