"""Companies that are odd in ways which the gate lets pass do not stop a model or break a mart."""

from __future__ import annotations

import pytest

from tests.faults.fuzz_company import tried
from tests.faults.odd import ODDITIES


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(len(ODDITIES)), ids=lambda n: ODDITIES[n].__name__)
def test_an_odd_company_is_built_and_its_data_tests_hold(seed: int) -> None:
    names, failed = tried(seed)
    assert failed == "", names
