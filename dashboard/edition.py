"""What a dashboard is of. Every start reads it, so nothing heavy is imported here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
EDITION_FILE = "edition.json"


@dataclass(frozen=True)
class Edition:
    """What the pages are made of.

    Attributes:
        release_n: number of the release.
        published_at: when it was committed, UTC.
        as_of: last day that counts.
        currency: ISO 4217 code of all money.
        sha256: of the released file.
        run_id: the run that made it.
    """

    release_n: int
    published_at: datetime
    as_of: date
    currency: str
    sha256: str
    run_id: str


def code_digest() -> str:
    """Sha256 over what the pages are made by, but for libraries."""
    digest = hashlib.sha256()
    for path in sorted(HERE.rglob("*")):
        if path.suffix in {".py", ".html", ".css", ".js"}:
            digest.update(path.relative_to(HERE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def edition_of(folder: Path) -> dict[str, object]:
    """What a finished folder is of; empty where there is none."""
    try:
        content = json.loads((folder / EDITION_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
