"""What stands in no file of the project: machines, registries, packages of dbt."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from orchestration.settings import DBT_PROJECT_DIR, PROJECT_DIR

#: Written in pieces, so that this file does not find itself.
MACHINE_PATH = re.compile(
    r"(?<![\w.$}~-])/(?:" + "|".join(["work", "root", "home", "Users", "tmp"]) + r")/\w"
)
REGISTRY = re.compile(
    "|".join([r"py" + r"pi\.org", r"python" + r"hosted\.org", r"index" + r"-url\b"])
)
BINARY = {".parquet", ".duckdb", ".png", ".ico", ".gz", ".zst", ".woff2"}


def project_files() -> list[Path]:
    """Files that are, or are about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git repository: there is no list of the project's files")
    paths = [PROJECT_DIR / name for name in listed.stdout.splitlines()]
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in project_files():
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(PROJECT_DIR)}:{number}: {line.strip()}")
    return found


def test_no_file_names_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATH) == []


def test_one_function_opens_every_database_file() -> None:
    """So that each connection has the limits of memory and threads; benchmarks set their own."""
    opens = re.compile(r"duckdb\.connect\(")
    allowed = (
        ".ci/",
        "orchestration/warehouse.py:",
        "simulation/",
        "benchmarks/",
        "tests/",
        "docs/",
    )
    assert [line for line in lines_with(opens) if not line.startswith(allowed)] == []


def test_no_file_names_a_registry() -> None:
    allowed = "--no-emit-index" + "-url"
    assert [line for line in lines_with(REGISTRY) if allowed not in line] == []


def test_dbt_needs_no_packages() -> None:
    names = ("packages.yml", "dependencies.yml")
    assert [name for name in names if (DBT_PROJECT_DIR / name).exists()] == []


def test_the_lock_pins_every_package_with_hashes() -> None:
    lock = (PROJECT_DIR / "requirements.lock").read_text("utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", "\n" + lock)[1:]
    assert len(entries) > 50
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_dependency_is_in_the_lock() -> None:
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    block = [re.match(r"[A-Za-z0-9_.-]+", requirement)[0] for requirement in needed]
    lock = (PROJECT_DIR / "requirements.lock").read_text("utf-8")
    pinned = {name.lower() for name in re.findall(r"^([a-z0-9_.-]+)==", lock, re.MULTILINE)}
    assert len(block) > 15
    assert sorted({name.lower() for name in block} - pinned) == []


def test_every_import_is_a_declared_dependency() -> None:
    """What is there only because something else needs it may be gone with its next version."""
    whole = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text("utf-8"))
    project = whole["project"]
    packages = [name for name in whole["tool"]["mypy"]["files"] if "/" not in name]
    needed = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    # An extra that is asked for by its name is asked for: dbt-spark[PyHive].
    declared = {
        distribution(name) for one in needed for name in re.findall(r"[A-Za-z][\w.-]*", one)
    }
    distributions = packages_distributions()
    missing = {}
    for path in (path for name in packages for path in (PROJECT_DIR / name).rglob("*.py")):
        for name in imported(ast.parse(path.read_text("utf-8"))) - set(packages):
            if name in sys.stdlib_module_names:
                continue
            of = {distribution(one) for one in distributions.get(name, [name])}
            if not of & declared:
                missing[name] = path.relative_to(PROJECT_DIR).as_posix()
    assert missing == {}


def distribution(name: str) -> str:
    """The one of its spellings that is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(tree: ast.Module) -> set[str]:
    """The first parts of the names of all modules that are imported anywhere in a file."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found
