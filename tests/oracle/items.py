"""Price and quantity of a subscription item on a day, and its gross MRR (mrr_rules §3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from tests.oracle import prices
from tests.oracle.calendar import (
    FOREVER,
    Calendar,
    add_interval,
    add_months,
    month_end,
    month_start,
)
from tests.oracle.lines import Line
from tests.oracle.money import ZERO, Rates, major
from tests.oracle.policy import Policy
from tests.oracle.subscriptions import (
    SubscriptionLife,
    deleted_intervals,
    inside,
    starts_with_subscription,
)
from tests.oracle.versions import History, Version

LICENSED, METERED, INVOICED = "licensed", "metered", "invoiced"


@dataclass(frozen=True)
class Holding:
    """A counted item on a day; gross and net are monthly, native, major units, exact."""

    item_id: str
    subscription_id: str
    customer_id: str
    kind: str
    currency: str
    price_id: str
    price: Version | None
    quantity: int
    factor: Fraction
    gross: Fraction
    net: Fraction

    @property
    def identity(self) -> tuple[str, str, bool]:
        """What ties the holdings of two days: the item, in one currency, its usage apart."""
        return self.item_id, self.currency, self.kind == METERED

    def priced(self, quantity: int, policy: Policy) -> Fraction:
        """Gross of this holding's price for another quantity."""
        assert self.price is not None
        return prices.monthly_gross(self.price.row, quantity, policy)

    def with_net(self, net: Fraction) -> Holding:
        """The same holding after discounts."""
        return replace(self, net=net)


@dataclass(frozen=True)
class Invoiced:
    """What invoice lines say from `since` on: monthly value in major units (basis `invoice`)."""

    since: date
    price_id: str
    quantity: int
    currency: str
    value: Fraction


def is_licensed(line: Line, price_histories: Mapping[str, History]) -> bool:
    """Whether the line's price is a recurring licensed one, or unknown."""
    price = price_histories.get(str(line.row.get("price_id")))
    if price is None:
        return True
    return prices.is_recurring(price.current) and not prices.is_metered(price.current)


def charge_value(line: Line, price: History | None, policy: Policy) -> Fraction | None:
    """Monthly value of a charge line, prorations scaled to a full period; null without days."""
    assert line.start is not None
    assert line.end is not None
    amount = line.amount if policy.discounts == "none" else line.amount - line.discount
    amount = major(max(amount, ZERO), str(line.row["currency"]))
    days = (line.end - line.start).days
    if price is None:
        for months in range(1, 121):
            if add_months(line.start, months) == line.end:
                return amount / months
        return None if days <= 0 else amount / (Fraction(days * 12, 365))
    row = price.current
    count = prices.interval_count(row)
    if line.row.get("proration"):
        if days <= 0:
            return None
        full = (line.end - add_interval(line.end, str(row["interval"]), -count)).days
        amount = amount * full / days
    return amount * prices.monthly_factor(row, policy)


class ItemLife:
    """One subscription item under one policy."""

    def __init__(
        self,
        history: History,
        subscription: SubscriptionLife,
        lines: list[Line],
        price_histories: Mapping[str, History],
        policy: Policy,
        calendar: Calendar,
        rates: Rates,
    ) -> None:
        self.identity = str(history.current["id"])
        self._rates = rates
        self.subscription = subscription
        self._history = history
        self._prices = price_histories
        self._policy = policy
        row = history.current
        self.start = subscription.start
        if not starts_with_subscription(row, subscription.history.current, calendar):
            created = calendar.day(row["created"])
            assert created is not None
            self.start = max(self.start, created)
        self._absences = deleted_intervals(history)
        charges = sorted(
            (
                line
                for line in lines
                if line.is_charge
                and line.row.get("price_id") is not None
                and is_licensed(line, price_histories)
            ),
            key=lambda line: (line.start or FOREVER, line.order),
        )
        # The last of one start wins: the dictionary keeps it.
        self._evidence = {
            line.start: (str(line.row["price_id"]), line.row.get("quantity"))
            for line in charges
            if line.start is not None
            and line.start < history.first_date
            and str(line.row["price_id"]) in price_histories
        }
        self._evidence_days = sorted(self._evidence)
        self._usage = self._usage_intervals(lines) if policy.metered == "invoiced" else []
        self._invoiced = self._invoiced_values(charges) if policy.mrr_basis == "invoice" else []

    def _usage_intervals(self, lines: list[Line]) -> list[tuple[date, date, Holding]]:
        """What each day's invoices say about usage, until the next such day or two months' end."""
        by_day: dict[date, list[Line]] = {}
        for line in lines:
            price = self._prices.get(str(line.row.get("price_id")))
            if price is not None and prices.is_metered(price.current):
                by_day.setdefault(line.invoice_date, []).append(line)
        days = sorted(by_day)
        usage: list[tuple[date, date, Holding]] = []
        for day, following in zip(days, [*days[1:], FOREVER], strict=False):
            end = min(following, month_end(add_months(month_start(day), 1)))
            amounts: dict[str, Fraction] = {}
            for line in by_day[day]:
                currency = str(line.row["currency"]).upper()
                billed = line.amount - (line.discount if self._policy.discounts == "all" else 0)
                row = self._prices[str(line.row["price_id"])].current
                value = major(billed, currency) * prices.monthly_factor(row, self._policy)
                amounts[currency] = amounts.get(currency, ZERO) + value
            for currency, amount in sorted(amounts.items()):
                usage.append((day, end, self._metered_holding(currency, max(ZERO, amount))))
        return usage

    def _metered_holding(self, currency: str, amount: Fraction) -> Holding:
        return Holding(
            item_id=self.identity,
            subscription_id=self.subscription.identity,
            customer_id=self.subscription.customer_id,
            kind=METERED,
            currency=currency,
            price_id="",
            price=None,
            quantity=0,
            factor=Fraction(1),
            gross=amount,
            net=amount,
        )

    def _invoiced_values(self, charges: list[Line]) -> list[Invoiced]:
        by_start: dict[date, list[Line]] = {}
        for line in charges:
            assert line.start is not None
            assert line.end is not None
            if line.start < line.end:
                by_start.setdefault(line.start, []).append(line)
        values: list[Invoiced] = []
        for start in sorted(by_start):
            whole = [line for line in by_start[start] if not line.row.get("proration")]
            for line in reversed(whole or by_start[start]):
                price = self._prices.get(str(line.row["price_id"]))
                value = charge_value(line, price, self._policy)
                if value is not None:
                    quantity = line.row.get("quantity")
                    values.append(
                        Invoiced(
                            since=start,
                            price_id=str(line.row["price_id"]),
                            quantity=1 if quantity is None else int(quantity),
                            currency=str(line.row["currency"]).upper(),
                            value=value,
                        )
                    )
                    break
        return values

    def is_there(self, day: date) -> bool:
        """Whether the subscription has the item on `day`."""
        return day >= self.start and not inside(day, self._absences)

    def terms(self, day: date) -> tuple[str, int]:
        """Price id and quantity on `day`."""
        if day < self._history.first_date and self._evidence_days:
            said = [since for since in self._evidence_days if since <= day]
            price_id, quantity = self._evidence[said[-1] if said else self._evidence_days[0]]
        else:
            row = self._history.at(day).row
            price_id, quantity = str(row["price_id"]), row.get("quantity")
        return price_id, 1 if quantity is None else max(0, int(quantity))

    def holdings(self, day: date) -> list[Holding]:
        """What the item holds on `day`, before discounts: its price, and the usage invoiced.

        Whether its subscription counts is not asked here.
        """
        held = [usage for begin, end, usage in self._usage if begin <= day < end]
        if self.is_there(day):
            is_invoiced = self._policy.mrr_basis == "invoice"
            own = self._invoiced_holding(day) if is_invoiced else self._licensed_holding(day)
            if own is not None:
                held.append(own)
        return held

    def _licensed_holding(self, day: date) -> Holding | None:
        price_id, quantity = self.terms(day)
        history = self._prices.get(price_id)
        if history is None:
            return None  # unknown_price: quarantined, not counted
        price = history.at(day)
        if prices.is_metered(price.row) or not prices.is_recurring(price.row):
            return None
        if prices.is_too_large(price.row, quantity, self._rates):
            return None  # amount_too_large: likewise
        gross = prices.monthly_gross(price.row, quantity, self._policy)
        return Holding(
            item_id=self.identity,
            subscription_id=self.subscription.identity,
            customer_id=self.subscription.customer_id,
            kind=LICENSED,
            currency=str(price.row["currency"]).upper(),
            price_id=price_id,
            price=price,
            quantity=quantity,
            factor=prices.monthly_factor(price.row, self._policy),
            gross=gross,
            net=gross,
        )

    def _invoiced_holding(self, day: date) -> Holding | None:
        said = [entry for entry in self._invoiced if entry.since <= day]
        if not said:
            return None
        entry = said[-1]
        return Holding(
            item_id=self.identity,
            subscription_id=self.subscription.identity,
            customer_id=self.subscription.customer_id,
            kind=INVOICED,
            currency=entry.currency,
            price_id=entry.price_id,
            price=None,
            quantity=entry.quantity,
            factor=Fraction(1),
            gross=entry.value,
            net=entry.value,
        )

    def breakpoints(self) -> set[date]:
        """Every date on which an answer of this class can change, prices' versions included."""
        days = {self.start, *(version.since for version in self._history.versions)}
        days.update(self._evidence_days)
        days.update(entry.since for entry in self._invoiced)
        for begin, end, _ in self._usage:
            days.update((begin, end))
        for begin, end in self._absences:
            days.update((begin, end))
        used = {str(version.row["price_id"]) for version in self._history.versions}
        used.update(price_id for price_id, _ in self._evidence.values())
        for price_id in used:
            if price_id in self._prices:
                days.update(version.since for version in self._prices[price_id].versions)
        return days

    def price_rows(self) -> list[Version]:
        """The prices that the item ever had, for the windows of `once` discounts."""
        used = {str(version.row["price_id"]) for version in self._history.versions}
        used.update(price_id for price_id, _ in self._evidence.values())
        return [
            version
            for price_id in sorted(used & set(self._prices))
            for version in self._prices[price_id].versions
        ]


def unattached_holding(
    line: Line, customer_id: str, price: History | None, policy: Policy
) -> tuple[date, date, Holding] | None:
    """A charge line whose item is not known: counts on its service period (basis `invoice`)."""
    value = charge_value(line, price, policy)
    if value is None or line.start is None or line.end is None:
        return None
    quantity = line.row.get("quantity")
    holding = Holding(
        item_id=f"line:{line.identity}",
        subscription_id=line.subscription_id or "",
        customer_id=customer_id,
        kind=INVOICED,
        currency=str(line.row["currency"]).upper(),
        price_id=str(line.row.get("price_id")),
        price=None,
        quantity=1 if quantity is None else int(quantity),
        factor=Fraction(1),
        gross=value,
        net=value,
    )
    return line.start, line.end, holding
