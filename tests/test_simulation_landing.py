"""What the simulator lands: the raw contract, the same bytes for the same seed, harmless dirt."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from simulation.__main__ import main
from simulation.config import SimulationConfig
from simulation.run import simulate, write_company

SOURCES = Path(__file__).resolve().parent.parent / "dbt_project" / "models" / "staging"
CONFIG = SimulationConfig(customers=250, months=18, seed=11, as_of=date(2026, 10, 20), events=8_000)


def contract() -> dict[str, dict[str, Any]]:
    tables = {}
    for path in sorted(SOURCES.glob("*/_*__sources.yml")):
        for source in yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]:
            for table in source["tables"]:
                tables[f"{source['name']}/{table['name']}"] = table
    return tables


def columns_of(table: dict[str, Any], mark: str) -> list[str]:
    return [
        column["name"]
        for column in table["columns"]
        if column.get("config", {}).get("meta", {}).get(mark)
    ]


def reader(path: Path) -> str:
    """SQL that reads a landed file, everything in csv as text."""
    if path.name.endswith(".parquet"):
        return f"read_parquet('{path}', hive_partitioning = false)"
    if ".csv" in path.name:
        return f"read_csv('{path}', header = true, all_varchar = true, hive_partitioning = false)"
    return f"read_json('{path}', format = 'newline_delimited', hive_partitioning = false)"


def read_landing(folder: Path) -> duckdb.DuckDBPyConnection:
    """All landed rows, duplicates included, as tables "source/table" in the contract's types.

    Everything converts to its type, or this raises.
    """
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    for name, table in contract().items():
        casts = ", ".join(
            f'"{column["name"]}"::varchar::{column["data_type"]} as "{column["name"]}"'
            for column in table["columns"]
        )
        files = sorted(path for path in (folder / name).rglob("*") if path.is_file())
        selects = [f"select {casts} from {reader(path)}" for path in files]
        if selects:
            connection.execute(f'create table "{name}" as {" union all ".join(selects)}')
    return connection


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write(folder: Path, config: SimulationConfig) -> Path:
    write_company(simulate(config), folder / "landing", folder / "truth")
    return folder


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("company"), CONFIG)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("clean"), replace(CONFIG, clean=True))


@pytest.fixture(scope="module")
def rows(landed: Path) -> duckdb.DuckDBPyConnection:
    return read_landing(landed / "landing")


@pytest.fixture(scope="module")
def clean_rows(clean: Path) -> duckdb.DuckDBPyConnection:
    return read_landing(clean / "landing")


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(
    landed: Path, tmp_path: Path
) -> None:
    again = write(tmp_path, replace(CONFIG, workers=1))
    assert digest(again) == digest(landed)


def test_another_seed_gives_another_company(landed: Path, tmp_path: Path) -> None:
    other = write(tmp_path, replace(CONFIG, seed=12))
    name = "truth/mrr_by_customer_month.csv"
    assert (other / name).read_bytes() != (landed / name).read_bytes()


Rows = duckdb.DuckDBPyConnection


@pytest.mark.parametrize("name", sorted(contract()))
def test_every_table_is_landed_by_the_contract(landed: Path, rows: Rows, name: str) -> None:
    table = contract()[name]
    files = [path for path in (landed / "landing" / name).rglob("*") if path.is_file()]
    assert files
    for path in files:
        described = duckdb.sql(f"select * from {reader(path)} limit 0")
        assert set(described.columns) == {column["name"] for column in table["columns"]}, path
    for column in {*columns_of(table, "required"), *table["config"]["meta"]["key"]}:
        query = f'select count(*) from "{name}" where "{column}" is null'
        assert rows.execute(query).fetchall() == [(0,)], column
    for column in table["columns"]:
        values = column.get("config", {}).get("meta", {}).get("values")
        if values:
            query = (
                f'select distinct "{column["name"]}" from "{name}" where "{column["name"]}" <> \'\''
            )
            found = {value for (value,) in rows.execute(query).fetchall()}
            assert found <= set(values), column["name"]


@pytest.mark.parametrize("name", sorted(contract()))
def test_a_key_and_version_has_one_content(rows: Rows, name: str) -> None:
    meta = contract()[name]["config"]["meta"]
    keys = ", ".join(f'"{key}"' for key in [*meta["key"], meta.get("version", meta["key"][0])])
    # An event that is received again is the same event.
    content = "* exclude (received_at)" if name == "product/events" else "*"
    query = f"""
        select {keys} from (select distinct {content} from "{name}")
        group by all having count(*) > 1
    """
    assert rows.execute(query).fetchall() == []


@pytest.mark.parametrize(
    ("child", "column", "parent"),
    [
        ("billing/subscriptions", "customer_id", "billing/customers"),
        ("billing/subscription_items", "subscription_id", "billing/subscriptions"),
        ("billing/subscription_items", "price_id", "billing/prices"),
        ("billing/discounts", "customer_id", "billing/customers"),
        ("billing/discounts", "subscription_id", "billing/subscriptions"),
        ("billing/invoices", "subscription_id", "billing/subscriptions"),
        ("billing/invoice_line_items", "invoice_id", "billing/invoices"),
        ("billing/invoice_line_items", "subscription_item_id", "billing/subscription_items"),
        ("billing/payments", "invoice_id", "billing/invoices"),
        ("billing/payments", "payment_method_id", "billing/payment_methods"),
        ("billing/refunds", "payment_id", "billing/payments"),
        ("billing/credit_notes", "invoice_id", "billing/invoices"),
        ("crm/accounts", "billing_customer_id", "billing/customers"),
        ("crm/accounts", "parent_account_id", "crm/accounts"),
        ("crm/contacts", "user_id", "product/users"),
        ("crm/leads", "account_id", "crm/accounts"),
        ("product/events", "account_id", "crm/accounts"),
        ("product/events", "user_id", "product/users"),
        ("survey/nps_responses", "user_id", "product/users"),
        ("success/experiment_assignments", "experiment_id", "success/experiments"),
    ],
)
def test_what_is_referred_to_is_there(rows: Rows, child: str, column: str, parent: str) -> None:
    orphans = f"""
        select child."{column}" from "{child}" as child
        anti join "{parent}" as parent on child."{column}" = parent.id
        where child."{column}" is not null
    """
    assert rows.execute(orphans).fetchall() == []
    assert rows.execute(f'select count("{column}") > 0 from "{child}"').fetchall() == [(True,)]


def test_invoices_add_up_and_what_is_paid_was_collected(rows: Rows) -> None:
    wrong = """
        with invoices as (
            select distinct on (id) * from "billing/invoices" order by id, updated_at desc
        ), lines as (
            select invoice_id, sum(amount) as amount, sum(discount_amount) as discount,
                sum(tax_amount) as tax
            from (select distinct * from "billing/invoice_line_items")
            group by invoice_id
        ), collected as (
            select invoice_id, sum(amount) as amount
            from (select distinct * from "billing/payments")
            where status = 'succeeded' group by invoice_id
        )
        select invoices.id
        from invoices
        left join lines on lines.invoice_id = invoices.id
        left join collected on collected.invoice_id = invoices.id
        where lines.amount is distinct from subtotal
            or lines.discount is distinct from discount_amount
            or lines.tax is distinct from invoices.tax
            or total <> subtotal - discount_amount + invoices.tax
            or amount_paid <> coalesce(collected.amount, 0)
            or (status = 'paid') <> (amount_paid = greatest(total, 0) and paid_at is not null)
    """
    assert rows.execute(wrong).fetchall() == []


def test_tax_is_that_of_the_country_after_discounts(rows: Rows) -> None:
    query = """
        select distinct country, tax_amount - round((amount - discount_amount) * percent / 100.0)
        from (select distinct * from "billing/invoice_line_items") as lines
        join (select distinct id, customer_id from "billing/invoices") as invoices
            on invoices.id = lines.invoice_id
        join (
            select distinct on (id) * from "billing/customers" order by id, updated_at desc
        ) as customers on customers.id = invoices.customer_id
        join (
            values ('US', 0), ('DE', 19), ('FR', 20), ('GB', 20), ('JP', 10), ('KW', 0)
        ) as rates (country, percent) using (country)
        -- Half a unit is rounded up, of credits too.
        where (amount - discount_amount) * percent % 100 not in (50, -50)
    """
    assert {off for _, off in rows.execute(query).fetchall()} == {0}


def test_nobody_is_refunded_more_than_was_paid(rows: Rows) -> None:
    wrong = """
        select payments.id
        from (select distinct * from "billing/payments") as payments
        join (select distinct * from "billing/refunds") as refunds
            on refunds.payment_id = payments.id
        where refunds.amount not between 1 and payments.amount
            or payments.status <> 'succeeded' or refunds.created < payments.created
    """
    assert rows.execute(wrong).fetchall() == []


def test_users_do_nothing_before_they_come_or_after_they_left(rows: Rows) -> None:
    wrong = """
        select events.id
        from "product/events" as events
        join (
            select id, min(created) as created, max(deactivated_at) as deactivated_at
            from "product/users" group by id
        ) as users on users.id = events.user_id
        where occurred_at::date < users.created::date
            or occurred_at::date > users.deactivated_at::date and starts_with(events.id, 'evt_')
    """
    assert rows.execute(wrong).fetchall() == []


def surplus(rows: Rows, name: str) -> int:
    """Landed rows that are exact copies of others."""
    query = (
        f'select (select count(*) from "{name}"), count(*) from (select distinct * from "{name}")'
    )
    total, distinct = rows.execute(query).fetchall()[0]
    return int(total - distinct)


def test_dirt_is_there_and_does_not_touch_the_truth(
    landed: Path, clean: Path, rows: Rows, clean_rows: Rows
) -> None:
    assert digest(landed / "truth") == digest(clean / "truth")
    for name in ("billing/subscriptions", "billing/invoices", "crm/leads", "finance/fx_rates"):
        assert surplus(rows, name) > 0
        assert surplus(clean_rows, name) == 0
    twice = 'select count(*) > count(distinct id) from "product/events"'
    assert rows.execute(twice).fetchall() == [(True,)]
    assert clean_rows.execute(twice).fetchall() == [(False,)]


def test_first_tellings_are_corrected_only_where_dirt_is_asked_for(
    rows: Rows, clean_rows: Rows
) -> None:
    for name, column in (
        ("billing/subscriptions", "start_date"),
        ("crm/leads", "channel"),
        ("marketing/spend", "amount"),
        ("crm/accounts", "industry"),
    ):
        query = f'select id from "{name}" group by id having count(distinct "{column}") > 1'
        assert rows.execute(query).fetchall() != [], name
        assert clean_rows.execute(query).fetchall() == [], name


def test_rows_arrive_after_their_time(landed: Path) -> None:
    """Some versions first come a delivery after the one that they were made in."""
    folder = landed / "landing" / "billing" / "invoices"
    days = sorted(path.name.removeprefix("date=") for path in folder.iterdir())
    last, before = (
        reader(next((folder / f"date={day}").iterdir())) for day in (days[-1], days[-2])
    )
    late = duckdb.sql(
        f"select count(*) from {last} where updated_at::date <= date '{days[-2]}' "
        f"and (id, updated_at) not in (select (id, updated_at) from {before})"
    ).fetchall()
    assert late != [(0,)]


def test_some_items_come_without_their_first_version(rows: Rows, clean_rows: Rows) -> None:
    query = """
        select count(*) from (
            select id from "billing/subscription_items"
            group by id having min(updated_at) > min(created)
        )
    """
    assert rows.execute(query).fetchall()[0][0] > 0
    assert clean_rows.execute(query).fetchall() == [(0,)]


def test_as_many_events_as_asked_for(rows: Rows) -> None:
    query = """select count(distinct id) from "product/events" where starts_with(id, 'evt_')"""
    assert rows.execute(query).fetchall() == [(CONFIG.events,)]


def test_formats_are_mixed(landed: Path) -> None:
    files = [path for path in (landed / "landing").rglob("*.*") if path.is_file()]
    assert {path.name.split(".", 1)[1] for path in files} == {"parquet", "csv", "csv.gz", "jsonl"}
    assert all(path.stat().st_size for path in files)


def test_nothing_is_known_that_happens_after_the_last_day(rows: Rows) -> None:
    for name, table in contract().items():
        version = table["config"]["meta"].get("version")
        if version:
            last = rows.execute(f'select max({version})::date from "{name}"').fetchall()[0][0]
            assert last <= CONFIG.as_of, name


def arguments(folder: Path, **changes: str) -> list[str]:
    given = {
        "landing": str(folder / "landing"),
        "truth": str(folder / "truth"),
        "customers": "3",
        "months": "2",
        "as-of": "2026-10-31",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    return [part for name, value in given.items() for part in (f"--{name}", value)]


def test_the_command_line_lands_a_company(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path)) == 0
    assert "3 customers over 2 months" in capsys.readouterr().out
    assert (tmp_path / "landing" / "billing" / "customers").is_dir()
    assert (tmp_path / "truth" / "mrr_by_customer_month.csv").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"customers": "0"}, "customers is 0; use a whole number from 1"),
        ({"months": "0"}, "months is 0; use a whole number from 1"),
        ({"seed": "-1"}, "seed is -1; use a whole number from 0"),
        ({"as_of": "1969-01-01"}, "as-of is 1969-01-01; use a date between"),
        ({"events": "-5"}, "events is -5; use a whole number from 0"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], message: str
) -> None:
    assert main(arguments(tmp_path, **changes)) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_date_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments(tmp_path, as_of="31.10.2026"))
    assert stopped.value.code == 2
    assert "'31.10.2026' is no date; use one such as 2026-10-31" in capsys.readouterr().err


def test_a_folder_with_files_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "mine.csv").write_text("x")
    assert main(arguments(tmp_path)) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "landing").iterdir()] == ["mine.csv"]


def test_the_truth_is_not_put_where_it_would_be_landed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = str(tmp_path / "landing" / "truth")
    assert main(arguments(tmp_path, truth=inside)) == 2
    assert "must not hold the truth" in capsys.readouterr().err
