"""The Neo4j store: the property graph in a real one, that analysts look at in Neo4j Browser too.

Reads are pieces of Cypher, any number of them one exchange (`neo4j_reads`); writes are batches that may be repeated
(`neo4j_writing`); vectors and names are searched by Neo4j's own indexes (`neo4j_vectors`, `neo4j_text`). There is one
version of the graph: what a rollback brings back are vectors (`neo4j_releases`). docs/neo4j.md shows how it all lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph import reads
from graph.events import Event
from graph.reads import Read
from graph.schema import NODES, RELATIONSHIPS, arrow_schema
from graph.store import (
    InvalidRows,
    Progress,
    Provenance,
    QueryAnswer,
    Row,
    StoreError,
    StoreInfo,
    StoreNotFound,
    VectorsOf,
)
from graph.stores import neo4j_feedback, neo4j_reads, neo4j_vectors, neo4j_writing
from graph.stores.counts import Counts
from graph.stores.gathered import Gathered
from graph.stores.neo4j_connection import LOAD_SECONDS, Connection
from graph.stores.neo4j_exchange import Exchange
from graph.stores.neo4j_load import changing, finish_import, load
from graph.stores.neo4j_releases import Release
from graph.stores.neo4j_values import plain
from graph.stores.rows import (
    check_events,
    check_name,
    check_names,
    check_own,
    check_removable,
    check_rows,
    check_vectors,
    merged,
)
from graph.stores.statements import filled, text
from graph.tables import GraphTables

__all__ = ["Neo4jStore"]
_SCANNED = 10_000
_IDS = [(node.label, node.id_name) for node in NODES.values()]
_IDS += [("Removed", NODES["Title"].id_name), ("Release", "name")]


class Neo4jStore(Gathered):
    """A graph in a Neo4j database, found by a URL. Safe for threads and for several processes."""

    query_language: Literal["cypher"] = "cypher"

    def __init__(self, url: str, *, create: bool = False) -> None:
        self.url = url
        self._connection = Connection(url)
        try:
            release = Release.read(self._connection)
            if create or (release is not None and release.imported):
                self.apply_schema()
            elif release is None:
                raise StoreNotFound(f"there is no graph in {url}; load one with: reelgraph load --store {url} …")
        except BaseException:
            self.close()
            raise

    def apply_schema(self) -> None:
        run = self._connection.alone
        if Release.read(self._connection) is None:
            self._refuse_strangers()
        for label, id_ in _IDS:
            run(filled(text("schema/unique"), name=f"reelgraph_{label.lower()}", label=label, id=id_))
        run(text("schema/names"))
        run(text("schema/people"))
        run(text("schema/await"), {"seconds": int(LOAD_SECONDS)})
        self._connection.write(text("queries/first_release"))
        if (release := self._release()).imported:
            finish_import(self._connection, release)

    def _refuse_strangers(self) -> None:
        """Raise StoreError where a load would take somebody else's node for one of its own, and remove it."""
        for label, id_ in _IDS:
            if self._connection.read(filled(text("queries/strangers"), label=label, id=id_)):
                raise StoreError(
                    f"{self.url} has nodes of somebody else with the label {label} and a property {id_}, which is what "
                    "this graph knows its own by; nothing of theirs was changed: use another database"
                )

    def close(self) -> None:
        self._connection.close()

    def ping(self) -> None:
        self._connection.read("RETURN 1")

    def info(self) -> StoreInfo:
        release = self._release()
        counts = Counts(lambda name: {name: neo4j_writing.count(self._connection, name)})
        versions = [*(name for name, _ in release.history), *([release.version] if release.version else [])]
        embeddings = {name: slot.provenance for name, slot in release.vectors.items()}
        made = release.details.get("made")
        return StoreInfo(self.url, release.version, counts, made, None, versions, embeddings, release.details)

    # Writing

    def load_tables(
        self, tables: GraphTables, progress: Progress | None = None, vectors: VectorsOf | None = None
    ) -> str:
        self.apply_schema()
        with neo4j_writing.writing(self._connection) as beat:
            return load(self, self._connection, self._release(), tables, progress or (lambda *_: None), vectors, beat)

    def rollback(self, to: str | None = None) -> str:
        with neo4j_writing.writing(self._connection):
            back = self._release().back(to, self.url)
            back.write(self._connection)
            return back.version

    def upsert_nodes(self, label: str, rows: Sequence[Row]) -> int:
        _known(label, NODES)
        check_rows(label, rows)
        values = merged(rows, ("id",))
        with changing(self._connection, label):
            if label == "Title":
                self._connection.write(text("queries/return_titles"), {"ids": [row[0] for row in values]})
            for batch in _batches(values):
                neo4j_writing.write_nodes(self._connection, label, batch)
            if label == "Catalog":
                self._connection.write(text("queries/number_catalogs"))
        return len(rows)

    def upsert_relationships(self, type_: str, rows: Sequence[Row]) -> int:
        _known(type_, RELATIONSHIPS)
        check_rows(type_, rows)
        heads, tails = ([row[end] for row in rows] for end in ("head", "tail"))
        neo4j_writing.check_ends(self._connection, type_, heads, tails)
        values = merged(rows, ("head", "tail", "key"))
        with changing(self._connection, type_, sorted(set(heads)), sorted(set(tails))):
            for batch in _batches(values):
                neo4j_writing.write_relationships(self._connection, type_, batch)
        return len(rows)

    def add_titles(self, rows: Sequence[Row]) -> int:
        check_own(rows)
        there = set(self.get_nodes("Title", [row["id"] for row in rows], []).column("id").to_pylist())
        values = merged((row for row in rows if row["id"] not in there), ("id",))
        for batch in _batches(values):
            self._connection.write(text("queries/return_titles"), {"ids": [row[0] for row in batch]})
            neo4j_writing.write_nodes(self._connection, "Title", batch)
        return len(values)

    def merge_feedback(self, events: Sequence[Event]) -> int:
        check_events(events)
        return neo4j_feedback.merge_feedback(self._connection, events)

    def keep_communities(self, genre: str, communities: Mapping[str, str]) -> None:
        """Write each person's community of a genre, `GENRE:NUMBER`, for exploration: no part of the graph's schema."""
        rows = [list(row) for row in communities.items()]
        self._connection.write(text("queries/keep_communities"), {"prefix": f"{genre}:", "rows": rows}, LOAD_SECONDS)

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        check_removable(label, ids)
        if not ids:
            return 0
        offered = self._connection.read(text("queries/offered_by"), {"slugs": list(ids)}) if label == "Catalog" else []
        titles = sorted({row[1] for row in offered})
        statement = filled(text("queries/delete_nodes"), label=label, id=NODES[label].id_name)
        with changing(self._connection, label if label != "Title" else "OFFERS", [], titles):
            if label == "Catalog":
                self._connection.write(text("queries/unlabel_offered"), {"slugs": list(ids)})
            return int(self._connection.write(statement, {"ids": list(dict.fromkeys(ids))})[0][0])

    def delete_relationships(self, type_: str, rows: Sequence[Row]) -> int:
        check_removable(type_)
        check_rows(type_, rows)
        values = [[row["head"], row["tail"], row.get("key", "")] for row in rows]
        statement = neo4j_writing.of_relationship("queries/delete_relationships", type_)
        heads, tails = (sorted({row[end] for row in values}) for end in (0, 1))
        with changing(self._connection, type_, heads, tails):
            return int(self._connection.write(statement, {"rows": values})[0][0])

    def set_embeddings(
        self,
        name: str,
        ids: Sequence[str],
        vectors: npt.NDArray[np.float32],
        provenance: Provenance,
        *,
        amend: bool = False,
    ) -> str:
        check_vectors(ids, vectors, provenance)
        check_name(name)
        with neo4j_writing.writing(self._connection) as beat:
            release = self._release()
            if not release.version:
                raise StoreNotFound(f"nothing is loaded in {self.url}; load a graph, then publish vectors of it")
            missing = self._connection.read(
                filled(text("queries/missing"), label="Title", id=NODES["Title"].id_name), {"ids": list(ids)}
            )
            if missing:
                raise InvalidRows(
                    f"there is no title {missing[0][0]!r} in {self.url}; train on this graph, then publish"
                )
            slot = neo4j_vectors.write_slot(
                self._connection, release, name, ids, vectors, provenance, lambda _share: beat()
            )
            new = release.next(dict(release.vectors) | {name: slot}, amend=amend)
            new.write(self._connection)
            return new.version

    # Reading

    def _release(self) -> Release:
        return Release.read(self._connection) or Release()

    def gather(self, asked: Sequence[Read]) -> list[Any]:
        if not asked:
            return []
        exchange = Exchange.of(asked)
        (row,) = self._connection.read(exchange.statement, exchange.parameters)
        return [self._answered(read, value) for read, value in zip(asked, exchange.values(row), strict=True)]

    def _answered(self, read: Read, value: Any) -> Any:
        return self._nearest(read, value) if isinstance(read, reads.Nearest) else neo4j_reads.answer(read, value)

    def _nearest(self, read: reads.Nearest, value: Any) -> list[tuple[str, float]]:
        """The end of a search by vector: asked again, of more titles, while an index gave too few of the scope."""
        (there, dimension, indexed, fetched, held, _), rows = value
        if not there:
            raise self._release().missing(read.name, self.url)
        if isinstance(read.vector, str):
            if held is None:
                return []
            asked = np.array(held[:-1], np.float32)
        else:
            asked = read.vector
            if asked.shape != (dimension,):
                raise StoreError(f"{read.name!r} has {dimension} dimensions, the vector has {asked.shape}")
        if indexed and len(rows) < read.k and fetched:
            again = Exchange.of([read], [neo4j_reads.nearest_piece(read, exact=True)])
            (row,) = self._connection.read(again.statement, again.parameters)
            ((_, rows),) = again.values(row)
        return neo4j_vectors.ranked(rows, asked, read.k)

    def scan_nodes(self, label: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        _known(label, NODES, properties)
        statement = filled(text("queries/scan_nodes"), label=label, id=NODES[label].id_name)
        return self._scan(label, statement, ["id"], properties)

    def scan_relationships(self, type_: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        _known(type_, RELATIONSHIPS, properties)
        statement = neo4j_writing.of_relationship("queries/scan_relationships", type_)
        return self._scan(type_, statement, ["head", "tail", "key"], properties)

    def _scan(
        self, name: str, statement: str, keys: Sequence[str], properties: Sequence[str] | None
    ) -> Iterator[pa.RecordBatch]:
        schema = arrow_schema(name)
        names = [one for one in schema.names if one not in keys] if properties is None else list(properties)
        fields = [schema.field(one) for one in (*keys, *names)]
        for rows in self._connection.stream(statement, {"names": names}, _SCANNED):
            (batch,) = neo4j_reads.columns_table([row[0] for row in rows], fields).to_batches()
            yield batch

    def get_embeddings(self, name: str, ids: Sequence[str] | None = None) -> tuple[list[str], npt.NDArray[np.float32]]:
        if ids is not None:
            found: tuple[list[str], npt.NDArray[np.float32]] = self.gather([reads.Embeddings(name, list(ids))])[0]
            return found
        slot = self._release().vectors.get(name)
        if slot is None:
            return [], np.empty((0, 0), np.float32)
        held, parts = list[str](), [np.empty((0, slot.provenance.dimension), np.float32)]
        for rows in self._connection.stream(text("queries/scan_vectors"), {"name": name}, 2_000):
            held += [row[0][0] for row in rows]
            parts.append(np.array([row[0][1][:-1] for row in rows], np.float32))
        return held, np.concatenate(parts)

    def query(self, statement: str, parameters: Mapping[str, Any], *, limit: int, seconds: float) -> QueryAnswer:
        """Run Cypher that reads; see `graph.store.QueryableStore`."""
        columns, rows = self._connection.query(statement, parameters, limit, seconds)
        return QueryAnswer(tuple(columns), [[plain(value) for value in row] for row in rows])


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (rows[start : start + neo4j_writing.BATCH] for start in range(0, len(rows), neo4j_writing.BATCH))


def _known(name: str, names: Any, properties: Sequence[str] | None = None) -> None:
    if name not in names:
        raise InvalidRows(f"the graph has no {name!r}; it has {', '.join(names)}")
    check_names(name, [p.name for p in names[name].properties], properties or ())
