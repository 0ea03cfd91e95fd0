"""`make verify`: is everything in the home folder what it was when it was committed?

Looks at the audit trail (unbroken, and an entry for every release), at every release file (there,
its bytes, no log beside it, nobody may write to it), at the link that readers open, at who can read
the folder, and at what the database of BI tools shows. Changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.control import Control, Release
from orchestration.errors import HoldfastError
from orchestration.settings import Settings
from orchestration.targets.postgres.server import server_from
from orchestration.targets.postgres.target import verify_postgres


@dataclass(frozen=True)
class Verified:
    """What was looked at, and what is wrong; `head` is the last hash of the audit trail.

    Who keeps the head elsewhere can tell later that no entry was cut off the end. `targets` says
    how far those are that show releases to others; to be behind is no fault of what was committed.
    """

    entries: int
    releases: int
    bytes: int
    head: str
    wrong: tuple[str, ...]
    targets: tuple[str, ...] = ()


def verify(settings: Settings, environ: Mapping[str, str] = os.environ) -> Verified:
    """Look at everything that was committed, and at what the targets show.

    Raises:
        HoldfastError: there is no home folder yet, or its control.db cannot be used.
    """
    if not settings.control_database.exists():
        raise HoldfastError(f"There is no {settings.control_database}: nothing was run there yet.")
    wrong: list[str] = []
    with Control(settings.control_database) as control:
        try:
            trail = control.audit_trail()
        except HoldfastError as error:
            trail = []
            wrong.append(str(error))
        releases = control.releases()
        targets, faults = verify_postgres(server_from(environ), settings, control)
        wrong += faults
        if trail:
            named = {
                (entry.details.get("release"), entry.details.get("sha256"))
                for entry in trail
                if entry.what in ("release committed", "release resealed")
            }
            wrong += [
                f"Release {release.n} is not in the audit trail: an entry was cut off, or the "
                "release was put in by hand."
                for release in releases
                if (release.n, release.sha256) not in named
            ]
    for release in releases:
        wrong += _file_faults(settings.releases_dir / f"{release.n}.duckdb", release)
    wrong += _link_faults(settings, releases)
    wrong += _open_to_others(settings.home)
    return Verified(
        entries=len(trail),
        releases=len(releases),
        bytes=sum(release.bytes for release in releases),
        head=trail[-1].hash if trail else "",
        wrong=tuple(wrong),
        targets=tuple(targets),
    )


def _file_faults(path: Path, release: Release) -> Iterator[str]:
    if not path.is_file():
        yield f"{path} is not there."
        return
    if path.stat().st_size != release.bytes:
        yield f"{path} has {path.stat().st_size} bytes, {release.bytes} were released."
    else:
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != release.sha256:
                yield f"{path} is not the file that was released: its sha256 differs."
    if path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        yield f"{path} can be written to."
    if path.with_name(f"{path.name}.wal").exists():
        yield f"{path} has a log beside it: something wrote to it after it was released."


def _link_faults(settings: Settings, releases: list[Release]) -> Iterator[str]:
    link = settings.warehouse_link
    if not releases:
        return
    expected = settings.releases_dir / f"{releases[-1].n}.duckdb"
    if not link.is_symlink() or link.resolve() != expected.resolve():
        yield f"{link} does not lead to release {releases[-1].n}; the next run mends it."


def _open_to_others(home: Path) -> Iterator[str]:
    if home.stat().st_mode & (stat.S_IRWXO):
        yield f"{home} is open to every user of the machine: chmod o= {home}"


def lines(verified: Verified) -> list[str]:
    """What was found, for people."""
    if verified.wrong:
        return [f"{len(verified.wrong)} thing(s) are not as they were committed:"] + [
            f"  {fault}" for fault in [*verified.wrong, *verified.targets]
        ]
    return [
        f"{verified.entries} entries of the audit trail are unbroken; {verified.releases} releases "
        f"({verified.bytes:,} bytes) are what was committed.",
        *verified.targets,
        f"Head of the audit trail: {verified.head}",
        "Keep it elsewhere: with it, a trail that was cut short can be told from a whole one.",
    ]
