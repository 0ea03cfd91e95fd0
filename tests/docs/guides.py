"""The code in the guides: what is run, and what it prints.

    ```console          lines with `$ ` are run in the project's folder, the rest is what they print
    ```sql, ```python   are run on the release; the ```text block after them is what they print
    ```sh               is not run: it makes a release or writes files; a test names what holds it

A line `...` in an output stands for any number of lines. Names of runs, digests, sizes, times of
publication and numbers of checks differ from run to run and are compared as `…`.

`python -m tests.docs.guides HOME` writes the outputs anew, from the released company in that home.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.settings import PROJECT_DIR
from tests.support.released_company import CONFIG, POLICIES

GUIDES = PROJECT_DIR / "docs" / "guides"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = ("console", "sql", "python")
CHANGING = re.compile(
    r"\d{8}T\d{6}-[0-9a-f]{6}|\b[0-9a-f]{16,64}\b|\d{4}-\d\d-\d\d \d\d:\d\d UTC|[\d,]+ bytes"
    r"|[\d,]+ checks"
)


@dataclass(frozen=True)
class Example:
    """One piece of code of a guide; `output` is None where none is shown."""

    guide: str
    line: int
    kind: str
    code: str
    output: str | None


def blocks(text: str) -> list[tuple[str, str, int]]:
    """Kind, content and first line of every fenced block."""
    return [(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in FENCE.finditer(text)]


def examples(guide: Path) -> list[Example]:
    """What is to be run in a guide, in order."""
    found = blocks(guide.read_text(encoding="utf-8"))
    made: list[Example] = []
    for place, (kind, content, line) in enumerate(found):
        if kind == "console":
            made += [Example(guide.name, line, kind, *pair) for pair in console(content)]
        elif kind in RUN:
            after = found[place + 1] if place + 1 < len(found) else ("", "", 0)
            shown = after[1] if after[0] == "text" else None
            made.append(Example(guide.name, line, kind, content, shown))
    return made


def console(content: str) -> list[tuple[str, str]]:
    """Commands of a console block with what they print; a command goes on after a backslash."""
    pairs: list[tuple[str, str]] = []
    for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        end = 1
        while lines[end - 1].rstrip().endswith("\\"):
            end += 1
        pairs.append(("".join(lines[:end]), "".join(lines[end:])))
    return pairs


def run(example: Example, home: Path) -> str:
    """What the code prints on a released company."""
    if example.kind == "sql":
        with duckdb.connect(home / "warehouse.duckdb", read_only=True) as connection:
            return _trimmed(str(connection.sql(example.code)))
    code = example.code
    if example.kind == "console":
        # As in a shell of the project whose parts are installed.
        prelude = (
            f'make() {{ command make -s STAMP=Makefile PYTHON="{sys.executable}" "$@"; }}\n'
            f'python() {{ "{sys.executable}" "$@"; }}\n'
        )
        command = ["bash", "-c", prelude + code]
    else:
        command = [sys.executable, "-c", code]
    done = subprocess.run(
        command,
        cwd=PROJECT_DIR,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return _trimmed(done.stdout)


def environment(home: Path) -> dict[str, str]:
    """As the guides say to set it."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HOLDFAST_")}
    return {
        **kept,
        "HOLDFAST_HOME": str(home),
        "HOLDFAST_LANDING": str(home.parent / "landing"),
        "HOLDFAST_AS_OF": CONFIG.as_of.isoformat(),
        "HOLDFAST_ENABLED_POLICIES": ",".join(POLICIES),
        "PYTHONWARNINGS": "ignore",
    }


def _trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


def pattern(shown: str) -> re.Pattern[str]:
    """What fits a shown output."""
    lines = CHANGING.sub("…", _trimmed(shown)).splitlines(keepends=True)
    return re.compile(
        "".join(r"(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in lines)
    )


def fits(shown: str, printed: str) -> bool:
    """Whether the output of a guide is what is printed."""
    return pattern(shown).fullmatch(CHANGING.sub("…", printed)) is not None


def write(guide: Path, home: Path) -> None:
    """Write the outputs of a guide anew; those with `...` are left to people."""
    text = guide.read_text(encoding="utf-8")
    for example in examples(guide):
        if example.output is None or "...\n" in example.output:
            continue
        printed = run(example, home)
        if example.kind == "console":
            before, after = f"$ {example.code}{example.output}", f"$ {example.code}{printed}"
        else:
            fence = f"```{example.kind}\n{example.code}```"
            start = text.index(fence) + len(fence)
            begin = text.index("```text\n", start)
            before = text[start:begin] + f"```text\n{example.output}```"
            after = text[start:begin] + f"```text\n{printed}```"
            text = text[:start] + text[start:].replace(before, after, 1)
            continue
        text = text.replace(before, after, 1)
    guide.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for path in sorted(GUIDES.glob("*.md")):
        write(path, Path(sys.argv[1]))
