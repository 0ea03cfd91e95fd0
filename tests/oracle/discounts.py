"""Discounts in force on a day, one after another (mrr_rules §4)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from tests.oracle import prices
from tests.oracle.calendar import FOREVER, Calendar, add_interval, add_months, timestamp
from tests.oracle.items import LICENSED, Holding
from tests.oracle.money import ZERO, major, number
from tests.oracle.policy import Policy
from tests.oracle.subscriptions import latest
from tests.oracle.versions import History, Version

_COUNTED = {
    "none": (),
    "forever": ("forever",),
    "recurring": ("forever", "repeating"),
    "all": ("forever", "repeating", "once"),
}


class Discount:
    """One discount, on a customer or on a subscription."""

    def __init__(self, history: History, calendar: Calendar) -> None:
        row = history.current
        self._history = history
        self.duration = str(row["duration"])
        self.customer_id = row.get("customer_id")
        self.subscription_id = row.get("subscription_id")
        start = calendar.day(row["start_at"])
        assert start is not None, "start_at is required"
        self.start = start
        self.order = (start, latest(timestamp(row["start_at"])), str(row["id"]))
        end = calendar.day(row.get("end_at")) or FOREVER
        months = row.get("duration_in_months")
        if self.duration == "repeating" and months is not None:
            end = min(end, add_months(start, int(months)))
        self._end = end

    def is_counted(self, policy: Policy) -> bool:
        """Whether the policy takes discounts of this duration off."""
        return self.duration in _COUNTED[policy.discounts]

    def end_for(self, price: Version | None) -> date:
        """The end of the window for an item of `price` (exclusive)."""
        if self.duration != "once" or price is None:
            return self._end
        row = price.row
        return add_interval(self.start, str(row.get("interval")), prices.interval_count(row))

    def applies_to(self, holding: Holding, day: date) -> bool:
        """Whether the discount is in force for the item on `day`."""
        owns = (
            holding.subscription_id == self.subscription_id
            if self.subscription_id is not None
            else holding.customer_id == self.customer_id
        )
        if holding.kind != LICENSED or not owns:
            return False
        if not self.start <= day < self.end_for(holding.price):
            return False
        row = self._history.at(day).row
        if row.get("percent_off") is None:
            currency = row.get("currency")
            return currency is None or str(currency).upper() == holding.currency
        return True

    def apply(self, nets: list[Fraction], holdings: list[Holding], day: date) -> list[Fraction]:
        """The running values of the holdings after this discount."""
        concerned = [i for i, holding in enumerate(holdings) if self.applies_to(holding, day)]
        if not concerned:
            return nets
        row = self._history.at(day).row
        result = list(nets)
        if row.get("percent_off") is not None:
            percent = min(max(number(row["percent_off"]), ZERO), Fraction(100))
            for i in concerned:
                result[i] = nets[i] * (1 - percent / 100)
            return result
        base = sum((nets[i] for i in concerned), ZERO)
        if base <= 0:
            return nets
        for i in concerned:
            amount = major(max(number(row.get("amount_off")), ZERO), holdings[i].currency)
            result[i] = max(ZERO, nets[i] * (1 - amount * holdings[i].factor / base))
        return result

    def breakpoints(self, price_versions: list[Version]) -> set[date]:
        """Every date on which the discount can begin, change or end."""
        days = {self.start, self._end, *(version.since for version in self._history.versions)}
        days.update(self.end_for(version) for version in price_versions)
        return days


def discounted(holdings: list[Holding], discounts: list[Discount], day: date) -> list[Holding]:
    """The holdings of one customer on a day, net of its discounts in their order."""
    nets = [holding.gross for holding in holdings]
    for discount in sorted(discounts, key=lambda entry: entry.order):
        nets = discount.apply(nets, holdings, day)
    return [holding.with_net(net) for holding, net in zip(holdings, nets, strict=True)]
