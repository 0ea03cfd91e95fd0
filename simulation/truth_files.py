"""The truth as files, apart from what is landed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from simulation.arrivals import CHANNEL_ENGAGEMENT
from simulation.config import Ints
from simulation.dates import first_day, month_of
from simulation.experiments import EXPERIMENTS, running
from simulation.months import (
    ANNUAL_FACTOR,
    ANNUAL_FACTOR_AT_RENEWAL,
    ANNUAL_FAILURE_CHANCE,
    CHAMPION_LEAVES,
    EARLY_MONTHS_FACTOR,
    ENGAGEMENT_COEFFICIENT,
    ENGAGEMENT_MEMORY,
    FAILURE_CHANCE,
    OWNER_CHANGES,
    PROJECT_ENDS,
    SEGMENT_HAZARD,
)
from simulation.spend import CATEGORIES, GROSS_MARGIN, spend
from simulation.tables import Column, code, day, decimal, ids
from simulation.truth import KINDS, MONEY, Truth
from simulation.world import CHANNELS, SEGMENTS, World
from simulation.writer import write_file

# Loadings of acquisition cost, each with the categories it adds to the one before.
LOADINGS = {"media": (0,), "tools_content": (1, 2), "sales": (3,), "customer_success": (4,)}


def write_truth(world: World, truth: Truth, folder: Path) -> None:
    """Write all truth files.

    - `mrr_by_customer_month.csv`: customer_id, month, closing_mrr (above 0 only)
    - `mrr_movements.csv`: customer_id, month, opening, movements (losses negative), closing
    - `mrr_changes.csv`: customer_id, date, movement_type, mrr_before, mrr_after, without fx
    - `engagement.parquet`: account_id, month, engagement (hidden), cancel_chance (true)
    - `effects.json`: hazards, their coefficients, and what each experiment truly does
    - `cac_by_channel_month.csv`: month, channel, customers_won, spend by loading (each includes
      the ones before)
    - `channels.csv`: channel, true engagement, true chance of cancelling, churn, ARPA, LTV, CAC

    Money is in the reporting currency with two decimals.
    """
    _write_mrr(truth, folder)
    _write_engagement(world, folder / "engagement.parquet")
    (folder / "effects.json").write_text(
        json.dumps(_effects(world), indent=2) + "\n", encoding="utf-8"
    )
    _write_channels(world, truth, folder)


def cents(value: int) -> str:
    """Cents as a decimal text."""
    sign = "-" if value < 0 else ""
    return f"{sign}{abs(value) // 100}.{abs(value) % 100:02d}"


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _month_names(months: Ints) -> list[str]:
    distinct, place = np.unique(months, return_inverse=True)
    labels = [
        (date(1970, 1, 1) + timedelta(days=start)).isoformat()
        for start in first_day(distinct).tolist()
    ]
    return [labels[position] for position in place.tolist()]


def _write_mrr(truth: Truth, folder: Path) -> None:
    rows = truth.months
    keys = {
        "customer_id": ids("cus", rows["customer"], 7),
        "month": day(first_day(rows["month"])),
    }
    money = {f"{name}_mrr": decimal(rows[name], 2) for name in MONEY}
    closing = np.flatnonzero(rows["closing"] > 0).astype(np.int64)
    write_file(
        keys | {"closing_mrr": money["closing_mrr"]},
        closing,
        folder / "mrr_by_customer_month.csv",
        "csv",
    )
    everything = np.arange(len(rows["month"]), dtype=np.int64)
    write_file(keys | money, everything, folder / "mrr_movements.csv", "csv")
    changes = truth.changes
    columns = {
        "customer_id": ids("cus", changes["customer"], 7),
        "date": day(changes["day"]),
        "movement_type": code(KINDS, changes["kind"]),
        "mrr_before": decimal(changes["before"], 2),
        "mrr_after": decimal(changes["after"], 2),
    }
    every = np.arange(len(changes["day"]), dtype=np.int64)
    write_file(columns, every, folder / "mrr_changes.csv", "csv")


def _write_engagement(world: World, path: Path) -> None:
    account, month = np.nonzero(~np.isnan(world.engagement))
    columns = {
        "account_id": ids("acc", account.astype(np.int64), 7),
        "month": day(first_day(world.config.first_month + month.astype(np.int64))),
        "engagement": Column(world.engagement[account, month].astype(np.float64)),
        "cancel_chance": Column(world.churn_chance[account, month].astype(np.float64)),
    }
    write_file(columns, np.arange(len(account), dtype=np.int64), path, "parquet")


def _effects(world: World) -> dict[str, object]:
    experiments = []
    rows = world.assignments.columns()
    for number, experiment in enumerate(EXPERIMENTS):
        months = [m for m in range(world.config.months) if running(world.config, number, m)]
        chance = {}
        for group, name in ((1, "target"), (0, "control")):
            in_group = (rows["experiment"] == number) & (rows["is_target"] == group)
            members = rows["customer"][in_group]
            seen = world.churn_chance[np.ix_(members, np.array(months, np.int64))]
            at_risk = seen > 0
            chance[name] = float(seen[at_risk].mean()) if at_risk.any() else None
        experiments.append(
            {
                "experiment_id": experiment.key,
                "kpi": experiment.kpi,
                "is_null": (experiment.hazard_ratio, experiment.engagement, experiment.nps)
                == (1.0, 0.0, 0.0),
                "hazard_ratio": experiment.hazard_ratio,
                "engagement_added": experiment.engagement,
                "nps_added": experiment.nps,
                "mean_monthly_cancel_chance": chance,
            }
        )
    return {
        "monthly_cancel_hazard_at_engagement_0": dict(
            zip(SEGMENTS, SEGMENT_HAZARD.tolist(), strict=True)
        ),
        "log_hazard_per_unit_of_engagement": ENGAGEMENT_COEFFICIENT,
        "first_90_days_hazard_ratio": EARLY_MONTHS_FACTOR,
        "annual_hazard_ratio": {"last_75_days": ANNUAL_FACTOR_AT_RENEWAL, "before": ANNUAL_FACTOR},
        "renewal_failure_chance": {"annual": ANNUAL_FAILURE_CHANCE, "other": FAILURE_CHANCE},
        "engagement_kept_from_month_to_month": ENGAGEMENT_MEMORY,
        "engagement_lost": {
            name: dict(zip(("monthly_chance", "at_once", "for_good"), parts, strict=True))
            for name, parts in (
                ("champion_leaves", CHAMPION_LEAVES),
                ("owner_changes", OWNER_CHANGES),
                ("project_ends", PROJECT_ENDS),
            )
        },
        "channel_mean_engagement": dict(zip(CHANNELS, CHANNEL_ENGAGEMENT.tolist(), strict=True)),
        "gross_margin": GROSS_MARGIN,
        "experiments": experiments,
    }


def _write_channels(world: World, truth: Truth, folder: Path) -> None:
    months, channels = world.config.months, len(CHANNELS)
    rows = truth.months
    channel = world.customers["channel"][rows["customer"]]
    month = rows["month"] - world.config.first_month
    won = np.zeros((months, channels), np.int64)
    np.add.at(won, (month, channel), rows["new"] > 0)
    booked = spend(world)
    spent = np.zeros((months, channels, len(CATEGORIES)), np.int64)
    booked_month = month_of(booked["spend_day"]) - world.config.first_month
    np.add.at(spent, (booked_month, booked["channel"], booked["category"]), booked["amount"])
    added = [spent[:, :, list(part)].sum(axis=2) for part in LOADINGS.values()]
    loaded = np.cumsum(np.stack(added, axis=2), axis=2)
    names = _month_names(world.config.first_month + np.arange(months, dtype=np.int64))
    _write_csv(
        folder / "cac_by_channel_month.csv",
        ("month", "channel", "customers_won", *(f"spend_{name}" for name in LOADINGS)),
        (
            (names[m], CHANNELS[c], int(won[m, c]), *(cents(v) for v in loaded[m, c].tolist()))
            for m in range(months)
            for c in range(channels)
        ),
    )
    _write_csv(
        folder / "channels.csv",
        (
            "channel",
            "mean_engagement",
            "mean_monthly_cancel_chance",
            "customers_won",
            "monthly_churn_rate",
            "arpa",
            "expected_ltv",
            *(f"cac_{name}" for name in LOADINGS),
        ),
        (
            _channel(world, truth, number, int(won[:, number].sum()), loaded[:, number].sum(axis=0))
            for number in range(channels)
        ),
    )


def _channel(world: World, truth: Truth, number: int, won: int, loaded: Ints) -> list[object]:
    rows = truth.months
    mine = world.customers["channel"][rows["customer"]] == number
    chance = world.churn_chance[world.customers["channel"] == number]
    at_risk = chance[chance > 0]
    exposure = int((rows["opening"][mine] > 0).sum())
    lost = int((rows["churn"][mine] < 0).sum())
    paying = rows["closing"][mine]
    paying = paying[paying > 0]
    churn = lost / exposure if exposure else None
    arpa = float(paying.mean()) / 100 if len(paying) else None
    ltv = arpa * GROSS_MARGIN / churn if churn and arpa else None
    return [
        CHANNELS[number],
        CHANNEL_ENGAGEMENT[number],
        f"{at_risk.mean():.6f}" if len(at_risk) else "",
        won,
        f"{churn:.6f}" if churn is not None else "",
        f"{arpa:.2f}" if arpa is not None else "",
        f"{ltv:.2f}" if ltv is not None else "",
        # No spend is no cost that anybody knows; no customers, no cost per customer.
        *(f"{value / won / 100:.2f}" if won and value else "" for value in loaded.tolist()),
    ]
