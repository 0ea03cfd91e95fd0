"""What can go wrong, in one hierarchy.

Every message says what happened, where, and what to do. The command line prints the
message alone (no traceback) and exits with the class's `exit_code`.
"""

from __future__ import annotations


class HoldfastError(Exception):
    """Base of all errors that a user can mend; exit code 1."""

    exit_code = 1


class ConfigurationError(HoldfastError):
    """A setting, environment variable or seed that cannot be used; exit code 2."""

    exit_code = 2


class LandingError(HoldfastError):
    """A landed file that cannot be taken in (file, line, column, reason); exit code 3."""

    exit_code = 3


class AuditError(HoldfastError):
    """A check failed, so nothing was released; exit code 4."""

    exit_code = 4


class BuildError(HoldfastError):
    """A model could not be built, so nothing was released; exit code 5."""

    exit_code = 5


class ClosingError(HoldfastError):
    """A month that cannot be closed or reopened as asked; nothing was written; exit code 6."""

    exit_code = 6


class BehindError(HoldfastError):
    """A target does not show the last release, which stands; exit code 69 (EX_UNAVAILABLE)."""

    exit_code = 69


class MachineError(HoldfastError):
    """No space, no memory, a disk that cannot be read; exit code 74 (EX_IOERR)."""

    exit_code = 74


class LockedError(HoldfastError):
    """Another run holds the home folder; exit code 75 (EX_TEMPFAIL)."""

    exit_code = 75
