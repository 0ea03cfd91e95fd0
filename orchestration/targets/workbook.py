"""The month-end workbook: what finance files, with formulas that prove it ties out.

`workbooks/<month>-release-<n>.xlsx` in the home folder, from the released marts alone. Every sheet
has check formulas, and the first sheet adds up their absolute values: anything but 0 does not tie
out. Text is written as text: no name of a customer can start a formula. The same release and month
give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from orchestration.books.periods import month_name, next_month
from orchestration.control import Release
from orchestration.errors import ConfigurationError
from orchestration.failpoints import failpoint
from orchestration.settings import Settings
from orchestration.targets.workbook_figures import read_figures
from orchestration.warehouse import open_for_reading

Say = Callable[[str], None]

#: Marts that the workbook is made of.
MARTS = (
    ("revenue", "fct_mrr_by_month"),
    ("revenue", "fct_mrr_by_customer_month"),
    ("revenue", "fct_mrr_invoice_reconciliation"),
    ("revenue", "fct_recognized_revenue_by_month"),
    ("revenue", "fct_mrr_closed_periods"),
    ("revenue", "fct_mrr_restatements"),
    ("retention", "fct_retention_by_cohort_month"),
)


@dataclass(frozen=True)
class Edition:
    """What a workbook is of."""

    month: date
    release_n: int
    published_at: datetime
    as_of: date
    policy_id: str
    currency: str


def workbook_path(settings: Settings, month: date, release_n: int) -> Path:
    """Where the workbook of a month and release is."""
    return settings.home / "workbooks" / f"{month:%Y-%m}-release-{release_n}.xlsx"


def write_workbook(
    settings: Settings, release: Release, month: date, show: Say | None = None
) -> Path:
    """Write the workbook of a month from a release; a file that is there is replaced as a whole.

    `show` is given passing lines: which sheet is written.

    Raises:
        ConfigurationError: the release has no figures of that month, or the month is not over.
    """
    # Imported here: a run that is not asked for one need not wait for it.
    from orchestration.targets.workbook_sheets import write_sheets

    warehouse = settings.releases_dir / f"{release.n}.duckdb"
    last_day = date.fromordinal(next_month(month).toordinal() - 1)
    if release.as_of < last_day:
        raise ConfigurationError(
            f"{month_name(month)} is not over in release {release.n} (as of {release.as_of}): "
            "choose an earlier month, or run again later."
        )
    edition = Edition(
        month=month,
        release_n=release.n,
        published_at=release.published_at,
        as_of=release.as_of,
        policy_id=settings.official_policy,
        currency=settings.reporting_currency,
    )
    with open_for_reading(warehouse) as connection:
        figures = read_figures(connection, edition.month, edition.policy_id)
    if not figures.months:
        raise ConfigurationError(
            f"Release {release.n} has no figures of {month_name(month)} under "
            f"{settings.official_policy}: choose a later month, or the policy that was released "
            "(HOLDFAST_OFFICIAL_POLICY)."
        )
    target = workbook_path(settings, month, release.n)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    write_sheets(partial, edition, figures, show)
    partial.chmod(0o600)
    failpoint("workbook.partial")
    partial.replace(target)
    return target


def converge_workbook(
    settings: Settings, release: Release | None, say: Say, show: Say | None = None
) -> None:
    """Let the last complete month of the release have its workbook; called by every start.

    `show` is given passing lines. It never holds up a release: what goes wrong is said, and tried
    again by the next start.
    """
    if release is None:
        return
    try:
        with open_for_reading(settings.releases_dir / f"{release.n}.duckdb") as connection:
            month = _last_month(connection, settings.official_policy)
        if month is None or workbook_path(settings, month, release.n).exists():
            return
        say(f"workbook of {month_name(month)}")
        written = write_workbook(settings, release, month, show)
        say(f"workbook: {written.name}")
    except Exception as error:
        say(f"workbook: not written ({type(error).__name__}: {error}); the release stands")


def _last_month(connection: duckdb.DuckDBPyConnection, policy_id: str) -> date | None:
    # Every start asks; without parameters, for which DuckDB would import pandas.
    there = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    if not set(MARTS) <= set(there):
        return None
    months: dict[str, date] = dict(
        connection.execute(
            "select policy_id, max(month) from revenue.fct_mrr_by_month where is_complete"
            " group by policy_id"
        ).fetchall()
    )
    return months.get(policy_id)
