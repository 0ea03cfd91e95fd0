"""Mutants: which ones a run tries, and what becomes of each on every prepared database."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import get_context

from tests.mutation.chain import Chain, Prepared, Verdict
from tests.mutation.compiled import Node
from tests.mutation.mutators import Site, mutated, sites


@dataclass(frozen=True)
class Mutant:
    """One change to one model; `line` counts the lines of the model's file from 1."""

    model: str
    path: str
    line: int
    site: Site


@dataclass(frozen=True)
class Outcome:
    """A mutant and what noticed it (None: it survived)."""

    mutant: Mutant
    caught_by: str | None
    detail: str
    reached: tuple[str, ...]


def all_mutants(prepared: Prepared) -> list[Mutant]:
    """Every mutant of the revenue models."""
    return [
        Mutant(node.name, node.path, line, site)
        for node in prepared.models
        if node.is_mutated
        for lines in [_source_lines(node)]
        for site in sites(node.sql)
        for line in [lines.get(site.line, 0)]
    ]


def _source_lines(node: Node) -> dict[int, int]:
    """The line of the file for each line of the compiled SQL: the nearest one that is the same."""
    source = [line.strip() for line in node.source_sql.splitlines()]
    compiled = [line.strip() for line in node.sql.splitlines()]
    matcher = difflib.SequenceMatcher(None, compiled, source, autojunk=False)
    found: dict[int, int] = {}
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            found[block.a + offset + 1] = block.b + offset + 1
    last = 1
    for line in range(1, len(compiled) + 1):
        last = found.setdefault(line, last)
    return found


def sample(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """So many mutants, spread over kinds and models as evenly as they come.

    Kinds take turns; of the kind whose turn it is the model with the fewest mutants so far gives
    the next one. A change of one model leaves the choice in others mostly as it was.
    """

    def lot(mutant: Mutant) -> str:
        site = mutant.site
        text = (
            f"{seed}|{mutant.model}|{site.kind}|{site.step}|{site.before}|{site.after}|{site.place}"
        )
        return sha256(text.encode()).hexdigest()

    waiting: dict[str, dict[str, list[Mutant]]] = {}
    for mutant in sorted(mutants, key=lot):
        waiting.setdefault(mutant.site.kind, {}).setdefault(mutant.model, []).append(mutant)
    taken: dict[str, int] = {}
    chosen: list[Mutant] = []
    while waiting and len(chosen) < count:
        for kind in sorted(waiting):
            models = waiting[kind]
            model = min(sorted(models), key=lambda name: taken.get(name, 0))
            chosen.append(models[model].pop())
            taken[model] = taken.get(model, 0) + 1
            if not models[model]:
                del models[model]
            if not models:
                del waiting[kind]
            if len(chosen) == count:
                break
    return chosen


def judge(chains: Sequence[Chain], mutant: Mutant) -> Outcome:
    """Run a mutant on one database after another until something notices it."""
    reached: tuple[str, ...] = ()
    for chain in chains:
        node = next(one for one in chain.prepared.models if one.name == mutant.model)
        verdict: Verdict = chain.judge(
            {mutant.model: mutated(node.sql, mutant.site.kind, mutant.site.number)}
        )
        reached = reached or verdict.reached
        if verdict.caught_by is not None:
            return Outcome(
                mutant,
                verdict.caught_by,
                f"{chain.prepared.name}: {verdict.detail}",
                verdict.reached,
            )
    return Outcome(mutant, None, "", reached)


_CHAINS: list[Chain] = []


def _open(prepared: Sequence[Prepared]) -> None:
    _CHAINS.extend(Chain(one) for one in prepared)


def _judge(mutant: Mutant) -> Outcome:
    return judge(_CHAINS, mutant)


def judge_all(
    prepared: Sequence[Prepared], mutants: Sequence[Mutant], workers: int
) -> Iterator[Outcome]:
    """The outcome of each mutant in order, in so many processes."""
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_open, initargs=(prepared,)
    ) as pool:
        yield from pool.map(_judge, mutants)
