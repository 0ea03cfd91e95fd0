"""The outbox: what is to be said because of a release, and to whom, until it has been said.

That a run was held is said by it too (`held.py`).

Rows come to be in the transaction that commits the release, one for each target, with a key that
is made of release and target. Every start delivers what is due. A crash between a delivery and
its record delivers once more under the same key, which the receiver knows it by; so nothing is
lost, nothing is said of a release that was not committed, and a target that is down holds up
neither the release nor another target.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from orchestration.control import Control, to_text
from orchestration.failpoints import failpoint
from orchestration.release.publish import OutboxMessage

Say = Callable[[str], None]

#: After so many attempts (about a day) a person has to look at it.
MAX_ATTEMPTS = 12
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=6)


class DeliveryError(Exception):
    """A delivery did not succeed; `is_final` where trying again cannot help."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Target(Protocol):
    """Takes messages. The same key may come more than once, after a crash."""

    @property
    def name(self) -> str:
        """The `target` of the messages that are its."""

    def deliver(self, message: OutboxMessage, now: datetime) -> None:
        """Deliver one message; `now` is naive UTC.

        Raises:
            DeliveryError: it is not there.
        """


@dataclass(frozen=True)
class Pending:
    """A row of the outbox that is not delivered; times are naive UTC."""

    message: OutboxMessage
    release_n: int | None
    state: str
    attempts: int
    created_at: datetime
    last_error: str | None


def for_each_target(
    messages: Sequence[OutboxMessage], targets: Sequence[Target], run_id: str
) -> list[OutboxMessage]:
    """Each message once per target, under a key that no other home or run has."""
    return [
        OutboxMessage(
            key=f"{run_id}/{message.kind}/{target.name}",
            kind=message.kind,
            payload=message.payload,
            target=target.name,
        )
        for message in messages
        for target in targets
    ]


def deliver_outbox(control: Control, targets: Sequence[Target], say: Say) -> None:
    """Deliver what is due, oldest first; a target's failure ends its own turn only.

    Call it while holding the lock of the home folder.
    """
    for target in targets:
        _deliver_to(control, target, say)
    _tell_unserved(control, {target.name for target in targets}, say)


def pending(control: Control) -> list[Pending]:
    """What is not delivered: waiting, or given up (`dead`)."""
    rows = control.connection.execute(
        "select * from outbox where state <> 'delivered' order by release_n, key"
    )
    return [
        Pending(
            message=OutboxMessage(row["key"], row["kind"], row["payload"], row["target"]),
            release_n=row["release_n"],
            state=row["state"],
            attempts=row["attempts"],
            created_at=datetime.fromisoformat(row["created_at"]),
            last_error=row["last_error"],
        )
        for row in rows
    ]


def _deliver_to(control: Control, target: Target, say: Say) -> None:
    due = control.connection.execute(
        "select key, kind, payload, attempts, release_n from outbox"
        " where target = ? and state = 'pending' and coalesce(next_attempt_at, '') <= ?"
        " order by release_n, key",
        (target.name, to_text(control.now())),
    ).fetchall()
    for row in due:
        message = OutboxMessage(row["key"], row["kind"], row["payload"], target.name)
        failpoint("outbox.attempting")
        try:
            target.deliver(message, control.now())
        except DeliveryError as error:
            _record_failure(control, message, row["attempts"] + 1, error)
            stands = "" if row["release_n"] is None else "; the release stands"
            say(f"{target.name}: not delivered ({error}){stands}")
            return
        failpoint("outbox.delivered")
        _update(control, message.key, "delivered", row["attempts"] + 1, None, None)
        failpoint("outbox.recorded")


def _record_failure(
    control: Control, message: OutboxMessage, attempts: int, error: DeliveryError
) -> None:
    is_dead = error.is_final or attempts >= MAX_ATTEMPTS
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempts - 1))
    # Jitter keeps many homes from coming back in the same second.
    due = control.now() + wait * random.uniform(0.5, 1.0)
    state = "dead" if is_dead else "pending"
    _update(control, message.key, state, attempts, None if is_dead else due, str(error))


def _update(
    control: Control,
    key: str,
    state: str,
    attempts: int,
    next_attempt_at: datetime | None,
    last_error: str | None,
) -> None:
    with control.transaction() as connection:
        connection.execute(
            "update outbox set state = ?, attempts = ?, next_attempt_at = ?, last_error = ?,"
            " updated_at = ? where key = ?",
            (
                state,
                attempts,
                None if next_attempt_at is None else to_text(next_attempt_at),
                last_error,
                to_text(control.now()),
                key,
            ),
        )


def _tell_unserved(control: Control, served: set[str], say: Say) -> None:
    """A target that was taken out of the settings leaves its messages; say so, do not drop them."""
    for row in control.connection.execute(
        "select target, state, count(*) as messages from outbox"
        " where state <> 'delivered' and target <> '' group by target, state order by target, state"
    ).fetchall():
        if row["state"] == "dead":
            say(f"{row['target']}: {row['messages']} notice(s) given up; see outbox in control.db")
        elif row["target"] not in served:
            say(f"{row['target']}: {row['messages']} notice(s) wait, but it is not set up any more")
