"""Revenue, second part: invoices, money earned and owed, what is committed, what was closed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dashboard import charts, numbers
from dashboard.model import Block, Chart, Column, Empty, Listing, Section, table
from dashboard.pages.shared import MONTHS_SHOWN, TEXT_WIDTH, running_note, steps, values, words
from dashboard.released import Released

RECONCILIATION = "revenue.fct_mrr_invoice_reconciliation"
RECOGNISED = "revenue.fct_recognized_revenue_by_month"
LEAKAGE = "revenue.fct_revenue_leakage"
SCHEDULED = "revenue.fct_scheduled_mrr_by_month"
CLOSED = "revenue.fct_mrr_closed_periods"
RESTATED = "revenue.fct_mrr_restatements"


def ties_section(released: Released, month: date) -> Section:
    """Subscriptions against invoices, and money from billed to owed."""
    blocks: list[Block] = []
    if released.has(RECONCILIATION):
        blocks += [_reasons(released, month), _receivables(released, month)]
    if released.has(RECOGNISED):
        blocks.append(_recognised(released))
    if released.has(LEAKAGE):
        blocks.append(_leakage(released, month))
    if not blocks:
        blocks.append(Empty("No invoices", "This release has no marts of invoices."))
    return Section(
        "ties",
        f"Does it tie out? {numbers.month(month)}",
        tuple(blocks),
        "MRR is what subscriptions say; invoices say it again, and where they differ there is one "
        "reason. From billed to owed nothing is left over.",
    )


def _reasons(released: Released, month: date) -> Block:
    rows = released.rows(
        "select reason, count(*) as customers, sum(subscription_mrr) as subscription_mrr,"
        " sum(invoice_mrr) as invoice_mrr, sum(difference) as difference,"
        f" sum(abs(difference)) as gross_difference from {RECONCILIATION}"
        " where month = ? group by reason order by reason <> 'matched', gross_difference desc",
        [month],
    )
    currency = released.edition.currency
    if not rows:
        return Empty("Subscriptions against invoices", "Nothing was invoiced or owed in the month.")
    drawn = [
        {
            "name": words(row["reason"]),
            "value": row["difference"],
            "text": f"{numbers.whole(row['difference'], sign=True)}  ({row['customers']})",
            "label": f"{words(row['reason'])}: difference "
            f"{numbers.money(row['difference'], sign=True)} {currency}, "
            f"{row['customers']} customers",
            "shade": charts.var("accent" if row["difference"] >= 0 else "loss-2"),
        }
        for row in rows
        if row["reason"] != "matched"
    ]
    matched = next((row for row in rows if row["reason"] == "matched"), None)
    everybody = sum(row["customers"] for row in rows)
    others = (row["difference"] for row in rows if row["reason"] != "matched")
    total = sum(others, Decimal(0))
    columns = [
        Column("reason", "Reason"),
        Column("customers", "Customers", "count"),
        Column("subscription_mrr", "Subscription MRR", "money"),
        Column("invoice_mrr", "Invoice MRR", "money"),
        Column("difference", "Difference", "money"),
        Column("gross_difference", "without signs", "money"),
    ]
    agree = matched["customers"] if matched else 0
    title = (
        f"Subscriptions and invoices agree for {agree} of {everybody} customers; the others "
        f"differ by {numbers.money(total, sign=True)} {currency}"
    )
    exact = table(columns, values(rows, columns))
    if not drawn:
        return Listing("reasons", title, currency, RECONCILIATION, exact)
    return Chart(
        "reasons",
        title,
        f"{currency} of MRR, subscriptions less invoices",
        RECONCILIATION,
        charts.across(drawn, "name", "value", "label", colours="shade", text="text"),
        exact,
        notes=(
            "Right of 0 subscriptions say more than invoices, left of it less. Customers that "
            "match are left out of the bars; their cents are rounding.",
        ),
        is_wide=False,
        min_width=TEXT_WIDTH,
    )


def _receivables(released: Released, month: date) -> Block:
    parts = (
        ("Billed", "billed", 1, "gain-1"),
        ("Credited", "credited", -1, "loss-1"),
        ("Collected", "collected", -1, "loss-2"),
        ("Refunded", "refunded", 1, "gain-3"),
        ("Conceded", "conceded", -1, "loss-1"),
        ("Written off", "written_off", -1, "loss-1"),
    )
    names = ["outstanding_opening", *(name for _, name, _, _ in parts), "outstanding", "residual"]
    row = released.rows(
        f"select {', '.join(f'coalesce(sum({name}), 0) as {name}' for name in names)}"
        f" from {RECONCILIATION} where month = ?",
        [month],
    )[0]
    currency = released.edition.currency
    drawn = steps(
        ("Owed at start", row["outstanding_opening"]),
        [(text, sign * row[name], colour) for text, name, sign, colour in parts],
        ("Owed at end", row["outstanding"]),
        currency,
    )
    owed = row["outstanding"]
    left = (
        f"{numbers.money(owed)} are owed"
        if owed >= 0
        else f"customers are {numbers.money(-owed)} ahead"
    )
    cells = [("Owed at start", row["outstanding_opening"])]
    cells += [(text, sign * row[name]) for text, name, sign, _ in parts]
    return Chart(
        "receivables",
        f"{numbers.money(row['billed'])} {currency} were billed, "
        f"{numbers.money(row['collected'])} collected; {left}",
        f"{currency}, with tax",
        RECONCILIATION,
        charts.waterfall(drawn, "label"),
        table(
            [Column("step", "Step"), Column("amount", "Amount", "money")],
            [*cells, ("Owed at end", row["outstanding"]), ("Residual", row["residual"])],
        ),
        notes=(f"What is left over is {numbers.money(row['residual'])}.",),
        min_width=560,
        is_wide=False,
    )


def _recognised(released: Released) -> Block:
    rows = released.rows(
        "select month, sum(recognized) as recognized, sum(billed) as billed,"
        " sum(credited) as credited, sum(deferred_closing) as deferred_closing,"
        " sum(unbilled_closing) as unbilled_closing, bool_and(is_complete) as is_complete"
        f" from {RECOGNISED} group by month order by month desc limit ?",
        [MONTHS_SHOWN],
    )[::-1]
    if not rows:
        return Empty("Revenue recognised", "No invoice line has a service period yet.")
    currency = released.edition.currency
    for row in rows:
        row["label"] = (
            f"{numbers.month(row['month'])}: recognised {numbers.money(row['recognized'])} "
            f"{currency}, deferred {numbers.money(row['deferred_closing'])}"
        )
    last = [row for row in rows if row["is_complete"]][-1:] or rows[-1:]
    columns = [
        Column("month", "Month", "month"),
        Column("recognized", "Recognised", "money"),
        Column("billed", "Billed", "money"),
        Column("credited", "Credited", "money"),
        Column("deferred_closing", "Deferred at end", "money"),
        Column("unbilled_closing", "Unbilled at end", "money"),
        Column("is_complete", "Complete", "flag"),
    ]
    return Chart(
        "recognised",
        f"{numbers.money(last[0]['recognized'])} {currency} of revenue were recognised in "
        f"{numbers.month(last[0]['month'])}; {numbers.money(last[0]['deferred_closing'])} are "
        "billed and not earned yet",
        f"{currency}, before tax",
        RECOGNISED,
        charts.month_bars(rows, "recognized", "label"),
        table(columns, values(rows, columns)),
        notes=(running_note(rows, released),),
    )


def _leakage(released: Released, month: date) -> Block:
    rows = released.rows(
        f"select * from {LEAKAGE} where month = ?"
        " order by abs(difference) desc, customer_id, subscription_item_id, currency",
        [month],
    )
    if not rows:
        why = (
            f"In {numbers.month(month)} no item is served and not invoiced, or the other way round."
        )
        return Empty("Nothing leaks", why)
    lost = sum((row["difference"] for row in rows if row["difference"] > 0), Decimal(0))
    beyond = -sum((row["difference"] for row in rows if row["difference"] < 0), Decimal(0))
    columns = [
        Column("customer_id", "Customer"),
        Column("subscription_item_id", "Item"),
        Column("leakage_type", "What"),
        Column("subscription_mrr", "Subscription MRR", "money"),
        Column("invoice_mrr", "Invoice MRR", "money"),
        Column("difference", "Difference", "money"),
        Column("service_end_date", "Service ended", "date"),
    ]
    for row in rows:
        row["leakage_type"] = words(row["leakage_type"])
    return Listing(
        "leakage",
        f"{numbers.money(lost)} {released.edition.currency} of MRR were served and not asked for "
        f"in {numbers.month(month)}; {numbers.money(beyond)} were asked for and not served",
        released.edition.currency,
        LEAKAGE,
        table(columns, values(rows, columns)),
    )


def ahead_section(released: Released) -> Section:
    """MRR of the next twelve months as far as it is committed."""
    title = "What is committed"
    rows = (
        released.rows(
            f"select *, true as is_complete from {SCHEDULED} where policy_id = ? order by month",
            [released.policy_id],
        )
        if released.has(SCHEDULED)
        else []
    )
    if not rows:
        why = "Nothing is scheduled after the as-of date."
        return Section("ahead", title, (Empty("Nothing ahead", why),))
    currency = released.edition.currency
    for row in rows:
        row["label"] = (
            f"{numbers.month(row['month'])}: committed MRR {numbers.money(row['committed_mrr'])} "
            f"{currency}"
        )
    now, last = rows[0]["current_mrr"], rows[-1]
    columns = [
        Column("month", "Month", "month"),
        Column("current_mrr", "MRR as of today", "money"),
        Column("ending_mrr", "Ending", "money"),
        Column("trial_mrr", "Trials", "money"),
        Column("starting_mrr", "Starting", "money"),
        Column("resuming_mrr", "Resuming", "money"),
        Column("discount_mrr", "Discounts that end", "money"),
        Column("committed_mrr", "Committed", "money"),
    ]
    chart = Chart(
        "committed",
        f"Of {numbers.money(now)} {currency} as of {numbers.day(released.edition.as_of)}, what is "
        f"known today leaves {numbers.money(last['committed_mrr'])} by "
        f"{numbers.month(last['month'])}",
        f"{currency} per month",
        SCHEDULED,
        charts.month_bars(rows, "committed_mrr", "label"),
        table(columns, values(rows, columns)),
        notes=(
            "Cancellations that were asked for, trials (taken to convert), starts, resumptions and "
            "discounts that end. No churn is guessed: this is no forecast.",
        ),
    )
    return Section("ahead", title, (chart,))


def books_section(released: Released) -> Section:
    """Which months are closed, and what changed in them since."""
    title = "Closed months, and what changed in them"
    if not released.has(CLOSED) or not released.rows(f"select 1 from {CLOSED} limit 1"):
        why = (
            "make close MONTH=… closes a month: its figures are kept, and later changes are shown."
        )
        return Section("books", title, (Empty("No month is closed", why),))
    currency = released.edition.currency
    closes = released.rows(
        "select close_id, month, closed_by, closed_at, release_n, is_in_force,"
        f" sum(closing_mrr) as closing_mrr from {CLOSED} where policy_id = ? group by all"
        " order by month desc, close_id desc",
        [released.policy_id],
    )
    columns = [
        Column("close_id", "Close"),
        Column("month", "Month", "month"),
        Column("closed_by", "By"),
        Column("closed_at", "When", "time"),
        Column("release_n", "Release", "count"),
        Column("is_in_force", "In force", "flag"),
        Column("closing_mrr", "Closing MRR as closed", "money"),
    ]
    blocks: list[Block] = [
        Listing(
            "closes",
            f"{len({row['month'] for row in closes if row['is_in_force']})} months are closed",
            currency,
            CLOSED,
            table(columns, values(closes, columns)),
        ),
        _restatements(released),
    ]
    return Section("books", title, tuple(blocks))


def _restatements(released: Released) -> Block:
    rows = (
        released.rows(
            "select month, cause, count(distinct customer_id) as customers,"
            f" sum(difference) as difference from {RESTATED}"
            " where policy_id = ? and is_in_force group by all order by month desc, cause",
            [released.policy_id],
        )
        if released.has(RESTATED)
        else []
    )
    if not rows:
        return Empty("No closed month changed", "Every closed figure is what it was when closed.")
    columns = [
        Column("month", "Month", "month"),
        Column("cause", "Cause"),
        Column("customers", "Customers", "count"),
        Column("difference", "Difference of closing MRR", "money"),
    ]
    for row in rows:
        row["cause"] = words(row["cause"])
    return Listing(
        "restatements",
        "What changed in closed months since",
        released.edition.currency,
        RESTATED,
        table(columns, values(rows, columns)),
    )
