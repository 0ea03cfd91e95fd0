"""The release: the one asset that readers see."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.assets.models import MARTS_FRESHNESS
from orchestration.assets.resource import RUN, run_of
from orchestration.control import Release
from orchestration.report import last_complete_month
from orchestration.results import STAGE_NAMES, tallies
from orchestration.run import RefreshRun
from orchestration.targets.dashboard import current_page

RELEASE_KEY = dg.AssetKey(["release"])


def release_asset(marts: Sequence[dg.AssetKey], owners: Sequence[str] = ()) -> dg.AssetsDefinition:
    """Seals and commits the build once all marts are there and no blocking check failed."""

    @dg.asset(
        key=RELEASE_KEY,
        deps=marts,
        group_name="release",
        owners=list(owners),
        kinds={"duckdb"},
        freshness_policy=MARTS_FRESHNESS,
        required_resource_keys={RUN},
        description="An immutable release of the warehouse, and the link that readers open.",
    )
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        run = run_of(context)
        released = run.release()
        if released is None:
            return dg.MaterializeResult(metadata={"as_known": str(run.as_known)})
        return dg.MaterializeResult(metadata=release_metadata(run, released))

    return release


def release_metadata(run: RefreshRun, released: Release) -> Mapping[str, Any]:
    """What the UI shows of a release: figures (drawn over releases), checks, where to look.

    Pages are files of this machine. They are given as paths, for a browser follows no link from
    a page of a server to a file.
    """
    metadata: dict[str, Any] = {"release": released.n, "as_of": released.as_of.isoformat()}
    figures = last_complete_month(run.settings)
    if figures is not None:
        metadata["month"] = f"{figures.month:%Y-%m}"
        # For the drawing only; the exact figure is in the warehouse.
        metadata["mrr"] = float(figures.mrr)
        metadata["customers"] = figures.customers
        metadata["net_new_mrr"] = float(figures.net_new_mrr)
    metadata["checks"] = dg.MetadataValue.md(checks_table(run))
    metadata["warehouse"] = dg.MetadataValue.path(run.settings.warehouse_link)
    pages = {
        "data_docs": run.data_docs / "index.html",
        "dashboard": current_page(run.settings),
        "documents": run.settings.home / "docs" / "index.html",
    }
    for name, page in pages.items():
        if page.exists():
            metadata[name] = dg.MetadataValue.path(page)
    if run.postgres_state is not None:
        metadata["postgres"] = run.postgres_state.line(released.n)
    workbooks = sorted((run.settings.home / "workbooks").glob(f"*-release-{released.n}.xlsx"))
    if workbooks:
        metadata["workbook"] = dg.MetadataValue.path(workbooks[-1])
    return {**metadata, "bytes": released.bytes, "sha256": released.sha256}


def checks_table(run: RefreshRun) -> str:
    """How many checks ran, by kind, as a Markdown table."""
    lines = ["| checks | run | failed | warnings |", "|---|---|---|---|"]
    lines += [
        f"| {STAGE_NAMES[tally.stage]} | {tally.run} | {tally.failed} | {tally.warned} |"
        for tally in tallies(run.results)
    ]
    return "\n".join(lines)
