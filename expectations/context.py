"""Running a suite with Great Expectations, and writing Data Docs.

Everything that imports Great Expectations is here and imported late: it takes seconds.
Suites live for one run only: they are code. What is stored are the results, as Data Docs.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb

from expectations import data_docs, dialect
from expectations.rules import Rule, by_table
from orchestration.failpoints import failpoint
from orchestration.results import Result, Stage
from orchestration.warehouse import connect
from orchestration.workers import tell

#: How many of the values that broke a rule a message shows.
EXAMPLES = 3


@dataclass(frozen=True)
class Warehouse:
    """The files that a suite reads, both read-only."""

    database: Path
    last_release: Path | None


def begin(folder: Path, folders: Sequence[Path]) -> None:
    """Start Great Expectations in this process.

    Args:
        folder: that the Data Docs are written to.
        folders: where the engine may read.
    """
    global _runner
    dialect.allow(folders)
    _runner = SuiteRunner(folder)
    _runner.warm_up()


def run_suite(stage: Stage, rules: Sequence[Rule], warehouse: Warehouse) -> list[Result]:
    """`SuiteRunner.run` of this process; `begin` comes first."""
    assert _runner is not None, "begin comes first"
    results = _runner.run(stage, rules, warehouse)
    failpoint(f"suite.{stage}_checked")
    return results


def build_data_docs() -> Path:
    """`SuiteRunner.build_data_docs` of this process; `begin` comes first."""
    assert _runner is not None, "begin comes first"
    index = _runner.build_data_docs()
    failpoint("suite.pages_written")
    return index


class SuiteRunner:
    """One Great Expectations context for all suites of a run.

    Args:
        folder: that the Data Docs are written to.
    """

    def __init__(self, folder: Path) -> None:
        self._data_docs = folder
        self._context: Any = None
        self._has_pages = False
        dialect.register()

    def warm_up(self) -> None:
        """Import what is slow to import."""
        self._get_context()

    def run(self, stage: Stage, rules: Sequence[Rule], warehouse: Warehouse) -> list[Result]:
        """Check all rules; every rule has exactly one result, in the order given.

        A table without rows has nothing to check: all but a row count that asks for rows is
        skipped.
        An expectation that raised is a failure, never a pass.
        """
        started = _row_counts(warehouse.database, rules)
        results: dict[tuple[str, str], Result] = {}
        to_run: list[Rule] = []
        for rule in rules:
            reason = _reason_to_skip(rule, started, warehouse)
            if reason:
                results[_key(rule)] = _result(stage, rule, True, None, reason, skipped=True)
            else:
                to_run.append(rule)
        for found in self._run_tables(stage, to_run, warehouse):
            results[(found.subject, found.name)] = found
        return [
            results.get(_key(rule))
            or _result(stage, rule, False, None, "the check gave no result, which is no pass")
            for rule in rules
        ]

    def build_data_docs(self) -> Path:
        """Write the pages of all suites run so far; returns the index page."""
        context = self._get_context()
        if not self._has_pages:
            data_docs.clear(self._data_docs)
            self._has_pages = True
        # On a full disk it would print pages of traceback, and go on; a release needs no pages.
        logging.getLogger("great_expectations.render").setLevel(logging.CRITICAL + 1)
        context.build_data_docs()
        return data_docs.make_offline(self._data_docs)

    def _run_tables(
        self, stage: Stage, rules: Sequence[Rule], warehouse: Warehouse
    ) -> list[Result]:
        if not rules:
            return []
        context = self._get_context()
        query = {"last_release": str(warehouse.last_release)} if warehouse.last_release else {}
        source = context.data_sources.add_or_update_sql(
            name=stage,
            connection_string=f"{dialect.URL_SCHEME}:///{warehouse.database}"
            + (f"?{urlencode(query)}" if query else ""),
            create_temp_table=False,
        )
        results: list[Result] = []
        tables = by_table(rules)
        try:
            for place, ((schema, table), own) in enumerate(tables.items(), start=1):
                what = f"Great Expectations: table {place} of {len(tables)}, {schema}.{table}"
                tell(what, is_passing=True)
                results += self._run_table(stage, source, warehouse, schema, table, own)
            return results
        finally:
            # Two engines: one of the data source, one of its execution engine. Either one
            # left open would keep the file locked.
            source.get_execution_engine().engine.dispose()
            source.get_engine().dispose()

    def _run_table(
        self,
        stage: Stage,
        source: Any,
        warehouse: Warehouse,
        schema: str,
        table: str,
        rules: Sequence[Rule],
    ) -> list[Result]:
        import great_expectations as gx

        context = self._get_context()
        subject = f"{schema}.{table}"
        asset = source.add_query_asset(subject, query=f'select * from "{schema}"."{table}"')
        suite = context.suites.add_or_update(
            gx.ExpectationSuite(
                f"{stage}.{subject}", expectations=[_expectation(rule) for rule in rules]
            )
        )
        validation = context.validation_definitions.add_or_update(
            gx.ValidationDefinition(
                name=suite.name, data=asset.add_batch_definition("all rows"), suite=suite
            )
        )
        named = {rule.name: rule for rule in rules}
        outcome = validation.run(result_format={"result_format": "SUMMARY"})
        return [
            _with_rows(_from_validation(stage, named[config.meta["name"]], row), named, warehouse)
            for row in outcome.results
            if (config := row.expectation_config) is not None
        ]

    def _get_context(self) -> Any:
        if self._context is None:
            self._context = _create_context(self._data_docs)
        return self._context


def _create_context(folder: Path) -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            data_docs_sites={
                "data_docs": {
                    "class_name": "SiteBuilder",
                    "show_how_to_buttons": False,
                    "store_backend": {
                        "class_name": "TupleFilesystemStoreBackend",
                        "base_directory": str(folder),
                    },
                    "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                }
            },
        ),
    )


def _expectation(rule: Rule) -> Any:
    # The classes are made from templates that type checkers do not see through.
    gxe: Any = import_module("great_expectations.expectations")
    common: dict[str, Any] = {
        "severity": rule.severity,
        "description": rule.sentence,
        "meta": {"name": rule.name},
    }
    bounds = {"min_value": rule.minimum, "max_value": rule.maximum}
    builders: dict[str, Callable[[], Any]] = {
        "not_null": lambda: gxe.ExpectColumnValuesToNotBeNull(column=rule.column, **common),
        "in_set": lambda: gxe.ExpectColumnValuesToBeInSet(
            column=rule.column, value_set=list(rule.values), **common
        ),
        "between": lambda: gxe.ExpectColumnValuesToBeBetween(
            column=rule.column, **bounds, **common
        ),
        "latest": lambda: gxe.ExpectColumnMaxToBeBetween(column=rule.column, **bounds, **common),
        "row_count": lambda: gxe.ExpectTableRowCountToBeBetween(**bounds, **common),
        "no_rows": lambda: _no_rows(unexpected_rows_query=rule.query, **common),
    }
    return builders[rule.kind]()


def _no_rows(**arguments: Any) -> Any:
    from expectations.no_rows import ExpectNoRows

    return ExpectNoRows(**arguments)


def _from_validation(stage: Stage, rule: Rule, row: Any) -> Result:
    raised = _exceptions(row.exception_info)
    if raised:
        return _result(stage, rule, False, None, f"the check itself failed: {raised}")
    details: dict[str, Any] = row.result or {}
    count = details.get("unexpected_count")
    if rule.kind == "no_rows":
        count = details.get("observed_value")
    if row.success:
        return _result(stage, rule, True, count, rule.sentence)
    found = details.get("observed_value") if rule.kind in {"latest", "row_count"} else None
    examples = [str(value) for value in details.get("partial_unexpected_list", [])[:EXAMPLES]]
    message = rule.sentence
    if count is not None:
        message += f" {count:,} {'row breaks' if count == 1 else 'rows break'} this"
        message += f", for example {', '.join(examples)}." if examples else "."
    elif found is not None:
        message += f" Found {found}, expected {_bounds(rule)}."
    return _result(stage, rule, False, count, message)


def _with_rows(result: Result, rules: Mapping[str, Rule], warehouse: Warehouse) -> Result:
    """A failed result with some of the rows that its query found; GX does not keep them."""
    query = rules[result.name].query
    if result.passed or query is None or not result.failures:
        return result
    schema, table = result.subject.split(".", 1)
    statement = query.replace("{batch}", f'"{schema}"."{table}"')
    connection = dialect.ReadOnlyDuckDB().connect(
        str(warehouse.database), last_release=warehouse.last_release
    )
    try:
        found = connection.execute(f"select * from ({statement}) order by all limit {EXAMPLES}")
        names = [column[0] for column in found.description]
        examples = tuple(
            ", ".join(f"{name}: {value}" for name, value in zip(names, row, strict=True))
            for row in found.fetchall()
        )
    finally:
        connection.close()
    return replace(result, examples=examples)


def _bounds(rule: Rule) -> str:
    low = "" if rule.minimum is None else f"at least {rule.minimum}"
    high = "" if rule.maximum is None else f"at most {rule.maximum}"
    return " and ".join(part for part in (low, high) if part)


def _exceptions(info: Any) -> str:
    """The messages of what an expectation raised; empty if it raised nothing.

    GX gives either one record or, keyed by metric, one for each metric that raised.
    """
    if not info:
        return ""
    records = [info] if "raised_exception" in info else list(info.values())
    messages = [str(one.get("exception_message")) for one in records if one["raised_exception"]]
    return " ".join("; ".join(dict.fromkeys(messages)).split())


def _result(
    stage: Stage,
    rule: Rule,
    passed: bool,
    failures: int | None,
    message: str,
    *,
    skipped: bool = False,
) -> Result:
    return Result(
        stage=stage,
        subject=rule.subject,
        name=rule.name,
        passed=passed,
        blocking=rule.severity == "critical",
        failures=failures,
        message=message,
        acceptable=rule.acceptable,
        skipped=skipped,
    )


def _key(rule: Rule) -> tuple[str, str]:
    return rule.subject, rule.name


def _reason_to_skip(
    rule: Rule, row_counts: dict[tuple[str, str], int], warehouse: Warehouse
) -> str:
    if rule.needs_last_release and warehouse.last_release is None:
        return "There is no earlier release to compare with."
    asks_for_rows = rule.kind == "row_count" and rule.minimum
    if row_counts.get((rule.schema, rule.table)) == 0 and not asks_for_rows:
        return "The table has no rows."
    return ""


def _row_counts(database: Path, rules: Sequence[Rule]) -> dict[tuple[str, str], int]:
    """Rows of each table; one that cannot be read is left out, and its checks then fail."""
    counts: dict[tuple[str, str], int] = {}
    with connect(database, read_only=True) as connection:
        dialect.lock(connection)
        for schema, table in by_table(rules):
            try:
                found = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchall()
            except duckdb.Error:
                continue
            counts[schema, table] = int(found[0][0])
    return counts


#: Of a process that runs suites for a run (`begin`).
_runner: SuiteRunner | None = None
