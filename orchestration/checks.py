"""The suites of Great Expectations as asset checks: one check for each expectation."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from expectations.rules import Rule
from expectations.suites.marts import mart_rules
from expectations.suites.raw import raw_rules
from orchestration.assets.raw import raw_key
from orchestration.assets.resource import RUN, run_of
from orchestration.landing.contract import Contract
from orchestration.results import Result
from orchestration.run import RefreshRun

TableKeys = Mapping[tuple[str, str], dg.AssetKey]


def raw_checks(contract: Contract) -> dg.AssetChecksDefinition:
    """The landing contract; critical expectations keep dbt from starting."""
    keys = {
        (contract.schema_of(table), table.name): raw_key(contract.schema_of(table), table.name)
        for table in contract.tables
    }
    return _checks("raw_expectations", raw_rules(contract), keys, RefreshRun.check_raw)


def mart_checks(marts: TableKeys) -> dg.AssetChecksDefinition:
    """Plausibility of the marts; critical expectations keep the release from being made."""
    rules = [rule for rule in mart_rules() if (rule.schema, rule.table) in marts]
    return _checks("mart_expectations", rules, marts, RefreshRun.check_marts)


def _checks(
    name: str,
    rules: list[Rule],
    keys: TableKeys,
    check: Callable[[RefreshRun], list[Result]],
) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=name,
        specs=[
            dg.AssetCheckSpec(
                name=rule.name,
                asset=keys[rule.schema, rule.table],
                description=rule.sentence,
                # What may be accepted holds the run at its end, with all else that is held.
                blocking=rule.severity == "critical" and not rule.acceptable,
            )
            for rule in rules
        ],
        required_resource_keys={RUN},
    )
    def suite(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        run = run_of(context.op_execution_context)
        yield from check_events(check(run), keys)
        run.stop_if_rejected()

    return suite


def check_events(results: Sequence[Result], keys: TableKeys) -> Iterator[dg.AssetCheckResult]:
    """A Dagster event for each result; what was skipped says why."""
    for result in results:
        schema, table = result.subject.split(".", 1)
        yield dg.AssetCheckResult(
            asset_key=keys[schema, table],
            check_name=result.name,
            passed=result.passed,
            severity=dg.AssetCheckSeverity.ERROR if result.blocking else dg.AssetCheckSeverity.WARN,
            description=result.message,
            metadata={} if result.failures is None else {"unexpected_rows": result.failures},
        )
