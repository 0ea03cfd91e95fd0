"""A statement whose connection is lost is never sent again: an insert would be done twice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from orchestration.spark import cluster
from tests.support.dbt_runner import DbtError
from tests.support.spark import SparkProject

pytestmark = pytest.mark.spark

WORDS = "sent once, and never again"


class Relay:
    """Passes on what dbt and the Thrift server say, and hangs up after a certain statement.

    Later connections are served again, so that nothing but its own rule keeps dbt from trying.
    """

    def __init__(self, listener: socket.socket, thrift_port: int, words: str) -> None:
        self.sent = 0
        self._listener = listener
        self._thrift_port = thrift_port
        self._words = words.encode()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection((cluster.HOST, self._thrift_port))
            for work in (self._to_server, self._to_client):
                threading.Thread(target=work, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while said := client.recv(1 << 20):
                server.sendall(said)
                if self._words in said:
                    self.sent += 1
                    break
        # The statement is with the server; its answer comes to nobody.
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _to_client(client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while said := server.recv(1 << 20):
                client.sendall(said)


@contextmanager
def relay(thrift_port: int, words: str) -> Iterator[tuple[Relay, str]]:
    """A relay that runs, and its address."""
    with socket.create_server((cluster.HOST, 0)) as listener:
        made = Relay(listener, thrift_port, words)
        threading.Thread(target=made.serve, daemon=True).start()
        yield made, f"{cluster.HOST}:{listener.getsockname()[1]}"
        # Accepting threads wake up only when it is shut down.
        listener.shutdown(socket.SHUT_RDWR)


def test_a_statement_is_sent_once_though_its_connection_is_lost(
    running: cluster.Cluster, on_spark: SparkProject
) -> None:
    with relay(running.thrift_port, "words nobody says") as (_, address):
        on_spark.through(address).show(f"select '{WORDS}' as words")
    with relay(running.thrift_port, WORDS) as (lossy, address):
        with pytest.raises(DbtError, match="Connection lost"):
            on_spark.through(address).show(f"select '{WORDS}' as words", keeps_sessions=True)
        assert lossy.sent == 1
        # The next model does not begin with the session that was lost.
        on_spark.through(address).show("select 'other words' as words")
