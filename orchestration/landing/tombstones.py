"""Customers that were erased: whenever their rows land, they come in without personal data.

A row is a customer's by the columns of `LINKS`. What goes is each column that the contract calls
personal or erasable; keys, times and money stay, so every figure stays. An id of such a row that is
an e-mail address (a user's, often) is replaced by the same pseudonym wherever it comes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.control import Control
from orchestration.landing.contract import Column, Table

#: By table: the columns that say whose a row is, and what they name.
LINKS: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("billing", "customers"): (("id", "customer"),),
    ("billing", "subscriptions"): (("customer_id", "customer"),),
    ("billing", "subscription_items"): (("subscription_id", "subscription"),),
    ("billing", "discounts"): (("customer_id", "customer"), ("subscription_id", "subscription")),
    ("billing", "invoices"): (("customer_id", "customer"),),
    ("billing", "invoice_line_items"): (
        ("invoice_id", "invoice"),
        ("subscription_id", "subscription"),
    ),
    ("billing", "payments"): (("customer_id", "customer"), ("invoice_id", "invoice")),
    ("billing", "refunds"): (("payment_id", "payment"),),
    ("billing", "credit_notes"): (("customer_id", "customer"), ("invoice_id", "invoice")),
    ("billing", "payment_methods"): (("customer_id", "customer"),),
    ("crm", "accounts"): (("id", "account"), ("billing_customer_id", "customer")),
    ("crm", "contacts"): (("account_id", "account"),),
    ("crm", "leads"): (("account_id", "account"),),
    ("crm", "action_outcomes"): (("action_id", "action"),),
    ("product", "events"): (("account_id", "account"),),
    ("product", "users"): (("account_id", "account"),),
    ("product", "entitlements"): (("account_id", "account"),),
    ("survey", "nps_responses"): (("account_id", "account"),),
    ("support", "tickets"): (("account_id", "account"),),
    ("success", "experiment_assignments"): (("account_id", "account"),),
}
#: Tables whose rows are nobody's; a test holds that every table of the contract is in one of both.
WITHOUT_CUSTOMERS = frozenset(
    {
        ("billing", "products"),
        ("billing", "prices"),
        ("finance", "fx_rates"),
        ("finance", "cost_of_revenue"),
        ("marketing", "spend"),
        ("success", "experiments"),
    }
)
PSEUDONYM = "erased-"


@dataclass(frozen=True)
class Tombstones:
    """Ids of erased customers by what they name; `salt` makes pseudonyms that nobody can guess."""

    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    salt: str = ""

    def of(self, table: Table) -> dict[str, frozenset[str]]:
        """The columns of a table that link to a customer, with the ids that are erased."""
        links = LINKS.get((table.source, table.name), ())
        return {column: ids for column, kind in links if (ids := self.ids.get(kind, frozenset()))}

    def are_named_by(self, row: Mapping[str, object], table: Table) -> bool:
        """Whether a row, by column name, is that of an erased customer."""
        return any(row.get(column) in ids for column, ids in self.of(table).items())

    def mask(self, rows: pa.Table, table: Table) -> Any:
        """Which rows are those of erased customers, as a numpy array; None where none is."""
        links = self.of(table)
        mask = np.zeros(rows.num_rows, bool)
        for column, ids in links.items():
            if column in rows.column_names:
                texts = pc.cast(rows[column], pa.string())
                found = pc.is_in(texts, value_set=pa.array(sorted(ids), pa.string()))
                mask |= found.to_numpy(zero_copy_only=False)
        return mask if mask.any() else None

    def forget(self, rows: pa.Table, table: Table) -> tuple[pa.Table, Any, int]:
        """Take the personal data out of converted rows.

        Returns:
            The rows, which of them are those of erased customers (None: none), and of how many
            something was taken.
        """
        mask = self.mask(rows, table)
        if mask is None:
            return rows, None, 0
        changed = np.zeros(rows.num_rows, bool)
        for place, column in enumerate(table.columns):
            before = rows[column.name]
            if column.erasable:
                after = blank(before, mask)
                is_other = mask & before.is_valid().to_numpy(zero_copy_only=False)
            elif column.is_id:
                names = [
                    self.pseudonym(text) if is_its and is_personal_id(text) else text
                    for text, is_its in zip(before.to_pylist(), mask, strict=True)
                ]
                after = pa.chunked_array([pa.array(names, before.type)])
                is_other = pc.not_equal(before, after).fill_null(False).to_numpy()
            else:
                continue
            changed |= is_other
            rows = rows.set_column(place, column.name, after)
        return rows, mask, int(changed.sum())

    def pseudonym(self, text: str) -> str:
        """What stands for an id that is itself personal."""
        digest = hashlib.sha256(f"{self.salt}\0{text.strip().lower()}".encode()).hexdigest()
        return f"{PSEUDONYM}{digest[:24]}"


def is_personal_id(text: str | None) -> bool:
    """Whether an id is an e-mail address."""
    return text is not None and "@" in text


def goes(column: Column | None) -> bool:
    """Whether a landed column is blanked: what the contract does not know may say anything."""
    return column is None or column.erasable


def blank(values: pa.ChunkedArray, mask: Any) -> pa.ChunkedArray:
    """The values, null where the mask is true; of any type."""
    places = pa.array(np.arange(len(values)), pa.int64(), mask=mask)
    return values.take(places)


def load_tombstones(control: Control) -> Tombstones:
    """All tombstones of a home."""
    found: dict[str, set[str]] = {}
    for row in control.connection.execute("select kind, id from erased_ids"):
        found.setdefault(row["kind"], set()).add(row["id"])
    salt = control.connection.execute("select salt from erasures order by rowid limit 1").fetchone()
    return Tombstones(
        {kind: frozenset(ids) for kind, ids in found.items()}, salt["salt"] if salt else ""
    )
