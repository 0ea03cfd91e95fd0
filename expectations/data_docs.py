"""Data Docs that ask nobody: Great Expectations writes pages that fetch scripts and styles.

A page of version 1.24 fetches from eight hosts; without them its index is empty and its pages are
bare. Here every page loses what it would fetch and gets a style that lies beside it and a policy
that forbids the browser to ask anybody; the index is written anew, without scripts.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from html import escape
from pathlib import Path

STYLE = Path("static") / "styles" / "holdfast.css"
_HERE = Path(__file__).resolve().parent
_POLICY = (
    "default-src 'none'; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data:; "
    "font-src 'self' file:; base-uri 'none'; form-action 'none'"
)
#: What fetches, and what is of no use without it.
_FETCHED = re.compile(
    r"<script\b.*?</script\s*>"
    r"|<(?:link|img|iframe|source)\b[^>]*?\b(?:href|src)\s*=\s*[\"']?\s*(?:https?:)?//[^>]*>"
    r"|<footer\b.*?</footer\s*>",
    re.DOTALL | re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(Evaluated|Unsuccessful) Expectations</div></td>\s*<td[^>]*>\s*<div[^>]*>\s*(\d+)"
)


@dataclass(frozen=True)
class Validation:
    """A page of results: its suite (stage.schema.table), when, and what it found."""

    page: Path
    suite: str
    run_at: str
    checks: int
    failed: int


def clear(folder: Path) -> None:
    """Take out the pages of earlier runs: no index leads to them any more."""
    for name in ("validations", "expectations"):
        shutil.rmtree(folder / name, ignore_errors=True)


def make_offline(folder: Path) -> Path:
    """Make all pages under a folder ask nobody, and write their index.

    A page that cannot be rewritten (no space) is taken out: none that fetches is left behind.

    Returns:
        The index page.
    """
    style = folder / STYLE
    style.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_HERE / "data_docs.css", style)
    index = folder / "index.html"
    validations = []
    for page in sorted(folder.rglob("*.html")):
        if page == index:
            continue
        text = page.read_text(encoding="utf-8")
        _write(page, offline(text, os.path.relpath(style, page.parent)))
        if page.is_relative_to(folder / "validations"):
            validations.append(_validation(folder, page, text))
    _write(index, _index(validations))
    return index


def offline(page: str, style: str) -> str:
    """A page without anything that is fetched, and with a style that lies beside it."""
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<link rel="stylesheet" href="{escape(style)}">\n</head>'
    )
    return re.sub("</head>", lambda _: head, _FETCHED.sub("", page), count=1)


def _validation(folder: Path, page: Path, text: str) -> Validation:
    # validations/<suite, one folder per part>/<run name>/<time>/<batch>.html
    parts = page.relative_to(folder / "validations").parts
    found = {name: int(count) for name, count in _NUMBERS.findall(text)}
    return Validation(
        page.relative_to(folder),
        ".".join(parts[:-3]),
        f"{parts[-2][:4]}-{parts[-2][4:6]}-{parts[-2][6:11].replace('T', ' ')}:{parts[-2][11:13]}",
        found["Evaluated"],
        found["Unsuccessful"],
    )


def _index(validations: list[Validation]) -> str:
    rows = [
        f'<tr><td><a href="{escape(one.page.as_posix())}">{escape(one.suite)}</a></td>'
        f"<td>{escape(one.run_at)}</td><td>{one.checks}</td>"
        f'<td class="{"text-danger" if one.failed else "text-success"}">'
        f"{f'✗ {one.failed} failed' if one.failed else '✓ passed'}</td></tr>"
        # What failed comes first.
        for one in sorted(validations, key=lambda one: (-one.failed, one.suite, one.run_at))
    ]
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f'<title>Data Docs</title><link rel="stylesheet" href="{STYLE.as_posix()}"></head>',
            '<body class="ours"><main><h1>Data Docs</h1>',
            "<p>What Great Expectations checked in the last run: raw tables, and marts.</p>",
            '<table class="table"><thead><tr><th scope="col">Suite</th><th scope="col">At (UTC)'
            '</th><th scope="col">Checks</th><th scope="col">Result</th></tr></thead><tbody>',
            *rows,
            "</tbody></table></main></body></html>\n",
        )
    )


def _write(page: Path, text: str) -> None:
    """Whole or not at all."""
    new = page.with_suffix(".new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(page)
    except OSError:
        new.unlink(missing_ok=True)
        page.unlink(missing_ok=True)
