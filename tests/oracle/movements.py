"""Movements: why MRR went from one value to another (mrr_rules §8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tests.oracle.calendar import ONE_DAY
from tests.oracle.customers import CustomerDay, CustomerLife
from tests.oracle.items import INVOICED, METERED, Holding
from tests.oracle.money import ZERO, cents
from tests.oracle.policy import Policy
from tests.oracle.series import Point, Series

EFFECTS = ("quantity", "price", "plan", "discount")


@dataclass(frozen=True)
class Movement:
    """One movement of one unit on one day; money in the reporting currency, two decimals.

    The four effects are of expansions and contractions and sum to `change`; else they are 0.
    `native` is the change in the unit's currency, null where it has had several.
    `churn_type`, `reason` and `feedback` are of churn.
    """

    unit_id: str
    customer_id: str
    day: date
    kind: str
    before: Fraction
    after: Fraction
    change: Fraction
    quantity: Fraction = ZERO
    price: Fraction = ZERO
    plan: Fraction = ZERO
    discount: Fraction = ZERO
    native: Fraction | None = None
    churn_type: str | None = None
    reason: str | None = None
    feedback: str | None = None


def _item_effects(
    before: Holding | None,
    after: Holding | None,
    rate: Callable[[str], Fraction],
    policy: Policy,
) -> dict[str, Fraction]:
    """Exact effects of one item, in the reporting currency."""

    def at_rate(holding: Holding | None, amount: Fraction) -> Fraction:
        return amount * rate(holding.currency) if holding is not None and amount else ZERO

    effects = dict.fromkeys(EFFECTS, ZERO)
    old = at_rate(before, before.gross if before else ZERO)
    new = at_rate(after, after.gross if after else ZERO)
    effects["discount"] = (
        at_rate(after, after.net if after else ZERO)
        - at_rate(before, before.net if before else ZERO)
        - (new - old)
    )
    some = after or before
    assert some is not None
    if some.kind == METERED:
        effects["quantity"] = new - old
    elif before is None or after is None:
        effects["plan"] = new - old
    elif before.quantity == 0:
        # From no seats: all is quantity under the same price, all is plan under another.
        effects["quantity" if before.price_id == after.price_id else "plan"] = new - old
    elif some.kind == INVOICED:
        if before.price_id != after.price_id:
            effects["plan"] = new - old
        elif before.quantity != after.quantity:
            effects["quantity"] = new - old
        else:
            effects["price"] = new - old
    else:
        requantified = at_rate(before, before.priced(after.quantity, policy))
        effects["quantity"] = requantified - old
        rest = "price" if before.price_id == after.price_id else "plan"
        effects[rest] = new - requantified
    return effects


def split(
    before: CustomerDay,
    after: CustomerDay,
    change: Fraction,
    rate: Callable[[str], Fraction],
    policy: Policy,
) -> dict[str, Fraction]:
    """The four effects of an expansion or contraction, to the cent, summing to `change`."""
    exact = dict.fromkeys(EFFECTS, ZERO)
    old = {holding.identity: holding for holding in before.holdings}
    new = {holding.identity: holding for holding in after.holdings}
    for key in sorted(set(old) | set(new)):
        for effect, amount in _item_effects(old.get(key), new.get(key), rate, policy).items():
            exact[effect] += amount
    for _, currency, amount in before.reductions:
        exact["discount"] += amount * rate(currency)
    for _, currency, amount in after.reductions:
        exact["discount"] -= amount * rate(currency)
    rounded = {effect: cents(amount) for effect, amount in exact.items()}
    greatest = max(EFFECTS, key=lambda effect: (abs(rounded[effect]), -EFFECTS.index(effect)))
    rounded[greatest] += change - sum(rounded.values(), ZERO)
    return rounded


def _loss(
    series: Series, day: date, customers: Mapping[str, CustomerLife], policy: Policy
) -> tuple[str, str, str | None]:
    """Type, reason and feedback of a churn on `day`."""
    gone = day if policy.movement_grain == "event" else series.last_cease(day)
    eve = gone - ONE_DAY
    last = series.on(eve)
    if last is None or not last.held.counted:
        return "voluntary", "unknown", None
    mrr = dict.fromkeys(last.held.counted, ZERO)
    for holding in last.held.holdings:
        if holding.subscription_id in mrr:
            mrr[holding.subscription_id] += holding.net * series.rate_of(holding.currency, eve)
    for subscription_id, currency, amount in last.held.reductions:
        if subscription_id in mrr:
            mrr[subscription_id] -= amount * series.rate_of(currency, eve)
    chosen = min(mrr, key=lambda identity: (-mrr[identity], identity))
    customer = next(one for one in customers.values() if chosen in one.subscriptions)
    subscription = customer.subscriptions[chosen]
    row = subscription.history.current
    reason = row.get("cancellation_reason")
    feedback = row.get("cancellation_feedback")
    state = subscription.state(gone)
    if state is None:
        state = subscription.state(eve)
    if reason is not None:
        is_involuntary = reason in ("payment_failed", "payment_disputed")
    else:
        is_involuntary = state in ("past_due", "unpaid") or customer.invoices.last_payment_failed(
            customer.identity, gone
        )
        reason = state if state in ("past_due", "unpaid", "paused", "trialing") else "unknown"
    return "involuntary" if is_involuntary else "voluntary", str(reason), feedback


def _kind(
    before: Point | None, after: Point, was_ever: bool, churned: date | None, policy: Policy
) -> str | None:
    """The type of the step from revalued to after; null where nothing moved."""
    was_present = before is not None and before.is_present
    if not was_present and after.is_present:
        window = policy.reactivation_window_days
        if not was_ever:
            return "new"
        assert churned is not None
        is_too_late = window is not None and (after.day - churned).days > window
        return "new" if is_too_late else "reactivation"
    if was_present and not after.is_present:
        return "churn"
    if after.value == after.revalued:
        return None
    return "expansion" if after.value > after.revalued else "contraction"


def movements(
    unit_id: str, series: Series, customers: Mapping[str, CustomerLife], policy: Policy
) -> list[Movement]:
    """All movements of a unit, in order; on one day first `fx`, then the other one.

    Args:
        unit_id: the unit.
        series: its MRR.
        customers: the customers that it is made of.
        policy: the policy.
    """
    customer_id = unit_id
    if policy.grain == "subscription":
        customer_id = next(iter(customers))
    found: list[Movement] = []
    before: Point | None = None
    was_ever, churned = False, None
    has_native = len(series.currencies) == 1
    for point in series.points:
        value_before = before.value if before else ZERO
        if point.revalued != value_before:
            change = point.revalued - value_before
            found.append(
                Movement(
                    unit_id,
                    customer_id,
                    point.day,
                    "fx",
                    value_before,
                    point.revalued,
                    change,
                    native=ZERO if has_native else None,
                )
            )
        kind = _kind(before, point, was_ever, churned, policy)
        if kind is not None:
            change = point.value - point.revalued
            effects: dict[str, Fraction] = {}
            if kind in ("expansion", "contraction"):
                assert before is not None
                effects = split(before.held, point.held, change, point.rates, policy)
            loss = (
                _loss(series, point.day, customers, policy)
                if kind == "churn"
                else (None, None, None)
            )
            found.append(
                Movement(
                    unit_id,
                    customer_id,
                    point.day,
                    kind,
                    point.revalued,
                    point.value,
                    change,
                    **effects,
                    native=point.amount() - (before.amount() if before else ZERO)
                    if has_native
                    else None,
                    churn_type=loss[0],
                    reason=loss[1],
                    feedback=loss[2],
                )
            )
        if kind == "churn":
            churned = point.day
        was_ever = was_ever or point.is_present
        before = point
    return found
