"""Odd companies through everything that a user runs: release, pages, workbook, explain, diff.

    python -m tests.faults.fuzz_company --release --seed 7 --count 3

The commands are those of the command line, each in a process of its own. A run may be held, and
then it has to say by which rule and how to go on; a traceback, a page or a workbook that fails, an
account that does not add up and a release that does not verify are faults.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.settings import PROJECT_DIR
from tests.faults.odd import Company
from tests.metamorphic.landed import land_whole

MAX_SECONDS = 600
#: Exit codes by which a command says that the data do not let it go on.
HELD = {3, 4}
#: How often what a run is held for is accepted before it counts as held.
ACCEPTED_TIMES = 2
_NEW_CUSTOMER = "id,name,created,updated_at\nfuzz-later,Later,2026-10-02,2026-10-02\n"


@dataclass
class Tried:
    """What became of a company: how its runs ended, and what was wrong (nothing: all held)."""

    ended: str = ""
    faults: list[str] = field(default_factory=list)


def released(company: Company) -> Tried:
    """Take a company through a release, a second one, and everything that reads them."""
    tried = Tried()
    with tempfile.TemporaryDirectory(prefix="odd") as scratch:
        folder = Path(scratch)
        (folder / "landing").mkdir()
        land_whole(folder / "landing", {name: rows for name, rows in company.items() if rows})
        user = _User(folder, tried)
        if not user.run_until_released():
            return tried
        user.check_release(1)
        user.explain_three_figures()
        # Without any MRR there is no month to close, and no workbook of it.
        user.do("workbook", "--month", "last", may_end=(0, 2, 6))
        (folder / "landing/billing/customers").mkdir(parents=True, exist_ok=True)
        (folder / "landing/billing/customers/later.csv").write_text(_NEW_CUSTOMER)
        if user.run_until_released():
            user.check_release(2)
            user.do("diff", "--from", "1", "--to", "2")
        user.do("quarantine")
        user.do("verify")
    return tried


class _User:
    """Somebody at the command line of one home folder."""

    def __init__(self, folder: Path, tried: Tried) -> None:
        self._folder = folder
        self._tried = tried
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")}
        self._environ = kept | {
            "HOLDFAST_HOME": str(folder / "home"),
            "HOLDFAST_LANDING": str(folder / "landing"),
            "HOLDFAST_AS_OF": "2026-10-31",
            "HOLDFAST_ENABLED_POLICIES": "board_strict,chartmogul_2025",
            "HOLDFAST_MEMORY_LIMIT": "2GB",
            "HOLDFAST_THREADS": "2",
            "HOLDFAST_GO_ON_WITHOUT_REFUSED": "1",
            "DBT_TARGET_PATH": str(folder / "target"),
        }

    def do(self, *arguments: str, may_end: tuple[int, ...] = (0,)) -> tuple[int, str]:
        """One command; how it ended and all it said. What it must not say or do is noted."""
        command = [sys.executable, "-W", "ignore", "-m", "orchestration.cli", *arguments]
        done = subprocess.run(
            command, cwd=PROJECT_DIR, env=self._environ, capture_output=True, text=True,
            timeout=MAX_SECONDS, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        if "Traceback (most recent call last)" in said:
            self._note(arguments, "a traceback", said)
        elif done.returncode not in may_end:
            self._note(arguments, f"exit code {done.returncode}", said)
        return done.returncode, said

    def run_until_released(self) -> bool:
        """Run; accept what may be accepted; whether there is a release now."""
        for _ in range(ACCEPTED_TIMES + 1):
            code, said = self.do("run", may_end=(0, *HELD))
            self._tried.ended += f" {code}"
            if code not in HELD:
                if code == 0 and re.search(r"(dashboard|workbook)\b.*\b(fail|not written)", said):
                    self._note(("run",), "a page or a workbook failed", said)
                return code == 0
            # What a rule found, and what to do about it, or it is no explanation.
            if not re.search(r"expected|rule|found|rows? ", said):
                self._note(("run",), "held without a reason", said)
            asked = re.search(r"make accept RUN=(\S+)", said)
            if asked is None:
                self._tried.ended += " held: " + " ".join(said.split())[-300:]
                return False
            self.do("accept", "--run", asked.group(1), "--reason", "it is a test", "--who", "fuzz")
        self._tried.ended += " held in spite of accepting: " + " ".join(said.split())[-600:]
        return False

    def check_release(self, number: int) -> None:
        """The account of all rows is that of the files, and there are pages."""
        file = self._folder / "home" / "releases" / f"{number}.duckdb"
        with duckdb.connect(str(file), read_only=True) as connection:
            rows = connection.execute(
                "select file, rows_received, rows_accepted + rows_superseded + rows_quarantined"
                " from quality.load_log where state <> 'refused'"
            ).fetchall()
            quarantined = connection.execute(
                "select (select sum(rows_quarantined) from quality.load_log),"
                " (select count(*) from quality.quarantine)"
            ).fetchone()
        for name, received, accounted in rows:
            with (self._folder / "landing" / name).open(newline="", encoding="utf-8") as stream:
                landed = sum(1 for _ in csv.reader(stream)) - 1
            if not received == accounted == landed:
                self._tried.faults.append(
                    f"{name}: {landed} rows landed, {received} received, {accounted} accounted for"
                )
        if quarantined is not None and (quarantined[0] or 0) != quarantined[1]:
            self._tried.faults.append(f"quarantined by the files, and listed: {quarantined}")
        pages = self._folder / "home" / "dashboard" / str(number)
        if not (pages / "index.html").exists():
            self._tried.faults.append(f"release {number} has no pages")
        for page in pages.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            if re.search(r">\s*(nan|inf|NaN|None|undefined)\s*<", text):
                self._tried.faults.append(f"{page.name} shows what is no value")
            if "<script>alert" in text:
                self._tried.faults.append(f"{page.name} runs a name as a script")

    def explain_three_figures(self) -> None:
        """The closing MRR of the first, the middle and the last month, and a customer of each."""
        with duckdb.connect(
            str(self._folder / "home" / "releases" / "1.duckdb"), read_only=True
        ) as connection:
            rows = connection.execute(
                "select strftime(month, '%Y-%m'), min(customer_id) from "
                "revenue.fct_mrr_by_customer_month where policy_id = 'board_strict'"
                " and closing_mrr <> 0 group by 1 order by 1"
            ).fetchall()
        for place in sorted({0, len(rows) // 2, len(rows) - 1} if rows else ()):
            month, customer = rows[place]
            figure = ("explain", "--metric", "closing_mrr", "--month", month)
            self.do(*figure)
            self.do(*figure, f"--customer={customer}")

    def _note(self, arguments: tuple[str, ...], what: str, said: str) -> None:
        shown = said if len(said) < 3000 else f"{said[:800]}\n...\n{said[-2200:]}"
        self._tried.faults.append(f"{' '.join(arguments)}: {what}\n{shown}")
