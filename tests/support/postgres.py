"""A real PostgreSQL server of a test, from Debian's package: its own folder, its own port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

#: For a server that nobody needs after the test.
_OPTIONS = "-c fsync=off -c max_connections=60 -c shared_buffers=32MB -c log_min_messages=fatal"


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`; None where no PostgreSQL 15 or later is installed."""
    folders = sorted(
        (path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()),
        key=lambda path: int(path.parent.name),
    )
    if folders and int(folders[-1].parent.name) >= 15:
        return folders[-1]
    found = shutil.which("initdb")
    return Path(found).parent if found else None


@dataclass
class PostgresServer:
    """A server under a folder; `publisher` may make roles and schemas, and is no superuser."""

    folder: Path
    bin: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self, options: str = "") -> None:
        """Start it and wait until it answers."""
        command = [str(self.bin / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        command += ["-k", str(self.folder), *_OPTIONS.split(), *options.split()]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                _as_postgres(command), stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(200):
            try:
                psycopg.connect(self.superuser, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text("utf-8"))

    def stop(self) -> None:
        """Stop it at once, as an administrator would."""
        self._signal(signal.SIGQUIT)

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        self._signal(signal.SIGKILL)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def superuser(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def dsn(self, user: str = "publisher", database: str = "bi", port: int | None = None) -> str:
        """An address of the database, by the loopback port."""
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}"

    def connect(self, user: str = "publisher", **settings: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn(user), **settings)

    def make_database(self, name: str = "bi") -> None:
        """A new empty database that the publisher may make schemas in."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)")
            connection.execute(f"create database {name}")
            connection.execute(f"grant create on database {name} to publisher")

    def _signal(self, number: int) -> None:
        if self.process is None:
            return
        postmaster = psutil.Process(self.process.pid)
        backends = postmaster.children(recursive=True)
        postmaster.send_signal(number)
        self.process.wait(timeout=30)
        # Those of a killed postmaster see that it is gone, and end by themselves.
        for _ in range(200):
            if not any(_lives(backend) for backend in backends):
                break
            time.sleep(0.05)
        else:
            raise AssertionError("backends did not end")
        self.process = None


def why_no_server() -> str:
    """Why no server can be started here; empty where one can."""
    if binaries() is None:
        return "no PostgreSQL 15 or later is installed (Debian: postgresql)"
    if os.getuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server with a database `bi`; skips the test where none can be started."""
    if reason := why_no_server():
        pytest.skip(reason)
    folder_of_binaries = binaries()
    assert folder_of_binaries is not None
    # A folder that the user postgres can reach, which pytest's own is not.
    folder = Path(tempfile.mkdtemp(prefix="holdfast-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    server = PostgresServer(folder, folder_of_binaries, _free_port())
    try:
        command = [str(server.bin / "initdb"), "-D", str(server.data), "-U", "postgres"]
        command += ["-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run(_as_postgres(command), check=True, capture_output=True)
        server.start()
        with psycopg.connect(server.superuser, autocommit=True) as connection:
            connection.execute("create role publisher login createrole")
        server.make_database()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _as_postgres(command: list[str]) -> list[str]:
    """As a user that it runs as, and no longer than the test that started it."""
    options = ["--pdeathsig", "KILL"]
    if os.getuid() == 0:
        options += ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    return ["setpriv", *options, "--", *command]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Proxy:
    """A TCP proxy in front of a server: cuts or holds back what the server answers.

    `cut_after` is looked for in what the client sends: once it came, the server's answers are
    dropped and, when the server has answered, both sides are cut. `frozen` lets nothing through.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.cut_after = b""
        self.frozen = False
        self.delay = 0.0
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            state = {"armed": False}
            for source, sink, is_client in ((client, server, True), (server, client, False)):
                arguments = (source, sink, is_client, state)
                threading.Thread(target=self._pump, args=arguments, daemon=True).start()

    def _pump(
        self, source: socket.socket, sink: socket.socket, is_client: bool, state: dict[str, bool]
    ) -> None:
        try:
            while data := source.recv(65536):
                while self.frozen:
                    time.sleep(0.02)
                if self.delay and not is_client:
                    time.sleep(self.delay)
                if is_client and self.cut_after and self.cut_after in data:
                    state["armed"] = True
                elif not is_client and state["armed"]:
                    # The server has done it and said so; the client shall never know.
                    self.cuts += 1
                    self.cut_after = b""
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
