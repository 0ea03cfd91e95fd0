"""What the company spends: marketing and sales by channel and category, and cost of revenue."""

from __future__ import annotations

import numpy as np

from simulation.billing import currency_column
from simulation.columns import NULL, Columns, concatenate, take
from simulation.config import Ints, generator
from simulation.dates import DAY, first_day, month_of
from simulation.gtm import leads, month_starts
from simulation.tables import RawTable, code, day, expression, ids, instant, whole
from simulation.truth import Truth
from simulation.world import CHANNELS, World

CATEGORIES = ("media", "tools", "content", "sales", "customer_success")
MEDIA, TOOLS, CONTENT, SALES, CUSTOMER_SUCCESS = range(5)
# US cents per lead of the channel and category; organic has a cost that nobody records.
_COST_PER_LEAD = np.array(
    [
        [0, 0, 0, 0, 0],
        [14_000, 1_500, 0, 3_000, 1_000],
        [17_000, 1_500, 1_000, 3_000, 1_000],
        [1_500, 1_500, 9_000, 2_000, 1_000],
        [3_500, 500, 0, 1_000, 1_000],
        [6_000, 500, 0, 12_000, 1_500],
        [2_000, 4_000, 0, 45_000, 2_000],
        [38_000, 1_000, 3_000, 15_000, 2_000],
    ],
    np.int64,
)
GROSS_MARGIN = 0.78


def spend(world: World) -> Columns:
    """Bookings: spend_day, channel, campaign (-1: none), category, amount in US cents."""
    rng = generator(world.config.seed, "spend")
    starts = month_starts(world.config)
    rows = leads(world)
    lead_month = month_of(rows["awareness_at"] // DAY) - world.config.first_month
    inside = (lead_month >= 0) & (lead_month < world.config.months)
    count = np.zeros((world.config.months, len(CHANNELS)), np.int64)
    np.add.at(count, (lead_month[inside], rows["channel"][inside]), 1)
    month, channel, category = np.nonzero(
        count[:, :, None] * np.ones(len(CATEGORIES), np.int64) * (_COST_PER_LEAD > 0)
    )
    noise = rng.uniform(0.85, 1.15, len(month))
    total = (count[month, channel] * _COST_PER_LEAD[channel, category] * noise).astype(np.int64)
    parts: list[Columns] = []
    # Media is booked twice a month and by campaign, the rest at the month's end.
    for share, offset in ((60, 9), (40, 24)):
        media = category == MEDIA
        parts.append(
            {
                "spend_day": starts[month[media]] + offset,
                "channel": channel[media],
                "campaign": np.where(
                    np.isin(channel[media], (1, 2)), (month[media] + offset) % 6, NULL
                ),
                "category": category[media],
                "amount": total[media] * share // 100,
            }
        )
    rest = category != MEDIA
    ends = np.minimum(first_day(month_of(starts) + 1) - 1, world.config.as_of_day)
    parts.append(
        {
            "spend_day": ends[month[rest]],
            "channel": channel[rest],
            "campaign": np.full(int(rest.sum()), NULL),
            "category": category[rest],
            "amount": total[rest],
        }
    )
    # The search engine gives money back for invalid clicks, once.
    parts.append(
        {
            "spend_day": starts[len(starts) // 2 : len(starts) // 2 + 1] + 11,
            "channel": np.array([1]),
            "campaign": np.array([NULL]),
            "category": np.array([MEDIA]),
            "amount": np.array([-45_000]),
        }
    )
    result = concatenate(parts)
    return take(result, result["spend_day"] <= world.config.as_of_day)


def spend_table(world: World) -> RawTable:
    """Bookings; some are first landed with a wrong amount and mended two days later."""
    rng = generator(world.config.seed, "spend versions")
    rows = spend(world)
    number = np.arange(len(rows["amount"]), dtype=np.int64)
    at = rows["spend_day"] * DAY + 82_000
    wrong = (rng.random(len(number)) < 0.04) & ((at + 2 * DAY) // DAY <= world.config.as_of_day)
    if world.config.clean:
        wrong &= False
    version = np.concatenate([number, number[wrong]])
    is_mended = np.repeat([False, True], [len(number), int(wrong.sum())])
    of = take(rows, version)
    amount = np.where(wrong[version] & ~is_mended, of["amount"] * 10, of["amount"])
    landed = np.where(is_mended, at[version] + 2 * DAY, at[version])
    return RawTable(
        "marketing",
        "spend",
        {
            "id": ids("spd", version),
            "spend_date": day(of["spend_day"]),
            "channel": code(CHANNELS, of["channel"]),
            "campaign": expression(of["campaign"], "'campaign_' || {0}"),
            "category": code(CATEGORIES, of["category"]),
            "amount": whole(amount),
            "currency": currency_column(np.zeros(len(version), np.int64)),
            "updated_at": instant(landed),
        },
        landed=landed,
        formats=("csv",),
    )


def monthly_closing(world: World, truth: Truth) -> Ints:
    """True closing MRR of each month, in US cents."""
    total = np.zeros(world.config.months, np.int64)
    np.add.at(total, truth.months["month"] - world.config.first_month, truth.months["closing"])
    return total


def cost_of_revenue(world: World, truth: Truth) -> Ints:
    """Cost of each month in US cents: what the gross margin leaves."""
    rng = generator(world.config.seed, "cost of revenue")
    noise = rng.uniform(0.97, 1.03, world.config.months)
    result: Ints = (monthly_closing(world, truth) * (1 - GROSS_MARGIN) * noise).astype(np.int64)
    return result


def cost_of_revenue_table(world: World, truth: Truth) -> RawTable:
    """A row per complete month, landed five days into the next one; one month is corrected."""
    starts = month_starts(world.config)
    amount = cost_of_revenue(world, truth)
    landed = (first_day(month_of(starts) + 1) + 5) * DAY + 36_000
    seen = landed // DAY <= world.config.as_of_day
    starts, amount, landed = starts[seen], amount[seen], landed[seen]
    if len(starts) > 2 and not world.config.clean:
        starts = np.append(starts, starts[1])
        landed = np.append(landed, landed[1] + 9 * DAY)
        amount = np.append(amount, amount[1])
        amount[1] = amount[1] * 2 + 100
        kept = landed // DAY <= world.config.as_of_day
        starts, amount, landed = starts[kept], amount[kept], landed[kept]
    return RawTable(
        "finance",
        "cost_of_revenue",
        {
            "month": day(starts),
            "amount": whole(amount),
            "currency": currency_column(np.zeros(len(starts), np.int64)),
            "updated_at": instant(landed),
        },
        landed=landed,
        formats=("csv",),
    )
