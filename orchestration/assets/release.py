"""The release: the one asset that readers see."""

from collections.abc import Sequence

import dagster as dg

from orchestration.assets.models import MARTS_FRESHNESS
from orchestration.assets.resource import RUN, run_of

RELEASE_KEY = dg.AssetKey(["release"])


def release_asset(marts: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """Seals and commits the build once all marts are there and no blocking check failed."""

    @dg.asset(
        key=RELEASE_KEY,
        deps=marts,
        group_name="release",
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
        return dg.MaterializeResult(
            metadata={
                "release": released.n,
                "as_of": released.as_of.isoformat(),
                "sha256": released.sha256,
                "bytes": released.bytes,
                "warehouse": str(run.settings.warehouse_link),
                "data_docs": str(run.data_docs / "index.html"),
            }
        )

    return release
