"""All views to another hidden schema, in one transaction that records the publication.

Readers never wait long behind it. A view that a report still reads is waited for while nothing is
held, at first for a moment only; once the first view is held, the others must come within less time
than the server takes to look for deadlocks (1 s), so that it is never a reader who is broken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from orchestration.control import Release
from orchestration.failpoints import failpoint
from orchestration.targets.postgres.dictionary import OPS, Table
from orchestration.targets.postgres.load import comments
from orchestration.targets.postgres.server import TargetError, pause

#: How long each attempt waits for the first view, in milliseconds.
WAITS = (100, 250, 500, 1000, 2000, 2000)
#: How long all other views together are waited for.
_HELD = 800

_STATEMENTS = """
declare
    statement text;
    held_since timestamptz;
begin
    perform set_config('lock_timeout', {wait}, true);
    foreach statement in array {statements}::text[] loop
        execute statement;
        held_since := coalesce(held_since, clock_timestamp());
        perform set_config('lock_timeout', greatest(20, {held}
            - round(extract(epoch from clock_timestamp() - held_since) * 1000))::int::text, true);
    end loop;
end
"""

_VIEWS = """
select
    relation.oid,
    namespace.nspname,
    relation.relname,
    array_agg(attribute.attname order by attribute.attnum),
    array_agg(format_type(attribute.atttypid, attribute.atttypmod) order by attribute.attnum),
    array_agg(coalesce(col_description(relation.oid, attribute.attnum), '')
        order by attribute.attnum),
    coalesce(obj_description(relation.oid, 'pg_class'), '')
from pg_class as relation
inner join pg_namespace as namespace on namespace.oid = relation.relnamespace
inner join pg_attribute as attribute
    on attribute.attrelid = relation.oid and attribute.attnum > 0 and not attribute.attisdropped
where relation.relkind = 'v' and (namespace.nspname = any(%s) or relation.oid = any(%s))
group by relation.oid, namespace.nspname, relation.relname
"""

#: Our own views: each shows the table of its name in a hidden schema. Others may be beside them.
_SHOWING = """
select distinct rewrite.ev_class
from pg_depend as depend
inner join pg_rewrite as rewrite on rewrite.oid = depend.objid
inner join pg_class as shown on shown.oid = depend.refobjid
inner join pg_namespace as namespace on namespace.oid = shown.relnamespace
inner join pg_class as showing on showing.oid = rewrite.ev_class
where showing.relname = shown.relname and pg_has_role(showing.relowner, 'usage')
    and depend.classid = 'pg_rewrite'::regclass and depend.refclassid = 'pg_class'::regclass
    and namespace.nspname ~ '^rel_[0-9]+'
"""

_BLOCKERS = """
select distinct activity.pid, activity.usename, activity.application_name, activity.xact_start,
    relation.relname
from pg_locks as held
inner join pg_class as relation on relation.oid = held.relation
inner join pg_namespace as namespace on namespace.oid = relation.relnamespace
inner join pg_stat_activity as activity on activity.pid = held.pid
where held.granted and relation.relkind = 'v' and namespace.nspname = any(%s)
    and held.pid <> pg_backend_pid()
order by activity.xact_start nulls last, activity.pid
"""


@dataclass(frozen=True)
class Present:
    """A view that is there."""

    oid: int
    columns: tuple[tuple[str, str], ...]
    descriptions: tuple[str, ...]
    comment: str
    is_ours: bool


@dataclass(frozen=True)
class Plan:
    """What a flip does: first what locks views that are there, then what is new."""

    changes: tuple[sql.Composable, ...]
    descriptions: tuple[sql.Composable, ...]
    dropped: tuple[str, ...]


def flip(
    connection: psycopg.Connection[Any],
    tables: Sequence[Table],
    hidden: str,
    release: Release,
    rows: int,
    waits: Sequence[int] = WAITS,
) -> None:
    """Turn all views to the tables of a hidden schema.

    Where only the answer to the commit is lost, whoever comes next finds it in `ops.publication`.

    Args:
        connection: the session of the publisher.
        tables: of the release.
        hidden: schema that they were loaded into.
        release: to be recorded.
        rows: of all tables.
        waits: milliseconds that each attempt waits for views that are in use.

    Raises:
        TargetError: a view is in use all the time, or something depends on one that cannot stay as
            it is. The views show what they showed.
    """
    for attempt, wait in enumerate(waits, start=1):
        try:
            _attempt(connection, tables, hidden, release, rows, wait)
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt == len(waits):
                raise TargetError(
                    f"the views are in use all the time: {_blockers(connection, tables)}. They "
                    f"show what they showed, after {len(waits)} attempts",
                    again=True,
                ) from None
            pause(attempt)
        except psycopg.errors.DependentObjectsStillExist as error:
            detail = "; ".join((error.diag.message_detail or "").splitlines())
            raise TargetError(
                f"{error.diag.message_primary}: {detail}. The release has it no more, or with "
                "other columns. Drop what depends on it or let it read something else, then "
                "publish again (make publish); nothing of others is dropped for them"
            ) from None


def _attempt(
    connection: psycopg.Connection[Any],
    tables: Sequence[Table],
    hidden: str,
    release: Release,
    rows: int,
    wait: int,
) -> None:
    with connection.transaction():
        connection.execute("set local synchronous_commit = on")
        plan = plan_flip(connection, tables, hidden, release)
        texts = [statement.as_string(connection) for statement in plan.changes]
        body = sql.SQL(_STATEMENTS).format(
            wait=sql.Literal(f"{wait}ms"),
            held=sql.Literal(_HELD),
            statements=sql.Literal(texts),
        )
        connection.execute(sql.SQL("do {}").format(sql.Literal(body.as_string(connection))))
        if plan.descriptions:
            connection.execute(sql.SQL("; ").join(plan.descriptions))
        connection.execute(
            "insert into ops.publication (release_n, hidden_schema, run_id, sha256, as_of_date,"
            " released_at, row_count) values (%s, %s, %s, %s, %s, %s, %s)",
            (
                release.n,
                hidden,
                release.run_id,
                release.sha256,
                release.as_of,
                release.published_at,
                rows,
            ),
        )
        failpoint("postgres.flipping")
    failpoint("postgres.flipped")


def plan_flip(
    connection: psycopg.Connection[Any], tables: Sequence[Table], hidden: str, release: Release
) -> Plan:
    """What turns the views as they are into those of a release."""
    present = _present(connection, tables)
    replaced: list[sql.Composable] = [_current_release(release)]
    made: list[sql.Composable] = []
    described: list[sql.Composable] = []
    dropped: list[str] = []
    for table in tables:
        there = present.get((table.schema, table.name))
        columns = [column.name for column in table.columns]
        if there is not None and not _can_stay(there, table):
            dropped.append(f"{table.schema}.{table.name}")
            replaced.append(sql.SQL("drop view {}").format(table.view))
        elif there is not None:
            # Their order stays; others follow, as the server wants it.
            kept = [name for name, _ in there.columns]
            columns = [*kept, *(name for name in columns if name not in kept)]
        statement = sql.SQL("create or replace view {} as select {} from {}").format(
            table.view,
            sql.SQL(", ").join(sql.Identifier(name) for name in columns),
            table.table(hidden),
        )
        (made if there is None else replaced).append(statement)
        described += _changed_descriptions(table, there)
    wanted = {(table.schema, table.name) for table in tables}
    for (schema, name), there in sorted(present.items()):
        if there.is_ours and (schema, name) not in wanted:
            dropped.append(f"{schema}.{name}")
            replaced.append(sql.SQL("drop view {}").format(sql.Identifier(schema, name)))
    return Plan((*replaced, *made), tuple(described), tuple(dropped))


def _present(
    connection: psycopg.Connection[Any], tables: Sequence[Table]
) -> dict[tuple[str, str], Present]:
    schemas = sorted({table.schema for table in tables} | {OPS})
    ours = {oid for (oid,) in connection.execute(_SHOWING).fetchall()}
    return {
        (schema, name): Present(
            oid,
            tuple(zip(names, types, strict=True)),
            tuple(descriptions),
            comment,
            oid in ours,
        )
        for oid, schema, name, names, types, descriptions, comment in connection.execute(
            _VIEWS, [schemas, sorted(ours)]
        ).fetchall()
    }


def _can_stay(there: Present, table: Table) -> bool:
    """Whether a view can be replaced in place: every column it has is still there as it was."""
    types = {column.name: column.type for column in table.columns}
    return all(types.get(name) == kind for name, kind in there.columns)


def _changed_descriptions(table: Table, there: Present | None) -> list[sql.Composed]:
    if there is None or not _can_stay(there, table):
        return comments(table, table.view, "view")
    names = (name for name, _ in there.columns)
    before = dict(zip(names, there.descriptions, strict=True))
    return comments(table, table.view, "view", before, there.comment)


def _current_release(release: Release) -> sql.Composed:
    """A view that turns with the others: who reads it and them in one transaction has them all."""
    return sql.SQL(
        "create or replace view ops.current_release as select {}::integer as release_n,"
        " {}::date as as_of_date, {}::timestamp as released_at, {}::text as run_id,"
        " {}::text as sha256"
    ).format(
        sql.Literal(release.n),
        sql.Literal(release.as_of.isoformat()),
        sql.Literal(release.published_at.isoformat()),
        sql.Literal(release.run_id),
        sql.Literal(release.sha256),
    )


def _blockers(connection: psycopg.Connection[Any], tables: Sequence[Table]) -> str:
    schemas = sorted({table.schema for table in tables} | {OPS})
    named = [
        f"session {pid}"
        + (f" of {user}" if user else "")
        + (f" ({application})" if application else "")
        + (f" since {since:%Y-%m-%d %H:%M:%S} UTC" if since else "")
        + f" reads {view}"
        for pid, user, application, since, view in connection.execute(
            _BLOCKERS, [schemas]
        ).fetchall()
    ]
    return ", ".join(named[:5]) or "who reads them has just ended"
