"""Hand cases: small histories with the outcome worked out by hand, for what random histories and
the oracle do not reach.

Every case is a tenant of its own in one database; the oracle checks its movements and months as
it does for all others, and `checks` say what only a person has worked out.
"""

from tests.mutation.cases import (
    currencies,
    discounts,
    effects,
    lines,
    prices,
    refunds,
    sources,
    stays,
)
from tests.mutation.cases.rows import WORLD, Case, Check, as_tenant, numbered

CASES: tuple[Case, ...] = (
    *prices.CASES,
    *lines.CASES,
    *discounts.CASES,
    *currencies.CASES,
    *stays.CASES,
    *effects.CASES,
    *refunds.CASES,
    *sources.CASES,
)

__all__ = ["CASES", "WORLD", "Case", "Check", "as_tenant", "numbered"]
