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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.export import exported_counts, made_aside
from graph.neo4j_csv import CsvFiles, delimiter, head
from graph.schema import NODES, RELATIONSHIPS
from graph.store import GraphStore, Progress
from graph.tables import TablesError

MARKER = "export.json"
_KIND = "neo4j-admin"
_ROWS = 16_384


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

    Raises TablesError where the folder holds anything else.
    """
    folder = folder.absolute()
    _check(folder)
    counts = exported_counts(store)
    lying = _Lying(store)
    with made_aside(folder) as made:
        files = CsvFiles(made, delimiter(_lists(store, counts)))
        for name in counts:
            kind, rows = ("nodes", lying.nodes) if name in NODES else ("relationships", lying.relationships)
            files.write(f"{kind}/{name}.csv", *rows(name), _part(progress, name, counts))
        for name, header, rows in lying.of_its_own():
            files.write(f"nodes/{name}.csv", header, [rows], lambda _: None)
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


def _part(progress: Progress | None, name: str, counts: Mapping[str, int]) -> Callable[[int], None]:
    """What to tell of each batch of a label or type."""
    names, whole = list(counts), sum(counts.values()) + 1
    done = sum(counts[one] for one in names[: names.index(name)])

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


def _slices(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS):
            yield pa.table(batch.slice(start, _ROWS))


class _Lying:
    """How the graph lies in Neo4j: headers and rows of its files.

    numbers: of catalogs by slug. slots: where the vectors of a name lie. removed: titles that left the graph and are
    rated or offered still, with the catalogs that offer them.
    """

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        slugs = (slug for batch in store.scan_nodes("Catalog", []) for slug in batch.column("id").to_pylist())
        self._numbers = {slug: number for number, slug in enumerate(sorted(slugs), 1)}
        self._info = store.info()
        self._slots = {
            name: Slot(f"{name}_a", provenance, self._longest(name)) for name, provenance in self._info.embeddings.items()
        }
        self._removed: dict[str, set[str]] = {}

    def _longest(self, name: str) -> float:
        """What stands for the length of the longest vector of a name."""
        most = 0.0
        for batch in _slices(self._store.scan_nodes("Title", [])):
            _, vectors = self._store.get_embeddings(name, batch.column("id").to_pylist())
            most = max(most, longest_of(vectors))
        return with_room(most)

    def nodes(self, label: str) -> Rows:
        """Of a label."""
        node = NODES[label]
        header = [f"{node.id_name}:ID({label})", *map(head, node.properties)]
        slices = _slices(self._store.scan_nodes(label))
        if label == "Title":
            header += [f"{slot.property}:double[]" for slot in self._slots.values()]
            return [*header, ":LABEL"], map(self._titles, slices)
        if label == "Catalog":
            return [*header, "number:long", ":LABEL"], map(self._catalogs, slices)
        return [*header, ":LABEL"], (_labelled(batch, [[label]] * batch.num_rows) for batch in slices)

    def _titles(self, batch: pa.Table) -> pa.Table:
        """Titles with their vectors and what the catalogs that offer them add."""
        ids = batch.column("id").to_pylist()
        for name, slot in self._slots.items():
            found, vectors = self._store.get_embeddings(name, ids)
            rows = stored(vectors, slot.longest)
            place = {id_: row for row, id_ in enumerate(found)}
            flat = pa.FixedSizeListArray.from_arrays(rows.ravel(), rows.shape[1]).cast(pa.list_(pa.float64()))
            column = flat.take(pa.array([place.get(id_) for id_ in ids], pa.int64()))
            batch = batch.append_column(slot.property, column)
        offered = self._store.neighbours(ids, ["OFFERS"], "in")
        slugs: dict[int, set[str]] = {}
        for row, slug in zip(*(offered.column(name).to_pylist() for name in ("source", "neighbour")), strict=True):
            slugs.setdefault(row, set()).add(slug)
        return _labelled(batch, [["Title", *self._labels(slugs.get(row, ()))] for row in range(len(ids))])

    def _labels(self, slugs: Collection[str]) -> list[str]:
        """What a title is called besides, that these catalogs offer."""
        return ["Offered", *(f"Catalog_{self._numbers[slug]}" for slug in sorted(slugs))] if slugs else []

    def _catalogs(self, batch: pa.Table) -> pa.Table:
        numbers = [self._numbers[slug] for slug in batch.column("id").to_pylist()]
        return _labelled(batch.append_column("number", pa.array(numbers)), [["Catalog"]] * batch.num_rows)

    def relationships(self, type_: str) -> Rows:
        """Of a type. Where it has no keys, '' is none."""
        kind = RELATIONSHIPS[type_]
        header = [f":START_ID({kind.head})", f":END_ID({kind.tail})", "key", *map(head, kind.properties)]

        def rows() -> Iterator[pa.Table]:
            for batch in _slices(self._store.scan_relationships(type_)):
                if kind.live:
                    self._note_removed(batch)
                key = batch.column("key")
                yield batch if kind.key_from else batch.set_column(2, "key", pc.if_else(pc.equal(key, ""), None, key))

        return header, rows()

    def _note_removed(self, batch: pa.Table) -> None:
        """Remember the titles of live relationships that are not in the graph."""
        there = self._store.get_nodes("Title", pc.unique(batch.column("tail")).to_pylist(), []).column("id")
        gone = batch.filter(pc.invert(pc.is_in(batch.column("tail"), there)))
        for head_, tail in zip(*(gone.column(end).to_pylist() for end in ("head", "tail")), strict=True):
            self._removed.setdefault(tail, set()).update({head_} & self._numbers.keys())

    def of_its_own(self) -> Iterator[tuple[str, list[str], pa.Table]]:
        """What the store has beside the graph: titles that were removed, and the Release nodes."""
        if self._removed:
            ids = pa.table({"id": sorted(self._removed)})
            labels = [["Removed", *self._labels(self._removed[id_])] for id_ in ids.column("id").to_pylist()]
            yield "Removed", ["tconst:ID(Title)", ":LABEL"], _labelled(ids, labels)
        details = {"graph_hash": self._info.graph_hash, "made": self._info.made}
        release = Release("000001", 1, details, self._slots, imported=True)
        for rows in release.as_properties():
            pass


def _labelled(batch: pa.Table, labels: Sequence[Sequence[str]]) -> pa.Table:
    return batch.append_column(":LABEL", pa.array(labels, pa.list_(pa.string())))
