"""The metrics that can be explained: where each stands, and what it is made of.

A formula is text with the names of columns of the same row in braces; the explanation shows it
with the figures put in. The figures are those that were released: nothing is computed anew but
the check that they add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["money", "count", "rate"]

_MONTHS = "revenue.fct_mrr_by_month"
_PERIODS = "retention.fct_retention_by_period"

#: What an opening becomes a closing by, in the order of the waterfall.
MOVEMENT_TYPES = ("new", "reactivation", "expansion", "contraction", "churn", "fx")


@dataclass(frozen=True)
class Metric:
    """A released figure.

    Attributes:
        name: its column.
        title: as people say it.
        unit: money in the reporting currency, a count of customers, or a fraction.
        mart: the table that it stands in, at the grain of policy, month and segment.
        formula: what it is made of.
        types: the movements that are behind it; empty: all of the month.
        from_opening: whether what stood before the month is part of it.
    """

    name: str
    title: str
    unit: Unit
    mart: str
    formula: str
    types: tuple[str, ...] = ()
    from_opening: bool = False

    @property
    def month_column(self) -> str:
        """The column of the month in its mart."""
        return "month" if self.mart == _MONTHS else "period_start"


_WATERFALL = (
    "{opening_mrr} opening {new_mrr:+} new {reactivation_mrr:+} reactivation {expansion_mrr:+}"
    " expansion {contraction_mrr:+} contraction {churn_mrr:+} churn {fx_mrr:+} exchange rates"
)

_ALL = (
    Metric("opening_mrr", "Opening MRR", "money", _MONTHS, "closing MRR of the month before"),
    Metric("new_mrr", "New MRR", "money", _MONTHS, "sum of the movements new", ("new",)),
    Metric(
        "reactivation_mrr",
        "Reactivation MRR",
        "money",
        _MONTHS,
        "sum of the movements reactivation",
        ("reactivation",),
    ),
    Metric(
        "expansion_mrr",
        "Expansion MRR",
        "money",
        _MONTHS,
        "sum of the movements expansion",
        ("expansion",),
    ),
    Metric(
        "contraction_mrr",
        "Contraction MRR",
        "money",
        _MONTHS,
        "sum of the movements contraction",
        ("contraction",),
    ),
    Metric("churn_mrr", "Churned MRR", "money", _MONTHS, "sum of the movements churn", ("churn",)),
    Metric("fx_mrr", "Exchange rates", "money", _MONTHS, "sum of the movements fx", ("fx",)),
    Metric("closing_mrr", "Closing MRR", "money", _MONTHS, _WATERFALL, (), True),
    Metric("net_new_mrr", "Net new MRR", "money", _MONTHS, "{closing_mrr} - {opening_mrr}"),
    Metric("arr", "ARR", "money", _MONTHS, "12 x {closing_mrr} closing MRR", (), True),
    Metric(
        "arpa",
        "ARPA",
        "money",
        _MONTHS,
        "{closing_mrr} closing MRR / {closing_customers} customers",
        (),
        True,
    ),
    Metric(
        "quick_ratio",
        "Quick ratio",
        "rate",
        _MONTHS,
        "({new_mrr} + {expansion_mrr} + {reactivation_mrr}) / -({contraction_mrr} + {churn_mrr})",
        ("new", "expansion", "reactivation", "contraction", "churn"),
    ),
    Metric(
        "closing_customers",
        "Closing customers",
        "count",
        _MONTHS,
        "{opening_customers} opening + {new_customers} new + {reactivated_customers} came back"
        " - {churned_customers} churned",
        ("new", "reactivation", "churn"),
        True,
    ),
    Metric("new_customers", "New customers", "count", _MONTHS, "customers with new", ("new",)),
    Metric(
        "churned_customers",
        "Churned customers",
        "count",
        _MONTHS,
        "customers with a movement churn that have not come back by the month's end",
        ("churn",),
    ),
    Metric(
        "customer_retention_rate",
        "Customer retention",
        "rate",
        _PERIODS,
        "1 - {customers_lost_of_start} lost / {customers_start} customers at the start",
        ("churn",),
    ),
    Metric(
        "logo_churn_rate",
        "Logo churn",
        "rate",
        _PERIODS,
        "{customers_lost} lost / {churn_base_customers} customers",
        ("churn",),
    ),
    Metric(
        "gross_revenue_retention",
        "Gross revenue retention",
        "rate",
        _PERIODS,
        "{gross_retained_mrr} gross retained of {retention_base_mrr} at the start, per customer"
        " at most what it paid then",
        ("contraction", "churn", "fx"),
    ),
    Metric(
        "net_revenue_retention",
        "Net revenue retention",
        "rate",
        _PERIODS,
        "{retained_mrr} retained with expansion of {retention_base_mrr} at the start",
        ("expansion", "contraction", "churn", "reactivation", "fx"),
    ),
    Metric(
        "gross_mrr_churn_rate",
        "Gross MRR churn",
        "rate",
        _PERIODS,
        "-({contraction_mrr} contraction + {churn_mrr} churn) / {mrr_start} at the start",
        ("contraction", "churn"),
    ),
    Metric(
        "net_mrr_churn_rate",
        "Net MRR churn",
        "rate",
        _PERIODS,
        "-({contraction_mrr} contraction {churn_mrr:+} churn {expansion_mrr:+} expansion)"
        " / {mrr_start} at the start",
        ("contraction", "churn", "expansion"),
    ),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
