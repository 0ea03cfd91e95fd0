"""Every metric of the semantic layer against the mart that publishes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from tests.support.released_company import CONFIG, POLICIES

Row = dict[str, Any]
OFFICIAL = "{{ Dimension('policy__is_official') }}"
MRR_METRICS = {
    "opening_mrr": "opening_mrr",
    "new_mrr": "new_mrr",
    "reactivation_mrr": "reactivation_mrr",
    "expansion_mrr": "expansion_mrr",
    "contraction_mrr": "contraction_mrr",
    "churn_mrr": "churn_mrr",
    "fx_mrr": "fx_mrr",
    "net_new_mrr": "net_new_mrr",
    "mrr": "closing_mrr",
    "arr": "arr",
    "arpa": "arpa",
    "customers": "closing_customers",
    "new_customers": "new_customers",
    "reactivated_customers": "reactivated_customers",
    "churned_customers": "churned_customers",
    "quick_ratio": "quick_ratio",
}
RETENTION_METRICS = {
    "nrr": "net_revenue_retention",
    "grr": "gross_revenue_retention",
    "logo_churn_rate": "logo_churn_rate",
    "customer_retention_rate": "customer_retention_rate",
    "customers_lost": "customers_lost",
    "customers_start": "customers_start",
    "mrr_start": "mrr_start",
    "gross_mrr_churn_rate": "gross_mrr_churn_rate",
    "net_mrr_churn_rate": "net_mrr_churn_rate",
}
LTV_METRICS = {
    "ltv": "ltv",
    "ltv_cac_ratio": "ltv_cac_ratio",
    "cac_payback_months": "payback_months",
}
MONTHLY_RATES = (
    f"{OFFICIAL} and {{{{ Dimension('retention_period__segment_type') }}}} = 'all'"
    " and {{ Dimension('retention_period__period_type') }} = 'month'"
)
QUESTIONS: dict[str, dict[str, Any]] = {
    "months": {
        "metrics": list(MRR_METRICS),
        "group_by": [
            "mrr_month__policy_id",
            "metric_time__month",
            "mrr_month__segment_type",
            "mrr_month__segment_value",
        ],
    },
    "quarters": {
        "metrics": ["mrr", "opening_mrr", "new_mrr", "customers"],
        "group_by": ["metric_time__quarter"],
        "where": [f"{OFFICIAL} and {{{{ Dimension('mrr_month__segment_type') }}}} = 'all'"],
    },
    "no policy": {
        "metrics": list(MRR_METRICS),
        "group_by": ["metric_time__month"],
        "where": ["{{ Dimension('mrr_month__segment_type') }} = 'all'"],
    },
    "no segment type": {
        "metrics": list(MRR_METRICS),
        "group_by": ["metric_time__month"],
        "where": [OFFICIAL],
    },
    "members of a segment": {
        "metrics": ["mrr", "customers"],
        "group_by": ["metric_time__month"],
        "where": [f"{OFFICIAL} and {{{{ Dimension('mrr_month__segment_type') }}}} = 'channel'"],
    },
    "periods": {
        "metrics": list(RETENTION_METRICS),
        "group_by": [
            "retention_period__policy_id",
            "retention_period__period_type",
            "metric_time__month",
            "retention_period__segment_type",
            "retention_period__segment_value",
        ],
    },
    "months as a quarter": {
        "metrics": ["nrr", "grr", "logo_churn_rate"],
        "group_by": ["metric_time__quarter"],
        "where": [MONTHLY_RATES],
    },
    "cac": {
        "metrics": ["cac"],
        "group_by": [
            "cac_month__policy_id",
            "metric_time__month",
            "cac_month__channel",
            "cac_month__loading",
            "cac_month__is_blended",
        ],
    },
    "cac of all loadings": {"metrics": ["cac", "spend"], "where": [OFFICIAL]},
    "ltv": {
        "metrics": list(LTV_METRICS),
        "group_by": [
            "ltv_cac__policy_id",
            "ltv_cac__period_type",
            "metric_time__month",
            "ltv_cac__channel",
            "ltv_cac__loading",
        ],
    },
    "ltv of all channels": {"metrics": list(LTV_METRICS), "where": [OFFICIAL]},
    "health": {
        "metrics": ["accounts_scored", "health_score"],
        "group_by": ["account_health__colour"],
    },
    "health by quarter": {"metrics": ["accounts_scored"], "group_by": ["metric_time__quarter"]},
    "triggers": {
        "metrics": ["triggers_fired"],
        "group_by": ["trigger_event__trigger_key", "customer__plan"],
    },
    "actions": {"metrics": ["actions", "open_actions"], "group_by": ["action__state"]},
    "mrr_by_month": {"saved_query": "mrr_by_month"},
    "retention_by_month": {"saved_query": "retention_by_month"},
}


def environment(company: Path, home: Path) -> dict[str, str]:
    """A home of its own beside the release, for what MetricFlow and dbt write."""
    home.mkdir(exist_ok=True)
    if not (home / "warehouse.duckdb").exists():
        (home / "releases").symlink_to(company / "home" / "releases")
        (home / "warehouse.duckdb").symlink_to(company / "home" / "releases" / "1.duckdb")
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HOLDFAST_")}
    return {
        **kept,
        "HOLDFAST_HOME": str(home),
        "HOLDFAST_AS_OF": CONFIG.as_of.isoformat(),
        "HOLDFAST_ENABLED_POLICIES": ",".join(POLICIES),
        "PYTHONPATH": str(PROJECT_DIR),
    }


def run(company: Path, home: Path, *arguments: str, **options: Any) -> Any:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=PROJECT_DIR,
        env=environment(company, home),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("semantic") / "home"


@pytest.fixture(scope="module")
def answers(company: Path, home: Path) -> dict[str, list[Row]]:
    asked = run(company, home, "tests.semantic_layer.ask", input=json.dumps([*QUESTIONS.values()]))
    assert asked.returncode == 0, asked.stdout + asked.stderr
    return {
        name: [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
        for name, answer in zip(QUESTIONS, json.loads(asked.stdout), strict=True)
    }


def published(company: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(company / "home" / "warehouse.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def compare(
    company: Path,
    rows: Sequence[Row],
    metrics: Mapping[str, str],
    mart: str,
    keys: Mapping[str, str],
    digits: Mapping[str, int] | None = None,
) -> None:
    """Every row and column of the answer is the mart's; the answer is rounded as the mart is."""
    places = digits or {}
    columns = [f"cast({column} as varchar)" for column in keys.values()]
    expected = {
        tuple(key.lower() for key in row[: len(keys)]): row[len(keys) :]
        for row in published(
            company, f"select {', '.join([*columns, *metrics.values()])} from {mart}"
        )
    }
    assert len(expected) > 30
    # Of the engine's types as Python writes them: a day has a time, a flag a capital.
    got = {
        tuple((row[key] or "").removesuffix(" 00:00:00").lower() for key in keys): row
        for row in rows
    }
    assert got.keys() == expected.keys()
    wrong = []
    for key, values in expected.items():
        for name, value in zip(metrics, values, strict=True):
            seen = got[key][name]
            if value is None or seen is None:
                same = value is None and seen is None
            else:
                # A division comes back as a double, not rounded as the mart is.
                half = Decimal(10) ** -places.get(name, 6) / 2 + Decimal("1e-9")
                same = abs(Decimal(seen) - value) <= half
            if not same:
                wrong.append((key, name, value, seen))
    assert wrong[:5] == []


def test_mrr_metrics_are_the_published_figures(
    company: Path, answers: dict[str, list[Row]]
) -> None:
    compare(
        company,
        answers["months"],
        MRR_METRICS,
        "revenue.fct_mrr_by_month",
        {
            "mrr_month__policy_id": "policy_id",
            "metric_time__month": "month",
            "mrr_month__segment_type": "segment_type",
            "mrr_month__segment_value": "segment_value",
        },
        {"arpa": 2},
    )


def test_a_quarters_mrr_is_that_of_its_last_month(
    company: Path, answers: dict[str, list[Row]]
) -> None:
    expected = published(
        company,
        """
        select
            cast(date_trunc('quarter', month) as date), arg_max(closing_mrr, month),
            arg_min(opening_mrr, month), sum(new_mrr), arg_max(closing_customers, month)
        from revenue.fct_mrr_by_month
        where policy_id = 'board_strict' and segment_type = 'all'
        group by 1
        """,
    )
    got = {
        (
            row["metric_time__quarter"][:10],
            *(Decimal(row[name]) for name in ("mrr", "opening_mrr", "new_mrr", "customers")),
        )
        for row in answers["quarters"]
    }
    assert got == {(str(row[0]), *row[1:]) for row in expected}
    assert len(got) > 10


def test_nothing_is_summed_over_policies_or_segment_types(
    answers: dict[str, list[Row]],
) -> None:
    for name in ("no policy", "no segment type"):
        assert len(answers[name]) > 30
        assert [row for row in answers[name] if any(row[metric] for metric in MRR_METRICS)] == []
    for name in ("cac of all loadings", "ltv of all channels"):
        (row,) = answers[name]
        assert set(row.values()) == {None}


def test_the_members_of_a_segment_sum_to_all_customers(
    company: Path, answers: dict[str, list[Row]]
) -> None:
    expected = published(
        company,
        "select cast(month as varchar), closing_mrr, closing_customers from"
        " revenue.fct_mrr_by_month where policy_id = 'board_strict' and segment_type = 'all'"
        " and closing_customers > 0",
    )
    got = {
        (row["metric_time__month"][:10], Decimal(row["mrr"]), Decimal(row["customers"]))
        for row in answers["members of a segment"]
        if Decimal(row["customers"])
    }
    assert got == set(expected)


def test_retention_metrics_are_the_published_rates(
    company: Path, answers: dict[str, list[Row]]
) -> None:
    compare(
        company,
        answers["periods"],
        RETENTION_METRICS,
        "retention.fct_retention_by_period",
        {
            "retention_period__policy_id": "policy_id",
            "retention_period__period_type": "period_type",
            "metric_time__month": "period_start",
            "retention_period__segment_type": "segment_type",
            "retention_period__segment_value": "segment_value",
        },
    )


def test_rates_of_months_are_not_made_into_a_quarters(answers: dict[str, list[Row]]) -> None:
    # The running quarter may hold one month only, whose rate is said.
    said = [row for row in answers["months as a quarter"] if row["nrr"] is not None]
    assert len(answers["months as a quarter"]) > 10
    assert len(said) <= 2


def test_cac_is_the_published_figure(company: Path, answers: dict[str, list[Row]]) -> None:
    compare(
        company,
        answers["cac"],
        {"cac": "cac"},
        "unit_economics.fct_cac_by_channel_month",
        {
            "cac_month__policy_id": "policy_id",
            "metric_time__month": "month",
            "cac_month__channel": "channel",
            "cac_month__loading": "loading",
            "cac_month__is_blended": "is_blended",
        },
        {"cac": 2},
    )


def test_ltv_and_what_is_made_of_it_are_as_published(
    company: Path, answers: dict[str, list[Row]]
) -> None:
    compare(
        company,
        answers["ltv"],
        LTV_METRICS,
        "unit_economics.fct_ltv_cac_by_channel",
        {
            "ltv_cac__policy_id": "policy_id",
            "ltv_cac__period_type": "period_type",
            "metric_time__month": "period_start",
            "ltv_cac__channel": "channel",
            "ltv_cac__loading": "loading",
        },
    )


def test_health_is_that_of_the_last_day(company: Path, answers: dict[str, list[Row]]) -> None:
    expected = published(
        company,
        "select colour, count(*), round(avg(score), 4) from customer_success.fct_health_scores"
        " where is_latest group by colour",
    )
    got = {
        (
            row["account_health__colour"],
            int(row["accounts_scored"]),
            round(float(row["health_score"]), 4),
        )
        for row in answers["health"]
    }
    assert got == {(colour, count, round(mean, 4)) for colour, count, mean in expected}
    last = max(answers["health by quarter"], key=lambda row: row["metric_time__quarter"])
    assert int(last["accounts_scored"]) == sum(row[1] for row in expected)


def test_triggers_and_actions_are_counted_once(
    company: Path, answers: dict[str, list[Row]]
) -> None:
    expected = published(
        company,
        """
        select trigger_key, plan, count(*)
        from customer_success.fct_trigger_events
        left join core.dim_customers using (customer_id)
        group by all
        """,
    )
    got = {
        (
            row["trigger_event__trigger_key"],
            row["customer__plan"],
            int(row["triggers_fired"]),
        )
        for row in answers["triggers"]
    }
    assert got == set(expected)
    states = published(
        company, "select state, count(*) from customer_success.fct_action_queue group by state"
    )
    assert {(row["action__state"], int(row["actions"])) for row in answers["actions"]} == set(
        states
    )


def test_saved_queries_are_of_the_official_policy(
    company: Path, answers: dict[str, list[Row]]
) -> None:
    expected = published(
        company,
        "select cast(month as varchar), closing_mrr from revenue.fct_mrr_by_month"
        " where policy_id = 'board_strict' and segment_type = 'all'",
    )
    got = {(row["metric_time__month"][:10], Decimal(row["mrr"])) for row in answers["mrr_by_month"]}
    assert got == set(expected)
    assert any(row["nrr"] for row in answers["retention_by_month"])


def test_metricflow_finds_no_fault_with_the_definitions(company: Path, home: Path) -> None:
    validated = run(company, home, "orchestration.cli", "mf", "validate-configs", "--show-all")
    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert validated.stdout.count("ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0") == 6


def test_every_metric_is_guarded_or_says_that_it_is_not(company: Path, home: Path) -> None:
    del company
    manifest = json.loads(
        (home / "dbt" / "semantic_layer" / "target" / "semantic_manifest.json").read_text("utf-8")
    )
    guards = {"mrr_slices", "retention_slices", "retention_rows", "cac_slices", "ltv_cac_rows"}
    # Marts of the official policy alone, whose rows are accounts, firings and actions.
    countable = {
        "accounts_scored",
        "sum_of_scores",
        "health_score",
        "triggers_fired",
        "actions",
        "open_actions",
    }
    open_ones = []
    for metric in manifest["metrics"]:
        name = metric["name"]
        if name.startswith("unguarded_") or name in guards | countable:
            continue
        used = {entry["name"] for entry in metric["type_params"]["metrics"]}
        expression = metric["type_params"]["expr"] or ""
        if not any(guard in used and f"{guard} = 1" in expression for guard in guards):
            open_ones.append(name)
    assert open_ones == []
