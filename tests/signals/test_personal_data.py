"""Personal data stays where it belongs: canaries in every personal column of the sources."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.signals.conftest import CopiedProject

pytestmark = pytest.mark.fault("S10")

#: Schemas that leave the build before it is released (release/publish.py).
LEFT_BEHIND = ("staging", "raw_")
OUTREACH = "outreach"


def places_with_canaries(database: Path) -> set[tuple[str, str, str]]:
    """Schema, table and column of every text of the release that holds one."""
    found = set()
    with duckdb.connect(str(database), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() join duckdb_tables()"
            " using (database_name, schema_name, table_name) where data_type = 'VARCHAR'"
        ).fetchall()
        for schema, table, column in columns:
            if schema.startswith(LEFT_BEHIND):
                continue
            (hits,) = connection.execute(
                f'select count(*) from {schema}."{table}"'
                f""" where lower("{column}") like '%canary%'"""
            ).fetchone() or (0,)
            if hits:
                found.add((schema, table, column))
    return found


def test_addresses_and_names_of_people_are_in_the_outreach_schema_alone(
    later_database: Path, watched_project: CopiedProject
) -> None:
    places = places_with_canaries(later_database)
    assert places == {
        (OUTREACH, "dim_addresses", "email"),
        (OUTREACH, "dim_addresses", "person_name"),
        # A user's id is what the product calls it.
        (OUTREACH, "dim_addresses", "person_id"),
    }


def test_what_is_personal_is_tagged(watched_project: CopiedProject) -> None:
    manifest = watched_project.manifest()
    tagged = {
        (node.schema, node.name, column.name)
        for node in manifest.nodes.values()
        if str(node.resource_type) == "model"
        for column in node.columns.values()
        if column.config.meta.get("personal")
    }
    assert tagged == {
        (OUTREACH, "dim_addresses", "email"),
        (OUTREACH, "dim_addresses", "person_name"),
    }


def test_canaries_are_in_every_personal_column_of_the_sources(later_database: Path) -> None:
    with duckdb.connect(str(later_database), read_only=True) as connection:
        for column in (
            "raw_billing.customers.email", "raw_product.users.email", "raw_crm.contacts.email",
            "raw_crm.contacts.name", "raw_crm.action_outcomes.note",
            "raw_survey.nps_responses.comment",
        ):  # fmt: skip
            schema, table, name = column.split(".")
            rows = connection.execute(
                f"select count(*) from {schema}.{table} where lower({name}) like '%canary%'"
            ).fetchone()
            assert rows is not None
            assert rows[0] > 0, column
