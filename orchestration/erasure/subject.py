"""Whom an erasure is about: the keys of a customer in every table, and all that was said of it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.control import Control
from orchestration.erasure.landed import UNREADABLE, personal_texts
from orchestration.erasure.texts import SHORTEST, Person, Value
from orchestration.errors import ConfigurationError
from orchestration.landing.contract import Contract, Table
from orchestration.landing.files import list_landing
from orchestration.landing.tombstones import LINKS, Tombstones, is_personal_id, load_tombstones
from orchestration.settings import Settings
from orchestration.warehouse import open_for_reading

#: Columns of releases that hold what a customer or a person of it is called or wrote.
EXPOSED = frozenset({"name", "account_name", "customer_name", "person_name", "email", "person_id"})
#: Columns that say whose a row of a release is.
OWNERS = ("customer_id", "account_id")

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_PHONE_DIGITS = 7
_PART = "contains(said.text, wanted.text)"


def find_person(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    control: Control,
    settings: Settings,
    customer: str,
    databases: Iterable[Path],
) -> Person:
    """Find the keys and texts of a customer in what has landed and in every release.

    Args:
        connection: to a build with the raw views of what has landed.
        contract: the raw contract.
        control: the control database.
        settings: where landing and home folders are.
        customer: id of a billing customer, or of one of its accounts.
        databases: releases and looks back.

    Raises:
        ConfigurationError: nobody has that id, or the id itself is personal data.
    """
    known = load_tombstones(control)
    ids = _landed_ids(connection, contract, customer)
    files = list(databases)
    _add_released_ids(ids, files, customer)
    if not any(ids.values()):
        raise ConfigurationError(
            f"No customer or account has the id {customer!r} in what has landed or was released. "
            "The id is that of billing/customers, or of crm/accounts."
        )
    for key in sorted(ids["customer"] | ids["account"]):
        if is_personal_id(key):
            raise ConfigurationError(
                f"The id {key!r} is itself an e-mail address, and every figure hangs on it. Land "
                "the customer under another id first."
            )
    tombstones = Tombstones(
        {kind: frozenset(found) for kind, found in ids.items() if found},
        known.salt or secrets.token_hex(16),
    )
    texts: dict[str, bool] = {}
    for file in list_landing(settings.landing, contract).files:
        # What cannot be read never came in; whether it holds anything is seen at the end.
        with suppress(OSError, *UNREADABLE):
            for text, is_known in personal_texts(file, tombstones).items():
                texts[text] = texts.get(text, False) or is_known
    owners = ids["customer"] | ids["account"]
    for file_ in files:
        texts |= dict.fromkeys(_released_texts(file_, owners), True)
    return Person(tombstones, tuple(_values(connection, contract, tombstones, texts)))


def _landed_ids(
    connection: duckdb.DuckDBPyConnection, contract: Contract, customer: str
) -> dict[str, set[str]]:
    def column(table: str, wanted: str, where: str, keys: Iterable[str]) -> set[str]:
        source, name = table.split(".")
        schema = contract.schema_of(contract.by_name[source, name])
        marks = ", ".join(["?"] * len(list(keys := sorted(keys))))
        if not marks:
            return set()
        rows = connection.execute(
            f'select distinct "{wanted}" from {schema}."{name}" where "{where}" in ({marks})', keys
        )
        return {key for (key,) in rows.fetchall() if key is not None}

    accounts = column("crm.accounts", "id", "id", [customer])
    # Whoever names an account means the customer that it belongs to.
    customers = column("crm.accounts", "billing_customer_id", "id", accounts)
    customers |= column("billing.customers", "id", "id", [customer])
    customers |= column("billing.subscriptions", "customer_id", "customer_id", [customer])
    accounts |= column("crm.accounts", "id", "billing_customer_id", customers)
    if not accounts:
        # Where there is no crm, accounts have the ids of the billing customers.
        for table, links in LINKS.items():
            if ("account_id", "account") in links:
                accounts |= column(".".join(table), "account_id", "account_id", [customer])
    invoices = column("billing.invoices", "id", "customer_id", customers)
    return {
        "customer": customers,
        "account": accounts,
        "subscription": column("billing.subscriptions", "id", "customer_id", customers),
        "invoice": invoices,
        "payment": column("billing.payments", "id", "customer_id", customers),
        "action": set(),
    }


def _add_released_ids(ids: dict[str, set[str]], databases: Iterable[Path], customer: str) -> None:
    """Add customers whose files went away, and the actions of their accounts."""
    for database in databases:
        with open_for_reading(database) as connection:
            there = set(connection.execute(_COLUMNS).fetchall())
            if ("core", "dim_customers", "customer_id") in there:
                found = connection.execute(
                    "select customer_id from core.dim_customers where customer_id = ?", [customer]
                ).fetchall()
                ids["customer"] |= {key for (key,) in found}
            for schema, table, column in sorted(there):
                owner = (schema, table, "account_id") in there
                if column == "action_id" and owner and ids["account"]:
                    marks = ", ".join(["?"] * len(ids["account"]))
                    rows = connection.execute(
                        f'select distinct action_id from "{schema}"."{table}"'
                        f" where account_id in ({marks}) and action_id is not null",
                        sorted(ids["account"]),
                    )
                    ids["action"] |= {key for (key,) in rows.fetchall()}


_COLUMNS = """
    select schema_name, table_name, column_name from duckdb_columns()
    where not internal and database_name = current_database() and data_type = 'VARCHAR'
"""


def _released_texts(database: Path, owners: set[str]) -> set[str]:
    """What a release calls the customer and its people."""
    found: set[str] = set()
    marks = ", ".join(["?"] * len(owners))
    with open_for_reading(database) as connection:
        there = set(connection.execute(_COLUMNS).fetchall())
        for schema, table, column in sorted(there):
            keys = [key for key in OWNERS if (schema, table, key) in there]
            if column not in EXPOSED or not keys:
                continue
            whose = " or ".join(f'"{key}" in ({marks})' for key in keys)
            rows = connection.execute(
                f'select distinct "{column}" from "{schema}"."{table}" where {whose}',
                sorted(owners) * len(keys),
            )
            found |= {
                text
                for (text,) in rows.fetchall()
                # Ids of people stay, unless they are addresses.
                if text is not None and (column != "person_id" or is_personal_id(text))
            }
    return found


def _values(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    tombstones: Tombstones,
    texts: Mapping[str, bool],
) -> list[Value]:
    """The texts, and whether each is the customer's alone and can be nothing else."""
    wanted = {text.strip(): known for text, known in texts.items() if len(text.strip()) > 1}
    telling = {text for text, is_known in wanted.items() if _says_who(text, is_known)}
    connection.register(
        "_wanted",
        pa.table({"text": pa.array(sorted({text.lower() for text in telling}), pa.string())}),
    )
    shared: set[str] = set()
    words: set[str] = set()
    for table in contract.tables:
        view = f'{contract.schema_of(table)}."{table.name}"'
        others = _is_of_others(table, tombstones)
        for column in table.columns:
            if column.data_type != "varchar" or column.name in table.key:
                continue
            said = f'lower(trim("{column.name}"))'
            is_of_people = column.erasable or column.is_id
            where = others if is_of_people else "true"
            # A name may be a part of another's.
            found = connection.execute(
                "select wanted.text from _wanted as wanted where exists (select 1 from"
                f" (select distinct {said} as text from {view} where {where}) as said"
                f" where {_PART if column.erasable else 'said.text = wanted.text'})"
            ).fetchall()
            target = shared if is_of_people else words
            target |= {text for (text,) in found}
    connection.unregister("_wanted")
    return [
        Value(
            text=text,
            is_distinctive=text in telling and (is_personal_id(text) or text.lower() not in words),
            is_shared=text.lower() in shared,
        )
        for text in sorted(wanted)
    ]


def _is_of_others(table: Table, tombstones: Tombstones) -> str:
    links = tombstones.of(table)
    own = [
        f'coalesce("{column}" in ({", ".join(_literal(key) for key in sorted(ids))}), false)'
        for column, ids in links.items()
    ]
    return f"not ({' or '.join(own)})" if own else "true"


def _says_who(text: str, is_known: bool) -> bool:
    """Whether a text can be nothing but this customer's; a date or a short word is anybody's."""
    if is_personal_id(text):
        return True
    digits = sum(character.isdigit() for character in text)
    letters = sum(character.isalpha() for character in text)
    if _MOMENT.fullmatch(text) or (not letters and digits < _PHONE_DIGITS):
        return False
    if not is_known:
        # What is outside the contract may be a code that many rows have.
        return digits >= _PHONE_DIGITS or " " in text
    return len(text) >= SHORTEST


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
