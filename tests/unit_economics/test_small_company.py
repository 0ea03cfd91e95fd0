"""A company of five customers, worked by hand from raw rows to every mart.

| customer | channel | MRR | from | to |
|---|---|---|---|---|
| p1 | paid | 100 | 5 January 2026 | |
| p2 | paid | 300 | 20 January | 10 March |
| o1 | organic (no spend) | 200 | 15 January | |
| u1 | unknown (no lead) | 50 | 3 February | |
| p3 | paid | 100 | 5 March | |

Closing MRR: January 600, February 650, March 450, April (running, as of the 15th) 450.
Gross margin: January 75 % (cost 150), February 0 (cost 650), March and April 80 % (default).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.unit_economics.company import Company, one, read

AS_OF = date(2026, 4, 15)
JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in range(1, 5))


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    company = Company()
    company.customer("p1", "paid", [(date(2026, 1, 5), 10_000)], aware=date(2025, 12, 20))
    company.customer("p2", "paid", [(date(2026, 1, 20), 30_000)], ended=date(2026, 3, 10))
    company.customer("o1", "organic", [(date(2026, 1, 15), 20_000)])
    company.customer("u1", None, [(date(2026, 2, 3), 5_000)])
    company.customer("p3", "paid", [(date(2026, 3, 5), 10_000)])
    # A later lead of p1 by another channel: the first touch counts.
    company.lead("late", "organic", date(2026, 1, 2), account_id="p1")
    # Leads that are not customers: one considered and lost, one tried and open, one of the future.
    company.lead(
        "x1", "paid", date(2026, 1, 8), considered=date(2026, 1, 18), lost=date(2026, 2, 1)
    )
    company.lead("x2", "paid", date(2026, 1, 9), tried=date(2026, 1, 30), motion="product_led")
    company.lead("x3", "paid", date(2026, 5, 1), updated_at="2026-04-01 00:00:00")
    # Day's rate: 1.10 on the 10th, 1.20 from the 12th. Yen have no minor unit.
    company.rate(date(2026, 1, 10), "eur", "1.10")
    company.rate(date(2026, 1, 12), "eur", "1.20")
    company.rate(date(2026, 3, 2), "jpy", "0.01")
    company.spend(date(2026, 1, 11), "paid", "media", 10_000, "eur")  # 110.00
    company.spend(date(2026, 1, 13), "paid", "media", 7_500, "EUR")  # 90.00
    company.spend(date(2026, 1, 31), "paid", "media", -2_000)
    company.spend(date(2026, 1, 15), "paid", "tools", 6_000)
    company.spend(date(2026, 1, 20), "paid", "sales", 14_000)
    company.spend(date(2026, 1, 25), "paid", "customer_success", 2_000)
    company.spend(date(2026, 2, 10), "events", "media", 50_000)
    company.spend(date(2026, 2, 11), "paid", "media", -3_000)
    company.spend(date(2026, 3, 2), "paid", "media", 3_000, "jpy")  # 30.00
    company.spend(AS_OF, "events", "tools", 1_000)
    company.spend(date(2026, 4, 16), "paid", "media", 99_900)  # after the as-of date
    company.cost_of_revenue(JANUARY, 15_000)
    company.cost_of_revenue(FEBRUARY, 65_000)
    # The running month's is not all booked.
    company.cost_of_revenue(APRIL, 1_000)
    return company.build(tmp_path_factory.mktemp("small"), {"as_of_date": AS_OF.isoformat()})


def cac(marts: Path, month: date, channel: str) -> list[tuple[Any, ...]]:
    rows = read(
        marts,
        f"""
        select spend, customers_won, cac, reason from unit_economics.fct_cac_by_channel_month
        where month = '{month}' and channel = '{channel}' order by loading_no
        """,
    )
    return [tuple(row.values()) for row in rows]


def test_each_loading_includes_the_ones_before(marts: Path) -> None:
    assert cac(marts, JANUARY, "paid") == [
        (180, 2, 90, None),
        (240, 2, 120, None),
        (380, 2, 190, None),
        (400, 2, 200, None),
    ]


def test_the_blended_cost_shares_all_spend_among_all_customers(marts: Path) -> None:
    assert cac(marts, JANUARY, "all")[0] == (180, 3, 60, None)


@pytest.mark.fault("I09")
def test_what_cannot_be_said_of_cac(marts: Path) -> None:
    assert set(cac(marts, JANUARY, "organic")) == {(None, 1, None, "no_spend")}
    assert set(cac(marts, FEBRUARY, "unknown")) == {(None, 1, None, "no_spend")}
    assert set(cac(marts, FEBRUARY, "events")) == {(500, 0, None, "no_customers_won")}
    assert set(cac(marts, FEBRUARY, "paid")) == {(-30, 0, None, "net_credit")}
    assert set(cac(marts, FEBRUARY, "all")) == {(470, 1, 470, None)}
    assert cac(marts, APRIL, "paid") == []


def test_the_interval_of_cac_is_that_of_a_poisson_count(marts: Path) -> None:
    row = one(
        marts,
        """
        select low, high, is_small_sample from unit_economics.fct_cac_by_channel_month
        where month = '2026-01-01' and channel = 'paid' and loading = 'customer_success'
        """,
    )
    # The exact 95 % limits of 2 are 0.2422 and 7.2247; Byar's 0.2249 and 7.2205.
    assert float(row["low"]) == pytest.approx(400 / 7.2247, rel=0.002)
    assert float(row["high"]) == pytest.approx(400 / 0.2422, rel=0.1)
    assert row["is_small_sample"]
    least = one(
        marts,
        """
        select low, high from unit_economics.fct_cac_by_channel_month
        where month = '2026-02-01' and channel = 'events' and loading = 'media'
        """,
    )
    # Nobody won: at most 3.69 were to be expected, so one costs 136 at least.
    assert float(least["low"]) == pytest.approx(500 / 3.69, rel=0.02)
    assert least["high"] is None


def test_spend_after_the_as_of_date_is_not_seen(marts: Path) -> None:
    total = one(marts, "select sum(amount) as total from intermediate.int_spend_converted")
    assert total["total"] == 400 + 500 - 30 + 30 + 10


def ltv(
    marts: Path, month: date, method: str, kind: str = "all", value: str = "all"
) -> dict[str, Any]:
    return one(
        marts,
        f"""
        select * from unit_economics.fct_ltv_by_segment
        where month = '{month}' and method = '{method}'
            and segment_type = '{kind}' and segment_value = '{value}'
        """,
    )


def test_ltv_by_every_formula(marts: Path) -> None:
    # March: one of four lost, four customers pay 450, default margin 80 %.
    assert ltv(marts, MARCH, "simple")["ltv"] == 450
    assert ltv(marts, MARCH, "floor")["ltv"] == 450
    margin = ltv(marts, MARCH, "margin")
    assert margin["ltv"] == 360
    assert margin["is_policy_method"]
    assert margin["is_default_margin"]
    assert margin["is_small_sample"]
    assert (margin["customers_at_risk"], margin["customers_lost"], margin["customers"]) == (4, 1, 4)
    assert margin["arpa"] == Decimal("112.50")
    # 90 x 1.007974140 / (0.007974140 + 0.25)
    assert ltv(marts, MARCH, "dcf")["ltv"] == Decimal("351.65")
    assert ltv(marts, MARCH, "trailing6")["reason"] == "short_history"


def test_what_cannot_be_said_of_ltv(marts: Path) -> None:
    assert ltv(marts, JANUARY, "simple")["reason"] == "no_customers_at_start"
    february = ltv(marts, FEBRUARY, "simple")
    assert (february["ltv"], february["high"], february["reason"]) == (None, None, "no_churn")
    # Nobody of three lost: churn is at most z² / (3 + z²) = 56.2 %, ARPA is 162.50.
    assert 0 < february["low"] < Decimal("162.50") / Decimal("0.561")
    assert ltv(marts, FEBRUARY, "margin")["reason"] == "no_margin"
    assert ltv(marts, FEBRUARY, "floor")["ltv"] == Decimal("9730.54")
    for value in ("unknown", "organic"):
        row = ltv(marts, MARCH, "simple", "channel", value)
        assert (row["ltv"], row["low"], row["reason"]) == (None, None, "one_customer")
    assert ltv(marts, MARCH, "simple", "channel", "paid")["ltv"] == 200


def test_margin_of_the_running_month(marts: Path) -> None:
    rows = read(
        marts,
        "select gross_margin, margin_source from intermediate.int_gross_margins order by month",
    )
    assert [tuple(row.values()) for row in rows] == [
        (Decimal("0.75"), "landed"),
        (Decimal(0), "landed"),
        (Decimal("0.8"), "default"),
        # Not the 10.00 that are booked so far; March itself has nothing landed.
        (Decimal("0.8"), "default"),
    ]


def ratio(marts: Path, period_type: str, start: date, channel: str, loading: str) -> dict[str, Any]:
    return one(
        marts,
        f"""
        select * from unit_economics.fct_ltv_cac_by_channel
        where period_type = '{period_type}' and period_start = '{start}'
            and channel = '{channel}' and loading = '{loading}'
        """,
    )


def test_ltv_cac_of_a_month(marts: Path) -> None:
    paid = ratio(marts, "month", MARCH, "paid", "media")
    # 100 x 0.8 / (1/2) = 160 against 30.
    assert (paid["ltv"], paid["cac"]) == (160, 30)
    assert paid["ltv_cac_ratio"] == Decimal("5.333333")
    assert paid["band"] == "under_investing"
    assert paid["remark"] == "There may be room to invest more in acquisition."
    # 30 / (100 x 0.8)
    assert paid["payback_months"] == Decimal("0.375")
    assert paid["ltv_cac_ratio_low"] < paid["ltv_cac_ratio"] < paid["ltv_cac_ratio_high"]
    assert ratio(marts, "month", MARCH, "all", "media")["ltv_cac_ratio"] == 12


def test_ltv_cac_of_a_quarter_pools_its_months(marts: Path) -> None:
    quarter = ratio(marts, "quarter", JANUARY, "paid", "media")
    # Churn 1 of 0 + 2 + 2; ARPA (400 + 400 + 200) / (2 + 2 + 2); margin (450 + 0 + 360) / 1,700.
    assert quarter["ltv"] == Decimal("317.65")
    # (180 - 30 + 30) / 3
    assert quarter["cac"] == 60
    assert quarter["ltv_cac_ratio"] == Decimal("5.294167")
    assert quarter["is_complete"]


def test_the_reasons_of_a_ratio(marts: Path) -> None:
    assert ratio(marts, "month", JANUARY, "paid", "media")["reason"] == "no_customers_at_start"
    assert ratio(marts, "month", JANUARY, "organic", "media")["reason"] == "no_spend"
    february = ratio(marts, "month", FEBRUARY, "all", "media")
    assert (february["reason"], february["payback_reason"]) == ("no_margin", "no_margin")
    # Twelve months to April begin before the company did.
    assert not ratio(marts, "trailing_12_months", date(2025, 5, 1), "paid", "media")["is_complete"]


def payback(marts: Path, loading: str) -> list[tuple[Any, ...]]:
    rows = read(
        marts,
        f"""
        select cumulative_margin_per_customer, is_paid_back, payback_months, reason
        from unit_economics.fct_cac_payback_by_cohort
        where cohort_month = '2026-01-01' and channel = 'paid' and loading = '{loading}'
        order by months_since
        """,
    )
    return [tuple(row.values()) for row in rows]


def test_payback_of_a_cohort(marts: Path) -> None:
    # Two customers: 400 x 0.75; nothing in February; 100 x 0.8 in March and in April.
    margins = [150, 150, 190, 230]
    assert payback(marts, "media") == [(margin, True, 1, None) for margin in margins]
    # 190 are covered by March, the third month, to the cent.
    assert payback(marts, "sales") == [
        (150, False, 3, None), (150, False, 3, None), (190, True, 3, None), (230, True, 3, None),
    ]  # fmt: skip
    # 200 only by the running month, which is not over.
    assert payback(marts, "customer_success") == [
        (150, False, None, "not_yet_paid_back"), (150, False, None, "not_yet_paid_back"),
        (190, False, None, "not_yet_paid_back"), (230, True, None, "not_yet_paid_back"),
    ]  # fmt: skip


def test_realised_ltv(marts: Path) -> None:
    # 450 + 0 + 360 + 360 over five customers.
    row = ltv(marts, APRIL, "realised")
    assert (row["ltv"], row["customers"], row["low"]) == (234, 5, None)
    cohort = one(
        marts,
        """
        select * from unit_economics.fct_ltv_by_cohort_month
        where cohort_month = '2026-01-01' and months_since = 2
        """,
    )
    # 450 + 0 + (100 + 200) x 0.8 over three customers.
    assert (cohort["realised_ltv"], cohort["customers_active"]) == (230, 2)
    assert cohort["reason"] == "not_the_last_month"


def test_projected_ltv_of_the_first_cohort(marts: Path) -> None:
    cohort = one(
        marts,
        """
        select * from unit_economics.fct_ltv_by_cohort_month
        where cohort_month = '2026-01-01' and months_since = 3
        """,
    )
    # At risk 3, 3 (p2 is lost in its second month), 2 (p1 completed a third month, o1 too): 1 of 8
    # months was the last. Each month's chance to go on is 7/8, discounted by 1.1^(1/12).
    kept = 7 / 8 / 1.1 ** (1 / 12)
    future = (80 + 160) * kept / (1 - kept)
    realised = 450 + 0 + 240 + 240
    assert float(cohort["projected_ltv"]) == pytest.approx((realised + future) / 3, abs=0.02)
    assert cohort["low"] < cohort["projected_ltv"] < cohort["high"]
    assert cohort["alpha"] is None


def test_the_balance_of_acquisition_and_retention(marts: Path) -> None:
    rows = read(
        marts,
        """
        select acquisition_spend, retention_spend, new_mrr, retained_mrr
        from unit_economics.fct_acquisition_retention_balance order by month
        """,
    )
    assert [tuple(row.values()) for row in rows] == [
        (380, 20, 600, 0),
        (470, None, 50, 600),
        (30, None, 100, 350),
        (10, None, 0, 450),
    ]


def test_what_a_point_of_retention_is_worth(marts: Path) -> None:
    march = one(
        marts,
        """
        select * from unit_economics.fct_acquisition_retention_balance where month = '2026-03-01'
        """,
    )
    assert march["retention_rate"] == Decimal("0.538462")
    rate, more = Fraction(538_462, 10**6), Fraction(548_462, 10**6)
    revenue = 450 * sum(more**k - rate**k for k in range(1, 13))
    assert float(march["retention_point_revenue_12m"]) == pytest.approx(float(revenue), abs=0.005)
    assert float(march["retention_point_margin_12m"]) == pytest.approx(
        float(revenue) * 0.8, abs=0.01
    )
    february = one(
        marts,
        """
        select * from unit_economics.fct_acquisition_retention_balance where month = '2026-02-01'
        """,
    )
    assert (february["retention_point_gained"], february["reason"]) == (0, "nothing_lost")


def test_the_funnel(marts: Path) -> None:
    row = one(
        marts,
        """
        select * from unit_economics.fct_acquisition_funnel_by_month
        where breakdown = 'channel' and channel = 'paid' and month = '2026-01-01'
        """,
    )
    # p2, x1, x2; p1 became aware in December.
    counts = (
        "leads",
        "considered",
        "trials",
        "trials_converted",
        "converted",
        "lost",
        "still_open",
    )
    assert [row[name] for name in counts] == [3, 3, 1, 0, 1, 1, 1]
    assert row["median_days_to_consideration"] == 10
    assert row["median_days_to_conversion"] == 0
    assert row["conversion_rate"] == Decimal("0.333333")
    # 15 April is 74 days after 31 January, and 96 after x1 and x2 became aware, 85 after p2 did.
    assert (row["is_mature"], row["mature_leads"]) == (False, 2)
    december = one(
        marts,
        """
        select * from unit_economics.fct_acquisition_funnel_by_month
        where breakdown = 'all' and month = '2025-12-01'
        """,
    )
    assert (december["leads"], december["converted"], december["is_mature"]) == (1, 1, True)
    months = read(
        marts,
        """
        select month from unit_economics.fct_acquisition_funnel_by_month
        where breakdown = 'all' order by month
        """,
    )
    assert [row["month"] for row in months] == [date(2025, 12, 1), JANUARY, MARCH]


@pytest.mark.fault("F60", "I09")
def test_no_figure_is_infinite_or_not_a_number(marts: Path) -> None:
    columns = read(
        marts,
        """
        select table_schema, table_name, column_name from information_schema.columns
        where table_schema = 'unit_economics' and data_type in ('DOUBLE', 'FLOAT', 'REAL')
        """,
    )
    assert columns == [], "decimals cannot hold them"
