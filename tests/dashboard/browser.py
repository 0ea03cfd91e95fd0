"""A real Chromium that looks at pages from the file system, and notes what it asks for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, sync_playwright

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; the test is skipped where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on this machine (Debian package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Seen:
    """A page that is open: what it asked for beyond its folder, and what it complained about."""

    page: Page
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def marks(self, chart: str) -> list[Mark]:
        """Bars, points and cells of a chart: what they are called, and where they are drawn."""
        found = self.page.evaluate(
            """key => [...document.querySelectorAll(`#${key} svg path[aria-label]`)]
               .filter(mark => !/axis|title/.test(mark.getAttribute("aria-roledescription")))
               .map(mark => { const box = mark.getBoundingClientRect();
                   return [mark.getAttribute("aria-label"),
                           mark.getAttribute("aria-roledescription"),
                           box.x, box.y, box.width, box.height]; })""",
            chart,
        )
        return [Mark(*row) for row in found]


@dataclass(frozen=True)
class Mark:
    """A mark; places and sizes are pixels of the window."""

    label: str
    role: str
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Its vertical middle."""
        return self.y + self.height / 2

    def number(self, after: str) -> Decimal:
        """The number that stands after some words in its label."""
        match = re.search(re.escape(after) + r"\s*([−+]?[\d,]+(?:\.\d+)?)", self.label)
        assert match, f"no number after {after!r} in {self.label!r}"
        return Decimal(match.group(1).replace(",", "").replace("−", "-"))


@contextmanager
def opened(
    browser: Browser, file: Path, *, width: int = 1280, scheme: Literal["light", "dark"] = "light"
) -> Iterator[Seen]:
    """Open a page and wait until it is drawn; nothing outside its folder is let through."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    # Other tests may keep the machine busy.
    context.set_default_timeout(120_000)
    page = context.new_page()
    seen = Seen(page)
    root = file.parent.resolve().as_uri()

    def look(route: Route) -> None:
        if route.request.url.startswith((root, "data:", "blob:")):
            route.continue_()
        else:
            seen.asked.append(route.request.url)
            route.abort()

    page.route("**/*", look)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on(
        "console",
        lambda said: seen.errors.append(said.text) if said.type == "error" else None,
    )
    try:
        page.goto(file.resolve().as_uri())
        page.wait_for_function("document.documentElement.dataset.drawn !== undefined")
        yield seen
    finally:
        context.close()


def violations(page: Page, measured_elsewhere: Sequence[str] = ()) -> list[str]:
    """What axe-core finds against WCAG 2.0 to 2.2, levels A and AA.

    Args:
        page: the page.
        measured_elsewhere: where contrast is not looked at: for a thousand cells it takes minutes.
    """
    tags = {"type": "tag", "values": WCAG}
    rules: dict[str, Any] = {"runOnly": tags, "rules": {"color-contrast": {"enabled": False}}}
    contrast = {"runOnly": ["color-contrast"]}
    exclude = {"exclude": [[place] for place in measured_elsewhere]} if measured_elsewhere else None
    found = []
    for options, context in ((rules, None), (contrast, exclude)):
        options["resultTypes"] = ["violations"]
        found += Axe().run(page, context=context, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as computed styles have them, by WCAG 2."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    match = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert match, colour
    parts = [int(part) / 255 for part in match.groups()]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
