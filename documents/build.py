"""Builds the site: the hand-written pages and the generated ones.

It opens from the file system and asks nothing of the network.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from documents.checks import checks_page
from documents.pages import pages
from documents.project import Project
from orchestration.settings import PROJECT_DIR

#: Pages that stand beside the README; their links into docs/ are those of the site then.
PROJECT_PAGES = ("CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")


def build_site(
    manifest: Mapping[str, Any], target: Path, warehouse: Path | None = None
) -> list[str]:
    """Build the site anew; what is there stays until the new one is whole.

    Args:
        manifest: of the dbt project.
        target: folder of the site, `index.html` in it.
        warehouse: the current release, for the page of its checks.

    Returns:
        Warnings of mkdocs, such as links that lead nowhere; empty in a sound project.
    """
    project = Project(manifest)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".docs-") as folder:
        staged, made = Path(folder) / "pages", Path(folder) / "site"
        stage(project, staged, warehouse)
        warnings = _mkdocs(project, staged, made)
        old = Path(folder) / "old"
        if target.exists():
            target.rename(old)
        made.rename(target)
    return warnings


def stage(project: Project, folder: Path, warehouse: Path | None) -> None:
    """Put all pages of the site into one folder."""
    shutil.copytree(PROJECT_DIR / "docs", folder, ignore=shutil.ignore_patterns("images"))
    for name in PROJECT_PAGES:
        text = (PROJECT_DIR / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("](docs/", "]("), encoding="utf-8")
    made = {**pages(project), "checks.md": checks_page(warehouse)}
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _mkdocs(project: Project, staged: Path, made: Path) -> list[str]:
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    base = yaml.safe_load((PROJECT_DIR / "mkdocs.yml").read_text(encoding="utf-8"))
    base["nav"].insert(2, {"Marts": _mart_navigation(project)})
    listed = set(re.findall(r"[\w/]+\.md", yaml.safe_dump(base["nav"])))
    found = sorted(path.relative_to(staged).as_posix() for path in staged.rglob("*.md"))
    if unlisted := [name for name in found if name not in listed]:
        base["nav"].append({"More": unlisted})
    base |= {"docs_dir": str(staged), "site_dir": str(made)}
    path = staged.parent / "mkdocs.yml"
    path.write_text(yaml.safe_dump(base, sort_keys=False), encoding="utf-8")
    with _Warnings() as warnings:
        build(load_config(str(path)))
    return warnings.said


def _mart_navigation(project: Project) -> list[Any]:
    navigation: list[Any] = ["marts/index.md"]
    for domain in project.domains:
        own = [f"marts/{m['name']}.md" for m in project.marts if m["schema"] == domain]
        navigation.append({domain.replace("_", " ").capitalize(): own})
    return navigation


class _Warnings:
    """Collects what mkdocs warns of."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __enter__(self) -> _Warnings:
        import logging

        collect = self.said.append

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                collect(record.getMessage())

        self._logger = logging.getLogger("mkdocs")
        self._handler = Handler(logging.WARNING)
        self._propagates = self._logger.propagate
        self._logger.addHandler(self._handler)
        self._logger.propagate = False
        return self

    def __exit__(self, *error: object) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.propagate = self._propagates


def manifest_at(path: Path) -> dict[str, Any]:
    """The manifest that dbt wrote."""
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest
