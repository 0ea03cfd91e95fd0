"""LibreOffice Calc without a window, told to recalculate everything when it loads a file.

Without that setting it shows the values that the writer of the file put beside its formulas, and a
test of formulas proves nothing.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest

_ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"
    xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
</oor:items>
"""


def recalculated(workbook: Path, folder: Path) -> openpyxl.Workbook:
    """The workbook with the values that Calc computes."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("LibreOffice Calc is not installed (Debian: libreoffice-calc)")
    profile = folder / "profile"
    if not profile.exists():
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(_ALWAYS, encoding="utf-8")
    target = folder / "recalculated"
    done = subprocess.run(
        [
            soffice,
            f"-env:UserInstallation=file://{profile}",
            "--headless",
            "--convert-to",
            "xlsx",
            "--outdir",
            str(target),
            str(workbook),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    found = target / workbook.name
    assert found.exists(), done.stderr
    return openpyxl.load_workbook(found, data_only=True)
