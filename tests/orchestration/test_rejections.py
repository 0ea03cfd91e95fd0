"""What cannot be released is not: the error says what and where, and readers keep theirs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.control import Control
from orchestration.errors import AuditError, BuildError, LandingError
from orchestration.refresh import refresh
from orchestration.run import Say
from tests.orchestration.toy import MART_SQL, UNIT_TESTS, Toy, customer, make_toy


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A toy with one release, and without the unit test that would find planted faults first."""
    toy = make_toy(tmp_path_factory.mktemp("toy"))
    (toy.project_dir / UNIT_TESTS).unlink()
    toy.land("1.csv", customer("c1", "Ada"))
    refresh(toy.settings, print, project_dir=toy.project_dir)
    return toy


def run_and_fail(toy: Toy, kind: type[Exception], say: Say = print) -> str:
    """The message of a run that must fail and leave readers where they were."""
    before = (toy.releases(), toy.released_names(), toy.settings.warehouse_link.readlink())
    with pytest.raises(kind) as caught:
        refresh(toy.settings, say, project_dir=toy.project_dir)
    assert (toy.releases(), toy.released_names(), toy.settings.warehouse_link.readlink()) == before
    with Control(toy.settings.control_database) as control:
        assert control.runs()[-1].state == "failed"
    return str(caught.value)


def test_a_file_without_a_required_column_stops_the_run(released: Toy) -> None:
    bad = released.land("bad.csv", "c9,2026-01-01T00:00:00Z", header="id,updated_at")
    try:
        message = run_and_fail(released, LandingError)
    finally:
        bad.unlink()
    assert "billing/customers/bad.csv" in message
    assert "created" in message


@pytest.mark.fault("F37", "F83")
def test_a_failed_test_names_model_test_rows_and_sql(released: Toy) -> None:
    released.write_mart(MART_SQL.replace("    name,", "    'same' as name,"))
    extra = released.land("2.csv", customer("c2", "Grace"))
    try:
        message = run_and_fail(released, AuditError)
    finally:
        released.write_mart(MART_SQL)
        extra.unlink()
    assert "unique_dim_customers_name on dim_customers: 1 row failed" in message
    assert "unique_field=same" in message
    assert "unique_dim_customers_name.sql" in message
    assert "Readers stay on release 1" in message
    assert names_in_rejected_build(message) == ["same", "same"]


def names_in_rejected_build(message: str) -> list[str]:
    """The mart of the build that the message says is kept."""
    line = next(line for line in message.splitlines() if "rejected build" in line)
    build = Path(line.split("kept in ")[1].split(" (")[0])
    with duckdb.connect(str(build), read_only=True) as connection:
        rows = connection.execute("select name from core.dim_customers").fetchall()
    return [name for (name,) in rows]


@pytest.mark.fault("F82")
def test_a_model_that_cannot_be_built_is_named_with_its_sql(released: Toy) -> None:
    released.write_mart(MART_SQL.replace("length(name)", "length(no_such_column)"))
    try:
        message = run_and_fail(released, BuildError)
    finally:
        released.write_mart(MART_SQL)
    assert "Model core.dim_customers could not be built" in message
    assert "no_such_column" in message
    assert "dim_customers.sql" in message


def test_an_implausible_mart_is_rejected_by_its_suite(released: Toy) -> None:
    released.write_mart(MART_SQL.replace("length(name)", "-length(name)"))
    try:
        message = run_and_fail(released, AuditError)
    finally:
        released.write_mart(MART_SQL)
    assert "current_mrr_is_plausible" in message
    assert "core.dim_customers" in message
    assert "1 row breaks this, for example -3.00" in message


def test_an_impossible_raw_value_keeps_dbt_from_starting(released: Toy) -> None:
    """The gate lets none through; here one is in what the gate had accepted."""
    landed = released.settings.landing / "survey" / "nps_responses" / "1.csv"
    landed.parent.mkdir(parents=True)
    landed.write_text(
        "id,account_id,score,responded_at\nn1,c1,9,2026-10-01\nn2,c1,10,2026-10-01\n",
        encoding="utf-8",
    )
    lines: list[str] = []
    try:
        refresh(released.settings, project_dir=released.project_dir)
        change_accepted(released, "score", 10, 11)
        released.land("3.csv", customer("c3", "Alan"))
        message = run_and_fail(released, AuditError, lines.append)
    finally:
        landed.unlink()
    assert "score_is_possible of the raw suite on raw_survey.nps_responses" in message
    assert "1 row breaks this, for example 11" in message
    assert not any(line.startswith("dbt:") for line in lines), "dbt began in spite of the suite"


def change_accepted(toy: Toy, column: str, before: int, after: int) -> None:
    """Write another number into the one accepted file that has the column."""
    for path in toy.settings.accepted_dir.rglob("*.parquet"):
        if column in pq.read_schema(path).names:
            table = pq.read_table(path)
            numbers = [after if n == before else n for n in table[column].to_pylist()]
            at = table.schema.get_field_index(column)
            changed = pa.array(numbers, table.schema.field(at).type)
            pq.write_table(table.set_column(at, table.schema.field(at), changed), path)
