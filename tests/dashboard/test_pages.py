"""Every bar, point and cell of the main charts against the marts of a release, in a real browser.

What is expected is asked of the marts here, in SQL of its own; values are read from accessible
names, and sizes and places from the pixels that Chromium draws.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from dashboard.build import build
from dashboard.edition import Edition
from dashboard.released import read_release
from orchestration.control import Control
from orchestration.warehouse import open_for_reading
from tests.dashboard.browser import (
    Seen,
    contrast,
    opened,
    scrolls_sideways,
    violations,
)
from tests.dashboard.marks import CLOSE, Ask, heights_are, labelled, levels_are, sizes_are

PAGES = ("index.html", "revenue.html", "retention.html", "unit-economics.html")
POLICY = "policy_id = 'board_strict'"
ALL = f"{POLICY} and segment_type = 'all'"


@pytest.fixture(scope="module")
def folder(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboard of the released company."""
    target = tmp_path_factory.mktemp("pages") / "1"
    with Control(company / "home" / "control.db") as control:
        release = control.latest_release()
    assert release is not None
    edition = Edition(
        release.n, release.published_at, release.as_of, "USD", release.sha256, release.run_id
    )
    with open_for_reading(company / "home" / "warehouse.duckdb") as connection:
        left_out = build(read_release(connection, edition, None, "The first release."), target)
    assert left_out == []
    return target


@pytest.fixture(scope="module")
def pages(folder: Path, browser: Browser) -> Iterator[dict[str, Seen]]:
    """Every page, open in the light at 1280 pixels."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(opened(browser, folder / name)) for name in PAGES}


def test_nothing_is_fetched_and_every_chart_is_drawn(pages: dict[str, Seen]) -> None:
    for name, seen in pages.items():
        assert (seen.asked, seen.errors) == ([], []), name
        drawn = seen.page.eval_on_selector_all(
            "[data-spec]", "all => all.map(x => x.dataset.drawn)"
        )
        assert set(drawn) == {"yes"}, name
        unnamed = seen.page.locator("svg path[aria-label='']").count()
        assert unnamed == 0, name


def test_the_tiles_are_the_last_complete_month(pages: dict[str, Seen], ask: Ask) -> None:
    ((mrr, arr, customers, month),) = ask(
        "select closing_mrr, arr, closing_customers, strftime(month, '%b %Y')"
        f" from revenue.fct_mrr_by_month where {ALL} and is_complete order by month desc limit 1"
    )
    ((nrr, grr, churn),) = ask(
        "select net_revenue_retention, gross_revenue_retention, logo_churn_rate"
        f" from retention.fct_retention_by_period where {ALL} and period_type = 'month'"
        " and is_complete order by period_start desc limit 1"
    )
    ((ratio,),) = ask(
        "select ltv_cac_ratio from unit_economics.fct_ltv_cac_by_channel where is_blended"
        f" and {POLICY} and loading = 'sales' and period_type = 'trailing_12_months'"
        " and is_complete order by period_start desc limit 1"
    )
    tiles = pages["index.html"].page.locator(".tile")
    shown = {
        tiles.nth(n).locator("h3").inner_text(): tiles.nth(n).locator(".value").inner_text()
        for n in range(tiles.count())
    }
    assert shown["MRR"] == f"{mrr:,} USD"
    assert shown["ARR"] == f"{arr:,} USD"
    assert shown["Customers"] == f"{customers:,}"
    assert shown["Net revenue retention"] == f"{nrr * 100:.1f}\u00a0%"
    assert shown["Gross revenue retention"] == f"{grr * 100:.1f}\u00a0%"
    assert shown["Logo churn"] == f"{churn * 100:.1f}\u00a0%"
    assert shown["LTV:CAC"] == f"{ratio:.1f} : 1"
    assert month in pages["index.html"].page.inner_text("#standing-title")


def test_mrr_by_month(pages: dict[str, Seen], ask: Ask) -> None:
    rows = ask(
        "select strftime(month, '%b %Y'), closing_mrr from (select * from revenue.fct_mrr_by_month"
        f" where {ALL} order by month desc limit 36) order by month"
    )
    bars = pages["index.html"].marks("mrr")
    for bar, (month, value) in zip(bars, rows, strict=True):
        assert bar.label.startswith(f"{month}: ")
        assert bar.number("closing MRR") == value
    sizes_are(bars, [value for _, value in rows], "height")
    # All stand on one line, from left to right.
    assert {round(bar.y + bar.height) for bar in bars} == {round(bars[0].y + bars[0].height)}
    assert [bar.x for bar in bars] == sorted(bar.x for bar in bars)


def test_rates_by_month(pages: dict[str, Seen], ask: Ask) -> None:
    for chart, names in (
        ("revenue-retention", ("net revenue retention", "gross revenue retention")),
        ("logo-churn", ("logo churn",)),
    ):
        marks = pages["index.html"].marks(chart)
        values = []
        points = []
        for words in names:
            column = {"logo churn": "logo_churn_rate"}.get(words, words.replace(" ", "_"))
            rows = ask(
                f"select strftime(period_start, '%b %Y'), {column} from (select * from"
                f" retention.fct_retention_by_period where {ALL} and period_type = 'month'"
                " and is_complete order by period_start desc limit 36)"
                " where not is_small_sample order by period_start"
            )
            for month, value in rows:
                point = labelled(marks, f"{month}: {words} ")
                assert point.number(words) / 100 == value
                points.append(point)
                values.append(value)
        heights_are(points, values)
        assert len(points) == len([mark for mark in marks if "Target" not in mark.label])


MOVEMENTS = {
    "new": "new_mrr",
    "reactivation": "reactivation_mrr",
    "expansion": "expansion_mrr",
    "contraction": "contraction_mrr",
    "churn": "churn_mrr",
    "exchange rates": "fx_mrr",
}


def test_movements_by_month(pages: dict[str, Seen], ask: Ask) -> None:
    rows = ask(
        f"select strftime(month, '%b %Y'), {', '.join(MOVEMENTS.values())}, net_new_mrr from"
        f" (select * from revenue.fct_mrr_by_month where {ALL} order by month desc limit 36)"
        " order by month"
    )
    marks = pages["revenue.html"].marks("movements")
    bars, values, points, net = [], [], [], []
    for month, *parts, net_new in rows:
        of_month = [mark for mark in marks if mark.label.startswith(f"{month}: ")]
        for words, value in zip(MOVEMENTS, parts, strict=True):
            bar = labelled(of_month, f"{month}: {words} ")
            assert bar.number(words) == value
            bars.append(bar)
            values.append(value)
        # Gains stand on one another, and losses hang from one another.
        for side in (1, -1):
            stack = [bar for bar, v in zip(bars[-6:], parts, strict=True) if v * side > 0]
            if stack:
                extent = max(b.y + b.height for b in stack) - min(b.y for b in stack)
                assert extent == pytest.approx(sum(b.height for b in stack), abs=3 * CLOSE)
        points.append(labelled(of_month, f"{month}: net new mrr "))
        assert points[-1].number("net new mrr") == net_new
        net.append(net_new)
    assert len(bars) + len(points) == len(marks)
    sizes_are(bars, values, "height")
    heights_are(points, net)
    # Gains stand on the zero line, losses hang from it, on the scale of the line.
    zero = max(bar.y + bar.height for bar, v in zip(bars, values, strict=True) if v > 0)
    assert zero == pytest.approx(
        min(bar.y for bar, v in zip(bars, values, strict=True) if v < 0), abs=CLOSE
    )


def test_waterfalls(pages: dict[str, Seen], ask: Ask) -> None:
    columns = ", ".join(f"sum({name})" for name in MOVEMENTS.values())
    for chart, count in (("waterfall-month", 1), ("waterfall-year", 12)):
        ((opening, closing, *parts),) = ask(
            f"select arg_min(opening_mrr, month), arg_max(closing_mrr, month), {columns} from"
            f" (select * from revenue.fct_mrr_by_month where {ALL} and is_complete"
            f" order by month desc limit {count})"
        )
        marks = pages["revenue.html"].marks(chart)
        steps = []
        for words, value in zip(MOVEMENTS, parts, strict=True):
            if value:
                steps.append(labelled(marks, f"{words.capitalize()}: "))
                assert steps[-1].number(": ") == value
        sizes_are(steps, [value for value in parts if value], "height")
        first, last = labelled(marks, "Opening: "), labelled(marks, "Closing: ")
        assert (first.number(": "), last.number(": ")) == (opening, closing)
        levels_are(first, list(zip(steps, [v for v in parts if v], strict=True)), last)
        # A bar that goes on below the picture is cut, and that is said.
        picture = pages["revenue.html"].page.locator(f"#{chart} svg").bounding_box()
        assert picture
        is_cut = first.y + first.height > picture["y"] + picture["height"]
        text = pages["revenue.html"].page.inner_text(f"#{chart}")
        assert is_cut == ("not at 0" in text)
        assert is_cut == (chart == "waterfall-month")


def test_policies_and_the_ladder_between_them(pages: dict[str, Seen], ask: Ask) -> None:
    rows = ask(
        "select p.name, m.policy_id, m.closing_mrr from revenue.fct_mrr_by_month as m"
        " join core.dim_metric_policies as p using (policy_id) where segment_type = 'all' and month"
        " = (select max(month) from revenue.fct_mrr_by_month where is_complete)"
    )
    bars = pages["revenue.html"].marks("policies-mrr")
    found = [labelled(bars, f"{name}: ") for name, _, _ in rows]
    assert [bar.number("closing MRR") for bar in found] == [value for _, _, value in rows]
    sizes_are(found, [value for _, _, value in rows], "width")
    steps = ask(
        "select replace(switch, '_', ' '), sum(difference) from revenue.fct_mrr_policy_bridge where"
        " month = (select max(month) from revenue.fct_mrr_by_month where is_complete)"
        " and to_policy_id = 'stripe_legacy' group by switch, step_no"
        " having sum(difference) <> 0 order by step_no"
    )
    ladder = pages["revenue.html"].marks("ladder-stripe-legacy")
    drawn = [labelled(ladder, f"{switch}: ") for switch, _ in steps]
    assert [step.number(": ") for step in drawn] == [value for _, value in steps]
    sizes_are(drawn, [value for _, value in steps], "height")
    names = {policy: name for name, policy, _ in rows}
    ends = [labelled(ladder, f"{names[p]}: ") for p in ("board_strict", "stripe_legacy")]
    levels_are(ends[0], list(zip(drawn, [v for _, v in steps], strict=True)), ends[1])
    assert "what is left over is 0.00" in pages["revenue.html"].page.inner_text("#policies")


LAST_YEAR = (
    " month <= (select max(month) from revenue.fct_mrr_by_month where is_complete)"
    " and month > (select max(month) - interval 12 month from revenue.fct_mrr_by_month"
    " where is_complete)"
)
BARS = {
    ("revenue.html", "by-plan", "closing MRR"): (
        "select replace(segment_value, '_', ' '), closing_mrr from revenue.fct_mrr_by_month"
        f" where {POLICY} and segment_type = 'plan' and month = (select max(month)"
        " from revenue.fct_mrr_by_month where is_complete) and (closing_mrr > 0 or opening_mrr > 0)"
    ),
    ("revenue.html", "reasons", "difference"): (
        "select replace(reason, '_', ' '), sum(difference)"
        " from revenue.fct_mrr_invoice_reconciliation where reason <> 'matched' and month ="
        " (select max(month) from revenue.fct_mrr_by_month where is_complete) group by reason"
    ),
    ("retention.html", "churn-reasons", ":"): (
        "select replace(churn_reason, '_', ' '), sum(mrr_lost)"
        f" from retention.fct_churn_by_reason where {POLICY} and {LAST_YEAR} group by churn_reason"
    ),
    ("unit-economics.html", "cac-channels", "CAC"): (
        "select replace(channel, '_', ' '), cac from unit_economics.fct_ltv_cac_by_channel where"
        f" {POLICY} and period_type = 'trailing_12_months' and is_complete and not is_blended"
        " and loading = 'sales' and cac is not null"
        " qualify period_start = max(period_start) over ()"
    ),
    ("unit-economics.html", "ratios", "LTV:CAC"): (
        "select case when is_blended then 'All channels' else replace(channel, '_', ' ') end,"
        " round(ltv_cac_ratio, 4) from unit_economics.fct_ltv_cac_by_channel"
        f" where {POLICY} and period_type = 'trailing_12_months' and is_complete"
        " and loading = 'sales' and ltv_cac_ratio is not null"
        " qualify period_start = max(period_start) over ()"
    ),
    ("unit-economics.html", "stages", ":"): (
        "with shown as (select * from unit_economics.fct_acquisition_funnel_by_month where"
        " breakdown = 'all' and is_mature order by month desc limit 12)"
        " select 'Aware', sum(leads) from shown union all select 'Considered', sum(considered)"
        " from shown union all select 'Tried', sum(trials) from shown"
        " union all select 'Converted', sum(converted) from shown"
    ),
}


@pytest.mark.parametrize("where", BARS, ids=lambda where: str(where[1]))
def test_bars_are_the_mart(pages: dict[str, Seen], ask: Ask, where: tuple[str, str, str]) -> None:
    page, chart, words = where
    rows = ask(BARS[where])
    marks = pages[page].marks(chart)
    bars = [labelled(marks, f"{name}: ") for name, _ in rows]
    assert [bar.number(words) for bar in bars] == [value for _, value in rows]
    sizes_are(bars, [value for _, value in rows], "width")
    plot = pages[page].page.locator(f"#{chart} svg .root path.background").first.bounding_box()
    assert plot
    end = plot["x"] + plot["width"] + CLOSE
    assert all(bar.x + bar.width <= end for bar in bars), "a bar is cut"
    others = [mark for mark in marks if mark not in bars]
    assert all(mark.height > 100 for mark in others), "nothing but rules is drawn beside the bars"


@pytest.mark.parametrize(
    ("chart", "rate", "now"),
    [
        ("cohorts-logo", "logo_retention", "customers_active"),
        ("cohorts-net", "net_retention", "mrr_active"),
    ],
)
def test_cells_of_the_heat_maps(
    pages: dict[str, Seen], ask: Ask, chart: str, rate: str, now: str
) -> None:
    rows = ask(
        f"select strftime(cohort_month, '%b %Y'), months_since, {rate}, {now} from"
        f" retention.fct_retention_by_cohort_month where {ALL} and cohort_month >"
        " (select max(cohort_month) - interval 36 month from"
        f" retention.fct_retention_by_cohort_month where {POLICY})"
        " order by cohort_month, months_since"
    )
    seen = pages["retention.html"]
    cells = {mark.label.split(":")[0]: mark for mark in seen.marks(chart)}
    assert len(cells) == len(rows) > 300
    for cohort, age, value, active in rows:
        cell = cells[f"Cohort {cohort}, month {age}"]
        assert cell.number(": ") / 100 == value
        assert cell.number("%, ") == active
        # One grid: a column for each age, a row for each cohort.
        assert cell.x == pytest.approx(cells[f"Cohort {rows[0][0]}, month {age}"].x, abs=CLOSE)
        assert cell.y == pytest.approx(cells[f"Cohort {cohort}, month 0"].y, abs=CLOSE)
        assert cell.width > 30
        assert cell.height > 15
    shown = seen.page.eval_on_selector_all(
        f"#{chart} .mark-text.role-mark text", "all => all.map(x => x.textContent)"
    )
    assert shown == [f"{value * 100:.0f}" for _, _, value, _ in rows]
    fills = seen.page.eval_on_selector_all(
        f"#{chart} svg path[aria-label]",
        "all => all.map(x => [x.getAttribute('aria-label').split(':')[0],"
        " getComputedStyle(x).fill])",
    )
    colours = dict(fills)
    legend = seen.page.eval_on_selector_all(
        f"#{chart} .legend .swatch", "all => all.map(x => getComputedStyle(x).backgroundColor)"
    )
    words = seen.page.locator(f"#{chart} .legend li").all_inner_texts()
    assert len(set(legend)) == len(words) == 8
    bounds = [Decimal(text.split(" ")[0]) for text in words[1:]]
    for cohort, age, value, _ in rows:
        place = sum(value * 100 >= bound for bound in bounds)
        assert colours[f"Cohort {cohort}, month {age}"] == legend[place]


def test_retention_curves(pages: dict[str, Seen], ask: Ask) -> None:
    rows = ask(
        "select months_since, logo_retention, net_retention, gross_retention"
        f" from retention.fct_retention_curve where {ALL} and not is_small_sample order by 1"
    )
    marks = pages["retention.html"].marks("logo-curve")
    for mark, row in zip(marks, rows, strict=True):
        assert mark.number(f"Month {row[0]}:") / 100 == row[1]
    heights_are(marks, [row[1] for row in rows])
    money = pages["retention.html"].marks("money-curve")
    points = [labelled(money, f"Month {row[0]}: net retention") for row in rows]
    points += [labelled(money, f"Month {row[0]}: gross retention") for row in rows]
    values = [row[2] for row in rows] + [row[3] for row in rows]
    assert [point.number("retention") / 100 for point in points] == values
    heights_are(points, values)


def test_survival(pages: dict[str, Seen], ask: Ask) -> None:
    rows = ask(
        "select day_of_life, survival from retention.fct_survival_by_segment"
        f" where {ALL} order by 1"
    )
    marks = [
        m for m in pages["retention.html"].marks("survival-curve") if m.label.startswith("All,")
    ]
    for mark, (day, value) in zip(marks, rows, strict=True):
        assert mark.number(f"All, day {day}:") / 100 == value
    heights_are(marks, [value for _, value in rows])


def test_payback_curves(pages: dict[str, Seen], ask: Ask) -> None:
    rows = ask(
        "select strftime(cohort_month, '%b %Y'), months_since, cumulative_margin_per_customer, cac"
        f" from unit_economics.fct_cac_payback_by_cohort where {POLICY} and is_blended"
        " and loading = 'sales' and is_complete and cac > 0"
    )
    known = {f"Cohort {cohort}, month {age}": (margin, cac) for cohort, age, margin, cac in rows}
    marks = [
        mark
        for mark in pages["unit-economics.html"].marks("payback-curves")
        if mark.label.startswith("Cohort")
    ]
    values = []
    for mark in marks:
        margin, cac = known[mark.label.split(":")[0]]
        assert (mark.number(": "), mark.number(" of ")) == (margin, cac)
        values.append(margin / cac)
    assert len({mark.label.split(",")[0] for mark in marks}) == 6
    heights_are(marks, values)


def test_files_hold_what_the_tables_show(folder: Path, pages: dict[str, Seen], ask: Ask) -> None:
    for name, seen in pages.items():
        links = seen.page.eval_on_selector_all(
            "a[download]", "all => all.map(x => x.getAttribute('href'))"
        )
        assert links, name
        for link in links:
            assert len(list(csv.reader((folder / link).open(encoding="utf-8")))) > 1, link
    with (folder / "data" / "revenue-customers-mrr.csv").open(encoding="utf-8") as stream:
        got = {row["customer_id"]: Decimal(row["closing_mrr"]) for row in csv.DictReader(stream)}
    expected = ask(
        f"select customer_id, closing_mrr from revenue.fct_mrr_by_customer_month where {POLICY}"
        " and month = (select max(month) from revenue.fct_mrr_by_month where is_complete)"
    )
    assert got == dict(expected)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(folder: Path, browser: Browser, scheme: Any) -> None:
    heat_maps = ("#cohorts-logo svg", "#cohorts-net svg")
    for name in PAGES:
        with opened(browser, folder / name, scheme=scheme) as seen:
            is_retention = name == "retention.html"
            assert violations(seen.page, heat_maps if is_retention else ()) == [], name
            if is_retention:
                numbers_can_be_read(seen)


def numbers_can_be_read(seen: Seen) -> None:
    """Every number of the heat maps stands out against its cell, 4.5 to 1."""
    pairs = seen.page.evaluate(
        """() => [...document.querySelectorAll("#cohorts-logo, #cohorts-net")].flatMap(map => {
               const fill = mark => getComputedStyle(mark).fill;
               const cells = [...map.querySelectorAll("svg path[aria-label]")].map(fill);
               const texts = [...map.querySelectorAll(".mark-text.role-mark text")].map(fill);
               return cells.map((cell, place) => [cell, texts[place]]); })"""
    )
    assert len({cell for cell, _ in pairs}) >= 6
    assert min(contrast(cell, text) for cell, text in pairs) >= 4.5


def test_a_phone_scrolls_down_only(folder: Path, browser: Browser) -> None:
    for name in PAGES:
        with opened(browser, folder / name, width=390) as seen:
            assert not scrolls_sideways(seen.page), name
            assert (seen.asked, seen.errors) == ([], []), name
