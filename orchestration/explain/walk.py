"""The walk from a released figure to movements, items and raw rows, read from the release alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from orchestration.control import Control, Release
from orchestration.errors import ConfigurationError, HoldfastError
from orchestration.explain.metrics import METRICS, MOVEMENT_TYPES, Metric
from orchestration.settings import Settings
from orchestration.warehouse import has_table, open_for_reading

Record = Mapping[str, Any]

#: So many customers and movements are shown of those that make most of a figure.
SHOWN = 10


@dataclass(frozen=True)
class Explanation:
    """A figure and what is behind it; rows are as the release has them.

    Attributes:
        metric: what is explained.
        value: as released; None where the figure has no value (a rate of nothing).
        row: the row of the mart that the figure stands in, or the customer's month.
        adds_up: whether opening and movements give the closing, to the cent.
        movements: those behind the figure, largest first.
        movement_count: how many there are.
        totals: MRR and count of movements by type.
        customers: whose MRR makes the figure, largest first; empty for one customer.
        items: of one customer: what is in force at the end of the month.
        raw_rows: of one customer: landed rows behind its movements, with file and row.
        raw_row_count: how many landed rows there are behind all movements of the figure.
        provenance: release, run, policy, code.
    """

    metric: Metric
    month: date
    currency: str
    customer_id: str | None
    value: Any
    row: Record
    adds_up: bool
    movements: Sequence[Record]
    movement_count: int
    totals: Mapping[str, tuple[Decimal, int]]
    customers: Sequence[Record]
    items: Sequence[Record]
    raw_rows: Sequence[Record]
    raw_row_count: int
    provenance: Record


def explain(
    settings: Settings,
    metric: str,
    month: date,
    *,
    customer_id: str | None = None,
    policy_id: str | None = None,
    everything: bool = False,
) -> Explanation:
    """Explain a figure of the last release.

    Args:
        settings: where the home folder is.
        metric: a name of `METRICS`.
        month: first day of the month.
        customer_id: explain this customer's part of it only.
        policy_id: default: the official policy of the settings.
        everything: all movements and customers, not only the largest.

    Raises:
        ConfigurationError: there is no such metric, policy, month or customer.
        HoldfastError: nothing is released yet.
    """
    if metric not in METRICS:
        raise ConfigurationError(
            f"There is no metric {metric!r} to explain. There are: {', '.join(METRICS)}."
        )
    with Control(settings.control_database) as control:
        release = control.latest_release()
    if release is None:
        raise HoldfastError("Nothing is released yet, so there is nothing to explain: make run.")
    database = settings.releases_dir / f"{release.n}.duckdb"
    with open_for_reading(database) as connection:
        walk = _Walk(connection, METRICS[metric], month, policy_id or settings.official_policy)
        return walk.explanation(settings, release, customer_id, None if everything else SHOWN)


class _Walk:
    """The queries of one explanation."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, metric: Metric, month: date, policy_id: str
    ) -> None:
        self._connection = connection
        self._metric = metric
        self._month = month
        self._policy_id = policy_id

    def explanation(
        self, settings: Settings, release: Release, customer_id: str | None, limit: int | None
    ) -> Explanation:
        provenance = self._provenance(release)
        row = self._row() if customer_id is None else self._customer_row(customer_id)
        totals = self._totals(customer_id)
        types = self._metric.types or MOVEMENT_TYPES
        movements = self._movements(customer_id, types)
        shown = movements if limit is None or customer_id else movements[:limit]
        source_ids = sorted({one for move in movements for one in move["source_ids"] or ()})
        return Explanation(
            metric=self._metric,
            month=self._month,
            currency=settings.reporting_currency,
            customer_id=customer_id,
            value=row.get(self._metric.name),
            row=row,
            adds_up=_adds_up(row, totals),
            movements=shown,
            movement_count=len(movements),
            totals=totals,
            customers=() if customer_id else self._customers(types, limit),
            items=self._items(customer_id) if customer_id else (),
            raw_rows=self._raw_rows(source_ids) if customer_id else (),
            raw_row_count=self._count_raw_rows(source_ids),
            provenance=provenance,
        )

    def _row(self) -> Record:
        metric = self._metric
        period = " and period_type = 'month'" if metric.month_column == "period_start" else ""
        rows = self._all(
            f"select * from {metric.mart} where policy_id = ? and {metric.month_column} = ?"
            f" and segment_type = 'all'{period}",
            [self._policy_id, self._month],
        )
        if not rows:
            months = self._all(
                f"select min({metric.month_column}) as first, max({metric.month_column}) as last"
                f" from {metric.mart} where policy_id = ?",
                [self._policy_id],
            )[0]
            known = (
                f"There are figures from {months['first']:%Y-%m} to {months['last']:%Y-%m}."
                if months["first"]
                else "There are none of this policy."
            )
            raise ConfigurationError(
                f"The release has no {metric.name} of {self._month:%Y-%m} under policy "
                f"{self._policy_id}. {known}"
            )
        return rows[0]

    def _customer_row(self, customer_id: str) -> Record:
        rows = self._all(
            "select * from revenue.fct_mrr_by_customer_month"
            " where policy_id = ? and customer_id = ? and month = ?",
            [self._policy_id, customer_id, self._month],
        )
        if rows:
            row = dict(rows[0])
            row["net_new_mrr"] = row["closing_mrr"] - row["opening_mrr"]
            row["arr"] = 12 * row["closing_mrr"]
            return row
        if not self._all("select 1 from core.dim_customers where customer_id = ?", [customer_id]):
            raise ConfigurationError(
                f"There is no customer {customer_id!r} in the release; see core.dim_customers."
            )
        raise ConfigurationError(
            f"Customer {customer_id} has no MRR and no movement in {self._month:%Y-%m} under "
            f"policy {self._policy_id}, so it is no part of any figure of that month."
        )

    def _totals(self, customer_id: str | None) -> Mapping[str, tuple[Decimal, int]]:
        found = {
            row["movement_type"]: (row["change"], row["movements"])
            for row in self._all(
                "select movement_type, sum(mrr_change) as change, count(*) as movements"
                " from revenue.fct_mrr_movements where policy_id = ? and month = ?"
                " and (? is null or customer_id = ?) group by movement_type",
                [self._policy_id, self._month, customer_id, customer_id],
            )
        }
        return {kind: found[kind] for kind in MOVEMENT_TYPES if kind in found}

    def _movements(self, customer_id: str | None, types: Sequence[str]) -> Sequence[Record]:
        return self._all(
            "select * from revenue.fct_mrr_movements where policy_id = ? and month = ?"
            " and (? is null or customer_id = ?) and list_contains(?, movement_type)"
            " order by"
            + (" movement_date, movement_type" if customer_id else " abs(mrr_change) desc")
            + ", movement_id",
            [self._policy_id, self._month, customer_id, customer_id, list(types)],
        )

    def _customers(self, types: Sequence[str], limit: int | None) -> Sequence[Record]:
        """Whose MRR it is: at the end of the month where that is in the figure, else what moved."""
        amount = (
            "months.closing_mrr"
            if self._metric.from_opening or self._metric.name == "opening_mrr"
            else " + ".join(f"months.{kind}_mrr" for kind in types)
        )
        if self._metric.name == "opening_mrr":
            amount = "months.opening_mrr"
        return self._all(
            f"select months.customer_id, customers.name, {amount} as amount"
            " from revenue.fct_mrr_by_customer_month as months"
            " left join core.dim_customers as customers"
            "   on months.customer_id = customers.customer_id"
            f" where months.policy_id = ? and months.month = ? and {amount} <> 0"
            f" order by abs({amount}) desc, months.customer_id"
            + ("" if limit is None else f" limit {limit}"),
            [self._policy_id, self._month],
        )

    def _items(self, customer_id: str) -> Sequence[Record]:
        if not has_table(self._connection, "intermediate", "int_unit_items"):
            return ()
        # The as-of date cuts the running month.
        return self._all(
            "select items.subscription_id, items.subscription_item_id, items.item_kind,"
            "   items.price_id, items.price_version, items.quantity, items.currency,"
            "   items.gross_mrr, items.net_mrr, items.from_date, items.to_date"
            " from intermediate.int_unit_items as items"
            " inner join intermediate.int_units as units"
            "   on items.policy_id = units.policy_id and items.unit_id = units.unit_id"
            " where items.policy_id = ? and units.customer_id = ?"
            "   and items.from_date <= last_day(cast(? as date))"
            "   and items.to_date > last_day(cast(? as date))"
            " order by items.subscription_id, items.subscription_item_id, items.from_date",
            [self._policy_id, customer_id, self._month, self._month],
        )

    def _raw_rows(self, source_ids: Sequence[str]) -> Sequence[Record]:
        if not has_table(self._connection, "quality", "lineage"):
            return ()
        return self._all(
            "select * from quality.lineage where list_contains(?, source_id)"
            " order by source, table_name, row_key, version_at nulls first, file, file_row",
            [list(source_ids)],
        )

    def _count_raw_rows(self, source_ids: Sequence[str]) -> int:
        if not has_table(self._connection, "quality", "lineage"):
            return 0
        counted = self._all(
            "select count(*) as landed from quality.lineage where source_id in (select unnest(?))",
            [list(source_ids)],
        )
        return int(counted[0]["landed"])

    def _provenance(self, release: Release) -> Record:
        policies = self._all(
            "select * from core.dim_metric_policies where policy_id = ?", [self._policy_id]
        )
        if not policies:
            enabled = self._all("select policy_id from core.dim_metric_policies order by 1", [])
            names = ", ".join(row["policy_id"] for row in enabled)
            raise ConfigurationError(
                f"The release has no policy {self._policy_id!r}. It has: {names}."
            )
        runs = self._all("select * from quality.run_log where run_id = ?", [release.run_id])
        return {
            "release": release.n,
            "sha256": release.sha256,
            "policy": policies[0],
            **{name: runs[0][name] for name in runs[0] if name != "known_at"},
        }

    def _all(self, query: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        result = self._connection.execute(query, list(parameters))
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _adds_up(row: Record, totals: Mapping[str, tuple[Decimal, int]]) -> bool:
    """Whether what moved is what the row says, by type; a row of rates nets what came and went."""
    if "closing_mrr" not in row:
        return True
    cents = Decimal("0.01")
    for kind in MOVEMENT_TYPES:
        name = f"{kind}_mrr"
        moved = totals.get(kind, (Decimal(0), 0))[0]
        if Decimal(row[name]).quantize(cents) != Decimal(moved).quantize(cents):
            return False
    moves = sum((Decimal(row[f"{kind}_mrr"]) for kind in MOVEMENT_TYPES), Decimal(0))
    return bool(row["opening_mrr"] + moves == row["closing_mrr"])
