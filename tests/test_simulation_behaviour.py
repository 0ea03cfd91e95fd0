"""The simulated company behaves as it says, and its landed rows give its truth.

The rows are read by the oracle, an independent reading of docs/mrr_rules.md.
"""

from __future__ import annotations

import csv
from datetime import date
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pytest

from simulation.config import SimulationConfig
from simulation.dates import DAY, month_of
from simulation.experiments import EXPERIMENTS, running
from simulation.run import SimulatedCompany, simulate, write_company
from simulation.world import CHANNELS
from tests.oracle.policy import Policy
from tests.oracle.replay import Company, replay
from tests.oracle.versions import Settings
from tests.test_simulation_landing import contract, read_landing


@pytest.fixture(scope="module")
def company() -> SimulatedCompany:
    return simulate(SimulationConfig(customers=6_000, months=24, seed=5, as_of=date(2026, 10, 31)))


def area_under_curve(of_lost: np.ndarray, of_kept: np.ndarray) -> float:
    """The chance that one of the lost has a lower value than one of the kept."""
    order = np.concatenate([of_lost, of_kept]).argsort().argsort() + 1
    ranks = order[: len(of_lost)].sum()
    count = len(of_lost)
    return float(1 - (ranks - count * (count + 1) / 2) / (count * len(of_kept)))


def paying(company: SimulatedCompany) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer, month and whether it asked to cancel, of the months in which it could."""
    world = company.world
    customer, month = np.nonzero(world.churn_chance > 0)
    requests = world.cancel_requests.columns()
    asked = np.zeros(world.churn_chance.shape, dtype=bool)
    when = month_of(requests["at"] // DAY) - world.config.first_month
    known = (when >= 0) & (when < world.config.months)
    asked[requests["customer"][known], when[known]] = True
    return customer, month, asked[customer, month]


def test_the_hidden_engagement_separates_those_who_leave(company: SimulatedCompany) -> None:
    customer, month, asked = paying(company)
    engagement = company.world.engagement[customer, month]
    assert asked.sum() > 300
    assert area_under_curve(engagement[asked], engagement[~asked]) > 0.65


def test_the_true_chance_is_the_share_that_leaves(company: SimulatedCompany) -> None:
    customer, month, asked = paying(company)
    chance = company.world.churn_chance[customer, month]
    high = chance > np.median(chance)
    for group in (high, ~high):
        # Not every paying month is whole; and some ask while paused or in a second trial.
        assert 0.7 < asked[group].mean() / chance[group].mean() < 1.3


def test_events_show_the_engagement(tmp_path: Path) -> None:
    small = simulate(
        SimulationConfig(customers=300, months=12, seed=5, as_of=date(2026, 10, 31), clean=True)
    )
    write_company(small, tmp_path / "landing", tmp_path / "truth")
    counts = duckdb.sql(f"""
        with used as (
            select account_id, date_trunc('month', occurred_at)::date as month,
                count(*) as events, count(distinct event) as breadth
            from read_parquet('{tmp_path}/landing/product/events/*/events-*.parquet',
                hive_partitioning = false)
            group by all
        )
        select corr(ln(events), engagement), corr(breadth, engagement)
        from used join '{tmp_path}/truth/engagement.parquet' using (account_id, month)
    """).fetchall()[0]
    assert counts[0] > 0.4
    assert counts[1] > 0.4


def test_an_experiment_does_what_it_says_and_the_null_one_nothing(
    company: SimulatedCompany,
) -> None:
    world = company.world
    rows = world.assignments.columns()
    ratio = {}
    for number, experiment in enumerate(EXPERIMENTS):
        months = [m for m in range(world.config.months) if running(world.config, number, m)]
        mean = []
        for group in (1, 0):
            members = rows["customer"][
                (rows["experiment"] == number) & (rows["is_target"] == group)
            ]
            chance = world.churn_chance[np.ix_(members, months)]
            mean.append(chance[chance > 0].mean())
        ratio[experiment.key] = mean[0] / mean[1]
    assert ratio["exp_coach"] == pytest.approx(0.5, abs=0.12)
    assert ratio["exp_footer"] == pytest.approx(1.0, abs=0.2)


def test_every_kind_of_history_occurs(company: SimulatedCompany) -> None:
    world = company.world
    table = world.subscriptions
    per_customer = np.bincount(table["customer"])
    assert (per_customer > 1).sum() > 50
    assert len(np.unique(table["currency"])) == 5
    assert (table["created"] > table["start"]).any()
    assert (table["created"] < table["start"]).any()
    assert set(np.unique(company.timeline.states["state"])) == set(range(7))
    for log in (world.deletions, world.discount_ends, world.champions_left, world.failures):
        assert len(log) > 0
    assert (world.deletions.columns()["until"] > 0).any()
    versions = world.item_versions.columns()
    assert versions["deleted"].any()
    assert set(np.unique(world.discounts.columns()["duration"])) == {0, 1, 2}
    assert len(company.timeline.discounted["row"]) > 200


def test_channels_differ_as_their_customers_do(company: SimulatedCompany) -> None:
    channel = company.world.customers["channel"]
    chance = company.world.churn_chance
    mean = {
        name: chance[channel == number][chance[channel == number] > 0].mean()
        for number, name in enumerate(CHANNELS)
    }
    assert mean["referral"] < mean["paid_search"] < mean["paid_social"]


TABLES = (
    "billing/customers",
    "billing/prices",
    "billing/subscriptions",
    "billing/subscription_items",
    "billing/discounts",
    "billing/invoices",
    "billing/invoice_line_items",
    "billing/payments",
    "billing/refunds",
    "crm/accounts",
    "finance/fx_rates",
)


@pytest.mark.parametrize(
    ("customers", "months", "as_of"), [(300, 18, date(2026, 10, 31)), (100, 14, date(2024, 2, 18))]
)
def test_the_landed_rows_give_the_truth(
    tmp_path: Path, customers: int, months: int, as_of: date
) -> None:
    config = SimulationConfig(customers=customers, months=months, seed=3, as_of=as_of, events=0)
    write_company(simulate(config), tmp_path / "landing", tmp_path / "truth")
    landed = read_landing(tmp_path / "landing")
    rows: dict[str, list[dict[str, object]]] = {}
    for name in TABLES:
        columns = [column["name"] for column in contract()[name]["columns"]]
        distinct = landed.execute(f'select distinct * from "{name}"').fetchall()
        rows[name.replace("/", ".")] = [dict(zip(columns, row, strict=True)) for row in distinct]
    replayed = replay(Company(rows, Settings(as_of=as_of)), Policy())
    read = {
        (row.unit_id, row.month.isoformat()): {
            "opening": row.opening,
            **row.sums,
            "closing": row.closing,
        }
        for row in replayed.unit_months
    }
    with (tmp_path / "truth" / "mrr_movements.csv").open(encoding="utf-8") as file:
        true = {
            (row.pop("customer_id"), row.pop("month")): {
                name.removesuffix("_mrr"): Fraction(value) for name, value in row.items()
            }
            for row in csv.DictReader(file)
        }
    assert len(true) > 250
    assert read == true
    changes = {
        (move.unit_id, move.day.isoformat(), move.kind, move.before, move.after)
        for move in replayed.movements
        if move.kind != "fx"
    }
    with (tmp_path / "truth" / "mrr_changes.csv").open(encoding="utf-8") as file:
        told = {
            (
                row["customer_id"],
                row["date"],
                row["movement_type"],
                Fraction(row["mrr_before"]),
                Fraction(row["mrr_after"]),
            )
            for row in csv.DictReader(file)
        }
    assert changes == told
