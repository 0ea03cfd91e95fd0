"""Removes hidden schemas that are not live. What is live, the server says.

Nothing is dropped with CASCADE: a table that anything still shows refuses to go, whoever made it.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql

from orchestration.failpoints import failpoint
from orchestration.targets.postgres.layout import live

_HIDDEN = re.compile(r"rel_\d+(_\d+)?")


def hidden_schemas(connection: psycopg.Connection[Any]) -> list[str]:
    """All hidden schemas of the publisher, live or not."""
    rows = connection.execute(
        "select nspname from pg_namespace where nspowner ="
        " (select oid from pg_roles where rolname = current_user) order by nspname"
    ).fetchall()
    return [name for (name,) in rows if _HIDDEN.fullmatch(name)]


def clean(connection: psycopg.Connection[Any]) -> list[str]:
    """Remove the hidden schemas that are not live; returns why those stay that do not go.

    A report that still reads one is not waited for: the next publication removes it.
    """
    left = []
    for schema in hidden_schemas(connection):
        now = live(connection)
        if now is not None and schema == now.hidden_schema:
            continue
        try:
            drop_hidden(connection, schema)
        except psycopg.errors.LockNotAvailable:
            left.append(f"{schema} is still read")
        except psycopg.errors.DependentObjectsStillExist as error:
            detail = "; ".join((error.diag.message_detail or "").splitlines())
            left.append(f"{schema} stays: {detail}")
        failpoint("postgres.cleaned")
    return left


def drop_hidden(connection: psycopg.Connection[Any], schema: str) -> None:
    """Drop a hidden schema and its tables, all at once or not at all."""
    assert _HIDDEN.fullmatch(schema), schema
    with connection.transaction():
        connection.execute("set local lock_timeout = '200ms'")
        tables = connection.execute(
            "select relname from pg_class inner join pg_namespace"
            " on pg_namespace.oid = pg_class.relnamespace where nspname = %s and relkind = 'r'",
            [schema],
        ).fetchall()
        if tables:
            connection.execute(
                sql.SQL("drop table {}").format(
                    sql.SQL(", ").join(sql.Identifier(schema, name) for (name,) in tables)
                )
            )
        connection.execute(sql.SQL("drop schema {}").format(sql.Identifier(schema)))
