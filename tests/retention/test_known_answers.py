"""Outside data with known answers: a CFO handbook's cohort tables and 7,043 telecom customers;
and, as it costs no further warehouse, a company that is paid in euros.

All of them are companies of one warehouse, told apart by country. The handbook prints percentages,
so its cohorts are rebuilt from them; the average row that it prints must come out
(https://gpbullhound.relayto.com/e/the-cfo-handbook-gp-bullhound-vcpr6o5picrxg).
"""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.analysis.survival import SurvivalCurve, kaplan_meier
from tests.retention import dozen
from tests.retention.company import Story, days_later, months_later, raw_rows
from tests.retention.conftest import BuildMarts, Query
from tests.support.raw_tables import PROJECT_DIR

AS_OF = date(2022, 10, 31)
TELCO = PROJECT_DIR.parent / "shared" / "data" / "telco"
TABLES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "cohort_tables.json").read_text(encoding="utf-8")
)

needs_telco = pytest.mark.skipif(not TELCO.is_dir(), reason="../shared/data/telco is not here")


def logo_stories() -> list[Story]:
    """Cohorts of customers: at each age as many leave as the table's percentage says."""
    stories: list[Story] = []
    for cohort in TABLES["logo"]["cohorts"]:
        first = date.fromisoformat(f"{cohort['month']}-01")
        active = [round(cohort["size"] * percent / 100) for percent in cohort["pct"]]
        for number in range(cohort["size"]):
            steps = [(first, 5000)]
            lost_at = next((age for age, some in enumerate(active) if number >= some), None)
            if lost_at is not None:
                steps.append((days_later(months_later(first, lost_at), 9), 0))
            stories.append(Story(f"logo_{cohort['month']}_{number}", steps, "LOGO"))
    return stories


def gross_stories() -> list[Story]:
    """Cohorts of two customers each: one loses what the table says, one only grows."""
    stories: list[Story] = []
    for cohort in TABLES["grr"]["cohorts"]:
        first = date.fromisoformat(f"{cohort['month']}-01")
        ages = list(enumerate(cohort["pct"]))
        halves = {
            "shrinks": [(months_later(first, k), cohort["size"] * (p - 50)) for k, p in ages],
            "grows": [(months_later(first, k), cohort["size"] * (50 + k)) for k, _ in ages],
        }
        stories += [
            Story(f"gross_{cohort['month']}_{name}", steps, "GROSS")
            for name, steps in halves.items()
        ]
    return stories


def telco_customers() -> list[dict[str, str]]:
    if not TELCO.is_dir():
        return []
    with (TELCO / "raw" / "Telco-Customer-Churn.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def telco_stories() -> list[Story]:
    """A month of tenure is a day of life here; the eleven of tenure 0 have not paid yet."""
    stories: list[Story] = []
    for customer in telco_customers():
        tenure, cents = int(customer["tenure"]), int(Decimal(customer["MonthlyCharges"]) * 100)
        if customer["Churn"] == "Yes":
            first = date(2022, 1, 1)
            steps = [(first, cents), (days_later(first, tenure), 0)]
        else:
            steps = [(days_later(AS_OF, 1 - tenure), cents)]
        if tenure > 0:
            stories.append(Story(customer["customerID"], steps, "TELCO", customer["Contract"]))
    return stories


# Month-end rates of the euro in 2022; they stay at 1.20 from March on.
RATES = {1: "1.0", 2: "1.1", **dict.fromkeys(range(3, 11), "1.2")}
EURO_POLICIES = [
    {"policy_id": name, "name": name, **dozen.STRICT, **switches}
    for name, switches in {
        "month_ends": {"movement_grain": "month_end"},
        "constant": {"fx": "constant"},
    }.items()
]


def euro_stories() -> list[Story]:
    """P pays 100 euros, Q 100 and from 15 March 150, R 100 and from 20 March 40."""
    first = date(2022, 1, 10)
    steps = {
        "P": [(first, 10000)],
        "Q": [(first, 10000), (date(2022, 3, 15), 15000)],
        "R": [(first, 10000), (date(2022, 3, 20), 4000)],
    }
    return [Story(name, some, "EURO", currency="eur") for name, some in steps.items()]


def rates() -> list[dict[str, Any]]:
    return [
        {
            "rate_date": days_later(months_later(date(2022, month, 1), 1), -1),
            "currency": "EUR",
            "rate": rate,
        }
        for month, rate in RATES.items()
    ]


@pytest.fixture(scope="module")
def marts(build_marts: BuildMarts) -> Query:
    return build_marts(
        {
            **raw_rows([*logo_stories(), *gross_stories(), *telco_stories(), *euro_stories()]),
            "finance.fx_rates": rates(),
        },
        {
            "as_of_date": AS_OF.isoformat(),
            "enabled_policies": ["board_strict", "month_ends", "constant"],
            "extra_metric_policies": EURO_POLICIES,
        },
        [
            "fct_retention_by_period",
            "fct_retention_curve",
            "fct_survival_by_segment",
            "fct_churn_events",
        ],
    )


def curve(ask: Query, country: str, column: str) -> list[Decimal]:
    return [
        value
        for (value,) in ask(
            f"select {column} from retention.fct_retention_curve "
            f"where segment_type = 'country' and segment_value = '{country}' "
            "and policy_id = 'board_strict' order by months_since"
        )
    ]


@pytest.mark.parametrize(
    ("table", "country", "column"),
    [("logo", "LOGO", "logo_retention"), ("grr", "GROSS", "gross_retention")],
)
def test_the_weighted_average_of_the_handbook(
    marts: Query, table: str, country: str, column: str
) -> None:
    printed = TABLES[table]["weighted_average_pct"]
    found = [100 * value for value in curve(marts, country, column)]
    # The oldest cohorts have two more months, which are not in print.
    assert len(found) >= len(printed)
    for age, percent in enumerate(printed):
        assert abs(found[age] - percent) <= TABLES[table]["tolerance_points"], f"age {age}"


def test_the_average_weighs_cohorts_by_their_size(marts: Query) -> None:
    # Age 13, by hand: the three cohorts of 178, 180, 149 that are old enough keep 103, 121, 101.
    assert marts(
        "select cohorts, customers_initial, customers_active from retention.fct_retention_curve "
        "where segment_value = 'LOGO' and months_since = 13 and policy_id = 'board_strict'"
    ) == [(3, 507, 325)]


def test_growth_is_in_net_and_not_in_gross(marts: Query) -> None:
    net, gross = curve(marts, "GROSS", "net_retention"), curve(marts, "GROSS", "gross_retention")
    # Up to the last age in print every second half grew by one per cent of its cohort a month.
    for age in range(len(TABLES["grr"]["weighted_average_pct"])):
        assert net[age] - gross[age] == pytest.approx(Decimal(age) / 100, abs=Decimal("0.000002"))


def telco_curve(contract: str | None = None) -> SurvivalCurve:
    some = [c for c in telco_customers() if contract in (None, c["Contract"])]
    return kaplan_meier(
        [int(c["tenure"]) for c in some], [c["Churn"] == "Yes" for c in some], [1] * len(some)
    )


@needs_telco
def test_survival_of_the_telecom_customers() -> None:
    everyone = telco_curve()
    assert everyone.customers == 7043
    assert everyone.survival_at(12) == pytest.approx(0.8432, abs=0.00005)
    assert everyone.survival_at(24) == pytest.approx(0.78874, abs=0.000005)
    assert everyone.survival_at(72) == pytest.approx(0.59279, abs=0.000005)
    assert everyone.median_days is None
    assert telco_curve("Month-to-month").median_days == 35


@needs_telco
def test_survival_through_the_marts(marts: Query) -> None:
    reference: dict[str, dict[int, float]] = {}
    path = TELCO / "reference" / "kaplan_meier_lifelines.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            reference.setdefault(row["segment"], {})[int(row["tenure_months"])] = float(
                row["survival"]
            )
    found = {
        ("all" if kind == "country" else value): (customers, median)
        for kind, value, customers, median in marts(
            "select distinct segment_type, segment_value, customers, median_lifetime_days "
            "from retention.fct_survival_by_segment where policy_id = 'board_strict' "
            "and (segment_value = 'TELCO' or (segment_type = 'plan' and segment_value <> 'Team'))"
        )
    }
    assert set(found) == set(reference)
    assert found["all"] == (7043 - 11, None)
    assert found["Month-to-month"][1] == 35
    for segment, points in reference.items():
        where = (
            "segment_value = 'TELCO'"
            if segment == "all"
            else f"segment_type = 'plan' and segment_value = '{segment}'"
        )
        survival: dict[int, Decimal] = dict(
            marts(
                "select day_of_life, survival from retention.fct_survival_by_segment "
                f"where policy_id = 'board_strict' and {where} order by day_of_life"
            )
        )
        for month, expected in points.items():
            last = max(day for day in survival if day <= month)
            assert float(survival[last]) == pytest.approx(expected, abs=0.000001), (segment, month)


@needs_telco
def test_churned_mrr_by_contract(marts: Query) -> None:
    path = TELCO / "reference" / "churn_by_contract.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        expected = [
            (row["Contract"], int(row["churned"]), Decimal(row["churned_mrr"]))
            for row in csv.DictReader(lines)
        ]
    assert expected == marts(
        "select plan, count(*), sum(mrr_lost) from retention.fct_churn_events "
        "where policy_id = 'board_strict' and country = 'TELCO' group by plan order by plan"
    )


@pytest.mark.parametrize("policy", ["board_strict", "month_ends"])
def test_exchange_rates_are_neither_expansion_nor_contraction(marts: Query, policy: str) -> None:
    # In March the euro rose from 1.10 to 1.20: 10 dollars for each 100 euros of the start.
    # Q grew by 50 euros, R shrank by 60, at 1.20. Capped: P 110, Q 110, R 48.
    assert marts(
        "select mrr_start, expansion_mrr, contraction_mrr, fx_mrr, mrr_end, "
        "gross_retained_mrr, retained_mrr, gross_mrr_churn_rate "
        "from retention.fct_retention_by_period where segment_value = 'EURO' "
        f"and policy_id = '{policy}' and period_type = 'month' "
        "and period_start = date '2022-03-01'"
    ) == [(330, 60, -72, 30, 348, 268, 348, Decimal("0.218182"))]


def test_at_constant_rates_there_is_no_exchange(marts: Query) -> None:
    assert marts(
        "select mrr_start, expansion_mrr, contraction_mrr, fx_mrr, mrr_end, gross_retained_mrr "
        "from retention.fct_retention_by_period where segment_value = 'EURO' "
        "and policy_id = 'constant' and period_type = 'month' "
        "and period_start = date '2022-03-01'"
    ) == [(300, 50, -60, 0, 290, 240)]
