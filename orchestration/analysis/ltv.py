"""Projected lifetime value: what customers who are still there are expected to bring."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from orchestration.analysis.sbg import (
    SbgFit,
    at_risk,
    fit,
    likely_models,
    residual_lifetimes,
)

GROUP = ("policy_id", "segment_type", "segment_value")

SCHEMA = pa.schema(
    [(column, pa.string()) for column in GROUP]
    + [
        ("customers_at_risk", pa.int64()),
        ("customers_lost", pa.int64()),
        ("customers_active", pa.int64()),
        ("alpha", pa.float64()),
        ("beta", pa.float64()),
        ("mean_churn", pa.float64()),
        ("polarization", pa.float64()),
        ("future_margin", pa.decimal128(18, 2)),
        ("future_low", pa.decimal128(18, 2)),
        ("future_high", pa.decimal128(18, 2)),
        ("reason", pa.string()),
    ]
)

_CENT = Decimal("0.01")
_LARGEST = 1e15


@dataclass(frozen=True)
class AgeCount:
    """Customers of a group by age in completed periods (months).

    Attributes:
        age: period in which customers were lost, after which they were last seen, or completed
            periods of those who are active.
        lost: lost in this period.
        kept: still there when last seen, after this period.
        active: active now at this age.
        active_margin: their gross margin of a month, reporting currency.
    """

    age: int
    lost: int
    kept: int
    active: int
    active_margin: Decimal


@dataclass(frozen=True)
class Projection:
    """What the active customers of a group are still expected to bring.

    Attributes:
        customers_at_risk: customers whose first period was seen to its end.
        customers_lost: of these, lost in a period that was seen to its end.
        customers_active: active now.
        fit: the model; None where it cannot be fitted.
        future_margin: discounted, reporting currency; None where it cannot be said.
        future_low: low end of its 95 % interval.
        future_high: high end; None where it has none.
        reason: why future_margin is None: `no_completed_period`, `one_customer` (was at risk),
            `no_margin` (0 or below) or `no_churn`.
    """

    customers_at_risk: int
    customers_lost: int
    customers_active: int
    fit: SbgFit | None
    future_margin: Decimal | None
    future_low: Decimal | None
    future_high: Decimal | None
    reason: str | None


def project(counts: Sequence[AgeCount], monthly_discount_rate: float) -> Projection:
    """Fit the lifetimes of a group and value the renewals that its active customers still make.

    The interval is the profile-likelihood interval of the value: it holds what the counts leave
    open about churn, not what future prices do. Where they say little it is wide, never infinite:
    the discount bounds it.

    Args:
        counts: the group by age, one entry per age.
        monthly_discount_rate: fraction per month, 0 or more.
    """
    longest = max((count.age for count in counts), default=0)
    lost, kept = np.zeros(longest), np.zeros(longest)
    for count in counts:
        if count.age > 0:
            lost[count.age - 1] += count.lost
            kept[count.age - 1] += count.kept
    risk = at_risk(lost, kept)
    active = sum(count.active for count in counts)
    seen = int(risk[0]) if longest else 0
    if active == 0:
        nothing = Decimal("0.00")
        fitted = fit(risk, lost) if lost.sum() > 0 else None
        return Projection(seen, int(lost.sum()), 0, fitted, nothing, nothing, nothing, None)
    reason = _reason(seen, sum(count.active_margin for count in counts), bool(lost.any()))
    if reason:
        return Projection(seen, int(lost.sum()), active, None, None, None, None, reason)
    fitted = fit(risk, lost)
    ages = np.array([count.age for count in counts if count.active])
    margins = np.array([float(count.active_margin) for count in counts if count.active])

    churn, polarization = likely_models(risk, lost, fitted)
    lifetimes = residual_lifetimes(
        np.append(churn, fitted.mean_churn),
        np.append(polarization, fitted.polarization),
        monthly_discount_rate,
        int(ages.max()),
    )
    # The fit itself is the last of the models.
    values = lifetimes[:, ages] @ margins
    return Projection(
        customers_at_risk=seen,
        customers_lost=int(lost.sum()),
        customers_active=active,
        fit=fitted,
        future_margin=_money(float(values[-1])),
        future_low=_money(float(values.min())),
        future_high=_money(float(values.max())),
        reason=None,
    )


def _reason(seen: int, margin: Decimal | int, has_lost: bool) -> str | None:
    """Why nothing can be said, the first that holds; None where it can."""
    if seen == 0:
        return "no_completed_period"
    if seen == 1:
        return "one_customer"
    if margin <= 0:
        return "no_margin"
    return None if has_lost else "no_churn"


def _money(amount: float | None) -> Decimal | None:
    """To cents, half up; None beyond any amount that could be meant."""
    if amount is None or not math.isfinite(amount) or abs(amount) >= _LARGEST:
        return None
    return Decimal(repr(amount)).quantize(_CENT, ROUND_HALF_UP)


def project_lifetimes(lifetimes: pa.Table) -> pa.Table:
    """Project every group of a table: what the dbt model `int_ltv_projected_fitted` returns.

    Args:
        lifetimes: columns policy_id, segment_type, segment_value, age, lost, kept, active,
            active_margin, monthly_discount_rate; one row per group and age, in any order.

    Returns:
        One row per group with the columns of SCHEMA; empty for an empty table.
    """
    groups: dict[tuple[str, ...], list[AgeCount]] = defaultdict(list)
    rates: dict[tuple[str, ...], float] = {}
    for row in lifetimes.to_pylist():
        group = tuple(str(row[column]) for column in GROUP)
        groups[group].append(_age_count(row))
        rates[group] = float(row["monthly_discount_rate"])
    # Policies that agree on the lifetimes, and segments that hold everyone, share a projection.
    known: dict[tuple[object, ...], Projection] = {}
    rows: list[dict[str, Any]] = []
    for group in sorted(groups):
        counts = sorted(groups[group], key=lambda count: count.age)
        same = (*counts, rates[group])
        if same not in known:
            known[same] = project(counts, rates[group])
        rows.append(_row(group, known[same]))
    return pa.Table.from_pylist(rows, SCHEMA)


def _age_count(row: Mapping[str, Any]) -> AgeCount:
    return AgeCount(
        age=int(row["age"]),
        lost=int(row["lost"]),
        kept=int(row["kept"]),
        active=int(row["active"]),
        active_margin=Decimal(row["active_margin"]),
    )


def _row(group: tuple[str, ...], projection: Projection) -> dict[str, Any]:
    fitted = projection.fit
    return {
        **dict(zip(GROUP, group, strict=True)),
        "customers_at_risk": projection.customers_at_risk,
        "customers_lost": projection.customers_lost,
        "customers_active": projection.customers_active,
        "alpha": fitted.alpha if fitted else None,
        "beta": fitted.beta if fitted else None,
        "mean_churn": fitted.mean_churn if fitted else None,
        "polarization": fitted.polarization if fitted else None,
        "future_margin": projection.future_margin,
        "future_low": projection.future_low,
        "future_high": projection.future_high,
        "reason": projection.reason,
    }
