"""The simulator's truth on companies small enough to reckon by hand (docs/mrr_rules.md)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from simulation.catalogue import (
    ANNUAL,
    BUSINESS,
    CURRENCIES,
    ENTERPRISE,
    INSIGHTS,
    MONTHLY,
    QUARTERLY,
    STARTER,
    TEAM,
    price_number,
    price_versions,
)
from simulation.config import SimulationConfig
from simulation.rates import daily_rates
from simulation.timeline import build_timeline
from simulation.truth import true_mrr
from simulation.world import (
    ACTIVE,
    CANCELED,
    LASTING,
    ONCE,
    PAST_DUE,
    PAUSED,
    REPEATING,
    TRIALING,
    UNPAID,
    World,
)

AS_OF = date(2026, 6, 30)
RAISED_ON = "2026-05-15"


def second(day: str, hour: int = 10) -> int:
    moment = datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)
    return int(moment.timestamp())


def number_of(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


class Company:
    """One customer in a company from January to June 2026; prices go up on 15 May."""

    def __init__(self) -> None:
        config = SimulationConfig(customers=1, months=6, seed=1, as_of=AS_OF)
        self.world = World(
            config=config,
            prices=price_versions(second("2026-01-01"), second(RAISED_ON)),
            customers={"created": np.array([second("2026-01-01")])},
            engagement=np.zeros((1, 6), np.float32),
            churn_chance=np.zeros((1, 6), np.float32),
            dirt=np.random.default_rng(0),
        )

    def subscribe(self, start: str, currency: str = "USD", state: int = ACTIVE) -> int:
        rows = {name: np.zeros(1, np.int64) for name in self.world.subscriptions}
        rows["created"] = rows["start"] = np.array([second(start)])
        rows["currency"] = np.array([CURRENCIES.index(currency)])
        subscription = int(self.world.add_subscriptions(rows)[0])
        self.turn(subscription, start, state)
        return subscription

    def turn(self, subscription: int, day: str, state: int) -> None:
        self.world.states.add(
            subscription=np.array([subscription]), day=number_of(day), state=state
        )

    def add(self, subscription: int, day: str, product: int, interval: int, quantity: int) -> int:
        item = int(
            self.world.items.add(subscription=np.array([subscription]), created=second(day))[0]
        )
        self.change(item, day, product, interval, quantity)
        return item

    def change(
        self, item: int, day: str, product: int, interval: int, quantity: int, hour: int = 10
    ) -> None:
        subscription = self.world.items.columns()["subscription"][item]
        currency = int(self.world.subscriptions["currency"][subscription])
        self.world.item_versions.add(
            item=np.array([item]),
            at=second(day, hour),
            price=int(price_number(product, interval, currency)),
            quantity=quantity,
        )

    def discount(self, start: str, duration: int, *, millipercent: int = 0, **more: int) -> None:
        self.world.discounts.add(
            customer=np.array([0]),
            millipercent=millipercent,
            duration=duration,
            start_at=second(start),
            **more,
        )

    def months(self) -> list[dict[str, str]]:
        """Month rows with their amounts as text, nothing where an amount is 0."""
        rows = true_mrr(self.world, build_timeline(self.world)).months
        return [
            {
                name: str(Decimal(int(values[row])) / 100)
                for name, values in rows.items()
                if name not in ("customer", "month") and values[row]
            }
            for row in range(len(rows["month"]))
        ]

    def closings(self) -> list[str]:
        return [row.get("closing", "0") for row in self.months()]


@pytest.mark.parametrize(
    ("product", "interval", "quantity", "expected"),
    [
        (STARTER, MONTHLY, 1, "29"),
        (STARTER, QUARTERLY, 1, "29"),
        # A year costs ten months: 10 seats of 125.00 a year are 104.1666... a month.
        (TEAM, MONTHLY, 10, "125"),
        (TEAM, ANNUAL, 10, "104.17"),
        # 10 seats of 24.75 and 49.00 for the first tier, 2 seats of 19.95.
        (BUSINESS, MONTHLY, 12, "336.4"),
        # All 51 seats at the price of the tier that 51 falls in, and its 299.00.
        (ENTERPRISE, MONTHLY, 51, "1982"),
    ],
)
def test_a_price_comes_to_its_month(
    product: int, interval: int, quantity: int, expected: str
) -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10"), "2026-01-10", product, interval, quantity)
    assert company.closings()[0] == expected


@pytest.mark.parametrize(
    ("currency", "native"),
    [("EUR", "26.97"), ("GBP", "22.91"), ("JPY", "4350"), ("KWD", "8.903")],
)
def test_a_foreign_month_is_valued_at_the_last_rate_landed(currency: str, native: str) -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10", currency), "2026-01-10", STARTER, MONTHLY, 1)
    rates = daily_rates(company.world.config)
    mine = rates["currency"] == CURRENCIES.index(currency)
    # 31 January 2026 is a Saturday: Friday's rate counts.
    scaled = rates["rate"][mine & (rates["rate_day"] == number_of("2026-01-30"))][0]
    cents = (Decimal(native) * Decimal(int(scaled)) / Decimal(10**8)).quantize(
        Decimal("0.01"), ROUND_HALF_UP
    )
    assert Decimal(company.closings()[0]) == cents


def test_rates_are_missing_on_weekends() -> None:
    days = daily_rates(Company().world.config)["rate_day"]
    weekdays = {(date(1970, 1, 1).toordinal() + int(day) - 1) % 7 for day in days}
    assert weekdays == {0, 1, 2, 3, 4}


def test_each_change_is_a_movement_and_the_last_of_a_day_counts() -> None:
    company = Company()
    subscription = company.subscribe("2026-01-10")
    item = company.add(subscription, "2026-01-10", TEAM, MONTHLY, 10)
    company.change(item, "2026-02-05", TEAM, MONTHLY, 99, hour=9)
    company.change(item, "2026-02-05", TEAM, MONTHLY, 12)
    company.change(item, "2026-03-05", TEAM, MONTHLY, 8)
    company.turn(subscription, "2026-04-20", CANCELED)
    company.turn(subscription, "2026-06-02", ACTIVE)
    assert company.months() == [
        {"new": "125", "closing": "125"},
        {"opening": "125", "expansion": "25", "closing": "150"},
        {"opening": "150", "contraction": "-50", "closing": "100"},
        {"opening": "100", "churn": "-100"},
        # In May the price went up by 8 %, out of service.
        {"reactivation": "108", "closing": "108"},
    ]


def test_a_new_list_price_moves_everyone_who_has_it() -> None:
    company = Company()
    company.add(company.subscribe("2026-04-01"), "2026-04-01", TEAM, MONTHLY, 10)
    assert company.months()[1] == {"opening": "125", "expansion": "10", "closing": "135"}


def test_what_begins_and_ends_on_one_day_never_was() -> None:
    company = Company()
    subscription = company.subscribe("2026-01-10")
    company.add(subscription, "2026-01-10", TEAM, MONTHLY, 10)
    company.turn(subscription, "2026-01-10", CANCELED)
    assert company.months() == []


@pytest.mark.parametrize(
    ("state", "counts"),
    [(TRIALING, False), (ACTIVE, True), (PAST_DUE, True), (UNPAID, False), (PAUSED, False)],
)
def test_only_active_and_past_due_count(state: int, counts: bool) -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10", state=state), "2026-01-10", TEAM, MONTHLY, 10)
    assert (company.months() != []) == counts


def test_percents_multiply_and_end_when_their_months_are_over() -> None:
    company = Company()
    company.add(company.subscribe("2026-01-31"), "2026-01-31", TEAM, MONTHLY, 10)
    # 31 January plus one month is 28 February: on that day the 10 % are gone.
    company.discount("2026-01-31", LASTING, millipercent=20_000)
    company.discount("2026-01-31", REPEATING, millipercent=10_000, months=1)
    assert company.closings()[:2] == ["90", "100"]


def test_an_amount_is_taken_after_the_percent_that_came_before_it() -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10"), "2026-01-10", TEAM, MONTHLY, 10)
    company.discount("2026-01-10", LASTING, millipercent=20_000)
    company.discount("2026-01-11", LASTING, amount_off=1_000, currency=0)
    # 125.00 less 20 % is 100.00, less 10.00; the other way round it would be 92.00.
    assert company.closings()[0] == "90"


def test_an_amount_off_a_year_is_a_twelfth_a_month_and_once_covers_the_year() -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10"), "2026-01-10", STARTER, ANNUAL, 1)
    company.discount("2026-01-10", ONCE, amount_off=6_000, currency=0)
    # 290.00 a year are 24.1666..., less 5.00.
    assert company.closings() == ["19.17"] * 6


def test_once_covers_one_month_of_a_monthly_price() -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10"), "2026-01-10", STARTER, MONTHLY, 1)
    company.discount("2026-01-10", ONCE, millipercent=50_000)
    assert company.closings()[:2] == ["14.5", "29"]


def test_a_customers_amount_is_shared_by_what_the_items_cost() -> None:
    company = Company()
    annual = company.subscribe("2026-01-10")
    company.add(annual, "2026-01-10", STARTER, ANNUAL, 1)
    monthly = company.subscribe("2026-01-10")
    company.add(monthly, "2026-01-10", INSIGHTS, MONTHLY, 1)
    company.discount("2026-01-10", LASTING, amount_off=1_200, currency=0)
    # a = 24.1666..., b = 49.00, M = a + b: a(1 - 1.00/M) + b(1 - 12.00/M) = M - (a + 12b)/M.
    a, b = Decimal(290) / 12, Decimal(49)
    expected = (a + b - (a + 12 * b) / (a + b)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert Decimal(company.closings()[0]) == expected


def test_an_amount_larger_than_the_price_leaves_nothing_and_no_customer() -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10"), "2026-01-10", STARTER, MONTHLY, 1)
    company.discount("2026-01-10", REPEATING, amount_off=9_900, currency=0, months=2)
    assert company.months()[0] == {"new": "29", "closing": "29"}
    assert len(company.months()) == 4


def test_a_deleted_customer_is_out_until_brought_back() -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10"), "2026-01-10", STARTER, MONTHLY, 1)
    company.world.deletions.add(
        customer=np.array([0]), at=second("2026-02-27"), until=second("2026-03-02")
    )
    assert company.months()[:3] == [
        {"new": "29", "closing": "29"},
        {"opening": "29", "churn": "-29"},
        {"reactivation": "29", "closing": "29"},
    ]


def test_rates_alone_move_nothing_but_fx() -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10", "EUR"), "2026-01-10", TEAM, MONTHLY, 100)
    rows = company.months()
    assert set(rows[1]) == {"opening", "fx", "closing"}
    assert Decimal(rows[1]["opening"]) + Decimal(rows[1]["fx"]) == Decimal(rows[1]["closing"])


def test_two_currencies_are_summed_before_rounding() -> None:
    company = Company()
    company.add(company.subscribe("2026-01-10", "EUR"), "2026-01-10", STARTER, ANNUAL, 1)
    company.add(company.subscribe("2026-01-10", "KWD"), "2026-01-10", STARTER, ANNUAL, 1)
    rates = daily_rates(company.world.config)

    def rate(currency: str) -> Decimal:
        mine = rates["currency"] == CURRENCIES.index(currency)
        on_friday = rates["rate_day"] == number_of("2026-01-30")
        return Decimal(int(rates["rate"][mine & on_friday][0])) / 10**8

    exact = Decimal("269.70") / 12 * rate("EUR") + Decimal("89.03") / 12 * rate("KWD")
    assert Decimal(company.closings()[0]) == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
