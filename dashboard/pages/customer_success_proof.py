"""Customer success: triggers and scores against who churned, and experiments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dashboard import charts, numbers
from dashboard.model import Block, Chart, Column, Empty, Listing, Swatch, table
from dashboard.pages.shared import TEXT_WIDTH, interval, values, words
from dashboard.released import Released, Row

TRIGGERS = "customer_success.fct_trigger_backtest"
HEALTH = "customer_success.fct_health_backtest"
CALIBRATION = "customer_success.fct_health_calibration"
UNWARNED = "customer_success.fct_churns_without_warning"
EXPERIMENTS = "customer_success.fct_experiment_results"

#: Lifts and intervals beyond are cut, which is said.
LIFT_LIMIT = 10.0
RESULT_TONES = {
    "target better": "good",
    "control better": "bad",
    "no difference shown": "fair",
    "not enough data": "none",
}


def proof(released: Released) -> tuple[Block, ...]:
    """Whether what warns has foreseen churn."""
    blocks: list[Block] = []
    if released.has(TRIGGERS):
        blocks.append(
            _lifts(released, "triggers", TRIGGERS, "trigger_key", "triggers", "direction = 'risk'")
        )
    if released.has(HEALTH):
        blocks.append(_lifts(released, "components", HEALTH, "subject", "parts of health", "true"))
    if released.has(CALIBRATION):
        blocks.append(_calibration(released))
    if released.has(UNWARNED):
        blocks.append(_unwarned(released))
    return tuple(blocks)


def _lifts(released: Released, key: str, mart: str, name: str, what: str, condition: str) -> Block:
    rows = released.rows(
        f"select * from {mart} where scope = 'pooled' and {condition}"
        f" order by lift desc nulls last, {name}"
    )
    drawn = [row for row in rows if row["lift"] is not None]
    if not drawn:
        why = "No month end is 90 days ago, or nobody churned after one."
        return Empty(f"No backtest of {what}", why)
    for row in drawn:
        row["name"] = words(row[name])
        row["shade"] = charts.var("neutral" if row["not_informative"] else "accent")
        row["label"] = (
            f"{row['name']}: lift {numbers.ratio(row['lift'], 4)} (95 % interval "
            f"{numbers.ratio(row['lift_low'], 4)} to {numbers.ratio(row['lift_high'], 4)}), "
            f"{numbers.count(row['true_alerts'])} of {numbers.count(row['alerts'])} alerts churned"
            + (", not informative" if row["not_informative"] else "")
        )
    highest = max(float(row["lift_high"] or row["lift"]) for row in drawn)
    limit = LIFT_LIMIT if highest > LIFT_LIMIT else None
    useful = sum(not row["not_informative"] for row in rows)
    small = sum(row["is_small_sample"] for row in rows)
    first = rows[0]
    columns = [
        Column(name, "Warns"),
        Column("alerts", "Alerts", "count"),
        Column("true_alerts", "Churned", "count"),
        Column("alert_precision", "Precision", "share"),
        Column("recall", "Recall", "share"),
        Column("lift", "Lift", "ratio"),
        Column("lift_low", "from", "ratio"),
        Column("lift_high", "to", "ratio"),
        *(
            [Column("median_days_of_warning", "Days of warning, median", "points")]
            if mart == TRIGGERS
            else [Column("auc", "AUC", "ratio")]
        ),
        Column("foreseen_mrr_share", "Churned MRR foreseen", "share"),
        Column("not_informative", "Not informative", "flag"),
        Column("is_small_sample", "Small sample", "flag"),
    ]
    silent = len(rows) - len(drawn)
    return Chart(
        f"lift-{key}",
        f"{useful} of {len(rows)} {what} foresee churn better than chance",
        "lift: churn among those warned of, as a multiple of churn among all; lines: 95 % "
        "intervals",
        mart,
        charts.across(
            drawn,
            "name",
            "lift",
            "label",
            colours="shade",
            axis="~f",
            low="lift_low",
            high="lift_high",
            rules=((1.0, "1: no better than chance", "loss-2"),),
            limit=limit,
        ),
        table(columns, values(rows, columns)),
        (
            Swatch("accent", "Lift above 1 with 95 % confidence"),
            Swatch("neutral", "Not informative"),
            Swatch("loss-2", "1: no better than chance", is_line=True, is_dashed=True),
        ),
        (
            f"Month ends up to {numbers.day(first['as_of_date'])} pooled: "
            f"{numbers.count(first['customers'])} customers seen, "
            f"{numbers.count(first['churned_customers'])} churned in the 90 days after.",
            f"What goes beyond {numbers.ratio(limit, 0)} is cut; ends are in the table."
            if limit
            else "",
            f"{silent} never warned of anybody." if silent else "",
            f"{small} rest on a small sample." if small else "",
        ),
        min_width=TEXT_WIDTH,
    )


def _calibration(released: Released) -> Block:
    rows = released.rows(
        f"select * from {CALIBRATION} where scope = 'pooled' and churn_rate is not null"
        " order by decile"
    )
    if not rows:
        return Empty("No calibration yet", "No month end with scores is 90 days ago.")
    for row in rows:
        scores = f"{numbers.ratio(row['lowest_score'], 1)} to "
        row["name"] = f"{row['decile']}: {scores}{numbers.ratio(row['highest_score'], 1)}"
        row["label"] = (
            f"Decile {row['name']}: {numbers.exact_share(row['churn_rate'])} churned (95 % "
            f"interval {interval(row['churn_rate_low'], row['churn_rate_high'], 4)}), "
            f"{numbers.count(row['churned_customers'])} of {numbers.count(row['customers'])}"
        )
    worst, best = rows[0], rows[-1]
    columns = [
        Column("decile", "Decile", "count"),
        Column("lowest_score", "Scores from", "ratio"),
        Column("highest_score", "to", "ratio"),
        Column("customers", "Customers", "count"),
        Column("churned_customers", "Churned", "count"),
        Column("churn_rate", "Rate", "share"),
        Column("churn_rate_low", "from", "share"),
        Column("churn_rate_high", "to", "share"),
    ]
    return Chart(
        "calibration",
        f"Of the least healthy tenth {numbers.share(worst['churn_rate'])} churned within 90 days, "
        f"of the healthiest {numbers.share(best['churn_rate'])}",
        "share of customers that churned in the 90 days after, by tenth of the health score; "
        "lines: 95 % intervals",
        CALIBRATION,
        charts.across(
            rows,
            "name",
            "churn_rate",
            "label",
            axis=charts.SHARE_AXIS,
            low="churn_rate_low",
            high="churn_rate_high",
        ),
        table(columns, values(rows, columns)),
        min_width=TEXT_WIDTH,
    )


def _unwarned(released: Released) -> Block:
    rows = released.rows(f"select * from {UNWARNED} order by mrr_lost desc, customer_id limit 1000")
    if not rows:
        return Empty("Nobody left unannounced", "No churn came without a trigger before it.")
    (total,) = released.rows(
        f"select count(*) as churns, sum(mrr_lost) as mrr_lost from {UNWARNED}"
    )
    for row in rows:
        row["churn_reason"] = words(row["churn_reason"])
    columns = [
        Column("customer_id", "Customer", "customer"),
        Column("churn_date", "Left", "date"),
        Column("churn_type", "Type"),
        Column("churn_reason", "Reason"),
        Column("tenure_days", "Days with us", "count"),
        Column("plan", "Plan"),
        Column("owner_id", "Owner"),
        Column("mrr_lost", "MRR lost", "money"),
    ]
    currency = released.edition.currency
    return Listing(
        "unwarned",
        f"{numbers.count(total['churns'])} churns that nobody was warned of: "
        f"{numbers.money(total['mrr_lost'])} {currency}",
        currency,
        UNWARNED,
        table(columns, values(rows, columns)),
        (_cut(len(rows), total["churns"], "cost more MRR"),),
    )


def _cut(shown: int, total: int, which: str) -> str:
    if shown == total:
        return ""
    return f"The {numbers.count(shown)} that {which} are here; the mart has all."


def experiments(released: Released) -> tuple[Block, ...]:
    """What was tried, and what can be said of it."""
    rows = (
        released.rows(f"select * from {EXPERIMENTS} order by started_date desc, experiment_id")
        if released.has(EXPERIMENTS)
        else []
    )
    if not rows:
        return (Empty("No experiments", "No account has been assigned to one."),)
    for row in rows:
        row["said"] = words(row["result"])
        row["why"] = words(row["result_reason"])
    columns = [
        Column("name", "Experiment"),
        Column("unit", "KPI"),
        Column("target_accounts_measured", "Target", "count"),
        Column("control_accounts_measured", "Control", "count"),
        Column("effect", "Effect", "ratio"),
        Column("effect_low", "from", "ratio"),
        Column("effect_high", "to", "ratio"),
        Column("p_value", "p", "ratio"),
        Column("said", "Result"),
        Column("why", "Because"),
    ]
    validity = [
        Column("name", "Experiment"),
        Column("hypothesis", "Hypothesis"),
        Column("started_date", "From", "date"),
        Column("ended_date", "to", "date"),
        Column("assigned_accounts", "Accounts", "count"),
        Column("required_accounts", "Needed for the smallest effect", "count"),
        Column("unmeasured_accounts", "Not measured", "count"),
        Column("contaminated_accounts", "In both groups", "count"),
        Column("has_sample_ratio_mismatch", "Wrong split", "flag"),
    ]
    better = sum(row["result"] == "target_better" for row in rows)
    listing = Listing(
        "experiments-listed",
        f"{better} of {len(rows)} experiments show that what was tried works",
        "units of each KPI: target against control, change from before to after",
        EXPERIMENTS,
        table(columns, values(rows, columns)),
        tones=(("said", tuple(RESULT_TONES.items())),),
    )
    valid = Listing(
        "experiments-validity",
        "Whether they were run so that they can tell",
        "accounts",
        EXPERIMENTS,
        table(validity, values(rows, validity)),
    )
    chart = _effects(rows)
    return (listing, valid) if chart is None else (chart, listing, valid)


def _effects(rows: Sequence[Row]) -> Chart | None:
    drawn = [row for row in rows if row["effect"] is not None and row["smallest_effect"]]
    if not drawn:
        return None
    shades = {"good": "gain-1", "bad": "loss-2"}
    for row in drawn:
        for name in ("effect", "effect_low", "effect_high"):
            known = row[name] is not None
            row[f"{name}_worth"] = row[name] / row["smallest_effect"] if known else None
        row["shade"] = charts.var(shades.get(RESULT_TONES.get(row["said"], ""), "neutral"))
        row["label"] = (
            f"{row['name']}: effect {_signed(row['effect'])} {row['unit']} (95 % interval "
            f"{_signed(row['effect_low'])} to {_signed(row['effect_high'])}), {row['said']}"
        )
    columns = [
        Column("name", "Experiment"),
        Column("effect_worth", "Effect", "ratio"),
        Column("effect_low_worth", "from", "ratio"),
        Column("effect_high_worth", "to", "ratio"),
        Column("smallest_effect", "Smallest worth having", "ratio"),
        Column("said", "Result"),
    ]
    clear = sum(row["result"] in ("target_better", "control_better") for row in drawn)
    return Chart(
        "effects",
        f"{clear} of {len(drawn)} experiments show a difference that is not chance",
        "effect as a multiple of the smallest one that is worth having; lines: 95 % intervals",
        EXPERIMENTS,
        charts.across(
            drawn,
            "name",
            "effect_worth",
            "label",
            colours="shade",
            axis="~f",
            low="effect_low_worth",
            high="effect_high_worth",
            rules=((1.0, "1: the smallest effect worth having", "ink-soft"),),
        ),
        table(columns, values(drawn, columns)),
        (
            Swatch("gain-1", "Target better"),
            Swatch("loss-2", "Control better"),
            Swatch("neutral", "No difference shown, or not enough data"),
            Swatch("ink-soft", "1: the smallest effect worth having", is_line=True, is_dashed=True),
        ),
        ("KPIs have different units, so effects are shown as multiples; units are in the list.",),
        min_width=TEXT_WIDTH,
    )


def _signed(value: Decimal | None) -> str:
    text = numbers.ratio(value, 4)
    return f"+{text}" if value is not None and value > 0 else text
