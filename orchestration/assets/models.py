"""dbt models, seeds and tests as assets and asset checks."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets

from orchestration.assets.raw import raw_key
from orchestration.assets.resource import RUN, run_of
from orchestration.dbt_runner import DbtNode
from orchestration.errors import AuditError
from orchestration.results import Result

Manifest = Mapping[str, Any]

#: The daily run may be late by an hour or two; a day and a half means one was missed.
MARTS_FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=26), fail_window=timedelta(hours=36)
)


#: Answers for what belongs to no domain: raw tables, staging, seeds, the release.
PLATFORM_GROUP = "core"


class HoldfastTranslator(DagsterDbtTranslator):
    """Sources are our raw assets; group = domain (or source, in staging); marts must stay fresh."""

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the node is, and where its code is; not the code."""
        said = str(dbt_resource_props.get("description") or "").strip()
        path = dbt_resource_props.get("original_file_path") or ""
        return "\n\n".join(part for part in (said, f"`{path}`" if path else "") if part)

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
        """Adds the owner of the domain, and the freshness policy of marts."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        props = self.get_resource_props(manifest, unique_id)
        spec = spec.replace_attributes(owners=owners_of(manifest, spec.group_name))
        if is_mart(props):
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


def owners_of(manifest: Manifest, group_name: str | None) -> list[str]:
    """Who answers for a group of assets: its domain's owner, else who runs the platform."""
    emails = {
        group["name"]: group["owner"].get("email") for group in manifest.get("groups", {}).values()
    }
    email = emails.get(group_name) or emails.get(PLATFORM_GROUP)
    return [email] if email else []


def books_assets(manifest: Manifest, raw_keys: Collection[dg.AssetKey]) -> list[dg.AssetSpec]:
    """Sources that no file lands in: our own books (closes, restatements), which a run writes."""
    translator = HoldfastTranslator()
    specs = []
    for source in manifest["sources"].values():
        key = translator.get_asset_key(source)
        if key not in raw_keys:
            specs.append(
                dg.AssetSpec(
                    key=key,
                    group_name=source["source_name"],
                    description=source["description"] or source["source_description"],
                    owners=owners_of(manifest, source["source_name"]),
                    kinds={"duckdb", "table"},
                )
            )
    return specs


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
        nodes = run.build_models()
        for event in dbt_events(nodes, manifest, translator, run.built_row_counts()):
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
    nodes: list[DbtNode],
    manifest: Manifest,
    translator: DagsterDbtTranslator,
    row_counts: Mapping[tuple[str, str], int],
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What dbt did, as Dagster events: models that were built, tests that ran."""
    tests = tests_by_model(nodes, manifest)
    for node in nodes:
        result = node.result
        if result.skipped:
            continue
        if result.stage == "model" and result.passed:
            props = translator.get_resource_props(manifest, node.unique_id)
            metadata: dict[str, Any] = {
                "seconds": result.seconds,
                "compiled": dg.MetadataValue.path(result.look_at),
            }
            rows = row_counts.get((props["schema"], props["name"]))
            if rows is not None:
                metadata["dagster/row_count"] = rows
            of_model = tests.get(node.unique_id, [])
            if of_model:
                metadata["tests_passed"] = sum(test.passed for test in of_model)
                metadata["tests_not_passed"] = sum(not test.passed for test in of_model)
            yield dg.MaterializeResult(asset_key=translator.get_asset_key(props), metadata=metadata)
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


def tests_by_model(nodes: Iterable[DbtNode], manifest: Manifest) -> dict[str, list[Result]]:
    """The data tests that ran on each model, by its unique id."""
    found: dict[str, list[Result]] = defaultdict(list)
    for node in nodes:
        if node.result.stage == "test" and not node.result.skipped:
            for parent in manifest["parent_map"].get(node.unique_id, []):
                found[parent].append(node.result)
    return found


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
