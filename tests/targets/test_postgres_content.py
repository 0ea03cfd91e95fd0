"""What arrives: every value, the keys, the words; and who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import duckdb
import psycopg
import pytest

from orchestration.control import Control
from orchestration.errors import ConfigurationError
from orchestration.targets.postgres.server import Server, server_from
from orchestration.targets.postgres.target import erase_postgres, verify_postgres
from orchestration.verify import verify
from tests.support.postgres import PostgresServer
from tests.targets.company import MARTS, Company, Mart, rows_of

#: Values that a format of text could lose, each in a row of its own.
HOSTILE = (
    "",
    "NULL",
    "\\N",
    "\\.",
    "a\n\\.\nb",
    "a\r\nb\rc",
    'say "hi"',
    "a,b;c\td",
    "'; drop table core.dim_customers; --",
    "{a,NULL}",
    " blanks ",
    "é 🤦🏼‍♂️ \u202eRTL\u202c",
    "x" * 100_000,
)
EDGES = Mart(
    "revenue",
    "fct_edges",
    "",
    ("i",),
    {"i": "It's a number; 100 % of them."},
    ("i",),
)


def edges() -> Mart:
    """A mart of every type, and of every text above."""
    rows = []
    for i, text in enumerate(HOSTILE):
        quoted = text.replace("'", "''")
        rows.append(
            f"select {i} as i, '{quoted}' as words, ['{quoted}', null, 'b'] as list,"
            " cast('-0.0000000000000001' as decimal(38, 16)) as small,"
            " cast('99999999999999999999999999999999999999' as hugeint) as huge,"
            " cast(-9223372036854775808 as bigint) as least, 0.1::double + 0.2 as float_,"
            " date '0001-01-01' as first_day, timestamp '9999-12-31 23:59:59.999999' as last_at,"
            f" {i} % 2 = 0 as is_even"
        )
    nothing = "select 99, null, null, null, null, null, null, null, null, null"
    return replace(EDGES, sql=" union all ".join([*rows, nothing]))


def test_i18_every_value_arrives_as_it_was_sent(server: PostgresServer, company: Company) -> None:
    company.with_marts(*MARTS, edges())
    release = company.release()
    assert not company.publish().is_behind, company.said
    file = company.settings.releases_dir / f"{release.n}.duckdb"
    with duckdb.connect(str(file), read_only=True) as ours, server.connect() as theirs:
        for mart in company.marts:
            query = f"select * from {mart.schema}.{mart.name} order by {mart.key[0]} collate "
            sent = ours.execute(query.split(" collate")[0]).fetchall()
            arrived = theirs.execute(
                f"select * from {mart.schema}.{mart.name} order by {mart.key[0]}"
            ).fetchall()
            assert len(sent) >= rows_of(1) or mart.name == "fct_edges"
            assert sent == arrived, mart.name
        (small,) = theirs.execute("select small from revenue.fct_edges limit 1").fetchone() or (0,)
        assert str(small) == str(Decimal("-0.0000000000000001"))


def test_keys_and_words_come_from_the_project(server: PostgresServer, company: Company) -> None:
    company.with_marts(*MARTS, edges())
    company.release()
    company.publish()
    with server.connect() as connection:
        constraints = connection.execute(
            "select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint"
            " where connamespace = 'rel_1'::regnamespace and conrelid::regclass::text not like"
            " '%dictionary%' order by 1, 2"
        ).fetchall()
        assert constraints == [
            ("rel_1.dim_addresses", "UNIQUE NULLS NOT DISTINCT (person_id)"),
            ("rel_1.dim_customers", "PRIMARY KEY (customer_id)"),
            ("rel_1.fct_edges", "PRIMARY KEY (i)"),
            (
                "rel_1.fct_health_scores",
                "FOREIGN KEY (customer_id) REFERENCES rel_1.dim_customers(customer_id)",
            ),
            ("rel_1.fct_health_scores", "UNIQUE NULLS NOT DISTINCT (customer_id)"),
            (
                "rel_1.fct_mrr_by_customer_month",
                "FOREIGN KEY (customer_id) REFERENCES rel_1.dim_customers(customer_id)",
            ),
            ("rel_1.fct_mrr_by_customer_month", "PRIMARY KEY (customer_id, month)"),
            ("rel_1.rejected_rows", "UNIQUE NULLS NOT DISTINCT (row_key)"),
        ]
        for relation in ("revenue.fct_mrr_by_customer_month", "rel_1.fct_mrr_by_customer_month"):
            row = connection.execute(
                "select obj_description(%s::regclass), col_description(%s::regclass, 3)",
                [relation, relation],
            ).fetchone()
            assert row == (
                "One row per customer_id and month.\nKey: customer_id, month.\n"
                "customer_id refers to core.dim_customers.\nOwner: Finance.",
                "MRR at the end, reporting currency.",
            )
        assert connection.execute(
            "select col_description('revenue.fct_edges'::regclass, 1)"
        ).fetchone() == ("It's a number; 100 % of them.",)
        # Statistics are there for the planner.
        assert connection.execute(
            "select reltuples::int from pg_class where oid = 'rel_1.dim_customers'::regclass"
        ).fetchone() == (rows_of(1),)
        assert connection.execute(
            "select to_table from ops.dictionary_keys where kind = 'foreign' group by 1"
        ).fetchall() == [("dim_customers",)]


def test_a_reference_that_leads_nowhere_is_no_foreign_key(
    server: PostgresServer, company: Company
) -> None:
    lost = replace(MARTS[2], sql=MARTS[2].sql.replace("'c' || i", "'x' || i"))
    company.with_marts(*MARTS[:2], lost, *MARTS[3:])
    company.release()
    assert not company.publish().is_behind
    with server.connect() as connection:
        found = connection.execute(
            "select table_name, is_kept from ops.dictionary_keys where kind = 'foreign' order by 1"
        )
        assert found.fetchall() == [
            ("fct_health_scores", False),
            ("fct_mrr_by_customer_month", True),
        ]


def test_the_same_release_again_is_left_as_it_is(server: PostgresServer, company: Company) -> None:
    company.release()
    company.publish()
    assert not company.publish().is_behind
    assert company.said == []
    with server.connect() as connection:
        assert connection.execute("select count(*) from ops.publication").fetchone() == (1,)


RIGHTS: Mapping[str, tuple[str, ...]] = {
    "bi_reader": ("core.dim_customers", "revenue.fct_mrr_by_customer_month", "ops.publication"),
    "finance_reader": ("core.dim_customers", "quality.rejected_rows", "ops.current_release"),
    "outreach_reader": ("outreach.dim_addresses", "ops.current_release"),
}
ALL = {name for names in RIGHTS.values() for name in names} | {"rel_2.dim_customers"}


@pytest.mark.fault("S12")
@pytest.mark.parametrize("role", RIGHTS)
def test_s11_each_role_reads_its_schemas_and_nothing_else(
    server: PostgresServer, company: Company, role: str
) -> None:
    company.release()
    company.publish()
    # The second release makes its views anew or in place: rights come by default.
    company.release()
    company.publish()
    with server.connect() as admin:
        admin.execute("drop role if exists carla")
        admin.execute("create role carla login")
        admin.execute(f"grant {role} to carla")
        admin.commit()
    try:
        with server.connect("carla", autocommit=True) as carla:
            for name in RIGHTS[role]:
                row = carla.execute(f"select count(*) from {name}").fetchone()
                assert row is not None
                assert row[0] >= 1
            mine = RIGHTS[role][0]
            refused = [f"select * from {name}" for name in ALL if name not in RIGHTS[role]]
            if role == "finance_reader":
                refused = [
                    sql for sql in refused if "revenue." not in sql and "publication" not in sql
                ]
            if role == "bi_reader":
                refused = [sql for sql in refused if "current_release" not in sql]
            if role == "outreach_reader":
                refused = [sql for sql in refused if "publication" not in sql]
            refused += [
                f"insert into {mine} select * from {mine}",
                f"update {mine} set of_release = 0",
                f"delete from {mine}",
                "delete from ops.publication",
                f"create view {mine.split('.')[0]}.mine as select 1 as one",
                "create table public.mine (i int)",
                "create schema mine",
                f"drop view {mine}",
                "set role publisher",
            ]
            for statement in refused:
                with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
                    carla.execute(statement)
                assert caught.value.sqlstate == "42501"
    finally:
        with server.connect() as admin:
            admin.execute("drop role carla")


def test_s11_a_publisher_that_may_not_is_told_what_to_run(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    with psycopg.connect(server.superuser, autocommit=True) as admin:
        admin.execute("revoke create on database bi from publisher")
    state = company.publish()
    assert 'grant create on database "bi" to "publisher";' in str(state.error)


@pytest.mark.fault("S13")
@pytest.mark.parametrize(
    ("dsn", "environ", "expected"),
    [
        ("postgresql://u@db.example.com/bi", {}, "verify-full"),
        ("host=10.0.0.7 dbname=bi", {}, "verify-full"),
        ("host=localhost,db.example.com dbname=bi", {}, "verify-full"),
        ("dbname=bi", {"PGHOST": "db.example.com"}, "verify-full"),
        ("service=bi", {}, "verify-full"),
        ("postgresql://u@db.example.com/bi?sslmode=require", {}, "require"),
        ("postgresql://u@db.example.com/bi", {"PGSSLMODE": "verify-ca"}, None),
        ("postgresql://u@localhost/bi", {}, None),
        ("postgresql://u@[::1]/bi", {}, None),
        ("host=/var/run/postgresql dbname=bi", {}, None),
        ("dbname=bi", {}, None),
    ],
)
def test_s13_another_machine_has_to_show_its_certificate(
    dsn: str, environ: Mapping[str, str], expected: str | None
) -> None:
    server = server_from({"HOLDFAST_POSTGRES_DSN": dsn, **environ})
    assert server is not None
    assert psycopg.conninfo.conninfo_to_dict(server.conninfo).get("sslmode") == expected


@pytest.mark.fault("S01")
def test_no_secret_of_the_address_is_shown(server: PostgresServer, company: Company) -> None:
    broken = "host=db.example.com password=canary-1 canary"
    with pytest.raises(ConfigurationError) as caught:
        server_from({"HOLDFAST_POSTGRES_DSN": broken})
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    address = f"postgresql://nobody:canary-2@127.0.0.1:{server.port}/bi"  # pragma: allowlist secret
    found = server_from({"HOLDFAST_POSTGRES_DSN": address})
    assert found is not None
    assert "canary" not in repr(found)
    assert found.without_secrets(f"at {address} password=canary-2 x") == (
        f"at postgresql://nobody:***@127.0.0.1:{server.port}/bi password=*** x"
    )
    company.release()
    state = company.publish(address)
    assert "nobody" in str(state.error)
    assert "canary" not in " ".join([str(state.error), *company.said])
    assert b"canary" not in company.settings.control_database.read_bytes()


def test_verify_looks_at_what_the_server_shows(
    server: PostgresServer, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_POSTGRES_DSN", company.dsn)
    company.release()
    company.settings.home.chmod(0o700)
    assert verify(company.settings).targets == ("postgres: shows nothing yet; make publish",)
    company.publish()
    verified = verify(company.settings)
    assert verified.wrong == ()
    assert "shows release 1" in verified.targets[0]
    company.release()
    assert "BEHIND release 2" in verify(company.settings).targets[0]
    with server.connect() as admin:
        admin.execute(
            "update rel_1.fct_mrr_by_customer_month set closing_mrr = 0 where customer_id = 'c7'"
        )
    assert [line for line in verify(company.settings).wrong if "postgres" in line] == [
        "postgres: revenue.fct_mrr_by_customer_month differs in closing_mrr"
    ]
    server.stop()
    verified = verify(company.settings)
    assert verified.wrong == ()
    assert "cannot be looked at" in verified.targets[0]


@pytest.mark.fault("F68")
def test_an_erasure_leaves_nothing_of_what_was_loaded_before(
    server: PostgresServer, company: Company
) -> None:
    company.release()
    company.publish()
    server_ = server_from({"HOLDFAST_POSTGRES_DSN": company.dsn})
    assert isinstance(server_, Server)
    with company.control() as control:
        erase_postgres(server_, company.settings, control, control.latest_release())
        assert verify_postgres(server_, company.settings, control)[1] == []
    with server.connect() as connection:
        hidden = connection.execute("select nspname from pg_namespace where nspname like 'rel%'")
        assert hidden.fetchall() == [("rel_1_2",)]
        assert connection.execute("select count(*) from core.dim_customers").fetchone() == (
            rows_of(1),
        )
    # The next release goes on from there.
    company.release()
    assert not company.publish().is_behind
    assert isinstance(control, Control)
