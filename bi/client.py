"""A clean Apache Superset with our datasets, charts and dashboard: `python -m bi.client`.

Superset lives in an environment of its own (superset.lock) and is talked to as any client would, by
its REST API. Its records, an SQLite file, are in a folder that is new at each start.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
import requests
import yaml

from orchestration.errors import ConfigurationError, HoldfastError
from orchestration.settings import PROJECT_DIR

VENV_VARIABLE = "HOLDFAST_SUPERSET_VENV"
ADDRESS_VARIABLE = "SUPERSET_DATABASE"
ASSETS = PROJECT_DIR / "bi" / "superset"
CONFIG = PROJECT_DIR / "bi" / "superset_config.py"
DATABASE = "databases/holdfast.yaml"
HOST = "127.0.0.1"
ADMIN = "admin"
#: The metric policy that the charts of the files show.
POLICY = "board_strict"
START_SECONDS = 300.0
ANSWER_SECONDS = 120.0
#: What Superset itself writes where a password was.
MASK = "XXXXXXXXXX"


class SupersetError(HoldfastError):
    """Superset did not start, or refused what it was asked."""


@dataclass(frozen=True)
class Superset:
    """A Superset that runs: its address, its folder and the password of its administrator."""

    port: int
    folder: Path
    password: str

    @property
    def url(self) -> str:
        """Where the browser finds it."""
        return f"http://{HOST}:{self.port}"


def programs() -> Path:
    """The folder of Superset's programs.

    Raises:
        ConfigurationError: it is not installed; says how it would be.
    """
    venv = Path(os.environ.get(VENV_VARIABLE) or PROJECT_DIR / ".venv-bi")
    if not (venv / "bin" / "superset").exists():
        raise ConfigurationError(
            f"There is no Superset in {venv}. `make bi-install` makes .venv-bi of superset.lock; "
            f"{VENV_VARIABLE} names another virtual environment that has it."
        )
    return venv / "bin"


@contextmanager
def superset(folder: Path, port: int = 0) -> Iterator[Superset]:
    """A new Superset in a folder, on the loopback address only; it ends with the block.

    Raises:
        ConfigurationError: Superset is not installed.
        SupersetError: it did not start; has the end of its log.
    """
    run = programs()
    server = Superset(_port(port), folder, secrets.token_urlsafe(24))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / "superset.db").exists():
        raise ConfigurationError(f"{folder} has a Superset's records already; name a new folder.")
    # Our settings and the password of the database are none of its business.
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HOLDFAST_") and name != ADDRESS_VARIABLE
        },
        "SUPERSET_HOME": str(folder),
        "SUPERSET_CONFIG_PATH": str(CONFIG),
        "SUPERSET_SECRET_KEY": secrets.token_urlsafe(48),
        "SCARF_ANALYTICS": "false",
        "FLASK_APP": "superset.app:create_app()",
    }
    admin = ["--username", ADMIN, "--firstname", "Admin", "--lastname", "Holdfast"]
    admin += ["--email", "admin@localhost"]
    with (folder / "superset.log").open("ab") as log:
        for command in (["db", "upgrade"], ["fab", "create-admin", *admin], ["init"]):
            done = subprocess.run(
                [str(run / "superset"), *command],
                env=environment,
                cwd=folder,
                # The password, twice, as it is asked for: arguments are seen by everybody on the
                # machine. Without a terminal it is asked for here.
                input=f"{server.password}\n{server.password}\n".encode(),
                start_new_session=True,
                stdout=log,
                stderr=log,
                timeout=START_SECONDS,
                check=False,
            )
            if done.returncode:
                raise SupersetError(_failed(f"superset {' '.join(command[:2])}", folder))
        web = [str(run / "gunicorn"), "--bind", f"{HOST}:{server.port}", "--workers", "1"]
        web += ["--worker-class", "gthread", "--threads", "8", "--timeout", "120"]
        web += ["--graceful-timeout", "2"]
        process = subprocess.Popen(
            [*web, environment["FLASK_APP"]], env=environment, cwd=folder, stdout=log, stderr=log
        )
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Client:
    """What somebody who has logged in may ask."""

    def __init__(self, server: Superset) -> None:
        self._url = server.url
        self._session = requests.Session()
        # A proxy of the environment has no business with the loopback address.
        self._session.trust_env = False
        login = {"username": ADMIN, "password": server.password, "provider": "db"}
        token = self._ask("POST", "security/login", json=login)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["X-CSRFToken"] = self._ask("GET", "security/csrf_token/")["result"]
        self._session.headers["Referer"] = self._url

    def import_assets(self, address: str, policy: str = POLICY) -> None:
        """Import database, datasets, charts and dashboard; what is there is replaced.

        Args:
            address: of the database, as a reader: postgresql://name:password@host:port/database.
            policy: the metric policy that the charts show.

        Raises:
            SupersetError: Superset refused them; says what it said.
        """
        bundle, password = pack(address, policy)
        self._ask(
            "POST",
            "assets/import/",
            files={"bundle": ("holdfast.zip", bundle, "application/zip")},
            data={"passwords": json.dumps({DATABASE: for_superset(password)})},
        )

    def charts(self) -> dict[str, int]:
        """The number of each chart, by its uuid."""
        listed = self._ask("GET", "chart/?q=(page_size:100,columns:!(id,uuid))")["result"]
        return {chart["uuid"]: chart["id"] for chart in listed}

    def chart_data(self, number: int) -> list[dict[str, Any]]:
        """The rows that a chart shows, figures as exact decimals of what was sent."""
        return _rows(self._ask("GET", f"chart/{number}/data/"))

    def query(self, dataset: int, **query: Any) -> list[dict[str, Any]]:
        """Rows of a dataset, as the explorer asks for them."""
        body = {"datasource": {"id": dataset, "type": "table"}, "queries": [query]}
        return _rows(self._ask("POST", "chart/data", json=body))

    def datasets(self) -> dict[str, int]:
        """The number of each dataset, by schema.table."""
        listed = self._ask("GET", "dataset/?q=(page_size:100)")["result"]
        return {f"{dataset['schema']}.{dataset['table_name']}": dataset["id"] for dataset in listed}

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(
            method, f"{self._url}/api/v1/{path}", timeout=ANSWER_SECONDS, **arguments
        )
        if not answer.ok:
            raise SupersetError(
                f"Superset refused {method} {path}: {answer.status_code} {answer.text[:2000]}"
            )
        return json.loads(answer.text, parse_float=Decimal)


def official_policy(address: str) -> str:
    """The metric policy that the release in a database reports by.

    Raises:
        ConfigurationError: the database cannot be read, or has no release.
    """
    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            found = connection.execute(
                "select policy_id from core.dim_metric_policies where is_official"
            ).fetchall()
    except psycopg.Error as error:
        raise ConfigurationError(
            f"The database of {ADDRESS_VARIABLE} cannot be read: {error}. It has to hold a release "
            "(make publish), and the role has to be granted bi_reader (docs/postgres.md)."
        ) from None
    ((policy,),) = found
    return str(policy)


def pack(address: str, policy: str = POLICY) -> tuple[bytes, str]:
    """The assets as Superset imports them; and the database's password, which is not in them.

    Args:
        address: of the database.
        policy: takes the place of the one that the files name.

    Raises:
        ConfigurationError: the address is none of a PostgreSQL database.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname or not parts.username:
        raise ConfigurationError(
            "The address of the database has to be postgresql://name:password@host:port/database, "
            "with a role that was granted bi_reader (docs/postgres.md)."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{host}:{parts.port or 5432}"
    user = quote(unquote(parts.username), safe="")
    target = (f"{user}:{MASK}@{place}", parts.path, parts.query, "")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(ASSETS.rglob("*.yaml")):
            name = path.relative_to(ASSETS).as_posix()
            text = re.sub(rf"\b{POLICY}\b", policy, path.read_text("utf-8"))
            if name == DATABASE:
                database = yaml.safe_load(text)
                database["sqlalchemy_uri"] = urlunsplit(("postgresql+psycopg2", *target))
                text = yaml.safe_dump(database)
            bundle.writestr(f"holdfast/{name}", text)
    return packed.getvalue(), unquote(parts.password or "")


def for_superset(password: str) -> str:
    """A password as Superset has to be given it.

    It puts the password into an address, where its SQLAlchemy (1.4) quotes none but `:@/`, and
    reads the address again, where everything is unquoted.
    """
    return password.replace("%", "%25")


def asset(kind: str, name: str) -> Mapping[str, Any]:
    """An asset of the repository, such as ("charts", "mrr_by_month")."""
    read: Mapping[str, Any] = yaml.safe_load((ASSETS / kind / f"{name}.yaml").read_text("utf-8"))
    return read


def main(arguments: Sequence[str] | None = None) -> int:
    """Run Superset with the dashboard until it is broken off; exit code 0, or the error's."""
    parser = argparse.ArgumentParser(prog="bi.client", description=__doc__)
    parser.add_argument("--port", type=int, default=8088)
    parsed = parser.parse_args(arguments)
    address = os.environ.get(ADDRESS_VARIABLE, "")
    # However it is ended, Superset's server ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if not address:
            raise ConfigurationError(
                f"{ADDRESS_VARIABLE} is not set. It names the PostgreSQL database into which the "
                "release was published, for a reader: "
                "postgresql://name:password@host:port/database (docs/postgres.md)."
            )
        pack(address)
        programs()
        policy = official_policy(address)
        with (
            tempfile.TemporaryDirectory(prefix="holdfast-superset-") as folder,
            superset(Path(folder), parsed.port) as server,
        ):
            Client(server).import_assets(address, policy)
            print(f"superset: {server.url}/superset/dashboard/holdfast/")
            # Made for this sitting, for the person at this machine.
            # nosemgrep: secrets-are-not-printed
            print(f"superset: user {ADMIN}, password {server.password}; Ctrl-C ends it", flush=True)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        return 0
    except HoldfastError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _rows(answer: Any) -> list[dict[str, Any]]:
    (result,) = answer["result"]
    if result.get("error"):
        raise SupersetError(f"Superset could not ask the database: {result['error']}")
    rows: list[dict[str, Any]] = result["data"]
    return rows


def _wait(server: Superset, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with requests.Session() as session:
                session.trust_env = False
                if session.get(f"{server.url}/health", timeout=5).ok:
                    return
        except requests.RequestException:
            time.sleep(0.5)
    process.kill()
    raise SupersetError(_failed("superset's web server", server.folder))


def _failed(what: str, folder: Path) -> str:
    log = folder / "superset.log"
    tail = "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-15:])
    return f"{what} did not come up; the end of its log:\n{tail}"


def _port(wanted: int) -> int:
    """A port that nobody listens on: the one that is wanted, or for 0 any."""
    with socket.socket() as probe:
        # As the web server does it: connections that are ending do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            # Whoever answers there would be given a password that is not his.
            raise ConfigurationError(
                f"Port {wanted} of {HOST} cannot be used ({error.strerror}); "
                "choose another: python -m bi.client --port 8089."
            ) from None
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main())
