"""What dbt gives to Jinja, for sqlfluff: the project's macros as dbt calls them, and its variables.

sqlfluff can load macros itself, but they then return text only; dbt's `return` gives lists too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import yaml

_PROJECT = Path(__file__).resolve().parent.parent.parent / "dbt_project"
_VARIABLES: dict[str, Any] = yaml.safe_load(
    (_PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
)["vars"]
_ENGINE = "duckdb"
_MACRO = re.compile(r"{%-?\s*macro\s+(\w+)")


class _ReturnedError(Exception):
    """Leaves a macro with a value, as dbt's own does."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class _Dbt:
    """dbt's cross-database macros: types are a type, all others a function of their name."""

    def __getattr__(self, name: str) -> Callable[..., str]:
        if name.startswith("type_"):
            return lambda *_: "varchar"
        return lambda *arguments, **_: f"{name}({', '.join(map(str, arguments))})"


def var(name: str, default: Any = None) -> Any:
    """The project's own value of a variable."""
    return _VARIABLES.get(name, default)


def _return(value: Any) -> None:
    raise _ReturnedError(value)


def _dispatch(name: str, package: str = "") -> Callable[..., Any]:
    return _macros.get(f"{_ENGINE}__{name}") or _macros[f"default__{name}"]


def _callable(macro: Any) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return str(macro(*arguments, **named))
        except _ReturnedError as returned:
            return returned.value

    return call


def _late(name: str) -> Callable[..., Any]:
    return lambda *arguments, **named: _macros[name](*arguments, **named)


def _load() -> dict[str, Callable[..., Any]]:
    texts = [path.read_text(encoding="utf-8") for path in (_PROJECT / "macros").rglob("*.sql")]
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    environment.globals.update(_builtins)
    # Macros call each other by name, whichever file they are in and whichever comes first.
    names = {name for text in texts for name in _MACRO.findall(text)}
    environment.globals.update({name: _late(name) for name in names})
    for text in texts:
        for name, macro in vars(environment.from_string(text).make_module()).items():
            if isinstance(macro, jinja2.runtime.Macro):
                _macros[name] = _callable(macro)
    return _macros


_macros: dict[str, Callable[..., Any]] = {}
_builtins: dict[str, Any] = {
    "adapter": SimpleNamespace(dispatch=_dispatch, quote=lambda name: f'"{name}"'),
    "dbt": _Dbt(),
    "execute": False,
    "ref": lambda *names: names[-1],
    "return": _return,
    "source": lambda _, table: table,
    "target": SimpleNamespace(type=_ENGINE, name=_ENGINE, schema="main"),
    "var": var,
}
globals().update(_builtins | _load())
