"""Many tenants through one dbt run: raw rows in, the marts' rows out, by tenant."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence, Set
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from tests.oracle.months import KINDS
from tests.oracle.policy import Policy
from tests.properties.expected import MONTHS, MOVEMENTS, Fact, Figures, Sums
from tests.properties.histories import Row, Rows, Tenant, World
from tests.support.dbt_runner import DATABASE_NAME, DbtProject
from tests.support.raw_tables import write_raw_tables

Found = TypeVar("Found")

SEPARATOR = "."
ID_COLUMNS = (
    "id",
    "customer_id",
    "subscription_id",
    "subscription_item_id",
    "price_id",
    "product_id",
    "invoice_id",
    "payment_id",
    "billing_customer_id",
    "parent_account_id",
)
MARTS = (
    "fct_mrr_movements",
    "fct_mrr_by_customer_month",
    "fct_mrr_by_month",
    "fct_retention_by_cohort_month",
    "fct_retention_by_period",
    "fct_retention_curve",
)


def prefixed(row: Row, prefix: str) -> Row:
    """The row with the tenant's key before each id."""
    return {
        name: f"{prefix}{SEPARATOR}{value}" if value is not None and name in ID_COLUMNS else value
        for name, value in row.items()
    }


def pooled(tenants: Sequence[Tenant], world: World) -> Rows:
    """The rows of all tenants in one set of tables, with the world's rates."""
    rows: Rows = {"finance.fx_rates": world.fx_rows()}
    for number, tenant in enumerate(tenants):
        for table, some in tenant.rows.items():
            rows.setdefault(table, []).extend(prefixed(row, str(number)) for row in some)
    return rows


def policy_row(policy: Policy) -> dict[str, Any]:
    """A policy as a row of the seed: text cells."""
    row: dict[str, Any] = {}
    for column in fields(Policy):
        value = getattr(policy, column.name)
        if value is None:
            text = ""
        elif isinstance(value, bool):
            text = str(value).lower()
        elif isinstance(value, frozenset):
            text = "|".join(sorted(value))
        elif isinstance(value, Fraction):
            text = f"{value.numerator}/{value.denominator}"
        else:
            text = str(value)
        row[column.name] = text
    return {**row, "name": policy.policy_id, "as_of": "2026-01-01", "source": "test", "note": ""}


class Warehouse:
    """Builds the marts of interest in a private file, again and again; by DuckDB if not told."""

    def __init__(
        self,
        work_dir: Path,
        select: Sequence[str] = MARTS,
        project: DbtProject | None = None,
    ) -> None:
        self._work_dir = work_dir
        self._project = project or DbtProject(work_dir / "dbt")
        self._select = [f"+{mart}" for mart in select]

    def build(
        self,
        tenants: Sequence[Tenant],
        world: World,
        policies: Sequence[Policy],
        shipped: Set[str] = frozenset({"board_strict"}),
    ) -> Built:
        """One dbt run on all tenants; its figures.

        Args:
            tenants: the histories; their position is the prefix of their ids.
            world: what they share.
            policies: those to compute.
            shipped: ids of policies that the project's seed has; the others are passed along.
        """
        return self._built(
            tenants,
            world,
            policies,
            shipped,
            lambda database: Built(database, len(tenants), policies),
        )

    def ladders(
        self,
        tenants: Sequence[Tenant],
        world: World,
        policies: Sequence[Policy],
        shipped: Set[str] = frozenset({"board_strict"}),
    ) -> list[dict[Fact, int]]:
        """One dbt run on all tenants; the ladders from the first policy to the others."""
        return self._built(
            tenants, world, policies, shipped, lambda database: read_ladders(database, len(tenants))
        )

    def _built(
        self,
        tenants: Sequence[Tenant],
        world: World,
        policies: Sequence[Policy],
        shipped: Set[str],
        read: Callable[[Path], Found],
    ) -> Found:
        folder = Path(tempfile.mkdtemp(dir=self._work_dir))
        database = folder / DATABASE_NAME
        write_raw_tables(database, pooled(tenants, world))
        extra = [policy_row(one) for one in policies if one.policy_id not in shipped]
        variables: dict[str, Any] = {
            "as_of_date": world.as_of.isoformat(),
            "reporting_timezone": world.zone,
            "reporting_currency": world.currency,
            "enabled_policies": [one.policy_id for one in policies],
            "official_policy": policies[0].policy_id,
        }
        if extra:
            variables["extra_metric_policies"] = extra
        self._project.build(database, self._select, variables)
        found = read(database)
        shutil.rmtree(folder)
        return found


_BY_MONTH = "revenue.fct_mrr_by_month"
_MONTH_SUMS = (
    *(f"{name}_mrr" for name in ("opening", *KINDS, "closing")),
    "opening_customers",
    "new_customers",
    "reactivated_customers",
    "churned_customers",
    "closing_customers",
)
_BY_COHORT = "retention.fct_retention_by_cohort_month"
COHORT_SUMS = (
    "customers_initial",
    "customers_active",
    "mrr_initial",
    "mrr_active",
    "gross_mrr_active",
    "customers_never_lost",
)
_CURVE = "retention.fct_retention_curve"
CURVE_SUMS = (
    *COHORT_SUMS,
    "logo_retention",
    "continuous_logo_retention",
    "net_retention",
    "gross_retention",
)
_BY_PERIOD = "retention.fct_retention_by_period"
PERIOD_SUMS = (
    "customers_start", "customers_end", "customers_won", "customers_won_and_lost",
    "customers_lost_of_start", "mrr_start", "mrr_end", "mrr_end_of_start_customers", "new_mrr",
    "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "voluntary_churn_mrr",
    "involuntary_churn_mrr", "fx_mrr", "retention_base_customers", "retention_base_mrr",
    "retained_mrr", "customers_lost", "churn_base_customers", "gross_retained_mrr",
    "customer_retention_rate", "logo_churn_rate", "gross_revenue_retention",
    "net_revenue_retention", "gross_mrr_churn_rate", "net_mrr_churn_rate",
)  # fmt: skip
_EFFECTS = ("quantity", "price", "plan", "discount")
_MONEY = "cast(cast({0} as decimal(38, 4)) * 10000 as bigint)"


def _cell(column: str) -> str:
    """A column as whole numbers: rates in millionths, money in ten-thousandths, counts."""
    if column.endswith(("_rate", "_retention")):
        return f"cast({column} * 1000000 as bigint)"
    return _MONEY.format(column) if "mrr" in column else column


def read_ladders(database: Path, count: int) -> list[dict[Fact, int]]:
    """The rows of `fct_mrr_policy_bridge` by tenant, in ten-thousandths."""
    found: list[dict[Fact, int]] = [{} for _ in range(count)]
    difference = _MONEY.format("difference")
    query = (
        "select customer_id, month, from_policy_id, to_policy_id, step_no, switch, "
        f"{difference} from revenue.fct_mrr_policy_bridge"
    )
    with duckdb.connect(str(database)) as connection:
        for customer_id, *rest, amount in connection.execute(query).fetchall():
            number, _, own_id = customer_id.partition(SEPARATOR)
            found[int(number)][own_id, *rest] = amount
    return found


class Built:
    """What a run published, by tenant and policy."""

    def __init__(self, database: Path, count: int, policies: Sequence[Policy]) -> None:
        self._policies = {one.policy_id: one for one in policies}
        self.figures: list[dict[str, Figures]] = [
            {one.policy_id: Figures() for one in policies} for _ in range(count)
        ]
        connection = duckdb.connect(str(database))
        try:
            self._movements(connection)
            self._months(connection)
            self.months = self._sums(connection, _BY_MONTH, ("month",), _MONTH_SUMS)
            self.cohorts = self._sums(
                connection, _BY_COHORT, ("cohort_month", "months_since"), COHORT_SUMS
            )
            self.curve = self._sums(connection, _CURVE, ("months_since",), CURVE_SUMS)
            self.periods = self._sums(
                connection, _BY_PERIOD, ("period_type", "period_start"), PERIOD_SUMS
            )
        finally:
            connection.close()
        for by_policy in self.figures:
            for figures in by_policy.values():
                figures.sort()

    def _add(self, mart: str, policy_id: str, unit_id: str, rest: Fact) -> None:
        number, _, own_id = unit_id.partition(SEPARATOR)
        self.figures[int(number)][policy_id].facts[mart].append((own_id, *rest))

    def _movements(self, connection: duckdb.DuckDBPyConnection) -> None:
        keys = ("policy_id", "customer_id", "subscription_id", "movement_date", "movement_type")
        money = [_MONEY.format(name) for name in ("mrr_before", "mrr_after", "mrr_change")]
        effects = [_MONEY.format(f"{name}_effect") for name in _EFFECTS]
        native = _MONEY.format("mrr_change_native")
        causes = ("churn_type", "churn_reason", "churn_feedback")
        columns = ", ".join((*keys, *money, *effects, native, *causes))
        query = f"select {columns} from revenue.fct_mrr_movements"
        for policy_id, customer_id, subscription_id, *rest in connection.execute(query).fetchall():
            by_subscription = self._policies[policy_id].grain == "subscription"
            self._add(
                MOVEMENTS,
                policy_id,
                (by_subscription and subscription_id) or customer_id,
                tuple(rest),
            )

    def _months(self, connection: duckdb.DuckDBPyConnection) -> None:
        names = ("opening", *KINDS, "closing")
        columns = ", ".join(
            ["policy_id", "customer_id", "month"] + [_MONEY.format(f"{name}_mrr") for name in names]
        )
        query = f"select {columns} from revenue.fct_mrr_by_customer_month"
        for policy_id, customer_id, *rest in connection.execute(query).fetchall():
            self._add(MONTHS, policy_id, customer_id, tuple(rest))

    @staticmethod
    def _sums(
        connection: duckdb.DuckDBPyConnection,
        mart: str,
        keys: tuple[str, ...],
        sums: tuple[str, ...],
    ) -> dict[str, Sums]:
        """The sums of a mart over all customers, by policy."""
        cells = [_cell(name) for name in sums]
        found: dict[str, Sums] = {}
        query = (
            f"select policy_id, {', '.join((*keys, *cells))} from {mart} "
            "where segment_type = 'all' and segment_value = 'all'"
        )
        for policy_id, *cells_of_row in connection.execute(query).fetchall():
            key = tuple(cells_of_row[: len(keys)])
            found.setdefault(policy_id, {})[key] = tuple(cells_of_row[len(keys) :])
        return found
