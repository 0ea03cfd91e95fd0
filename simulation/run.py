"""One simulation from settings to files: the landing folder, and the truth apart from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulation import (
    billing,
    customer_success,
    gtm,
    payments,
    product,
    spend,
    subscriptions,
    usage,
)
from simulation.company import simulate_company
from simulation.config import SimulationConfig, SimulationError
from simulation.invoicing import make_invoices
from simulation.people import make_users
from simulation.timeline import Timeline, build_timeline
from simulation.truth import Truth, true_mrr
from simulation.truth_files import write_truth
from simulation.world import World
from simulation.writer import LandedFile, land_all


@dataclass(frozen=True)
class SimulatedCompany:
    """A company in memory: its log, its intervals, and its true MRR."""

    world: World
    timeline: Timeline
    truth: Truth


def simulate(config: SimulationConfig) -> SimulatedCompany:
    """The company without writing anything."""
    world = simulate_company(config)
    timeline = build_timeline(world)
    return SimulatedCompany(world, timeline, true_mrr(world, timeline))


def write_company(company: SimulatedCompany, landing: Path, truth: Path) -> list[LandedFile]:
    """Write the landing files and the truth.

    Raises:
        SimulationError: a folder holds files already, one lies in the other, or cannot be written.
    """
    landing, truth = landing.resolve(), truth.resolve()
    if landing == truth or landing in truth.parents or truth in landing.parents:
        raise SimulationError(
            f"landing {landing} and truth {truth} lie in one another; what is landed must not "
            "hold the truth: use two folders side by side."
        )
    for folder in (landing, truth):
        _prepare(folder)
    world, timeline = company.world, company.timeline
    periods = subscriptions.billing_periods(world)
    invoicing = make_invoices(world, timeline, company.truth, periods)
    users = make_users(world)
    cards = payments.payment_methods(world)
    attempts = payments.payments(world, invoicing, cards)
    tables = [
        billing.customers_table(world),
        billing.products_table(world),
        billing.prices_table(world),
        subscriptions.subscriptions_table(world, periods),
        subscriptions.items_table(world, payments.lost_first_versions(world, invoicing)),
        subscriptions.discounts_table(world),
        payments.invoices_table(world, invoicing),
        payments.lines_table(invoicing),
        payments.payment_methods_table(world, cards),
        payments.payments_table(attempts),
        payments.refunds_table(world, attempts),
        payments.credit_notes_table(world, invoicing),
        gtm.accounts_table(world),
        gtm.leads_table(world),
        customer_success.contacts_table(world),
        customer_success.outcomes_table(world),
        customer_success.nps_table(world, timeline),
        customer_success.tickets_table(world, timeline),
        customer_success.experiments_table(world),
        customer_success.assignments_table(world),
        spend.spend_table(world),
        spend.cost_of_revenue_table(world, company.truth),
        gtm.rates_table(world),
        usage.special_events_table(world),
        usage.users_table(world, users),
        usage.entitlements_table(world, timeline, users),
    ]
    files = land_all(tables, landing, world.config)
    files += product.land_events(world, product.plan_activity(world, timeline, users), landing)
    write_truth(world, company.truth, truth)
    return files


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise SimulationError(f"{folder} cannot be used: {error.strerror}.") from None
    if occupied:
        raise SimulationError(
            f"{folder} is not empty; landed files are never replaced: name an empty folder."
        )
