"""Data health: what came in, what was checked, what was held back, and how fresh it is.

Values of quarantined rows are never shown: they are what did not fit, an address in the wrong
column included. `make quarantine` shows them to those who may read the landing zone.
"""

from __future__ import annotations

from decimal import Decimal

from dashboard import charts, numbers
from dashboard.charts import Series
from dashboard.model import (
    Block,
    Chart,
    Column,
    Empty,
    Listing,
    Page,
    Section,
    Swatch,
    Tile,
    Tiles,
    table,
)
from dashboard.pages.shared import TEXT_WIDTH, values, words
from dashboard.released import Released, Row

RUNS = "quality.run_log"
CHECKS = "quality.check_results"
LOADS = "quality.load_log"
QUARANTINE = "quality.quarantine"
REJECTED = "quality.rejected_rows"
FINDINGS = "quality.billing_findings"

RUNS_SHOWN = 24
#: Findings that are listed, the largest differences first; the mart has all.
FINDINGS_SHOWN = 500
STAGES = ("raw", "unit_test", "test", "marts", "invariant")
OUTCOMES = (
    Series("passed", "Passed", "gain-1"),
    Series("not applicable", "Not applicable", "neutral"),
    Series("warned", "Warned", "loss-1"),
    Series("failed", "Failed, blocks a release", "loss-2"),
)
OUTCOME_TONES = (("outcome", (("warned", "fair"), ("failed", "bad"), ("passed", "good"))),)
_OUTCOME = (
    "case when is_skipped then 'not applicable' when is_passed then 'passed'"
    " when is_blocking then 'failed' else 'warned' end"
)


def data_health(released: Released) -> Page:
    """The page of data engineers, and of whoever doubts a figure."""
    return Page(
        "data-health",
        "Data health",
        "Which runs made the releases, what was checked before anybody saw a figure, what was held "
        "back and why, and how fresh each source is.",
        (
            Section("runs", "Runs", _runs(released)),
            Section("checks", "Checks", _checks(released)),
            Section(
                "quarantine",
                "Quarantine",
                _held_back(released),
                "Rows that broke a rule of their source are kept apart, never dropped in silence.",
            ),
            Section("freshness", "Freshness", _freshness(released)),
        ),
    )


def _runs(released: Released) -> tuple[Block, ...]:
    rows = released.rows(
        f"select * from {RUNS} order by published_at desc, run_id desc limit ?", [RUNS_SHOWN]
    )
    if not rows:
        return (Empty("No run is logged", "The log begins with the first release."),)
    now = rows[0]
    said = numbers.instant(now["published_at"])
    received = now["rows_received"]
    quarantined = now["rows_quarantined"]
    verdict, tone = "No check failed", "good"
    if now["checks_warned"]:
        verdict, tone = f"{numbers.count(now['checks_warned'])} warned", "fair"
    if now["checks_failed"]:
        verdict, tone = f"{numbers.count(now['checks_failed'])} failed", "bad"
    share = numbers.share(numbers.fraction(quarantined, received), 2) if received else ""
    tiles = Tiles(
        (
            Tile("Rows received", numbers.count(received), period=said, source=RUNS),
            Tile(
                "Rows accepted",
                numbers.count(now["rows_accepted"]),
                period=said,
                changes=(f"{numbers.count(now['rows_superseded'])} superseded by newer versions",),
                source=RUNS,
            ),
            Tile(
                "Rows in quarantine",
                numbers.count(quarantined),
                period=said,
                changes=(f"{share} of what was received",) if received else (),
                source=RUNS,
            ),
            Tile(
                "Checks",
                numbers.count(now["checks_run"]),
                period=said,
                status=verdict,
                tone=tone,
                source=RUNS,
            ),
        )
    )
    columns = [
        Column("published_at", "Published", "time"),
        Column("run_id", "Run"),
        Column("as_of_date", "As of", "date"),
        Column("rows_received", "Received", "count"),
        Column("rows_accepted", "Accepted", "count"),
        Column("rows_superseded", "Superseded", "count"),
        Column("rows_quarantined", "Quarantined", "count"),
        Column("checks_run", "Checks", "count"),
        Column("checks_failed", "Failed", "count"),
        Column("checks_warned", "Warned", "count"),
    ]
    listing = Listing(
        "runs-listed",
        f"The last {len(rows)} runs that released" if len(rows) > 1 else "The run that released",
        "rows and checks",
        RUNS,
        table(columns, values(rows, columns)),
    )
    return (tiles, *((_rows_by_run(rows[::-1]),) if len(rows) > 1 else ()), listing)


def _rows_by_run(rows: list[Row]) -> Chart:
    series = (
        Series("rows_accepted", "Accepted", "accent"),
        Series("rows_superseded", "Superseded", "neutral"),
        Series("rows_quarantined", "Quarantined", "loss-2"),
    )
    drawn = []
    for place, row in enumerate(rows, 1):
        for one in series:
            drawn.append(
                {
                    # Runs of one minute would share a bar.
                    "run": f"{place}: {row['published_at']:%d %b %H:%M}",
                    "series": one.name,
                    "value": row[one.name],
                    "label": f"Run {row['run_id']}, {numbers.instant(row['published_at'])}: "
                    f"{numbers.count(row[one.name])} rows {one.text.lower()}",
                }
            )
    columns = [
        Column("published_at", "Published", "time"),
        Column("run_id", "Run"),
        *(Column(one.name, one.text, "count") for one in series),
    ]
    change = rows[-1]["rows_accepted"] - rows[-2]["rows_accepted"]
    return Chart(
        "rows-by-run",
        f"The last run accepted {numbers.count(rows[-1]['rows_accepted'])} rows, "
        f"{numbers.count(change, sign=True)} against the one before",
        "rows",
        RUNS,
        charts.stacked_months(drawn, series, "label", x="run"),
        table(columns, values(rows, columns)),
        tuple(Swatch(one.colour, one.text) for one in series),
    )


def _checks(released: Released) -> tuple[Block, ...]:
    last = f"(select arg_max(run_id, published_at) from {RUNS})"
    rows = released.rows(
        f"select *, {_OUTCOME} as outcome from {CHECKS} where run_id = {last}"
        " order by is_passed, is_skipped desc, stage, subject, name"
    )
    if not rows:
        return (Empty("No checks", "The last run has logged none."),)
    stages = [*STAGES, *sorted({row["stage"] for row in rows} - set(STAGES))]
    counted = [
        {
            "stage": words(stage),
            "series": one.name,
            "value": sum(row["stage"] == stage and row["outcome"] == one.name for row in rows),
        }
        for stage in stages
        for one in OUTCOMES
    ]
    for row in counted:
        row["label"] = f"{row['stage']}: {numbers.count(row['value'])} {row['series']}"
    found = {one.name: sum(row["outcome"] == one.name for row in rows) for one in OUTCOMES}
    columns = [
        Column("stage", "Stage"),
        Column("series", "Outcome"),
        Column("value", "Checks", "count"),
    ]
    chart = Chart(
        "by-stage",
        f"{numbers.count(found['passed'])} of {numbers.count(len(rows))} checks passed, "
        f"{numbers.count(found['failed'])} failed, {numbers.count(found['warned'])} warned",
        "checks of the run that released, by stage",
        CHECKS,
        charts.stacked_months(
            [row for row in counted if row["value"]], OUTCOMES, "label", axis="d", x="stage"
        ),
        table(columns, values(counted, columns)),
        tuple(Swatch(one.colour, one.text) for one in OUTCOMES),
        (
            "A check that does not apply had nothing to compare with: a first release, a company "
            "too small for a rule of shares."
            if found["not applicable"]
            else "",
        ),
    )
    listed = [
        Column("outcome", "Outcome"),
        Column("stage", "Stage"),
        Column("subject", "Of what"),
        Column("name", "Check"),
        Column("is_blocking", "Blocks", "flag"),
        Column("failure_count", "Rows that break it", "count"),
        Column("message", "Says"),
    ]
    for row in rows:
        row["name"] = words(row["name"])
    open_ones = [row for row in rows if row["outcome"] in ("failed", "warned")]
    blocks: list[Block] = [chart]
    if open_ones:
        blocks.append(
            Listing(
                "not-passed",
                f"{len(open_ones)} checks to look at",
                "rows",
                CHECKS,
                table(listed, values(open_ones, listed)),
                tones=OUTCOME_TONES,
            )
        )
    blocks.append(
        Listing(
            "checks-listed",
            f"All {numbers.count(len(rows))} checks",
            "rows",
            CHECKS,
            table(listed, values(rows, listed)),
            filters=("outcome", "stage", "is_blocking"),
        )
    )
    return tuple(blocks)


def _held_back(released: Released) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if released.has(QUARANTINE):
        rows = released.rows(
            "select source || '.' || table_name as name, rule, column_name, state,"
            " count(*) as count, count(distinct file) as files, min(first_seen) as first_seen,"
            f" max(first_seen) as last_seen from {QUARANTINE} group by all"
            " order by count desc, name, rule, column_name, state"
        )
        blocks.append(_quarantine(rows))
    if released.has(REJECTED):
        rejected = released.rows(
            "select source || '.' || table_name as name, reason, count(*) as count"
            f" from {REJECTED} group by all order by count desc, name, reason"
        )
        blocks.append(_rejected(rejected))
    if released.has(FINDINGS):
        blocks.append(_findings(released))
    return tuple(blocks) or (Empty("No quarantine", "The release has no mart of it."),)


def _quarantine(rows: list[Row]) -> Block:
    if not rows:
        return Empty(
            "The quarantine is empty", "Every row that came in follows the rules of its source."
        )
    total = sum(row["count"] for row in rows)
    columns = [
        Column("name", "Table"),
        Column("rule", "Rule"),
        Column("column_name", "Column"),
        Column("state", "State"),
        Column("count", "Rows", "count"),
        Column("files", "Files", "count"),
        Column("first_seen", "First seen", "time"),
        Column("last_seen", "Last seen", "time"),
    ]
    return Listing(
        "quarantined",
        f"{numbers.count(total)} rows are in quarantine",
        "rows",
        QUARANTINE,
        table(columns, values(rows, columns)),
        ("Values are not shown here; make quarantine lists them with file and line.",),
    )


def _rejected(rows: list[Row]) -> Block:
    if not rows:
        return Empty("No row was left out", "Every accepted row is in the figures.")
    total = sum(row["count"] for row in rows)
    columns = [
        Column("name", "Table"),
        Column("reason", "Reason"),
        Column("count", "Rows", "count"),
    ]
    return Listing(
        "rejected",
        f"{numbers.count(total)} accepted rows count for no figure",
        "rows",
        REJECTED,
        table(columns, values(rows, columns)),
    )


def _findings(released: Released) -> Block:
    total = released.rows(f"select count(*) as count from {FINDINGS}")[0]["count"]
    if not total:
        return Empty(
            "Invoices, lines and payments fit", "No two rows of billing say different sums."
        )
    rows = released.rows(
        f"select * from {FINDINGS} order by abs(found_amount - coalesce(expected_amount, 0)) desc,"
        " finding, row_key limit ?",
        [FINDINGS_SHOWN],
    )
    for row in rows:
        row["finding"] = words(row["finding"])
    columns = [
        Column("finding", "Finding"),
        Column("invoice_id", "Invoice"),
        Column("row_key", "Row"),
        Column("customer_id", "Customer", "customer"),
        Column("currency", "Currency"),
        Column("expected_amount", "Asked for", "money"),
        Column("found_amount", "Found", "money"),
        Column("detail", "What to do"),
    ]
    return Listing(
        "findings",
        ("1 row of billing does" if total == 1 else f"{numbers.count(total)} rows of billing do")
        + " not fit their invoice"
        + (f"; the {FINDINGS_SHOWN} largest are listed" if total > FINDINGS_SHOWN else ""),
        "rows, amounts in their own currency",
        FINDINGS,
        table(columns, values(rows, columns)),
        ("They count as they stand; somebody has to find out which side is wrong.",),
        filters=("finding", "currency"),
    )


def _freshness(released: Released) -> tuple[Block, ...]:
    as_of = released.edition.as_of
    rows = released.rows(
        "select source, source || '.' || table_name as name, count(*) as files,"
        " max(loaded_at) as loaded_at, sum(rows_received) as received,"
        " max(try_cast(regexp_extract(file, '[0-9]{4}-[0-9]{2}-[0-9]{2}') as date)) as delivered"
        f" from {LOADS} group by source, table_name order by name"
    )
    if not rows:
        return (Empty("Nothing has come in", "Files are logged when they land."),)
    for row in rows:
        known = row["delivered"] is not None
        row["age"] = (as_of - row["delivered"]).days if known else None
        row["received"] = Decimal(row["received"])
    dated = sorted(
        (row for row in rows if row["age"] is not None), key=lambda row: (-row["age"], row["name"])
    )
    columns = [
        Column("name", "Table"),
        Column("delivered", "Newest delivery", "date"),
        Column("age", "Days before as-of", "count"),
        Column("loaded_at", "Loaded", "time"),
        Column("files", "Files", "count"),
        Column("received", "Rows", "count"),
    ]
    blocks: list[Block] = []
    if dated:
        for row in dated:
            # What is newer than the as-of date is not late.
            row["late"] = max(row["age"], 0)
            row["text"] = numbers.count(row["late"])
            row["label"] = (
                f"{row['name']}: newest delivery {numbers.day(row['delivered'])}, "
                f"{numbers.count(row['late'])} days before the as-of date"
            )
        current = sum(row["late"] <= 1 for row in dated)
        blocks.append(
            Chart(
                "ages",
                f"{current} of {len(dated)} tables are a day old or younger; the oldest is "
                f"{dated[0]['name']}, {numbers.count(dated[0]['late'])} days",
                "days from the newest delivery to the as-of date",
                LOADS,
                charts.across(dated, "name", "late", "label", text="text", axis="d"),
                table(columns, values(dated, columns)),
                notes=(
                    "A table that changes seldom may rightly be old: deliveries are of changes.",
                ),
                min_width=TEXT_WIDTH,
            )
        )
    blocks.append(
        Listing(
            "loads",
            f"{numbers.count(sum(row['files'] for row in rows))} files of {len(rows)} tables",
            "rows and files",
            LOADS,
            table(columns, values(rows, columns)),
        )
    )
    return tuple(blocks)
