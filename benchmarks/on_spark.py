"""Build some models on the cluster of a home folder, as a run does, and say what each took.

    python -m benchmarks.on_spark DATABASE SHARE SELECTION...

DATABASE is a file of raw views and books, which is only read; SHARE is the part of the events that
one account gets, in per cent. The last line that is printed is JSON: wall seconds by model. What
was built is dropped again, and nothing is brought back.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestration import dbt_runner
from orchestration.settings import DBT_PROJECT_DIR, Settings, load_settings
from orchestration.spark.adapter import connect, describe, let_go
from orchestration.spark.build import begin, end
from orchestration.spark.cluster import thrift_address

#: What is printed when everything is ready for dbt, and when dbt is done.
READY = "raw is on the cluster, the project is parsed"
BUILT = "the models are built"
#: Whose account the huge one is: any that has events.
_ANY_ACCOUNT = "select min(account_id) from raw_product.events"


def build(settings: Settings, database: Path, share: int, selection: Sequence[str]) -> None:
    """Make raw on the cluster, build the selection with its seeds, and drop everything.

    Raises:
        RuntimeError: a model failed.
    """
    dbt_runner.parse(settings, DBT_PROJECT_DIR)
    begin(settings, database, DBT_PROJECT_DIR)
    if share:
        _give_to_one_account(settings, share)
    print(READY, flush=True)
    command = ["build", "--select", *selection]
    results: Sequence[Any] = dbt_runner.invoke(
        command, settings, database, DBT_PROJECT_DIR, left_out=("test", "unit_test")
    ).results
    let_go()
    print(BUILT, flush=True)
    end(settings, DBT_PROJECT_DIR, results)
    failed = [f"{row.node.name}: {row.message}" for row in results if str(row.status) != "success"]
    if failed:
        raise RuntimeError("\n".join(failed))
    print(json.dumps({row.node.unique_id: row.execution_time for row in results}), flush=True)


def _give_to_one_account(settings: Settings, share: int) -> None:
    host, _, port = thrift_address(settings).partition(":")
    with connect(host, int(port)) as cursor:
        columns = [f"`{name}`" for name, _ in describe(cursor, "raw_product.events")[0]]
        cursor.execute(_ANY_ACCOUNT)
        ((account,),) = cursor.fetchall()
        cursor.execute("alter view raw_product.events rename to raw_product.events_as_landed")
        account_id = f"if(pmod(xxhash64(id), 100) < {share}, '{account}', account_id) as account_id"
        listed = ", ".join(account_id if name == "`account_id`" else name for name in columns)
        cursor.execute(
            f"create view raw_product.events as select {listed} from raw_product.events_as_landed"
        )


def main() -> None:
    """Run it with the settings of the environment."""
    database, share, *selection = sys.argv[1:]
    build(load_settings(os.environ), Path(database), int(share), selection)


if __name__ == "__main__":
    main()
