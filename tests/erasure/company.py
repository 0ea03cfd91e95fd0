"""A small company with one customer who is full of canaries, and its releases made without dbt."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import zipfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.control import Control
from orchestration.erasure.erase import Erasure, continue_erasures, erase_customer
from orchestration.landing.contract import load_contract
from orchestration.landing.gate import run_gate
from orchestration.landing.raw import create_raw
from orchestration.lock import home_lock
from orchestration.release.build import start_build
from orchestration.release.publish import OutboxMessage, commit, roll_forward, seal
from orchestration.settings import Settings
from orchestration.targets.notices import NoticeFile
from orchestration.targets.outbox import deliver_outbox

# Read once in the server process that others are forked from.
load_contract()

CUSTOMER = "cus_1"
CANARIES = (
    "Ada Canary",
    "Adele Cänary-Lovelace",
    "ada.canary@example.com",
    "ada@canary-works.example",
    "Canary Works GmbH",
    "+49 170 5550199",
    "please call my canary on her mobile",
    "the canary sang in quarantine",
    "Pro plan for the canary of Ada",
)
#: Of others: none of it may change.
KEPT = ("Bob Baker", "bob@example.com", "Baker Brothers", "we love it", "Northwind")

_LINES = "id,invoice_id,subscription_id,description,amount,currency,updated_at"
_T = "2026-09-01T00:00:00Z"


def land(settings: Settings) -> None:
    """Every format, every place where a person may be; money of both customers."""
    _write(
        settings,
        "billing/customers/a.csv",
        "id,name,email,phone,created,updated_at\n"
        f'cus_1,"Ada Canary",ada.canary@example.com,+49 170 5550199,{_T},{_T}\n'
        f'cus_2,"Baker, Brothers ""BB""",bob@example.com,+49 170 5550100,{_T},{_T}\n'
        f"cus_3,Northwind,,,{_T},{_T}\n",
    )
    # A later version under another name, with a line break in it; and rows for the quarantine.
    _write(
        settings,
        "billing/customers/b.csv.gz",
        "id,name,email,created,updated_at\r\n"
        f'cus_1,"Adele\r\nCänary-Lovelace",ada@canary-works.example,{_T},2026-09-02T00:00:00Z\r\n'
        "cus_1,the canary sang in quarantine,x,no time,2026-09-03T00:00:00Z\r\n"
        "cus_1,Ada Canary,ada.canary@example.com\r\n",
    )
    contacts = [
        {"id": "con_1", "account_id": "acc_1", "user_id": "ada.canary@example.com",
         "email": "ada.canary@example.com", "name": "Adele Cänary-Lovelace", "role": "champion",
         "score": 1.10, "updated_at": _T},
        {"id": "con_2", "account_id": "acc_2", "user_id": "u2", "email": "bob@example.com",
         "name": "Bob Baker", "role": "champion", "score": 2.50, "updated_at": _T},
    ]  # fmt: skip
    _write(
        settings,
        "crm/contacts/a.jsonl",
        "".join(json.dumps(row, ensure_ascii=bool(n)) + "\n" for n, row in enumerate(contacts)),
    )
    _parquet(
        settings,
        "crm/accounts/a.parquet",
        id=["acc_1", "acc_2"],
        billing_customer_id=["cus_1", "cus_2"],
        name=["Canary Works GmbH", "Baker Brothers"],
        phones=[["+49 170 5550199"], ["1"]],
        updated_at=[_T, _T],
    )
    _parquet(
        settings,
        "survey/nps_responses/a.parquet",
        id=["n1", "n2"],
        account_id=["acc_1", "acc_2"],
        score=[3, 9],
        comment=["please call my canary on her mobile", "we love it"],
        responded_at=[_T, _T],
    )
    _write(
        settings,
        "billing/subscriptions/a.csv",
        "id,customer_id,status,start_date,created,updated_at\n"
        f"sub_1,cus_1,active,{_T},{_T},{_T}\nsub_2,cus_2,active,{_T},{_T},{_T}\n",
    )
    _write(
        settings,
        "billing/invoices/a.csv",
        "id,customer_id,subscription_id,status,currency,total,created,updated_at\n"
        f"in_1,cus_1,sub_1,paid,usd,1000,{_T},{_T}\nin_2,cus_2,sub_2,paid,usd,2345,{_T},{_T}\n",
    )
    _write(
        settings,
        "billing/invoice_line_items/a.csv",
        f"{_LINES}\nil_1,in_1,sub_1,Pro plan for the canary of Ada,1000,usd,{_T}\n"
        f"il_2,in_2,sub_2,Pro plan,2345,usd,{_T}\n",
    )
    path = settings.landing / "billing/invoice_line_items/a.csv"
    manifest = {"files": [{"file": "a.csv", "bytes": path.stat().st_size, "rows": 2,
                           "sha256": _sha256(path), "totals": {"amount": 3345}}]}  # fmt: skip
    _write(settings, "billing/invoice_line_items/_manifest.json", json.dumps(manifest))


MARTS = """
create schema core; create schema outreach; create schema customer_success; create schema revenue;
create table core.dim_customers (customer_id varchar not null, name varchar);
insert into core.dim_customers
    select customers.id, arg_max(coalesce(accounts.name, customers.name), customers.updated_at)
    from raw_billing.customers as customers
    left join raw_crm.accounts as accounts on accounts.billing_customer_id = customers.id
    group by customers.id order by customers.id;
create table outreach.dim_addresses as
    select account_id, user_id as person_id, name as person_name, email from raw_crm.contacts;
create table customer_success.fct_actions as
    select account_id, name as account_name, 'a' || account_id as action_id,
        ['call ' || name, 'billing.customers/' || billing_customer_id] as steps,
        'Write to ' || name || ' today' as what
    from (select id as account_id, name, billing_customer_id from raw_crm.accounts);
create table revenue.fct_money as
    select customer_id, sum(amount) as amount
    from raw_billing.invoice_line_items as line_items
    inner join raw_billing.invoices as invoices on invoices.id = line_items.invoice_id
    group by customer_id order by customer_id;
create schema staging;
create table staging.stg_people as select id, name, email from raw_billing.customers;
"""


def release(settings: Settings, run_id: str) -> tuple[str, ...]:
    """Take in what has landed and release marts with names, as a run does, without dbt."""
    with home_lock(settings.home, run_id), Control(settings.control_database) as control:
        go_on(settings, control)
        latest = roll_forward(settings, control)
        control.start_run(run_id, settings.as_of, "code")
        report = run_gate(settings, control, run_id, go_on=True)
        build = start_build(settings, run_id)
        with duckdb.connect(str(build.database)) as connection:
            create_raw(connection, load_contract(), control, settings)
            connection.execute(MARTS)
        slip = OutboxMessage(f"{run_id}/x/notices", "x", '{"text": "Ada Canary"}', "notices")
        commit(
            settings,
            control,
            seal(build),
            previous=0 if latest is None else latest.n,
            fingerprint=run_id,
            # What no message should say, and one did before the erasure.
            outbox=(slip,) if run_id == "one" else (),
        )
        roll_forward(settings, control)
        deliver_outbox(control, _targets(settings), lambda line: None)
        return report.lines()


def leave_traces(settings: Settings) -> None:
    """What runs leave behind: logs, pages, Dagster's history, messages, a dead build."""
    for name in ("dbt/logs/dbt.log", "data_docs/index.html", "fault.log"):
        path = settings.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a row failed: name=Ada Canary &amp; ada.canary@example.com\n", "utf-8")
    (settings.home / "build" / "dead").mkdir(parents=True)
    (settings.home / "build" / "dead" / "warehouse.duckdb").write_text("Ada Canary", "utf-8")
    history = settings.home / "dagster" / "history" / "runs.db"
    history.parent.mkdir(parents=True)
    with sqlite3.connect(history) as connection:
        connection.execute("create table event_logs (id integer primary key, event text)")
        event = json.dumps({"rows": ["name=Adele Cänary-Lovelace", "Ada Canary"]})
        connection.execute("insert into event_logs (event) values (?)", (event,))
    connection.close()
    settings.as_known_dir.mkdir()
    with duckdb.connect(str(settings.as_known_dir / "2026-01-01T000000Z.duckdb")) as known:
        known.execute("create table t as select 'cus_1' as customer_id, 'Ada Canary' as name")
    with Control(settings.control_database) as control:
        control.start_run("failed", settings.as_of, "code")
        control.finish_run("failed", "failed", message="1 row: name=Ada Canary")
        control.append_audit("bob", "quarantine acknowledged", {"why": "Ada Canary asked for it"})


def erase(
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    *,
    customer: str = CUSTOMER,
    why: str = "request 17",
) -> Erasure:
    """Erase the customer, as the command line does; can be killed in a process of its own."""
    os.environ.update(environ or {})
    with home_lock(settings.home, "erase"), Control(settings.control_database) as control:
        done = go_on(settings, control)
        if done:
            return done[0]
        roll_forward(settings, control)
        return erase_customer(
            settings, control, load_contract(), _targets(settings), customer,
            who="dpo", why=why, say=lambda line: None,
        )  # fmt: skip


def go_on(settings: Settings, control: Control) -> list[Erasure]:
    """What every start does first."""
    return continue_erasures(
        settings, control, load_contract(), _targets(settings), lambda line: None
    )


def _targets(settings: Settings) -> tuple[NoticeFile, ...]:
    return (NoticeFile(settings.home / "notices.jsonl"),)


def texts_of(path: Path) -> str:
    """All that a file says: its bytes, and the values in it where it is packed."""
    said = path.read_bytes().decode("utf-8", "replace")
    if path.suffix == ".gz":
        said += gzip.decompress(path.read_bytes()).decode()
    elif path.suffix == ".parquet":
        said += json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False)
    elif path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as packed:
            said += "".join(packed.read(name).decode() for name in packed.namelist())
    elif path.suffix == ".duckdb" and path.read_bytes()[8:12] == b"DUCK":
        with duckdb.connect(str(path), read_only=True) as connection:
            for (table,) in connection.execute(
                "select schema_name || '.' || table_name from duckdb_tables()"
            ).fetchall():
                said += str(connection.execute(f"select * from {table}").fetchall())
    return said.replace("\\u00e4", "ä").replace("\r\n", " ").replace("\\r\\n", " ")


def found(*folders: Path) -> dict[str, set[str]]:
    """Canaries by the file that has them."""
    places: dict[str, set[str]] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                said = texts_of(path).lower()
                hits = {canary for canary in CANARIES if canary.lower() in said}
                if hits:
                    places[path.relative_to(folder).as_posix()] = hits
    return places


def figures(path: Path) -> list[tuple[object, ...]]:
    """What a release says that is no text, and the names of others."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return [
            *connection.execute("select * from revenue.fct_money order by 1").fetchall(),
            *connection.execute("select count(*) from core.dim_customers").fetchall(),
            *connection.execute(
                "select name from core.dim_customers where customer_id <> 'cus_1' order by 1"
            ).fetchall(),
            *connection.execute(
                "select rows_received from quality.load_log order by file"
            ).fetchall(),
        ]


def _write(settings: Settings, name: str, text: str) -> None:
    path = settings.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def _parquet(settings: Settings, file: str, **columns: list[object]) -> None:
    path = settings.landing / file
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    for place, column in enumerate(table.column_names):
        if column.endswith("_at"):
            times = pc.strptime(table[column], format="%Y-%m-%dT%H:%M:%SZ", unit="us")
            table = table.set_column(place, column, times)
    pq.write_table(table, path, compression="none", use_dictionary=False)


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
