"""The graph as files for `neo4j-admin database import full`, which fills a stopped server's database by itself.

    FOLDER/nodes/Title.csv …           header and rows: id, properties, vectors, labels
    FOLDER/relationships/DIRECTED.csv  header and rows: head, tail, key, properties
    FOLDER/export.json                 says that the folder is one of these, and which files are its own

What is imported lies as the Neo4j store would have written it. Rows pass through in batches: memory depends neither on
the graph nor on its vectors.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from graph.exports.folder import exported_counts, made_aside
from graph.exports.neo4j_csv import CsvFiles, delimiter
from graph.exports.neo4j_rows import Neo4jRows
from graph.schema import NODES, RELATIONSHIPS
from graph.store import GraphStore, Progress, StoreBusy
from graph.tables import TablesError

MARKER = "export.json"
_KIND = "neo4j-admin"


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
    _check(folder)
    counts, version = exported_counts(store), store.info().version
    graph = Neo4jRows(store)
    with made_aside(folder) as made:
        files = CsvFiles(made, delimiter(_lists(store, counts)))
        # Relationships first: what comes in meanwhile may be a node without any, and no relationship without its nodes.
        names = [*(name for name in counts if name in RELATIONSHIPS), *(name for name in counts if name in NODES)]
        for place, name in enumerate(names):
            done = sum(counts[one] for one in names[:place])
            tell = _teller(progress, name, done, sum(counts.values()) + 1)
            kind, parts = ("nodes", graph.nodes) if name in NODES else ("relationships", graph.relationships)
            files.write(f"{kind}/{name}.csv", *parts(name), tell)
        for name, header, rows in graph.of_its_own():
            files.write(f"nodes/{name}.csv", header, [rows], _teller(None, name, 0, 1))
        if store.info().version != version:
            raise StoreBusy(f"{store.url} got a new version meanwhile; export again")
        marker = {"kind": _KIND, "counts": counts, "files": sorted(files.names)}
        (made / MARKER).write_text(json.dumps(marker, indent=1) + "\n", "utf-8")
    return AdminExport(folder, counts, files.command(folder), files.empty_lists)


def _check(folder: Path) -> None:
    """Whether the folder may be written, or written anew."""
    if "," in str(folder):
        raise TablesError(f"{folder}: a comma in a path means another file to neo4j-admin; export into another folder")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        marker = json.loads((folder / MARKER).read_text("utf-8"))
        there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
        if marker["kind"] == _KIND and there == {MARKER, *marker["files"]}:
            return
    raise TablesError(f"{folder} holds something else than an export for neo4j-admin; export into a new folder")


def _teller(progress: Progress | None, name: str, done: int, whole: int) -> Callable[[int], None]:
    """What to tell of each batch of a label or type, after so many rows of others."""

    def tell(rows: int) -> None:
        nonlocal done
        done += rows
        if progress:
            progress(name, min(done / whole, 1.0))

    return tell


def _lists(store: GraphStore, names: Iterable[str]) -> Iterator[pa.Array]:
    """The values of every property that is a list."""
    for name in names:
        kind = NODES[name] if name in NODES else RELATIONSHIPS[name]
        scan = store.scan_nodes if name in NODES else store.scan_relationships
        listed = [p.name for p in kind.properties if p.type == "strings"]
        for batch in scan(name, listed) if listed else ():
            yield from (batch.column(one) for one in listed)
