"""What a team may write into its seeds, and how what cannot be computed is refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from orchestration.customer_success_seeds import check_customer_success
from orchestration.errors import ConfigurationError
from orchestration.settings import DBT_PROJECT_DIR

SEEDS = DBT_PROJECT_DIR / "seeds"
GOOD = "mine,silent_days,>=,10,0,5,low,risk,growth,listen,,true,2026-01-01,"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    shutil.copytree(SEEDS, folder)
    return folder


def add(seeds: Path, seed: str, row: str) -> int:
    """Add a row; its line number."""
    path = seeds / f"{seed}.csv"
    text = path.read_text("utf-8") + row + "\n"
    path.write_text(text, "utf-8")
    return text.count("\n")


def test_the_shipped_seeds_are_accepted() -> None:
    check_customer_success(SEEDS)


def test_a_good_row_is_accepted(seeds: Path) -> None:
    add(seeds, "triggers", GOOD)
    check_customer_success(seeds)


@pytest.mark.parametrize(
    ("seed", "row", "column", "says"),
    [
        ("triggers", GOOD.replace("silent_days", "silence"), "signal", "'silence'"),
        ("triggers", GOOD.replace(">=", "=>"), "comparator", "use one of"),
        ("triggers", GOOD.replace(",10,", ",ten,"), "threshold", "a number"),
        ("triggers", GOOD.replace(",0,5,", ",0,-5,"), "cooldown_days", "whole number"),
        ("triggers", GOOD.replace("listen", "shout"), "playbook_key", "playbooks.csv"),
        ("triggers", GOOD.replace("growth", "nobody"), "owner_role", "owners.csv"),
        ("triggers", GOOD.replace("low,", "dire,"), "severity", "severities.csv"),
        ("triggers", GOOD.replace(",true,", ",yes,"), "enabled", "true or false"),
        ("triggers", GOOD.replace(",,true", ",huge,true"), "segment", "smb"),
        ("triggers", GOOD.replace("2026-01-01", "1.1.2026"), "valid_from", "2026-01-31"),
        ("triggers", GOOD + "2025-12-31", "valid_to", "after valid_from"),
        ("health_components", "x,silent_days,heavy,30,7,,2000-01-01,", "weight", "a number"),
        ("health_components", "x,silent_days,0,30,7,,2000-01-01,", "weight", "above 0"),
        ("health_components", "x,silent_days,1,7,7,,2000-01-01,", "green_from", "red_from"),
        ("health_components", "x,health_score,1,3,7,,2000-01-01,", "signal", "signals.csv"),
        ("health_colours", "blue,50,2000-01-01,", "colour", "amber"),
        ("playbooks", "listen,2,pigeon,x,1,2,done", "channel", "email"),
        ("playbooks", "listen,2,email,x,9,2,done", "expires_after_days", "due_in_days"),
        ("event_meanings", "left,exit,", "meaning", "cancel_page"),
        ("product_features", "x,x_used,maybe,", "is_core", "true or false"),
        ("onboarding_milestones", "5,x,x_done,3,true,", "is_first_value", "line 5"),
        ("targets", "x,mood,month,all,all,lower,1,,,me,2000-01-01,,x", "metric", "quick_ratio"),
        ("targets", "x,quick_ratio,year,all,all,higher,1,3,2,me,2000-01-01,,x",
         "acceptable_high", "acceptable_low"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_computed_is_refused_by_file_and_line(
    seeds: Path, seed: str, row: str, column: str, says: str
) -> None:
    line = add(seeds, seed, row)
    with pytest.raises(ConfigurationError) as refused:
        check_customer_success(seeds)
    message = str(refused.value)
    assert f"{seed}.csv line {line}: {column} is" in message
    assert says in message


@pytest.mark.parametrize(
    ("seed", "rows", "says"),
    [
        # Two rows of one day are two conditions, and agree in the rest.
        ("triggers", [GOOD, GOOD.replace("silent_days", "tenure_days").replace("low", "high")],
         "severity is 'high'; line {first} says 'low'"),
        ("triggers", [GOOD, GOOD], "stands already on line {first}"),
        ("triggers", [GOOD, GOOD.replace("2026-01-01", "2026-02-01")],
         "valid from 2026-02-01, while the row on line {first} still is (to ever)"),
        ("health_components",
         ["x,silent_days,1,9,3,,2026-01-01,2026-06-01", "x,silent_days,2,9,3,,2026-05-31,"],
         "while the row on line {first} still is (to 2026-06-01)"),
        ("health_colours", ["red,5,2026-01-01,"], "valid from 2026-01-01"),
        ("event_meanings", ["x,login,", "x,data_export,"], "stands already on line {first}"),
    ],
)  # fmt: skip
def test_rows_that_contradict_each_other_are_refused(
    seeds: Path, seed: str, rows: list[str], says: str
) -> None:
    first, *_ = [add(seeds, seed, row) for row in rows]
    with pytest.raises(ConfigurationError, match=re.escape(says.format(first=first))):
        check_customer_success(seeds)


def test_versions_that_follow_each_other_are_accepted(seeds: Path) -> None:
    add(seeds, "triggers", GOOD + "2026-02-01")
    add(seeds, "triggers", GOOD.replace("2026-01-01", "2026-02-01").replace(",10,", ",20,"))
    add(seeds, "health_components", "x,silent_days,1,9,3,smb,2026-01-01,2026-06-01")
    add(seeds, "health_components", "x,silent_days,2,9,3,smb,2026-06-01,")
    check_customer_success(seeds)


def test_a_missing_or_unknown_column_is_named(seeds: Path) -> None:
    path = seeds / "owners.csv"
    path.write_text(path.read_text("utf-8").replace("owner_role,owner,", "role,owner,", 1), "utf-8")
    with pytest.raises(ConfigurationError, match=r"lacks the columns owner_role .* reads: role"):
        check_customer_success(seeds)
