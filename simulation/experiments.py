"""The company's experiments: when they run, and what they truly do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.config import SimulationConfig
from simulation.dates import first_day


@dataclass(frozen=True)
class Experiment:
    """An experiment and its true effect on the accounts of the target group while it runs.

    Attributes:
        begins: share of the company's life after which it begins.
        months: how long it runs.
        hazard_ratio: factor on the chance of asking to cancel.
        engagement: added to the hidden engagement.
        nps: added to the mean of the answers.
    """

    key: str
    name: str
    hypothesis: str
    kpi: str
    begins: float
    months: int
    hazard_ratio: float = 1.0
    engagement: float = 0.0
    nps: float = 0.0


EXPERIMENTS = (
    Experiment(
        "exp_coach",
        "Onboarding coach",
        "A named coach keeps more accounts.",
        "logo_retention",
        0.40,
        6,
        hazard_ratio=0.5,
    ),
    Experiment(
        "exp_digest",
        "Weekly digest",
        "A weekly summary by e-mail brings people back.",
        "active_days",
        0.55,
        4,
        engagement=0.6,
    ),
    Experiment(
        "exp_footer",
        "New footer",
        "A clearer footer keeps more accounts. (It truly does nothing.)",
        "logo_retention",
        0.50,
        6,
    ),
    Experiment(
        "exp_call",
        "Executive call",
        "A call from the founders raises satisfaction.",
        "nps",
        0.60,
        4,
        nps=1.2,
    ),
)


def month_bounds(config: SimulationConfig, month: int) -> tuple[int, int]:
    """First day of the company's month and the day after its last one, at most after as-of."""
    bounds = first_day(np.array([config.first_month + month, config.first_month + month + 1]))
    return int(bounds[0]), min(int(bounds[1]), config.as_of_day + 1)


def running(config: SimulationConfig, number: int, month: int) -> bool:
    """Whether the experiment runs in the company's month."""
    experiment = EXPERIMENTS[number]
    begins = int(experiment.begins * config.months)
    return config.months >= 8 and begins <= month < begins + experiment.months
