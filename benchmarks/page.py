"""The part of docs/benchmarks.md that a run of the benchmark writes: machine, table, chart."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import altair as alt

from benchmarks.company import Size
from benchmarks.figures import HEADINGS, Figure, row
from benchmarks.parts import Bench
from benchmarks.stages import table


def machine() -> str:
    """The machine, and how busy it was, in words; nothing by which it could be found."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{platform.machine()}, {cores} cores, {memory:.0f} GB, Python {platform.python_version()},"
        f" load {os.getloadavg()[1]:.0f}"
    )


def write_page(page: Path, size: Size, bench: Bench) -> None:
    """Put table and chart of a size between its marks, or at the end where there are none."""
    chart = f"benchmark-{size.name}.svg"
    image = page.parent / "charts" / chart
    image.parent.mkdir(parents=True, exist_ok=True)
    draw(bench.record.figures, image)
    lines = [
        f"<!-- {size.name} -->",
        "",
        f"{size.customers:,} customers x {size.months} months, {size.events:,} product events, "
        f"`{bench.policies}`; {datetime.now(UTC):%Y-%m-%d}, {machine()}.",
        "",
        row(HEADINGS),
        "|---|---|---|---|---|---|---|",
        *(row(figure.cells()) for figure in bench.record.figures),
        "",
        *([*table(bench.stages), ""] if bench.stages else []),
        f"![CPU-seconds, size {size.name}](charts/{chart})",
        "",
        f"<!-- end of {size.name} -->",
    ]
    written = "\n".join(lines)
    text = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    marks = re.compile(rf"<!-- {size.name} -->.*<!-- end of {size.name} -->", re.DOTALL)
    if marks.search(text):
        text = marks.sub(lambda _: written, text)
    else:
        text = f"{text.rstrip()}\n\n## Size {size.name}\n\n{written}\n"
    page.write_text(text, encoding="utf-8")


def draw(figures: list[Figure], target: Path) -> None:
    """A bar for each figure, in the order of the table, with its CPU-seconds behind it."""
    rows = [
        {
            "what": figure.what,
            "seconds": figure.cpu_seconds,
            "text": f"{figure.cpu_seconds:.1f}",
            "is_floor": figure.ratio is None or figure.what.startswith("floor"),
        }
        for figure in figures
    ]
    base = alt.Chart(alt.Data(values=rows))  # type: ignore[no-untyped-call]
    base = base.encode(
        y=alt.Y("what:N", sort=None, title=None, axis=alt.Axis(labelLimit=320)),
        x=alt.X("seconds:Q", title="CPU-seconds"),
    )
    bars = base.mark_bar().encode(
        color=alt.Color(
            "is_floor:N",
            legend=None,
            scale=alt.Scale(domain=[True, False], range=["#9aa5b1", "#3b6ea5"]),
        )
    )
    texts = base.mark_text(align="left", dx=4, fontSize=11).encode(text="text:N")
    chart = (bars + texts).properties(width=560, background="white")
    chart.save(str(target))
