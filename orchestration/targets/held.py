"""Tells that a run was held: once for the same trouble, until there is a release again.

Who waits for figures does not watch the machine. The message names files, checks and models, and
has no figure, no value of a row and no person in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from sqlite3 import Error as DatabaseError
from typing import TYPE_CHECKING

from orchestration.control import to_text
from orchestration.errors import AuditError, BuildError, HoldfastError, LandingError, MachineError
from orchestration.landing.gate import RefusedFilesError
from orchestration.release.publish import OutboxMessage, put_into_outbox
from orchestration.report import readers_see
from orchestration.results import rejecting
from orchestration.targets.outbox import deliver_outbox, for_each_target

if TYPE_CHECKING:
    from orchestration.run import RefreshRun

KIND = "run_held"
#: How many files or checks a message names; the rest are counted.
NAMED = 10
_WHAT: Sequence[tuple[type[Exception], str]] = (
    (LandingError, "what landed cannot be taken in"),
    (BuildError, "a model could not be built"),
    (AuditError, "checks failed"),
    (MachineError, "the machine has no room or cannot be read"),
)


def tell_held(run: RefreshRun, error: Exception) -> None:
    """Put it into the outbox and deliver; where that fails too, the run's own error is what counts.

    Call it while holding the lock of the home folder.
    """
    # A look back is somebody's question: who asked sees the answer.
    if run.settings.known_at is not None:
        return
    with suppress(HoldfastError, DatabaseError, OSError):
        _record(run, error)
        deliver_outbox(run.control, run.targets, run.say)


def _record(run: RefreshRun, error: Exception) -> None:
    release = run.control.latest_release()
    what = next((text for kind, text in _WHAT if isinstance(error, kind)), "an error")
    names = _names(run, error)
    last = 0 if release is None else release.n
    trouble = hashlib.sha256(json.dumps([last, what, names]).encode()).hexdigest()[:16]
    said = run.control.connection.execute(
        "select 1 from outbox where kind = ? and payload ->> 'trouble' = ?", (KIND, trouble)
    ).fetchone()
    if said is not None:
        return
    content = {
        "run": run.run_id,
        "as_of": run.settings.as_of.isoformat(),
        "what": what,
        "names": names[:NAMED],
        "more": max(0, len(names) - NAMED),
        "readers": readers_see(release),
        "trouble": trouble,
    }
    message = OutboxMessage("", KIND, json.dumps(content))
    messages = for_each_target([message], run.targets, run.run_id)
    with run.control.transaction() as connection:
        put_into_outbox(connection, messages, to_text(run.control.now()))


def _names(run: RefreshRun, error: Exception) -> list[str]:
    """The files, checks and models that hold the run; else the kind of its error."""
    if isinstance(error, RefusedFilesError):
        return sorted(file.file for file in error.report.refused)
    failed = rejecting(run.results)
    if failed:
        return sorted(f"{result.subject} {result.name}" for result in failed)
    return [type(error).__name__]
