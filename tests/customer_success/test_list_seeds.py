"""What cannot be computed is refused at the start of a run, with file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestration.errors import ConfigurationError
from orchestration.list_seeds import check_lists
from orchestration.settings import DBT_PROJECT_DIR

SEEDS = DBT_PROJECT_DIR / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    for path in SEEDS.glob("*.csv"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_the_seeds_that_ship_are_fine() -> None:
    check_lists(SEEDS)


def test_a_project_without_these_seeds_is_fine(tmp_path: Path) -> None:
    check_lists(tmp_path)


@pytest.mark.parametrize(
    ("seed", "old", "new", "message"),
    [
        ("experiment_rules", "mrr,MRR", "mrrr,MRR", "line 2: kpi is 'mrrr'; use one of"),
        ("experiment_rules", "0.05,0.8,0.001,Half", "1,0.8,0.001,Half", "line 6: significance"),
        ("experiment_rules", "nps,mean", "mrr,mean", "line 6: kpi mrr stands already on line 2"),
        ("list_rules", "silent_days,45", "silent_days,often", "line 5: value is 'often'"),
        ("list_rules", "silent_days,45", "quiet_days,45", "line 5: rule is 'quiet_days'"),
        ("list_rules", "maximum_days_away,730", "maximum_days_away,7", "line 3: value is '7'"),
        ("list_rules", "quarterly_review,days,90", "quarterly_review,days,0", "line 12: value"),
        ("loyalty_tiers", "one_year,12,24", "one_year,12,23", "line 2: to_value is '23'; use 24"),
        ("loyalty_tiers", "daily,16,,", "daily,16,28,", "line 9: to_value is '28'; leave it"),
        ("advocacy_rules", "promoter,advocate,180,9", "promoter,advocate,180,11", "line 2: minim"),
        ("audience_rules", "paying|trialing|free", "paying|gone", "line 2: statuses is 'paying|"),
        ("audience_rules", "champion|user", "champion|boss", "line 4: roles is 'champion|boss'"),
        ("audience_rules", "feedback,paying", "winback,paying", "line 5: audience is 'winback'"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    seeds: Path, seed: str, old: str, new: str, message: str
) -> None:
    path = seeds / f"{seed}.csv"
    content = path.read_text(encoding="utf-8")
    assert content.count(old) == 1
    path.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        check_lists(seeds)
    assert f"{seed}.csv {message}" in str(caught.value)


@pytest.mark.parametrize(
    ("seed", "row", "message"),
    [
        ("mended_reasons", "a,missing_feature,,2026-05-01,Done", "reason is 'missing_feature'"),
        ("mended_reasons", "a,missing_features,,May,Done", "mended_on is 'May'; use a date"),
        ("outreach_opt_outs", "o,person,x,,2026-01-01,,", "subject_type is 'person'"),
        ("outreach_opt_outs", "o,contact,x,newsleter,2026-01-01,,", "list_key is 'newsleter'"),
        ("outreach_opt_outs", "o,contact,x,,2026-01-01,2025-01-01,", "valid_to is '2025-01-01'"),
        ("outreach_opt_outs", "o,contact,x,newsletter,2026-01-01", "as many values as columns"),
    ],
)
def test_a_row_that_is_added_is_checked(seeds: Path, seed: str, row: str, message: str) -> None:
    path = seeds / f"{seed}.csv"
    path.write_text(path.read_text(encoding="utf-8") + row + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        check_lists(seeds)
    assert f"{seed}.csv line 2" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("seed", "start", "missing"),
    [
        ("list_rules", "silent_customers,", "list_key silent_customers, rule silent_days"),
        ("winback_approaches", "unknown,", "reason unknown"),
        ("experiment_rules", "nps,", "kpi nps"),
    ],
)
def test_a_row_that_is_needed_is_missed(seeds: Path, seed: str, start: str, missing: str) -> None:
    path = seeds / f"{seed}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(start)]
    assert len(kept) == len(lines) - 1
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"lacks a row that is needed: {missing}"):
        check_lists(seeds)


def test_wishes_and_mends_are_taken(seeds: Path) -> None:
    for seed, row in (
        ("mended_reasons", "faster,missing_features,,2026-05-01,Reports are there"),
        ("outreach_opt_outs", "o1,contact,con_1,newsletter,2026-01-01,,Asked by mail"),
    ):
        path = seeds / f"{seed}.csv"
        path.write_text(path.read_text(encoding="utf-8") + row + "\n", encoding="utf-8")
    check_lists(seeds)
