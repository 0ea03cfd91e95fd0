"""Printed cohort tables: the average rows come out of customers that come and go as printed.

The tables print whole percentages of cohorts, so their averages hold to one point.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import pairwise

from tests.golden.book import Book, Case, months_after
from tests.golden.company import Company
from tests.golden.mrr_cases import STRICT

AS_OF = date(2022, 10, 31)

# Source BH1: cohort, customers, percent of customers active at age 0, 1, 2, ...
LOGOS = (
    ("2021-07", 178, (100, 97, 93, 90, 87, 84, 82, 80, 78, 75, 73, 71, 60, 58)),
    ("2021-08", 180, (100, 97, 97, 93, 91, 89, 87, 84, 84, 82, 80, 78, 69, 67)),
    ("2021-09", 149, (100, 100, 97, 95, 92, 92, 89, 89, 87, 84, 81, 79, 68, 68)),
    ("2021-10", 191, (100, 98, 96, 96, 94, 92, 90, 87, 85, 83, 81, 79, 69)),
    ("2021-11", 200, (100, 98, 96, 94, 92, 90, 90, 90, 88, 88, 86, 86)),
    ("2021-12", 210, (100, 98, 96, 94, 92, 90, 89, 87, 87, 87, 87)),
    ("2022-01", 208, (100, 100, 98, 98, 98, 98, 96, 96, 94, 92)),
    ("2022-02", 179, (100, 98, 98, 98, 98, 97, 96, 94, 94)),
    ("2022-03", 176, (100, 100, 100, 100, 100, 100, 99, 98)),
    ("2022-04", 227, (100, 100, 99, 98, 97, 96, 96)),
    ("2022-05", 193, (100, 100, 100, 99, 99, 99)),
    ("2022-06", 233, (100, 99, 99, 99, 99)),
    ("2022-07", 202, (100, 100, 99, 98)),
    ("2022-08", 243, (100, 99, 99)),
    ("2022-09", 213, (100, 100)),
    ("2022-10", 215, (100,)),
)
LOGO_AVERAGE = (100, 99, 98, 96, 95, 93, 91, 90, 87, 85, 82, 79, 67, 64)

# Source BH2: cohort, MRR, percent of gross MRR at age 0, 1, 2, ...
GROSS = (
    ("2021-07", 54701, (100, 98, 96, 93, 91, 91, 89, 89, 89, 87, 85, 85, 77, 75)),
    ("2021-08", 44136, (100, 97, 97, 95, 94, 92, 90, 88, 86, 85, 83, 83, 74, 72)),
    ("2021-09", 55887, (100, 98, 96, 94, 92, 92, 92, 90, 87, 85, 84, 83, 76, 75)),
    ("2021-10", 46883, (100, 98, 97, 95, 93, 91, 90, 88, 88, 86, 85, 85, 78)),
    ("2021-11", 49531, (100, 100, 98, 97, 97, 95, 93, 92, 92, 90, 88, 87)),
    ("2021-12", 63112, (100, 98, 96, 95, 94, 92, 92, 91, 90, 90, 90)),
    ("2022-01", 63888, (100, 100, 99, 99, 99, 99, 97, 96, 95, 95)),
    ("2022-02", 63112, (100, 99, 99, 97, 96, 95, 95, 95, 95)),
    ("2022-03", 64986, (100, 99, 98, 98, 98, 96, 95, 95)),
    ("2022-04", 56902, (100, 100, 100, 100, 99, 99, 99)),
    ("2022-05", 57113, (100, 99, 99, 99, 99, 99)),
    ("2022-06", 57561, (100, 100, 100, 99, 99)),
    ("2022-07", 72004, (100, 100, 100, 99)),
    ("2022-08", 75163, (100, 99, 99)),
    ("2022-09", 75864, (100, 100)),
    ("2022-10", 75693, (100,)),
)
GROSS_AVERAGE = (100, 99, 98, 97, 96, 95, 94, 92, 91, 89, 86, 84, 76, 74)


def share(size: int, percent: int) -> int:
    """So many of a cohort as a printed percentage says, to the nearest one."""
    return (size * percent * 2 + 100) // 200


def check_average(
    retained: dict[tuple[str, int], Fraction],
    cohorts: tuple[tuple[str, int, tuple[int, ...]], ...],
    printed: tuple[int, ...],
) -> None:
    """Each printed cell, and the average over the cohorts that are old enough, by size."""
    for age, average in enumerate(printed):
        old_enough = [cohort for cohort in cohorts if len(cohort[2]) > age]
        for month, _, percents in old_enough:
            assert abs(retained[month, age] * 100 - percents[age]) <= Fraction(1, 2), (month, age)
        total = sum(size for _, size, _ in old_enough)
        kept = sum((retained[month, age] * size for month, size, _ in old_enough), Fraction(0))
        assert abs(kept / total * 100 - average) <= 1, age


def logo_table() -> Case:
    company = Company()
    company.price("p", 10_00)
    for month, size, percents in LOGOS:
        start = f"{month}-05"
        active = [share(size, percent) for percent in percents]
        for number in range(size):
            identity = f"{month} {number}"
            company.subscribe(identity, "p", start)
            lived = sum(1 for left in active if number < left)
            if lived < len(active):
                company.end(identity, start, f"{months_after(month, lived)}-10")

    def check(book: Book) -> None:
        retained = {(row.cohort.isoformat()[:7], row.age): row.logo_retention
                    for row in book.cohorts()}  # fmt: skip
        check_average(retained, LOGOS, LOGO_AVERAGE)

    return Case(
        ("cohort table logo",), "customers by cohort", company.rows, (STRICT,), check, AS_OF
    )


def gross_table() -> Case:
    company = Company()
    company.price("dollar", 1_00)
    for month, size, percents in GROSS:
        start = f"{month}-05"
        company.subscribe(month, "dollar", start, quantity=size)
        for age, (before, after) in enumerate(pairwise(percents), start=1):
            if after != before:
                since = f"{months_after(month, age)}-10"
                company.requantify(month, "dollar", start, since, quantity=share(size, after))

    def check(book: Book) -> None:
        retained = {
            (row.cohort.isoformat()[:7], row.age): row.gross_retention
            for row in book.cohorts()
            if row.gross_retention is not None
        }
        check_average(retained, GROSS, GROSS_AVERAGE)

    return Case(("cohort table grr",), "gross MRR by cohort", company.rows, (STRICT,), check, AS_OF)


CASES = (logo_table(), gross_table())
