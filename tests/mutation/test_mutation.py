"""The machinery of mutation, on the hand cases alone: a few seconds of dbt, then mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mutation import report
from tests.mutation.chain import Chain, Prepared, unharmed
from tests.mutation.mutators import KINDS, Site, mutated, parse, render, sites
from tests.mutation.scenarios import prepare, scenarios
from tests.mutation.trial import Mutant, Outcome, all_mutants, judge, sample
from tests.support.raw_tables import DBT_PROJECT_DIR

EXAMPLE = """with paid as (
    select
        a.customer_id,
        coalesce(sum(a.amount - a.discount), 0) as amount,
        cast(a.day + to_months(cast(1 as integer)) as date) as next_day,
        row_number() over (partition by a.id, a.k order by a.created_at desc, a.id) as preference,
        12 * a.months as months
    from amounts as a
    left join prices as b on a.price_id = b.price_id and b.kind in ('one', 'two')
    where (a.amount > 0 or a.is_free or a.is_gift) and a.status = 'paid' and not a.is_void
    union all
    select 1, 2, 3, 4, 5
)
select distinct customer_id, case when amount > 1 then 'much' else 'little' end from paid"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, list[str]]:
    return prepare(scenarios(0)[0], tmp_path_factory.mktemp("mutation") / "cases")


@pytest.fixture(scope="module")
def prepared(built: tuple[Prepared, list[str]]) -> Prepared:
    return built[0]


@pytest.fixture(scope="module")
def chain(prepared: Prepared) -> Iterator[Chain]:
    chain = Chain(prepared)
    yield chain
    chain.close()


def change(kind: str, before: str = "") -> tuple[str, str]:
    site = next(one for one in sites(EXAMPLE) if one.kind == kind and before in one.before)
    return site.before, site.after


def test_each_kind_of_change_is_found_and_made() -> None:
    assert change("comparison", "a.amount") == ("a.amount > 0", "a.amount >= 0")
    assert change("equality") == ("a.status = 'paid'", "a.status <> 'paid'")
    assert change("join")[1].startswith("INNER JOIN prices AS b ON a.price_id = b.price_id")
    assert change("condition")[1] == "LEFT JOIN prices AS b ON a.price_id = b.price_id AND TRUE"
    assert change("in_list") == ("b.kind IN ('one', 'two')", "b.kind IN ('two')")
    assert change("negation") == ("NOT a.is_void", "a.is_void")
    assert change("union") == ("SELECT 1, 2, 3, 4, 5", "(dropped)")
    assert change("partition")[1].startswith("ROW_NUMBER() OVER (PARTITION BY a.k ORDER BY")
    assert change("number") == ("12 * a.months", "13 * a.months")
    assert change("sign", "a.discount") == ("a.amount - a.discount", "a.amount + a.discount")
    assert change("filter", "a.status") == ("a.status = 'paid'", "TRUE")
    assert change("month_offset")[1] == "TO_MONTHS(CAST(1 AS INT) + 1)"
    assert change("order") == ("ORDER BY a.created_at DESC, a.id", "ORDER BY a.id")
    assert change("case_branch") == ("CASE WHEN amount > 1 THEN 'much' END", "(dropped)")
    assert "'much'" not in mutated(EXAMPLE, "case_branch", 0)
    assert "DISTINCT" not in mutated(EXAMPLE, "distinct", 0)
    assert "COALESCE" not in mutated(EXAMPLE, "coalesce", 0)


def test_or_becomes_and_of_the_same_two_sides() -> None:
    changes = {one.before: one.after for one in sites(EXAMPLE) if one.kind == "logic"}
    three = "a.amount > 0 OR a.is_free OR a.is_gift"
    assert changes[three] == "((a.amount > 0 OR a.is_free) AND a.is_gift)"
    assert changes["a.amount > 0 OR a.is_free"] == "(a.amount > 0 AND a.is_free)"


def test_places_of_the_same_change_in_a_step_are_told_apart() -> None:
    twice = "select coalesce(a, 0) + coalesce(a, 0) as doubled from amounts"
    assert [one.place for one in sites(twice) if one.kind == "coalesce"] == [1, 2]


def test_a_mutant_is_another_statement_by_its_one_change() -> None:
    whole = render(parse(EXAMPLE))
    for site in sites(EXAMPLE):
        changed = mutated(EXAMPLE, site.kind, site.number)
        assert changed != whole, site
        parse(changed)


def test_the_hand_cases_come_out_and_the_oracle_agrees_without_a_mutant(
    built: tuple[Prepared, list[str]], chain: Chain
) -> None:
    assert chain.failing() == []
    assert built[1] == []


def test_parsing_and_writing_the_models_again_changes_no_row(chain: Chain) -> None:
    models = [node for node in chain.prepared.models if node.is_mutated]
    assert len(models) > 30
    assert unharmed(chain, models, {node.name: render(parse(node.sql)) for node in models}) == []


def find(prepared: Prepared, model: str, before: str, after: str) -> Mutant:
    return next(
        one
        for one in all_mutants(prepared)
        if (one.model, one.site.before, one.site.after) == (model, before, after)
    )


def test_a_known_fault_is_caught(prepared: Prepared, chain: Chain) -> None:
    mutant = find(prepared, "int_unit_mrr_series", "mrr_after > 0", "mrr_after >= 0")
    outcome = judge([chain], mutant)
    assert outcome.caught_by is not None
    assert "int_unit_mrr_series" in outcome.reached
    source = (DBT_PROJECT_DIR / mutant.path).read_text().splitlines()
    assert "mrr_after > 0" in source[mutant.line - 1]


def test_a_change_that_means_nothing_survives(prepared: Prepared, chain: Chain) -> None:
    # A change inside a month is none by then: both sides have their movement type already.
    mutant = find(
        prepared,
        "int_mrr_movements_typed",
        "mrr_after > mrr_revalued",
        "mrr_after >= mrr_revalued",
    )
    assert judge([chain], mutant).caught_by is None


def test_a_model_that_never_ends_is_caught(prepared: Prepared) -> None:
    impatient = Chain(prepared, time_limit=2.0)
    try:
        endless = "with recursive n as (select 1 as x union all select x from n) select * from n"
        assert impatient.judge({"int_months": endless}).caught_by == "error"
    finally:
        impatient.close()


def test_mutants_are_spread_over_kinds_and_models(prepared: Prepared) -> None:
    every = all_mutants(prepared)
    chosen = sample(every, 120, 1)
    assert len(set(chosen)) == 120
    assert {one.site.kind for one in chosen} == set(KINDS)
    assert {one.model for one in chosen} == {one.model for one in every}
    assert sample(every, 120, 1) == chosen


def test_a_run_is_good_only_with_95_percent_and_every_survivor_explained() -> None:
    def outcome(number: int, caught_by: str | None) -> Outcome:
        site = Site("sign", number, "final", 1, f"a + {number}", f"a - {number}")
        return Outcome(Mutant("m", "m.sql", 1, site), caught_by, "", ())

    caught = [outcome(number, "oracle") for number in range(19)]
    survivor = outcome(19, None)
    key = report.key_of(survivor.mutant)
    assert report.is_good(caught, {})
    assert not report.is_good([*caught, survivor], {})
    known = report.Reason(is_equivalent=False, text="known")
    assert report.is_good([*caught, survivor], {key: known})
    assert not report.is_good([*caught[1:], survivor], {key: known})
    equivalent = report.Reason(is_equivalent=True, text="the same")
    assert report.is_good([*caught[1:], survivor], {key: equivalent})
    wrong = report.key_of(caught[0].mutant)
    assert not report.is_good([*caught, survivor], {key: known, wrong: equivalent})


def test_every_explanation_has_a_reason_and_a_mutant(prepared: Prepared) -> None:
    reasons = report.explanations()
    assert all(reason.text.strip() for reason in reasons.values())
    assert reasons.keys() <= {report.key_of(one) for one in all_mutants(prepared)}
