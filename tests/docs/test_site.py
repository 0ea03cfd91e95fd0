"""The site of the documents: every link leads somewhere, nothing is fetched, nothing is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from documents.build import build_site
from documents.project import Project
from orchestration.settings import DBT_PROJECT_DIR

FETCHES = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
CHROMIUM = Path("/usr/bin/chromium")


class Page(HTMLParser):
    """The links, what is fetched, and the anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if FETCHES.get(tag) in given:
            self.fetched.append(given[FETCHES[tag]])


@pytest.fixture(scope="module")
def manifest(company: Path) -> dict[str, Any]:
    (path,) = (company / "home" / "dbt").glob("manifest-*.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def built(
    company: Path, manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    """The site, and what mkdocs warned of."""
    site = tmp_path_factory.mktemp("home") / "docs"
    return site, build_site(manifest, site, company / "home" / "warehouse.duckdb")


@pytest.fixture(scope="module")
def pages(built: tuple[Path, list[str]]) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in built[0].rglob("*.html")}


def test_mkdocs_finds_nothing_wrong(built: tuple[Path, list[str]]) -> None:
    assert built[1] == []


def test_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    def broken() -> Iterator[str]:
        for path, page in pages.items():
            for link in page.links:
                parts = urlsplit(link)
                if parts.scheme or parts.netloc:
                    continue
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                if target not in pages:
                    yield f"{path.name}: {link}"
                elif parts.fragment and unquote(parts.fragment) not in pages[target].anchors:
                    yield f"{path.name}: {link} (no such heading)"

    # The page of what is not found stands for any address.
    assert [found for found in broken() if not found.startswith("404.html")] == []
    assert len(pages) > 80


def test_nothing_is_fetched_from_elsewhere(pages: dict[Path, Page]) -> None:
    fetched = {url for page in pages.values() for url in page.fetched}
    assert fetched
    assert [url for url in fetched if re.match(r"(https?:)?//", url)] == []


def test_every_mart_has_a_page_with_every_column(
    built: tuple[Path, list[str]], manifest: dict[str, Any]
) -> None:
    marts = Project(manifest).marts
    assert len(marts) > 50
    for mart in marts:
        html = (built[0] / "marts" / f"{mart['name']}.html").read_text(encoding="utf-8")
        missing = [name for name in mart["columns"] if f"<code>{name}</code>" not in html]
        assert missing == [], mart["name"]
        assert '<svg class="lineage"' in html


def test_a_page_says_grain_owner_and_sources(
    built: tuple[Path, list[str]], manifest: dict[str, Any]
) -> None:
    project = Project(manifest)
    (mart,) = [mart for mart in project.marts if mart["name"] == "fct_mrr_by_month"]
    assert project.grain_of(mart) == ["policy_id", "month", "segment_type", "segment_value"]
    assert project.column_rules(mart)["closing_mrr"] == ["never null", "never negative"]
    # MRR comes from subscriptions, never from product events.
    sources = {source.removeprefix("source.holdfast.") for source in project.sources_of(mart)}
    assert "billing.subscription_items" in sources
    assert "product.events" not in sources
    html = (built[0] / "marts" / "fct_mrr_by_month.html").read_text(encoding="utf-8")
    assert "finance@holdfast.example" in html
    assert "Months add up." in html


def test_dictionary_and_policy_table_are_the_projects(
    built: tuple[Path, list[str]], manifest: dict[str, Any]
) -> None:
    dictionary = (built[0] / "metrics.html").read_text(encoding="utf-8")
    assert "<code>(retained_mrr) / nullif" not in dictionary
    assert "<code>retained_mrr / nullif(retention_base_mrr, 0)</code>" in dictionary
    assert "unguarded" not in dictionary
    names = {metric["name"] for metric in Project(manifest).metrics}
    assert {"mrr", "nrr", "cac", "ltv_cac_ratio", "health_score"} <= names
    assert not names & {"mrr_slices", "sum_of_scores"}
    policies = (built[0] / "policy_table.html").read_text(encoding="utf-8")
    seed = (DBT_PROJECT_DIR / "seeds" / "metric_policies.csv").read_text(encoding="utf-8")
    for line in seed.splitlines()[1:]:
        assert f"<code>{line.split(',')[0]}</code>" in policies


def test_checks_of_the_release_are_listed(built: tuple[Path, list[str]]) -> None:
    html = (built[0] / "checks.html").read_text(encoding="utf-8")
    assert "little_is_not_invoiced" in html
    assert "published_scores_stay" in html


def test_a_site_without_a_release_says_so(manifest: dict[str, Any], tmp_path: Path) -> None:
    from documents.checks import checks_page

    assert "There is no release yet" in checks_page(tmp_path / "none.duckdb")
    assert "There is no release yet" in checks_page(None)


@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium (.ci/packages)")
def test_the_search_works_from_the_file_system(built: tuple[Path, list[str]]) -> None:
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.goto((built[0] / "marts" / "fct_mrr_by_month.html").as_uri())
        page.wait_for_selector("[data-md-component=search-query]", state="attached")
        page.wait_for_timeout(500)
        page.keyboard.press("s")
        page.keyboard.type("quick ratio")
        page.wait_for_selector(".md-search-result__item a", timeout=10_000)
        first = page.locator(".md-search-result__item").first.inner_text()
        browser.close()
    assert "quick" in first.lower()
    assert [url for url in asked if not url.startswith(("file:", "about:", "blob:"))] == []
