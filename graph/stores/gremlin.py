"""The Gremlin store: the property graph in Amazon Neptune, or in any server of TinkerPop 3.7.

Nodes and relationships are read from the server, any number of reads in one exchange (`gremlin_reads`); names, vectors
and scopes are answered from an index on this machine that follows the graph (`gremlin_index`). There is one version of
the graph: what a rollback brings back are vectors. docs/neptune.md shows how it all lies.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph import reads
from graph.events import Event
from graph.reads import Read
from graph.schema import NODES, RELATIONSHIPS, arrow_schema, is_live
from graph.settings import GraphSettings
from graph.store import (
    InvalidRows,
    Progress,
    Provenance,
    Row,
    StoreBusy,
    StoreError,
    StoreInfo,
    StoreNotFound,
    Vectors,
    VectorsOf,
)
from graph.stores import gremlin_feedback, gremlin_reads, gremlin_writing
from graph.stores import gremlin_traversals as traversals
from graph.stores.counts import Counts
from graph.stores.encoded import decoded
from graph.stores.gathered import Gathered
from graph.stores.gremlin_connection import LOAD_SECONDS, Chunks, Connection
from graph.stores.gremlin_index import Index, Local
from graph.stores.gremlin_load import Put, Requests, load, slot_for, write_vectors
from graph.stores.gremlin_offers import Offered
from graph.stores.gremlin_releases import Release, first_release
from graph.stores.gremlin_values import edge_id, node_id, relationship, vertex_id
from graph.stores.rows import check_events, check_name, check_own, check_removable, check_rows, check_vectors, merged
from graph.tables import GraphTables

__all__ = ["GremlinStore"]
_SCANNED, _ATTEMPTS = 10_000, 5


class GremlinStore(Gathered):
    """A graph on a Gremlin server, found by a URL. Safe for threads and for several processes."""

    def __init__(self, url: str, *, create: bool = False) -> None:
        self.url = url
        self.index = Index(url, GraphSettings().cache)
        self._connection = Connection(url)
        self._held: Local | None = None
        self._seen = ("", "", "")
        self._merging = threading.Lock()
        try:
            if create:
                self.apply_schema()
            elif Release.read(self._connection) is None:
                raise StoreNotFound(f"there is no graph in {url}; load one with: reelgraph load --store {url} …")
        except BaseException:
            self.close()
            raise

    def apply_schema(self) -> None:
        first_release(self._connection)

    def close(self) -> None:
        self._connection.close()
        self.index.close()
        self._held = None

    def ping(self) -> None:
        self._connection.read(traversals.releases())

    def info(self) -> StoreInfo:
        release = Release.read(self._connection, written=False) or Release()
        versions = [*(name for name, _ in release.history), *([release.version] if release.version else [])]
        embeddings = {name: slot.provenance for name, slot in release.vectors.items()}
        made = release.details.get("made")
        counts = Counts(lambda _name: _counts(self._connection))
        return StoreInfo(self.url, release.version, counts, made, None, versions, embeddings, release.details)

    # Writing

    def load_tables(
        self, tables: GraphTables, progress: Progress | None = None, vectors: VectorsOf | None = None,
        put: Put | None = None,
    ) -> str:  # fmt: skip
        self.apply_schema()
        report, put = progress or (lambda *_: None), put or Requests()
        with gremlin_writing.writing(self._connection) as beat:
            return load(self, self._connection, self._current(), tables, report, vectors, beat, put)

    def rollback(self, to: str | None = None) -> str:
        with gremlin_writing.writing(self._connection):
            release = self._current()
            back = release.back(to, self.url)
            back.write(self._connection, release.vectors)
            return back.version

    def upsert_nodes(self, label: str, rows: Sequence[Row]) -> int:
        gremlin_reads.known(label, NODES)
        check_rows(label, rows)
        values = [gremlin_writing.vertex(label, id_, told) for id_, told in merged(rows, ("id",))]
        self._upsert(label, values)
        return len(rows)

    def upsert_relationships(self, type_: str, rows: Sequence[Row]) -> int:
        gremlin_reads.known(type_, RELATIONSHIPS)
        check_rows(type_, rows)
        gremlin_writing.check_ends(self._connection, type_, *([row[end] for row in rows] for end in ("head", "tail")))
        values = [
            gremlin_writing.edge(type_, (head, tail, key), told)
            for head, tail, key, told in merged(rows, ("head", "tail", "key"))
        ]
        self._upsert(type_, values)
        return len(rows)

    def _upsert(self, name: str, values: Sequence[Any]) -> None:
        """Write rows, and say in the Release what has changed; of what is bulk by one process at a time."""
        if is_live(name):
            gremlin_writing.write(self._connection, name, values, lambda _count: None)
            self._changed(name)
            return
        with gremlin_writing.writing(self._connection) as beat:
            gremlin_writing.write(self._connection, name, values, lambda _count: beat())
            release = self._current()
            release.changed().write(self._connection, release.vectors)

    def _changed(self, name: str) -> None:
        if name in ("OFFERS", "Catalog"):
            self._connection.write(traversals.touch_offers(uuid.uuid4().hex))

    def add_titles(self, rows: Sequence[Row]) -> int:
        check_own(rows)
        there = gremlin_writing.existing(self._connection, "Title", [row["id"] for row in rows])
        told = merged((row for row in rows if row["id"] not in there), ("id",))
        values = [gremlin_writing.vertex("Title", id_, one) for id_, one in told]
        gremlin_writing.write(self._connection, "Title", values, lambda _count: None)
        return len(values)

    def merge_feedback(self, events: Sequence[Event]) -> int:
        check_events(events)
        with self._merging:
            return gremlin_feedback.merge_feedback(self._connection, events) if events else 0

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        check_removable(label, ids)
        there = sorted(gremlin_writing.existing(self._connection, label, ids))
        vertices = [vertex_id(label, id_) for id_ in there]
        gremlin_writing.drop(self._connection, traversals.drop_vertices, vertices)
        self._changed(label)
        return len(there)

    def delete_relationships(self, type_: str, rows: Sequence[Row]) -> int:
        check_removable(type_)
        check_rows(type_, rows)
        edges = list(dict.fromkeys(edge_id(type_, row["head"], row["tail"], row.get("key", "")) for row in rows))
        there: list[str] = []
        for part in gremlin_writing.parts(edges):
            there += self._connection.read(traversals.existing_edges(part), written=True)
        gremlin_writing.drop(self._connection, traversals.drop_edges, there)
        self._changed(type_)
        return len(there)

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
        with gremlin_writing.writing(self._connection) as beat:
            release = self._current()
            if not release.version:
                raise StoreNotFound(f"nothing is loaded in {self.url}; load a graph, then publish vectors of it")
            if missing := set(ids) - gremlin_writing.existing(self._connection, "Title", ids):
                raise InvalidRows(
                    f"there is no title {min(missing)!r} in {self.url}; train on this graph, then publish"
                )
            given = Vectors(name, ids, vectors, provenance)
            slot = slot_for(release, given)
            write_vectors(self._connection, slot, given, lambda _share: beat())
            new = release.next(dict(release.vectors) | {name: slot}, amend=amend)
            new.write(self._connection, release.vectors)
            self.index.open(new, self, {name: (ids, vectors)})
            return new.version

    # Reading

    def _current(self) -> Release:
        return Release.read(self._connection) or Release()

    def gather(self, asked: Sequence[Read]) -> list[Any]:
        for read in asked:
            gremlin_reads.check(read)
        for _ in range(_ATTEMPTS):
            answers = self._gathered(asked)
            if answers is not None:
                return answers
        raise StoreBusy(f"the graph in {self.url} changed {_ATTEMPTS} times while it was read; try again")

    def _gathered(self, asked: Sequence[Read]) -> list[Any] | None:
        """The answers; None where the graph has changed since names, vectors and scopes were looked up."""
        every = list(dict.fromkeys([*asked, *(read for read in map(_source, asked) if read is not None)]))
        local, known = self._held, dict[Read, Any]()
        for read in every:
            # What this machine finds others may take their ids from, in the same exchange.
            if local is not None and isinstance(read, reads.Text | reads.Nearest):
                with contextlib.suppress(StoreError):  # an error counts when it is known to be of this state
                    known[read] = read.of(local, ())
        sent = False
        while waiting := [read for read in every if read not in known]:
            ready = [read for read in waiting if _source(read) is None or _source(read) in known]
            joined = [read for read in waiting if read not in ready and gremlin_reads.joins(read)]
            parts = {
                str(place): gremlin_reads.part(read, _ids(read, known) if place < len(ready) else None)
                for place, read in enumerate([*ready, *joined])
            }
            found = self._exchange({name: one for name, one in parts.items() if one is not None})
            if local is not None and found["local"] is not local:
                return None
            local, sent = found["local"], True
            for place, read in enumerate([*ready, *joined]):
                known[read] = (
                    found["state"] if isinstance(read, reads.State)
                    else gremlin_reads.answer(read, _ids(read, known), found.get(str(place), ()), local)
                )  # fmt: skip
        if not sent and self._exchange({})["local"] is not local:
            return None
        return [known[read] for read in asked]

    def _exchange(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """What each part has found, the state that the graph has now, and this machine's view of that state."""
        found = self._connection.read(traversals.together(parts))
        answer: dict[str, Any] = found[0] if found else {"state": {"version": "", "offers": "", "content": ""}}
        told, held = answer["state"], self._held
        if held is None or (told["version"], told["content"], told["offers"]) != self._seen:
            release = Release.read(self._connection, written=False) or Release()
            snapshot = self.index.open(release, self)
            held = self._held = Local(self.url, snapshot, Offered(self._connection, told["offers"]))
            self._seen = (release.version, release.content, told["offers"])
        return answer | {"state": f"{told['version'] or 'empty'}+{told['offers']}", "local": held}

    def scan_nodes(self, label: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        gremlin_reads.known(label, NODES)
        names = gremlin_reads.properties_of(label, properties)
        return self._scan(label, traversals.scan_vertices(label, names), ["id"], names)

    def scan_relationships(self, type_: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        gremlin_reads.known(type_, RELATIONSHIPS)
        names = gremlin_reads.properties_of(type_, properties)
        return self._scan(type_, traversals.scan_edges(type_, names), ["head", "tail", "key"], names)

    def _scan(self, name: str, traversal: Any, keys: Sequence[str], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All of a label or type, ordered; held as Arrow until all of it is there, for a connection may break."""
        schema = arrow_schema(name)
        wanted = pa.schema([schema.field(one) for one in (*keys, *names)])

        def tables(chunks: Chunks) -> pa.Table:
            held = [wanted.empty_table()]
            for chunk in chunks:
                ids = [one["id"] for one in chunk] if names else chunk
                ends = [[node_id(name, one) for one in ids]] if name in NODES else [*zip(*map(_ends, ids), strict=True)]
                columns = [pa.array(one, pa.string()) for one in ends or [[]] * len(keys)]
                columns += [gremlin_reads.column(name, p, [one["p"].get(p) for one in chunk]) for p in names]
                held.append(pa.table(columns, schema=wanted))
            return pa.concat_tables(held)

        table = self._connection.folded(traversal, tables)
        if name in NODES:
            table = table.sort_by("id")
        yield from table.combine_chunks().to_batches(max_chunksize=_SCANNED)

    def slot_vectors(self, slot: str) -> tuple[list[str], npt.NDArray[np.float32]]:
        """The ids of all titles with a vector in a slot, and the vectors."""

        def read(chunks: Chunks) -> tuple[list[str], list[npt.NDArray[np.float32]]]:
            found = [one for chunk in chunks for one in chunk]
            return [node_id("Title", one["id"]) for one in found], [decoded(one["p"]) for one in found]

        ids, rows = self._connection.folded(traversals.scan_slot(slot), read)
        return ids, np.array(rows, np.float32)

    def get_embeddings(self, name: str, ids: Sequence[str] | None = None) -> tuple[list[str], npt.NDArray[np.float32]]:
        if ids is None:
            local: Local = self._exchange({})["local"]
            return local.get_embeddings(name)
        found: tuple[list[str], npt.NDArray[np.float32]] = self.gather([reads.Embeddings(name, list(ids))])[0]
        return found


def _counts(connection: Connection) -> dict[str, int]:
    """How many there are of each label and type: that reads all of the graph."""
    found: dict[str, int] = {}
    for asked in (traversals.count_vertices(), traversals.count_edges()):
        found |= connection.read(asked, LOAD_SECONDS)[0]
    return {name: int(found.get(name, 0)) for name in (*NODES, *RELATIONSHIPS)}


def _ends(edge: str) -> tuple[str, str, str]:
    return relationship(edge)[1:]


def _source(read: Read) -> reads.Finding | None:
    ids = getattr(read, "ids", None)
    return ids if isinstance(ids, reads.Text | reads.Nearest | reads.Neighbours) else None


def _ids(read: Read, known: Mapping[Read, Any]) -> Sequence[str]:
    source = _source(read)
    return getattr(read, "ids", None) or () if source is None else reads.found(source, known[source])
