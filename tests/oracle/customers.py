"""Everything that one billing customer holds on a day (mrr_rules §2 to §5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tests.oracle import prices
from tests.oracle.calendar import Calendar, add_months, month_start
from tests.oracle.discounts import Discount, discounted
from tests.oracle.items import Holding, ItemLife
from tests.oracle.lines import Invoices
from tests.oracle.money import ZERO, major, number
from tests.oracle.policy import Policy
from tests.oracle.subscriptions import SubscriptionLife
from tests.oracle.versions import History, Row


@dataclass(frozen=True)
class CustomerDay:
    """What counts on a day.

    Args:
        holdings: counted items, net of discounts.
        counted: ids of the counted subscriptions.
        reductions: refunds taken off: subscription, currency, amount up to its net.
    """

    holdings: tuple[Holding, ...] = ()
    counted: frozenset[str] = frozenset()
    reductions: tuple[tuple[str, str, Fraction], ...] = ()

    def native(self) -> dict[str, Fraction]:
        """Net MRR by currency, exact; currencies without any are left out."""
        total: dict[str, Fraction] = {}
        for holding in self.holdings:
            total[holding.currency] = total.get(holding.currency, ZERO) + holding.net
        for _, currency, amount in self.reductions:
            total[currency] = total.get(currency, ZERO) - amount
        return {currency: amount for currency, amount in total.items() if amount}

    def only(self, subscription_id: str) -> CustomerDay:
        """The part of one subscription."""
        return CustomerDay(
            tuple(one for one in self.holdings if one.subscription_id == subscription_id),
            self.counted & {subscription_id},
            tuple(one for one in self.reductions if one[0] == subscription_id),
        )


NOTHING = CustomerDay()


def together(days: list[CustomerDay]) -> CustomerDay:
    """Several customers as one."""
    return CustomerDay(
        tuple(holding for day in days for holding in day.holdings),
        frozenset(identity for day in days for identity in day.counted),
        tuple(reduction for day in days for reduction in day.reductions),
    )


Reduction = tuple[date, date, str, str, str, Fraction]
"""From, to, the invoice's customer, subscription, currency, monthly amount taken off."""


def _line_amount(line: Row) -> Fraction:
    return major(number(line.get("amount")), str(line["currency"]))


def refund_reductions(
    invoices: Invoices, price_histories: Mapping[str, History], policy: Policy, calendar: Calendar
) -> list[Reduction]:
    """What refunds take off, for the rest of the month in which they were made (§5)."""
    if policy.refunds != "reduce":
        return []
    reductions: list[Reduction] = []
    for refund, invoice_id in invoices.refunds:
        invoice = invoices.invoices.get(invoice_id)
        if invoice is None or invoice.get("subscription_id") is None:
            continue
        lines = invoices.rows_of_invoice.get(invoice_id, [])
        total = sum((_line_amount(line) for line in lines), ZERO)
        if total <= 0:
            continue
        currency = str(refund["currency"]).upper()
        refunded = major(number(refund["amount"]), currency)
        monthly = ZERO
        for line in lines:
            history = price_histories.get(str(line.get("price_id")))
            if history is not None and prices.is_recurring(history.current):
                factor = prices.monthly_factor(history.current, policy)
                monthly += refunded * _line_amount(line) / total * factor
        day = calendar.day(refund["created"])
        assert day is not None, "created is required"
        end = add_months(month_start(day), 1)
        if monthly > 0:
            owner = str(invoice["customer_id"])
            reductions.append((day, end, owner, str(invoice["subscription_id"]), currency, monthly))
    return reductions


class CustomerLife:
    """One billing customer under one policy."""

    def __init__(
        self,
        identity: str,
        subscriptions: list[SubscriptionLife],
        items: list[ItemLife],
        discounts: list[Discount],
        invoices: Invoices,
        unattached: list[tuple[date, date, Holding]],
        known_subscriptions: Collection[str],
        price_histories: Mapping[str, History],
        policy: Policy,
        calendar: Calendar,
    ) -> None:
        self.identity = identity
        self.subscriptions = {one.identity: one for one in subscriptions}
        self.invoices = invoices
        self._items = items
        self._discounts = [one for one in discounts if one.is_counted(policy)]
        self._has_discounts = policy.mrr_basis == "subscription"
        self._reductions = [
            one
            for one in refund_reductions(invoices, price_histories, policy, calendar)
            if one[3] in self.subscriptions
            or (one[3] not in known_subscriptions and one[2] == identity)
        ]
        self._unattached = unattached

    def on(self, day: date) -> CustomerDay:
        """What counts on `day`."""
        counted = {one.identity for one in self.subscriptions.values() if one.is_counted(day)}
        if not counted and not self._unattached:
            return NOTHING
        holdings = [
            holding
            for item in self._items
            if item.subscription.identity in counted
            for holding in item.holdings(day)
        ]
        if self._has_discounts and self._discounts:
            holdings = discounted(holdings, self._discounts, day)
        holdings += [holding for begin, end, holding in self._unattached if begin <= day < end]
        return CustomerDay(tuple(holdings), frozenset(counted), self._reduced(holdings, day))

    def _reduced(self, holdings: list[Holding], day: date) -> tuple[tuple[str, str, Fraction], ...]:
        wanted: dict[tuple[str, str], Fraction] = {}
        for begin, end, _, subscription_id, currency, amount in self._reductions:
            if begin <= day < end:
                key = subscription_id, currency
                wanted[key] = wanted.get(key, ZERO) + amount
        reduced: list[tuple[str, str, Fraction]] = []
        for (subscription_id, currency), amount in wanted.items():
            there = sum(
                (
                    one.net
                    for one in holdings
                    if one.subscription_id == subscription_id and one.currency == currency
                ),
                ZERO,
            )
            reduced.append((subscription_id, currency, max(ZERO, min(amount, there))))
        return tuple(reduced)

    def subscription_units(self) -> list[tuple[str, str]]:
        """Units at the grain `subscription`: unit id and subscription id ('' for no subscription).

        Lines of no subscription are a unit under the customer's id.
        """
        ids = {*self.subscriptions, *(one.subscription_id for _, _, one in self._unattached)}
        return [(identity or self.identity, identity) for identity in sorted(ids)]

    def breakpoints(self) -> set[date]:
        """Every date on which `on` can change."""
        days: set[date] = set()
        for subscription in self.subscriptions.values():
            days |= subscription.breakpoints()
        versions = [version for item in self._items for version in item.price_rows()]
        for item in self._items:
            days |= item.breakpoints()
        for discount in self._discounts:
            days |= discount.breakpoints(versions)
        for reduction in self._reductions:
            days.update(reduction[:2])
        for begin, end, _ in self._unattached:
            days.update((begin, end))
        return days
