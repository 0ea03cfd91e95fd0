"""The pages of customers and of data health against the marts of a release, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from dashboard.build import build
from dashboard.edition import Edition
from dashboard.pages import PAGES
from dashboard.released import read_release
from orchestration.control import Control
from orchestration.warehouse import open_for_reading
from tests.dashboard.browser import Seen, opened, scrolls_sideways, violations
from tests.dashboard.marks import CLOSE, Ask, labelled, sizes_are

OURS = ("customer-success.html", "customer.html", "data-health.html")
POLICY = "policy_id = 'board_strict'"


@pytest.fixture(scope="module")
def folder(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the released company that this file is about."""
    target = tmp_path_factory.mktemp("customers") / "1"
    with Control(company / "home" / "control.db") as control:
        release = control.latest_release()
    assert release is not None
    edition = Edition(
        release.n, release.published_at, release.as_of, "USD", release.sha256, release.run_id
    )
    names = {file.removesuffix(".html").replace("-", "_") for file in OURS}
    made = [one for one in PAGES if one.make.__name__ in names]
    assert len(made) == len(OURS)
    with open_for_reading(company / "home" / "warehouse.duckdb") as connection:
        released = read_release(connection, edition, None, "The first release.")
        assert build(released, target, made=made) == []
    return target


@pytest.fixture(scope="module")
def pages(folder: Path, browser: Browser) -> Iterator[dict[str, Seen]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(opened(browser, folder / name)) for name in OURS}


def look_up(seen: Seen, customer_id: str) -> None:
    seen.page.evaluate("id => { location.hash = '#' + id; }", customer_id)
    seen.page.wait_for_selector(f'html[data-customer="{customer_id}"]')


def test_nothing_is_fetched_and_every_chart_is_drawn(pages: dict[str, Seen]) -> None:
    for name, seen in pages.items():
        assert (seen.asked, seen.errors) == ([], []), name
        drawn = seen.page.eval_on_selector_all(
            "[data-spec]", "all => all.map(x => x.dataset.drawn)"
        )
        assert set(drawn) <= {"yes"}, name


BARS = {
    ("customer-success.html", "by-trigger", ":"): (
        "with firings as (select trigger_event_id, any_value(trigger_key) as trigger_key,"
        " any_value(mrr_at_risk) as at_risk from customer_success.fct_action_queue"
        " where state = 'open' group by 1) select replace(trigger_key, '_', ' '), sum(at_risk)"
        " from firings group by trigger_key order by 2 desc nulls last, trigger_key limit 15"
    ),
    ("customer-success.html", "lift-triggers", "lift"): (
        "select replace(trigger_key, '_', ' '), round(lift, 4)"
        " from customer_success.fct_trigger_backtest"
        " where scope = 'pooled' and direction = 'risk' and lift is not null"
    ),
    ("customer-success.html", "effects", "effect"): (
        "select name, round(effect, 4), effect / smallest_effect"
        " from customer_success.fct_experiment_results"
        " where effect is not null and smallest_effect <> 0"
    ),
    ("customer-success.html", "lift-components", "lift"): (
        "select replace(subject, '_', ' '), round(lift, 4)"
        " from customer_success.fct_health_backtest"
        " where scope = 'pooled' and lift is not null"
    ),
    ("customer-success.html", "calibration", "churned "): (
        "select 'Decile ' || decile || ': ', churn_rate"
        " from customer_success.fct_health_calibration where scope = 'pooled'"
    ),
    ("data-health.html", "ages", ", "): (
        "select source || '.' || table_name, date_diff('day', max(cast(regexp_extract(file,"
        " 'date=([0-9-]+)', 1) as date)), date '2026-10-31') from quality.load_log group by 1"
    ),
}


@pytest.mark.parametrize("where", BARS, ids=lambda where: str(where[1]))
def test_bars_are_the_marts(pages: dict[str, Seen], ask: Ask, where: tuple[str, str, str]) -> None:
    page, chart, words = where
    rows = ask(BARS[where])
    # The dashed line has words of its own.
    rule = "the smallest effect worth" if chart == "effects" else "chance"
    marks = [mark for mark in pages[page].marks(chart) if rule not in mark.label]
    found = [labelled(marks, row[0] if chart == "calibration" else f"{row[0]}:") for row in rows]
    assert len(found) == len(marks)
    if chart == "calibration":
        said = [Decimal(mark.label.split(": ")[2].split("\u00a0%")[0]) / 100 for mark in found]
    elif chart == "ages":
        said = [Decimal(mark.label.split(", ")[1].split(" days")[0]) for mark in found]
    else:
        said = [mark.number(words) for mark in found]
    assert said == [round(Decimal(row[1]), 6) for row in rows]
    drawn = [row[-1] for row in rows]
    if chart == "lift-triggers":
        # Bars beyond the end of the axis are cut there, which the chart says.
        drawn = [min(value, 10) for value in drawn]
    sizes_are(found, drawn, "width")


STACKS = {
    ("customer-success.html", "distribution"): (
        "select least(floor(score / 5), 19) * 5 as low, colour, count(*)"
        " from customer_success.fct_health_scores where is_latest and score is not null"
        " group by all"
    ),
    ("customer-success.html", "health-by-month"): (
        "select strftime(as_of_date, '%-d %b %Y'), colour, count(*)"
        " from customer_success.fct_health_scores where colour is not null and as_of_date >"
        " (select max(as_of_date) - to_months(36) from customer_success.fct_health_scores)"
        " group by all"
    ),
    ("customer-success.html", "regained"): (
        "select strftime(month, '%b %Y'), name, amount from (unpivot (select month,"
        ' mrr_regained_in_month as "MRR that came back", mrr_lost as "MRR lost"'
        f" from customer_success.fct_winback_by_month where {POLICY} and is_complete)"
        ' on "MRR that came back", "MRR lost" into name name value amount) where amount <> 0'
    ),
    ("customer-success.html", "tiers"): (
        "select replace(tenure_tier, '_', ' '), activity_tier, count(*)"
        f" from customer_success.fct_loyalty_candidates where {POLICY} group by all"
    ),
    ("data-health.html", "by-stage"): (
        "select replace(stage, '_', ' '), case when is_skipped then 'not applicable' when is_passed"
        " then 'passed' when is_blocking then 'failed' else 'warned' end, count(*)"
        " from quality.check_results group by all"
    ),
}


@pytest.mark.parametrize("where", STACKS, ids=lambda where: str(where[1]))
def test_stacks_are_the_marts(pages: dict[str, Seen], ask: Ask, where: tuple[str, str]) -> None:
    page, chart = where
    marks = pages[page].marks(chart)
    bars = []
    values = []
    for place, name, count in ask(STACKS[where]):
        if chart == "distribution":
            start = f"{int(place)} to {int(place) + 5}, {name}: {count:,} "
        elif chart in ("tiers", "health-by-month"):
            start = f"{place}, {name}: {count:,} "
        elif chart == "regained":
            start = f"{place}: {name} {count:,.2f} "
        else:
            start = f"{place}: {count:,} {name}"
        bars.append(labelled(marks, start))
        values.append(count)
    sizes_are(bars, values, "height")
    # Nothing else is drawn but classes that are empty.
    assert sum(mark.height > CLOSE for mark in marks) == sum(bar.height > CLOSE for bar in bars)


def test_returns_are_the_mart(pages: dict[str, Seen], ask: Ask) -> None:
    rows = ask(
        "select strftime(month, '%b %Y'), return_rate from customer_success.fct_winback_by_month"
        f" where {POLICY} and is_mature and is_complete and return_rate is not null order by month"
    )
    marks = pages["customer-success.html"].marks("return-rate")
    said = [labelled(marks, f"Lost in {month}: ").number(f"{month}:") / 100 for month, _ in rows]
    assert said == [rate for _, rate in rows]
    assert len(marks) == len(rows)


def test_the_queue_is_the_mart_filters_sorts_and_leads_to_the_customer(
    folder: Path, browser: Browser, ask: Ask
) -> None:
    rows = ask(
        "select customer_id, owner, mrr_at_risk from customer_success.fct_action_queue"
        " where state = 'open' order by queue_position"
    )
    with opened(browser, folder / "customer-success.html") as seen:
        page = seen.page
        info = page.locator("#actions .dt-info")
        column = page.locator("#actions tbody tr td:nth-child(2)")
        assert f"of {len(rows):,} entries" in info.inner_text()
        assert column.all_inner_texts() == [row[0] for row in rows[:25]]
        # The owner with fewest, so that the filter is seen to leave much out.
        owners = sorted({row[1] for row in rows}, key=lambda one: sum(r[1] == one for r in rows))
        page.select_option("#actions .filters select >> nth=0", label=owners[0])
        of_owner = [row for row in rows if row[1] == owners[0]]
        assert f"of {len(of_owner):,} entries" in info.inner_text()
        assert column.all_inner_texts() == [row[0] for row in of_owner[:25]]
        # Least at risk first: as numbers, what cannot be said before them.
        page.click("#actions th:last-child")
        lowest = page.locator("#actions tbody tr:first-child td:last-child").inner_text()
        known = [row[2] for row in of_owner]
        assert lowest == ("–" if None in known else f"{min(known):,.2f}")
        first = column.nth(0).inner_text()
        column.nth(0).locator("a").click()
        page.wait_for_selector(f'html[data-customer="{first}"]')
        assert page.url.endswith(f"customer.html#{first}")
        assert (seen.asked, seen.errors) == ([], [])


def test_a_customer_is_its_marts(pages: dict[str, Seen], ask: Ask) -> None:
    # The one with most at stake, and one that has left.
    queue = "customer_success.fct_action_queue"
    ((paying,),) = ask(f"select customer_id from {queue} where queue_position = 1")
    ((lost,),) = ask("select min(customer_id) from core.dim_customers where status = 'churned'")
    seen = pages["customer.html"]
    for customer in (paying, lost):
        look_up(seen, customer)
        ((name,),) = ask(f"select name from core.dim_customers where customer_id = '{customer}'")
        assert seen.page.inner_text("#customer-name") == name
        rows = ask(
            "select strftime(month, '%b %Y'), closing_mrr from revenue.fct_mrr_by_customer_month"
            f" where {POLICY} and customer_id = '{customer}' order by month"
        )
        bars = seen.marks("figure-mrr")
        assert [bar.number(f"{month}:") for bar, (month, _) in zip(bars, rows, strict=True)] == [
            value for _, value in rows
        ]
        sizes_are(bars, [value for _, value in rows], "height")
        scores = ask(
            "select strftime(as_of_date, '%b %Y'), round(score, 1)"
            f" from customer_success.fct_health_scores where customer_id = '{customer}' order by 1"
        )
        used = ask(
            "select signal, strftime(as_of_date, '%b %Y'), case signal when 'feature_breadth'"
            " then round(value * 100, 1) else round(value, 0) end as shown"
            f" from customer_success.fct_customer_signals where customer_id = '{customer}'"
            " and signal in ('active_days_28d', 'feature_breadth') order by as_of_date"
        )
        for figure, signal in (
            ("figure-active", "active_days_28d"),
            ("figure-breadth", "feature_breadth"),
        ):
            of_signal = [(month, value) for name, month, value in used if name == signal]
            drawn = seen.marks(figure)
            said = [
                bar.number(f"{month}:") for bar, (month, _) in zip(drawn, of_signal, strict=True)
            ]
            assert said == [value for _, value in of_signal]
            if any(said):
                sizes_are(drawn, [value for _, value in of_signal], "height")
        points = seen.marks("figure-health")
        assert sorted((point.label[:8], point.number(":")) for point in points) == scores
        review = ask(
            "select headline from customer_success.rpt_quarterly_review"
            f" where customer_id = '{customer}' order by section_number"
        )
        shown = seen.page.locator(".review-part .headline").all_inner_texts()
        assert shown == [headline for (headline,) in review]
        ((actions,),) = ask(
            f"select count(*) from {queue} where state = 'open' and customer_id = '{customer}'"
        )
        assert seen.page.locator("#customer-actions tbody tr").count() == actions


def test_an_unknown_customer_is_said(folder: Path, browser: Browser) -> None:
    with opened(browser, folder / "customer.html") as seen:
        look_up_unknown = "location.hash = '#cus_nobody'"
        seen.page.evaluate(look_up_unknown)
        seen.page.wait_for_selector('html[data-customer="unknown"]')
        assert "no customer cus_nobody" in seen.page.inner_text("#find-said")
        assert seen.errors == []


def test_a_print_has_the_review_pack_and_nothing_that_is_ours_alone(
    pages: dict[str, Seen], ask: Ask
) -> None:
    seen = pages["customer.html"]
    ((customer,),) = ask(
        "select customer_id from customer_success.fct_action_queue where queue_position = 1"
    )
    look_up(seen, customer)
    seen.page.emulate_media(media="print")
    try:
        assert seen.page.locator("#customer-review").is_visible()
        assert seen.page.locator("#figure-mrr svg").is_visible()
        for part in ("#customer-actions", "#customer-fired", "#find", "#print"):
            assert not seen.page.locator(part).is_visible(), part
        text = seen.page.inner_text("body")
        evidence = ask(
            "select distinct evidence from customer_success.fct_action_queue"
            f" where state = 'open' and customer_id = '{customer}' and evidence is not null"
        )
        assert evidence
        assert [one for (one,) in evidence if one in text] == []
    finally:
        seen.page.emulate_media(media="screen")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(folder: Path, browser: Browser, ask: Ask, scheme: Any) -> None:
    ((customer,),) = ask(
        "select customer_id from customer_success.fct_action_queue where queue_position = 1"
    )
    for name in OURS:
        with opened(browser, folder / name, scheme=scheme) as seen:
            if name == "customer.html":
                look_up(seen, customer)
            assert violations(seen.page) == [], name


def test_a_phone_scrolls_down_only(folder: Path, browser: Browser, ask: Ask) -> None:
    ((customer,),) = ask(
        "select customer_id from customer_success.fct_action_queue where queue_position = 1"
    )
    for name in OURS:
        with opened(browser, folder / name, width=390) as seen:
            if name == "customer.html":
                look_up(seen, customer)
            assert not scrolls_sideways(seen.page), name
