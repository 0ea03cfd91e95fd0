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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
#: Customers asked for at once: what their figures take in memory is bounded. Each time the marts
#: are read through.
_AT_ONCE = 25_000
#: The latest months and firings that are shown.
MONTHS_SHOWN = 36
FIRED_SHOWN = 20

_MONTH = "strftime({}, '%b %Y')"
_DAY = "strftime({}, '%Y-%m-%d')"


def _text(column: str, digits: int = 2) -> str:
    """A decimal as exact text; the browser adds separators and never takes it for a float."""
    return f"cast(cast({column} as decimal(38, {digits})) as varchar)"


@dataclass(frozen=True)
class _Part:
    """A part of a customer's record: a row of texts for each row of a mart.

    Attributes:
        mart: what it is made of.
        cells: SQL of the texts of a row.
        order: what rows are sorted by, all of it upwards; a row has it once in a customer.
        where: which rows.
        rows: SQL of the rows, where they are not those of the mart.
        limit: at most so many rows, the first ones.
    """

    mart: str
    cells: tuple[str, ...]
    order: tuple[str, ...]
    where: str = "true"
    rows: str = ""
    limit: int | None = None

    @property
    def sql(self) -> str:
        """Customers and their rows as JSON, of the customers from $first to $last.

        Rows become text before they are collected, and the collected ones are sorted: an aggregate
        that sorts (`list(... order by ...)`) takes three times as long.
        """
        keys = ", ".join(f"key_{place}: {key}" for place, key in enumerate(self.order))
        row = f"{{{keys}, text: cast(to_json([{', '.join(self.cells)}]) as varchar)}}"
        found = f"list_sort(list({row}))" + (f"[1:{self.limit}]" if self.limit else "")
        return (
            "select customer_id, '[' || array_to_string(list_transform("
            f"{found}, row -> row.text), ',') || ']' as part"
            f" from {self.rows or self.mart} where {self.where}"
            " and customer_id between $first and $last group by customer_id"
        )


#: Parts by their names in the record.
_PARTS: dict[str, _Part] = {
    "mrr": _Part(
        MRR,
        (_MONTH.format("month"), _text("closing_mrr"), "cast(is_complete as varchar)"),
        ("month",),
        "policy_id = $policy and month > (select max(month)"
        f" - to_months({MONTHS_SHOWN}) from {MRR})",
    ),
    "health": _Part(
        HEALTH,
        (
            _MONTH.format("as_of_date"),
            _text("score", 1),
            "colour",
            _text("coverage * 100", 0),
            _text("score_change_30d", 1),
            "concat_ws(', ', reason_1, reason_2, reason_3)",
        ),
        ("as_of_date",),
    ),
    "usage": _Part(
        SIGNALS,
        (_MONTH.format("as_of_date"), _text("active_days", 0), _text("breadth * 100", 1)),
        ("as_of_date",),
        # Of a customer with several accounts, the one that uses most.
        rows="(select customer_id, as_of_date,"
        " max(value) filter (where signal = 'active_days_28d') as active_days,"
        " max(value) filter (where signal = 'feature_breadth') as breadth"
        f" from {SIGNALS} where signal in ('active_days_28d', 'feature_breadth')"
        " and customer_id between $first and $last group by customer_id, as_of_date)",
    ),
    "signals": _Part(
        SIGNALS,
        ("signal", _DAY.format("since_date"), "evidence"),
        ("signal",),
        "is_latest",
    ),
    "actions": _Part(
        QUEUE,
        (
            _DAY.format("due_date"),
            "template",
            "channel",
            "owner",
            "evidence",
            _text("mrr_at_risk"),
            "cast(is_overdue as varchar)",
        ),
        ("queue_position",),
        "state = 'open'",
    ),
    "fired": _Part(
        FIRED,
        (
            _DAY.format("fired_date"),
            "trigger_key",
            "severity",
            _DAY.format("cleared_date"),
            "evidence",
        ),
        # The latest first.
        ("date '1970-01-01' - fired_date", "trigger_key", "-episode_number"),
        limit=FIRED_SHOWN,
    ),
    "review": _Part(
        REVIEW,
        ("title", "headline", "body", _DAY.format("period_from_date")),
        ("section_number",),
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
        {"facts": CUSTOMERS, **{name: part.mart for name, part in _PARTS.items()}},
        _figures(released.edition.currency),
    )

    def write(folder: Path, show: Callable[[str], None]) -> None:
        write_customers(released, folder / "data" / "customer", show=show)

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


def write_customers(
    released: Released,
    folder: Path,
    per_file: int = PER_FILE,
    show: Callable[[str], None] | None = None,
) -> None:
    """Write the list of customers, and their records in files of `per_file`.

    Args:
        released: the release.
        folder: is made; gets `index.js`, `0.js`, `1.js`, and so on.
        per_file: customers in one file.
        show: is given passing lines: how many customers are written.
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
            if show:
                written = min(number * per_file, len(ids))
                show(f"dashboard: {written:,} of {len(ids):,} customers")


def _records(released: Released, first: str, last: str) -> Iterator[str]:
    """Records of the customers from one id to another as JSON, in the order of their ids.

    The engine writes the JSON: the rows of many customers never become objects of Python.
    """
    bounds = {"first": first, "last": last}
    parts = {
        name: dict(
            released.connection.execute(
                part.sql,
                bounds | ({"policy": released.policy_id} if "$policy" in part.sql else {}),
            ).fetchall()
        )
        for name, part in _PARTS.items()
        if released.has(part.mart)
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
