"""`docs/policies.md` says what the models say, and they say what the vendors document."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.policy_page import PAGE, render


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render(Path(tmp_path_factory.mktemp("policy_page")))


def test_the_page_is_what_the_models_say(page: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("policy", "months", "movements"),
    [
        # Half off counts; service ends on 10 March.
        (
            "board_strict",
            ("50.00", "100.00", "0.00", "0.00", "100.00"),
            ["01-10 new", "02-10 expansion", "03-10 churn", "05-15 reactivation"],
        ),
        # Only `forever` discounts count; MRR is gone when cancellation is asked for.
        (
            "stripe_legacy",
            ("100.00", "0.00", "0.00", "0.00", "100.00"),
            ["01-10 new", "02-20 churn", "05-15 reactivation"],
        ),
        (
            "chartmogul_2025",
            ("50.00", "100.00", "0.00", "0.00", "100.00"),
            ["01-10 new", "02-10 expansion", "03-10 churn", "05-15 reactivation"],
        ),
        (
            "profitwell_2023",
            ("50.00", "100.00", "0.00", "0.00", "100.00"),
            ["01-10 new", "02-10 expansion", "03-10 churn", "05-15 reactivation"],
        ),
        # Back after 84 days, within Maxio's 90. The coupon ends on 10 February, before the request.
        (
            "maxio_2023",
            ("50.00", "0.00", "0.00", "0.00", "100.00"),
            ["01-10 new", "02-10 expansion", "02-20 churn", "05-15 reactivation"],
        ),
    ],
)
def test_what_the_vendors_document(
    page: str, policy: str, months: tuple[str, ...], movements: list[str]
) -> None:
    assert f"| {policy} | {' | '.join(months)} |" in page
    section = page.split("## Every movement")[1].split("## The ladder")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines()]
    assert [f"{row[1][5:]} {row[2]}" for row in rows if row[0] == policy] == movements
