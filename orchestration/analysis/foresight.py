"""Do alerts and scores foresee churn: lift and area under the curve, with 95 % intervals.

Statistics on counts that SQL has made; the intervals are those of statsmodels.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from statsmodels.stats.nonparametric import rank_compare_2indep
from statsmodels.stats.proportion import proportion_confint

ALPHA = 0.05

LIFT_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("subject", pa.string()),
        ("scope", pa.string()),
        ("as_of_date", pa.date32()),
        ("lift", pa.float64()),
        ("lift_low", pa.float64()),
        ("lift_high", pa.float64()),
    ]
)

AREA_SCHEMA = pa.schema(
    [
        ("scope", pa.string()),
        ("as_of_date", pa.date32()),
        ("auc", pa.float64()),
        ("auc_low", pa.float64()),
        ("auc_high", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its 95 % interval; None where it cannot be said."""

    value: float | None
    low: float | None
    high: float | None


UNKNOWN = Estimate(None, None, None)


def lift(alerts: int, true_alerts: int, customers: int, churned: int) -> Estimate:
    """How many times likelier than the average customer an alerted one is to churn.

    The interval is the exact one of the alerted customers' churn rate (Clopper–Pearson,
    statsmodels) over the churn rate of all: it does not take one alert that came true for proof.

    Args:
        alerts: customers that were alerted.
        true_alerts: those of them that churned.
        customers: all customers.
        churned: those of them that churned.
    """
    if not alerts or not churned:
        return UNKNOWN
    base = churned / customers
    low, high = proportion_confint(true_alerts, alerts, alpha=ALPHA, method="beta")
    return Estimate(true_alerts / alerts / base, float(low) / base, float(high) / base)


def area_under_curve(
    scores: Sequence[float], stayed: Sequence[int], gone: Sequence[int]
) -> Estimate:
    """The probability that a customer who stays has the higher score; half of it where they tie.

    Value and interval are those of the Brunner–Munzel comparison (statsmodels).

    Args:
        scores: the scores that occur.
        stayed: customers with each score who stayed.
        gone: customers with each score who churned.
    """
    if sum(stayed) < 2 or sum(gone) < 2:
        return UNKNOWN
    high_is_good = np.repeat(np.asarray(scores, float), stayed)
    low_is_bad = np.repeat(np.asarray(scores, float), gone)
    with np.errstate(divide="ignore", invalid="ignore"):
        compared = rank_compare_2indep(high_is_good, low_is_bad)
        low, high = compared.conf_int(alpha=ALPHA)
    value = float(compared.prob1)
    if not (math.isfinite(low) and math.isfinite(high)):
        # Perfectly apart: the ranks do not vary, so there is no error to speak of.
        return Estimate(value, None, None)
    return Estimate(value, max(0.0, float(low)), min(1.0, float(high)))


def lifts(counts: pa.Table) -> pa.Table:
    """Lift per row of counts.

    Args:
        counts: columns kind, subject, scope, as_of_date, customers, churned, alerts, true_alerts.

    Returns:
        One row per row of counts, with the columns of LIFT_SCHEMA.
    """
    rows: list[dict[str, Any]] = []
    for row in counts.to_pylist():
        estimate = lift(row["alerts"], row["true_alerts"], row["customers"], row["churned"])
        rows.append(
            {name: row[name] for name in ("kind", "subject", "scope", "as_of_date")}
            | {"lift": estimate.value, "lift_low": estimate.low, "lift_high": estimate.high}
        )
    return pa.Table.from_pylist(rows, LIFT_SCHEMA)


def areas_under_curve(counts: pa.Table) -> pa.Table:
    """Area under the curve per scope and month end.

    Args:
        counts: columns scope, as_of_date, score, customers and churned; one row per score.

    Returns:
        One row per scope and month end, with the columns of AREA_SCHEMA.
    """
    groups: dict[tuple[str, Any], list[tuple[float, int, int]]] = defaultdict(list)
    for row in counts.to_pylist():
        groups[row["scope"], row["as_of_date"]].append(
            (float(row["score"]), row["customers"] - row["churned"], row["churned"])
        )
    rows = []
    for (scope, as_of_date), scored in sorted(groups.items()):
        estimate = area_under_curve(*zip(*sorted(scored), strict=True))
        rows.append(
            {
                "scope": scope,
                "as_of_date": as_of_date,
                "auc": estimate.value,
                "auc_low": estimate.low,
                "auc_high": estimate.high,
            }
        )
    return pa.Table.from_pylist(rows, AREA_SCHEMA)
