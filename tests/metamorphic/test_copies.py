"""Changed copies of tenants beside the tenants themselves, in one warehouse (faults.md 12-17)."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.metamorphic import relations
from tests.metamorphic.marts import build, histories, shipped_policies
from tests.oracle.months import KINDS
from tests.properties.expected import MONTHS, MOVEMENTS, Fact, Figures
from tests.properties.histories import Row, Tenant, make_world
from tests.properties.warehouse import Built
from tests.support.dbt_runner import DbtProject

# No leap day from a year before the first row to a year after the last one.
WORLD = make_world(3, date(2022, 5, 31), "UTC", "USD")
COUNT = 24
TENANTS = histories(WORLD, COUNT, 0)
SCALE = 100

# Whole multiples of the parts of a month, so that no cent is ever rounded.
EXACT = frozenset({"discount", "discount_stack", "foreign_currency", "odd_interval", "tiered"})
ROUND_TENANTS = [relations.scaled(one, 1200) for one in histories(WORLD, COUNT, 500, EXACT)]

ByPolicy = Mapping[str, Figures]


def chance(number: int) -> random.Random:
    return random.Random(number)


RENAMED = [relations.renamed(one, chance(number)) for number, one in enumerate(TENANTS)]
COPIES: dict[str, Sequence[Tenant]] = {
    "same": TENANTS,
    "permuted": [relations.permuted(one, chance(n)) for n, one in enumerate(TENANTS)],
    "duplicated": [relations.duplicated(one, chance(n)) for n, one in enumerate(TENANTS)],
    "renamed": [one for one, _ in RENAMED],
    "split_lines": [relations.with_split_lines(one) for one in TENANTS],
    "one_off": [relations.with_one_off_invoice(one) for one in TENANTS],
    "round": ROUND_TENANTS,
    "scaled": [relations.scaled(one, SCALE) for one in ROUND_TENANTS],
    "merged": [relations.merged(one) for one in ROUND_TENANTS],
    "midday": [relations.at_hour(one, 9) for one in TENANTS],
}


class Copies:
    """The figures of a run by copy."""

    def __init__(self, built: Built, names: Sequence[str]) -> None:
        self.built = built
        self._figures: dict[str, list[dict[str, Figures]]] = {}
        first = 0
        for name in names:
            count = len(COPIES[name])
            self._figures[name] = built.figures[first : first + count]
            first += count

    def of(self, name: str) -> list[dict[str, Figures]]:
        return self._figures[name]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    return DbtProject(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="module")
def copies(project: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    everybody = [tenant for some in COPIES.values() for tenant in some]
    folder = tmp_path_factory.mktemp("copies") / "run"
    return Copies(build(project, folder, WORLD, everybody), list(COPIES))


@pytest.fixture(scope="module")
def next_year(project: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Built:
    world = replace(
        WORLD,
        as_of=relations.a_year_later(WORLD.as_of),
        rates=tuple((relations.a_year_later(day), code, rate) for day, code, rate in WORLD.rates),
    )
    tenants = [relations.shifted(one) for one in TENANTS]
    return build(project, tmp_path_factory.mktemp("shifted") / "run", world, tenants)


@pytest.fixture(scope="module")
def in_kolkata(project: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Built:
    world = replace(WORLD, zone="Asia/Kolkata")
    tenants = [*COPIES["midday"], late_evening("s", datetime(2022, 3, 9, 18, 29, 59)),
               late_evening("s", datetime(2022, 3, 9, 18, 30))]  # fmt: skip
    return build(project, tmp_path_factory.mktemp("kolkata") / "run", world, tenants)


def late_evening(identity: str, at: datetime) -> Tenant:
    """One customer who pays 10 a month from a moment on."""
    day = datetime(2022, 1, 1)
    rows: dict[str, list[Row]] = {
        "billing.customers": [{"id": "c1", "created": day, "updated_at": day}],
        "billing.prices": [{"id": "p1", "product_id": "prod", "currency": "usd",
                            "unit_amount": 1000, "interval": "month", "created": day,
                            "updated_at": day}],
        "billing.subscriptions": [{"id": identity, "customer_id": "c1", "status": "active",
                                   "start_date": at, "created": at, "updated_at": at}],
        "billing.subscription_items": [{"id": "i1", "subscription_id": identity, "price_id": "p1",
                                        "quantity": 1, "created": at, "updated_at": at}],
    }  # fmt: skip
    return Tenant(seed=0, features=frozenset(), rows=rows)


def assert_same(
    one: Sequence[ByPolicy],
    other: Sequence[ByPolicy],
    policies: Sequence[str],
    changed: Callable[[int, str, Fact], Fact] = lambda number, mart, fact: fact,
) -> None:
    """The other tenants' facts, changed back, are the one's."""
    assert len(one) == len(other)
    for number, (left, right) in enumerate(zip(one, other, strict=True)):
        for policy_id in policies:
            for mart, facts in left[policy_id].facts.items():
                back = sorted(
                    (changed(number, mart, fact) for fact in right[policy_id].facts[mart]), key=str
                )
                assert facts == back, f"tenant {number} {TENANTS[number % COUNT].features}"


def ids(basis: str | None = None) -> list[str]:
    return [one.policy_id for one in shipped_policies() if basis in (None, one.mrr_basis)]


def test_the_histories_have_movements_of_all_types_under_every_policy(copies: Copies) -> None:
    for policy_id in ids():
        kinds = [fact[2] for one in copies.of("same") for fact in one[policy_id].facts[MOVEMENTS]]
        assert {"new", "churn", "expansion", "contraction"} <= set(kinds), policy_id
        assert len(kinds) > 2 * COUNT, policy_id


@pytest.mark.fault("I12", "I13", "I16")
@pytest.mark.parametrize("copy", ["permuted", "duplicated", "one_off"])
def test_order_and_duplicates_of_rows_and_one_off_invoices_change_nothing(
    copies: Copies, copy: str
) -> None:
    assert_same(copies.of("same"), copies.of(copy), ids())


@pytest.mark.fault("I16")
def test_an_invoice_line_split_in_two_changes_nothing_on_the_subscription_basis(
    copies: Copies,
) -> None:
    assert_same(copies.of("same"), copies.of("split_lines"), ids("subscription"))


@pytest.mark.fault("I16")
def test_renamed_ids_give_the_same_figures(copies: Copies) -> None:
    def back(number: int, mart: str, fact: Fact) -> Fact:
        return (RENAMED[number][1].get(fact[0], fact[0]), *fact[1:])

    def without_reason(some: Sequence[ByPolicy]) -> list[dict[str, Figures]]:
        # Of subscriptions worth the same the lowest id says why they left.
        return [
            {
                policy_id: Figures(
                    {
                        MOVEMENTS: [fact[:10] for fact in figures.facts[MOVEMENTS]],
                        MONTHS: figures.facts[MONTHS],
                    }
                ).sort()
                for policy_id, figures in one.items()
            }
            for one in some
        ]

    assert_same(
        without_reason(copies.of("same")), without_reason(copies.of("renamed")), ids(), back
    )


@pytest.mark.fault("I16")
def test_amounts_times_a_hundred_give_money_times_a_hundred(copies: Copies) -> None:
    def smaller(number: int, mart: str, fact: Fact) -> Fact:
        return tuple(
            Decimal(cell) / SCALE if isinstance(cell, int) and position else cell
            for position, cell in enumerate(fact)
        )

    assert_same(copies.of("round"), copies.of("scaled"), exact_policies(), smaller)


@pytest.mark.fault("I16", "F63")
def test_customers_that_are_merged_keep_their_total_and_are_neither_lost_nor_won(
    copies: Copies,
) -> None:
    several = [relations.is_mergeable(one) for one in ROUND_TENANTS]
    assert sum(several) >= 5
    compared = 0
    pairs = zip(copies.of("round"), copies.of("merged"), several, strict=True)
    for apart, together in ((one, other) for one, other, is_several in pairs if is_several):
        for policy_id in exact_policies():
            before, after = (sums_by_month(one[policy_id]) for one in (apart, together))
            for month in before.keys() | after.keys():
                # Opening and closing are what they were; what one wins or loses, all may not.
                assert after[month]["opening"] == before[month]["opening"]
                assert after[month]["closing"] == before[month]["closing"]
                assert after[month]["won"] <= before[month]["won"]
                assert 0 <= -after[month]["churn"] <= -before[month]["churn"]
                compared += after[month] != before[month]
            news = [fact for fact in together[policy_id].facts[MOVEMENTS] if fact[2] == "new"]
            assert len(news) <= 1
    assert compared > 0


def sums_by_month(figures: Figures) -> dict[date, Counter[str]]:
    """Over all customers: opening, closing, churn, and what is new or comes back."""
    found: dict[date, Counter[str]] = defaultdict(Counter)
    for _, month, opening, *amounts, closing in figures.facts[MONTHS]:
        by_kind = dict(zip(KINDS, amounts, strict=True))
        found[month].update(
            opening=opening,
            closing=closing,
            churn=by_kind["churn"],
            won=by_kind["new"] + by_kind["reactivation"],
        )
    return found


def exact_policies() -> list[str]:
    """Those under which nothing of the round tenants is ever rounded."""
    exact = [
        one.policy_id
        for one in shipped_policies()
        if one.mrr_basis == "subscription" and one.refunds == "ignored"
    ]
    assert len(exact) >= 5
    return exact


@pytest.mark.fault("I16")
def test_all_dates_a_year_later_give_the_same_figures_a_year_later(
    copies: Copies, next_year: Built
) -> None:
    def back(number: int, mart: str, fact: Fact) -> Fact:
        return tuple(
            cell.replace(year=cell.year - 1) if isinstance(cell, date) else cell for cell in fact
        )

    assert_same(copies.of("same"), next_year.figures, ids(), back)


@pytest.mark.fault("I03", "I16")
def test_the_months_of_several_tenants_are_the_sums_of_each(
    copies: Copies, next_year: Built
) -> None:
    # The second warehouse holds these tenants alone (a year later); in the first they stand
    # among many others.
    expected: dict[tuple[str, date], list[int]] = {}
    for one in copies.of("same"):
        for policy_id, figures in one.items():
            for _, month, *money in figures.facts[MONTHS]:
                sums = expected.setdefault((policy_id, relations.a_year_later(month)), [0] * 8)
                for position, amount in enumerate(money):
                    sums[position] += amount
    found = {
        (policy_id, month): list(sums[:8])
        for policy_id, by_month in next_year.months.items()
        for (month,), sums in by_month.items()
    }
    assert {key: sums for key, sums in found.items() if any(sums)} == {
        key: sums for key, sums in expected.items() if any(sums)
    }


@pytest.mark.fault("I17")
def test_the_reporting_zone_moves_nothing_that_is_hours_from_midnight(
    copies: Copies, in_kolkata: Built
) -> None:
    assert_same(copies.of("midday"), in_kolkata.figures[:COUNT], ids())


@pytest.mark.fault("I17")
def test_the_reporting_zone_moves_what_is_within_its_offset_of_midnight(in_kolkata: Built) -> None:
    before, after = (
        one["board_strict"].facts[MOVEMENTS] for one in in_kolkata.figures[COUNT : COUNT + 2]
    )
    assert [(fact[1], fact[2]) for fact in before] == [(date(2022, 3, 9), "new")]
    assert [(fact[1], fact[2]) for fact in after] == [(date(2022, 3, 10), "new")]
