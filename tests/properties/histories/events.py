"""What may happen to a subscription between two versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from tests.properties.histories.draft import Draft
from tests.properties.histories.world import Row

Event = Callable[[Draft, Row, datetime], None]
"""Changes the row to what it is from that time on."""

REASONS = (None, None, "cancellation_requested", "payment_failed", "payment_disputed")
FEEDBACKS = (None, "too_expensive", "unused", "other")


def events_of(draft: Draft) -> list[Event]:
    """What may happen to a subscription with the features of the history."""
    possible: dict[str, Sequence[Event]] = {
        "past_due": (_status("past_due"), _status("past_due"), _status("unpaid"), _recover),
        "paused": (_status("paused"), _recover),
        "collection_pause": (_pause_collection, _pause_collection, _resume),
        "scheduled_cancel": (_schedule, _schedule, _unschedule),
        "cancel": (_cancel, _cancel),
        "return": (_return, _recover),
    }
    events: list[Event] = [_nothing]
    for feature, some in possible.items():
        if feature in draft.features:
            events += some
    return events


def _nothing(draft: Draft, row: Row, at: datetime) -> None:
    """A version without a change."""


def _pause_collection(draft: Draft, row: Row, at: datetime) -> None:
    row["collection_paused_at"] = at if draft.chance.random() < 0.7 else draft.moment()
    row["collection_resumes_at"] = draft.moment() if draft.chance.random() < 0.4 else None


def _cancel(draft: Draft, row: Row, at: datetime) -> None:
    row["status"] = "canceled" if draft.chance.random() < 0.9 else row["status"]
    if row.get("canceled_at") is None and draft.chance.random() < 0.8:
        row["canceled_at"] = at
    row["ended_at"] = at
    if draft.has("back_dated", 0.5):
        row["ended_at"] = draft.moment()
    elif row["status"] == "canceled" and draft.chance.random() < 0.15:
        row["ended_at"] = None
    row["cancellation_reason"] = draft.chance.choice(REASONS)
    row["cancellation_feedback"] = draft.chance.choice(FEEDBACKS)


def _status(status: str) -> Event:
    def change(draft: Draft, row: Row, at: datetime) -> None:
        row["status"] = status

    return change


def _recover(draft: Draft, row: Row, at: datetime) -> None:
    if row.get("ended_at") is None and row["status"] != "canceled":
        row["status"] = "active"


def _resume(draft: Draft, row: Row, at: datetime) -> None:
    row["collection_paused_at"] = row["collection_resumes_at"] = None


def _schedule(draft: Draft, row: Row, at: datetime) -> None:
    if row.get("ended_at") is None:
        row["cancel_at_period_end"] = True
        row["canceled_at"] = at


def _unschedule(draft: Draft, row: Row, at: datetime) -> None:
    if row.get("ended_at") is None and row["status"] != "canceled":
        row["cancel_at_period_end"] = False
        row["canceled_at"] = None


def _return(draft: Draft, row: Row, at: datetime) -> None:
    row["status"] = "active"
    row["ended_at"] = row["canceled_at"] = None
    row["cancellation_reason"] = row["cancellation_feedback"] = None
