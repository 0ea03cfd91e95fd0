"""Faults that pass the gate: what the models make of them, worked out by hand.

One company has all of them, a customer for each fault; one dbt run builds it. MRR is under the
policy `board_strict`, in USD, cut in New York's days; every price but those named is 10 a month.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.release.carry_over import carry_over
from tests.golden.company import Company
from tests.support.built import Built
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import write_raw_tables

AS_OF = "2028-04-30"
TEN = Decimal(10)
#: Noon UTC is the same day in New York.
NOON = "12:00:00"


JUNE = datetime(2027, 6, 1)
MARTS = ("fct_mrr_movements", "fct_mrr_by_customer_month", "fct_mrr_by_month", "dim_customers",
         "fct_retention_by_period", "fct_retention_by_cohort_month", "rejected_rows",
         "int_account_days")  # fmt: skip


def at(day: str) -> str:
    return f"{day} {NOON}"


def _anchors(company: Company) -> None:
    """Half off for n months from each day of January 2027: the price is whole when it ends."""
    for day in range(1, 32):
        for months in (1, 2, 13):
            name = f"anchor {day} {months}"
            start = at(f"2027-01-{day:02}")
            company.subscribe(name, "ten", start)
            company.discount(
                name, name, "repeating", start, percent_off=50, duration_in_months=months
            )


def _add_months(start: date, months: int) -> date:
    """By the calendar of the standard library: the same day, or the last of a shorter month."""
    years, month = divmod(start.month - 1 + months, 12)
    last = calendar.monthrange(start.year + years, month + 1)[1]
    return date(start.year + years, month + 1, min(start.day, last))


def the_company() -> Company:
    company = Company()
    company.price("ten", 10_00)
    january = at("2027-01-10")

    # F30: the same rows five times.
    for _ in range(5):
        company.subscribe("copies", "ten", january)
    # F31: one version with two contents, landed in either order.
    for name, order in (("tie 1", (1, 2)), ("tie 2", (2, 1))):
        company.subscription(name, january)
        for quantity in order:
            company.item(name, name, "ten", january, quantity)
    # F32, F33, F34: versions land newest first, one of them 150 days late.
    company.subscription("late", january)
    for since, quantity in (("2027-09-01", 5), ("2027-06-01", 3), ("2027-02-01", 2)):
        company.item("late", "late", "ten", at(since), quantity, created=january)
    company.item("late", "late", "ten", january, 1)
    # F36: nobody knows the customer; nobody knows the subscription of an invoice.
    company.subscribe("orphan", "ten", january, customer="known for now")
    company.rows["billing.customers"] = [
        row for row in company.rows["billing.customers"] if row["id"] != "known for now"
    ]
    line = {"amount": 99_00, "period_start": january, "period_end": at("2027-02-10")}
    company.invoice("orphan invoice", "no such subscription", january, [line])
    company.add("invoice_line_items", id="line of no invoice", invoice_id="no such invoice",
                amount=77_00, currency="USD", updated_at=january)  # fmt: skip
    # F38: two at once, one that ends before it starts, one that ends as it starts.
    company.subscribe("overlap 1", "ten", january, customer="overlap")
    company.subscribe("overlap 2", "ten", january, customer="overlap")
    company.subscribe("backwards", "ten", at("2027-05-10"))
    company.subscription("backwards", at("2027-05-10"), at=at("2027-06-10"), status="canceled",
                         ended_at=at("2027-03-10"))  # fmt: skip
    company.subscribe("moment", "ten", january)
    company.end("moment", january, january)
    # F40, F41.
    _anchors(company)
    leap = at("2024-02-29")
    company.price("yearly", 120_00, "year")
    company.subscribe("leap year", "yearly", leap)
    company.discount("leap year", "leap year", "repeating", leap, percent_off=50,
                     duration_in_months=12)  # fmt: skip
    company.subscribe("leap years", "yearly", leap)
    company.discount("leap years", "leap years", "repeating", leap, percent_off=50,
                     duration_in_months=48)  # fmt: skip
    # F42: the last second of a day and the first of the next, where clocks change.
    for name, moment in DAYLIGHT.items():
        company.subscribe(name, "ten", moment)
    # F45: what is dated after the as-of date.
    company.subscribe("future", "ten", at("2028-05-10"))
    company.subscribe("grows later", "ten", january)
    company.requantify("grows later", "ten", january, at("2028-05-10"), 9)
    # F46: days that mean never.
    company.subscribe("epoch", "ten", "1970-01-01 00:00:00")
    company.subscribe("for ever", "ten", january)
    company.subscription("for ever", january, at=at("2027-02-10"), ended_at="9999-12-31 00:00:00")
    # F51, F52, F53, F54: currencies.
    for name, currency, amount in (
        ("yen", "JPY", 1_000),
        ("won", "KRW", 20_000),
        ("dinar", "kwd", 5_000),
        ("krona", "ISK", 2_000),
        ("shilling", "UGX", 40_000),
        ("unknown currency", "XQZ", 10_00),
        ("euro", "EUR", 10_00),
    ):
        company.price(name, amount, **{})
        company.rows["billing.prices"][-1]["currency"] = currency
        company.subscribe(name, name, january)
    # F57: a third of a cent.
    company.price("ten a quarter", 10_00, "month", 3)
    company.price("hundred a year", 100_00, "year")
    for number in range(3):
        company.subscribe(f"third {number}", "ten a quarter", january, customer=f"third {number}")
    company.subscribe("hundred", "hundred a year", january)
    # F58: credits, refunds, negative lines are cash.
    company.subscribe("credits", "ten", january)
    company.invoice("in credits", "credits", january, [
        {**line, "amount": 10_00, "subscription_item_id": "credits", "price_id": "ten"},
        {**line, "amount": -500_00, "proration": True},
    ])  # fmt: skip
    company.add("credit_notes", id="cn", invoice_id="in credits", customer_id="customer of credits",
                amount=900_00, currency="USD", created=january, updated_at=january)  # fmt: skip
    # F59: nothing to pay.
    company.price("free", 0)
    company.subscribe("free plan", "free", january)
    company.subscribe("free by coupon", "ten", january)
    company.discount("all off", "free by coupon", "forever", january, percent_off=100)
    company.subscription("trial", january, trial_start=january, trial_end=at("2028-12-31"))
    company.item("trial", "trial", "ten", january)
    # F61, F62: a customer is deleted, and comes back.
    company.subscribe("deleted", "ten", january)
    company.subscribe("returns", "ten", january)
    for name, version, deleted in (
        ("deleted", "2027-03-10", True),
        ("returns", "2027-03-10", True),
        ("returns", "2027-05-10", False),
    ):
        company.add("customers", id=f"customer of {name}", name=name, created="2010-01-01",
                    deleted=deleted, updated_at=at(version))  # fmt: skip
    # F63: one customer becomes a part of another: a version of its subscription says so.
    company.subscribe("stays", "ten", january, customer="customer of merged")
    away = "customer of merged away"
    company.subscribe("moves", "ten", at("2027-02-10"), customer=away)
    company.subscription(
        "moves", at("2027-02-10"), customer="customer of merged", at=at("2027-05-10")
    )
    company.add("customers", id=away, name=away, created="2010-01-01", deleted=True,
                updated_at=at("2027-05-10"))  # fmt: skip
    # F65: the price changes; its product goes.
    company.price("repriced", 10_00)
    company.add("prices", id="repriced", product_id="gone", currency="USD", unit_amount=15_00,
                type="recurring", interval="month", interval_count=1, created="2010-01-01",
                updated_at=at("2027-04-10"))  # fmt: skip
    company.subscribe("repriced", "repriced", january)
    # F66: gone and back within a month.
    company.subscribe("same month", "ten", january)
    company.end("same month", january, at("2027-03-05"))
    company.subscribe(
        "same month again", "ten", at("2027-03-20"), customer="customer of same month"
    )
    # F67: past due counts, unpaid and paused do not (board_strict).
    for status in ("past_due", "unpaid", "paused"):
        company.subscribe(status, "ten", january)
        company.subscription(status, january, at=at("2027-03-10"), status=status)
    company.rows["finance.fx_rates"] = list(_rates())
    company.rows["product.events"] = [
        _event("epoch", "1970-01-01 00:00:00"),
        _event("day", at("2027-06-10")),
        _event("future", at("2028-05-10")),
    ]
    return company


#: Moments in UTC by customer; the local day they belong to is in their name.
DAYLIGHT = {
    # Clocks go forward on 14 March 2027 at 2:00: midnight is 5:00 before it and 4:00 after it.
    "2027-03-13 end": "2027-03-14 04:59:59",
    "2027-03-14 begin": "2027-03-14 05:00:00",
    "2027-03-14 end": "2027-03-15 03:59:59",
    "2027-03-15 begin": "2027-03-15 04:00:00",
    # They go back on 7 November 2027.
    "2027-11-06 end": "2027-11-07 03:59:59",
    "2027-11-07 begin": "2027-11-07 04:00:00",
    "2027-11-07 end": "2027-11-08 04:59:59",
    "2027-11-08 begin": "2027-11-08 05:00:00",
    # The end of a month of summer time.
    "2027-07-31 end": "2027-08-01 03:59:59",
    "2027-08-01 begin": "2027-08-01 04:00:00",
}


def _rates() -> Iterator[dict[str, Any]]:
    """Rates of every working day, so month ends on weekends take Friday's; of EUR, 2 from 2028."""
    rates = {"JPY": "0.01", "KRW": "0.001", "KWD": "3", "ISK": "0.008", "UGX": "0.0003"}
    day = date(2026, 12, 1)
    while day <= date.fromisoformat(AS_OF):
        if day.weekday() < 5:
            for currency, rate in {**rates, "EUR": "1.5" if day.year < 2028 else "2"}.items():
                yield {"rate_date": day.isoformat(), "currency": currency, "rate": rate}
        day += timedelta(days=1)


class Marts(Built):
    """The company, built."""

    def closing(self, name: str, month: str) -> Decimal:
        """MRR of a customer at the end of a month, 0 where there is no row."""
        customer = self._customer(name)
        rows = self.query(
            "select closing_mrr from revenue.fct_mrr_by_customer_month"
            f" where customer_id = '{customer}' and month = '{month}-01'"
        )
        return Decimal(rows[0][0]) if rows else Decimal(0)

    def movements(self, name: str) -> list[tuple[str, str]]:
        """Day and type of a customer's movements, in order."""
        rows = self.query(
            "select cast(movement_date as varchar), movement_type from revenue.fct_mrr_movements"
            f" where customer_id = '{self._customer(name)}' order by movement_date, movement_type"
        )
        return [(day, kind) for day, kind in rows]

    @staticmethod
    def _customer(name: str) -> str:
        whole = ("overlap", "known for now", "third 0", "third 1", "third 2")
        return name if name in whole else f"customer of {name}"


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Marts:
    folder = Path(tmp_path_factory.mktemp("faults"))
    database = folder / DATABASE_NAME
    write_raw_tables(database, the_company().rows, loaded_at=datetime(2028, 5, 1))
    DbtProject(folder / "dbt").build(
        database,
        [f"+{mart}" for mart in MARTS],
        {"as_of_date": AS_OF, "reporting_timezone": "America/New_York"},
    )
    return Marts(database)


def test_f30_copies_of_rows_have_one_effect(marts: Marts) -> None:
    assert marts.movements("copies") == [("2027-01-10", "new")]
    assert marts.closing("copies", "2027-12") == TEN


def test_f31_of_two_contents_of_one_version_one_counts_whatever_the_order(marts: Marts) -> None:
    assert marts.closing("tie 1", "2027-12") == marts.closing("tie 2", "2027-12") == 2 * TEN


def test_f32_f33_f34_versions_count_by_their_own_time_not_by_their_arrival(marts: Marts) -> None:
    closings = [marts.closing("late", month) for month in ("2027-01", "2027-02", "2027-06")]
    assert closings == [TEN, 2 * TEN, 3 * TEN]
    assert marts.closing("late", "2028-04") == 5 * TEN


def test_f36_orphans_are_kept_and_listed(marts: Marts) -> None:
    assert marts.closing("known for now", "2027-12") == TEN
    rejected = marts.query("select table_name, row_key, reason from quality.rejected_rows")
    assert ("invoice_line_items", "line of no invoice", "unknown_invoice") in rejected


def test_f38_overlaps_add_up_and_what_ends_before_it_starts_never_was(marts: Marts) -> None:
    assert marts.closing("overlap", "2027-12") == 2 * TEN
    assert marts.movements("backwards") == []
    assert marts.movements("moment") == []


def test_f40_months_are_counted_from_the_anchor(marts: Marts) -> None:
    for day in range(1, 32):
        for months in (1, 2, 13):
            start = date(2027, 1, day)
            expected = [
                (start.isoformat(), "new"),
                (_add_months(start, months).isoformat(), "expansion"),
            ]
            assert marts.movements(f"anchor {day} {months}") == expected


def test_f41_a_year_from_a_leap_day_ends_on_the_28th_and_four_on_the_29th(marts: Marts) -> None:
    assert marts.movements("leap year") == [("2024-02-29", "new"), ("2025-02-28", "expansion")]
    assert marts.movements("leap years") == [("2024-02-29", "new"), ("2028-02-29", "expansion")]


def test_f42_days_are_cut_where_the_reporting_zone_cuts_them(marts: Marts) -> None:
    for name in DAYLIGHT:
        assert marts.movements(name) == [(name[:10], "new")]
    assert marts.closing("2027-07-31 end", "2027-07") == TEN
    assert marts.closing("2027-08-01 begin", "2027-07") == 0


def test_f45_what_is_dated_after_the_as_of_date_does_not_count(marts: Marts) -> None:
    assert marts.movements("future") == []
    assert marts.movements("grows later") == [("2027-01-10", "new")]


def test_f46_days_that_mean_never_are_none(marts: Marts) -> None:
    assert marts.movements("epoch") == []
    assert ("subscriptions", "epoch", "no_start_date") in marts.query(
        "select table_name, row_key, reason from quality.rejected_rows"
    )
    assert marts.closing("for ever", "2028-04") == TEN


@pytest.mark.parametrize(
    ("name", "mrr"),
    # 1,000 yen at 0.01; 20,000 won at 0.001; 2,000 kronur and 40,000 shillings, which have no
    # minor unit in ISO 4217.
    [("yen", "10"), ("won", "20"), ("krona", "16"), ("shilling", "12")],
)
def test_f51_currencies_without_minor_units_are_not_divided(
    marts: Marts, name: str, mrr: str
) -> None:
    assert marts.closing(name, "2027-12") == Decimal(mrr)


def test_f52_a_thousand_fils_are_a_dinar(marts: Marts) -> None:
    assert marts.closing("dinar", "2027-12") == Decimal(15)


def test_f53_an_unknown_currency_is_listed_and_never_taken_for_another(marts: Marts) -> None:
    assert marts.movements("unknown currency") == []
    assert ("prices", "unknown currency", "unknown_currency") in marts.query(
        "select table_name, row_key, reason from quality.rejected_rows"
    )


def test_f54_a_month_that_ends_on_a_weekend_takes_fridays_rate(marts: Marts) -> None:
    # 31 January 2027 was a Sunday, 30 April 2028 is one; the rate changed with the year.
    assert date(2027, 1, 31).weekday() == date(2028, 4, 30).weekday() == 6
    assert marts.closing("euro", "2027-01") == Decimal(15)
    assert marts.closing("euro", "2028-04") == Decimal(20)
    assert ("2028-01-01", "fx") in marts.movements("euro")
    assert marts.query(
        "select count(*) from quality.rejected_rows where table_name = 'fx_rates'"
    ) == [(0,)]


def test_f57_parts_of_a_cent_are_rounded_once_and_sum_to_the_total(marts: Marts) -> None:
    thirds = [marts.closing(f"third {number}", "2027-12") for number in range(3)]
    assert thirds == [Decimal("3.33")] * 3
    assert marts.closing("hundred", "2027-12") == Decimal("8.33")
    difference = (
        "select count(*) from (select month, sum(closing_mrr) as total"
        " from revenue.fct_mrr_by_customer_month group by month) as customers"
        " join revenue.fct_mrr_by_month as months using (month)"
        " where months.segment_type = 'all' and months.closing_mrr <> customers.total"
    )
    assert marts.query(difference) == [(0,)]


def test_f58_credits_are_cash_and_no_negative_mrr(marts: Marts) -> None:
    assert marts.movements("credits") == [("2027-01-10", "new")]
    least = "select min(closing_mrr) >= 0 from revenue.fct_mrr_by_customer_month"
    assert marts.query(least) == [(True,)]


def test_f59_what_costs_nothing_is_no_mrr_and_no_customer_of_it(marts: Marts) -> None:
    for name in ("free plan", "free by coupon", "trial"):
        assert marts.movements(name) == []


def test_f61_a_deleted_customer_churns_once_and_keeps_its_history(marts: Marts) -> None:
    assert marts.movements("deleted") == [("2027-01-10", "new"), ("2027-03-10", "churn")]
    assert marts.closing("deleted", "2027-02") == TEN


def test_f62_a_deleted_customer_that_comes_back_is_the_same_one(marts: Marts) -> None:
    assert marts.movements("returns") == [
        ("2027-01-10", "new"),
        ("2027-03-10", "churn"),
        ("2027-05-10", "reactivation"),
    ]
    rows = "select count(*) from core.dim_customers where customer_id = 'customer of returns'"
    assert marts.query(rows) == [(1,)]


def test_f63_a_customer_that_becomes_a_part_of_another_neither_churns_nor_is_won(
    marts: Marts,
) -> None:
    assert marts.movements("merged away") == []
    assert marts.movements("merged") == [("2027-01-10", "new"), ("2027-02-10", "expansion")]
    for month in ("2027-02", "2027-04", "2027-05", "2027-12"):
        assert marts.closing("merged", month) == 2 * TEN


def test_f65_a_new_price_counts_from_its_day_and_a_product_may_go(marts: Marts) -> None:
    assert marts.movements("repriced") == [("2027-01-10", "new"), ("2027-04-10", "expansion")]
    assert marts.closing("repriced", "2027-03") == TEN
    assert marts.closing("repriced", "2027-04") == Decimal(15)


def test_f66_gone_and_back_within_a_month_is_both(marts: Marts) -> None:
    assert marts.movements("same month") == [
        ("2027-01-10", "new"),
        ("2027-03-05", "churn"),
        ("2027-03-20", "reactivation"),
    ]
    assert marts.closing("same month", "2027-03") == TEN


def test_f67_states_count_as_the_policy_says(marts: Marts) -> None:
    assert marts.movements("past_due") == [("2027-01-10", "new")]
    for status in ("unpaid", "paused"):
        assert marts.movements(status) == [("2027-01-10", "new"), ("2027-03-10", "churn")]


def test_f60_no_figure_is_infinite_or_no_number(marts: Marts) -> None:
    """Also where a month opens with nothing: its rates are null."""
    floats = marts.query(
        "select table_schema, table_name, column_name from information_schema.columns"
        " where data_type in ('DOUBLE', 'FLOAT')"
    )
    for schema, table, column in floats:
        odd = f'select count(*) from "{schema}"."{table}" where not isfinite("{column}")'
        assert marts.query(odd) == [(0,)], (schema, table, column)


def _event(key: str, moment: str) -> dict[str, Any]:
    return {"id": key, "account_id": "a", "user_id": "u", "event": "login", "occurred_at": moment}


def test_f35_an_empty_warehouse_is_built_and_what_lands_next_is_loaded(tmp_path: Path) -> None:
    """There is no greatest time to load from: not in a first build, not after one of nothing."""
    project, events = DbtProject(tmp_path / "dbt"), ["+int_event_days"]
    landed = {
        "product.events": [
            {**_event(str(number), f"2027-0{number}-10 12:00:00"), "_loaded_at": JUNE}
            for number in (1, 2, 3)
        ]
    }
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {
        "empty": {},
        "next": landed,
        "first": landed,
    }
    built: dict[str, Any] = {}
    for name in rows:
        database = tmp_path / name / DATABASE_NAME
        database.parent.mkdir()
        write_raw_tables(database, rows[name])
        if name == "next":
            with duckdb.connect(str(database)) as connection:
                last = tmp_path / "empty" / DATABASE_NAME
                assert carry_over(connection, last, is_same_code=True)
        select = [*events, "+fct_mrr_by_month", "+dim_customers"] if name == "empty" else events
        project.build(database, select, {"as_of_date": AS_OF})
        with duckdb.connect(str(database), read_only=True) as connection:
            built[name] = connection.execute(
                "select cast(activity_date as varchar), event_count"
                " from intermediate.int_event_days order by 1"
            ).fetchall()
            if name == "empty":
                for mart in ("revenue.fct_mrr_by_month", "core.dim_customers"):
                    count = connection.execute(f"select count(*) from {mart}").fetchone()
                    assert count == (0,), mart
    assert built["empty"] == []
    assert built["next"] == built["first"]
    assert built["first"] == [(f"2027-0{number}-10", 1) for number in (1, 2, 3)]


def test_f46_an_event_of_no_day_is_none(marts: Marts) -> None:
    """1970 would be the day on which the company's use of its product began."""
    assert marts.query(
        "select cast(activity_date as varchar) from intermediate.int_event_days order by 1"
    ) == [("2027-06-10",), ("2028-05-10",)]
    # What is of the future has a day, on which nobody looks yet (F45).
    assert marts.query(
        "select cast(activity_date as varchar) from intermediate.int_account_days"
    ) == [("2027-06-10",)]
