"""What later releases changed in closed months, and the notice that says so."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from orchestration.books.periods import PART_COLUMNS, PARTS, ClosedRow
from orchestration.control import Control, to_text
from orchestration.release.publish import OutboxMessage
from orchestration.settings import Settings
from orchestration.warehouse import has_table

#: A notice names so many customers; the rest are counted, all are in the mart.
NAMED_CUSTOMERS = 20
NOTICE = "restatement_notice"


@dataclass(frozen=True)
class Restated:
    """One new difference of a closed figure; `cents` are the differences of each part."""

    close_id: str
    policy_id: str
    customer_id: str
    month: date
    cents: tuple[int, ...]
    cause: str
    source_ids: tuple[str, ...]


@dataclass(frozen=True)
class NewBooks:
    """What a build adds to the books."""

    closed: tuple[ClosedRow, ...]
    restated: tuple[Restated, ...]


def read_new_books(
    connection: duckdb.DuckDBPyConnection, run_id: str, close_id: str | None
) -> NewBooks:
    """The figures that the build closes, and its new differences; empty without the marts."""
    closed: list[ClosedRow] = []
    cents = ", ".join(f"cast({column} * 100 as bigint)" for column in PART_COLUMNS)
    if close_id is not None and has_table(connection, "revenue", "fct_mrr_closed_periods"):
        closed = [
            (row[0], row[1], tuple(row[2:]))
            for row in connection.execute(
                f"select policy_id, customer_id, {cents} from revenue.fct_mrr_closed_periods"
                " where close_id = ? order by all",
                [close_id],
            ).fetchall()
        ]
    restated: list[Restated] = []
    if has_table(connection, "revenue", "fct_mrr_restatements"):
        differences = ", ".join(
            f"cast({'' if part == 'closing' else part + '_'}difference * 100 as bigint)"
            for part in PARTS
        )
        restated = [
            Restated(row[0], row[1], row[2], row[3], tuple(row[6:]), row[4], tuple(row[5] or ()))
            for row in connection.execute(
                "select close_id, policy_id, customer_id, month, cause, source_ids,"
                f" {differences} from revenue.fct_mrr_restatements where run_id = ?"
                " order by close_id, policy_id, customer_id",
                [run_id],
            ).fetchall()
        ]
    return NewBooks(tuple(closed), tuple(restated))


def record_restated(
    control: Control, rows: Sequence[Restated], *, release_n: int, run_id: str, settings: Settings
) -> None:
    """Keep new differences; call it in the transaction that commits their release."""
    run = next(run for run in control.runs() if run.run_id == run_id)
    with control.transaction() as connection:
        connection.executemany(
            "insert into restatements (release_n, close_id, policy_id, customer_id, run_id,"
            f" restated_at, {', '.join(PART_COLUMNS)}, cause, source_ids)"
            f" values ({', '.join('?' * (8 + len(PARTS)))})",
            [
                (
                    release_n,
                    row.close_id,
                    row.policy_id,
                    row.customer_id,
                    run_id,
                    to_text(run.started_at),
                    *row.cents,
                    row.cause,
                    json.dumps(row.source_ids),
                )
                for row in rows
            ],
        )
        if rows:
            control.append_audit("run", "closed months restated", _figures(rows, settings))


def notice(rows: Sequence[Restated], release_n: int, settings: Settings) -> OutboxMessage | None:
    """The message that a release owes for what it restates; None where it restates nothing."""
    if not rows:
        return None
    content = {
        "release": release_n,
        "as_of": settings.as_of.isoformat(),
        **_figures(rows, settings),
    }
    return OutboxMessage(f"{NOTICE}/{release_n}", NOTICE, json.dumps(content, sort_keys=True))


def notice_lines(rows: Sequence[Restated], settings: Settings) -> list[str]:
    """The same for the people who look at the run: a line per month, policy and cause."""
    if not rows:
        return []
    figures = _figures(rows, settings)
    return [
        "Closed months restated (revenue.fct_mrr_restatements); the closed figures stand:",
        *(
            f"  {entry['month']} {entry['policy_id']}: {Decimal(entry['difference']):+,} "
            f"{settings.reporting_currency} closing MRR, {entry['cause']}, "
            f"{entry['customers']} customer{'' if entry['customers'] == '1' else 's'}"
            for entry in figures["months"]
        ),
    ]


def _figures(rows: Sequence[Restated], settings: Settings) -> dict[str, list[dict[str, str]]]:
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in rows:
        sums[f"{row.month:%Y-%m}", row.policy_id, row.cause].append(row.cents[-1])
    largest = sorted(rows, key=lambda row: (-abs(row.cents[-1]), row.policy_id, row.customer_id))
    return {
        "months": [
            {
                "month": month,
                "policy_id": policy,
                "cause": cause,
                "customers": str(len(cents)),
                "difference": _money(sum(cents)),
                "currency": settings.reporting_currency,
            }
            for (month, policy, cause), cents in sorted(sums.items())
        ],
        "largest": [
            {
                "month": f"{row.month:%Y-%m}",
                "policy_id": row.policy_id,
                "customer_id": row.customer_id,
                "difference": _money(row.cents[-1]),
                "cause": row.cause,
                "source_ids": ", ".join(row.source_ids),
            }
            for row in largest[:NAMED_CUSTOMERS]
        ],
    }


def _money(cents: int) -> str:
    return str(Decimal(cents).scaleb(-2))
