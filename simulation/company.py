"""The company's life: all arrivals, then month by month what happens to them."""

from __future__ import annotations

from simulation.arrivals import arrive, found
from simulation.config import SimulationConfig, generator
from simulation.discounts import settle_forever_discounts
from simulation.months import live_month
from simulation.world import World


def simulate_company(config: SimulationConfig) -> World:
    """Everything that happens from the first day to the last one, and what was planned beyond."""
    world = found(config)
    rng = generator(config.seed, "life")
    arrive(world, rng)
    for month in range(config.months):
        live_month(world, rng, month)
    settle_forever_discounts(world, generator(config.seed, "discount ends"))
    return world
