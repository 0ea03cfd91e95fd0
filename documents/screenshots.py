"""`make screenshots`: the pictures of the README, taken of the current release of the home folder.

Dagster's web server is started on this machine only, without its daemon, so that no schedule and no
sensor of it starts a run. Needs Debian's chromium and the parts for development.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from orchestration.dagster_home import prepare_dagster_home
from orchestration.errors import ConfigurationError, HoldfastError
from orchestration.settings import PROJECT_DIR, Settings, load_settings
from orchestration.targets.dashboard import current_page

CHROMIUM = Path("/usr/bin/chromium")
IMAGES = PROJECT_DIR / "docs" / "images"
WIDTH, HEIGHT = 1280, 800
STARTING_SECONDS = 180
#: Pages of Dagster: name of the picture, path, what must be on it before it is taken. Those of the
#: release show paths of the machine, and have no place in a repository.
DAGSTER_PAGES = (
    ("dagster_groups", "asset-groups", "customer_success"),
    ("dagster_mart", "assets/revenue/fct_mrr_by_month", "finance@holdfast.example"),
)


@contextmanager
def web_server(settings: Settings) -> Iterator[str]:
    """Dagster's UI on a free port of this machine; its address."""
    prepare_dagster_home(settings)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("dagster-webserver")
    command = [str(program), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--module-name", "orchestration.definitions"],
        cwd=PROJECT_DIR,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until and server.poll() is None:
        asked = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            asked.request("GET", "/server_info")
            asked.getresponse()
            return
        except OSError:
            time.sleep(1)
        finally:
            asked.close()
    raise ConfigurationError("Dagster's web server did not start; `make dev` says why.")


def take(settings: Settings, images: Path) -> list[Path]:
    """Take all pictures; returns their files.

    Raises:
        ConfigurationError: there is no release, no browser, or no server.
    """
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        raise ConfigurationError(f"{CHROMIUM} is not there: sudo apt-get install chromium")
    if not settings.warehouse_link.exists():
        raise ConfigurationError("There is no release yet: make run.")
    images.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    with web_server(settings) as address, sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        # What the UI would ask of the world stays unanswered.
        page.route(
            lambda url: not url.startswith((address, "file:", "data:", "blob:")),
            lambda route: route.abort(),
        )
        for name, path, awaited in DAGSTER_PAGES:
            page.goto(f"{address}/{path}")
            page.get_by_text(awaited).first.wait_for(timeout=60_000)
            page.wait_for_timeout(6_000)
            taken.append(images / f"{name}.png")
            page.screenshot(path=taken[-1])
        dashboard = current_page(settings)
        if dashboard.exists():
            page.goto(dashboard.as_uri())
            page.wait_for_timeout(3_000)
            taken.append(images / "dashboard_overview.png")
            page.screenshot(path=taken[-1])
        browser.close()
    return taken


def main() -> int:
    """Returns 0, or the exit code of what went wrong."""
    try:
        for picture in take(load_settings(), IMAGES):
            print(f"{picture.relative_to(PROJECT_DIR)}: {picture.stat().st_size:,} bytes")
    except HoldfastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
