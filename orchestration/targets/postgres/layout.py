"""Schemas, roles and their rights, and the record of what was published.

| role | reads |
|---|---|
| bi_reader | the marts of all domains, `ops` |
| finance_reader | the same, and `quality`: runs, loads, checks, rejected rows |
| outreach_reader | the schemas with personal data, `ops` |

They are groups without a login; `grant bi_reader to anna` lets somebody in. Rights are the schema's
default privileges, so that a view has them from its first moment, also where it had to be dropped
and made anew. Nobody but the publisher reads the hidden schemas, and nobody else writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from orchestration.failpoints import failpoint
from orchestration.targets.postgres.dictionary import OPS, Table
from orchestration.targets.postgres.server import TargetError

BI = "bi_reader"
FINANCE = "finance_reader"
OUTREACH = "outreach_reader"
ROLES = (BI, FINANCE, OUTREACH)
QUALITY = "quality"

_PUBLICATION = """
create table ops.publication (
    publication_id bigint generated always as identity primary key,
    release_n integer not null,
    hidden_schema text not null,
    run_id text not null,
    sha256 text not null,
    as_of_date date not null,
    released_at timestamp without time zone not null,
    row_count bigint not null,
    published_at timestamp with time zone not null default clock_timestamp(),
    published_by text not null default session_user
);
comment on table ops.publication is
    'One row per publication; the last one is what all views show. Only added to.';
comment on column ops.publication.release_n is 'Number of the release.';
comment on column ops.publication.hidden_schema is 'Schema of the tables behind the views.';
comment on column ops.publication.run_id is 'Run that made the release (quality.run_log).';
comment on column ops.publication.sha256 is 'Of the release file.';
comment on column ops.publication.as_of_date is 'Last day that counts in it.';
comment on column ops.publication.released_at is 'When it was released (UTC).';
comment on column ops.publication.row_count is 'Rows of all its tables.';
comment on column ops.publication.published_at is 'When the views were turned to it.';
comment on column ops.publication.published_by is 'Who turned them.';
"""


@dataclass(frozen=True)
class Publication:
    """The last row of `ops.publication`: what the server says is live."""

    id: int
    release_n: int
    hidden_schema: str
    run_id: str
    sha256: str


def live(connection: psycopg.Connection[Any]) -> Publication | None:
    """What is live, None where nothing was ever published."""
    row = connection.execute("select to_regclass('ops.publication') is not null").fetchone()
    if row is None or not row[0]:
        return None
    row = connection.execute(
        "select publication_id, release_n, hidden_schema, run_id, sha256 from ops.publication"
        " order by publication_id desc limit 1"
    ).fetchone()
    return None if row is None else Publication(*row)


def readers_of(tables: Sequence[Table]) -> Mapping[str, tuple[str, ...]]:
    """Who reads each schema of the views."""
    readers: dict[str, tuple[str, ...]] = {OPS: ROLES}
    for table in tables:
        if table.is_personal:
            readers[table.schema] = (OUTREACH,)
        elif table.schema == QUALITY:
            readers[table.schema] = (FINANCE,)
        elif table.schema != OPS:
            readers[table.schema] = (BI, FINANCE)
    return readers


def prepare(connection: psycopg.Connection[Any], tables: Sequence[Table]) -> None:
    """Make roles, schemas and the record where they are missing; all of it or nothing.

    Raises:
        TargetError: the publisher may not; says what an administrator has to run.
    """
    readers = readers_of(tables)
    database = connection.info.dbname
    with connection.transaction():
        there = {name for (name,) in connection.execute("select rolname from pg_roles").fetchall()}
        for role in ROLES:
            if role not in there:
                _as_publisher(
                    connection,
                    sql.SQL("create role {} nologin").format(sql.Identifier(role)),
                    f"create role {role} nologin;",
                )
        for schema, roles in readers.items():
            _prepare_schema(connection, schema, roles, database)
        row = connection.execute("select to_regclass('ops.publication') is null").fetchone()
        if row is not None and row[0]:
            connection.execute(_PUBLICATION)
    failpoint("postgres.prepared")


def _prepare_schema(
    connection: psycopg.Connection[Any], schema: str, roles: Sequence[str], database: str
) -> None:
    row = connection.execute(
        "select coalesce((select nspowner = (select oid from pg_roles where rolname = current_user)"
        " from pg_namespace where nspname = %s), null)",
        [schema],
    ).fetchone()
    is_ours = row[0] if row else None
    if is_ours is None:
        _as_publisher(
            connection,
            sql.SQL("create schema {}").format(sql.Identifier(schema)),
            f'grant create on database "{database}" to "{connection.info.user}";',
        )
    for role in roles:
        row = connection.execute(
            "select has_schema_privilege(%s, %s, 'usage')", [role, schema]
        ).fetchone()
        if is_ours is not None and row is not None and row[0]:
            continue
        names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
        for statement in (
            "grant usage on schema {schema} to {role}",
            "alter default privileges in schema {schema} grant select on tables to {role}",
            # For what a publisher made before the role was there.
            "grant select on all tables in schema {schema} to {role}",
        ):
            _as_publisher(
                connection,
                sql.SQL(statement).format(**names),
                f'alter schema "{schema}" owner to "{connection.info.user}";',
            )


def _as_publisher(
    connection: psycopg.Connection[Any], statement: sql.Composed, remedy: str
) -> None:
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        raise TargetError(
            f"{connection.info.user} may not do what the first publication takes "
            f"({error.diag.message_primary}). An administrator of the database has to run: {remedy}"
        ) from None
