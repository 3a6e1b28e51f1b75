"""Graph tables: a folder of Parquet files that every store can load, with a manifest that vouches for them.

    FOLDER/manifest.json
    FOLDER/nodes/Title.parquet …            one file a label: `id` and its properties
    FOLDER/relationships/DIRECTED.parquet … one file a type: `head`, `tail`, `key` and its properties

The columns and their types are those of `graph.schema`. A label or type without a file is simply not there.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graph.schema import NODES, RELATIONSHIPS, SCHEMA_VERSION, PropertyType, arrow_schema, fits

MANIFEST = "manifest.json"


class TablesError(Exception):
    """Graph tables that cannot be used: the file, what is wrong with it and what to do."""


@dataclass(frozen=True)
class Source:
    """A file that went into the tables: its name, its size in bytes, when it was last changed (ISO 8601, UTC)."""

    file: str
    size: int
    modified: str

    @classmethod
    def of(cls, path: Path) -> Source:
        """Describe a file on disk."""
        status = path.stat()
        modified = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC).isoformat(timespec="seconds")
        return cls(path.name, status.st_size, modified)


@dataclass(frozen=True)
class Manifest:
    """What the folder holds: rows and SHA-256 of each table, where they come from, when they were made."""

    schema_version: int
    made: str
    counts: dict[str, int]
    checksums: dict[str, str]
    sources: list[Source]

    @property
    def graph_hash(self) -> str:
        """One short name for exactly this content: 16 hexadecimal digits."""
        text = json.dumps([self.schema_version, sorted(self.checksums.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def table_path(folder: Path, name: str) -> Path:
    """Where the table of a label or relationship type lies. KeyError when the schema has no such name."""
    if name not in NODES and name not in RELATIONSHIPS:
        raise KeyError(name)
    return folder / ("nodes" if name in NODES else "relationships") / f"{name}.parquet"


def write_table(folder: Path, name: str, batches: Iterable[pa.RecordBatch | pa.Table]) -> int:
    """Write one table from Arrow batches, cast to the schema; returns its rows. A name's columns may be fewer."""
    schema = arrow_schema(name)
    path = table_path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            table = conform(pa.table(batch), name)
            writer.write_table(table)
            rows += table.num_rows
    return rows


def rows_to_table(name: str, rows: Sequence[Any]) -> pa.Table:
    """Rows as mappings → an Arrow table with the schema's columns; a missing `key` is ''. TablesError on misfits."""
    schema = arrow_schema(name)
    kind = NODES[name] if name in NODES else RELATIONSHIPS[name]
    types: dict[str, PropertyType] = dict.fromkeys(schema.names, "string")
    types |= {p.name: p.type for p in kind.properties}
    known = set(schema.names)
    for row in rows:
        unknown = set(row) - known
        if unknown:
            raise TablesError(f"{name} has no property {sorted(unknown)[0]!r}; it has {', '.join(schema.names)}")
    columns = {}
    for column in schema:
        values = [row.get(column.name, "" if column.name == "key" else None) for row in rows]
        for value in values:
            if value is not None and not fits(value, types[column.name]):
                raise TablesError(f"{name}.{column.name} must be {types[column.name]}, not {value!r}")
        if not column.nullable and any(value is None for value in values):
            raise TablesError(f"a {name} row has no {column.name!r}")
        columns[column.name] = pa.array(values, column.type)
    return pa.table(columns, schema=schema)


def conform(table: pa.Table, name: str) -> pa.Table:
    """Give a table the schema's columns, order and types; absent ones become null. TablesError on misfits."""
    schema = arrow_schema(name)
    unknown = [column for column in table.column_names if column not in schema.names]
    if unknown:
        raise TablesError(f"{name} has no property {unknown[0]!r}; it has {', '.join(schema.names)}")
    columns = []
    for field in schema:
        if field.name in table.column_names:
            column = table.column(field.name)
            if not field.nullable and column.null_count:
                raise TablesError(f"{column.null_count} rows of {name} have no {field.name!r}")
            try:
                columns.append(column.cast(field.type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise TablesError(f"{name}.{field.name} must be {field.type}: {error}") from None
        elif field.nullable:
            columns.append(pa.nulls(table.num_rows, field.type))
        elif field.name == "key":
            columns.append(pa.array([""] * table.num_rows, field.type))
        else:
            raise TablesError(f"{name} has no column {field.name!r}")
    return pa.table(columns, schema=schema)


@dataclass(frozen=True)
class GraphTables:
    """An opened folder of graph tables."""

    folder: Path
    manifest: Manifest

    @property
    def names(self) -> list[str]:
        """The labels and relationship types that are there, in the schema's order."""
        return [name for name in (*NODES, *RELATIONSHIPS) if name in self.manifest.counts]

    def path(self, name: str) -> Path:
        """The Parquet file of a label or relationship type that is there."""
        return table_path(self.folder, name)

    def read(self, name: str) -> pa.Table:
        """A whole table in memory; empty when it is not there."""
        if name not in self.manifest.counts:
            return arrow_schema(name).empty_table()
        return pq.read_table(self.path(name), partitioning=None).cast(arrow_schema(name))

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """A table that is there, some rows at a time."""
        with pq.ParquetFile(self.path(name)) as file:
            for batch in file.iter_batches():
                yield batch.cast(arrow_schema(name))

    def verify(self) -> None:
        """Read every file and compare its checksum with the manifest. Raises TablesError naming the file."""
        for name in self.names:
            if _sha256(self.path(name)) != self.manifest.checksums[name]:
                raise TablesError(f"{self.path(name)} is not what the manifest vouches for; make the tables again")

    @classmethod
    def open(cls, folder: Path) -> GraphTables:
        """Open a folder: the manifest must be readable and of this schema version, every file there and fitting."""
        try:
            raw = json.loads((folder / MANIFEST).read_text("utf-8"))
            if raw["schema_version"] != SCHEMA_VERSION:
                raise TablesError(
                    f"{folder} has schema version {raw['schema_version']}, this software reads {SCHEMA_VERSION}; "
                    "make the tables again with this version"
                )
            manifest = Manifest(**{**raw, "sources": [Source(**source) for source in raw["sources"]]})
        except FileNotFoundError:
            raise TablesError(f"{folder} holds no graph tables: it has no {MANIFEST}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TablesError(f"{folder / MANIFEST} cannot be read: {error}; make the tables again") from None
        tables = cls(folder, manifest)
        for name in tables.names:
            _check_file(tables.path(name), name)
        return tables


def finish_tables(folder: Path, sources: Iterable[Source]) -> GraphTables:
    """Check every table in a folder against the schema, then vouch for it with a manifest, written last."""
    counts, checksums = {}, {}
    for name in (*NODES, *RELATIONSHIPS):
        path = table_path(folder, name)
        if path.exists():
            counts[name] = _check_file(path, name)
            checksums[name] = _sha256(path)
    made = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    manifest = Manifest(SCHEMA_VERSION, made, counts, checksums, list(sources))
    partial = folder / f"{MANIFEST}.part"
    partial.write_text(json.dumps(asdict(manifest), indent=1) + "\n", "utf-8")
    partial.replace(folder / MANIFEST)
    return GraphTables(folder, manifest)


def _check_file(path: Path, name: str) -> int:
    """The rows of a Parquet file, whose columns must be the schema's (large strings are as good as strings)."""
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise TablesError(f"{path} cannot be read: {error}; make the tables again") from None
    with file:
        expected = arrow_schema(name)
        actual = file.schema_arrow
        if actual.names != expected.names:
            raise TablesError(f"{path} has columns {actual.names}, expected {expected.names}")
        for field in expected:
            found = actual.field(field.name).type
            if str(found).replace("large_", "").replace("element", "item") != str(field.type).replace(
                "element", "item"
            ):
                raise TablesError(f"{path}: {field.name} is {found}, expected {field.type}")
        rows: int = file.metadata.num_rows
        return rows


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
