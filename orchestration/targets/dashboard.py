"""The dashboard: static pages of the last release, in `dashboard/<n>` of the home folder.

`dashboard/current` is a link to the folder of the last release; readers see the old pages or the
new ones, never a part. It converges by itself and never holds up a release: what goes wrong is
said, the pages of the release before stay, and the next start tries again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.edition import Edition, code_digest, edition_of
from orchestration.control import Control, Release
from orchestration.errors import ConfigurationError, HoldfastError
from orchestration.failpoints import failpoint
from orchestration.settings import Settings
from orchestration.warehouse import open_for_reading

if TYPE_CHECKING:
    from orchestration.books.diff import ReleaseDiff

Say = Callable[[str], None]

#: Folders that stay: who has a page of an earlier release open still finds the others.
KEPT = 3
#: Without these there is nothing to show.
MARTS = ("dim_metric_policies", "fct_mrr_by_month", "fct_retention_by_period")


def dashboard_dir(settings: Settings) -> Path:
    """Where the dashboards are."""
    return settings.home / "dashboard"


def current_page(settings: Settings) -> Path:
    """The page that opens."""
    return dashboard_dir(settings) / "current" / "index.html"


def converge_dashboard(
    settings: Settings,
    control: Control,
    release: Release | None,
    say: Say,
    show: Say | None = None,
) -> None:
    """Let the last release have its dashboard; called by every start.

    `show` is given passing lines. It never holds up a release: what goes wrong is said, and tried
    again by the next start.
    """
    if release is None or not settings.with_dashboard:
        return
    try:
        if is_current(settings, release) or not _has_marts(settings, release):
            return
        say(f"dashboard of release {release.n}")
        build_dashboard(settings, control, release, say, show)
    except Exception as error:
        shown = _shown(settings)
        stays = f"; the pages of release {shown.split('-')[0]} stay" if shown else ""
        say(f"dashboard: not built ({type(error).__name__}: {error}); the release stands{stays}")


def build_dashboard(
    settings: Settings,
    control: Control,
    release: Release,
    say: Say,
    show: Say | None = None,
) -> Path:
    """Build the dashboard of a release and let readers have it; returns the page that opens.

    `show` is given passing lines: which page is made.

    Raises:
        ConfigurationError: the release has no marts to show.
    """
    # Imported here: most starts build nothing, and Altair takes its time.
    from dashboard.build import build
    from dashboard.released import read_release

    if not _has_marts(settings, release):
        raise ConfigurationError(
            f"Release {release.n} has none of the marts that the dashboard shows: "
            f"{', '.join(MARTS)}."
        )
    edition = Edition(
        release_n=release.n,
        published_at=release.published_at,
        as_of=release.as_of,
        currency=settings.reporting_currency,
        sha256=release.sha256,
        run_id=release.run_id,
    )
    home = dashboard_dir(settings)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = home / f".{release.n}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    changes, why_not = _changes(settings, control, release)
    with open_for_reading(_file(settings, release)) as connection:
        released = read_release(connection, edition, changes, why_not)
        left_out = build(released, partial, earlier=_folders(settings), show=show)
    failpoint("dashboard.partial")
    target = _free_folder(settings, release)
    partial.rename(target)
    failpoint("dashboard.moved")
    _point(home / "current", target.name)
    for old in _folders(settings)[KEPT:]:
        if old != target:
            shutil.rmtree(old)
    missing = f" without {', '.join(left_out)}" if left_out else ""
    say(f"dashboard: release {release.n}{missing}")
    return current_page(settings)


def is_current(settings: Settings, release: Release) -> bool:
    """Whether readers have the pages of that release, made by the code as it is."""
    made = edition_of(dashboard_dir(settings) / "current")
    return made == {"release": release.n, "code": code_digest()}


def _free_folder(settings: Settings, release: Release) -> Path:
    """Where the pages go: readers may have those of the same release, made by other code, open."""
    home = dashboard_dir(settings)
    plain = home / str(release.n)
    shown = _shown(settings)
    target = plain if shown != plain.name else home / f"{release.n}-{code_digest()[:8]}"
    # What a crash left before the link was set is nobody's.
    shutil.rmtree(target, ignore_errors=True)
    return target


def _shown(settings: Settings) -> str:
    link = dashboard_dir(settings) / "current"
    return link.readlink().name if link.is_symlink() else ""


def _file(settings: Settings, release: Release) -> Path:
    return settings.releases_dir / f"{release.n}.duckdb"


def _has_marts(settings: Settings, release: Release) -> bool:
    with open_for_reading(_file(settings, release)) as connection:
        names = connection.execute("select table_name from duckdb_tables()").fetchall()
    return {(mart,) for mart in MARTS} <= set(names)


def _changes(
    settings: Settings, control: Control, release: Release
) -> tuple[ReleaseDiff | None, str]:
    """What is different from the release before, or why that cannot be said."""
    from orchestration.books.diff import compare_releases

    if release.n == 1:
        return None, "This is the first release."
    try:
        return compare_releases(settings, control, release.n - 1, release.n, figures_only=True), ""
    except HoldfastError as error:
        return None, str(error)


def _folders(settings: Settings) -> list[Path]:
    """Finished dashboards, newest first."""
    found = [path for path in dashboard_dir(settings).glob("[1-9]*") if path.is_dir()]
    return sorted(found, key=lambda path: -int(path.name.split("-")[0]))


def _point(link: Path, name: str) -> None:
    temporary = link.with_name(".current.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(name)
    temporary.replace(link)
