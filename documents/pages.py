"""The generated pages, as Markdown by path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from documents.lineage import Box, drawing
from documents.project import Node, Project

#: The texts that rule a domain's figures.
RULES = {
    "core": ["mrr_rules.md"],
    "revenue": ["mrr_rules.md", "policies.md", "books_rules.md", "closing_rules.md"],
    "retention": ["retention_rules.md"],
    "unit_economics": ["unit_economics_rules.md"],
    "customer_success": ["signal_rules.md", "customer_success_rules.md"],
    "outreach": ["customer_success_rules.md"],
}
MADE = "*Made from the dbt project when the site is built.*"

#: Seeds that are shown row by row; longer ones are described only.
SHOWN_ROWS = 60
SHOWN_COLUMNS = 14


def pages(project: Project) -> dict[str, str]:
    """All generated pages by their path in the site."""
    made = {
        "marts/index.md": _marts(project),
        "metrics.md": _metrics(project),
        "policy_table.md": _policies(project),
        "configuration.md": _configuration(project),
    }
    for mart in project.marts:
        made[f"marts/{mart['name']}.md"] = _mart(project, mart)
    return made


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; what would break a row is escaped."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|") or "–"


def _title(domain: str) -> str:
    return domain.replace("_", " ").capitalize()


def _marts(project: Project) -> str:
    parts = ["# Marts", "", MADE, "", "What BI tools, finance and customer success read.", ""]
    for domain, owner in project.domains.items():
        own = [mart for mart in project.marts if mart["schema"] == domain]
        systems = sorted(
            {
                str(project.nodes[source]["source_name"])
                for mart in own
                for source in project.sources_of(mart)
            }
        )
        parts += [
            f"## {_title(domain)}",
            "",
            f"Owner: {owner['name']}, {owner['email']}. Made from {', '.join(systems)}.",
            "",
            table(
                ["mart", "rows", "read by"],
                [
                    (
                        f"[{mart['name']}]({mart['name']}.md)",
                        mart["description"],
                        ", ".join(str(reader["label"]) for reader in project.readers(mart)),
                    )
                    for mart in own
                ],
            ),
            "",
        ]
    return "\n".join(parts)


def _mart(project: Project, mart: Node) -> str:
    owner = project.domains[mart["schema"]]
    rules = project.column_rules(mart)
    others = [
        test for test in project.tests_of(mart) if not (test.get("test_metadata") or {}).get("name")
    ]
    metrics = [
        metric
        for metric in project.metrics
        if mart["unique_id"] in {model["unique_id"] for model in project.models_of(metric)}
    ]
    parts = [
        f"# {mart['name']}",
        "",
        MADE,
        "",
        str(mart["description"]),
        "",
        table(
            ["about", ""],
            [
                ("table", f"`{mart['schema']}.{mart['name']}`"),
                ("owner", f"{owner['name']}, {owner['email']}"),
                ("grain", ", ".join(f"`{column}`" for column in project.grain_of(mart))),
                (
                    "rules",
                    ", ".join(
                        f"[{_title(text[:-3])}](../{text})" for text in RULES[mart["schema"]]
                    ),
                ),
                ("SQL", f"`dbt_project/{mart['original_file_path']}`"),
                (
                    "metrics",
                    ", ".join(f"[{m['name']}](../metrics.md#{m['name']})" for m in metrics),
                ),
            ],
        ),
        "",
        "## Columns",
        "",
        table(
            ["column", "type", "meaning and unit", "always"],
            [
                (f"`{name}`", column["data_type"], column["description"], ", ".join(rules[name]))
                for name, column in mart["columns"].items()
            ],
        ),
        "",
        "## Where it comes from, and who reads it",
        "",
        '<div class="lineage-frame" markdown="0" tabindex="0">',
        _lineage(project, mart),
        "</div>",
        "",
        "Landed tables, what the SQL reads, the mart, and its readers. From a figure to its rows:"
        " `make explain`.",
        "",
    ]
    if others:
        parts += ["## Tests that look at it", ""]
        parts += [f"- {_sentence(str(test['name']))}" for test in others]
        parts.append("")
    return "\n".join(parts)


def _sentence(test_name: str) -> str:
    return test_name.removeprefix("assert_").replace("_", " ").capitalize() + "."


def _lineage(project: Project, mart: Node) -> str:
    parents = project.parents(mart)
    behind = {parent["unique_id"]: project.sources_of(parent) for parent in parents}
    sources = sorted(set().union(*behind.values())) if behind else []
    readers = [*project.child_marts(mart), *project.readers(mart)]
    marts = {node["unique_id"] for node in project.marts}

    def model_box(node: Node) -> Box:
        is_mart = node["unique_id"] in marts
        kind = "mart" if is_mart else str(node["resource_type"])
        link = f"{node['name']}.html" if is_mart else ""
        return Box(node["unique_id"], str(node.get("label") or node["name"]), link, kind)

    columns = [
        [
            Box(
                source,
                f"{project.nodes[source]['source_name']}.{project.nodes[source]['name']}",
                kind="source",
            )
            for source in sources
        ],
        [model_box(parent) for parent in parents],
        [Box(mart["unique_id"], str(mart["name"]), kind="self")],
        [model_box(reader) for reader in readers],
    ]
    edges = [(source, parent) for parent, found in behind.items() for source in sorted(found)]
    edges += [(parent["unique_id"], mart["unique_id"]) for parent in parents]
    edges += [(mart["unique_id"], reader["unique_id"]) for reader in readers]
    return drawing(f"Lineage of {mart['name']}", columns, edges)


def _metrics(project: Project) -> str:
    parts = [
        "# Metric dictionary",
        "",
        MADE,
        "",
        "Metrics of the [semantic layer](semantic_layer.md), then the goals and benchmarks that"
        " `customer_success.fct_target_status` and `retention.fct_benchmark_comparison` hold them"
        " against. What decides each figure is in the rules of its domain and in the"
        " [policy](policy_table.md).",
        "",
    ]
    for metric in project.metrics:
        models = project.models_of(metric)
        parts += [
            f"## {metric['name']}",
            "",
            f"**{metric['label'] or metric['name']}.** {_plain(metric['description'])}",
            "",
            f"`{_formula(metric)}` from "
            + ", ".join(f"[{m['schema']}.{m['name']}](marts/{m['name']}.md)" for m in models),
            "",
        ]
    for name, heading in (("targets", "Goals"), ("benchmarks", "Benchmarks")):
        seed = next(seed for seed in project.seeds if seed["name"] == name)
        parts += [f"## {heading}", "", _plain(seed["description"]), "", *_seed_table(project, seed)]
    return "\n".join(parts)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _formula(metric: Node) -> str:
    """The arithmetic of a metric without its guard."""
    params = metric["type_params"]
    if metric["type"] == "ratio":
        return f"{params['numerator']['name']} / {params['denominator']['name']}"
    expression = _plain(params.get("expr") or metric["name"])
    guarded = re.fullmatch(r"case when \w+ = 1 (?:and .+? )?then (.+) end", expression)
    return (guarded[1] if guarded else expression).replace("unguarded_", "")


def _policies(project: Project) -> str:
    seed = next(seed for seed in project.seeds if seed["name"] == "metric_policies")
    rows = project.seed_rows(seed)
    columns = list(rows[0])
    described = seed["columns"]
    texts = {"policy_id", "name", "as_of", "source", "note"}
    switches = [column for column in columns if column not in texts]
    parts = [
        "# Policy table",
        "",
        MADE,
        "",
        "Every way of answering that ships, as `dbt_project/seeds/metric_policies.csv` says it."
        " [One customer, five policies](policies.md) shows what the switches do; enable policies"
        " with `HOLDFAST_ENABLED_POLICIES`. Bold: other than `board_strict`.",
        "",
        "## Switches",
        "",
        table(
            ["switch", *(f"`{row['policy_id']}`" for row in rows)],
            [
                [
                    f"`{switch}`",
                    *(
                        (row[switch] or "none").replace("|", ", ")
                        if row[switch] == rows[0][switch]
                        else f"**{(row[switch] or 'none').replace('|', ', ')}**"
                        for row in rows
                    ),
                ]
                for switch in switches
            ],
        ),
        "",
        "## What a switch decides",
        "",
        table(
            ["switch", "meaning"],
            [
                (f"`{switch}`", described[switch]["description"])
                for switch in switches
                if switch in described
            ],
        ),
        "",
        "## Sources",
        "",
        table(
            ["policy", "of", "as of", "source", "what could not be confirmed"],
            [(f"`{r['policy_id']}`", r["name"], r["as_of"], r["source"], r["note"]) for r in rows],
        ),
        "",
    ]
    return "\n".join(parts)


def _configuration(project: Project) -> str:
    parts = [
        "# What can be changed without code",
        "",
        MADE,
        "",
        "Each is a csv in `dbt_project/seeds/`; a run checks it before anything is built, and says"
        " which row and column it cannot use.",
        "",
    ]
    for seed in project.seeds:
        if seed["name"] == "metric_policies":
            continue
        parts += [f"## {seed['name']}", "", _plain(seed["description"]), ""]
        columns = [(n, c["description"]) for n, c in seed["columns"].items() if c["description"]]
        if columns:
            parts += [
                table(["column", "meaning"], [(f"`{name}`", text) for name, text in columns]),
                "",
            ]
        parts += _seed_table(project, seed)
    return "\n".join(parts)


def _seed_table(project: Project, seed: Node) -> list[str]:
    rows = project.seed_rows(seed)
    if not rows:
        return ["It ships empty.", ""]
    if len(rows) > SHOWN_ROWS or len(rows[0]) > SHOWN_COLUMNS:
        return [f"{len(rows)} rows in `dbt_project/{seed['original_file_path']}`.", ""]
    shown = table(list(rows[0]), [list(row.values()) for row in rows])
    return [f"As it ships ({len(rows)} rows):", "", shown, ""]
