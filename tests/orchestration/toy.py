"""A warehouse that is built in seconds: the real contract, two models, hand-made files."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from orchestration.policies import SEED
from orchestration.settings import DBT_PROJECT_DIR, PROJECT_DIR, Settings, load_settings

PROJECT_YML = """
name: holdfast
version: "0.1.0"
config-version: 2
profile: holdfast
flags: {send_anonymous_usage_stats: false}
models:
  holdfast:
    staging: {+materialized: view, +schema: staging}
    marts:
      +materialized: table
      core: {+schema: core, +group: core}
"""

STAGING_SQL = """
select distinct on (id) id as customer_id, name, created
from {{ source('billing', 'customers') }}
order by id, updated_at desc
"""

MART_SQL = """
select
    customer_id,
    name,
    cast(length(name) as decimal(18, 2)) as current_mrr
from {{ ref('stg_billing__customers') }}
"""

MART_YML = """
version: 2
groups:
  - {name: core, owner: {name: Data, email: data@example.com}}
models:
  - name: dim_customers
    description: One row per customer.
    config: {contract: {enforced: true}}
    columns:
      - {name: customer_id, data_type: varchar, data_tests: [not_null]}
      - {name: name, data_type: varchar, data_tests: [unique]}
      - {name: current_mrr, data_type: "decimal(18,2)"}
"""

UNIT_TESTS_YML = """
version: 2
unit_tests:
  - name: dim_customers__mrr_is_the_length_of_the_name
    model: dim_customers
    given:
      - input: ref('stg_billing__customers')
        rows: [{customer_id: a, name: Ada}]
    expect:
      rows: [{customer_id: a, name: Ada, current_mrr: 3}]
"""

UNIT_TESTS = "models/marts/core/_core__unit_tests.yml"
CUSTOMERS_HEADER = "id,name,email,country,currency,created,deleted,updated_at"


@dataclass(frozen=True)
class Toy:
    """A home, a landing folder and a dbt project of a test."""

    settings: Settings
    project_dir: Path

    def land(self, name: str, *rows: str, header: str = CUSTOMERS_HEADER) -> Path:
        """Land a csv of billing customers."""
        path = self.settings.landing / "billing" / "customers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return path

    def as_of(self, day: date) -> Toy:
        """The same warehouse on another day."""
        return replace(self, settings=replace(self.settings, as_of=day))

    def write_mart(self, sql: str) -> None:
        """Put another mart in the place of the good one."""
        path = self.project_dir / "models" / "marts" / "core" / "dim_customers.sql"
        path.write_text(sql, encoding="utf-8")

    def released_names(self) -> list[str]:
        """What readers see: the names of the customers in the released mart."""
        with duckdb.connect(str(self.settings.warehouse_link), read_only=True) as connection:
            rows = connection.execute("select name from core.dim_customers order by 1").fetchall()
        return [name for (name,) in rows]

    def releases(self) -> list[str]:
        """The release files there are."""
        folder = self.settings.releases_dir
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def make_toy(folder: Path) -> Toy:
    """A toy warehouse whose landing folder is empty."""
    project_dir = folder / "project" / "dbt_project"
    for sources in DBT_PROJECT_DIR.glob("models/staging/*/_*__sources.yml"):
        target = project_dir / sources.relative_to(DBT_PROJECT_DIR)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sources, target)
    files = {
        "dbt_project.yml": PROJECT_YML,
        "models/staging/billing/stg_billing__customers.sql": STAGING_SQL,
        "models/marts/core/dim_customers.sql": MART_SQL,
        "models/marts/core/_core.yml": MART_YML,
        UNIT_TESTS: UNIT_TESTS_YML,
        SEED: (DBT_PROJECT_DIR / SEED).read_text(encoding="utf-8"),
        "macros/generate_schema_name.sql": (
            DBT_PROJECT_DIR / "macros" / "generate_schema_name.sql"
        ).read_text(encoding="utf-8"),
    }
    for name, text in files.items():
        path = project_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copyfile(PROJECT_DIR / "profiles.yml", project_dir.parent / "profiles.yml")
    return open_toy(folder)


def open_toy(folder: Path) -> Toy:
    """The toy warehouse that was made in a folder."""
    settings = load_settings(
        {
            "HOLDFAST_HOME": str(folder / "home"),
            "HOLDFAST_AS_OF": "2026-10-31",
            "HOLDFAST_MEMORY_LIMIT": "1GB",
            "HOLDFAST_THREADS": "2",
        }
    )
    return Toy(settings, folder / "project" / "dbt_project")


def customer(key: str, name: str, updated_at: str = "2026-10-01T00:00:00Z") -> str:
    """A row of the customers csv."""
    return f"{key},{name},,DE,EUR,2026-01-01T00:00:00Z,false,{updated_at}"
