"""The command line: `python -m orchestration.cli run | close | quarantine | accept | ...`.

Exit codes: 0 released or nothing changed; 2 a setting; 3 a landed file; 4 a check; 5 a model;
6 a month that cannot be closed or reopened; 69 a target that is behind (`publish`); 74 the machine
(no space, no memory, a damaged file); 75 another run holds the home folder; 130 and 143 stopped by
Ctrl-C or a polite kill; 70 a fault of the program itself.
"""

from __future__ import annotations

import argparse
import getpass
import os
import shutil
import subprocess
import sys
import traceback
import webbrowser
from collections.abc import Sequence
from getpass import getuser
from pathlib import Path

from orchestration.control import Control
from orchestration.errors import (
    AuditError,
    BehindError,
    ClosingError,
    ConfigurationError,
    HoldfastError,
    LandingError,
)
from orchestration.lock import home_lock
from orchestration.machine import catch_signals, lack_of, was_stopped
from orchestration.report import Progress, readable_path, summary
from orchestration.settings import DBT_PROJECT_DIR, PROJECT_DIR, Settings, load_settings

EXIT_FAULT = 70
SIMULATED_CUSTOMERS = 400
SIMULATED_MONTHS = 24


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    stopped = catch_signals()
    # What a run writes is for its user alone.
    os.umask(0o077)
    try:
        settings = load_settings()
        if parsed.command == "dev":
            return _dev(settings)
        if parsed.command == "simulate":
            return _simulate_on_demand(settings, parsed.customers, parsed.months)
        if parsed.command == "close":
            return _close(settings, parsed.month, parsed.who)
        if parsed.command == "workbook":
            return _workbook(settings, parsed.month)
        if parsed.command == "dashboard":
            return _dashboard(settings)
        if parsed.command == "diff":
            return _diff(settings, parsed.before, parsed.after, as_json=parsed.json)
        if parsed.command == "reopen":
            return _reopen(settings, parsed.month, parsed.reason, parsed.who)
        if parsed.command == "verify":
            return _verify(settings)
        if parsed.command == "publish":
            return _publish(settings)
        if parsed.command == "explain":
            return _explain(settings, parsed)
        if parsed.command in ("metrics", "mf"):
            return _metrics(settings, parsed)
        if parsed.command == "quarantine":
            return _list_quarantine(settings)
        if parsed.command == "quarantine-ack":
            return _acknowledge(settings, parsed)
        if parsed.command == "erase":
            return _erase(settings, parsed)
        if parsed.command == "accept":
            return _accept(settings, parsed)
        return _run(
            settings, parsed.project_dir.resolve(), simulate_if_empty=parsed.simulate_if_empty
        )
    except HoldfastError as error:
        return _say_error(error)
    except KeyboardInterrupt as error:
        return _say_stopped(error, stopped())
    except Exception as error:
        if was_stopped(error):
            return _say_stopped(error, stopped())
        return _say_error(lack) if (lack := lack_of(error)) else _fault(error)


def _say_stopped(error: BaseException, number: int) -> int:
    said = getattr(error, "__notes__", ["Readers stay on the last release."])
    print("\n".join(["", "Stopped.", *said]), file=sys.stderr)
    return 128 + number


def _say_error(error: HoldfastError) -> int:
    print("\n".join(["", str(error), *getattr(error, "__notes__", [])]), file=sys.stderr)
    return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="holdfast", description="The SaaS retention warehouse.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="take in, build, audit and release what has landed")
    run.add_argument(
        "--simulate-if-empty",
        action="store_true",
        help="make a small simulated company where nothing has landed in the home folder",
    )
    run.add_argument(
        "--project-dir",
        type=Path,
        default=DBT_PROJECT_DIR,
        help="folder of dbt_project.yml (default: the warehouse's own)",
    )
    close = commands.add_parser("close", help="release, and close the books of a month with it")
    close.add_argument("--month", required=True, help="such as 2026-10, or last")
    reopen = commands.add_parser("reopen", help="take the close of a month out of force")
    reopen.add_argument("--month", required=True, help="such as 2026-10")
    reopen.add_argument("--reason", required=True, help="kept in the audit trail")
    workbook = commands.add_parser("workbook", help="write the month-end workbook of a release")
    workbook.add_argument("--month", required=True, help="such as 2026-10, or last")
    commands.add_parser("dashboard", help="open the pages of the last release")
    diff = commands.add_parser("diff", help="what is different between two releases, and why")
    diff.add_argument("--from", type=int, required=True, dest="before", help="its number")
    diff.add_argument("--to", type=int, required=True, dest="after", help="its number")
    diff.add_argument("--json", action="store_true", help="everything, for programs")
    for command in (close, reopen):
        command.add_argument("--who", default=_user(), help="who decided it")
    simulate = commands.add_parser("simulate", help="land a simulated company")
    simulate.add_argument("--customers", type=int, default=SIMULATED_CUSTOMERS)
    simulate.add_argument("--months", type=int, default=SIMULATED_MONTHS)
    commands.add_parser("dev", help="start the Dagster UI on 127.0.0.1")
    commands.add_parser("verify", help="is everything what it was when it was committed?")
    commands.add_parser("publish", help="let all targets catch up with the last release")
    explaining = commands.add_parser("explain", help="walk from a figure to its raw rows")
    explaining.add_argument("--metric", required=True, help="such as closing_mrr")
    explaining.add_argument("--month", required=True, help="such as 2026-10")
    explaining.add_argument("--customer", help="this customer's part of it, down to its raw rows")
    explaining.add_argument("--policy", help="a metric policy (the official one)")
    explaining.add_argument("--all", action="store_true", help="every movement and customer")
    explaining.add_argument("--json", action="store_true", help="for programs")
    metrics = commands.add_parser("metrics", help="ask the semantic layer; alone: list it")
    metrics.add_argument("--metrics", help="by comma, such as mrr,customers")
    metrics.add_argument("--by", help="what to group by, by comma, such as metric_time__month")
    metrics.add_argument("--where", help="a filter, such as docs/semantic_layer.md shows")
    metrics.add_argument("--saved", help="a saved query, such as mrr_by_month")
    mf = commands.add_parser("mf", help="a command of MetricFlow, such as: mf validate-configs")
    mf.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("quarantine", help="list the rows that were set aside")
    acknowledge = commands.add_parser("quarantine-ack", help="let rows in quarantine be")
    acknowledge.add_argument("--file", required=True, help="as `quarantine` names it")
    acknowledge.add_argument("--row", type=int, help="one row only")
    acknowledge.add_argument("--rule", help="rows set aside by this rule only")
    erasing = commands.add_parser("erase", help="erase a customer's personal data everywhere")
    erasing.add_argument("--customer", required=True, help="id of billing/customers")
    accepting = commands.add_parser("accept", help="accept what a run was held for")
    accepting.add_argument("--run", required=True, help="name of the run, or `last`")
    for command in (acknowledge, accepting, erasing):
        command.add_argument("--reason", required=True, help="for those who ask later")
        command.add_argument("--who", help="who answers for it (the user of the machine)")
    return parser


def _user() -> str:
    """Who sits at this machine; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _run(settings: Settings, project_dir: Path, *, simulate_if_empty: bool) -> int:
    # Imported here, so that `--help` and errors of settings are immediate.
    from orchestration.refresh import refresh

    progress = Progress(sys.stdout)
    if simulate_if_empty and _is_own_landing(settings) and not _has_files(settings.landing):
        progress.say(f"nothing has landed in {readable_path(settings.landing)}: simulating")
        _simulate(settings, SIMULATED_CUSTOMERS, SIMULATED_MONTHS)
    if not _is_own_landing(settings) and not settings.landing.is_dir():
        # A mistyped or unmounted folder must not become a release of nothing.
        raise ConfigurationError(
            f"HOLDFAST_LANDING names {readable_path(settings.landing)}, where there is no folder. "
            "Correct it, mount it, or make it if nothing has landed yet."
        )
    outcome = refresh(
        settings,
        progress.say,
        show=progress.show,
        go_on_without_refused=os.environ.get("HOLDFAST_GO_ON_WITHOUT_REFUSED") == "1",
        project_dir=project_dir,
    )
    print("\n".join(["", *summary(outcome, settings)]))
    return 0


def _close(settings: Settings, month: str, who: str) -> int:
    from orchestration.books.periods import closing_month, month_name
    from orchestration.refresh import refresh

    first = closing_month(month, settings.as_of)
    progress = Progress(sys.stdout)
    outcome = refresh(settings, progress.say, show=progress.show, close=first, who=who)
    assert outcome.release is not None
    print("\n".join(["", *summary(outcome, settings)]))
    print(
        f"{month_name(first)} is closed by {who} with release {outcome.release.n}: "
        "revenue.fct_mrr_closed_periods. What changes later is in revenue.fct_mrr_restatements."
    )
    return 0


def _diff(settings: Settings, before: int, after: int, *, as_json: bool) -> int:
    from orchestration.books.diff import compare_releases, lines

    if not settings.control_database.exists():
        raise ConfigurationError("There is no release yet: make run.")
    with Control(settings.control_database) as control:
        diff = compare_releases(settings, control, before, after)
    if as_json:
        print(diff.as_json())
    else:
        print("\n".join(lines(diff, settings.reporting_currency)))
    return 0


def _workbook(settings: Settings, month: str) -> int:
    from orchestration.books.periods import closing_month
    from orchestration.targets.workbook import write_workbook

    release = None
    if settings.control_database.exists():
        with Control(settings.control_database) as control:
            release = control.latest_release()
    if release is None:
        raise ConfigurationError("There is no release yet: make run.")
    show = Progress(sys.stdout).show
    path = write_workbook(settings, release, closing_month(month, release.as_of), show)
    print(
        f"{readable_path(path)} (release {release.n}): the sheet Checks says whether it ties out."
    )
    return 0


def _dashboard(settings: Settings) -> int:
    """Build the pages where they are not those of the last release, and open them."""
    from orchestration.targets.dashboard import build_dashboard, current_page, is_current

    if not settings.control_database.exists():
        raise ConfigurationError("There is no release yet: make run.")
    with Control(settings.control_database) as control:
        release = control.latest_release()
        if release is None:
            raise ConfigurationError("There is no release yet: make run.")
        # Who only reads need not wait for a run.
        if not is_current(settings, release):
            with home_lock(settings.home, "dashboard"):
                build_dashboard(settings, control, release, print, Progress(sys.stdout).show)
    page = current_page(settings)
    opened = _has_display() and webbrowser.open(page.as_uri())
    remedy = "" if opened else ": open it in a browser"
    print(f"{readable_path(page)} (release {release.n}){remedy}")
    return 0


def _has_display() -> bool:
    """Whether a browser could show itself: on a server a text browser would take the terminal."""
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _reopen(settings: Settings, month: str, reason: str, who: str) -> int:
    from orchestration.books.periods import month_name, parse_month, reopen

    first = parse_month(month)
    if not settings.control_database.exists():
        raise ClosingError(f"{month_name(first)} is not closed: there is no release yet.")
    with Control(settings.control_database) as control, home_lock(settings.home, "reopen"):
        close = reopen(control, first, reason, who)
    print(
        f"{month_name(first)} is open again; {close.close_id} stays on record, with its figures "
        "and your reason. The next run shows it; `make close` closes it anew."
    )
    return 0


def _list_quarantine(settings: Settings) -> int:
    from orchestration.landing import quarantine

    with Control(settings.control_database) as control:
        print("\n".join(quarantine.lines(quarantine.rows_in_quarantine(control, settings.landing))))
    return 0


def _acknowledge(settings: Settings, parsed: argparse.Namespace) -> int:
    from orchestration.landing.quarantine import acknowledge

    with Control(settings.control_database) as control, home_lock(settings.home, "quarantine-ack"):
        rows = acknowledge(
            control,
            settings.landing,
            who=parsed.who or getuser(),
            why=parsed.reason,
            file=parsed.file,
            file_row=parsed.row,
            rule=parsed.rule,
        )
    print(f"{len(rows):,} rows of {parsed.file} are acknowledged; the next run's release says so.")
    return 0


def _erase(settings: Settings, parsed: argparse.Namespace) -> int:
    from orchestration.erasure.erase import erase_customer
    from orchestration.landing.contract import load_contract
    from orchestration.release.publish import roll_forward
    from orchestration.run import go_on_erasing, load_targets
    from orchestration.targets.dashboard import converge_dashboard
    from orchestration.targets.parquet import converge_parquet
    from orchestration.targets.workbook import converge_workbook

    targets = load_targets(settings)
    progress = Progress(sys.stdout)
    say = progress.say
    with Control(settings.control_database) as control, home_lock(settings.home, "erase"):
        go_on_erasing(settings, control, DBT_PROJECT_DIR, targets, say)
        roll_forward(settings, control)
        erasure = erase_customer(
            settings,
            control,
            load_contract(),
            targets,
            parsed.customer,
            who=parsed.who or _user(),
            why=parsed.reason,
            say=say,
        )
        converge_workbook(settings, control.latest_release(), say, progress.show)
        converge_dashboard(settings, control, control.latest_release(), say, progress.show)
        converge_parquet(settings, control.latest_release(), say)
    print("\n".join(["", *erasure.lines()]))
    return LandingError.exit_code if erasure.left or erasure.waiting else 0


def _accept(settings: Settings, parsed: argparse.Namespace) -> int:
    from orchestration.acceptance import accept

    with Control(settings.control_database) as control, home_lock(settings.home, "accept"):
        findings = accept(control, parsed.run, who=parsed.who or getuser(), why=parsed.reason)
    for finding in findings:
        print(f"accepted {finding.rule} of {finding.subject}: {finding.seen}")
    print("Run again (make run): on the same input these findings are warnings now.")
    return 0


def _verify(settings: Settings) -> int:
    from orchestration.verify import lines, verify

    verified = verify(settings)
    print("\n".join(lines(verified)))
    return AuditError.exit_code if verified.wrong else 0


def _publish(settings: Settings) -> int:
    from orchestration.run import converge_targets

    progress = Progress(sys.stdout)
    release, postgres = converge_targets(settings, progress.say, progress.show)
    if postgres is not None and postgres.is_behind:
        raise BehindError(f"Release {release.n} is not seen in the database; see above.")
    print(
        f"postgres: {postgres.line(release.n)}."
        if postgres
        else "HOLDFAST_POSTGRES_DSN names no database; the other targets were tried."
    )
    return 0


def _explain(settings: Settings, parsed: argparse.Namespace) -> int:
    from orchestration.explain.show import as_json, as_text, parse_month
    from orchestration.explain.walk import explain

    try:
        month = parse_month(parsed.month)
    except ValueError:
        raise ConfigurationError(
            f"MONTH is {parsed.month!r}; use a month such as 2026-10."
        ) from None
    explanation = explain(
        settings,
        parsed.metric,
        month,
        customer_id=parsed.customer,
        policy_id=parsed.policy,
        everything=parsed.all,
    )
    print(as_json(explanation) if parsed.json else "\n".join(as_text(explanation)))
    return 0 if explanation.adds_up else AuditError.exit_code


def _metrics(settings: Settings, parsed: argparse.Namespace) -> int:
    from orchestration.semantic_layer import query_arguments, run_mf

    if parsed.command == "mf":
        return run_mf(settings, parsed.arguments)
    return run_mf(settings, query_arguments(parsed.metrics, parsed.by, parsed.where, parsed.saved))


def _is_own_landing(settings: Settings) -> bool:
    """Whether the landing folder is the home's; any other is the company's, and left alone."""
    return settings.landing == settings.home / "landing"


def _has_files(folder: Path) -> bool:
    return folder.exists() and any(path.is_file() for path in folder.rglob("*"))


def _simulate_on_demand(settings: Settings, customers: int, months: int) -> int:
    if not _is_own_landing(settings) or _has_files(settings.landing):
        raise ConfigurationError(
            f"{readable_path(settings.landing)} has files, or is not the home's own landing "
            "folder: a simulated company is not mixed with another. Choose an empty home, such as "
            "HOLDFAST_HOME=data/simulated, and use it for `make run` too."
        )
    _simulate(settings, customers, months)
    return 0


def _simulate(settings: Settings, customers: int, months: int) -> None:
    """Land a simulated company: all of it or nothing."""
    partial = settings.home / "simulation.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    command = [sys.executable, "-m", "simulation"]
    command += ["--landing", str(partial / "landing"), "--truth", str(partial / "truth")]
    command += ["--customers", str(customers), "--months", str(months)]
    command += ["--as-of", settings.as_of.isoformat()]
    if subprocess.run(command, cwd=PROJECT_DIR, check=False).returncode:
        raise ConfigurationError("The simulation stopped; nothing has landed.")
    for name in ("truth", "landing"):
        shutil.rmtree(settings.home / name, ignore_errors=True)
        (partial / name).rename(settings.home / name)
    partial.rmdir()


def _dev(settings: Settings) -> int:
    """Start Dagster's UI, schedule and sensor. It has no login, so only this machine is served."""
    from orchestration.dagster_home import prepare_dagster_home

    prepare_dagster_home(settings)
    dagster = Path(sys.executable).with_name("dagster")
    os.chdir(PROJECT_DIR)
    os.execv(
        dagster,
        [str(dagster), "dev", "--host", "127.0.0.1", "-m", "orchestration.definitions"],
    )


def _fault(error: Exception) -> int:
    """A fault of the program: the traceback goes to a file, a sentence to the person."""
    settings = load_settings()
    log = settings.home / "fault.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    print(
        f"\nA fault of the program, not of your data: {type(error).__name__}: {error}\n"
        f"Nothing was released; readers stay on the last release. Details: {readable_path(log)}",
        file=sys.stderr,
    )
    return EXIT_FAULT


if __name__ == "__main__":
    sys.exit(main())
