"""An explanation as text for a person, and as JSON for a program."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from orchestration.explain.metrics import Metric
from orchestration.explain.walk import Explanation, Record

_WIDTH = 100
_END_OF_TIME = date(9999, 12, 31)
_EFFECTS = ("quantity", "price", "plan", "discount")
#: What of a policy people ask about first; the rest is in core.dim_metric_policies.
_SWITCHES = (
    "mrr_basis",
    "counted_statuses",
    "discounts",
    "metered",
    "refunds",
    "churn_at",
    "fx",
    "grain",
    "movement_grain",
)


def as_json(explanation: Explanation) -> str:
    """Everything of an explanation; money as text, so that no cent is lost."""
    content = {
        "metric": explanation.metric.name,
        "month": explanation.month,
        "customer_id": explanation.customer_id,
        "currency": explanation.currency,
        "value": explanation.value,
        "formula": _formula(explanation),
        "adds_up": explanation.adds_up,
        "row": explanation.row,
        "totals": {
            kind: {"mrr_change": change, "movements": count}
            for kind, (change, count) in explanation.totals.items()
        },
        "movements": explanation.movements,
        "movement_count": explanation.movement_count,
        "customers": explanation.customers,
        "items": explanation.items,
        "raw_rows": explanation.raw_rows,
        "raw_row_count": explanation.raw_row_count,
        "provenance": explanation.provenance,
    }
    return json.dumps(content, indent=2, default=str, ensure_ascii=False)


def as_text(explanation: Explanation) -> list[str]:
    """The explanation in lines, from the figure down to the files."""
    return [
        *_figure(explanation),
        *_movements(explanation),
        *_customers(explanation),
        *_items(explanation),
        *_raw_rows(explanation),
        *_provenance(explanation.provenance),
    ]


def _figure(explanation: Explanation) -> list[str]:
    metric = explanation.metric
    whose = f" of {explanation.customer_id}" if explanation.customer_id else ""
    value = _value(metric, explanation.value, explanation.currency)
    running = "" if explanation.row.get("is_complete", True) else " (the month is still running)"
    formula = textwrap.wrap(f"= {_formula(explanation)}", _WIDTH - 2, subsequent_indent="  ")
    lines = [
        f"{metric.title}{whose}, {explanation.month:%B %Y}: {value}{running}",
        *(f"  {line}" for line in formula),
    ]
    if not explanation.adds_up:
        lines += ["", "THIS DOES NOT ADD UP: the movements are not what the figure says."]
    return lines


def _formula(explanation: Explanation) -> str:
    row = explanation.row
    if explanation.customer_id and explanation.metric.unit == "rate":
        return (
            f"a rate of all customers; this one had {_money(row['opening_mrr'])} at the start and "
            f"{_money(row['closing_mrr'])} at the end"
        )
    try:
        shown = {name: _Figure(value) for name, value in row.items()}
        return explanation.metric.formula.format(**shown)
    except KeyError:
        return f"{_money(row['opening_mrr'])} opening, {_money(row['closing_mrr'])} closing"


class _Figure:
    """A value in a formula: money with separators, counts as they are, signs where asked for."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __format__(self, sign: str) -> str:
        if isinstance(self._value, Decimal):
            amount = f"{abs(self._value):,.2f}"
            if not sign:
                return f"-{amount}" if self._value < 0 else amount
            return f"- {amount}" if self._value < 0 else f"+ {amount}"
        return f"{self._value:,}" if isinstance(self._value, int) else str(self._value)


def _movements(explanation: Explanation) -> list[str]:
    if not explanation.movement_count:
        return ["", "No movement of the month is behind it."]
    lines = ["", f"Movements behind it ({explanation.movement_count}):"]
    kinds = [
        (kind, _money(change), f"{count:,}")
        for kind, (change, count) in explanation.totals.items()
        if not explanation.metric.types or kind in explanation.metric.types
    ]
    lines += _table(("type", "MRR", "movements"), kinds, right={1, 2})
    lines.append("")
    if explanation.customer_id:
        for move in explanation.movements:
            lines += _one_movement(move)
        return lines
    rows = [
        (
            f"{move['movement_date']}",
            move["customer_id"],
            move["movement_type"],
            _money(move["mrr_before"]),
            _money(move["mrr_after"]),
            f"{_Figure(move['mrr_change']):+}",
        )
        for move in explanation.movements
    ]
    head = ("date", "customer", "type", "before", "after", "change")
    lines += _table(head, rows, right={3, 4, 5})
    rest = explanation.movement_count - len(explanation.movements)
    if rest:
        lines.append(f"  ... and {rest} smaller ones (all: ALL=1)")
    return lines


def _one_movement(move: Record) -> list[str]:
    """A movement of one customer: what it was, why, and how many raw rows it names."""
    parts = [
        f"{name} {_Figure(move[f'{name}_effect']):+}"
        for name in _EFFECTS
        if move.get(f"{name}_effect")
    ]
    why = ", ".join(parts)
    if move["movement_type"] == "churn":
        why = ", ".join(
            str(move[name])
            for name in ("churn_type", "churn_reason", "churn_feedback")
            if move.get(name)
        )
    return [
        f"  {move['movement_date']}  {move['movement_type']:<12} "
        f"{_money(move['mrr_before'])} -> {_money(move['mrr_after'])}"
        f"  ({_Figure(move['mrr_change']):+})" + (f"  {why}" if why else ""),
    ]


def _customers(explanation: Explanation) -> list[str]:
    if not explanation.customers:
        return []
    rows = [
        (row["customer_id"], row["name"] or "", _money(row["amount"]))
        for row in explanation.customers
    ]
    return [
        "",
        "Largest customers in it (CUSTOMER=... walks to the raw rows of one):",
        *_table(("customer", "name", "MRR"), rows, right={2}),
    ]


def _items(explanation: Explanation) -> list[str]:
    if not explanation.items:
        return []
    rows = [
        (
            row["subscription_id"] or "",
            row["subscription_item_id"],
            f"{row['price_id'] or ''} v{row['price_version']}" if row["price_id"] else "",
            "" if row["quantity"] is None else f"{row['quantity']:,}",
            f"{_money(row['gross_mrr'])} {row['currency']}",
            f"{_money(row['net_mrr'])} {row['currency']}",
            f"{row['from_date']}",
            "" if row["to_date"] >= _END_OF_TIME else f"{row['to_date']}",
        )
        for row in explanation.items
    ]
    head = ("subscription", "item", "price", "quantity", "gross", "net", "since", "until")
    return ["", "Items in force at the end of the month:", *_table(head, rows, right={3, 4, 5})]


def _raw_rows(explanation: Explanation) -> list[str]:
    if not explanation.customer_id:
        files = f"{explanation.raw_row_count:,} landed rows are behind these movements."
        return ["", files] if explanation.raw_row_count else []
    rows = [
        (
            row["source_id"],
            "" if row["version_at"] is None else f"{row['version_at']:%Y-%m-%d %H:%M}",
            row["file"],
            f"{row['file_row']}",
        )
        for row in explanation.raw_rows
    ]
    head = ("raw row", "version", "file in the landing folder", "row")
    return ["", f"Landed rows behind it ({len(rows)}):", *_table(head, rows, right={3})]


def _provenance(provenance: Mapping[str, Any]) -> list[str]:
    policy = provenance["policy"]
    switches = ", ".join(f"{name} {policy[name]}" for name in _SWITCHES if policy.get(name))
    wrapped = textwrap.wrap(switches, _WIDTH - 13)
    return [
        "",
        "Where it comes from:",
        f"  release    {provenance['release']}, published "
        f"{provenance['published_at']:%Y-%m-%d %H:%M} UTC, as of {provenance['as_of_date']}",
        f"  run        {provenance['run_id']}: {provenance['rows_received']:,} rows received, "
        f"{provenance['rows_quarantined']:,} quarantined; {provenance['checks_run']:,} checks, "
        f"{provenance['checks_failed']:,} failed, {provenance['checks_warned']:,} warned",
        f"  policy     {policy['policy_id']} ({policy['name']})",
        *(f"             {line}" for line in wrapped),
        f"  code       {provenance['code_version'][:16]}",
        f"  input      {provenance['input_fingerprint'][:16]}",
        f"  file       sha256 {provenance['sha256'][:16]}",
    ]


def _value(metric: Metric, value: Any, currency: str) -> str:
    if value is None:
        return "no value"
    if metric.unit == "money":
        return f"{_money(value)} {currency}"
    if metric.unit == "count":
        return f"{value:,}"
    if metric.name == "quick_ratio":
        return f"{value:.2f}"
    return f"{100 * value:.2f} %"


def _money(value: Any) -> str:
    return f"{Decimal(value):,.2f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], right: set[int]) -> list[str]:
    """Columns as wide as what is in them."""
    listed = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(row[place]) for row in listed) for place in range(len(head))]
    return [
        "  "
        + "  ".join(
            text.rjust(widths[place]) if place in right else text.ljust(widths[place])
            for place, text in enumerate(row)
        ).rstrip()
        for row in listed
    ]


def parse_month(text: str) -> date:
    """The first day of a month written `2026-10`.

    Raises:
        ValueError: it is not written so.
    """
    return datetime.strptime(text, "%Y-%m").date()
