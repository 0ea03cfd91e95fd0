"""Dirt that nobody listed: figures are those of clean files, or it is said why not. Never silent.

Many companies land clean and, under another name, dirty, each with one kind of dirt drawn at
random from `dirt.py`; one run of the gate and of dbt takes them all. Dirty figures that differ from
the clean ones must have something said of that company: a row in quarantine or among the rejected
rows, a file refused, a column left out, a rule of the raw suite broken.
`python -m tests.faults.test_fuzz SEED COUNT` prints it.
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.suites.raw import raw_rules
from orchestration.landing.contract import load_contract
from tests.faults.dirt import HARMFUL, HARMLESS, Files, Rows, clean
from tests.metamorphic.landed import through_the_gate
from tests.oracle.money import Rates
from tests.oracle.policy import Policy
from tests.oracle.replay import Company, replay
from tests.oracle.versions import Settings
from tests.properties.histories import Tenant, World, make_world
from tests.properties.test_histories import WORLDS, generated
from tests.properties.warehouse import SEPARATOR, prefixed
from tests.support.dbt_runner import DATABASE_NAME, DbtProject

Dirty = Callable[[Rows, str, random.Random], Files]
KINDS: tuple[Dirty, ...] = (*HARMLESS, *HARMFUL)
#: How often each harmless kind, each harmful kind comes.
SHARES = (1, 2)
POLICIES = ("board_strict", "chartmogul_2025")
MARTS = ("fct_mrr_movements", "fct_mrr_by_customer_month", "rejected_rows")


@dataclass
class Case:
    """A company that landed clean and dirty, what its figures are, and what is said of it."""

    kind: Dirty
    seed: int
    files: Files
    clean: list[tuple[Any, ...]] = field(default_factory=list)
    dirty: list[tuple[Any, ...]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def told(self) -> str:
        """For people."""
        lost = [row for row in self.clean if row not in self.dirty]
        made = [row for row in self.dirty if row not in self.clean]
        lines = [f"{self.kind.__name__}, seed {self.seed}: {len(lost)} rows differ"]
        lines += [f"  clean {row}" for row in lost[:3]] + [f"  dirty {row}" for row in made[:3]]
        return "\n".join([*lines, *(f"  said: {line}" for line in self.said[:4])])


def tried(folder: Path, seed: int, shares: tuple[int, int]) -> list[Case]:
    """Land, take in, build; the cases with what came of them."""
    world = make_world(seed, *WORLDS[seed % len(WORLDS)])
    kinds = [kind for kind in HARMLESS for _ in range(shares[0])]
    kinds += [kind for kind in HARMFUL for _ in range(shares[1])]
    # Of a company that is never counted nothing can be said.
    paying = (one for one in generated(world, 5 * len(kinds), seed) if _is_counted(one, world))
    tenants = list(itertools.islice(paying, len(kinds)))
    cases = []
    landing = folder / "landing"
    _land(landing, clean({"finance.fx_rates": world.fx_rows()}, "rates"))
    for number, (kind, tenant) in enumerate(zip(kinds, tenants, strict=True)):
        chance = random.Random(f"{seed} {number}")
        for prefix, make in ((f"c{number}", None), (f"d{number}", kind)):
            rows = {
                table: [prefixed(row, prefix) for row in some]
                for table, some in tenant.rows.items()
                if some
            }
            files = clean(rows, prefix) if make is None else make(rows, prefix, chance)
            _land(landing, files)
        cases.append(Case(kind, seed, files))
    database = folder / DATABASE_NAME
    _build(folder, landing, world, database, cases)
    return cases


def _is_counted(tenant: Tenant, world: World) -> bool:
    settings = Settings(world.as_of, world.zone, world.currency)
    company = Company(tenant.rows, settings, Rates(world.fx_rows(), settings))
    return bool(replay(company, Policy()).movements)


def _land(landing: Path, files: Files) -> None:
    for name, content in files.items():
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _build(
    folder: Path, landing: Path, world: World, database: Path, cases: Sequence[Case]
) -> None:
    report = through_the_gate(folder / "home", landing, world, database, go_on=True)
    for file in report.files:
        assert file.reason is None or "Traceback" not in file.reason
        if file.state.value == "refused":
            assert file.reason
            assert file.remedy
            _say(cases, file.file.split("/")[2], f"refused {file.file}: {file.reason}")
        if file.extra_columns:
            _say(cases, file.file.split("/")[2], f"left out {file.file}: {file.extra_columns}")
    variables: dict[str, Any] = {
        "as_of_date": world.as_of.isoformat(),
        "reporting_timezone": world.zone,
        "reporting_currency": world.currency,
        "enabled_policies": list(POLICIES),
        "official_policy": POLICIES[0],
    }
    DbtProject(folder / "dbt").build(database, [f"+{mart}" for mart in MARTS], variables)
    with duckdb.connect(str(database)) as connection:
        for file, *rest in connection.execute(
            "select file, file_row, column_name, value, rule from quality.quarantine order by all"
        ).fetchall():
            _say(cases, file.split("/")[2], f"set aside {file} {rest}")
        for table, key, reason in connection.execute(
            "select table_name, row_key, reason from quality.rejected_rows order by all"
        ).fetchall():
            _say(cases, key, f"rejected {table} {key}: {reason}")
        for customer_id, *rest in connection.execute(
            "select customer_id, policy_id, cast(month as varchar), opening_mrr, new_mrr,"
            " expansion_mrr, contraction_mrr, churn_mrr, reactivation_mrr, fx_mrr, closing_mrr"
            " from revenue.fct_mrr_by_customer_month order by all"
        ).fetchall():
            prefix, _, own = customer_id.partition(SEPARATOR)
            case = cases[int(prefix[1:])]
            (case.clean if prefix[0] == "c" else case.dirty).append((own, *rest))
        _hold_to_the_raw_suite(connection, cases)


def _hold_to_the_raw_suite(connection: duckdb.DuckDBPyConnection, cases: Sequence[Case]) -> None:
    """What the rules find in billing tables, without the seconds that their framework takes."""
    for rule in raw_rules(load_contract()):
        if rule.schema != "raw_billing":
            continue
        query = (rule.query or "").format(batch=f'{rule.schema}."{rule.table}"')
        if rule.kind == "between":
            query = f"select id, {rule.column} from {rule.schema}.{rule.table} where not coalesce("
            query += f"{rule.column} >= {rule.minimum}, true) or not coalesce("
            query += f"{rule.column} <= {'null' if rule.maximum is None else rule.maximum}, true)"
        for row in connection.execute(query).fetchall() if query else ():
            for cell in row:
                if isinstance(cell, str):
                    _say(cases, cell, f"{rule.subject} {rule.name}: {row}")


def _say(cases: Sequence[Case], of: str, line: str) -> None:
    """Note a line of the case that a file or key is of; clean ones may be said to be rejected."""
    prefix = of.split(SEPARATOR)[0].split(" ")[0].lower()
    if prefix.startswith("d") and prefix[1:].isdigit():
        cases[int(prefix[1:])].said.append(line)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    return tried(tmp_path_factory.mktemp("fuzz"), 1, SHARES)


@pytest.mark.parametrize("kind", HARMLESS, ids=lambda kind: kind.__name__)
def test_the_same_rows_in_another_way_give_the_same_figures(cases: list[Case], kind: Dirty) -> None:
    for case in cases:
        if case.kind is kind:
            assert case.clean, "nothing to compare"
            assert case.dirty == case.clean, case.told()


@pytest.mark.parametrize("kind", HARMFUL, ids=lambda kind: kind.__name__)
def test_figures_that_are_others_are_explained(cases: list[Case], kind: Dirty) -> None:
    silent = [one for one in cases if one.kind is kind and one.dirty != one.clean and not one.said]
    assert silent == [], "\n".join(case.told() for case in silent)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_great_many_kinds_of_dirt(tmp_path: Path, seed: int) -> None:
    for case in tried(tmp_path, seed, (4, 40)):
        if case.dirty != case.clean:
            assert case.kind not in HARMLESS, case.told()
            assert case.said, case.told()


def main(seed: int, count: int) -> None:
    """Print what comes of dirt, by kind, and every case that nothing was said of."""
    with tempfile.TemporaryDirectory() as folder:
        cases = tried(Path(folder), seed, (max(1, count // 10), count))
    found: Counter[tuple[str, str]] = Counter()
    for case in cases:
        what = "the same" if case.dirty == case.clean else "explained" if case.said else "SILENT"
        found[case.kind.__name__, what] += 1
        if what == "SILENT" or (what != "the same" and case.kind in HARMLESS):
            print(case.told())
            for name, content in case.files.items():
                print(f"    {name}\n{content[:1500]!r}")
    for (kind, what), number in sorted(found.items()):
        print(f"{number:4} {what:10} {kind}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
