"""The csv seeds of experiments and lists, checked before anything is built.

Who is on a list, and what it takes to call an experiment, is rows (docs/customer_success_rules.md).
dbt reads the same files: this module only refuses what the models would compute wrongly or not at
all, such as a rule that a list asks for and no row has: it would find nobody, and say nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from orchestration.errors import ConfigurationError
from orchestration.seed_files import (
    Form,
    SeedRow,
    day,
    flag,
    name,
    number,
    one_of,
    optional,
    read_seed_of,
    text,
    whole,
)

KPIS = ("mrr", "logo_retention", "active_days", "feature_breadth", "nps")
STATUSES = ("paying", "trialing", "free", "churned", "lead")
CONTACT_ROLES = ("champion", "decision_maker", "economic_buyer", "user")

#: What the models ask `list_rules` for.
RULES: Mapping[str, Sequence[str]] = {
    "winback": ("minimum_days_away", "maximum_days_away", "return_days"),
    "silent_customers": ("silent_days",),
    "expiring_cards": ("days_ahead",),
    "trial_followups": ("days_back", "days_ahead"),
    "champion_candidates": ("days_back", "users_per_customer"),
    "portal": ("user_seen_days",),
    "quarterly_review": ("days",),
}
#: Lists that somebody may wish not to be on, beside the audiences.
LISTS = (
    "winback",
    "loyalty",
    "advocates",
    "case_studies",
    "trial_followups",
    "expiring_cards",
    "silent_customers",
    "champion_candidates",
)


def check_lists(seeds: Path) -> None:
    """Refuse seeds of lists and experiments by the rules of `check_customer_success`.

    Raises:
        ConfigurationError: a seed cannot be computed.
    """
    _check_experiment_rules(seeds)
    _check_list_rules(seeds)
    _check_loyalty_tiers(seeds)
    _check_advocacy_rules(seeds)
    audiences = _check_audience_rules(seeds)
    reasons = _check_approaches(seeds)
    _check_mended_reasons(seeds, reasons)
    _check_opt_outs(seeds, {*LISTS, *audiences})


def _check_experiment_rules(seeds: Path) -> None:
    share = number("0", "1", above=True)
    rows = read_seed_of(
        seeds,
        "experiment_rules",
        {
            "kpi": one_of(KPIS),
            "unit": text(),
            "minimum_accounts": number("2"),
            "smallest_effect": number("0", above=True),
            "is_relative": flag(),
            "significance_level": share,
            "power": share,
            "sample_ratio_significance": share,
            "note": optional(text()),
        },
        ("kpi",),
    )
    for row in rows:
        for column in ("significance_level", "power", "sample_ratio_significance"):
            if Decimal(row[column]) == 1:
                raise row.error(column, "use a number below 1")
    _need(seeds, "experiment_rules", rows, ("kpi",), [(kpi,) for kpi in KPIS])


def _check_list_rules(seeds: Path) -> None:
    rows = read_seed_of(
        seeds,
        "list_rules",
        {
            "list_key": one_of(RULES, "list"),
            "rule": name(),
            "value": whole(),
            "note": optional(text()),
        },
        ("list_key", "rule"),
    )
    for row in rows:
        if row["rule"] not in RULES[row["list_key"]]:
            raise row.error("rule", f"{row['list_key']} knows {', '.join(RULES[row['list_key']])}")
    pairs = [(key, rule) for key, rules in RULES.items() for rule in rules]
    _need(seeds, "list_rules", rows, ("list_key", "rule"), pairs)
    values = {row.key(("list_key", "rule")): row for row in rows}
    if rows:
        last = values["winback", "maximum_days_away"]
        if int(last["value"]) < int(values["winback", "minimum_days_away"]["value"]):
            raise last.error("value", "use at least the value of minimum_days_away")
        for key in (("quarterly_review", "days"), ("champion_candidates", "users_per_customer")):
            if int(values[key]["value"]) == 0:
                raise values[key].error("value", "use a whole number from 1")


def _check_loyalty_tiers(seeds: Path) -> None:
    rows = read_seed_of(
        seeds,
        "loyalty_tiers",
        {
            "tier_type": one_of(("tenure", "activity")),
            "tier": name(),
            "from_value": whole(),
            "to_value": optional(whole()),
            "reward": optional(text()),
            "note": optional(text()),
        },
        ("tier_type", "tier"),
        ("tier_type", "from_value"),
    )
    for tier_type in ("tenure", "activity"):
        tiers = [row for row in rows if row["tier_type"] == tier_type]
        tiers.sort(key=lambda row: int(row["from_value"]))
        for row, following in pairwise(tiers):
            if row["to_value"] != following["from_value"]:
                raise row.error(
                    "to_value",
                    f"use {following['from_value']}, where tier {following['tier']} "
                    f"on line {following.line} begins: every customer has one tier",
                )
        if tiers and tiers[-1]["to_value"]:
            raise tiers[-1].error("to_value", "leave it blank: the last tier has no end")


def _check_advocacy_rules(seeds: Path) -> None:
    count, share = optional(whole()), optional(number())
    read_seed_of(
        seeds,
        "advocacy_rules",
        {
            "rule_key": name(),
            "kind": one_of(("advocate", "case_study")),
            "minimum_tenure_days": count,
            "minimum_score": optional(number("0", "10")),
            "maximum_score_age_days": count,
            "minimum_active_days": count,
            "minimum_core_features": count,
            "minimum_mrr": optional(number("0")),
            "minimum_mrr_growth": share,
            "maximum_open_tickets": count,
            "minimum_health_score": optional(number("0", "100")),
            "approach": text(),
            "note": optional(text()),
        },
        ("rule_key",),
    )


def _check_audience_rules(seeds: Path) -> set[str]:
    count = optional(whole())
    rows = read_seed_of(
        seeds,
        "audience_rules",
        {
            "audience": name(),
            "statuses": _listed(STATUSES),
            "recipients": one_of(("contacts", "users")),
            "roles": optional(text()),
            "minimum_tenure_days": count,
            "minimum_active_days": count,
            "minimum_core_features": count,
            "minimum_days_since_answer": count,
            "maximum_open_tickets": count,
            "note": optional(text()),
        },
        ("audience",),
    )
    for row in rows:
        # Roles of users are the product's own words; those of contacts are the contract's.
        roles = _listed(CONTACT_ROLES)
        if row["recipients"] == "contacts" and row["roles"] and not roles.fits(row["roles"]):
            raise row.error("roles", roles.expected)
        if row["audience"] in LISTS:
            raise row.error("audience", "use another name: a list is called so")
    return {row["audience"] for row in rows}


def _check_approaches(seeds: Path) -> set[str]:
    forms = {"reason": name(), "approach": text(), "note": optional(text())}
    rows = read_seed_of(seeds, "winback_approaches", forms, ("reason",))
    _need(seeds, "winback_approaches", rows, ("reason",), [("unknown",)])
    return {row["reason"] for row in rows}


def _check_mended_reasons(seeds: Path, reasons: set[str]) -> None:
    read_seed_of(
        seeds,
        "mended_reasons",
        {
            "mended_reason_id": name(),
            "reason": one_of(reasons, "reason of winback_approaches.csv"),
            "plan": optional(text()),
            "mended_on": day(),
            "what": text(),
        },
        ("mended_reason_id",),
    )


def _check_opt_outs(seeds: Path, lists: set[str]) -> None:
    rows = read_seed_of(
        seeds,
        "outreach_opt_outs",
        {
            "opt_out_id": name(),
            "subject_type": one_of(("customer", "account", "contact", "user")),
            "subject_id": text(),
            "list_key": optional(one_of(lists, "list or audience")),
            "valid_from": day(),
            "valid_to": optional(day()),
            "reason": optional(text()),
        },
        ("opt_out_id",),
    )
    for row in rows:
        if row.to_date() <= row.from_date():
            raise row.error("valid_to", f"use a day after valid_from ({row['valid_from']})")


def _listed(choices: Sequence[str]) -> Form:
    """Some of a few words, separated by |."""
    return Form(
        lambda value: all(part in choices for part in value.split("|")),
        f"use words out of {', '.join(choices)}, separated by |",
    )


def _need(
    seeds: Path,
    seed: str,
    rows: Sequence[SeedRow],
    columns: Sequence[str],
    keys: Collection[tuple[str, ...]],
) -> None:
    """Refuse a seed that is there and lacks a row that the models ask for."""
    path = seeds / f"{seed}.csv"
    found = {row.key(columns) for row in rows}
    missing = [key for key in keys if key not in found]
    if path.exists() and missing:
        told = "; ".join(
            ", ".join(f"{column} {value}" for column, value in zip(columns, key, strict=True))
            for key in missing
        )
        raise ConfigurationError(f"{path} lacks a row that is needed: {told}.")
