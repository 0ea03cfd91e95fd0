"""Random billing histories of one tenant: raw rows with every feature that MRR has to survive.

Hypothesis draws the features and a seed; the rows follow from them, which keeps a draw short enough
for tens of thousands of histories. Times are few, near month ends, and used more than once, so that
ties and boundaries are common.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]
Rows = dict[str, list[Row]]

FEATURES = (
    "several_customers",
    "several_subscriptions",
    "several_items",
    "foreign_currency",
    "annual",
    "odd_interval",
    "tiered",
    "metered",
    "free_or_one_time",
    "repricing",
    "price_swap",
    "seat_change",
    "item_added_or_removed",
    "discount",
    "discount_stack",
    "trial",
    "past_due",
    "paused",
    "collection_pause",
    "incomplete",
    "scheduled_cancel",
    "cancel",
    "return",
    "only_current_row",
    "lines",
    "proration",
    "refund",
    "payment_failed",
    "deleted_customer",
    "duplicates",
    "same_day_versions",
    "tie",
    "back_dated",
    "missing_updated_at",
)
"""What a history may contain; each is drawn by itself."""

HOURS = ((0, 0, 0), (0, 0, 0), (12, 0, 0), (23, 59, 59), (4, 30, 0), (5, 0, 0), (22, 15, 0))
REASONS = (None, None, "cancellation_requested", "payment_failed", "payment_disputed")
FEEDBACKS = (None, "too_expensive", "unused", "other")
INTERVALS = (("month", 3), ("week", 1), ("week", 2), ("day", 1), ("day", 30), ("month", 2),
             ("year", 2), ("month", None), ("month", 0))  # fmt: skip
PERCENTS = ("10", "20", "25", "50", "100", "33.333333", "12.5", "150", "-5", "0")


@dataclass(frozen=True)
class World:
    """What all histories of one run share: as-of date, zone, currency and exchange rates."""

    as_of: date
    zone: str
    currency: str
    currencies: tuple[str, ...]
    rates: tuple[tuple[date, str, Decimal], ...]

    def fx_rows(self) -> list[Row]:
        """The rates as raw rows."""
        return [
            {"rate_date": day, "currency": code, "rate": rate} for day, code, rate in self.rates
        ]


def make_world(seed: int, as_of: date, zone: str, currency: str) -> World:
    """Rates with gaps of up to a week that jump now and then; some dated after `as_of`."""
    chance = random.Random(seed)
    others = tuple(code for code in ("EUR", "JPY", "KWD", "USD") if code != currency)
    around = {"EUR": 1.1, "JPY": 0.0067, "KWD": 3.25, "USD": 1.0}
    rates: list[tuple[date, str, Decimal]] = []
    for code in others:
        level = around[code] / around[currency]
        day = as_of - timedelta(days=chance.randint(560, 600))
        while day < as_of + timedelta(days=30):
            level *= 1 + chance.uniform(-0.05, 0.05)
            rates.append((day, code, Decimal(f"{level:.{chance.choice((4, 6, 10))}f}")))
            day += timedelta(days=chance.choice((1, 1, 2, 3, 5, 7, 7)))
    return World(as_of, zone, currency, others, tuple(rates))


@dataclass(frozen=True)
class Tenant:
    """One generated history: its rows by table, and what it was made from."""

    seed: int
    features: frozenset[str]
    rows: Rows = field(hash=False, compare=False)

    def size(self) -> int:
        """How many rows it has."""
        return sum(len(rows) for rows in self.rows.values())

    def as_json(self) -> str:
        """Compact JSON of the rows, without nulls."""
        return "\n".join(
            f"{table}: " + json.dumps({k: v for k, v in row.items() if v is not None}, default=str)
            for table, rows in sorted(self.rows.items())
            for row in rows
        )


def tenants(world: World) -> st.SearchStrategy[Tenant]:
    """Strategy of tenants of one world."""
    # Bits, not integers: of integers Hypothesis now and then draws a constant that it found in
    # whatever modules are loaded, so that the same seed gives other histories in another process.
    masks, seeds = (
        st.lists(st.booleans(), min_size=size, max_size=size).map(_from_bits)
        for size in (len(FEATURES), 48)
    )
    return st.builds(
        lambda one, two, three, seed: make_tenant(world, one & (two | three), seed),
        masks,
        masks,
        masks,
        seeds,
    )


def _from_bits(bits: Sequence[bool]) -> int:
    return sum(1 << position for position, bit in enumerate(bits) if bit)


def make_tenant(world: World, mask: int, seed: int) -> Tenant:
    """The tenant of a feature mask and a seed."""
    features = frozenset(name for bit, name in enumerate(FEATURES) if mask >> bit & 1)
    return Tenant(seed, features, _Maker(world, features, random.Random(seed)).make())


class _Maker:
    """Makes the rows of one tenant."""

    def __init__(self, world: World, features: frozenset[str], chance: random.Random) -> None:
        self.world = world
        self.features = features
        self.chance = chance
        self.rows: Rows = {}
        self.moments = self._moments()
        self.currencies = [world.currency]
        if "foreign_currency" in features:
            self.currencies = chance.choice(
                [
                    [chance.choice(world.currencies)],
                    [world.currency, chance.choice(world.currencies)],
                ]
            )
        self.prices: list[Row] = []
        self.line_count = 0

    def has(self, feature: str, share: float = 1.0) -> bool:
        return feature in self.features and self.chance.random() < share

    def add(self, table: str, **row: Any) -> Row:
        self.rows.setdefault(table, []).append(row)
        return row

    # -- time ---------------------------------------------------------------------------

    def _moments(self) -> list[datetime]:
        chance = self.chance
        found: list[datetime] = []
        for _ in range(chance.randint(6, 12)):
            back = chance.choice((0, 0, 1, 1, 2, 3, 4, 5, 6, 8, 10, 12, 13))
            month = self.world.as_of.year * 12 + self.world.as_of.month - 1 - back
            first = datetime(month // 12, month % 12 + 1, 1)
            day = first + timedelta(days=chance.choice((-2, -1, -1, 0, 0, 1, 14, 28, 29, 30)))
            hour = chance.choice(HOURS)
            found.append(day.replace(hour=hour[0], minute=hour[1], second=hour[2]))
        found.append(datetime.combine(self.world.as_of, datetime.min.time()))
        if chance.random() < 0.3:
            found.append(found[-1] + timedelta(days=chance.choice((1, 2, 31)), hours=4))
        return sorted(found)

    def moment(self, after: datetime | None = None) -> datetime:
        """One of the tenant's few moments, not before `after`."""
        eligible = [one for one in self.moments if after is None or one >= after]
        if not eligible:
            assert after is not None
            return after + timedelta(hours=self.chance.choice((0, 1, 30)))
        return self.chance.choice(eligible[: 1 + len(eligible) * 2 // 3])

    def step(self, after: datetime) -> datetime:
        """A later moment; sometimes the same day, sometimes the very next one."""
        if self.has("same_day_versions", 0.4):
            return after + timedelta(minutes=self.chance.choice((1, 5, 29)))
        return self.moment(after + timedelta(minutes=1))

    # -- prices -------------------------------------------------------------------------

    def _price(self, number: int, kind: str) -> None:
        chance = self.chance
        currency = chance.choice(self.currencies)
        interval: str = "month"
        count: int | None = 1
        if kind == "annual":
            interval = "year"
        elif kind == "odd":
            interval, count = chance.choice(INTERVALS)
        base = chance.choice((333, 500, 1000, 1999, 2500, 9900, 100001))
        base *= 10 if interval == "year" else 1
        row: Row = {
            "id": f"p{number}",
            "product_id": "prod",
            "currency": chance.choice((currency, currency.lower())),
            "unit_amount": 0 if kind == "free" else base,
            "billing_scheme": chance.choice(("per_unit", "per_unit", None)),
            "type": "one_time" if kind == "one_time" else "recurring",
            "interval": None if kind == "one_time" else interval,
            "interval_count": None if kind == "one_time" else count,
            "usage_type": "metered" if kind == "metered" else chance.choice(("licensed", None)),
            "created": self.moments[0] - timedelta(days=40),
            "updated_at": self.moments[0] - timedelta(days=40),
        }
        if kind == "tiered":
            tiers = [
                {"up_to": 2, "unit_amount": base, "flat_amount": chance.choice((None, 0, 700))},
                {"up_to": 4, "unit_amount": base // 2, "flat_amount": chance.choice((None, 500))},
                {"up_to": chance.choice((None, "inf", 6)), "unit_amount": base // 3},
            ]
            chance.shuffle(tiers)
            row.update(
                unit_amount=None,
                billing_scheme="tiered",
                tiers=json.dumps(tiers),
                tiers_mode=chance.choice(("graduated", "volume")),
            )
        self.prices.append(row)
        self.add("billing.prices", **row)
        if self.has("repricing", 0.5) and row["unit_amount"]:
            self.add(
                "billing.prices",
                **{
                    **row,
                    "unit_amount": row["unit_amount"] + chance.choice((-100, 150, 333)),
                    "updated_at": self.moment(),
                },
            )

    def _all_prices(self) -> None:
        kinds = ["monthly"]
        for feature, kind in (("annual", "annual"), ("odd_interval", "odd"), ("tiered", "tiered"),
                              ("metered", "metered")):  # fmt: skip
            if feature in self.features:
                kinds.append(kind)
        if "free_or_one_time" in self.features:
            kinds.append(self.chance.choice(("free", "one_time")))
        if "price_swap" in self.features or len(kinds) == 1:
            kinds.append("monthly")
        for number, kind in enumerate(kinds, start=1):
            self._price(number, kind)

    # -- subscriptions --------------------------------------------------------------------

    def _events(self) -> list[Callable[[Row, datetime], None]]:
        """What may happen to a subscription, by feature."""
        possible: dict[str, Sequence[Callable[[Row, datetime], None]]] = {
            "past_due": (_status("past_due"), _status("past_due"), _status("unpaid"), _recover),
            "paused": (_status("paused"), _recover),
            "collection_pause": (self._pause_collection, self._pause_collection, _resume),
            "scheduled_cancel": (_schedule, _schedule, _unschedule),
            "cancel": (self._cancel, self._cancel),
            "return": (_return, _recover),
        }
        events: list[Callable[[Row, datetime], None]] = [lambda row, at: None]
        for feature, some in possible.items():
            if feature in self.features:
                events += some
        return events

    def _pause_collection(self, row: Row, at: datetime) -> None:
        row["collection_paused_at"] = at if self.chance.random() < 0.7 else self.moment()
        row["collection_resumes_at"] = self.moment() if self.chance.random() < 0.4 else None

    def _cancel(self, row: Row, at: datetime) -> None:
        row["status"] = "canceled" if self.chance.random() < 0.9 else row["status"]
        if row.get("canceled_at") is None and self.chance.random() < 0.8:
            row["canceled_at"] = at
        row["ended_at"] = at
        if self.has("back_dated", 0.5):
            row["ended_at"] = self.moment()
        elif row["status"] == "canceled" and self.chance.random() < 0.15:
            row["ended_at"] = None
        row["cancellation_reason"] = self.chance.choice(REASONS)
        row["cancellation_feedback"] = self.chance.choice(FEEDBACKS)

    def _subscription(self, number: int, customer_id: str) -> None:
        chance = self.chance
        start = self.moment(self.moments[0])
        created = start
        if self.has("back_dated", 0.5):
            created = chance.choice((self.moment(), start - timedelta(days=2)))
        row: Row = {
            "id": f"s{number}",
            "customer_id": customer_id,
            "status": "active",
            "start_date": start,
            "created": created,
        }
        if self.has("trial", 0.7):
            row.update(
                status=chance.choice(("trialing", "trialing", "active")),
                trial_start=chance.choice((start, None)),
                trial_end=chance.choice((self.moment(start), start + timedelta(days=14), None)),
            )
        if self.has("incomplete", 0.6):
            row["status"] = chance.choice(("incomplete", "incomplete", "incomplete_expired"))
        at = created if chance.random() < 0.8 else self.moment()
        versions = [{**row, "updated_at": at}]
        events = self._events()
        for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4, 5))):
            at = self.step(at)
            if row["status"] in ("trialing", "incomplete") and chance.random() < 0.6:
                row["status"] = "active"
            else:
                chance.choice(events)(row, at)
            versions.append({**row, "updated_at": at})
        if self.has("only_current_row", 0.8):
            versions = versions[-1:]
        if self.has("missing_updated_at", 0.3):
            versions[0]["updated_at"] = None
        for version in versions:
            self.add("billing.subscriptions", **version)
        count = chance.choice((1, 2, 2, 3)) if "several_items" in self.features else 1
        for item in range(1, count + 1):
            self._item(f"i{number}{item}", versions[-1])
        if "lines" in self.features:
            self._invoices(versions[-1])

    def _item(self, identity: str, subscription: Row) -> None:
        chance = self.chance
        price = chance.choice(self.prices)
        created = subscription["created"]
        if self.has("item_added_or_removed", 0.5):
            created = self.moment()
        row: Row = {
            "id": identity,
            "subscription_id": subscription["id"],
            "price_id": price["id"],
            "quantity": self._quantity(price),
            "deleted": chance.choice((None, False)),
            "created": created,
        }
        at = created if chance.random() < 0.7 else self.moment()
        versions = [{**row, "updated_at": at}]
        changes = [name for name in ("seat_change", "price_swap", "item_added_or_removed")
                   if name in self.features]  # fmt: skip
        for _ in range(chance.choice((0, 1, 2, 3)) if changes else 0):
            at = self.step(at)
            change = chance.choice(changes)
            if change == "seat_change":
                row["quantity"] = self._quantity(price)
            elif change == "price_swap":
                price = chance.choice(self.prices)
                row["price_id"] = price["id"]
                if chance.random() < 0.5:
                    row["quantity"] = self._quantity(price)
            else:
                row["deleted"] = not row["deleted"]
            versions.append({**row, "updated_at": at})
        if self.has("only_current_row", 0.8):
            versions = versions[-1:]
        for version in versions:
            self.add("billing.subscription_items", **version)

    def _quantity(self, price: Row) -> int | None:
        if price["usage_type"] == "metered":
            return None
        return self.chance.choice((1, 1, 1, 2, 3, 4, 5, 7, None, 0, -1))

    # -- invoices -------------------------------------------------------------------------

    def _invoices(self, subscription: Row) -> None:
        chance = self.chance
        items = [row for row in self.rows["billing.subscription_items"]
                 if row["subscription_id"] == subscription["id"]]  # fmt: skip
        for _ in range(chance.randint(1, 4)):
            self.line_count += 1
            identity = f"in{self.line_count}"
            created = self.moment()
            currency = chance.choice(self.currencies)
            status = chance.choice(("paid", "paid", "paid", "paid", "open", "draft", "void"))
            lines = [self._line(identity, created, chance.choice(items), subscription)
                     for _ in range(chance.choice((1, 1, 2, 3)))]  # fmt: skip
            total = sum(line["amount"] for line in lines)
            self.add(
                "billing.invoices",
                id=identity,
                customer_id=subscription["customer_id"],
                subscription_id=subscription["id"],
                status=status,
                currency=currency,
                total=total,
                created=created,
                updated_at=created if chance.random() < 0.8 else None,
            )
            self._payment(identity, subscription["customer_id"], created, currency, total)

    def _line(self, invoice_id: str, created: datetime, item: Row, subscription: Row) -> Row:
        chance = self.chance
        by_id = {price["id"]: price for price in self.prices}
        price = by_id[item["price_id"]] if chance.random() < 0.7 else chance.choice(self.prices)
        quantity = self._quantity(price)
        is_proration = self.has("proration", 0.4)
        amount = (price["unit_amount"] or 400) * (quantity if quantity is not None else 2)
        if is_proration:
            amount = chance.choice((-1, 1, 1)) * (amount // chance.choice((2, 3, 7)))
        start = created if chance.random() < 0.6 else self.moment()
        days = {"year": 365, "month": 30, "week": 7, "day": 1, None: 30}[price["interval"]]
        end = start + timedelta(days=days * (price["interval_count"] or 1))
        if is_proration:
            end = start + timedelta(days=chance.randint(1, 29))
        has_period = chance.random() < 0.93
        self.line_count += 1
        return self.add(
            "billing.invoice_line_items",
            id=f"l{self.line_count}",
            invoice_id=invoice_id,
            subscription_id=subscription["id"],
            subscription_item_id=item["id"] if chance.random() < 0.7 else None,
            price_id=price["id"] if chance.random() < 0.95 else None,
            type="invoiceitem" if is_proration and chance.random() < 0.5 else "subscription",
            amount=amount,
            discount_amount=chance.choice((None, 0, amount // 4 if amount > 0 else 0)),
            currency=price["currency"],
            quantity=quantity,
            proration=is_proration or chance.choice((None, False)),
            period_start=start if has_period else None,
            period_end=end if has_period else None,
            updated_at=created,
        )

    def _payment(
        self, invoice_id: str, customer_id: str, at: datetime, currency: str, total: int
    ) -> None:
        chance = self.chance
        failed = self.has("payment_failed", 0.6)
        self.add(
            "billing.payments",
            id=f"pay_{invoice_id}",
            invoice_id=invoice_id,
            customer_id=customer_id,
            amount=total,
            currency=currency,
            status="failed" if failed else chance.choice(("succeeded", "succeeded", "pending")),
            created=at + timedelta(minutes=chance.choice((0, 1, 3000))),
            updated_at=at + timedelta(minutes=3001),
        )
        if self.has("refund", 0.4):
            at = self.moment(at)
            self.add(
                "billing.refunds",
                id=f"re_{invoice_id}",
                payment_id=f"pay_{invoice_id}",
                amount=chance.choice((0, abs(total) // 2 + 1, abs(total) + 1)),
                currency=currency,
                status=chance.choice(("succeeded", None, "failed")),
                created=at,
                updated_at=at,
            )

    # -- discounts ------------------------------------------------------------------------

    def _discounts(self) -> None:
        count = 0
        if "discount" in self.features:
            count += 1
        if "discount_stack" in self.features:
            count += self.chance.randint(1, 3)
        customers = sorted({row["id"] for row in self.rows["billing.customers"]})
        subscriptions = sorted({row["id"] for row in self.rows["billing.subscriptions"]})
        for number in range(1, count + 1):
            self._discount(number, customers, subscriptions)

    def _discount(self, number: int, customers: list[str], subscriptions: list[str]) -> None:
        chance = self.chance
        start = self.moment()
        row: Row = {
            "id": f"d{number}",
            "duration": chance.choice(("once", "repeating", "forever")),
            "start_at": start,
            "end_at": self.moment(start) if chance.random() < 0.3 else None,
            "updated_at": chance.choice((start, start, self.moment(), None)),
        }
        if chance.random() < 0.5:
            row["customer_id"] = chance.choice(customers)
        else:
            row["subscription_id"] = chance.choice(subscriptions)
        if row["duration"] == "repeating":
            row["duration_in_months"] = chance.choice((1, 2, 3, 12))
        if chance.random() < 0.6:
            row["percent_off"] = Decimal(chance.choice(PERCENTS))
        else:
            row["amount_off"] = chance.choice((100, 250, 999, 2000, 500000))
            row["currency"] = chance.choice(self.currencies)
            if len(self.currencies) == 1 and chance.random() < 0.3:
                row["currency"] = None
        self.add("billing.discounts", **row)
        if chance.random() < 0.2 and row["updated_at"] is not None:
            later = {**row, "updated_at": self.step(row["updated_at"])}
            if "percent_off" in row:
                later["percent_off"] = Decimal(chance.choice(PERCENTS))
            else:
                later["amount_off"] = chance.choice((100, 700))
            self.add("billing.discounts", **later)

    # -- the whole ------------------------------------------------------------------------

    def make(self) -> Rows:
        chance = self.chance
        self._all_prices()
        count = chance.choice((1, 2, 3)) if "several_customers" in self.features else 1
        number = 0
        for customer in range(1, count + 1):
            identity = f"c{customer}"
            self._customer(identity)
            many = "several_subscriptions" in self.features
            for _ in range(chance.choice((1, 2, 2, 3)) if many else 1):
                number += 1
                self._subscription(number, identity)
        if count > 1:
            self._accounts(count)
        self._discounts()
        self._disturb()
        return self.rows

    def _customer(self, identity: str) -> None:
        created = self.moments[0] - timedelta(days=1)
        row: Row = {"id": identity, "name": identity, "currency": self.currencies[0],
                    "created": created, "updated_at": created}  # fmt: skip
        self.add("billing.customers", **row)
        if self.has("deleted_customer", 0.6):
            gone = self.moment()
            self.add("billing.customers", **{**row, "deleted": True, "updated_at": gone})
            if self.chance.random() < 0.3:
                back = self.step(gone)
                self.add("billing.customers", **{**row, "deleted": False, "updated_at": back})

    def _accounts(self, count: int) -> None:
        """Accounts of some customers, some under a parent with or without a customer of its own."""
        has_parent = self.chance.random() < 0.6
        if has_parent:
            self.add("crm.accounts", id="a0", name="parent", updated_at=self.moments[0])
        for customer in range(1, count + 1):
            if self.chance.random() < 0.8:
                parents = [None, "a0"] if has_parent else [None]
                if customer > 1 and any(
                    row["id"] == f"a{customer - 1}" for row in self.rows.get("crm.accounts", [])
                ):
                    parents.append(f"a{customer - 1}")
                self.add(
                    "crm.accounts",
                    id=f"a{customer}",
                    billing_customer_id=f"c{customer}",
                    parent_account_id=self.chance.choice(parents),
                    updated_at=self.moments[0],
                )

    def _disturb(self) -> None:
        """Exact duplicates, at most one tie of different contents, and another order."""
        chance = self.chance
        tables = ("billing.subscriptions", "billing.subscription_items", "billing.discounts")
        if "tie" in self.features:
            table = chance.choice([name for name in tables if self.rows.get(name)])
            row = chance.choice(self.rows[table])
            other = dict(row)
            if table == "billing.subscriptions":
                other["status"] = chance.choice(("active", "past_due", "unpaid"))
            elif table == "billing.subscription_items":
                other["quantity"] = 9
            else:
                other["end_at"] = self.moment(row["start_at"])
            self.rows[table].append(other)
        if "duplicates" in self.features:
            for rows in self.rows.values():
                for row in list(rows):
                    if chance.random() < 0.3:
                        rows.append(dict(row))
        for rows in self.rows.values():
            chance.shuffle(rows)


def _status(status: str) -> Callable[[Row, datetime], None]:
    def change(row: Row, at: datetime) -> None:
        row["status"] = status

    return change


def _recover(row: Row, at: datetime) -> None:
    if row.get("ended_at") is None and row["status"] != "canceled":
        row["status"] = "active"


def _resume(row: Row, at: datetime) -> None:
    row["collection_paused_at"] = row["collection_resumes_at"] = None


def _schedule(row: Row, at: datetime) -> None:
    if row.get("ended_at") is None:
        row["cancel_at_period_end"] = True
        row["canceled_at"] = at


def _unschedule(row: Row, at: datetime) -> None:
    if row.get("ended_at") is None and row["status"] != "canceled":
        row["cancel_at_period_end"] = False
        row["canceled_at"] = None


def _return(row: Row, at: datetime) -> None:
    row["status"] = "active"
    row["ended_at"] = row["canceled_at"] = None
    row["cancellation_reason"] = row["cancellation_feedback"] = None
