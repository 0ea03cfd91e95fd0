"""The settings of a run, read once from `HOLDFAST_*` environment variables and frozen.

| variable | meaning | default |
|---|---|---|
| HOLDFAST_HOME | folder of control.db, builds, releases | `data` in the project |
| HOLDFAST_LANDING | what the company lands; may be read-only | `landing` in the home |
| HOLDFAST_AS_OF | last day that counts, YYYY-MM-DD | today (or the day of HOLDFAST_KNOWN_AT) |
| HOLDFAST_KNOWN_AT | look back: leave out what was loaded after this UTC time, ISO 8601 | none |
| HOLDFAST_REPORTING_TIMEZONE | IANA zone that cuts days and months | UTC |
| HOLDFAST_REPORTING_CURRENCY | ISO 4217 code of reported money | USD |
| HOLDFAST_ENABLED_POLICIES | comma-separated policy ids, computed side by side | board_strict |
| HOLDFAST_OFFICIAL_POLICY | the one that reports by default | first enabled |
| HOLDFAST_CLOSE_BUSINESS_DAY | business day on which the schedule closes the month before | 5 |
| HOLDFAST_HOLIDAYS | comma-separated days, YYYY-MM-DD, that are no business days | none |
| HOLDFAST_DASHBOARD | off: releases get no pages | on |
| HOLDFAST_PARQUET | on: releases are written as Parquet with a manifest too | off |
| HOLDFAST_MEMORY_LIMIT | DuckDB memory limit, for example 8GB | 60 % of the machine |
| HOLDFAST_THREADS | threads of DuckDB and dbt | cores of the machine |
| HOLDFAST_TARGET | what builds the models: duckdb, or spark (docs/spark.md) | duckdb |
| HOLDFAST_SPARK_THRIFT | host:port of a cluster's Thrift server | that of `make spark-up` |
| HOLDFAST_SPARK_TESTS | on: data tests run on the cluster too (docs/spark.md) | off |
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from orchestration.errors import ConfigurationError
from orchestration.variables import check_names

PROJECT_DIR = Path(__file__).resolve().parent.parent
DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"


@dataclass(frozen=True)
class Settings:
    """Everything a run depends on besides code and input; all paths absolute."""

    home: Path
    landing: Path
    as_of: date
    known_at: datetime | None
    reporting_timezone: str
    reporting_currency: str
    enabled_policies: tuple[str, ...]
    official_policy: str
    memory_limit: str
    threads: int
    close_business_day: int = 5
    holidays: tuple[date, ...] = ()
    with_dashboard: bool = True
    with_parquet: bool = False
    target: str = "duckdb"
    spark_thrift: str | None = None
    with_tests_on_spark: bool = False

    @property
    def control_database(self) -> Path:
        """SQLite file with runs, files, releases."""
        return self.home / "control.db"

    @property
    def accepted_dir(self) -> Path:
        """Parquet made once per accepted csv or jsonl file, by sha256."""
        return self.home / "accepted"

    @property
    def build_dir(self) -> Path:
        """Private build folders, one per run: `build/<run>/warehouse.duckdb`."""
        return self.home / "build"

    @property
    def releases_dir(self) -> Path:
        """Immutable releases `<n>.duckdb`."""
        return self.home / "releases"

    @property
    def as_known_dir(self) -> Path:
        """Builds that look back, `<known at>.duckdb`; none of them is a release."""
        return self.home / "as_known"

    @property
    def spark_dir(self) -> Path:
        """Files of the cluster that `make spark-up` starts."""
        return self.home / "spark"

    @property
    def warehouse_link(self) -> Path:
        """Link to the current release; what readers open."""
        return self.home / "warehouse.duckdb"

    def dbt_vars(self) -> dict[str, object]:
        """Variables of the dbt run: plain strings and lists, validated here."""
        return {
            "as_of_date": self.as_of.isoformat(),
            "known_at": self.known_at.strftime("%Y-%m-%d %H:%M:%S") if self.known_at else "",
            "reporting_timezone": self.reporting_timezone,
            "reporting_currency": self.reporting_currency,
            "enabled_policies": list(self.enabled_policies),
            "official_policy": self.official_policy,
        }


@dataclass(frozen=True)
class EngineLimits:
    """How much of the machine one DuckDB connection may take."""

    memory_limit: str
    threads: int


def load_engine_limits(environ: Mapping[str, str] = os.environ) -> EngineLimits:
    """Read the limits of DuckDB, which readers of any file need without the other settings.

    Raises:
        ConfigurationError: one of them has a value that cannot be used.
    """
    memory_limit = environ.get("HOLDFAST_MEMORY_LIMIT") or _default_memory_limit()
    if not re.fullmatch(r"\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)", memory_limit):
        raise ConfigurationError(
            f"HOLDFAST_MEMORY_LIMIT is {memory_limit!r}; use a number and a unit, such as 8GB."
        )
    return EngineLimits(memory_limit, _threads(environ.get("HOLDFAST_THREADS")))


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and validate the settings.

    Raises:
        ConfigurationError: a variable has a value that cannot be used.
    """
    check_names(environ)
    home = Path(environ.get("HOLDFAST_HOME") or PROJECT_DIR / "data").expanduser().resolve()
    landing = Path(environ.get("HOLDFAST_LANDING") or home / "landing").expanduser().resolve()
    timezone = environ.get("HOLDFAST_REPORTING_TIMEZONE") or "UTC"
    if timezone not in available_timezones():
        raise ConfigurationError(
            f"HOLDFAST_REPORTING_TIMEZONE is {timezone!r}, which is no IANA time zone; "
            "use a name such as Europe/Berlin."
        )
    currency = (environ.get("HOLDFAST_REPORTING_CURRENCY") or "USD").upper()
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise ConfigurationError(
            f"HOLDFAST_REPORTING_CURRENCY is {currency!r}; use a three-letter ISO 4217 code."
        )
    policies = tuple(
        p.strip()
        for p in (environ.get("HOLDFAST_ENABLED_POLICIES") or "board_strict").split(",")
        if p.strip()
    )
    for policy in policies:
        if not re.fullmatch(r"[a-z0-9_]+", policy):
            raise ConfigurationError(
                f"HOLDFAST_ENABLED_POLICIES names {policy!r}; a policy id is made of "
                "lower-case letters, digits and underscores."
            )
    official = environ.get("HOLDFAST_OFFICIAL_POLICY") or policies[0]
    if official not in policies:
        raise ConfigurationError(
            f"HOLDFAST_OFFICIAL_POLICY is {official!r}, which is not among the enabled policies "
            f"({', '.join(policies)}); enable it or choose another."
        )
    known_at = _known_at(environ.get("HOLDFAST_KNOWN_AT"))
    limits = load_engine_limits(environ)
    return Settings(
        home=home,
        landing=landing,
        as_of=_as_of(environ.get("HOLDFAST_AS_OF"), timezone, known_at),
        known_at=known_at,
        reporting_timezone=timezone,
        reporting_currency=currency,
        enabled_policies=policies,
        official_policy=official,
        memory_limit=limits.memory_limit,
        threads=limits.threads,
        close_business_day=_close_business_day(environ.get("HOLDFAST_CLOSE_BUSINESS_DAY")),
        holidays=_holidays(environ.get("HOLDFAST_HOLIDAYS")),
        with_dashboard=_is_on("HOLDFAST_DASHBOARD", environ, otherwise=True),
        with_parquet=_is_on("HOLDFAST_PARQUET", environ, otherwise=False),
        target=_target(environ.get("HOLDFAST_TARGET")),
        spark_thrift=_spark_thrift(environ.get("HOLDFAST_SPARK_THRIFT")),
        with_tests_on_spark=_is_on("HOLDFAST_SPARK_TESTS", environ, otherwise=False),
    )


def _target(text: str | None) -> str:
    if text not in (None, "", "duckdb", "spark"):
        raise ConfigurationError(f"HOLDFAST_TARGET is {text!r}; use duckdb or spark.")
    return text or "duckdb"


def _spark_thrift(text: str | None) -> str | None:
    if text and not re.fullmatch(r"[A-Za-z0-9.-]+:\d{1,5}", text):
        raise ConfigurationError(
            f"HOLDFAST_SPARK_THRIFT is {text!r}; use host:port, such as spark.example.com:10000."
        )
    return text or None


def _as_of(text: str | None, timezone: str, known_at: datetime | None) -> date:
    if not text and known_at is not None:
        return known_at.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)).date()
    if not text:
        return datetime.now(ZoneInfo(timezone)).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"HOLDFAST_AS_OF is {text!r}; use a date such as 2026-10-31."
        ) from None


def _known_at(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"HOLDFAST_KNOWN_AT is {text!r}; use a UTC time such as 2026-10-31T23:59:59Z."
        ) from None
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def _close_business_day(text: str | None) -> int:
    if not text:
        return 5
    if not re.fullmatch(r"[1-9]|1\d", text):
        raise ConfigurationError(
            f"HOLDFAST_CLOSE_BUSINESS_DAY is {text!r}; use a whole number from 1 to 19."
        )
    return int(text)


def _holidays(text: str | None) -> tuple[date, ...]:
    days = [day.strip() for day in (text or "").split(",") if day.strip()]
    try:
        return tuple(sorted(date.fromisoformat(day) for day in days))
    except ValueError:
        raise ConfigurationError(
            f"HOLDFAST_HOLIDAYS is {text!r}; use days such as 2026-12-25,2027-01-01."
        ) from None


def _is_on(name: str, environ: Mapping[str, str], *, otherwise: bool) -> bool:
    text = environ.get(name) or ""
    if text not in ("", "on", "off"):
        raise ConfigurationError(f"{name} is {text!r}; use on or off.")
    return otherwise if not text else text == "on"


def _threads(text: str | None) -> int:
    if not text:
        return os.cpu_count() or 1
    if not re.fullmatch(r"[1-9]\d{0,2}", text):
        raise ConfigurationError(f"HOLDFAST_THREADS is {text!r}; use a whole number from 1.")
    return int(text)


def _default_memory_limit() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{max(1, int(total * 0.6 / 2**30))}GB"
