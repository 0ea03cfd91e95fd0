"""The part of docs/benchmarks.md that a run of the benchmark writes: machine, table, chart."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import altair as alt

from benchmarks.company import Size
from benchmarks.figures import HEADINGS, Figure, row
from benchmarks.parts import Bench
from benchmarks.spark import Build
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
        *_on_spark(size, bench, image.parent),
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


def _on_spark(size: Size, bench: Bench, charts: Path) -> list[str]:
    """Chart of the builds on Spark, and what each model of the largest shuffled."""
    if not bench.spark:
        return []
    name = f"spark-{size.name}.svg"
    on_duckdb = {
        what: bench.named[f"{what}, DuckDB"].cpu_seconds
        for what in bench.spark
        if f"{what}, DuckDB" in bench.named
    }
    draw_builds(bench.spark, on_duckdb, charts / name)
    lines = [f"![CPU-seconds on Spark, size {size.name}](charts/{name})", ""]
    for what, builds in bench.spark.items():
        lines += [f"{what}, {builds[-1].cores} cores:", "", *shuffles(builds[-1]), ""]
    return lines


def shuffles(build: Build, most: int = 12) -> list[str]:
    """The models that shuffled most, as lines of Markdown."""
    headings = ("model", "CPU s of tasks", "rows shuffled", "MB shuffled", "bytes a row")
    lines = [row((*headings, "MB spilled", "longest task s", "to the median"))]
    lines.append("|---|---|---|---|---|---|---|---|")
    for model in build.models[:most]:
        rows = model.shuffled_rows
        cells = [
            model.model.rsplit(".", 1)[-1] or "views of raw",
            f"{model.cpu_seconds:.1f}",
            f"{rows:,}",
            f"{model.shuffled_bytes / 1e6:,.1f}",
            f"{model.shuffled_bytes / rows:.0f}" if rows else "",
            f"{model.spilled_bytes / 1e6:,.1f}",
            f"{model.longest_task_seconds:.1f}",
            f"{model.longest_to_median:.1f}",
        ]
        lines.append(row(cells))
    return lines


def draw_builds(
    on_spark: Mapping[str, Sequence[Build]], on_duckdb: Mapping[str, float], target: Path
) -> None:
    """A bar of CPU-seconds for each build, parted by who used them, after that of DuckDB."""
    rows: list[dict[str, object]] = []
    for what, builds in on_spark.items():
        if what in on_duckdb:
            rows.append({"build": f"{what}, DuckDB", "who": "DuckDB", "seconds": on_duckdb[what]})
        for build in builds:
            dbt = build.used.cpu_seconds - build.driver_seconds - build.executor_seconds
            parts = {
                "executors": build.executor_seconds,
                "driver": build.driver_seconds,
                "dbt": max(0.0, dbt),
            }
            name = f"{what}, Spark, {build.cores} core{'s' if build.cores > 1 else ''}"
            rows += [{"build": name, "who": who, "seconds": used} for who, used in parts.items()]
    chart = alt.Chart(alt.Data(values=rows))  # type: ignore[no-untyped-call]
    colors = alt.Scale(
        domain=["executors", "driver", "dbt", "DuckDB"],
        range=["#3b6ea5", "#d08c3f", "#9aa5b1", "#4f8f5b"],
    )
    bars = chart.mark_bar().encode(
        y=alt.Y("build:N", sort=None, title=None, axis=alt.Axis(labelLimit=420)),
        x=alt.X("seconds:Q", title="CPU-seconds"),
        color=alt.Color("who:N", title=None, scale=colors),
    )
    bars.properties(width=480, background="white").save(str(target))


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
