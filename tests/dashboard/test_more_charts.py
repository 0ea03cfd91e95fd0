"""The charts that `test_pages.py` and `test_customer_pages.py` leave out, and that none is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser

from dashboard.build import build
from dashboard.edition import Edition
from dashboard.pages import PAGES
from dashboard.released import Released, read_release
from orchestration.warehouse import open_for_reading
from tests.dashboard import test_customer_pages, test_pages
from tests.dashboard.browser import Seen, opened
from tests.dashboard.marks import Ask, labelled, levels_are, sizes_are
from tests.dashboard.test_pages import ALL, POLICY

EDITION = Edition(3, datetime(2026, 11, 2, 7, 30), date(2026, 10, 31), "USD", "f" * 64, "run-3")
OURS = ("revenue", "retention", "unit_economics")
LAST = "(select max(month) from revenue.fct_mrr_by_month where is_complete)"


@pytest.fixture(scope="module")
def pages(
    company: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[dict[str, Seen]]:
    folder = tmp_path_factory.mktemp("charts") / "1"
    made = [one for one in PAGES if one.make.__name__ in OURS]
    with open_for_reading(company / "home" / "warehouse.duckdb") as connection:
        build(read_release(connection, EDITION, None, "The first release."), folder, made=made)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(opened(browser, folder / f"{name.replace('_', '-')}.html"))
            for name in OURS
        }


#: Bars: page, chart, words before the value, on which side the value is drawn; name and value.
BARS = {
    ("revenue", "by-segment", "closing MRR", "width"): (
        "select replace(segment_value, '_', ' '), closing_mrr from revenue.fct_mrr_by_month"
        f" where {POLICY} and segment_type = 'segment' and month = {LAST}"
        " and (closing_mrr > 0 or opening_mrr > 0)"
    ),
    ("revenue", "recognised", "recognised", "height"): (
        "select strftime(month, '%b %Y'), sum(recognized)"
        " from revenue.fct_recognized_revenue_by_month where month >"
        " (select max(month) - interval 36 month from revenue.fct_recognized_revenue_by_month)"
        " group by month"
    ),
    ("revenue", "committed", "committed MRR", "height"): (
        "select strftime(month, '%b %Y'), committed_mrr from revenue.fct_scheduled_mrr_by_month"
        f" where {POLICY}"
    ),
    ("unit_economics", "ltv-methods", "LTV", "width"): (
        "select replace(method, '_', ' ') || case when is_policy_method then ' (official)' else ''"
        " end, round(ltv, 2) from unit_economics.fct_ltv_by_segment"
        f" where {ALL} and ltv is not null and (month = {LAST} or method in"
        " ('realised', 'projected') and month = (select max(month) from"
        " unit_economics.fct_ltv_by_segment where method = 'projected'))"
        f" and month in ({LAST}, (select max(month) from unit_economics.fct_ltv_by_segment"
        " where method = 'projected'))"
    ),
}
#: Stacks by month: page, chart; month, what a bar is called, and its value.
STACKS = {
    ("retention", "dunning"): (
        "select strftime(month, '%b %Y'), name, amount from (unpivot (select month,"
        ' recovered_amount as "paid after all", open_amount as "open", lost_amount as "lost"'
        f" from retention.fct_dunning_funnel_by_month where {POLICY} and month <= {LAST}"
        f" and month > {LAST} - interval 12 month)"
        ' on "paid after all", "open", "lost" into name name value amount)'
    ),
    ("unit_economics", "spend"): (
        "select strftime(month, '%b %Y'), name, amount from (unpivot (select * from (select month,"
        ' acquisition_spend as "winning customers", retention_spend as "keeping customers"'
        f" from unit_economics.fct_acquisition_retention_balance where {POLICY}"
        " order by month desc limit 24))"
        ' on "winning customers", "keeping customers" into name name value amount)'
    ),
}
#: Steps from a first to a last bar: page, chart; name and value of each, the ends among them.
STEPS = {
    ("revenue", "receivables"): (
        "select unnest(['Owed at start', 'Billed', 'Credited', 'Collected', 'Refunded', 'Conceded',"
        " 'Written off', 'Owed at end']), unnest([sum(outstanding_opening), sum(billed),"
        " -sum(credited), -sum(collected), sum(refunded), -sum(conceded), -sum(written_off),"
        f" sum(outstanding)]) from revenue.fct_mrr_invoice_reconciliation where month = {LAST}"
    ),
    ("unit_economics", "cac-ladder"): (
        "with ladder as (select loading_no, loading, round(cac, 2) as cac,"
        " round(lag(cac) over (partition by period_start order by loading_no), 2) as before"
        f" from unit_economics.fct_ltv_cac_by_channel where {POLICY} and is_blended"
        " and period_type = 'trailing_12_months' and is_complete"
        " qualify period_start = max(period_start) over ()), steps as (select loading_no,"
        " case loading when 'media' then 'Media' when 'tools_content' then 'Tools, content'"
        " when 'sales' then 'Sales' else 'Customer success' end as name,"
        " cac - coalesce(before, 0) as value"
        " from ladder union all select 99, 'Fully loaded', max(cac) from ladder)"
        " select name, value from steps order by loading_no"
    ),
}


@pytest.mark.parametrize("where", BARS, ids=lambda where: str(where[1]))
def test_bars_are_the_mart(
    pages: dict[str, Seen], ask: Ask, where: tuple[str, str, str, str]
) -> None:
    page, chart, words, side = where
    rows = ask(BARS[where])
    marks = pages[page].marks(chart)
    bars = [labelled(marks, f"{name}: ") for name, _ in rows]
    assert [bar.number(words) for bar in bars] == [value for _, value in rows]
    sizes_are(bars, [value for _, value in rows], side)
    assert len(bars) == len(marks)


@pytest.mark.parametrize("where", STACKS, ids=lambda where: str(where[1]))
def test_stacks_are_the_mart(pages: dict[str, Seen], ask: Ask, where: tuple[str, str]) -> None:
    page, chart = where
    rows = ask(STACKS[where])
    marks = pages[page].marks(chart)
    bars = [labelled(marks, f"{month}: {name} ") for month, name, _ in rows]
    values = [value for _, _, value in rows]
    said = [bar.number(f"{name} ") for bar, (_, name, _) in zip(bars, rows, strict=True)]
    assert said == values
    sizes_are(bars, values, "height")
    assert len(bars) == len(marks)


@pytest.mark.parametrize("where", STEPS, ids=lambda where: str(where[1]))
def test_steps_are_the_mart(pages: dict[str, Seen], ask: Ask, where: tuple[str, str]) -> None:
    page, chart = where
    first, *rows, last = ask(STEPS[where])
    marks = pages[page].marks(chart)
    rows = [row for row in rows if row[1]]
    steps = [labelled(marks, f"{name}: ") for name, _ in rows]
    ends = [labelled(marks, f"{name}: ") for name, _ in (first, last)]
    for mark, (_, value) in zip([*steps, *ends], [*rows, first, last], strict=True):
        assert mark.number(": ") == value
    sizes_are(steps, [value for _, value in rows], "height")
    levels_are(ends[0], list(zip(steps, [value for _, value in rows], strict=True)), ends[1])
    assert len(marks) == len(rows) + 2


RUNS = [
    {"rows_accepted": 1200, "rows_superseded": 100, "rows_quarantined": 7},
    {"rows_accepted": 1250, "rows_superseded": 130, "rows_quarantined": 60},
    {"rows_accepted": 900, "rows_superseded": 0, "rows_quarantined": 300},
]


@pytest.fixture(scope="module")
def runs(
    company: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Seen]:
    """The page of data health of a release that three runs led to, the last two in one minute."""
    folder = tmp_path_factory.mktemp("runs") / "3"
    file = str(company / "home" / "warehouse.duckdb").replace("'", "''")
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{file}' as released (read_only)")
        connection.execute("create schema quality")
        for name in ("run_log", "check_results", "load_log"):
            connection.execute(
                f"create table quality.{name} as from released.quality.{name} limit 0"
            )
        (log,) = connection.execute("from released.quality.run_log limit 1").fetchall()
        columns = [column[0] for column in connection.description or []]
        for n, run in enumerate(RUNS):
            published = datetime(2026, 11, 1, 6) + timedelta(seconds=20 * n)
            row: dict[str, Any] = dict(zip(columns, log, strict=True)) | run
            row |= {"run_id": f"run-{n + 1}", "published_at": published}
            marks = ", ".join("?" for _ in row)
            connection.execute(f"insert into quality.run_log values ({marks})", list(row.values()))
        connection.execute("detach released")
        released = Released(connection, EDITION, "board_strict", "Board, strict")
        made = [one for one in PAGES if one.make.__name__ == "data_health"]
        assert build(released, folder, made=made) == []
    with opened(browser, folder / "data-health.html") as seen:
        yield seen


def test_rows_by_run_are_the_log(runs: Seen) -> None:
    marks = runs.marks("rows-by-run")
    values = [value for run in RUNS for value in run.values()]
    words = [name.removeprefix("rows_") for run in RUNS for name in run]
    bars = []
    for place, (value, word) in enumerate(zip(values, words, strict=True)):
        start = f"Run run-{place // 3 + 1}, 1 Nov 2026, 06:00 UTC: "
        bars.append(next(m for m in marks if m.label == f"{start}{value:,} rows {word}"))
    assert len(bars) == len(marks)
    sizes_are(bars, values, "height")
    # Runs of one minute have a bar each, from left to right; what a run had stands on one another.
    places = [bar.x for bar in bars]
    assert places == sorted(places)
    assert len(set(places)) == len(RUNS)
    for n in range(0, len(bars), 3):
        accepted, superseded, quarantined = bars[n : n + 3]
        assert accepted.y == pytest.approx(superseded.y + superseded.height, abs=0.8)
        assert superseded.y == pytest.approx(quarantined.y + quarantined.height, abs=0.8)


def test_no_chart_is_without_its_test(company: Path) -> None:
    """Names of charts are looked for in these tests: one that is held against no mart shows."""
    text = "".join(one.read_text("utf-8") for one in Path(__file__).parent.glob("test_*.py"))
    made = set()
    with duckdb.connect(company / "home" / "warehouse.duckdb", read_only=True) as connection:
        released = read_release(connection, EDITION, None, "The first release.")
        for one in PAGES:
            for section in one.make(released).sections:
                made |= {block.key for block in section.blocks if block.block == "chart"}
                for block in section.blocks:
                    if block.block == "lookup":
                        made |= {figure.key for figure in block.figures}
    assert len(made) > 30
    assert {key for key in made if f'"{key}"' not in text} == set()


def test_axe_and_a_phone_have_seen_every_page() -> None:
    """`test_axe_finds_nothing` of both files looks at these, in light and dark."""
    files = {one.make.__name__.replace("_", "-") + ".html" for one in PAGES}
    seen = {*test_pages.PAGES, *test_customer_pages.OURS}
    assert seen == files - {"overview.html"} | {"index.html"}
