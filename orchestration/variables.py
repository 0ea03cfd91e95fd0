"""The environment variables that the warehouse knows. Others of its name are refused.

A misspelt variable would be a setting that silently is not there, which may change a figure.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from orchestration.errors import ConfigurationError

PREFIX = "HOLDFAST_"
KNOWN = frozenset(
    PREFIX + name
    for name in (
        # Settings of a run (settings.py).
        "HOME",
        "LANDING",
        "AS_OF",
        "KNOWN_AT",
        "REPORTING_TIMEZONE",
        "REPORTING_CURRENCY",
        "ENABLED_POLICIES",
        "OFFICIAL_POLICY",
        "MEMORY_LIMIT",
        "THREADS",
        "GO_ON_WITHOUT_REFUSED",
        "CLOSE_BUSINESS_DAY",
        "HOLIDAYS",
        "DASHBOARD",
        "PARQUET",
        # Who is told of a release (targets/webhook.py, targets/mail.py).
        "WEBHOOK_URL",
        "WEBHOOK_PRIVATE_HOSTS",
        "SECRET_WEBHOOK",
        "EMAIL_TO",
        "EMAIL_FROM",
        "SMTP_HOST",
        "SMTP_PORT",
        "SMTP_USER",
        "SECRET_SMTP",
        # The database of BI tools (targets/postgres).
        "POSTGRES_DSN",
        # Set by a run for dbt (dbt_runner.py).
        "BUILD_DATABASE",
        "ENGINE_FOLDERS",
        # What builds, and the cluster (orchestration/spark).
        "TARGET",
        "SPARK_THRIFT",
        "SPARK_TESTS",
        "SPARK_EXCHANGE",
        "SPARK_VENV",
        # Superset (bi/client.py).
        "SUPERSET_VENV",
        # A project that the benchmark builds beside this one (benchmarks/peer.py).
        "PEER",
        # For tests.
        "AUDIT_OFFLINE",
        "FAILPOINT",
        "FAILPOINT_LOG",
        "PARSED",
        "DEEP_HISTORIES",
        "HISTORIES_PER_RUN",
        "HISTORIES_SEED",
        "POLICIES_PER_RUN",
    )
)


def check_names(environ: Mapping[str, str]) -> None:
    """Refuse variables that nothing reads.

    Raises:
        ConfigurationError: naming the variable, and the one that was probably meant.
    """
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise ConfigurationError(
                f"{name} is set, but there is no such setting; nothing was started, for it would "
                f"be silently left out.{meant} orchestration/variables.py "
                "lists them all."
            )
