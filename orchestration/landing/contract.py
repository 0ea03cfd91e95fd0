"""The raw contract, read from the dbt sources it is written in.

`dbt_project/models/staging/<source>/_<source>__sources.yml` is the only place that says which
tables a company lands and what their columns are. The gate, the raw views and the raw suites all
take it from here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import ConfigurationError
from orchestration.settings import DBT_PROJECT_DIR

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
_TYPE = re.compile(r"varchar|bigint|boolean|date|timestamp|decimal\((\d{1,2}),(\d{1,2})\)")


@dataclass(frozen=True)
class Column:
    """A column of a landed table.

    `data_type` is varchar, bigint, boolean, date, timestamp or decimal(p,s). `values` are the only
    texts allowed (empty: any); `lowest` and `highest` the least and the most that a number may be
    (None: as its type has it). `unit` says what a number counts; `format` is `json` for JSON text,
    `tiers` for that of the tiers of a price.
    What is `personal` says something of a person and is in no mart (but those of addresses); what
    is `erasable` goes when its customer is erased: all that is personal, and names of companies.
    """

    name: str
    data_type: str
    required: bool
    values: tuple[str, ...]
    personal: bool
    unit: str | None
    format: str | None
    erasable: bool = False
    lowest: Decimal | None = None
    highest: Decimal | None = None

    @property
    def is_id(self) -> bool:
        """Whether the text names a thing."""
        return self.data_type == "varchar" and (self.name == "id" or self.name.endswith("_id"))

    @property
    def is_currency(self) -> bool:
        """Whether the text is the ISO 4217 code of a currency."""
        return self.data_type == "varchar" and self.name == "currency"

    @property
    def is_json(self) -> bool:
        """Whether the text is a JSON document."""
        return self.format in ("json", "tiers")

    @property
    def is_money(self) -> bool:
        """Whether the number is an amount in minor units of a currency."""
        return self.unit is not None and "minor units" in self.unit

    @property
    def decimal_shape(self) -> tuple[int, int] | None:
        """Precision and scale of a decimal, None of other types."""
        match = _TYPE.fullmatch(self.data_type)
        if match is None or match.group(1) is None:
            return None
        return int(match.group(1)), int(match.group(2))


@dataclass(frozen=True)
class Table:
    """A landed table: its columns in order, its key, and the column that orders its versions."""

    source: str
    name: str
    description: str
    key: tuple[str, ...]
    version: str | None
    columns: tuple[Column, ...]

    @property
    def label(self) -> str:
        """The name people read: `billing/customers`, as its folder."""
        return f"{self.source}/{self.name}"

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns in contract order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def must_be_filled(self) -> frozenset[str]:
        """Columns without which a row cannot be used: the key and the required ones."""
        return frozenset(self.key) | {column.name for column in self.columns if column.required}

    @cached_property
    def digest(self) -> str:
        """Sha256 of everything that decides how a file of this table is read."""
        return hashlib.sha256(
            repr((self.source, self.name, self.key, self.columns)).encode()
        ).hexdigest()


@dataclass(frozen=True)
class Source:
    """A system that lands tables, with the schema that its raw views live in."""

    name: str
    schema: str
    description: str
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Contract:
    """All sources of the warehouse."""

    sources: tuple[Source, ...]

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All tables of all sources, in order of source and table name."""
        return tuple(table for source in self.sources for table in source.tables)

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], Table]:
        """Tables by (source, table)."""
        return {(table.source, table.name): table for table in self.tables}

    def schema_of(self, table: Table) -> str:
        """The schema that the raw view of a table lives in."""
        return next(source.schema for source in self.sources if source.name == table.source)


@lru_cache(maxsize=8)
def load_contract(dbt_project_dir: Path = DBT_PROJECT_DIR) -> Contract:
    """Read the contract; once per process and folder.

    Raises:
        ConfigurationError: a sources file is missing, unreadable or says something unusable.
    """
    files = sorted(dbt_project_dir.glob("models/staging/*/_*__sources.yml"))
    if not files:
        raise ConfigurationError(
            f"No raw contract: {dbt_project_dir}/models/staging/*/_*__sources.yml does not exist."
        )
    sources = [source for file in files for source in _read_file(file)]
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"The raw contract defines the source {name!r} twice.")
    return Contract(tuple(sorted(sources, key=lambda source: source.name)))


def _read_file(file: Path) -> list[Source]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        return [_source(entry) for entry in document["sources"]]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{file} is no usable raw contract: {error!s}") from error


def _source(entry: Mapping[str, Any]) -> Source:
    name = _identifier(entry["name"])
    tables = [_table(name, table) for table in entry["tables"]]
    return Source(
        name=name,
        schema=_identifier(entry.get("schema", f"raw_{name}")),
        description=str(entry.get("description", "")),
        tables=tuple(sorted(tables, key=lambda table: table.name)),
    )


def _table(source: str, entry: Mapping[str, Any]) -> Table:
    name = _identifier(entry["name"])
    meta = _meta(entry)
    columns = tuple(_column(column) for column in entry["columns"])
    names = [column.name for column in columns]
    key = tuple(_identifier(column) for column in meta["key"])
    version = meta.get("version")
    for column in (*key, *([version] if version else [])):
        if column not in names:
            raise ValueError(f"{source}.{name}: key or version {column!r} is not among its columns")
    if len(set(names)) != len(names):
        raise ValueError(f"{source}.{name}: a column is named twice")
    return Table(source, name, str(entry.get("description", "")), key, version, columns)


def _column(entry: Mapping[str, Any]) -> Column:
    meta = _meta(entry)
    data_type = str(entry["data_type"]).lower().replace(" ", "")
    if not _TYPE.fullmatch(data_type):
        raise ValueError(f"column {entry['name']!r}: type {data_type!r} is not one the gate knows")
    return Column(
        name=_identifier(entry["name"]),
        data_type=data_type,
        required=bool(meta.get("required", False)),
        values=tuple(str(value) for value in meta.get("values", ())),
        personal=bool(meta.get("personal", False)),
        erasable=bool(meta.get("personal", False) or meta.get("erasable", False)),
        unit=meta.get("unit"),
        format=meta.get("format"),
        lowest=_limit(meta, "lowest"),
        highest=_limit(meta, "highest"),
    )


def _limit(meta: Mapping[str, Any], name: str) -> Decimal | None:
    return Decimal(str(meta[name])) if name in meta else None


def _meta(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    meta: Mapping[str, Any] = (entry.get("config") or {}).get("meta") or {}
    return meta


def _identifier(value: object) -> str:
    """Names become folders and SQL identifiers, so only plain ones are let in."""
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise ValueError(f"{value!r} is no name of lower-case letters, digits and underscores")
    return value
