"""The page of the checks of the current release, from what the run wrote into it."""

from __future__ import annotations

from pathlib import Path

from documents.pages import table
from orchestration.results import STAGE_NAMES
from orchestration.warehouse import has_table, open_for_reading

NOTHING = "# Checks of the release\n\nThere is no release yet: `make run`, then `make docs`.\n"

#: What people ask of a single check is in these; dbt's tests are on the page of their mart.
LISTED = ("raw", "marts", "invariant")


def checks_page(warehouse: Path | None) -> str:
    """Every check of the last run, and what it found; Markdown."""
    if warehouse is None or not warehouse.exists():
        return NOTHING
    with open_for_reading(warehouse) as connection:
        if not has_table(connection, "quality", "check_results"):
            return NOTHING
        run = connection.execute(
            "select run_id, as_of_date, published_at from quality.run_log"
            " order by published_at desc limit 1"
        ).fetchall()[0]
        counts = connection.execute(
            "select stage, count(*) filter (not is_skipped), count(*) filter (is_skipped),"
            " count(*) filter (not is_passed and not is_skipped)"
            " from quality.check_results where run_id = ? group by stage order by stage",
            [run[0]],
        ).fetchall()
        rows = connection.execute(
            "select stage, subject, name, is_passed, is_blocking, is_skipped, message"
            " from quality.check_results where run_id = ? order by stage, subject, name",
            [run[0]],
        ).fetchall()
    names: dict[str, str] = {str(stage): name for stage, name in STAGE_NAMES.items()}
    found = [row for row in rows if not row[3] and not row[5]]
    parts = [
        "# Checks of the release",
        "",
        f"Run {run[0]}, as of {run[1]}, published {run[2]:%Y-%m-%d %H:%M} UTC. A check that blocks"
        " and fails keeps readers on the release before, so all that is found here are warnings."
        " Great Expectations' own pages of the run are `data_docs/index.html` in the home folder;"
        " they fetch their scripts from the network, these pages nothing.",
        "",
        table(
            ["checks", "ran", "skipped", "found something"],
            [(names[stage], ran, skipped, failed) for stage, ran, skipped, failed in counts],
        ),
        "",
        "## What they found",
        "",
        table(["of", "check", "found"], [(row[1], row[2], row[6]) for row in found])
        if found
        else "Nothing.",
        "",
    ]
    for stage in LISTED:
        own = [row for row in rows if row[0] == stage]
        if own:
            parts += [
                f"## {names[stage].capitalize()}",
                "",
                table(
                    ["of", "check", "blocks", "expects"],
                    [(row[1], row[2], "yes" if row[4] else "no", row[6]) for row in own],
                ),
                "",
            ]
    return "\n".join(parts)
