"""HTML of the pages, with everything escaped that comes from a mart."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from dashboard.model import Block, Chart, Listing, Page, Table
from dashboard.numbers import MINUS, PERCENT, Kind, as_csv, day, instant, shown
from dashboard.released import Released

HERE = Path(__file__).resolve().parent
#: A longer table sorts, filters and has pages.
LONG_TABLE = 60
#: The page that ids of customers lead to, where the dashboard has it.
CUSTOMER_PAGE = "customer"
#: Kinds of numbers that a long table gets without separators; page.js puts them in.
SORTED: frozenset[Kind] = frozenset({"money", "count", "share", "ratio", "points"})


@dataclass(frozen=True)
class Rendered:
    """A page's file and those of its figures, by path in the dashboard's folder."""

    files: dict[str, str]
    needs_tables: bool


def render(page: Page, pages: Sequence[Page], released: Released, assets: Any) -> Rendered:
    """Make the files of a page.

    Args:
        page: the page.
        pages: all pages, for the navigation.
        released: what they are made of.
        assets: names of the files that every page loads.
    """
    files: dict[str, str] = {}
    needs_tables = False
    for section in page.sections:
        for block in section.blocks:
            if isinstance(block, Chart | Listing):
                files[data_file(page, block)] = _csv(block.table)
                needs_tables = needs_tables or is_long(block)
    files[page.file] = (
        _environment()
        .get_template("page.html")
        .render(
            page=page,
            pages=pages,
            edition=released.edition,
            policy=released.policy_name,
            policy_id=released.policy_id,
            assets=assets,
            needs_tables=needs_tables,
            customer_file=next((one.file for one in pages if one.key == CUSTOMER_PAGE), ""),
            data_file=lambda block: data_file(page, block),
        )
    )
    return Rendered(files, needs_tables)


def data_file(page: Page, block: Block) -> str:
    """Where the values of a chart or a table are."""
    assert isinstance(block, Chart | Listing)
    return f"data/{page.key}-{block.key}.csv"


def is_long(block: Chart | Listing) -> bool:
    """Whether its table is one to search in, not to read through."""
    has_filters = isinstance(block, Listing) and bool(block.filters)
    return has_filters or len(block.table.rows) > LONG_TABLE


def breakable(name: str) -> Markup:
    """The name of a mart, which may end a line at its dots and underscores."""
    return Markup("<wbr>").join(re.findall(r"[^._]+[._]?|[._]", name))


def grouped(figure: str) -> Markup:
    """A figure, which may end a line at its commas where it does not fit."""
    return Markup(",<wbr>").join(figure.split(","))


def endless(text: str) -> bool:
    """Whether a text has a word that no column can hold; page.js looks for the same."""
    return re.search(r"\S{60}", text) is not None


def as_script(value: Any) -> Markup:
    """JSON that may stand in a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    # JSON in ASCII without the three signs that markup is made of.
    return Markup(safe)  # nosec B704


def columns_of(table: Table) -> list[list[list[Any]]]:
    """The cells of a long table for page.js: numbers and dates plain, so that they sort.

    By column, each with its distinct texts and, for each row, the place of its text among them;
    where nearly every row has its own text the places are left out. Owners and triggers come a
    hundred thousand times: written out they are what keeps a browser busy.
    """
    columns: list[list[list[Any]]] = []
    for at, column in enumerate(table.columns):
        texts = [_sortable(row[at], column.kind) for row in table.rows]
        known = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        if len(known) * 2 > len(texts):
            columns.append([texts, []])
        else:
            columns.append([list(known), [known[text] for text in texts]])
    return columns


def _sortable(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind in ("month", "date"):
        return str(value.isoformat())
    text = shown(value, kind)
    if kind in SORTED:
        # As many digits as are shown, as text: no browser makes floats of them.
        return text.removesuffix(PERCENT).replace(",", "").replace(MINUS, "-")
    return text


def _csv(table: Table) -> str:
    return as_csv([column.name for column in table.columns], table.kinds, table.rows)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(day=day, instant=instant, as_script=as_script)
    environment.filters.update(breakable=breakable, grouped=grouped, endless=endless)
    environment.globals.update(is_long=is_long, columns_of=columns_of)
    return environment
