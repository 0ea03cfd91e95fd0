"""Raw tables: one asset for each table of the raw contract."""

from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration.assets.resource import RUN, run_of
from orchestration.landing.contract import Contract


def raw_key(schema: str, table: str) -> dg.AssetKey:
    """The asset of a raw table."""
    return dg.AssetKey([schema, table])


def raw_assets(contract: Contract, owners: Sequence[str] = ()) -> dg.AssetsDefinition:
    """The gate and the raw views as one step; it yields nothing where nothing has changed."""
    specs = [
        dg.AssetSpec(
            key=raw_key(contract.schema_of(table), table.name),
            group_name=table.source,
            description=table.description,
            owners=owners,
            kinds={"duckdb", "view"},
            # Not yielded when the input is that of the last release: all below is skipped then.
            skippable=True,
            metadata={
                "dagster/column_schema": dg.TableSchema(
                    columns=[
                        dg.TableColumn(
                            name=column.name,
                            type=column.data_type,
                            constraints=dg.TableColumnConstraints(
                                nullable=column.name not in table.must_be_filled
                            ),
                        )
                        for column in table.columns
                    ]
                ),
                "key": ", ".join(table.key),
            },
        )
        for table in contract.tables
    ]

    @dg.multi_asset(
        name="raw",
        specs=specs,
        required_resource_keys={RUN},
        description="Lets the landed files through the gate and makes a view of each raw table.",
    )
    def raw(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        run = run_of(context)
        if not run.take_in():
            context.log.info("Nothing changed since the last release: nothing to build.")
            return
        for (schema, table), count in run.create_raw().items():
            yield dg.MaterializeResult(
                asset_key=raw_key(schema, table), metadata={"dagster/row_count": count}
            )

    return raw
