"""Building the folder of the dashboard: all of it or nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from altair.utils.schemapi import debug_mode

from dashboard.edition import EDITION_FILE, code_digest
from dashboard.model import Page
from dashboard.pages import PAGES, Made
from dashboard.released import Released
from dashboard.render import render

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Assets:
    """Names of the files that pages load, each with what it depends on in its name."""

    style: str
    theme: str
    page: str
    vega: str
    tables: str


def build(
    released: Released,
    folder: Path,
    earlier: Sequence[Path] = (),
    made: Sequence[Made] = PAGES,
    show: Callable[[str], None] | None = None,
) -> list[str]:
    """Write the dashboard of a release into an empty folder.

    Args:
        released: the release.
        folder: is made.
        earlier: folders of earlier dashboards, whose libraries are taken if they are the same.
        made: the pages.
        show: is given passing lines: which page is made and written.

    Returns:
        The names of pages that were left out because the release lacks their marts.
    """
    (folder / "assets").mkdir(parents=True)
    (folder / "data").mkdir()
    hear = show or (lambda line: None)
    pages: list[Page] = []
    left_out: list[str] = []
    for place, one in enumerate(made, start=1):
        hear(f"dashboard: page {place} of {len(made)}, {one.make.__name__.replace('_', ' ')}")
        if all(released.has(mart) for mart in one.needs):
            # Altair checks a chart when it is finished, not each of its parts as well.
            with debug_mode(False):
                pages.append(one.make(released))
        else:
            left_out.append(one.make.__name__)
    needs_tables = False
    assets = _static(folder / "assets")
    for place, page in enumerate(pages, start=1):
        hear(f"dashboard: writing page {place} of {len(pages)}, {page.title}, {page.rows:,} rows")
        rendered = render(page, pages, released, assets)
        needs_tables = needs_tables or rendered.needs_tables
        for name, text in rendered.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        if page.write is not None:
            page.write(folder, hear)
    _library(folder, assets.vega, _vega, earlier)
    if needs_tables:
        _library(folder, assets.tables, _tables, earlier)
    edition = {"release": released.edition.release_n, "code": code_digest()}
    (folder / EDITION_FILE).write_text(json.dumps(edition) + "\n", encoding="utf-8")
    return left_out


def _static(folder: Path) -> Assets:
    for name in ("style.css", "theme.js", "page.js", "customer.js"):
        shutil.copyfile(HERE / "static" / name, folder / name)
    return Assets(
        "style.css",
        "theme.js",
        "page.js",
        f"vega-{version('vl-convert-python')}.js",
        f"itables-{version('itables')}.js",
    )


def _library(folder: Path, name: str, make: object, earlier: Sequence[Path]) -> None:
    target = folder / "assets" / name
    for other in earlier:
        source = other / "assets" / name
        if source.is_file():
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
            return
    assert callable(make)
    target.write_text(make(), encoding="utf-8")


def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed, as vl-convert brings them along; nothing is fetched."""
    import vl_convert

    # Its stub demands the snippet that the function does without.
    return str(vl_convert.javascript_bundle())  # type: ignore[call-arg]


def _tables() -> str:
    """DataTables as itables brings them along, without the HTML around them."""
    from itables import options
    from itables.javascript import generate_init_offline_itables_html

    html = generate_init_offline_itables_html(options.dt_bundle)
    script = html[html.index("<script>") + len("<script>") : html.index("</script>")]
    promise = re.search(r"window\.\w+(?= = injectModule)", script)
    assert promise, "itables keeps its module somewhere else than it did"
    return f"{script}\nwindow.holdfastTables = {promise[0]};\n"
