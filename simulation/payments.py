"""Raw tables of money: invoices and lines as versions, payments, refunds, credit notes, cards."""

from __future__ import annotations

import numpy as np

from simulation.billing import currency_column, price_ids
from simulation.columns import NULL, Columns, concatenate, expand, take
from simulation.config import Ints, generator
from simulation.dates import DAY, FOREVER, first_day, month_of
from simulation.invoice_lines import DRAFT, OPEN, PAID, STATUSES, UNCOLLECTIBLE, VOID
from simulation.invoicing import (
    ATTEMPT_DAYS,
    Invoicing,
    is_collected,
)
from simulation.tables import Column, RawTable, code, expression, flag, ids, instant, whole
from simulation.world import World

CARD_BRANDS = ("visa", "mastercard", "amex", "jcb")
FAILURE_CODES = ("card_declined", "insufficient_funds", "expired_card", "processing_error")
REFUND_REASONS = ("requested_by_customer", "duplicate", "fraudulent")
CREDIT_REASONS = ("order_change", "product_unsatisfactory", "duplicate", "other")
SUCCEEDED, FAILED, PENDING = range(3)


def invoices_table(world: World, invoicing: Invoicing) -> RawTable:
    """A version as made (open, or draft), and one as settled where that came on a later day."""
    rows = invoicing.invoices
    number = np.arange(len(rows["created"]), dtype=np.int64)
    # An uncollectible invoice is given up on; a void one is void within a minute.
    settled_at = np.where(
        rows["status"] == PAID,
        rows["paid_at"],
        np.where(
            rows["status"] == UNCOLLECTIBLE,
            rows["gave_up_at"],
            np.where(rows["status"] == VOID, rows["created"] + 60, NULL),
        ),
    )
    is_settled = settled_at != NULL
    begun = ~is_settled | (settled_at // DAY > rows["created"] // DAY)
    version = np.concatenate([number[begun], number[is_settled]])
    done = np.repeat([False, True], [int(begun.sum()), int(is_settled.sum())])
    of = take(rows, version)
    status = np.where(done, of["status"], np.where(of["status"] == DRAFT, DRAFT, OPEN))
    at = np.where(done, settled_at[version], of["created"])
    paid = status == PAID
    # By the first evening a failed renewal has been tried once.
    attempts = np.where(done, of["attempts"], np.minimum(of["attempts"], of["failed"].clip(0, 1)))
    columns = {
        "id": ids("in", version, 9),
        "customer_id": ids("cus", of["customer"], 7),
        "subscription_id": ids("sub", of["subscription"]),
        "status": code(STATUSES, status),
        "currency": currency_column(of["currency"]),
        "subtotal": whole(of["subtotal"]),
        "discount_amount": whole(of["discount"]),
        "tax": whole(of["tax"]),
        "total": whole(of["total"]),
        "amount_paid": whole(np.where(paid, np.maximum(of["total"], 0), 0)),
        "attempt_count": whole(attempts),
        "created": instant(of["created"]),
        "due_at": instant(of["due_at"]),
        "paid_at": instant(np.where(paid, of["paid_at"], NULL)),
        "period_start": instant(of["period_start"]),
        "period_end": instant(of["period_end"]),
        "updated_at": instant(at),
    }
    return RawTable("billing", "invoices", columns, landed=at)


def lines_table(invoicing: Invoicing) -> RawTable:
    """The lines, landed with their invoice."""
    rows = invoicing.lines
    number = np.arange(len(rows["invoice"]), dtype=np.int64)
    invoice = rows["invoice"]
    at = invoicing.invoices["created"][invoice]
    what = np.where(rows["kind"] == 1, 2, np.where(rows["proration"] == 1, 1, 0))
    columns = {
        "id": ids("il", number, 9),
        "invoice_id": ids("in", invoice, 9),
        "subscription_id": ids("sub", rows["subscription"]),
        "subscription_item_id": ids("si", np.where(rows["item"] < 0, NULL, rows["item"])),
        "price_id": code(price_ids(), rows["price"]),
        "type": code(("subscription", "invoiceitem"), np.maximum(rows["kind"], rows["proration"])),
        "description": code(("Subscription", "Change within the period", "Set-up"), what),
        "amount": whole(rows["amount"]),
        "discount_amount": whole(rows["discount"]),
        "tax_amount": whole(rows["tax"]),
        "currency": currency_column(invoicing.invoices["currency"][invoice]),
        "quantity": whole(rows["quantity"]),
        "proration": flag(rows["proration"]),
        "period_start": instant(rows["period_start"]),
        "period_end": instant(rows["period_end"]),
        "updated_at": instant(at),
    }
    return RawTable("billing", "invoice_line_items", columns, landed=at)


def payment_methods(world: World) -> Columns:
    """Cards: one at sign-up; a new one ten days before the old one expires, where one comes."""
    rng = generator(world.config.seed, "cards")
    count = world.config.customers
    customer = np.arange(count, dtype=np.int64)
    created = world.customers["created"] + 45
    until_month = month_of(created // DAY) + rng.integers(5, 48, count)
    cards: list[Columns] = []
    while len(customer):
        expiry = first_day(until_month + 1) * DAY
        replaced_at = expiry - 10 * DAY + rng.integers(0, 8 * DAY, len(customer))
        known = replaced_at // DAY <= world.config.as_of_day
        replaced = known & (rng.random(len(customer)) < 0.8)
        cards.append(
            {
                "customer": customer,
                "created": created,
                "expires": until_month,
                "detached_at": np.where(replaced, replaced_at, NULL),
                "brand": rng.choice(4, len(customer), p=[0.5, 0.35, 0.1, 0.05]),
            }
        )
        customer, created = customer[replaced], replaced_at[replaced]
        until_month = month_of(created // DAY) + rng.integers(24, 48, len(customer))
    rows = concatenate(cards)
    return take(rows, np.lexsort((rows["created"], rows["customer"])))


def payment_methods_table(world: World, cards: Columns) -> RawTable:
    """A version when added, one when replaced (no longer the default)."""
    number = np.arange(len(cards["created"]), dtype=np.int64)
    gone = number[cards["detached_at"] != NULL]
    version = np.concatenate([number, gone])
    is_gone = np.repeat([0, 1], [len(number), len(gone)])
    of = take(cards, version)
    at = np.where(is_gone == 1, of["detached_at"], of["created"])
    month_number = of["expires"]
    columns = {
        "id": ids("pm", version),
        "customer_id": ids("cus", of["customer"], 7),
        "type": expression(version, "'card'"),
        "card_brand": code(CARD_BRANDS, of["brand"]),
        "card_exp_month": whole(month_number % 12 + 1),
        "card_exp_year": whole(month_number // 12 + 1970),
        "is_default": flag(1 - is_gone),
        "created": instant(of["created"]),
        "detached_at": instant(np.where(is_gone == 1, of["detached_at"], NULL)),
        "updated_at": instant(at),
    }
    return RawTable("billing", "payment_methods", columns, landed=at, formats=("jsonl", "parquet"))


def payments(world: World, invoicing: Invoicing, cards: Columns) -> Columns:
    """Every attempt to be paid: failed ones on their days, and the one that succeeded."""
    rng = generator(world.config.seed, "payments")
    rows = invoicing.invoices
    last = world.config.as_of_day
    invoice, attempt = expand(np.where(rows["total"] > 0, rows["failed"], 0))
    failed_at = rows["created"][invoice] + ATTEMPT_DAYS[attempt] * DAY + 30
    collected = np.flatnonzero(is_collected(rows)).astype(np.int64)
    table: Columns = {
        "invoice": np.concatenate([invoice, collected]),
        "created": np.concatenate([failed_at, rows["paid_at"][collected]]),
        "status": np.repeat([FAILED, SUCCEEDED], [len(invoice), len(collected)]),
    }
    table = take(table, table["created"] // DAY <= last)
    table = take(table, np.lexsort((table["created"], table["invoice"])))
    count = len(table["invoice"])
    table["customer"] = rows["customer"][table["invoice"]]
    table["amount"] = rows["total"][table["invoice"]]
    table["currency"] = rows["currency"][table["invoice"]]
    table["failure"] = np.where(
        table["status"] == FAILED, rng.choice(4, count, p=[0.5, 0.3, 0.15, 0.05]), NULL
    )
    # The customer's latest card at that time.
    wide = np.int64(2**36)
    key = cards["customer"] * wide + cards["created"]
    position = np.searchsorted(key, table["customer"] * wide + table["created"], side="right") - 1
    first = np.searchsorted(key, table["customer"] * wide, side="left")
    table["card"] = np.maximum(position, first)
    return table


def payments_table(table: Columns) -> RawTable:
    """One row per attempt."""
    number = np.arange(len(table["created"]), dtype=np.int64)
    columns: dict[str, Column] = {
        "id": ids("pay", number, 9),
        "invoice_id": ids("in", table["invoice"], 9),
        "customer_id": ids("cus", table["customer"], 7),
        "payment_method_id": ids("pm", table["card"]),
        "amount": whole(table["amount"]),
        "currency": currency_column(table["currency"]),
        "status": code(("succeeded", "failed", "pending"), table["status"]),
        "failure_code": code(FAILURE_CODES, table["failure"]),
        "created": instant(table["created"]),
        "updated_at": instant(table["created"]),
    }
    return RawTable("billing", "payments", columns, landed=table["created"])


def refunds_table(world: World, table: Columns) -> RawTable:
    """About one payment in eighty is given back, half of these in part; a few refunds fail."""
    rng = generator(world.config.seed, "refunds")
    paid = np.flatnonzero(table["status"] == SUCCEEDED).astype(np.int64)
    chosen = paid[rng.random(len(paid)) < 0.0125]
    count = len(chosen)
    at = table["created"][chosen] + rng.integers(DAY, 20 * DAY, count)
    amount = table["amount"][chosen]
    amount = np.where(rng.random(count) < 0.5, amount, np.maximum(amount // 2, 1))
    status = np.where(rng.random(count) < 0.04, 1, 0)
    reason = rng.choice(3, count, p=[0.8, 0.15, 0.05])
    seen = at // DAY <= world.config.as_of_day
    chosen, at, amount, status, reason = (
        values[seen] for values in (chosen, at, amount, status, reason)
    )
    columns = {
        "id": ids("re", np.arange(len(at), dtype=np.int64)),
        "payment_id": ids("pay", chosen, 9),
        "amount": whole(amount),
        "currency": currency_column(table["currency"][chosen]),
        "status": code(("succeeded", "failed"), status),
        "reason": code(REFUND_REASONS, reason),
        "created": instant(at),
        "updated_at": instant(at),
    }
    return RawTable("billing", "refunds", columns, landed=at, formats=("csv",))


def credit_notes_table(world: World, invoicing: Invoicing) -> RawTable:
    """Credits on about one invoice in a hundred; one in ten of them is voided later."""
    rng = generator(world.config.seed, "credit notes")
    rows = invoicing.invoices
    possible = np.flatnonzero((rows["total"] > 1) & np.isin(rows["status"], (OPEN, PAID))).astype(
        np.int64
    )
    invoice = possible[rng.random(len(possible)) < 0.008]
    count = len(invoice)
    created = rows["created"][invoice] + rng.integers(DAY, 15 * DAY, count)
    share = rng.integers(10, 51, count)
    amount = np.maximum(rows["total"][invoice] * share // 100, 1)
    voided = np.where(rng.random(count) < 0.1, created + rng.integers(3_600, 9 * DAY, count), NULL)
    reason = rng.integers(0, len(CREDIT_REASONS), count)
    number = np.arange(count, dtype=np.int64)
    gone = number[voided != NULL]
    version = np.concatenate([number, gone])
    is_gone = np.repeat([False, True], [count, len(gone)])
    at = np.where(is_gone, voided[version], created[version])
    seen = at // DAY <= world.config.as_of_day
    version, is_gone, at = version[seen], is_gone[seen], at[seen]
    columns = {
        "id": ids("cn", version),
        "invoice_id": ids("in", invoice[version], 9),
        "customer_id": ids("cus", rows["customer"][invoice[version]], 7),
        "amount": whole(amount[version]),
        "currency": currency_column(rows["currency"][invoice[version]]),
        "reason": code(CREDIT_REASONS, reason[version]),
        "created": instant(created[version]),
        "voided_at": instant(np.where(is_gone, voided[version], NULL)),
        "updated_at": instant(at),
    }
    return RawTable("billing", "credit_notes", columns, landed=at, formats=("jsonl",))


def lost_first_versions(world: World, invoicing: Invoicing) -> Ints:
    """Items whose first landed version is lost: invoice lines alone say how they began.

    Only items that changed later and were invoiced before that, so that the lines can speak.
    """
    if world.config.clean:
        return np.empty(0, np.int64)
    rng = generator(world.config.seed, "lost versions")
    log = world.item_versions.columns()
    log = take(log, (log["at"] // DAY <= world.config.as_of_day) & (log["quantity"] != NULL))
    log = take(log, np.lexsort((log["at"], log["item"])))
    day = log["at"] // DAY
    count = len(world.items)
    first = np.full(count, FOREVER, np.int64)
    np.minimum.at(first, log["item"], day)
    second = np.full(count, FOREVER, np.int64)
    later = day > first[log["item"]]
    np.minimum.at(second, log["item"][later], day[later])
    lines = invoicing.lines
    speaks = (
        (lines["item"] >= 0)
        & (lines["proration"] == 0)
        & np.isin(invoicing.invoices["status"][lines["invoice"]], (OPEN, PAID, UNCOLLECTIBLE))
    )
    line_item = lines["item"][speaks]
    invoiced = np.zeros(count, dtype=bool)
    before = lines["period_start"][speaks] // DAY < second[line_item]
    invoiced[line_item[before]] = True
    chosen = invoiced & (second < FOREVER) & (rng.random(count) < 0.05)
    return np.flatnonzero(chosen).astype(np.int64)
