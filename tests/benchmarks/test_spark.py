"""What Spark says of its stages is added up by model."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from benchmarks.page import draw_builds, shuffles
from benchmarks.processes import Measured
from benchmarks.spark import Build, by_model, used_by
from orchestration.spark import cluster

DAYS, MRR = "model.holdfast.int_event_days", "model.holdfast.fct_mrr_by_month"


def stage(model: str, shuffled: int, median: float, longest: float) -> dict[str, Any]:
    """A stage of ten tasks as the status API says it: times of tasks in ms, CPU time in ns."""
    named = f'/* {{"app": "dbt", "node_id": "{model}"}} */ create table' if model else None
    return {
        "description": named,
        "numCompleteTasks": 10,
        "executorCpuTime": 1_500_000_000,
        "shuffleWriteRecords": shuffled // 10,
        "shuffleWriteBytes": shuffled,
        "diskBytesSpilled": 0,
        "taskMetricsDistributions": {"duration": [median, longest]},
    }


def test_stages_are_added_up_by_model() -> None:
    stages = [
        stage(MRR, 100, 50.0, 60.0),
        stage(DAYS, 3_000, 200.0, 800.0),
        stage(DAYS, 1_000, 10.0, 700.0),
        # A view of raw is no model's.
        stage("", 0, 1.0, 1.0),
    ]
    days, mrr, other = by_model(stages, {DAYS: 12.5, MRR: 3.0})
    assert (days.model, days.wall_seconds, days.tasks) == (DAYS, 12.5, 20)
    assert (days.cpu_seconds, days.shuffled_bytes, days.shuffled_rows) == (3.0, 4_000, 400)
    # The longest task of all, and how it stands to the others of its stage.
    assert (days.longest_task_seconds, days.longest_to_median) == (0.8, 4.0)
    assert mrr.model == MRR
    assert mrr.longest_to_median == pytest.approx(1.2)
    assert (other.model, other.wall_seconds) == ("", 0.0)


def test_a_build_says_how_much_faster_it_was_than_the_first() -> None:
    costs = by_model([stage(DAYS, 3_000_000, 1.0, 2.0)], {})
    one = Build(1, Measured(90.0, 80.0, 0), 20.0, 65.0, 3.0, costs)
    four = Build(4, Measured(99.0, 32.0, 0), 20.0, 74.0, 5.0, costs)
    assert one.remarks(one) == "driver 20, executors 65 CPU s; 3 MB shuffled; load 3"
    assert four.remarks(one).endswith("load 5; 2.50 times as fast as 1 core")


def test_the_page_says_what_each_model_shuffled(tmp_path: Path) -> None:
    costs = by_model([stage(DAYS, 4_000_000, 200.0, 800.0), stage("", 0, 1.0, 1.0)], {})
    built = Build(4, Measured(99.0, 32.0, 0), 20.0, 74.0, 5.0, costs)
    headings, _, days, raw = shuffles(built)
    assert headings.count("|") == days.count("|")
    assert days == "| int_event_days | 1.5 | 400,000 | 4.0 | 10 | 0.0 | 0.8 | 4.0 |"
    assert raw.startswith("| views of raw | 1.5 | 0 | 0.0 |  |")
    chart = tmp_path / "spark.svg"
    draw_builds({"days of events": [built]}, {"days of events": 12.0}, chart)
    drawn = chart.read_text(encoding="utf-8")
    assert "days of events, Spark, 4 cores" in drawn
    assert "days of events, DuckDB" in drawn


def test_a_driver_that_has_just_started_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([[], [{"id": "app-1"}], ["a stage"]])
    asked: list[str] = []

    def ask(port: int, path: str) -> Any:
        asked.append(path)
        return next(said)

    monkeypatch.setattr(cluster, "ask", ask)
    one = cluster.Cluster(1, 2, 3, 4, 1, 1, "1g", (1,))
    assert cluster.ask_driver(one, "stages") == ["a stage"]
    assert asked[-1] == "/api/v1/applications/app-1/stages"


def test_a_child_that_is_over_has_no_memory() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert used_by([psutil.Process(child.pid)])[1] == 0
    assert used_by([psutil.Process()])[1] > 1_000_000
