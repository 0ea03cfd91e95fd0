"""What a policy seed may say, and how what it may not say is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from orchestration.errors import ConfigurationError
from orchestration.policies import SEED, check_policies
from orchestration.settings import DBT_PROJECT_DIR

SHIPPED = DBT_PROJECT_DIR / SEED


def changed_seed(tmp_path: Path, **changes: str) -> Path:
    """The shipped seed with values of its second policy changed."""
    with SHIPPED.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    rows[1].update(changes)
    seed = tmp_path / "metric_policies.csv"
    with seed.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return seed


def test_the_shipped_policies_are_the_ten_of_the_design() -> None:
    check_policies(
        SHIPPED,
        [
            "board_strict",
            "stripe_legacy",
            "stripe_configurable",
            "chartmogul_2025",
            "baremetrics_2024",
            "profitwell_2023",
            "recurly_classic",
            "chargebee_v1",
            "maxio_2023",
            "revenuecat_v3",
        ],
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("discounts", "some"),
        ("counted_statuses", "active|paused"),
        ("counted_statuses", "active,past_due"),
        ("past_due_grace_days", "-1"),
        ("past_due_grace_days", "soon"),
        ("week_factor", "0"),
        ("week_factor", "52/0"),
        ("day_factor", "30; drop table x"),
        ("constant_fx_date", "31.12.2025"),
        ("churn_rate_excludes_new", "yes"),
        ("mrr_basis", ""),
        ("policy_id", "Stripe Legacy"),
    ],
)
def test_an_unknown_value_is_refused_with_its_place(
    tmp_path: Path, column: str, value: str
) -> None:
    seed = changed_seed(tmp_path, **{column: value})
    with pytest.raises(ConfigurationError) as refused:
        check_policies(seed, ["board_strict"])
    message = str(refused.value)
    assert "line 3" in message
    assert column in message
    assert repr(value) in message


def test_two_policies_of_one_name_are_refused(tmp_path: Path) -> None:
    seed = changed_seed(tmp_path, policy_id="board_strict")
    with pytest.raises(ConfigurationError, match=r"line 3: policy board_strict .* line 2"):
        check_policies(seed, ["board_strict"])


def test_an_enabled_policy_must_be_defined() -> None:
    with pytest.raises(ConfigurationError, match=r"'bord_strict'.*board_strict"):
        check_policies(SHIPPED, ["bord_strict"])


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    seed = tmp_path / "metric_policies.csv"
    seed.write_text("policy_id,name\na,b\n")
    with pytest.raises(ConfigurationError, match="lacks the columns counted_statuses"):
        check_policies(seed, ["a"])
