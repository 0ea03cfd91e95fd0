"""Order of the tests: with one file per worker the longest ones must not come last."""

from __future__ import annotations

import os

import pytest

# Releases of other tests need no pages, which take seconds each; tests/dashboard turns them on.
os.environ.setdefault("HOLDFAST_DASHBOARD", "off")

LONGEST_FIRST = ("properties/", "faults/", "acceptance/", "customer_success/", "metamorphic/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring long files to the front; pytest-xdist hands files out in this order."""

    def place(item: pytest.Item) -> int:
        path = item.nodeid.removeprefix("tests/")
        for position, start in enumerate(LONGEST_FIRST):
            if path.startswith(start):
                return position
        return len(LONGEST_FIRST)

    items.sort(key=place)
