"""The way in: raw rows, settings and a policy give series, movements and months."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from tests.oracle.customers import CustomerDay, CustomerLife, together
from tests.oracle.discounts import Discount
from tests.oracle.items import Holding, ItemLife, is_licensed, unattached_holding
from tests.oracle.lines import Invoices
from tests.oracle.money import Rates
from tests.oracle.months import MonthTotal, UnitMonth, month_totals, unit_months
from tests.oracle.movements import Movement, movements
from tests.oracle.policy import Policy
from tests.oracle.prices import is_too_large_a_line
from tests.oracle.retention import CohortMonth, cohort_retention
from tests.oracle.series import Series, Valuer
from tests.oracle.subscriptions import SubscriptionLife
from tests.oracle.unit_periods import PeriodSums, UnitPath, totals
from tests.oracle.versions import History, RawTables, Settings, histories


@dataclass
class Replayed:
    """What the warehouse should publish for these rows under this policy."""

    series: dict[str, list[tuple[date, Fraction]]] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    unit_months: list[UnitMonth] = field(default_factory=list)
    month_totals: list[MonthTotal] = field(default_factory=list)
    cohorts: list[CohortMonth] = field(default_factory=list)
    periods: dict[tuple[str, date], PeriodSums] = field(default_factory=dict)


class Company:
    """The current and past versions of all rows; policies are replayed on it one by one.

    Args:
        rows: raw rows by `source.table`.
        settings: as-of date, zone, currency.
        rates: exchange rates, in place of those among the rows.
    """

    def __init__(self, rows: RawTables, settings: Settings, rates: Rates | None = None) -> None:
        self.settings = settings
        self.calendar = settings.calendar

        def table(name: str, born: str | None = "created") -> dict[str, History]:
            return histories(name, rows.get(name, ()), settings, born)

        self.customers = table("billing.customers")
        self.prices = table("billing.prices")
        self.subscriptions = table("billing.subscriptions")
        self.items = table("billing.subscription_items")
        self.discounts = table("billing.discounts", "start_at")
        self.accounts = table("crm.accounts", None)
        self.rates = rates or Rates(rows.get("finance.fx_rates", ()), settings)
        lines = table("billing.invoice_line_items", None)
        self.invoices = Invoices(
            {identity: line for identity, line in lines.items() if not self._is_too_large(line)},
            table("billing.invoices"),
            table("billing.payments"),
            table("billing.refunds"),
            self.calendar,
        )

    def _is_too_large(self, line: History) -> bool:
        price = self.prices.get(str(line.current.get("price_id")))
        return is_too_large_a_line(line.current, price.current if price else None, self.rates)

    def root_of(self, customer_id: str) -> str:
        """The unit of a customer at the grain `parent_account` (§6)."""
        accounts = {identity: one.current for identity, one in self.accounts.items()}
        own = sorted(
            identity
            for identity, row in accounts.items()
            if row.get("billing_customer_id") == customer_id
        )
        account_id = own[0] if own else customer_id
        path = [account_id]
        while (parent := accounts.get(path[-1], {}).get("parent_account_id")) in accounts:
            if parent in path:
                path.append(min(path[path.index(parent) :]))
                break
            path.append(parent)
        account_id = path[-1]
        root = accounts.get(account_id)
        if root is None:
            return account_id
        return str(root.get("billing_customer_id") or account_id)

    def lives(self, policy: Policy) -> dict[str, CustomerLife]:
        """Every customer with a subscription or an invoice, under a policy."""
        subscriptions: dict[str, list[SubscriptionLife]] = {}
        by_id: dict[str, SubscriptionLife] = {}
        for identity, history in self.subscriptions.items():
            life = SubscriptionLife(
                history,
                self.customers.get(str(history.current["customer_id"])),
                self.invoices.paid_periods(identity)
                if policy.churn_at == "paid_period_end"
                else [],
                policy,
                self.calendar,
            )
            subscriptions.setdefault(life.customer_id, []).append(life)
            by_id[identity] = life
        owners = {
            identity: str(history.current["subscription_id"])
            for identity, history in self.items.items()
            if str(history.current["subscription_id"]) in by_id
        }
        lines = self.invoices.by_item(owners)
        items: dict[str, list[ItemLife]] = {}
        for identity, owner in owners.items():
            subscription = by_id[owner]
            item = ItemLife(
                self.items[identity],
                subscription,
                lines.get(identity, []),
                self.prices,
                policy,
                self.calendar,
                self.rates,
            )
            items.setdefault(subscription.customer_id, []).append(item)
        unattached: dict[str, list[tuple[date, date, Holding]]] = {}
        for line in lines.get(None, []) if policy.mrr_basis == "invoice" else []:
            if not line.is_charge or not is_licensed(line, self.prices):
                continue
            named = by_id.get(str(line.subscription_id))
            customer_id = named.customer_id if named else str(line.invoice["customer_id"])
            price = self.prices.get(str(line.row.get("price_id")))
            entry = unattached_holding(line, customer_id, price, policy)
            if entry is not None:
                unattached.setdefault(customer_id, []).append(entry)
        everyone = set(subscriptions) | set(unattached)
        discounts = [Discount(history, self.calendar) for history in self.discounts.values()]
        return {
            customer_id: CustomerLife(
                customer_id,
                subscriptions.get(customer_id, []),
                items.get(customer_id, []),
                [
                    one
                    for one in discounts
                    if one.customer_id == customer_id
                    or one.subscription_id
                    in {life.identity for life in subscriptions.get(customer_id, [])}
                ],
                self.invoices,
                unattached.get(customer_id, []),
                by_id,
                self.prices,
                policy,
                self.calendar,
            )
            for customer_id in sorted(everyone)
        }


Unit = tuple[str, dict[str, CustomerLife], Callable[[date], CustomerDay]]


def _units(company: Company, policy: Policy) -> list[Unit]:
    """Unit id, its customers, and what it holds on a day."""
    lives = company.lives(policy)
    if policy.grain == "subscription":
        sharing: dict[tuple[str, str], dict[str, CustomerLife]] = {}
        for customer_id, life in lives.items():
            for unit in life.subscription_units():
                sharing.setdefault(unit, {})[customer_id] = life
        return [
            (unit_id, group, _only(group, subscription_id))
            for (unit_id, subscription_id), group in sharing.items()
        ]
    groups: dict[str, dict[str, CustomerLife]] = {}
    for customer_id, life in lives.items():
        unit_id = customer_id if policy.grain == "customer" else company.root_of(customer_id)
        groups.setdefault(unit_id, {})[customer_id] = life
    return [(unit_id, group, _all(group)) for unit_id, group in sorted(groups.items())]


def _only(group: Mapping[str, CustomerLife], subscription_id: str) -> Callable[[date], CustomerDay]:
    on = _all(group)
    return lambda day: on(day).only(subscription_id)


def _all(group: Mapping[str, CustomerLife]) -> Callable[[date], CustomerDay]:
    if len(group) == 1:
        return next(iter(group.values())).on
    return lambda day: together([life.on(day) for life in group.values()])


def replay(company: Company, policy: Policy, every_day: bool = False) -> Replayed:
    """Replay all rows under one policy.

    Args:
        company: the raw rows and settings.
        policy: the policy.
        every_day: look at every single day instead of only those on which something can change.

    Raises:
        MissingRateError: an exchange rate that is needed has not landed.
    """
    settings = company.settings
    result = Replayed()
    valuer = Valuer(company.rates, settings, policy)
    paths: list[UnitPath] = []
    for unit_id, customers, on in _units(company, policy):
        days = {day for life in customers.values() for day in life.breakpoints()}
        if every_day and days:
            length = (settings.as_of - min(days)).days + 1
            days |= {min(days) + timedelta(days=offset) for offset in range(length)}
        series = Series(on, days, valuer, settings, policy)
        moves = movements(unit_id, series, customers, policy)
        if not moves:
            continue
        result.series[unit_id] = series.values()
        result.movements += moves
        paths.append(UnitPath(moves))
        result.unit_months += unit_months(unit_id, moves, series.is_present_on, settings.as_of)
    result.month_totals = month_totals(result.unit_months, result.movements, settings.as_of)
    result.cohorts = cohort_retention(result.movements, result.unit_months, settings.as_of)
    result.periods = totals(paths, settings.as_of, policy)
    return result
