"""Every measure of fct_retention_by_period, worked out by hand for the company of `dozen.py`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from scipy.stats import binomtest

from tests.retention.conftest import Query


def period(
    ask: Query,
    columns: str,
    period_type: str = "month",
    start: date = date(2022, 3, 1),
    policy: str = "board_strict",
    segment: tuple[str, str] = ("all", "all"),
) -> tuple[Any, ...]:
    """The columns of one row of the mart."""
    found = ask(
        f"select {columns} from retention.fct_retention_by_period "
        f"where policy_id = '{policy}' and period_type = '{period_type}' "
        f"and period_start = date '{start}' "
        f"and segment_type = '{segment[0]}' and segment_value = '{segment[1]}'"
    )
    assert len(found) == 1
    return found[0]


def fraction(numerator: int, denominator: int) -> Decimal:
    """A rate as the marts show it."""
    return Decimal(round(Fraction(numerator, denominator) * 10**6)) / 10**6


COUNTS = (
    "customers_start, customers_won, customers_won_and_lost, customers_lost_of_start, "
    "customers_lost, customers_end, churn_base_customers, customer_retention_rate, "
    "logo_churn_rate"
)
MONEY = (
    "mrr_start, new_mrr, reactivation_mrr, expansion_mrr, contraction_mrr, churn_mrr, "
    "voluntary_churn_mrr, involuntary_churn_mrr, fx_mrr, mrr_end, mrr_end_of_start_customers"
)


def test_customers_of_a_month(dozen_marts: Query) -> None:
    # Start: A B C D E F J L. End: A B C F G I J L. Won G, I; H won and lost; D and E lost.
    assert period(dozen_marts, COUNTS) == (
        8, 2, 1, 2, 2, 8, 8, fraction(6, 8), fraction(2, 8)
    )  # fmt: skip


def test_customers_of_a_quarter(dozen_marts: Query) -> None:
    # Start: A B C D E F L. Won G, I, J; H and K won and lost.
    assert period(dozen_marts, COUNTS, "quarter", date(2022, 1, 1)) == (
        7, 3, 2, 2, 2, 8, 7, fraction(5, 7), fraction(2, 7)
    )  # fmt: skip


def test_customers_of_a_year(dozen_marts: Query) -> None:
    # J came in January and left in May: won and lost, with H and K.
    assert period(dozen_marts, COUNTS, "year", date(2022, 1, 1)) == (
        7, 2, 3, 2, 2, 7, 7, fraction(5, 7), fraction(2, 7)
    )  # fmt: skip


def test_money_of_a_month(dozen_marts: Query) -> None:
    # B +50 and L +70; C -120 and F -30; D -50 left, E -80 by failed payment; I 110 new, G 70 back.
    assert period(dozen_marts, MONEY) == (
        1370, 110, 70, 120, -150, -130, -50, -80, 0, 1390, 1210
    )  # fmt: skip


def test_money_of_a_quarter(dozen_marts: Query) -> None:
    # L fell to 20 and rose to 90 inside the quarter: +20. J's 500 are new.
    assert period(dozen_marts, MONEY, "quarter", date(2022, 1, 1)) == (
        920, 610, 70, 70, -150, -130, -50, -80, 0, 1390, 710
    )  # fmt: skip


REVENUE = (
    "retention_base_date, retention_base_customers, retention_base_mrr, retained_mrr, "
    "gross_retained_mrr, net_revenue_retention, gross_revenue_retention, "
    "net_mrr_churn_rate, gross_mrr_churn_rate"
)


def test_revenue_retention_of_a_month(dozen_marts: Query) -> None:
    # Capped per customer: A 100, B 200, C 180, F 90, J 500, L 20.
    assert period(dozen_marts, REVENUE) == (
        date(2022, 2, 28), 8, 1370, 1210, 1090,
        fraction(1210, 1370), fraction(1090, 1370), fraction(160, 1370), fraction(280, 1370),
    )  # fmt: skip


def test_returns_count_where_the_policy_says_so(dozen_marts: Query) -> None:
    # G's 70 are added to what was retained, never to the capped part.
    assert period(dozen_marts, REVENUE, policy="with_returns") == (
        date(2022, 2, 28), 8, 1370, 1280, 1090,
        fraction(1280, 1370), fraction(1090, 1370), fraction(90, 1370), fraction(280, 1370),
    )  # fmt: skip


def test_a_gap_beyond_the_window_makes_a_customer_new(dozen_marts: Query) -> None:
    columns = "new_mrr, reactivation_mrr, retained_mrr"
    assert period(dozen_marts, columns, policy="short_memory") == (180, 0, 1210)


def test_the_cap_in_sum_lets_expansion_make_up_for_losses(dozen_marts: Query) -> None:
    assert period(
        dozen_marts, "gross_retained_mrr, gross_revenue_retention", policy="capped_in_sum"
    ) == (1210, fraction(1210, 1370))
    # In May 2023 A grew by 30 and nobody left: the sum is capped at the start's 890.
    assert period(
        dozen_marts,
        "gross_retained_mrr, gross_revenue_retention, net_revenue_retention",
        start=date(2023, 5, 1),
        policy="capped_in_sum",
    ) == (890, 1, fraction(920, 890))


def test_the_base_of_a_year_ago(dozen_marts: Query) -> None:
    # On 31 March 2021 A B C D E paid 730; of these A B C pay 530 now, 480 of it capped.
    assert period(dozen_marts, REVENUE, policy="year_base") == (
        date(2021, 3, 31), 5, 730, 530, 480,
        fraction(530, 730), fraction(480, 730), fraction(160, 1370), fraction(280, 1370),
    )  # fmt: skip


def test_the_base_of_a_year_ago_with_returns(dozen_marts: Query) -> None:
    # Base 31 December 2021: A B C D E F L, 920. A year on 100+250+180+90+90; G was back in March.
    columns = "retention_base_mrr, retained_mrr, gross_retained_mrr"
    december = date(2022, 12, 1)
    assert period(dozen_marts, columns, start=december, policy="year_base") == (920, 710, 640)
    assert period(dozen_marts, columns, start=december, policy="year_base_returns") == (
        920, 780, 640
    )  # fmt: skip


def test_the_running_periods_look_back_a_year_from_the_as_of_date(dozen_marts: Query) -> None:
    for period_type, start in (
        ("month", date(2023, 5, 1)),
        ("quarter", date(2023, 4, 1)),
        ("year", date(2023, 1, 1)),
    ):
        # On 15 May 2022 J has left: 890; A's rise to 130 is known, B's end is not.
        assert period(
            dozen_marts,
            "retention_base_date, retention_base_mrr, retained_mrr, is_complete",
            period_type,
            start,
            "year_base",
        ) == (date(2022, 5, 15), 890, 920, False)


@pytest.mark.fault("F60", "I08")
def test_without_a_base_nothing_can_be_said(dozen_marts: Query) -> None:
    assert period(
        dozen_marts,
        "customers_start, customer_retention_rate, logo_churn_rate, logo_churn_rate_low, "
        "gross_revenue_retention, gross_revenue_retention_low, net_revenue_retention, "
        "gross_mrr_churn_rate, net_mrr_churn_rate",
        start=date(2021, 1, 1),
    ) == (0, *[None] * 8)
    assert period(
        dozen_marts,
        "customers_start, net_revenue_retention, gross_revenue_retention_high",
        start=date(2021, 12, 1),
        policy="year_base",
    ) == (7, None, None)


@pytest.mark.parametrize(
    ("policy", "lost", "base"),
    [
        ("board_strict", 2, 8),
        ("counts_new", 3, 8),
        ("plus_new", 2, 11),
        ("plus_new_counted", 3, 11),
    ],
)
def test_the_churn_rate_by_its_switches(
    dozen_marts: Query, policy: str, lost: int, base: int
) -> None:
    # G and I were won, H was won and lost: three more to lose.
    assert period(
        dozen_marts, "customers_lost, churn_base_customers, logo_churn_rate", policy=policy
    ) == (lost, base, fraction(lost, base))


def test_intervals_of_proportions_are_wilsons(dozen_marts: Query) -> None:
    interval = binomtest(2, 8).proportion_ci(0.95, "wilson")
    low, high = period(dozen_marts, "logo_churn_rate_low, logo_churn_rate_high")
    assert float(low) == pytest.approx(interval.low, abs=1e-6)
    assert float(high) == pytest.approx(interval.high, abs=1e-6)
    low, high = period(dozen_marts, "customer_retention_rate_low, customer_retention_rate_high")
    assert float(low) == pytest.approx(1 - interval.high, abs=1e-6)
    assert float(high) == pytest.approx(1 - interval.low, abs=1e-6)
    # Nobody left in June 2022: the low end is 0, the high end is not.
    interval = binomtest(0, 7).proportion_ci(0.95, "wilson")
    low, high = period(
        dozen_marts, "logo_churn_rate_low, logo_churn_rate_high", start=date(2022, 6, 1)
    )
    assert low == 0
    assert float(high) == pytest.approx(interval.high, abs=1e-6)


def test_intervals_of_revenue_follow_the_customers(dozen_marts: Query) -> None:
    start = [100, 200, 300, 50, 80, 120, 500, 20]
    end = [100, 250, 180, 0, 0, 90, 500, 90]
    ratio = sum(end) / sum(start)
    spread = sum((y - ratio * x) ** 2 for x, y in zip(start, end, strict=True))
    half = 1.959963984540054 * (8 / 7 * spread) ** 0.5 / sum(start)
    low, high = period(dozen_marts, "net_revenue_retention_low, net_revenue_retention_high")
    assert float(low) == pytest.approx(ratio - half, abs=1e-6)
    assert float(high) == pytest.approx(ratio + half, abs=1e-6)


def test_small_samples_say_so(dozen_marts: Query) -> None:
    assert dozen_marts(
        "select count(*) from retention.fct_retention_by_period where not is_small_sample"
    ) == [(0,)]


@pytest.mark.fault("I03")
def test_a_segment_is_a_part_of_the_whole(dozen_marts: Query) -> None:
    # J alone is on Pro: there at the start of the second quarter of 2022, gone at its end.
    assert period(
        dozen_marts, COUNTS + ", churn_mrr", "quarter", date(2022, 4, 1), segment=("plan", "Pro")
    ) == (1, 0, 0, 1, 1, 0, 1, 0, 1, -500)
    assert period(
        dozen_marts, "customers_lost", "quarter", date(2022, 4, 1), segment=("plan", "Team")
    ) == (0,)
