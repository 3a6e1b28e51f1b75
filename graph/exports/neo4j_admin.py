"""The graph as files for `neo4j-admin database import full`, which fills a stopped server's database by itself.

    FOLDER/nodes/Title.csv …           header and rows: id, properties, vectors, labels
    FOLDER/relationships/DIRECTED.csv  header and rows: head, tail, key, properties
    FOLDER/export.json                 says that the folder is one of these, and which files are its own

What is imported lies as the Neo4j store would have written it. Rows pass through in batches: memory depends neither on
the graph nor on its vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from graph.exports.folder import whole_export
from graph.exports.neo4j_csv import CsvFiles, delimiter
from graph.exports.neo4j_rows import Neo4jRows
from graph.schema import NODES, RELATIONSHIPS
from graph.store import GraphStore, Progress
from graph.tables import TablesError


@dataclass(frozen=True)
class AdminExport:
    """What was written, and the command that imports it. empty_lists: lists that an import leaves out."""

    folder: Path
    counts: Mapping[str, int]
    command: Sequence[str]
    empty_lists: int

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "path": str(self.folder),
            "counts": dict(self.counts),
            "command": list(self.command),
            "empty_lists": self.empty_lists,
        }


def export_neo4j_admin(store: GraphStore, folder: Path, progress: Progress | None = None) -> AdminExport:
    """Write a store's graph (all but private labels) as the import reads it; `folder` is new or such a one already.

    Raises TablesError where the folder holds anything else, StoreBusy where a load comes in between.
    """
    folder = folder.absolute()
    if "," in str(folder):
        raise TablesError(f"{folder}: a comma in a path means another file to neo4j-admin; export into another folder")
    with whole_export(store, folder, "neo4j-admin") as filled:
        graph = Neo4jRows(store)
        files = CsvFiles(filled.made, delimiter(_lists(store, filled.counts)))
        for name, tell in filled.parts(progress):
            kind, parts = ("nodes", graph.nodes) if name in NODES else ("relationships", graph.relationships)
            files.write(f"{kind}/{name}.csv", *parts(name), tell)
        for name, header, rows in graph.of_its_own():
            files.write(f"nodes/{name}.csv", header, [rows], lambda _rows: None)
    return AdminExport(folder, filled.counts, files.command(folder), files.empty_lists)


def _lists(store: GraphStore, names: Iterable[str]) -> Iterator[pa.Array]:
    """The values of every property that is a list."""
    for name in names:
        kind = NODES[name] if name in NODES else RELATIONSHIPS[name]
        scan = store.scan_nodes if name in NODES else store.scan_relationships
        listed = [p.name for p in kind.properties if p.type == "strings"]
        for batch in scan(name, listed) if listed else ():
            yield from (batch.column(one) for one in listed)
