"""Random billing histories of one tenant: raw rows with every feature that MRR has to survive.

Hypothesis draws the features and a seed; the rows follow from them, which keeps a draw short enough
for tens of thousands of histories. Times are few, near month ends, and used more than once, so that
ties and boundaries are common.
"""

from tests.properties.histories.draft import FEATURES
from tests.properties.histories.tenants import Tenant, make_tenant, tenants
from tests.properties.histories.world import Row, Rows, World, make_world

__all__ = ["FEATURES", "Row", "Rows", "Tenant", "World", "make_tenant", "make_world", "tenants"]
