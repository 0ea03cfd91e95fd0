"""Customer: one at a time, out of as many as there are, to look up and to print.

Customers lie in the order of their ids in files of a fixed number. The page has the list of ids and
names and reads the one file that it needs as a script: pages that are opened from the file system
may read nothing else. Each file is JSON, compressed and in base64, so that no name in it is ever
code or HTML.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboard import charts
from dashboard.charts import Series
from dashboard.model import Empty, Figure, Lookup, Page, Section
from dashboard.released import Released

CUSTOMERS = "core.dim_customers"
MRR = "revenue.fct_mrr_by_customer_month"
HEALTH = "customer_success.fct_health_scores"
SIGNALS = "customer_success.fct_customer_signals"
QUEUE = "customer_success.fct_action_queue"
FIRED = "customer_success.fct_trigger_events"
REVIEW = "customer_success.rpt_quarterly_review"

PER_FILE = 100
#: Customers asked for at once: what their figures take in memory is bounded.
_AT_ONCE = 10_000
#: The latest months and firings that are shown.
MONTHS_SHOWN = 36
FIRED_SHOWN = 20

_MONTH = "strftime({}, '%b %Y')"
_DAY = "strftime({}, '%Y-%m-%d')"


def _text(column: str, digits: int = 2) -> str:
    """A decimal as exact text; the browser adds separators and never takes it for a float."""
    return f"cast(cast({column} as decimal(38, {digits})) as varchar)"


#: Parts of a customer's record: the mart, and SQL of its rows by `customer_id`, as lists of text.
_PARTS: dict[str, tuple[str, str]] = {
    "mrr": (
        MRR,
        f"select customer_id, list([{_MONTH.format('month')}, {_text('closing_mrr')},"
        " cast(is_complete as varchar)] order by month) as part"
        f" from {MRR} where policy_id = $policy and month > (select max(month)"
        f" - to_months({MONTHS_SHOWN}) from {MRR}) and customer_id between $first and $last"
        " group by customer_id",
    ),
    "health": (
        HEALTH,
        f"select customer_id, list([{_MONTH.format('as_of_date')}, {_text('score', 1)}, colour,"
        f" {_text('coverage * 100', 0)}, {_text('score_change_30d', 1)},"
        " concat_ws(', ', reason_1, reason_2, reason_3)] order by as_of_date) as part"
        f" from {HEALTH} where customer_id between $first and $last group by customer_id",
    ),
    "usage": (
        SIGNALS,
        f"select customer_id, list([{_MONTH.format('as_of_date')}, active_days, breadth]"
        " order by as_of_date) as part from (select customer_id, as_of_date,"
        f" max({_text('value', 0)}) filter (where signal = 'active_days_28d') as active_days,"
        f" max({_text('value * 100', 1)}) filter (where signal = 'feature_breadth') as breadth"
        f" from {SIGNALS} where signal in ('active_days_28d', 'feature_breadth')"
        " and customer_id between $first and $last"
        " group by customer_id, as_of_date) group by customer_id",
    ),
    "signals": (
        SIGNALS,
        f"select customer_id, list([signal, {_DAY.format('since_date')}, evidence]"
        " order by signal) as part"
        f" from {SIGNALS} where is_latest and customer_id between $first and $last"
        " group by customer_id",
    ),
    "actions": (
        QUEUE,
        f"select customer_id, list([{_DAY.format('due_date')}, template, channel, owner, evidence,"
        f" {_text('mrr_at_risk')}, cast(is_overdue as varchar)] order by queue_position) as part"
        f" from {QUEUE} where state = 'open' and customer_id between $first and $last"
        " group by customer_id",
    ),
    "fired": (
        FIRED,
        f"select customer_id, list([{_DAY.format('fired_date')}, trigger_key, severity,"
        f" {_DAY.format('cleared_date')}, evidence]"
        " order by fired_date desc, trigger_key, episode_number desc)"
        f"[1:{FIRED_SHOWN}] as part from {FIRED} where customer_id between $first and $last"
        " group by customer_id",
    ),
    "review": (
        REVIEW,
        f"select customer_id, list([title, headline, body, {_DAY.format('period_from_date')}]"
        f" order by section_number) as part from {REVIEW}"
        " where customer_id between $first and $last group by customer_id",
    ),
}

_FACTS = (
    "select customer_id, name, status, segment, industry, country, channel, plan, owner_id,"
    f" {_DAY.format('first_paid_at')} as first_paid, {_DAY.format('churned_at')} as churned,"
    f" {_text('current_mrr')} as current_mrr, parent_account_id from {CUSTOMERS}"
    " where customer_id between $first and $last"
)


def customer(released: Released) -> Page:
    """The page of whoever speaks with a customer next."""
    (found,) = released.rows(f"select count(*) as customers from {CUSTOMERS}")
    lookup = Lookup(
        found["customers"],
        PER_FILE,
        {"facts": CUSTOMERS, **{name: mart for name, (mart, _) in _PARTS.items()}},
        _figures(released.edition.currency),
    )

    def write(folder: Path) -> None:
        write_customers(released, folder / "data" / "customer")

    title = "Customer"
    lead = (
        "One customer: what it pays, how it uses the product, how healthy it is, what is to be "
        "done, and the pack for the quarterly review. Made to be printed."
    )
    if not lookup.customers:
        nobody = Empty("Nobody to look up", "The release has no customers yet.")
        return Page("customer", title, lead, (Section("lookup", "Look up a customer", (nobody,)),))
    return Page(
        "customer",
        title,
        lead,
        (Section("lookup", "Look up a customer", (lookup,)),),
        scripts=("customer.js",),
        write=write,
    )


def _figures(currency: str) -> tuple[Figure, ...]:
    score = (Series("score", "Health score", "series-1"),)
    return (
        Figure(
            "figure-mrr",
            "MRR",
            f"{currency}, closing MRR of each month",
            MRR,
            _small(charts.month_bars([], "value", "label")),
            ("Month", "MRR"),
        ),
        Figure(
            "figure-health",
            "Health score",
            "0 to 100",
            HEALTH,
            _small(charts.lines([], score, "label", domain=(0.0, 100.0), axis="d")),
            ("Month", "Score"),
        ),
        Figure(
            "figure-active",
            "Active days",
            "days of the 28 before each month end",
            SIGNALS,
            _small(charts.month_bars([], "value", "label", colour="gain-2", axis="d")),
            ("Month", "Active days"),
        ),
        Figure(
            "figure-breadth",
            "Core features used",
            "percent of the core features, 28 days before each month end",
            SIGNALS,
            _small(charts.month_bars([], "value", "label", colour="gain-2", axis="d")),
            ("Month", "Percent"),
        ),
    )


def _small(spec: dict[str, Any]) -> dict[str, Any]:
    return {**spec, "height": 170}


def write_customers(released: Released, folder: Path, per_file: int = PER_FILE) -> None:
    """Write the list of customers, and their records in files of `per_file`.

    Args:
        released: the release.
        folder: is made; gets `index.js`, `0.js`, `1.js`, and so on.
        per_file: customers in one file.
    """
    folder.mkdir(parents=True)
    listed = released.rows(
        f"select customer_id, name, status from {CUSTOMERS} order by customer_id"
    )
    index = [[row["customer_id"], row["name"], row["status"]] for row in listed]
    _write(
        folder / "index.js", "index", json.dumps(index, separators=(",", ":"), ensure_ascii=False)
    )
    ids = [row["customer_id"] for row in listed]
    number = 0
    for start in range(0, len(ids), max(_AT_ONCE // per_file, 1) * per_file):
        some = ids[start : start + max(_AT_ONCE // per_file, 1) * per_file]
        for records in _batches(_records(released, some[0], some[-1]), per_file):
            _write(folder / f"{number}.js", str(number), f"[{','.join(records)}]")
            number += 1


def _records(released: Released, first: str, last: str) -> Iterator[str]:
    """Records of the customers from one id to another as JSON, in the order of their ids.

    The engine writes the JSON: the rows of many customers never become objects of Python.
    """
    bounds = {"first": first, "last": last}
    parts = {
        name: dict(
            released.connection.execute(
                f"select customer_id, cast(to_json(part) as varchar) from ({sql})",
                bounds | ({"policy": released.policy_id} if "$policy" in sql else {}),
            ).fetchall()
        )
        for name, (mart, sql) in _PARTS.items()
        if released.has(mart)
    }
    facts = released.connection.execute(
        f"select customer_id, cast(to_json(facts) as varchar) from ({_FACTS}) as facts"
        " order by customer_id",
        bounds,
    )
    for customer_id, known in facts.fetchall():
        texts = {"facts": known}
        texts |= {name: by_customer.get(customer_id, "[]") for name, by_customer in parts.items()}
        yield "{" + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}"


def _batches(records: Iterator[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for record in records:
        batch.append(record)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _write(path: Path, name: str, text: str) -> None:
    """A script that hands over one value; base64 has no sign that HTML or code reads."""
    packed = base64.b64encode(zlib.compress(text.encode(), 6)).decode()
    path.write_text(f'window.holdfastCustomers("{name}","{packed}");\n', encoding="ascii")
