"""The pages, in the order of the navigation; each module makes its page of a release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.model import Page
from dashboard.pages.customer import customer
from dashboard.pages.customer_success import customer_success
from dashboard.pages.data_health import data_health
from dashboard.pages.overview import overview
from dashboard.pages.retention import retention
from dashboard.pages.revenue import revenue
from dashboard.pages.unit_economics import unit_economics
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
    Made(
        revenue,
        (
            "core.dim_metric_policies",
            "core.dim_customers",
            "revenue.fct_mrr_by_month",
            "revenue.fct_mrr_by_customer_month",
            "retention.fct_retention_by_period",
        ),
    ),
    Made(
        retention,
        (
            "revenue.fct_mrr_by_month",
            "retention.fct_retention_by_cohort_month",
            "retention.fct_retention_curve",
            "retention.fct_survival_by_segment",
        ),
    ),
    Made(
        unit_economics,
        (
            "revenue.fct_mrr_by_month",
            "unit_economics.fct_acquisition_funnel_by_month",
            "unit_economics.fct_ltv_cac_by_channel",
            "unit_economics.fct_cac_payback_by_cohort",
            "unit_economics.fct_ltv_by_segment",
        ),
    ),
    Made(
        customer_success,
        (
            "core.dim_customers",
            "customer_success.fct_action_queue",
            "customer_success.fct_health_scores",
        ),
    ),
    Made(customer, ("core.dim_customers", "revenue.fct_mrr_by_customer_month")),
    Made(data_health, ("quality.run_log", "quality.check_results", "quality.load_log")),
)
