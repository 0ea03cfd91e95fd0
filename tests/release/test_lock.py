"""One writer at a time (F73), and a lock that does not outlive its process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.errors import LockedError
from orchestration.lock import home_lock
from orchestration.settings import PROJECT_DIR

_HOLD = """
import sys, time
from pathlib import Path
from orchestration.lock import home_lock
with home_lock(Path(sys.argv[1]), "run-of-another"):
    print("held", flush=True)
    time.sleep(60)
"""


def _holder(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(home)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_DIR,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_f73_a_second_run_fails_at_once_and_names_the_holder(tmp_path: Path) -> None:
    holder = _holder(tmp_path)
    try:
        before = time.monotonic()
        with pytest.raises(LockedError) as caught, home_lock(tmp_path, "mine"):
            pass
        assert time.monotonic() - before < 5
        assert f"process {holder.pid} on " in str(caught.value)
        assert "run run-of-another, since 20" in str(caught.value)
        assert caught.value.exit_code == 75
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.communicate()
    # The file still names the dead run; that is no matter.
    assert "run-of-another" in (tmp_path / "lock").read_text()
    with home_lock(tmp_path, "mine"):
        assert "mine" in (tmp_path / "lock").read_text()


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), home_lock(tmp_path / "new", "a"):
        raise RuntimeError
    with home_lock(tmp_path / "new", "b"):
        pass


def test_a_lock_file_of_nonsense_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff{not json")
    with home_lock(tmp_path, "a"):
        (tmp_path / "lock").write_bytes(b"\xff{not json")
        with pytest.raises(LockedError, match="has not written its name"), home_lock(tmp_path, "b"):
            pass
