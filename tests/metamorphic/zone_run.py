"""Builds the marts in a process of its own, in the time zone of its environment.

`python -m tests.metamorphic.zone_run FOLDER` prints the sha256 of all rows of the marts, and the
local time of one instant, which shows that the zone is in force.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

from tests.metamorphic.marts import SELECTED, histories, variables
from tests.metamorphic.test_files import WORLD, published
from tests.properties.warehouse import pooled
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import write_raw_tables


def main(folder: Path) -> None:
    """Build, and print the digest."""
    database = folder / DATABASE_NAME
    write_raw_tables(database, pooled(histories(WORLD, 8, 70), WORLD))
    DbtProject(folder / "dbt").build(database, SELECTED, variables(WORLD))
    marts = published(database)
    assert len(marts["fct_mrr_movements"]) > 150, len(marts["fct_mrr_movements"])
    digest = hashlib.sha256(repr(sorted(marts.items())).encode()).hexdigest()
    print(digest, time.strftime("%H:%M", time.localtime(0)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
