"""The pages, in the order of the navigation; each module makes its page of a release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.model import Page
from dashboard.pages.overview import overview
from dashboard.released import Released


@dataclass(frozen=True)
class Made:
    """A page and the marts without which it is left out."""

    make: Callable[[Released], Page]
    needs: tuple[str, ...]


PAGES: tuple[Made, ...] = (
    Made(
        overview,
        (
            "core.dim_metric_policies",
            "revenue.fct_mrr_by_month",
            "retention.fct_retention_by_period",
        ),
    ),
)
