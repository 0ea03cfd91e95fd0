"""The target that is always there: a line of JSON for each notice, in a file of the home folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.failpoints import failpoint
from orchestration.release.publish import OutboxMessage
from orchestration.targets.outbox import DeliveryError


@dataclass(frozen=True)
class NoticeFile:
    """Appends to a file; a key that is there already is not written again."""

    path: Path
    name: str = "notices"

    def deliver(self, message: OutboxMessage, now: datetime) -> None:
        """Append a line; what a crash left half written is cut off first.

        Raises:
            DeliveryError: the file cannot be written.
        """
        line = {
            "key": message.key,
            "at": now.isoformat(timespec="seconds"),
            **json.loads(message.payload),
        }
        try:
            self._append(message.key, (json.dumps(line) + "\n").encode())
        except OSError as error:
            raise DeliveryError(f"{self.path} cannot be written: {error.strerror}") from error

    def erase(self, redact: Callable[[str], str], releases: Sequence[int]) -> None:
        """Take a person's texts out of what was said; it has none but by somebody's slip."""
        if not self.path.exists():
            return
        before = self.path.read_text(encoding="utf-8")
        after = redact(before)
        if after != before:
            partial = self.path.with_name(f".{self.path.name}.erasing")
            partial.write_text(after, encoding="utf-8")
            partial.replace(self.path)

    def _append(self, key: str, line: bytes) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as stream:
            end = 0
            for present in stream:
                if not present.endswith(b"\n"):
                    break
                end += len(present)
                if json.loads(present)["key"] == key:
                    return
            stream.seek(end)
            stream.truncate()
            stream.write(line[:20])
            stream.flush()
            failpoint("notices.half_written")
            stream.write(line[20:])
            stream.flush()
            os.fsync(stream.fileno())
