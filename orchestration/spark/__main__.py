"""Start, look at and stop the cluster of a home folder: `python -m orchestration.spark up`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from orchestration.errors import HoldfastError
from orchestration.settings import Settings, load_settings
from orchestration.spark import cluster, processes
from orchestration.spark.configuration import Size


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; exit code 0, or 2 for a setting, or 1 where no cluster runs."""
    parser = argparse.ArgumentParser(prog="orchestration.spark", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a cluster, or say that it runs")
    up.add_argument("--workers", type=int, default=2)
    up.add_argument("--cores", type=int, default=2, help="of each worker")
    up.add_argument("--memory", default="1500m", help="of each executor, such as 4g")
    up.add_argument("--large", action="store_true", help="for more than some thousand customers")
    commands.add_parser("status", help="who works on it")
    commands.add_parser("down", help="stop it")
    parsed = parser.parse_args(arguments)
    os.umask(0o077)
    try:
        settings = load_settings()
        if parsed.command == "down":
            stopped = processes.stop(settings.home)
            print("spark: stopped" if stopped else "spark: none was running")
            return 0
        if parsed.command == "up":
            size = Size(parsed.workers, parsed.cores, parsed.memory, is_small=not parsed.large)
            processes.start(settings.home, size)
        return _say(settings)
    except HoldfastError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _say(settings: Settings) -> int:
    there = cluster.running(settings.home)
    if there is None:
        print("spark: no cluster runs for this home folder; `make spark-up` starts one")
        return 1
    said = cluster.status(there)
    cores = sum(worker["cores"] for worker in said["workers"] if worker["state"] == "ALIVE")
    print(f"spark: {said['aliveworkers']} workers with {cores} cores, Thrift server {there.thrift}")
    print(f"spark: master http://{cluster.HOST}:{there.master_ui_port}")
    print(f"spark: jobs http://{cluster.HOST}:{there.ui_port}")
    for executor, tasks in sorted(cluster.tasks_by_worker(there).items()):
        print(f"spark: executor {executor} has done {tasks} tasks")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
