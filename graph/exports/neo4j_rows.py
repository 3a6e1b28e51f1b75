"""How a graph lies in Neo4j: the rows of its nodes and relationships, from any store.

To the schema's properties come labels that say which catalogs offer a title, the numbers of catalogs, vectors in their
slots, titles that left the graph and are rated or offered still, and the Release nodes. All of it is as the Neo4j store
would have written it (`graph/stores/neo4j.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from graph.exports.neo4j_csv import head
from graph.exports.rows import Removed, slices
from graph.schema import NODES, RELATIONSHIPS, SCHEMA_VERSION
from graph.store import GraphStore
from graph.stores.neo4j_releases import Release
from graph.stores.neo4j_slots import Slot, longest_of, stored, with_room
from graph.stores.neo4j_text import NAMES, words_of

_RELEASE = pa.schema(
    {name: pa.string() for name in ("name", "version", "graph_hash", "made", "details", "history")}
    | {"number": pa.int64(), "offers": pa.int64(), "imported": pa.bool_()}
    | {name: pa.string() for name in ("run", "model", "facts", "property")}
    | {"dimension": pa.int64(), "longest": pa.float64()}
)
Rows = tuple[list[str], Iterator[pa.Table]]
"""Header and rows of a file."""


def _worded(label: str, batch: pa.Table) -> pa.Table:
    """Nodes with the words that their names are found by."""
    for name in NAMES.get(label, ()):
        words = pa.array([words_of(one) for one in batch.column(name).to_pylist()], pa.string())
        batch = batch.append_column(f"{name}_words", words)
    return batch


class Neo4jRows:
    """How the graph lies in Neo4j: headers and rows of its files.

    numbers: of catalogs by slug. slots: where the vectors of a name lie.
    """

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        slugs = (slug for batch in store.scan_nodes("Catalog", []) for slug in batch.column("id").to_pylist())
        self._numbers = {slug: number for number, slug in enumerate(sorted(slugs), 1)}
        self._info = store.info()
        self._slots = {
            name: Slot(f"{name}_a", provenance, self._longest(name))
            for name, provenance in self._info.embeddings.items()
        }
        self._removed = Removed(store)

    def _longest(self, name: str) -> float:
        """What stands for the length of a name's longest vector."""
        most = 0.0
        for batch in slices(self._store.scan_nodes("Title", [])):
            _, vectors = self._store.get_embeddings(name, batch.column("id").to_pylist())
            most = max(most, longest_of(vectors))
        return with_room(most)

    def nodes(self, label: str) -> Rows:
        """Of a label."""
        node = NODES[label]
        header = [f"{node.id_name}:ID({label})", *map(head, node.properties)]
        header += [f"{name}_words" for name in NAMES.get(label, ())]
        batches = (_worded(label, batch) for batch in slices(self._store.scan_nodes(label)))
        if label == "Title":
            header += [f"{slot.property}:double[]" for slot in self._slots.values()]
            return [*header, ":LABEL"], map(self._titles, batches)
        if label == "Catalog":
            return [*header, "number:long", ":LABEL"], map(self._catalogs, batches)
        return [*header, ":LABEL"], (_labelled(batch, [[label]] * batch.num_rows) for batch in batches)

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
            for batch in slices(self._store.scan_relationships(type_)):
                self._removed.note(type_, batch)
                key = batch.column("key")
                yield batch if kind.key_from else batch.set_column(2, "key", pc.if_else(pc.equal(key, ""), None, key))

        return header, rows()

    def of_its_own(self) -> Iterator[tuple[str, list[str], pa.Table]]:
        """What the store has beside the graph: titles that were removed, and the Release nodes."""
        if removed := self._removed.catalogs:
            ids = pa.table({"id": sorted(removed)})
            labels = [["Removed", *self._labels(removed[id_])] for id_ in ids.column("id").to_pylist()]
            yield "Removed", ["tconst:ID(Title)", ":LABEL"], _labelled(ids, labels)
        details = {"made": self._info.made, "graph_hash": self._info.graph_hash, "schema_version": SCHEMA_VERSION}
        graph, vectors = Release("000001", 1, details, self._slots, imported=True).as_properties()
        rows = pa.Table.from_pylist([{"name": "graph", "offers": 0, **graph}, *vectors], _RELEASE)
        heads = {pa.int64(): ":long", pa.float64(): ":double", pa.bool_(): ":boolean"}
        header = ["name:ID(Release)", *(field.name + heads.get(field.type, "") for field in list(_RELEASE)[1:])]
        yield "Release", [*header, ":LABEL"], _labelled(rows, [["Release"]] * rows.num_rows)


def _labelled(batch: pa.Table, labels: Sequence[Sequence[str]]) -> pa.Table:
    return batch.append_column(":LABEL", pa.array(labels, pa.list_(pa.string())))
