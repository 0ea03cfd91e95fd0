"""dbt models, seeds and tests as assets and asset checks."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets

from orchestration.assets.raw import raw_key
from orchestration.assets.resource import RUN, run_of
from orchestration.dbt_runner import DbtNode
from orchestration.errors import AuditError

Manifest = Mapping[str, Any]

#: The daily run may be late by an hour or two; a day and a half means one was missed.
MARTS_FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=26), fail_window=timedelta(hours=36)
)


class HoldfastTranslator(DagsterDbtTranslator):
    """Sources are our raw assets; group = domain (or source, in staging); marts must stay fresh."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Schema and table, as in the warehouse."""
        if dbt_resource_props["resource_type"] == "source":
            return raw_key(dbt_resource_props["schema"], dbt_resource_props["name"])
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The folder below the layer: the source in staging, the domain after it."""
        folders = dbt_resource_props["fqn"][1:-1]
        return str(folders[-1]) if folders else str(dbt_resource_props["schema"])

    def get_asset_spec(
        self, manifest: Manifest, unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """Adds the freshness policy of marts."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if is_mart(self.get_resource_props(manifest, unique_id)):
            return spec.replace_attributes(freshness_policy=MARTS_FRESHNESS)
        return spec

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Manifest,
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """A test of several models is a check of one of them, its subject; dagster-dbt has none."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is not None or not unique_id.startswith("test."):
            return spec
        test = self.get_resource_props(manifest, unique_id)
        models = [node for node in test["depends_on"]["nodes"] if node in manifest["nodes"]]
        says_itself = (test["config"].get("meta") or {}).get("dagster", {}).get("ref")
        if test.get("attached_node") or says_itself or len(models) < 2:
            return None
        keys = [self.get_asset_key(self.get_resource_props(manifest, node)) for node in models]
        if asset_spec.key != keys[models.index(subject_of(manifest, models))]:
            return None
        return dg.AssetCheckSpec(
            name=test["name"],
            asset=asset_spec.key,
            additional_deps=[key for key in keys if key != asset_spec.key],
            blocking=test["config"]["severity"].lower() == "error",
            metadata={"dagster_dbt/unique_id": unique_id},
        )


def subject_of(manifest: Manifest, models: list[str]) -> str:
    """The model that a test of several is about: its first mart, else the first of all."""
    marts = [model for model in models if is_mart(manifest["nodes"][model])]
    return (marts or models)[0]


def is_mart(node: Mapping[str, Any]) -> bool:
    """Whether a manifest node is a model of the marts layer."""
    return bool(node["resource_type"] == "model" and node["fqn"][1:2] == ["marts"])


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest that `dbt parse` wrote."""
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def mart_keys(manifest: Manifest) -> dict[tuple[str, str], dg.AssetKey]:
    """Assets of the marts by (schema, table)."""
    translator = HoldfastTranslator()
    return {
        (node["schema"], node["name"]): translator.get_asset_key(node)
        for node in manifest["nodes"].values()
        if is_mart(node)
    }


def model_assets(manifest: Manifest) -> dg.AssetsDefinition:
    """All dbt models and seeds as one step, and their data tests as its checks."""
    translator = HoldfastTranslator()

    @dbt_assets(
        manifest=manifest,
        name="models",
        dagster_dbt_translator=translator,
        required_resource_keys={RUN},
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        if context.is_subset:
            raise dg.Failure(
                "A release holds all models of one state, so they are built together: "
                "launch the job `refresh`.",
                allow_retries=False,
            )
        run = run_of(context)
        unseen = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        for event in dbt_events(run.build_models(), manifest, translator):
            if isinstance(event, dg.AssetCheckResult):
                assert event.asset_key is not None
                assert event.check_name is not None
                unseen.discard((event.asset_key, event.check_name))
            yield event
        run.stop_if_rejected()
        if unseen:
            names = ", ".join(sorted(name for _, name in unseen))
            raise AuditError(f"Nothing was released: these dbt tests gave no result: {names}.")

    return models


def dbt_events(
    nodes: list[DbtNode], manifest: Manifest, translator: DagsterDbtTranslator
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What dbt did, as Dagster events: models that were built, tests that ran."""
    for node in nodes:
        result = node.result
        if result.skipped:
            continue
        if result.stage == "model" and result.passed:
            props = translator.get_resource_props(manifest, node.unique_id)
            yield dg.MaterializeResult(
                asset_key=translator.get_asset_key(props),
                metadata={"seconds": result.seconds, "compiled": result.look_at},
            )
        if result.stage == "test":
            check = _check_key(node.unique_id, manifest, translator)
            if check is not None:
                yield dg.AssetCheckResult(
                    asset_key=check.asset_key,
                    check_name=check.name,
                    passed=result.passed,
                    severity=dg.AssetCheckSeverity.ERROR
                    if result.blocking
                    else dg.AssetCheckSeverity.WARN,
                    description=result.message or None,
                    metadata={"failures": result.failures or 0, "compiled": result.look_at},
                )


def _check_key(
    unique_id: str, manifest: Manifest, translator: DagsterDbtTranslator
) -> dg.AssetCheckKey | None:
    """The asset check of a dbt test; None for a test of sources alone."""
    for parent in manifest["parent_map"].get(unique_id, []):
        props = manifest["nodes"].get(parent) or manifest["sources"].get(parent)
        if props is None:
            continue
        spec = translator.get_asset_check_spec(
            translator.get_asset_spec(manifest, parent, None), manifest, unique_id, None
        )
        if spec is not None:
            return spec.key
    return None
