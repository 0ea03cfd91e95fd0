"""What a person reads when nothing was released."""

from __future__ import annotations

from pathlib import Path

from orchestration.report import check_lines, rejection
from orchestration.results import Result
from orchestration.settings import DBT_PROJECT_DIR

RATES = DBT_PROJECT_DIR / "tests/revenue/assert_no_exchange_rate_is_missing.sql"


def test_a_failed_test_says_why_it_holds_and_what_to_do() -> None:
    result = Result("test", "int_unit_mrr_valued", RATES.stem, False, failures=3, message="Got 3",
                    look_at=str(RATES), examples=("currency=GBP",))  # fmt: skip
    said = rejection([result], None, None, "run-1")
    assert "nothing is released until the rate has landed. Land finance.fx_rates for" in said
    assert said.index("Land finance.fx_rates") < said.index("SQL:") < said.index("currency=GBP")
    assert "make accept" not in said


def test_a_test_without_words_or_sql_is_named_alone(tmp_path: Path) -> None:
    silent = tmp_path / "silent.sql"
    silent.write_text("\nselect 1\n-- not at its head\n", encoding="utf-8")
    for look_at in (str(silent), str(tmp_path / "gone.sql"), ""):
        said = rejection(
            [Result("test", "a", "b", False, message="Got 1", look_at=look_at)], None, None
        )
        assert "Test b on a: Got 1" in said
        assert "not at its head" not in said


def test_a_warning_shows_some_of_its_rows() -> None:
    rows = tuple(
        f"invoice_id=in_{number}, expected_amount=50, found_amount=31" for number in "1234"
    )
    warned = Result("test", "billing_findings", "is_empty_billing_findings_", False, blocking=False,
                    failures=4, message="Got 4 results", examples=rows)  # fmt: skip
    assert check_lines([warned])[1:] == [
        "  warning: billing_findings: Got 4 results",
        *(f"    {row}" for row in rows[:3]),
    ]


def test_every_test_of_the_project_begins_with_its_reason() -> None:
    files = [path for path in (DBT_PROJECT_DIR / "tests").glob("*/*.sql")
             if path.parent.name != "generic"]  # fmt: skip
    assert len(files) > 40
    silent = [path.name for path in files if not path.read_text("utf-8").startswith("-- ")]
    assert silent == []
