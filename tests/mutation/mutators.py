"""Every single change that a mutant of a model may make, found in and made to its parsed SQL.

A site is told by its kind and its number among the sites of that kind, so that the same site is
found again in the same model compiled with other variables.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

DIALECT = "duckdb"
Change = Callable[[exp.Expr], exp.Expr | None]
"""Makes the replacement of a node (None: the node goes)."""

COMPARISONS: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.LT: exp.LTE, exp.LTE: exp.LT, exp.GT: exp.GTE, exp.GTE: exp.GT,
}  # fmt: skip
EQUALITIES: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ, exp.NEQ: exp.EQ,
    exp.NullSafeEQ: exp.NullSafeNEQ, exp.NullSafeNEQ: exp.NullSafeEQ,
}  # fmt: skip
SIGNS: dict[type[exp.Expr], type[exp.Expr]] = {exp.Add: exp.Sub, exp.Sub: exp.Add}
LOGIC: dict[type[exp.Expr], type[exp.Expr]] = {exp.And: exp.Or, exp.Or: exp.And}
EXTREMES: dict[type[exp.Expr], type[exp.Expr]] = {exp.Min: exp.Max, exp.Max: exp.Min}
BOUNDS: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.Greatest: exp.Least, exp.Least: exp.Greatest,
}  # fmt: skip

KINDS = (
    "comparison", "equality", "join", "sign", "filter", "coalesce", "month_offset", "min_max",
    "order", "distinct", "minor_unit", "logic", "case_branch", "greatest_least", "condition",
    "negation", "in_list", "union", "partition", "number",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A place where one change can be made.

    `step` is the CTE it is in, `line` counts the lines of the compiled SQL from 1, `before` and
    `after` are the SQL of the smallest clause that shows the change, `place` counts the places in
    the step where the same change could be made.
    """

    kind: str
    number: int
    step: str
    line: int
    before: str
    after: str
    place: int = 1


@dataclass(frozen=True)
class _Possible:
    kind: str
    node: exp.Expr
    """What is replaced."""
    shown: exp.Expr
    """The clause to show."""
    change: Change
    after: str | None = None
    """The text to show for the changed clause, where its SQL would be too long to read."""


def parse(sql: str) -> exp.Expr:
    """The tree of a statement."""
    return sqlglot.parse_one(sql, dialect=DIALECT)


def render(tree: exp.Expr) -> str:
    """The statement of a tree."""
    return tree.sql(DIALECT)


def sites(sql: str) -> list[Site]:
    """All sites of a statement; of sites that a macro's loop repeats (`step_1`, `step_2`, ...) the
    first.
    """
    tree = parse(sql)
    counts: dict[str, int] = {}
    places: Counter[tuple[str, str, str]] = Counter()
    found: list[Site] = []
    seen: set[tuple[str, ...]] = set()
    for possible in _possible(tree):
        number = counts.get(possible.kind, 0)
        counts[possible.kind] = number + 1
        before, after = _shown(possible)
        step = _step(possible.node)
        looped = tuple(re.sub(r"_\d+\b", "_n", text) for text in (step, before, after))
        if before == after or (_is_looped(step, before) and looped in seen):
            continue
        seen.add(looped)
        places[step, before, after] += 1
        place = places[step, before, after]
        line = _line(possible.shown)
        found.append(Site(possible.kind, number, step, line, before, after, place))
    return found


def mutated(sql: str, kind: str, number: int) -> str:
    """The statement with the change of one site.

    Raises:
        LookupError: the statement has no such site.
    """
    tree = parse(sql)
    places = [possible for possible in _possible(tree) if possible.kind == kind]
    if number >= len(places):
        raise LookupError(f"no site {number} of kind {kind}")
    _make(places[number])
    return render(tree)


def _make(possible: _Possible) -> None:
    replacement = possible.change(possible.node)
    if replacement is None:
        possible.node.pop()
    else:
        possible.node.replace(replacement)


def _shown(possible: _Possible) -> tuple[str, str]:
    before = render(possible.shown)
    if possible.after is not None:
        return _short(before), possible.after
    # The node keeps its place in a copy of the clause: walks visit in one order.
    position = next(
        place for place, node in enumerate(possible.shown.walk()) if node is possible.node
    )
    holder = exp.Paren(this=possible.shown.copy())
    copy = list(holder.this.walk())[position]
    _make(_Possible(possible.kind, copy, copy, possible.change))
    changed = holder.args.get("this")
    return _short(before), _short(render(changed)) if changed is not None else "(dropped)"


def _short(text: str) -> str:
    return " ".join(text.split())


def _is_looped(step: str, before: str) -> bool:
    return bool(re.search(r"_\d+\b", f"{step} {before}"))


def _step(node: exp.Expr) -> str:
    found = node.find_ancestor(exp.CTE)
    return found.alias if found is not None else ""


def _line(node: exp.Expr) -> int:
    lines = [part.meta["line"] for part in node.walk() if "line" in part.meta]
    return min(lines, default=0)


# -- what can be changed ----------------------------------------------------------------------


def _possible(tree: exp.Expr) -> Iterator[_Possible]:
    for node in tree.walk():
        yield from _of_operators(node)
        yield from _of_clauses(node)
        yield from _of_functions(node)


def _swap(node: exp.Expr, other: type[exp.Expr]) -> exp.Expr:
    return other(**{name: _copied(value) for name, value in node.args.items()})


def _regrouped(node: exp.Expr, other: type[exp.Expr]) -> exp.Expr:
    """And for or, or or for and, of the same two sides: `and` written bare would bind closer."""
    sides = (
        exp.paren(side, copy=True) if isinstance(side, exp.And | exp.Or) else side.copy()
        for side in (node.this, node.expression)
    )
    return exp.paren(other(this=next(sides), expression=next(sides)), copy=False)


def _copied(value: object) -> object:
    if isinstance(value, exp.Expr):
        return value.copy()
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _swaps(kind: str, table: dict[type[exp.Expr], type[exp.Expr]],
           node: exp.Expr) -> Iterator[_Possible]:  # fmt: skip
    other = table.get(type(node))
    if other is not None:
        yield _Possible(kind, node, node, lambda old: _swap(old, other))


def _of_operators(node: exp.Expr) -> Iterator[_Possible]:
    yield from _swaps("comparison", COMPARISONS, node)
    if not _is_join_key(node):
        yield from _swaps("equality", EQUALITIES, node)
    if not node.find(exp.Interval):
        yield from _swaps("sign", SIGNS, node)
    if isinstance(node, exp.Neg):
        yield _Possible("sign", node, node, lambda old: old.this.copy())
    if not any(_is_join_key(part) for part in node.flatten()):
        other = LOGIC.get(type(node))
        if other is not None:
            yield _Possible("logic", node, node, lambda old: _regrouped(old, other))
    if isinstance(node, exp.Not):
        yield _Possible("negation", node, node, lambda old: old.this.copy())
    if isinstance(node, exp.Is) and not isinstance(node.parent, exp.Not):
        yield _Possible("negation", node, node, lambda old: exp.Not(this=old.copy()))
    if isinstance(node, exp.In) and len(node.expressions) > 1:
        for one in node.expressions:
            yield _Possible("in_list", one, node, lambda old: None)
    if isinstance(node, exp.Literal) and _is_factor(node):
        yield _Possible("number", node, node.parent or node, _next_number)
    yield from _swaps("min_max", EXTREMES, node)
    yield from _swaps("greatest_least", BOUNDS, node)


def _is_join_key(node: exp.Expr) -> bool:
    """A column equals a column in a join: without it there is a cross product, which is no test."""
    return (
        isinstance(node, exp.EQ)
        and isinstance(node.find_ancestor(exp.Join, exp.Select, exp.Case), exp.Join)
        and isinstance(node.this, exp.Column)
        and isinstance(node.expression, exp.Column)
    )


def _is_factor(node: exp.Literal) -> bool:
    """A number of days, weeks or months, not a power of ten that only moves the point."""
    return (
        node.is_int
        and 1 < int(node.this) < 1000
        and int(node.this) not in (10, 100)
        and isinstance(node.parent, exp.Mul | exp.Add | exp.Sub | exp.If | exp.Case | exp.Neg)
    )


def _next_number(node: exp.Expr) -> exp.Expr:
    return exp.Literal.number(int(node.name) + 1)


def _of_clauses(node: exp.Expr) -> Iterator[_Possible]:
    if isinstance(node, exp.Join) and node.args.get("on") is not None:
        yield _Possible("join", node, node, _other_join)
        for part in node.args["on"].flatten():
            if not _is_join_key(part) and isinstance(node.args["on"], exp.And):
                yield _Possible("condition", part, node, lambda old: exp.true())
    if isinstance(node, exp.Where | exp.Having):
        conjuncts = list(node.this.flatten()) if isinstance(node.this, exp.And) else [node.this]
        for conjunct in conjuncts:
            if len(conjuncts) == 1:
                yield _Possible("filter", node, node, lambda old: None)
            else:
                yield _Possible("filter", conjunct, conjunct, lambda old: exp.true())
    if isinstance(node, exp.Order):
        for term in node.expressions:
            if len(node.expressions) > 1:
                yield _Possible("order", term, node, lambda old: None)
            yield _Possible("order", term, node, _reversed)
    if isinstance(node, exp.Window) and len(node.args.get("partition_by") or ()) > 1:
        for term in node.args["partition_by"]:
            yield _Possible("partition", term, node, lambda old: None)
    if isinstance(node, exp.Union) and not node.args.get("distinct"):
        branch = node.expression
        yield _Possible("union", node, branch, lambda old: old.this.copy(), "(dropped)")
    if isinstance(node, exp.Distinct):
        yield _Possible("distinct", node, node, _without_distinct)
    if isinstance(node, exp.Union) and node.args.get("distinct"):
        yield _Possible("distinct", node, node.expression, _union_all, "(duplicates stay)")


def _other_join(node: exp.Expr) -> exp.Expr:
    copy = node.copy()
    if copy.args.get("side"):
        copy.set("side", None)
        copy.set("kind", "INNER")
    else:
        copy.set("side", "LEFT")
        copy.set("kind", None)
    return copy


def _reversed(node: exp.Expr) -> exp.Expr:
    copy = node.copy()
    copy.set("desc", not copy.args.get("desc"))
    return copy


def _without_distinct(node: exp.Expr) -> exp.Expr | None:
    return node.expressions[0].copy() if node.expressions else None


def _union_all(node: exp.Expr) -> exp.Expr:
    copy = node.copy()
    copy.set("distinct", False)
    return copy


def _of_functions(node: exp.Expr) -> Iterator[_Possible]:
    if isinstance(node, exp.Coalesce):
        yield _Possible("coalesce", node, node, lambda old: old.this.copy())
    if isinstance(node, exp.Anonymous) and node.name.lower() == "to_months":
        for other in (exp.Add, exp.Sub):
            yield _Possible("month_offset", node.expressions[0], node, _moved(other))
    if isinstance(node, exp.Case):
        tested = [*node.args["ifs"], node.this]
        if any(part is not None and "minor_unit_exponent" in part.sql() for part in tested):
            yield _Possible("minor_unit", node, node, lambda old: exp.Literal.number("0.01"))
            return
        for branch in node.args["ifs"]:
            change = _without_branch(branch.index or 0)
            yield _Possible("case_branch", node, branch, change, "(dropped)")


def _moved(operator: type[exp.Expr]) -> Change:
    return lambda old: operator(this=old.copy(), expression=exp.Literal.number(1))


def _without_branch(position: int) -> Change:
    def change(node: exp.Expr) -> exp.Expr:
        copy = node.copy()
        if len(copy.args["ifs"]) == 1:
            default = copy.args.get("default")
            return default.copy() if default is not None else exp.null()
        copy.args["ifs"][position].pop()
        return copy

    return change
