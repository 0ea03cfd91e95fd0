"""The statistics of every experiment: what the dbt model `int_experiments_tested` returns."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from orchestration.analysis.experiments import (
    Effect,
    TooFewAccountsError,
    cell_difference,
    detectable_effect,
    proportion_difference,
    sample_ratio_p_value,
    welch_difference,
)

SCHEMA = pa.schema(
    [
        ("experiment_id", pa.string()),
        ("target_measured", pa.int64()),
        ("control_measured", pa.int64()),
        ("target_before", pa.float64()),
        ("target_after", pa.float64()),
        ("control_before", pa.float64()),
        ("control_after", pa.float64()),
        ("effect", pa.float64()),
        ("effect_low", pa.float64()),
        ("effect_high", pa.float64()),
        ("p_value", pa.float64()),
        ("method", pa.string()),
        ("sample_ratio_p_value", pa.float64()),
        ("detectable_effect", pa.float64()),
        ("smallest_effect", pa.float64()),
        ("required_accounts", pa.int64()),
    ]
)

Row = Mapping[str, Any]


def experiment_statistics(accounts: pa.Table, experiments: pa.Table, rules: pa.Table) -> pa.Table:
    """Test every experiment that has accounts.

    Args:
        accounts: experiment_id, account_id, variant, is_observed, before_value, after_value; one
            row per experiment and account that is in one variant only.
        experiments: experiment_id, kpi, expected_target_share.
        rules: kpi, smallest_effect, is_relative, significance_level, power (seed experiment_rules).

    Returns:
        One row per experiment, with the columns of SCHEMA; what cannot be said is null.
    """
    members: dict[str, list[Row]] = defaultdict(list)
    for row in accounts.to_pylist():
        members[str(row["experiment_id"])].append(row)
    by_kpi = {str(row["kpi"]): row for row in rules.to_pylist()}
    rows = [
        _tested(experiment, members[experiment["experiment_id"]], by_kpi.get(experiment["kpi"]))
        for experiment in experiments.to_pylist()
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["experiment_id"]), SCHEMA)


def _tested(experiment: Row, members: Sequence[Row], rule: Row | None) -> dict[str, Any]:
    kpi = str(experiment["kpi"])
    # Sums of floats depend on their order: accounts come in one that nothing else decides.
    ordered = sorted(members, key=lambda row: str(row["account_id"]))
    measured = [row for row in ordered if _is_measured(kpi, row)]
    target = [row for row in measured if row["variant"] == "target"]
    control = [row for row in measured if row["variant"] == "control"]
    share = experiment["expected_target_share"]
    result: dict[str, Any] = {
        "experiment_id": experiment["experiment_id"],
        "target_measured": len(target),
        "control_measured": len(control),
        "target_before": _mean(target, "before_value"),
        "target_after": _mean(target, "after_value"),
        "control_before": _mean(control, "before_value"),
        "control_after": _mean(control, "after_value"),
        "sample_ratio_p_value": None
        if share is None
        else sample_ratio_p_value(
            sum(row["variant"] == "target" for row in members),
            sum(row["variant"] == "control" for row in members),
            float(share),
        ),
    }
    if rule is None:
        return result
    effect = _effect(kpi, target, control, float(rule["significance_level"]))
    if effect is None:
        return result
    return result | _sizes(effect, rule, result, min(len(target), len(control)))


def _is_measured(kpi: str, row: Row) -> bool:
    """Whether an account counts: its days are over, and it has what the KPI is about."""
    if not row["is_observed"]:
        return False
    if kpi == "logo_retention":
        # Who did not pay when the treatment began cannot be kept.
        return bool(row["before_value"] == 1)
    if kpi == "nps":
        return row["before_value"] is not None or row["after_value"] is not None
    return row["before_value"] is not None and row["after_value"] is not None


def _effect(kpi: str, target: Sequence[Row], control: Sequence[Row], alpha: float) -> Effect | None:
    """The estimate, or None where there are too few accounts for any."""
    try:
        if kpi == "logo_retention":
            kept = [sum(int(row["after_value"]) for row in group) for group in (target, control)]
            return proportion_difference(kept[0], len(target), kept[1], len(control), alpha)
        if kpi == "nps":
            both = [*target, *control]
            return cell_difference(
                [row["before_value"] for row in both],
                [row["after_value"] for row in both],
                [row["variant"] == "target" for row in both],
                alpha,
            )
        changes = [
            [float(row["after_value"]) - float(row["before_value"]) for row in group]
            for group in (target, control)
        ]
        return welch_difference(changes[0], changes[1], alpha)
    except TooFewAccountsError:
        return None


def _sizes(effect: Effect, rule: Row, result: Row, accounts: int) -> dict[str, Any]:
    """The effect, what could have been seen, and how many accounts a smaller one needs."""
    smallest: float | None = float(rule["smallest_effect"])
    if rule["is_relative"]:
        base = result["control_before"]
        smallest = smallest * base if smallest is not None and base else None
    detectable, required = None, None
    if effect.standard_error:
        alpha, power = float(rule["significance_level"]), float(rule["power"])
        detectable = detectable_effect(effect.standard_error, alpha, power)
        # An error shrinks with the root of the accounts.
        if smallest:
            required = math.ceil(accounts * (detectable / smallest) ** 2)
    return {
        "effect": effect.estimate,
        "effect_low": effect.low,
        "effect_high": effect.high,
        "p_value": effect.p_value,
        "method": effect.method,
        "detectable_effect": detectable,
        "smallest_effect": smallest,
        "required_accounts": required,
    }


def _mean(rows: Sequence[Row], column: str) -> float | None:
    values = [float(row[column]) for row in rows if row[column] is not None]
    return math.fsum(values) / len(values) if values else None
