"""Signals against a count by hand: day by day, without SQL, over the crowd of `watched.py`."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tests.signals.conftest import Query
from tests.signals.watched import FEATURES, LATER, Watched

SEEN = (date(2025, 9, 30), date(2025, 12, 31), date(2026, 2, 28), date(2026, 5, 31), LATER)


def expected(company: Watched, account: str, day: date) -> dict[str, Decimal]:
    """What the activity signals of an account are at the end of a day."""
    deeds = {on: names for on, names in company.deeds.get(account, {}).items() if on <= day}
    start = company.starts[account]

    def active(last: date) -> int:
        return sum(last - timedelta(days=n) in deeds for n in range(28))

    recent, before = active(day), active(day - timedelta(days=28))
    used = {
        name
        for on, names in deeds.items()
        for name in names
        if on > day - timedelta(days=28) and name in FEATURES
    }
    last = max([*deeds, start])
    signals = {
        "days_since_last_login": Decimal((day - last).days),
        "active_days_28d": Decimal(recent),
        "feature_breadth": Decimal(len(used)) / 8,
        "unused_core_features": Decimal(8 - len(used)),
    }
    if day >= start + timedelta(days=56) and before >= 4:
        signals["active_days_trend"] = round(Decimal(recent) / before, 6) - 1
    return signals


def test_signals_of_use_are_those_of_a_count_day_by_day(later: Query, company: Watched) -> None:
    names = (
        "days_since_last_login", "active_days_28d", "feature_breadth", "unused_core_features",
        "active_days_trend",
    )  # fmt: skip
    compared = 0
    for day in SEEN:
        found: dict[str, dict[str, Decimal]] = {}
        for account, signal, value in later(
            "select account_id, signal, value from customer_success.fct_customer_signals "
            f"where as_of_date = date '{day}' and signal in {names} "
            "and account_id like 'acc_crowd%'"
        ):
            found.setdefault(account, {})[signal] = value
        for account, signals in found.items():
            assert signals == expected(company, account, day), (account, day)
            compared += len(signals)
    assert compared > 4000


def test_all_accounts_have_signals_on_the_as_of_date(later: Query, company: Watched) -> None:
    assert later(
        "select count(distinct account_id) from customer_success.fct_customer_signals "
        "where is_latest"
    ) == [(len(company.starts) + 1,)]  # and the one that only tried


def test_every_signal_of_the_seed_is_made_by_a_model(later: Query) -> None:
    # Without those that this company has no data for; the simulated company has all of them.
    found = {name for (name,) in later("select distinct signal from intermediate.int_signals_seen")}
    known = {name for (name,) in later("select signal from seeds.signals")}
    assert found <= known
    assert known - found <= {
        "csat_latest", "is_past_due", "nps_change", "nps_latest", "renewal_in_days",
        "ticket_hours_to_resolve", "tickets_open", "trial_ended_without_conversion_days",
        "owner_changed", "returned_after_pause", "champion_left", "mrr_trend_90d",
    }  # fmt: skip


def test_champions_are_those_of_the_versions_in_force(later: Query) -> None:
    """A champion with another role, another account or a locked user was one for ever."""
    days = [(2025, 5, 1), (2026, 2, 10), (2026, 3, 1), (2026, 3, 10), (2026, 4, 1), (2026, 4, 10)]
    found = later(
        "select from_date, cast(value as integer) from intermediate.int_signals_people"
        " where account_id = 'acc_roles' and signal = 'champion_count' order by 1"
    )
    assert found == [(date(*day), count) for day, count in zip(days, [1, 0] * 3, strict=True)]


def test_a_champion_has_left_until_she_is_back(later: Query) -> None:
    """Locked out for three weeks, she had left for ninety days; another role was no departure."""
    found = later(
        "select from_date, cast(value as integer) from intermediate.int_signals_people"
        " where account_id = 'acc_roles' and signal = 'champion_left' order by 1"
    )
    days = [(2025, 5, 1), (2026, 3, 10), (2026, 4, 1)]
    assert found == [(date(*day), left) for day, left in zip(days, [0, 1, 0], strict=True)]


def test_intervals_of_a_signal_never_overlap(later: Query) -> None:
    assert (
        later(
            "select * from (select account_id, signal, from_date, to_date, lead(from_date) over "
            "(partition by account_id, signal order by from_date, to_date) as next_date "
            "from intermediate.int_signals_activity) where next_date < to_date"
        )
        == []
    )
