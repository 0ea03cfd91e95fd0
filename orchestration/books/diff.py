"""What is different between two releases: by mart, month and customer, and why.

Figures are compared from the two released files; the reasons come from control.db (code, policies,
settings, dates) and from the raw rows that were loaded between the two.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

import duckdb

from orchestration.books.tables import Definitions
from orchestration.control import Control, Release
from orchestration.errors import ConfigurationError
from orchestration.landing.contract import load_contract
from orchestration.landing.raw import create_raw
from orchestration.settings import Settings
from orchestration.warehouse import connect

#: Schemas of a release that are marts; the others hold steps on the way and the run's own log.
MART_SCHEMAS = ("core", "revenue", "retention", "unit_economics", "customer_success")
FIGURES = "revenue.fct_mrr_by_customer_month"
#: How many customers and months the text names; the JSON has all.
NAMED = 20


@dataclass(frozen=True)
class MartDifference:
    """Rows of a mart that one release has and the other has not, all columns compared."""

    mart: str
    rows_before: int
    rows_after: int
    only_before: int
    only_after: int
    months: tuple[str, ...]
    customers: int | None
    note: str = ""


@dataclass(frozen=True)
class CustomerDifference:
    """A mart's rows of a customer and month that differ, and why."""

    mart: str
    month: str
    customer_id: str
    only_before: int
    only_after: int
    why: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class MrrDifference:
    """A customer's closing MRR of a month in both releases, and why it differs."""

    policy_id: str
    month: str
    customer_id: str
    before: Decimal
    after: Decimal
    why: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Between:
    """What happened between the two releases."""

    files_new: int
    files_gone: int
    rows_by_table: tuple[tuple[str, int], ...]
    as_of: tuple[str, str]
    is_code_changed: bool
    changed_policies: tuple[str, ...]


@dataclass(frozen=True)
class ReleaseDiff:
    """The whole comparison."""

    before: int
    after: int
    between: Between
    marts: tuple[MartDifference, ...]
    customers: tuple[CustomerDifference, ...]
    mrr: tuple[MrrDifference, ...]

    def as_json(self) -> str:
        """All of it; money as text, so that no cent is lost."""
        return json.dumps(asdict(self), default=str, indent=2)


def compare_releases(
    settings: Settings,
    control: Control,
    before: int,
    after: int,
    *,
    figures_only: bool = False,
) -> ReleaseDiff:
    """Compare two releases of this home.

    Args:
        settings: of the home.
        control: its control database.
        before: number of the first release.
        after: number of the second one.
        figures_only: closing MRR alone, without the rows of every mart, which takes ten times
            as long.

    Raises:
        ConfigurationError: one of them does not exist, or they are the same.
    """
    first, second = _release(settings, control, before), _release(settings, control, after)
    if before == after:
        raise ConfigurationError("FROM and TO are the same release: there is nothing to compare.")
    with connect(None, settings) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, release in (("a", first), ("b", second)):
            path = str(settings.releases_dir / f"{release.n}.duckdb").replace("'", "''")
            connection.execute(f"attach '{path}' as {name} (read_only)")
        policies = _changed_policies(control, first, second)
        code = _code(control, first) != _code(control, second)
        arrived = _arrived(connection, control, settings, first, second)
        reasons = _Reasons(arrived, policies, code, first.as_of != second.as_of)
        marts: list[MartDifference] = []
        customers: list[CustomerDifference] = []
        for mart in [] if figures_only else _marts(connection):
            difference, cells = _mart(connection, mart)
            if difference is not None:
                marts.append(difference)
            customers += [
                CustomerDifference(
                    mart, str(month), customer, gone, come, *reasons.of(customer, "")
                )
                for month, customer, gone, come in cells
            ]
        between = Between(
            *_files(connection),
            rows_by_table=tuple(sorted(arrived.rows_by_table.items())),
            as_of=(first.as_of.isoformat(), second.as_of.isoformat()),
            is_code_changed=code,
            changed_policies=tuple(policies),
        )
        return ReleaseDiff(
            before, after, between, tuple(marts), tuple(customers), _mrr(connection, reasons)
        )


def lines(diff: ReleaseDiff, currency: str) -> list[str]:
    """The comparison for people."""
    between = diff.between
    said = [
        f"Release {diff.before} -> {diff.after}",
        "",
        f"  as of     {' -> '.join(dict.fromkeys(between.as_of))}",
        f"  files     {between.files_new} new, {between.files_gone} gone",
        *(f"            {rows:,} rows of {table}" for table, rows in between.rows_by_table),
        f"  code      {'changed' if between.is_code_changed else 'the same'}",
        f"  policies  {', '.join(between.changed_policies) or 'the same'}",
        "",
        "By mart (rows that only one of them has; a changed row counts on both sides):",
    ]
    if not diff.marts:
        return [*said, "  none: the marts are the same."]
    width = max(len(mart.mart) for mart in diff.marts)
    for mart in diff.marts:
        months = ""
        if mart.months:
            span = dict.fromkeys((mart.months[0][:7], mart.months[-1][:7]))
            months = f", {len(mart.months)} months ({' to '.join(span)})"
        who = "" if mart.customers is None else f", {_customers(mart.customers)}"
        what = mart.note or f"-{mart.only_before:,} +{mart.only_after:,} rows{months}{who}"
        said.append(f"  {mart.mart:{width}}  {what}")
    said += ["", *_mrr_lines(diff.mrr, currency)]
    return said


def _mrr_lines(rows: Sequence[MrrDifference], currency: str) -> list[str]:
    if not rows:
        return ["Closing MRR: the same for every customer, month and policy."]
    sums: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
    for row in rows:
        sums[row.policy_id, row.month[:7], row.why].append(row.after - row.before)
    said = ["Closing MRR by policy, month and why:"]
    for (policy, month, why), changes in sorted(sums.items()):
        who = _customers(len(changes))
        said.append(f"  {policy} {month}  {sum(changes):+,.2f} {currency}, {who}: {why}")
    said += ["", "The largest:"]
    largest = sorted(rows, key=lambda row: (-abs(row.after - row.before), row.month))
    for row in largest[:NAMED]:
        named = ", ".join(row.sources[:3]) + (", ..." if len(row.sources) > 3 else "")
        said.append(
            f"  {row.policy_id} {row.month[:7]} {row.customer_id}  {row.before:,.2f} -> "
            f"{row.after:,.2f}  {row.why}{f' ({named})' if named else ''}"
        )
    if len(largest) > NAMED:
        said.append(f"  ... and {len(largest) - NAMED:,} more (JSON=1 has all)")
    return said


def _customers(count: int) -> str:
    return f"{count:,} customer{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class _Arrived:
    """Raw rows loaded between the releases: by customer, and whether their object was known."""

    by_customer: dict[str, list[tuple[str, bool]]]
    rows_by_table: dict[str, int]
    files_gone: bool
    rated: frozenset[str]


@dataclass(frozen=True)
class _Reasons:
    arrived: _Arrived
    policies: Sequence[str]
    is_code_changed: bool
    is_as_of_moved: bool

    def of(self, customer_id: str, policy_id: str) -> tuple[str, tuple[str, ...]]:
        """Why figures of a customer differ, and the rows behind it; the first that fits."""
        rows = self.arrived.by_customer.get(customer_id, [])
        sources = tuple(sorted({source for source, _ in rows}))
        if any(known for _, known in rows):
            return "changed data", sources
        if rows:
            return "new data", sources
        if customer_id in self.arrived.rated:
            return "new data", ("finance.fx_rates",)
        if self.policies and (not policy_id or policy_id in self.policies):
            return "policy", ()
        if self.is_code_changed:
            return "code", ()
        if self.is_as_of_moved:
            return "as-of date", ()
        return ("withdrawn data" if self.arrived.files_gone else "data of others"), ()


def _release(settings: Settings, control: Control, n: int) -> Release:
    releases = {release.n: release for release in control.releases()}
    if n not in releases:
        there = f"there are 1 to {max(releases)}" if releases else "there is none yet"
        raise ConfigurationError(f"Release {n} does not exist; {there}.")
    if not (settings.releases_dir / f"{n}.duckdb").is_file():
        raise ConfigurationError(
            f"The file of release {n} is not in {settings.releases_dir}: it has expired, or was "
            "moved away."
        )
    return releases[n]


def _code(control: Control, release: Release) -> str:
    return next(run.code_version for run in control.runs() if run.run_id == release.run_id)


def _changed_policies(control: Control, first: Release, second: Release) -> list[str]:
    made_by = {
        row["release_n"]: Definitions(row["settings"], row["policies"])
        for row in control.connection.execute("select * from release_definitions")
    }
    if first.n not in made_by or second.n not in made_by:
        return []
    return made_by[second.n].changed_policies(made_by[first.n])


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    listed = ", ".join(f"'{schema}'" for schema in MART_SCHEMAS)
    return [
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "select distinct schema_name, table_name from duckdb_tables()"
            f" where database_name in ('a', 'b') and schema_name in ({listed}) order by all"
        ).fetchall()
    ]


def _columns(connection: duckdb.DuckDBPyConnection, database: str, mart: str) -> dict[str, str]:
    schema, table = mart.split(".")
    return dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() where database_name = ?"
            " and schema_name = ? and table_name = ? order by column_index",
            [database, schema, table],
        ).fetchall()
    )


def _mart(
    connection: duckdb.DuckDBPyConnection, mart: str
) -> tuple[MartDifference | None, list[tuple[date, str, int, int]]]:
    """A mart's difference (None: there is none), and its differing customers and months."""
    old, new = _columns(connection, "a", mart), _columns(connection, "b", mart)
    before, after = (
        connection.execute(f"select count(*) from {database}.{mart}").fetchall()[0][0]
        if columns
        else 0
        for database, columns in (("a", old), ("b", new))
    )
    if not old or not new:
        note = "new mart" if new else "mart is gone"
        return MartDifference(mart, before, after, before, after, (), None, note), []
    shared = [name for name in new if old.get(name) == new[name]]
    note = "" if list(old) == list(new) and len(shared) == len(new) else "other columns"
    listed = ", ".join(f'"{name}"' for name in shared)
    connection.execute(
        "create or replace temp table differing as"
        f" select 'a' as side, * from (select {listed} from a.{mart}"
        f" except all select {listed} from b.{mart})"
        f" union all by name select 'b' as side, * from (select {listed} from b.{mart}"
        f" except all select {listed} from a.{mart})"
    )
    sides = dict(
        connection.execute("select side, count(*) from differing group by side").fetchall()
    )
    if not sides and not note:
        return None, []
    month = next((name for name in ("month", "period_start") if name in shared), None)
    months: list[str] = []
    if month:
        found = connection.execute(
            f"select distinct {month} from differing where {month} is not null order by all"
        )
        months = [str(row[0]) for row in found.fetchall()]
    customers = None
    cells: list[tuple[date, str, int, int]] = []
    if "customer_id" in shared:
        customers = connection.execute(
            "select count(distinct customer_id) from differing"
        ).fetchall()[0][0]
        cells = connection.execute(
            f"select {month or 'null'}, customer_id, count(*) filter (side = 'a'),"
            " count(*) filter (side = 'b') from differing where customer_id is not null"
            " group by all order by all"
        ).fetchall()
    return (
        MartDifference(
            mart,
            before,
            after,
            sides.get("a", 0),
            sides.get("b", 0),
            tuple(months),
            customers,
            note,
        ),
        cells,
    )


def _mrr(connection: duckdb.DuckDBPyConnection, reasons: _Reasons) -> tuple[MrrDifference, ...]:
    if not (_columns(connection, "a", FIGURES) and _columns(connection, "b", FIGURES)):
        return ()
    rows = connection.execute(
        f"""
        select policy_id, month, customer_id, coalesce(a.closing_mrr, 0) as before,
            coalesce(b.closing_mrr, 0) as after
        from a.{FIGURES} as a
        full outer join b.{FIGURES} as b using (policy_id, month, customer_id)
        where coalesce(a.closing_mrr, 0) <> coalesce(b.closing_mrr, 0)
        order by all
        """
    ).fetchall()
    return tuple(
        MrrDifference(policy, str(month), customer, before, after, *reasons.of(customer, policy))
        for policy, month, customer, before, after in rows
    )


def _files(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Files that only the second release was made of, and only the first one."""
    log = "select sha256, source, table_name from {}.quality.load_log where state = 'accepted'"
    old, new = log.format("a"), log.format("b")
    if not (
        _columns(connection, "a", "quality.load_log")
        and _columns(connection, "b", "quality.load_log")
    ):
        return 0, 0
    counts = [
        connection.execute(f"select count(*) from ({one} except {other})").fetchall()[0][0]
        for one, other in ((new, old), (old, new))
    ]
    return counts[0], counts[1]


#: How rows of each table name their customer, in terms of the raw views.
_CUSTOMER_OF = {
    "customers": "select id, id from {new}",
    "subscriptions": "select id, customer_id from {new}",
    "subscription_items": "select new.id, s.customer_id from {new} as new"
    " join raw_billing.subscriptions as s on s.id = new.subscription_id",
    "discounts": "select new.id, coalesce(new.customer_id, s.customer_id) from {new} as new"
    " left join raw_billing.subscriptions as s on s.id = new.subscription_id",
    "prices": "select new.id, s.customer_id from {new} as new"
    " join raw_billing.subscription_items as i on i.price_id = new.id"
    " join raw_billing.subscriptions as s on s.id = i.subscription_id",
    "invoices": "select id, customer_id from {new}",
    "invoice_line_items": "select new.id, i.customer_id from {new} as new"
    " join raw_billing.invoices as i on i.id = new.invoice_id",
    "payments": "select id, customer_id from {new}",
    "refunds": "select new.id, p.customer_id from {new} as new"
    " join raw_billing.payments as p on p.id = new.payment_id",
    "credit_notes": "select id, customer_id from {new}",
}


def _arrived(
    connection: duckdb.DuckDBPyConnection,
    control: Control,
    settings: Settings,
    first: Release,
    second: Release,
) -> _Arrived:
    """Raw rows loaded after the first release and by the second; landed files are still there."""
    contract = load_contract()
    create_raw(connection, contract, control, settings)
    low, high = sorted((first.published_at, second.published_at))
    between = f"_loaded_at > timestamp '{low}' and _loaded_at <= timestamp '{high}'"
    counts: Counter[str] = Counter()
    for source in contract.sources:
        for table in source.tables:
            (count,) = connection.execute(
                f'select count(*) from {source.schema}."{table.name}" where {between}'
            ).fetchall()[0]
            if count:
                counts[f"{source.name}.{table.name}"] = count
    found: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for table_name, sql in _CUSTOMER_OF.items():
        if not counts[f"billing.{table_name}"]:
            continue
        new = f"(select * from raw_billing.{table_name} where {between})"
        rows: Iterable[tuple[str, str, bool]] = connection.execute(
            f"select distinct rows.id, rows.customer_id, known.id is not null"
            f" from ({sql.format(new=new)}) as rows (id, customer_id)"
            f" left join (select distinct id from raw_billing.{table_name}"
            f" where _loaded_at <= timestamp '{low}') as known on known.id = rows.id"
            " where rows.customer_id is not null"
        ).fetchall()
        for key, customer, is_known in rows:
            found[customer].append((f"billing.{table_name}/{key}", is_known))
    rated: frozenset[str] = frozenset()
    if counts["finance.fx_rates"] and "currency" in _columns(connection, "b", "core.dim_customers"):
        # New rates bear on those who are billed in their currency.
        rows_rated = connection.execute(
            "select customer_id from b.core.dim_customers where upper(currency) in"
            f" (select upper(currency) from raw_finance.fx_rates where {between})"
        ).fetchall()
        rated = frozenset(row[0] for row in rows_rated)
    _, gone = _files(connection)
    return _Arrived(dict(found), dict(counts), gone > 0, rated)
