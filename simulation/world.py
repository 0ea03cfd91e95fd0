"""The company's own log: who the customers are, and everything that happened to them.

Raw rows and truth are both made from here. Instants are seconds since 1970 (UTC), days are days
since 1970-01-01; what lies after the last day has not happened yet and is cut off by the readers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from simulation.catalogue import PriceVersion
from simulation.columns import KEEP, Columns, Log
from simulation.config import Ints, SimulationConfig

STATUSES = (
    "trialing",
    "active",
    "past_due",
    "unpaid",
    "paused",
    "canceled",
    "incomplete",
    "incomplete_expired",
)
TRIALING, ACTIVE, PAST_DUE, UNPAID, PAUSED, CANCELED, INCOMPLETE, EXPIRED = range(8)
# Of the policy board_strict; every other state, CANCELED as "out of service" too, is not counted.
COUNTED_STATES = (ACTIVE, PAST_DUE)

REASONS = ("cancellation_requested", "payment_failed", "payment_disputed")
REQUESTED, PAYMENT_FAILED, DISPUTED = range(3)
FEEDBACK = (
    "too_expensive",
    "missing_features",
    "switched_service",
    "unused",
    "customer_service",
    "too_complex",
    "low_quality",
    "other",
)
DURATIONS = ("once", "repeating", "forever")
ONCE, REPEATING, LASTING = range(3)

CHANNELS = (
    "organic",
    "paid_search",
    "paid_social",
    "content",
    "referral",
    "partner",
    "outbound",
    "events",
)
MOTIONS = ("product_led", "sales_led", "marketing_led", "customer_led")
SEGMENTS = ("smb", "mid_market", "enterprise")

# State of a subscription during the simulation; one row each, positions are subscription numbers.
SUBSCRIPTION_FIELDS = (
    "customer",
    "currency",
    "plan",
    "interval",
    "seats",
    "created",
    "start",
    "paid_from",  # day from which it can pay
    "anchor",  # instant that billing periods are counted from
    "segment",  # its open stretch of billing periods
    "base_item",
    "addon_item",  # -1: none now
    "busy",  # last day of what is already settled; nothing else happens until then
    "end",  # day on which service ends, FOREVER where that is not settled
)


@dataclass
class World:
    """Everything that is settled so far.

    Attributes:
        customers: one row per billing customer, by number.
        subscriptions: see SUBSCRIPTION_FIELDS.
        engagement: hidden engagement, customers x months, not a number before the customer came.
        dirt: chance of its own for what is landed wrong at first; nothing that is true uses it.
        churn_chance: true chance of asking to cancel, customers x months, 0 where nothing to lose.
    """

    config: SimulationConfig
    prices: list[PriceVersion]
    customers: Columns
    engagement: npt.NDArray[np.float32]
    churn_chance: npt.NDArray[np.float32]
    dirt: np.random.Generator
    subscriptions: dict[str, Ints] = field(
        default_factory=lambda: {name: np.empty(0, np.int64) for name in SUBSCRIPTION_FIELDS}
    )
    # What a version of a subscription changes, from an instant on.
    patches: Log = field(
        default_factory=lambda: Log(
            subscription=0,
            at=0,
            status=KEEP,
            start_date=KEEP,
            trial_start=KEEP,
            trial_end=KEEP,
            current_period_start=KEEP,
            current_period_end=KEEP,
            cancel_at_period_end=KEEP,
            cancel_at=KEEP,
            canceled_at=KEEP,
            ended_at=KEEP,
            cancellation_reason=KEEP,
            cancellation_feedback=KEEP,
            collection_paused_at=KEEP,
            collection_resumes_at=KEEP,
        )
    )
    # The state a subscription truly was in from a day on: what the truth is made of.
    states: Log = field(default_factory=lambda: Log(subscription=0, day=0, state=0))
    items: Log = field(default_factory=lambda: Log(subscription=0, created=0))
    item_versions: Log = field(
        default_factory=lambda: Log(item=0, at=0, price=0, quantity=0, deleted=0)
    )
    # Stretches of billing periods; a stretch ends at its `until`, if it has one.
    segments: Log = field(
        default_factory=lambda: Log(subscription=0, anchor=0, months=0, is_trial=0)
    )
    segment_ends: Log = field(default_factory=lambda: Log(segment=0, until=0))
    # A renewal of a day that the card did not pay; recovered_at 0: never.
    failures: Log = field(
        default_factory=lambda: Log(subscription=0, day=0, attempts=0, recovered_at=0)
    )
    discounts: Log = field(
        default_factory=lambda: Log(
            customer=-1,
            subscription=-1,
            millipercent=0,
            amount_off=0,
            currency=-1,
            duration=0,
            months=0,
            start_at=0,
        )
    )
    # A discount taken away before its time.
    discount_ends: Log = field(default_factory=lambda: Log(discount=0, at=0))
    # A customer deleted by mistake or for good; `until` 0: for good.
    deletions: Log = field(default_factory=lambda: Log(customer=0, at=0, until=0))
    cancel_requests: Log = field(default_factory=lambda: Log(customer=0, at=0))
    champions_left: Log = field(default_factory=lambda: Log(customer=0, at=0))
    owner_changes: Log = field(default_factory=lambda: Log(customer=0, at=0))
    assignments: Log = field(
        default_factory=lambda: Log(experiment=0, customer=0, is_target=0, at=0)
    )

    def add_subscriptions(self, rows: dict[str, Ints]) -> Ints:
        """Append subscriptions; returns their numbers."""
        start = len(self.subscriptions["customer"])
        self.subscriptions = {
            name: np.concatenate([values, rows[name]])
            for name, values in self.subscriptions.items()
        }
        return np.arange(start, start + len(rows["customer"]), dtype=np.int64)
