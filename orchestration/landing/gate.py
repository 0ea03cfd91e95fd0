"""The gate: every landed file is opened, held against the contract, and recorded by its sha256.

A content is read once in the life of a home folder (again only if the contract or the rules
change); files that were read before cost a look at their size and time. Nothing is ever written to
the landing folder.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import PurePosixPath

from orchestration.control import Control
from orchestration.errors import LandingError
from orchestration.failpoints import failpoint
from orchestration.landing import ledger
from orchestration.landing.contract import Contract, Table, load_contract
from orchestration.landing.files import LandedFile, Listing, list_landing, sha256_of, stamp_of
from orchestration.landing.manifests import (
    Promise,
    check_bytes,
    check_content,
    check_delivery,
    read_manifest,
)
from orchestration.landing.report import (
    FileOutcome,
    FileState,
    GateReport,
    RefusedFileError,
    describe_refused,
)
from orchestration.landing.take_in import Taken, contract_digest, remove_leftovers, take_in
from orchestration.landing.tombstones import load_tombstones
from orchestration.settings import Settings

_LOG = logging.getLogger(__name__)
_MAX_WORKERS = 8


class RefusedFilesError(LandingError):
    """Files that could not be taken in; `report` has them all, and everything else of the run."""

    def __init__(self, report: GateReport) -> None:
        files = "\n".join(f"  {describe_refused(file)}" for file in report.refused)
        super().__init__(
            f"{len(report.refused)} landed file(s) cannot be taken in, so nothing is built:\n"
            f"{files}\nCorrect or remove them, or run with HOLDFAST_GO_ON_WITHOUT_REFUSED=1 to go "
            "on without them."
        )
        self.report = report


def run_gate(
    settings: Settings,
    control: Control,
    run_id: str,
    *,
    go_on: bool = False,
    contract: Contract | None = None,
) -> GateReport:
    """Take in everything that is in the landing folder.

    Call it while holding the lock of the home folder. Good rows of good files are recorded even if
    another file is refused; they are not read again.

    Args:
        settings: where the landing and home folders are.
        control: the control database of the home folder.
        run_id: the run that asks.
        go_on: leave refused files out instead of stopping.
        contract: the raw contract; default: that of the dbt project.

    Raises:
        RefusedFilesError: a file was refused, and `go_on` is false.
        LandingError: the landing folder cannot be read, or has a link that leads out of it.
    """
    contract = contract or load_contract()
    listing = list_landing(settings.landing, contract)
    promises, bad_manifests = _read_manifests(listing)
    failpoint("gate.listed")
    with ThreadPoolExecutor(max_workers=min(settings.threads, _MAX_WORKERS)) as pool:
        contents, failures = _hash_all(listing.files, settings, control, pool)
        failpoint("gate.hashed")
        _hold_unconfirmed(contents, promises, bad_manifests, failures, settings, control)
        _hold_to_bytes(contents, promises, failures)
        confirmed = {
            contents[file]
            for file in contents
            if any(promise.confirms_the_bytes for promise in promises.get(file.name, ()))
        }
        firsts: dict[ledger.Content, LandedFile] = {}
        for file, content in contents.items():
            first = firsts.setdefault(content, file)
            # One content under two kinds of names, such as a packed file that was called csv first.
            if first.reading != file.reading and not first.looks_as_named():
                firsts[content] = file
        new = {
            content: file
            for content, file in firsts.items()
            if not ledger.is_known(
                control,
                content,
                contract_digest(file.table, content in confirmed, file.reading),
                settings,
            )
        }
        broken = _take_in_all(new, confirmed, settings, control, run_id, pool)
    failures |= {f: broken[firsts[c]] for f, c in contents.items() if firsts[c] in broken}
    remarks = _hold_to_content(contents, promises, failures, control)
    remarks += _forgotten(contents, control)
    remove_leftovers(settings.accepted_dir, ledger.accepted_names(control))
    good = {file: content for file, content in contents.items() if file not in failures}
    gone = ledger.record_listing(control, settings.landing, good)
    failpoint("gate.listing_recorded")
    outcomes = [
        _outcome(file, good[file], firsts, new, control)
        if file in good
        else _refused(file.name, failures[file], file.table, contents.get(file))
        for file in listing.files
    ]
    outcomes += [_refused(name, error) for name, error in (*bad_manifests, *listing.refused)]
    report = GateReport(run_id, tuple(outcomes), listing.ignored, gone, remarks)
    for line in report.lines():
        _LOG.info("%s", line)
    if report.refused and not go_on:
        raise RefusedFilesError(report)
    return report


_Failures = dict[LandedFile, RefusedFileError]
_Promises = dict[str, list[Promise]]


def _read_manifests(listing: Listing) -> tuple[_Promises, list[tuple[str, RefusedFileError]]]:
    """Promises by file name, and the manifests that cannot be read or are not kept as a whole."""
    promises: _Promises = {}
    refused: list[tuple[str, RefusedFileError]] = []
    landed = [file.name for file in listing.files]
    for name, path in listing.manifests:
        try:
            said = read_manifest(path, name)
            for promise in said:
                promises.setdefault(promise.file, []).append(promise)
            check_delivery(name, said, landed)
        except RefusedFileError as error:
            refused.append((name, error))
    return promises, refused


def _hold_unconfirmed(
    contents: dict[LandedFile, ledger.Content],
    promises: _Promises,
    bad_manifests: Sequence[tuple[str, RefusedFileError]],
    failures: _Failures,
    settings: Settings,
    control: Control,
) -> None:
    """Move new files that a broken manifest may speak of from the contents to the failures.

    What it says of them nobody can read, so nobody knows whether they are whole. Files that were
    taken in before it came stay, and so do those that another manifest speaks of.
    """
    broken = [name for name, _ in bad_manifests if not _is_read(name, promises)]
    if not broken:
        return
    before = ledger.known_hashes(control, settings.landing)
    for file in list(contents):
        above = {parent.as_posix() for parent in PurePosixPath(file.name).parents}
        of = [name for name in broken if PurePosixPath(name).parent.as_posix() in above]
        if of and file.name not in promises and (file.name, file.stamp) not in before:
            failures[file] = RefusedFileError(
                f"its manifest {of[0]} cannot be read, so nobody can say whether it is whole.",
                "Mend the manifest, or remove it if the file needs none.",
            )
            contents.pop(file)


def _is_read(manifest: str, promises: _Promises) -> bool:
    """Whether a manifest could be read: it is refused for what it says is missing."""
    return any(promise.manifest == manifest for made in promises.values() for promise in made)


def _hold_to_bytes(
    contents: dict[LandedFile, ledger.Content], promises: _Promises, failures: _Failures
) -> None:
    """Move files whose bytes are not those of their manifest from the contents to the failures."""
    for file, content in list(contents.items()):
        for promise in promises.get(file.name, ()):
            try:
                check_bytes(promise, file.stamp.size, content.sha256)
            except RefusedFileError as error:
                failures[file] = error
                contents.pop(file, None)


def _hold_to_content(
    contents: Mapping[LandedFile, ledger.Content],
    promises: _Promises,
    failures: _Failures,
    control: Control,
) -> tuple[str, ...]:
    """Add files whose rows or totals are not those of their manifest to the failures.

    Returns:
        What could not be held against a manifest, a line each.
    """
    remarks = []
    for file, content in contents.items():
        verdict = ledger.verdict_of(control, content)
        if file in failures or verdict is None or verdict.state is not FileState.ACCEPTED:
            continue
        for promise in promises.get(file.name, ()):
            try:
                remark = check_content(promise, verdict.rows_received, verdict.totals)
                remarks += [f"{file.name}: {remark}"] if remark else []
            except RefusedFileError as error:
                failures[file] = error
    return tuple(remarks)


def _forgotten(contents: Mapping[LandedFile, ledger.Content], control: Control) -> tuple[str, ...]:
    """A line for each file that came in without the personal data that it has of the erased."""
    verdicts = {file: ledger.verdict_of(control, content) for file, content in contents.items()}
    return tuple(
        f"{file.name}: {verdict.rows_forgotten} rows of erased customers came in without their "
        "personal data; the landed file still has it: make erase again, or remove the file"
        for file, verdict in verdicts.items()
        if verdict is not None and verdict.rows_forgotten
    )


def _hash_all(
    files: Iterable[LandedFile], settings: Settings, control: Control, pool: Executor
) -> tuple[dict[LandedFile, ledger.Content], _Failures]:
    """The content of each file, and the files that cannot be read at all."""
    known = ledger.known_hashes(control, settings.landing)

    def content_of(file: LandedFile) -> ledger.Content | RefusedFileError:
        sha256 = known.get((file.name, file.stamp))
        try:
            sha256 = sha256 or sha256_of(file.path)
        except OSError as error:
            return RefusedFileError(
                f"it cannot be read: {error.strerror}.", "Give the run the right to read it."
            )
        return ledger.Content(file.table.source, file.table.name, sha256)

    contents: dict[LandedFile, ledger.Content] = {}
    failures: _Failures = {}
    for file, found in zip(files, pool.map(content_of, files), strict=True):
        if isinstance(found, RefusedFileError):
            failures[file] = found
        else:
            contents[file] = found
    return contents, failures


def _take_in_all(
    new: Mapping[ledger.Content, LandedFile],
    confirmed: Collection[ledger.Content],
    settings: Settings,
    control: Control,
    run_id: str,
    pool: Executor,
) -> _Failures:
    """Take in and record new contents; returns the files that changed while they were read."""

    tombstones = load_tombstones(control)

    def work(item: tuple[ledger.Content, LandedFile]) -> Taken | RefusedFileError:
        content, file = item
        try:
            return take_in(
                file,
                content.sha256,
                settings.accepted_dir,
                is_known_whole=content in confirmed,
                tombstones=tombstones,
            )
        except RefusedFileError as error:
            return error
        except OSError as error:
            raise LandingError(
                f"{file.name} cannot be taken in: {error}. If there is no space, free some in "
                f"{settings.home}; nothing is lost, run again."
            ) from error

    failures: _Failures = {}
    for (content, file), result in zip(new.items(), pool.map(work, new.items()), strict=True):
        digest = contract_digest(file.table, content in confirmed, file.reading)
        if not _is_as_listed(file):
            failures[file] = RefusedFileError(
                "it changed while it was read.",
                "Write it under another name (one that begins with a dot) and rename it when it "
                "is whole.",
            )
        elif isinstance(result, RefusedFileError):
            ledger.record_refused(control, content, digest, file.format, result, run_id)
        else:
            ledger.record_taken(control, content, digest, file.format, result, run_id)
        failpoint("gate.file_recorded")
    return failures


def _is_as_listed(file: LandedFile) -> bool:
    try:
        return stamp_of(file.path) == file.stamp
    except OSError:
        return False


def _outcome(
    file: LandedFile,
    content: ledger.Content,
    firsts: Mapping[ledger.Content, LandedFile],
    new: Mapping[ledger.Content, LandedFile],
    control: Control,
) -> FileOutcome:
    verdict = ledger.verdict_of(control, content)
    assert verdict is not None, content
    is_duplicate = firsts[content] is not file and verdict.state is FileState.ACCEPTED
    return FileOutcome(
        source=content.source,
        table=content.table,
        file=file.name,
        sha256=content.sha256,
        state=FileState.DUPLICATE if is_duplicate else verdict.state,
        rows_received=verdict.rows_received,
        rows_accepted=0 if is_duplicate else verdict.rows_accepted,
        rows_superseded=verdict.rows_received if is_duplicate else 0,
        rows_quarantined=0 if is_duplicate else verdict.rows_quarantined,
        loaded_at=verdict.loaded_at,
        is_new=content in new and not is_duplicate,
        extra_columns=verdict.extra_columns,
        column=verdict.column,
        reason=f"the same content as {firsts[content].name}" if is_duplicate else verdict.reason,
        remedy=verdict.remedy,
    )


def _refused(
    name: str,
    error: RefusedFileError,
    table: Table | None = None,
    content: ledger.Content | None = None,
) -> FileOutcome:
    """A file that nothing is recorded of: it can be other when it is looked at again.

    Without a table it is something that must not be passed over, such as a manifest.
    """
    return FileOutcome(
        source="" if table is None else table.source,
        table="" if table is None else table.name,
        file=name,
        sha256="" if content is None else content.sha256,
        state=FileState.REFUSED,
        rows_received=0,
        rows_accepted=0,
        rows_superseded=0,
        rows_quarantined=0,
        loaded_at=None,
        is_new=True,
        extra_columns=(),
        column=error.column,
        reason=error.reason,
        remedy=error.remedy,
    )
