"""`make docs`: builds the site into `docs` of the home folder, and says where it is."""

from __future__ import annotations

import sys

from documents.build import build_site, manifest_at
from orchestration.dbt_runner import prepare_manifest
from orchestration.errors import HoldfastError
from orchestration.report import readable_path
from orchestration.settings import load_settings


def main() -> int:
    """Returns 0, or 1 where a page links to nothing."""
    try:
        settings = load_settings()
        manifest = manifest_at(prepare_manifest(settings))
    except HoldfastError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    site = settings.home / "docs"
    warnings = build_site(manifest, site, settings.warehouse_link)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"Open {readable_path(site / 'index.html')}")
    return 1 if warnings else 0


if __name__ == "__main__":
    sys.exit(main())
