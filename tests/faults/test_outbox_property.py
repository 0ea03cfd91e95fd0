"""I21: whatever fails in whatever order, what is delivered is of a release, and one thing a key."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.control import Control
from orchestration.release.publish import OutboxMessage, put_into_outbox
from orchestration.targets import outbox
from orchestration.targets.outbox import DeliveryError, deliver_outbox, for_each_target


class PowerCutError(BaseException):
    """The process is gone: nothing after this is run."""


class Receiver:
    """Takes messages, refuses them, or takes them and then the sender dies."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.payloads: dict[str, str] = {}
        self.next = "takes"

    def deliver(self, message: OutboxMessage, now: datetime) -> None:
        if self.next == "refuses":
            raise DeliveryError("busy")
        assert self.payloads.setdefault(message.key, message.payload) == message.payload
        if self.next == "takes, and the sender dies":
            raise PowerCutError


steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.booleans()),
        st.tuples(
            st.just("deliver"),
            st.tuples(*[st.sampled_from(("takes", "refuses", "takes, and the sender dies"))] * 2),
        ),
    ),
    max_size=12,
)


@pytest.mark.fault("I21", "F85")
@given(steps=steps)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_delivered_is_of_a_release_and_nothing_is_lost(
    tmp_path: Path, steps: list[tuple[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 1000)
    for path in tmp_path.iterdir():
        path.unlink()
    now = [datetime(2026, 11, 1, tzinfo=UTC)]
    targets = [Receiver("notices"), Receiver("webhook")]
    committed: set[str] = set()
    with Control(tmp_path / "control.db", lambda: now[0]) as control:
        for number, (kind, choice) in enumerate(steps):
            now[0] += timedelta(days=1)
            if kind == "commit":
                keys = _commit(control, f"run-{number}", targets, dies=bool(choice))
                committed |= keys
            else:
                assert isinstance(choice, tuple)
                for target, behaviour in zip(targets, choice, strict=True):
                    target.next = behaviour
                _deliver(control, targets)
            said = {key for target in targets for key in target.payloads}
            assert said <= committed
        for target in targets:
            target.next = "takes"
        now[0] += timedelta(days=1)
        _deliver(control, targets)
        assert {key for target in targets for key in target.payloads} == committed
        assert all(key.endswith(t.name) for t in targets for key in t.payloads)
        states = control.connection.execute("select state from outbox").fetchall()
        assert [row["state"] for row in states] == ["delivered"] * len(committed)


def _commit(control: Control, run_id: str, targets: list[Receiver], *, dies: bool) -> set[str]:
    """Commit a release with its messages, or die inside the transaction; the keys there are."""
    control.start_run(run_id, date(2026, 10, 31), "code")
    latest = control.latest_release()
    n = 1 if latest is None else latest.n + 1
    messages = for_each_target(
        [OutboxMessage("", "release_published", f'{{"release": {n}}}')], targets, run_id
    )
    try:
        with control.transaction() as connection:
            connection.execute(
                "insert into releases values (?, ?, 'f', 's', 1, '2026-11-01', '2026-10-31')",
                (n, run_id),
            )
            connection.executemany(
                "insert into outbox (key, release_n, kind, target, payload, created_at, updated_at)"
                " values (?, ?, ?, ?, ?, '2026-11-01', '2026-11-01')",
                [(m.key, n, m.kind, m.target, m.payload) for m in messages],
            )
            if dies:
                raise PowerCutError
    except PowerCutError:
        return set()
    return {message.key for message in messages}


def _deliver(control: Control, targets: list[Receiver]) -> None:
    with contextlib.suppress(PowerCutError):
        deliver_outbox(control, targets, lambda line: None)


def test_what_is_not_delivered_of_a_run_that_was_held_speaks_of_no_release(tmp_path: Path) -> None:
    receiver = Receiver("notices")
    receiver.next = "refuses"
    said: list[str] = []
    with Control(tmp_path / "control.db") as control:
        held = for_each_target([OutboxMessage("", "run_held", "{}")], [receiver], "run")
        with control.transaction() as connection:
            put_into_outbox(connection, held, "2026-11-01T00:00:00")
        deliver_outbox(control, [receiver], said.append)
    assert said == ["notices: not delivered (busy)"]
