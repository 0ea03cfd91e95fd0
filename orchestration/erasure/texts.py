"""What an erasure looks for, and how a text loses it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from orchestration.landing.tombstones import Tombstones, is_personal_id

ERASED = "[erased]"
#: A shorter text may be a word of anything; it goes only where it is the customer's name.
SHORTEST = 6
#: A longer one is looked for by its beginning.
LONGEST = 200


@dataclass(frozen=True)
class Value:
    """A text that was said of the customer.

    Attributes:
        text: as it landed.
        is_distinctive: it can be nothing else (no plan, no segment, no short word), so it goes
            wherever it stands.
        is_shared: it is, or is in, what another customer says too, and stays there.
    """

    text: str
    is_distinctive: bool
    is_shared: bool


@dataclass(frozen=True)
class Person:
    """Whom an erasure is about: the keys that stay, and the texts that go."""

    tombstones: Tombstones
    values: tuple[Value, ...]

    @cached_property
    def owners(self) -> frozenset[str]:
        """The keys by which rows of marts are the customer's."""
        ids = self.tombstones.ids
        return ids.get("customer", frozenset()) | ids.get("account", frozenset())

    @cached_property
    def everywhere(self) -> tuple[str, ...]:
        """Texts that go wherever they stand, unless the row is another customer's."""
        return self._texts(v for v in self.values if v.is_distinctive and not v.is_shared)

    @cached_property
    def in_own_rows(self) -> tuple[str, ...]:
        """Texts that go wherever they stand in a row of the customer."""
        return self._texts(v for v in self.values if v.is_distinctive)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Texts that go where they are the whole of a name in a row of the customer."""
        return tuple(sorted({value.text.strip().lower() for value in self.values}))

    @property
    def shared(self) -> tuple[str, ...]:
        """Texts that stay where another customer says them."""
        return tuple(value.text for value in self.values if value.is_shared)

    def _texts(self, values: Iterable[Value]) -> tuple[str, ...]:
        # The longest first: an address goes before the name that is in it.
        found = {value.text.strip()[:LONGEST] for value in values}
        return tuple(sorted(found, key=lambda text: (-len(text), text)))

    def replacement(self, text: str) -> str:
        """What stands for a text: an address that was an id is still an id."""
        return self.tombstones.pseudonym(text) if is_personal_id(text) else ERASED

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        ways = [way for text in self.everywhere for way in spellings(text)]
        ways.sort(key=len, reverse=True)
        return re.compile("|".join(map(re.escape, ways)), re.IGNORECASE) if ways else None

    def redact(self, text: str) -> str:
        """A text without what goes everywhere."""
        return text if self._pattern is None else self._pattern.sub(ERASED, text)


def spellings(text: str) -> tuple[str, ...]:
    """How a text may be written inside JSON and HTML."""
    ways = (
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        html.escape(text),
        text.replace('"', '""'),
        text.replace("'", "''"),
    )
    return tuple(dict.fromkeys(ways))
