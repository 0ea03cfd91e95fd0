"""Made-up companies, people and mail addresses (at example.com), as SQL of a number."""

from __future__ import annotations

from simulation.tables import text

_FIRST = (
    "Amber", "Birch", "Copper", "Delta", "Ember", "Fjord", "Granite", "Harbor", "Iris", "Juniper",
    "Kestrel", "Lumen", "Meridian", "Nimbus", "Orchard", "Pioneer", "Quartz", "Raven", "Summit",
    "Tidal", "Umbra", "Vertex", "Willow", "Zephyr",
)  # fmt: skip
_SECOND = (
    "Analytics", "Bikes", "Clinics", "Dairy", "Energy", "Foods", "Gardens", "Hotels", "Insurance",
    "Joinery", "Kitchens", "Logistics", "Media", "Networks", "Optics", "Print", "Robotics",
    "Systems", "Travel", "Works",
)  # fmt: skip
# Names that break careless parsers.
_ENDINGS = (
    "",
    "",
    "",
    "",
    " Ltd",
    " GmbH",
    " & Sons",
    ", Inc.",
    ' "North"',
    " O'Neil",
    " KK",
    " Süd",
)
_GIVEN = (
    "Ada",
    "Ben",
    "Chi",
    "Dana",
    "Emre",
    "Femi",
    "Gita",
    "Hugo",
    "Ines",
    "Jun",
    "Kofi",
    "Lena",
)
_FAMILY = ("Abe", "Brandt", "Costa", "Dubois", "Eriksen", "Fox", "Garcia", "Haas", "Ito", "Jansen")
INDUSTRIES = (
    "software", "retail", "healthcare", "manufacturing", "finance", "education", "media",
    "logistics",
)  # fmt: skip


def _pick(labels: tuple[str, ...], number: str) -> str:
    return f"([{', '.join(text(label) for label in labels)}])[({number}) % {len(labels)} + 1]"


def company(number: str = "{0}") -> str:
    """Company name; the number makes it unique."""
    return (
        f"{_pick(_FIRST, number)} || ' ' || {_pick(_SECOND, f'{number} * 7 // 24')} || "
        f"{_pick(_ENDINGS, f'{number} * 5 // 11')} || ' ' || {number}"
    )


def person(number: str = "{0}") -> str:
    """Name of a person."""
    return f"{_pick(_GIVEN, number)} || ' ' || {_pick(_FAMILY, f'{number} * 3 // 7')}"


def mail(kind: str, number: str = "{0}") -> str:
    """Mail address at a reserved domain."""
    return f"'{kind}' || {number} || '@example.com'"
