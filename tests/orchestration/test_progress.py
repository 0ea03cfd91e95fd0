"""What a long run shows while it goes on: on a terminal, in a log, and of dbt's models."""

from __future__ import annotations

import io
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from orchestration import dbt_runner
from orchestration.report import LOG_EVERY_SECONDS, Progress, Seldom


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_screen(text: str) -> list[str]:
    """The lines that a terminal shows: what follows a carriage return is written over the line."""
    lines = []
    for line in text.split("\n"):
        shown: list[str] = []
        for part in line.split("\r"):
            shown[: len(part)] = part
        lines.append("".join(shown).rstrip())
    return lines


def test_on_a_terminal_passing_lines_take_turns_and_leave_nothing() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock)
    progress.say("dbt: models and tests")
    clock.now += 1.5
    progress.show("dbt: 10 of 244 models, a long name")
    assert on_screen(stream.getvalue())[-1] == "   1.5s  dbt: 10 of 244 models, a long name"
    progress.show("dbt: 11 of 244 models")
    assert on_screen(stream.getvalue())[-1] == "   1.5s  dbt: 11 of 244 models"
    progress.say("invariants")
    assert on_screen(stream.getvalue()) == [
        "   0.0s  dbt: models and tests",
        "   1.5s  invariants",
        "",
    ]


def test_a_log_gets_no_carriage_return_and_few_passing_lines() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)
    progress.say("dbt: models and tests")
    for second in range(1, 71):
        clock.now = 100.0 + second
        progress.show(f"dbt: {second} of 244 models")
    assert LOG_EVERY_SECONDS == 30
    assert stream.getvalue().splitlines() == [
        "   0.0s  dbt: models and tests",
        "  30.0s  dbt: 30 of 244 models",
        "  60.0s  dbt: 60 of 244 models",
    ]


def test_who_has_no_passing_lines_is_told_some_of_them() -> None:
    said: list[str] = []
    clock = Clock()
    seldom = Seldom(said.append, clock)
    seldom.show("soon")
    clock.now += LOG_EVERY_SECONDS
    seldom.show("later")
    assert said == ["later"]


def node(name: str, resource_type: str = "model", materialized: str = "table") -> Any:
    return SimpleNamespace(
        name=name, resource_type=resource_type, config={"materialized": materialized}
    )


def finished(name: str, resource_type: str = "model") -> Any:
    relation = SimpleNamespace(schema="staging", alias=name)
    return SimpleNamespace(
        info=SimpleNamespace(name="NodeFinished"),
        data=SimpleNamespace(
            node_info=SimpleNamespace(
                node_name=name,
                resource_type=resource_type,
                node_status="success",
                node_relation=relation,
            ),
            run_result=SimpleNamespace(execution_time=2.25),
        ),
    )


def test_dbt_tells_model_n_of_m_and_the_rows_of_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        dbt_runner, "tell", lambda line, *, is_passing=False: told.append((line, is_passing))
    )
    monkeypatch.setattr(
        dbt_runner, "_rows", lambda schema, table: {"staging.b": 1_234_567}.get(f"{schema}.{table}")
    )
    parsed = SimpleNamespace(
        nodes={
            "a": node("a"),
            "b": node("b", "seed"),
            "c": node("c", materialized="ephemeral"),
            "t": node("t", "test"),
        },
        unit_tests={"u": node("u", "unit_test")},
    )
    assert dbt_runner._to_do(parsed, ["build"]) == Counter(models=2, tests=2)
    no_unit_tests = ["build", "--exclude-resource-type", "unit_test"]
    assert dbt_runner._to_do(parsed, no_unit_tests) == Counter(models=2, tests=1)
    no_tests = ["build", "--exclude-resource-type", "test"]
    assert dbt_runner._to_do(parsed, no_tests) == Counter(models=2, tests=1)
    assert dbt_runner._to_do(parsed, ["test"]) == Counter(tests=2)
    clock = Clock()
    counter = dbt_runner._Counter(dbt_runner._to_do(parsed, ["build"]), clock)
    counter(SimpleNamespace(info=SimpleNamespace(name="SomethingElse")))
    counter(finished("a"))
    counter(finished("a page", "exposure"))
    clock.now += dbt_runner.TELL_EVERY_SECONDS
    counter(finished("b", "seed"))
    clock.now += dbt_runner.TELL_EVERY_SECONDS
    counter(finished("t", "test"))
    assert told == [
        ("dbt: 2 of 2 models, 0 of 2 tests done; last b, 1,234,567 rows, 2.2 s", True),
        ("dbt: 2 of 2 models, 1 of 2 tests done; last t, 2.2 s", True),
    ]
