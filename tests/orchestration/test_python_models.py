"""dbt runs Python models in threads; what they import must be there before the first of them is."""

from __future__ import annotations

import re
import subprocess
import sys

from orchestration.settings import DBT_PROJECT_DIR

_LOADED_LATER = """
import importlib, sys
import orchestration.analysis
before = set(sys.modules)
for name in {names}:
    importlib.import_module(name)
later = set(sys.modules) - before
print(*sorted(name for name in later if not name.startswith("orchestration.analysis.")))
"""


def test_python_models_load_no_library_beside_each_other() -> None:
    """Two that did were seen to stop a build: "dictionary changed size during iteration"."""
    models = sorted((DBT_PROJECT_DIR / "models").rglob("*.py"))
    imported = [
        re.findall(r"^from (orchestration\.analysis\.\w+) import ", path.read_text("utf-8"), re.M)
        for path in models
    ]
    # Each begins with one of ours, and so with the package.
    assert [len(names) for names in imported] == [1] * len(models)
    names = sorted({name for (name,) in imported})
    assert len(names) >= 4
    done = subprocess.run(
        [sys.executable, "-c", _LOADED_LATER.format(names=names)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
