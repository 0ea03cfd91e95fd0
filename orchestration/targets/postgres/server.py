"""The server: where it is, how it is talked to, and its errors in our words."""

from __future__ import annotations

import ipaddress
import os
import random
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestration.errors import ConfigurationError

VARIABLE = "HOLDFAST_POSTGRES_DSN"
#: Constraints that take two nulls for one value came with 15.
LEAST_VERSION = 15
CONNECT_SECONDS = 5
#: A server that does not answer for so long is taken for dead.
STALL_SECONDS = 120.0
#: Keys and statistics of a large table are one statement, which says nothing until it is done.
LONGEST_STATEMENT_SECONDS = 1800.0
_PASSWORD = re.compile(
    r"(password\s*=\s*)(?:'(?:[^'\\]|\\.)*'|\S+)|(://[^:/@\s]*:)[^@\s]*(?=@)", re.IGNORECASE
)
#: Statements of a session: nobody's objects in our way, and no lock left by a dead client.
_SESSION = (
    "set search_path = pg_catalog",
    "set timezone = 'UTC'",
    "set idle_in_transaction_session_timeout = '2min'",
    "set client_connection_check_interval = '1s'",
    "set lock_timeout = '10s'",
    # Only the flip's own commit has to be on disk, and it takes all before it along.
    "set synchronous_commit = off",
    f"set statement_timeout = '{int(LONGEST_STATEMENT_SECONDS)}s'",
)


class TargetError(Exception):
    """What keeps the target behind the release, in words; `again` where waiting may help."""

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


@dataclass(frozen=True)
class Server:
    """A database of a server, as `HOLDFAST_POSTGRES_DSN` names it. Never shows the address."""

    conninfo: str = field(repr=False)
    stall_seconds: float = STALL_SECONDS

    def connect(self) -> psycopg.Connection[Any]:
        """A session that commits each statement unless it is told otherwise.

        Raises:
            psycopg.Error: the server cannot be reached, or does not let us in.
            TargetError: it is too old.
        """
        connection = psycopg.connect(self.conninfo, autocommit=True)
        try:
            if connection.info.server_version < LEAST_VERSION * 10_000:
                raise TargetError(
                    f"PostgreSQL {LEAST_VERSION} or later is needed; this server is "
                    f"{connection.info.parameter_status('server_version')}."
                )
            for statement in _SESSION:
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def without_secrets(self, text: str) -> str:
        """A message of the server or the library, fit to be written down."""
        for secret in (self.conninfo, conninfo_to_dict(self.conninfo).get("password")):
            if secret:
                text = text.replace(str(secret), "***")
        text = _PASSWORD.sub(lambda match: (match[1] or match[2]) + "***", text)
        return " ".join(text.split())


def server_from(environ: Mapping[str, str] = os.environ) -> Server | None:
    """The server that the environment asks for, None where it asks for none.

    The certificate of a server on another machine is checked (`sslmode=verify-full`) unless the
    address says otherwise.

    Raises:
        ConfigurationError: the address cannot be read. It is never shown: it may hold a password.
    """
    dsn = environ.get(VARIABLE)
    if not dsn:
        return None
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.Error:
        raise ConfigurationError(
            f"{VARIABLE} is no address of a PostgreSQL database. Use "
            "postgresql://user@host:5432/database or host=... dbname=... user=..., and keep the "
            "password in a file: https://www.postgresql.org/docs/current/libpq-pgpass.html"
        ) from None
    added: dict[str, Any] = {
        "application_name": "holdfast",
        "connect_timeout": CONNECT_SECONDS,
        "client_encoding": "UTF8",
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    if "PGSSLMODE" not in environ and not _is_local(given, environ):
        added["sslmode"] = "verify-full"
    merged = {**added, **{name: value for name, value in given.items() if value is not None}}
    return Server(make_conninfo(**merged))


def _is_local(given: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Whether every host of an address is this machine."""
    if given.get("service") or ("PGSERVICE" in environ and not given.get("host")):
        # The file of services may name any host.
        return False
    hosts = given.get("hostaddr") or given.get("host") or environ.get("PGHOST") or ""
    return all(_is_this_machine(host) for host in str(hosts).split(","))


def _is_this_machine(host: str) -> bool:
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Watchdog:
    """Closes a connection whose server has not answered for too long.

    libpq itself waits for ever for a server that took a statement and then stands still. The
    socket is shut down from outside, which libpq takes for a server that went away.
    """

    def __init__(self, connection: psycopg.Connection[Any], seconds: float) -> None:
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._seconds = seconds
        self._limit = seconds
        self._seen = time.monotonic()
        self._over = threading.Event()
        self.fired = False
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def tick(self) -> None:
        """Something came from the server, or went to it."""
        self._seen = time.monotonic()

    @contextmanager
    def patient(self) -> Iterator[None]:
        """For a statement that may take long and says nothing until it is done."""
        self._limit = max(self._seconds, LONGEST_STATEMENT_SECONDS)
        try:
            yield
        finally:
            self.tick()
            self._limit = self._seconds

    def _watch(self) -> None:
        while not self._over.wait(min(0.2, self._seconds / 5)):
            if time.monotonic() - self._seen > self._limit:
                self.fired = True
                self._socket.shutdown(socket.SHUT_RDWR)
                return


def pause(attempt: int, *, first: float = 0.25, longest: float = 4.0) -> None:
    """Wait before attempt 1, 2, ...: twice as long each time, and never as long as others."""
    time.sleep(min(longest, first * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0))
