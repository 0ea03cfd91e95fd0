"""Every page with names that would be HTML, code or another line if they were not shown as text."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser

from dashboard.build import build
from dashboard.edition import Edition
from dashboard.pages import PAGES
from dashboard.released import read_release
from tests.dashboard.browser import Seen, opened, scrolls_sideways

EDITION = Edition(1, datetime(2026, 11, 2, 7, 30), date(2026, 10, 31), "USD", "f" * 64, "run-1")
NAMES = (
    "<script>document.title='taken'</script>",
    "</script><img src=x onerror=\"document.title='taken'\">",
    "\"double\" & 'single' `back` \\",
    "{{ 7 * 7 }} ${7*7} [x](javascript:alert(1))",
    "\u202eright to left",
    "שלום עולם, مرحبا",
    "W" * 300,
    "👩‍👩‍👧‍👦 Ümlaut Ñ 中文",
    "=cmd()\nsecond line\ttab",
)
#: Columns that companies fill; what has them gets a hostile name behind its own.
FILLED = {
    *("account_name", "owner", "owner_id", "plan", "channel", "industry", "evidence", "headline"),
    *("body", "why_listed", "churn_feedback", "hypothesis", "segment_value", "message", "campaign"),
}
CUSTOMERS = 80
#: The id of the customer that has most at stake.
ID = "cus_<b>'\"&#38;/..%41?ü"


@pytest.fixture(scope="module")
def folder(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages of a part of the released company, with hostile names."""
    target = tmp_path_factory.mktemp("hostile") / "1"
    with duckdb.connect(":memory:") as connection:
        _hostile(connection, company / "home" / "warehouse.duckdb")
        released = read_release(connection, EDITION, None, "The first release.")
        assert build(released, target) == []
    return target


def _hostile(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    connection.execute(f"attach '{file}' as released (read_only)")
    connection.execute(
        "create table chosen as"
        " select customer_id from (select customer_id, min(queue_position) as p"
        " from released.customer_success.fct_action_queue where state = 'open' group by 1"
        " order by p limit ?)",
        [CUSTOMERS],
    )
    ((first,),) = connection.execute("select customer_id from chosen limit 1").fetchall()
    tables = connection.execute(
        "select schema_name, table_name, list(column_name order by column_index)"
        " from duckdb_columns() where database_name = 'released' and not internal"
        " and schema_name not in ('raw', 'staging', 'intermediate') group by all"
    ).fetchall()
    names = "[" + ", ".join("'" + name.replace("'", "''") + "'" for name in NAMES) + "]"
    identity = ID.replace("'", "''")
    for schema, name, columns in tables:
        filled = FILLED & set(columns) | ({"name"} & set(columns) if schema != "seeds" else set())
        new = [
            f"case when {column} is null or {column} = 'all' then {column} else cast({column} as"
            f" varchar) || ' ' || {names}[1 + cast(hash({column}) % {len(NAMES)} as integer)]"
            f" end as {column}"
            for column in sorted(filled)
            if name != "dim_metric_policies"
        ]
        if "customer_id" in columns:
            new.append(
                f"case when customer_id = '{first}' then '{identity}' else customer_id end"
                " as customer_id"
            )
        connection.execute(f"create schema if not exists {schema}")
        connection.execute(
            f"create table {schema}.{name} as select *"
            + (f" replace ({', '.join(new)})" if new else "")
            + f" from released.{schema}.{name}"
            + (" where customer_id in (from chosen)" if "customer_id" in columns else "")
        )
    connection.execute("detach released")


def is_as_written(seen: Seen) -> None:
    """Nothing of a name has become an element, a script, a title, or a request."""
    page = seen.page
    assert (seen.asked, seen.errors) == ([], [])
    assert "taken" not in page.title().replace("'taken'", "")
    assert page.locator("main img, main b, main iframe, main script:not([type])").count() == 0
    outside = "[...document.querySelectorAll('a')].filter(one => !/^(file|blob):/.test(one.href))"
    assert page.evaluate(f"{outside}.map(one => one.outerHTML)") == []


@pytest.mark.parametrize("page", [made.make.__name__ for made in PAGES])
def test_names_are_text_on_every_page(folder: Path, browser: Browser, page: str) -> None:
    file = "index.html" if page == "overview" else f"{page.replace('_', '-')}.html"
    for width in (1280, 390):
        with opened(browser, folder / file, width=width) as seen:
            is_as_written(seen)
            assert not scrolls_sideways(seen.page)
            drawn = "[...document.querySelectorAll('[data-spec]')].map(one => one.dataset.drawn)"
            assert set(seen.page.evaluate(drawn)) <= {"yes"}


def test_the_queue_shows_names_as_they_are(folder: Path, browser: Browser) -> None:
    with opened(browser, folder / "customer-success.html") as seen:
        text = seen.page.locator("#actions tbody").inner_text()
        shown = [name for name in NAMES[:5] if name in text]
        assert len(shown) >= 3
        seen.page.locator("#actions .filters select").nth(0).select_option(index=1)
        assert seen.page.locator("#actions tbody tr").count() > 0
        is_as_written(seen)


def test_a_customer_is_found_and_shown_under_any_name(folder: Path, browser: Browser) -> None:
    with opened(browser, folder / "customer-success.html") as seen:
        # The way there: the link of the queue.
        seen.page.locator("#actions tbody a").nth(0).click()
        seen.page.wait_for_selector("html[data-customer]")
        assert seen.page.evaluate("document.documentElement.dataset.customer") == ID
        assert ID in seen.page.inner_text("#customer-facts")
        is_as_written(seen)
    with opened(browser, folder / "customer.html", width=390) as seen:
        for name in NAMES:
            seen.page.fill("#find", name.split("\n")[0][:40])
            seen.page.wait_for_selector("#find-said:not(:empty)")
            if seen.page.locator("#found a").count() == 0:
                continue
            seen.page.locator("#found a").nth(0).click()
            seen.page.wait_for_selector("html[data-customer]")
            assert name.split("\n")[0] in seen.page.inner_text("#customer-name")
            assert not scrolls_sideways(seen.page)
            is_as_written(seen)
            seen.page.fill("#find", "")
            seen.page.wait_for_selector("#found:empty", state="attached")
