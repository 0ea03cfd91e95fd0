"""Companies that are odd in ways which the gate lets pass do not stop a model or break a mart."""

from __future__ import annotations

import pytest

from tests.faults.fuzz_company import tried, tried_release
from tests.faults.odd import ODDITIES

#: A company with five oddities at once, for the tests that everybody runs.
MANY = 48


@pytest.mark.fault("I01", "I02", "I03", "I04", "I05", "I06", "I07", "I08", "I09", "I10", "I11")
@pytest.mark.parametrize(
    "seed", [MANY, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(len(ODDITIES)))]
)
def test_an_odd_company_is_built_and_its_data_tests_hold(seed: int) -> None:
    names, failed = tried(seed)
    assert failed == "", names


@pytest.mark.deep
@pytest.mark.fault("I19")
@pytest.mark.parametrize("seed", range(2000, 2015))
def test_an_odd_company_is_released_and_read_or_held_with_a_reason(seed: int) -> None:
    names, failed = tried_release(seed)
    assert failed == "", names
