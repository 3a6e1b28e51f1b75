"""A load through Neptune's bulk loader: the tables as files in S3, a job that reads them, and what a job cannot do.

A job sets what its files say. It takes nothing away: rows that are gone, properties that have become null and old
vectors are removed by requests. The Release moves last, as after any load (`graph.stores.gremlin_load`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.exports.rows import slices
from graph.neptune.bucket import Bucket
from graph.neptune.files import DIALECTS, SPLIT, Files
from graph.neptune.jobs import PARALLELISM, Jobs, Seen
from graph.neptune.rows import Found, edge_ids, edges, vertex_ids, vertices
from graph.schema import NODES, RELATIONSHIPS, is_live
from graph.store import Progress, StoreError, Vectors
from graph.stores import gremlin_traversals as traversals
from graph.stores import gremlin_writing as writing
from graph.stores.gremlin_connection import LOAD_SECONDS, Connection
from graph.stores.gremlin_load import Slots, clear_slot, part_of
from graph.stores.gremlin_values import REMOVED, vertex_id
from graph.tables import GraphTables


@dataclass(frozen=True)
class BulkLoad:
    """What a loader job did. records: labels and properties, as Neptune counts; seconds: by its clock."""

    job: str
    files: int
    bytes: int
    records: int
    seconds: int

    def __str__(self) -> str:
        size = f"{self.bytes / 2**20:,.1f} MB in {self.files} files"
        return f"Neptune's loader job {self.job}: {self.records:,} records, {size}, {self.seconds:,} s"


class Bulk:
    """How rows get into Neptune by its loader (`graph.stores.gremlin_load.Put`). done: what the last job did.

    url: the store's. bucket: `s3://BUCKET/PREFIX` in its region. role: the ARN by which the cluster reads from there.
    Raises StoreError for what cannot work, before anything is done.
    """

    def __init__(self, url: str, bucket: str, role: str, parallelism: str = "HIGH", most: int = SPLIT) -> None:
        if not role.startswith("arn:"):
            raise StoreError(f"{role!r} is no role; --iam-role takes an ARN, such as arn:aws:iam::ACCOUNT:role/NAME")
        if parallelism not in PARALLELISM:
            raise StoreError(f"{parallelism!r} is no parallelism of the loader; it has {', '.join(PARALLELISM)}")
        self._jobs = Jobs(url)
        self._bucket = Bucket(bucket, self._jobs.session, self._jobs.region)
        self._role, self._parallelism, self._most = role, parallelism, most
        self._new: set[str] = set()
        self.done: BulkLoad | None = None

    def write(
        self, connection: Connection, tables: GraphTables, slots: Slots, report: Progress, beat: writing.Beat
    ) -> None:
        """As `Put` has it."""
        self._new = {name for name in tables.names if not connection.read(_any(name), written=True)}
        with tempfile.TemporaryDirectory(prefix="reelgraph-bulk-") as aside:
            files = self._files(Path(aside), tables, slots, part_of(report, 0.0, 0.25), beat)
            self.done = self._job(files, part_of(report, 0.25, 0.7), beat) if files.names else None
        for slot, one in slots:
            beat()
            clear_slot(connection, slot, one.ids)
        ids = {vertex_id("Title", id_) for id_ in tables.read("Title").column("id").to_pylist()}
        back = ids.intersection(connection.read(traversals.having("Title", REMOVED), LOAD_SECONDS, written=True))
        writing.drop(connection, partial(traversals.clear_vertices, name=REMOVED), sorted(back))

    def _files(self, folder: Path, tables: GraphTables, slots: Slots, report: Progress, beat: writing.Beat) -> Files:
        files, whole, done = Files(folder, DIALECTS["gremlin"], self._most), sum(tables.manifest.counts.values()), 0

        def teller(name: str) -> Callable[[int], None]:
            def tell(rows: int) -> None:
                nonlocal done
                done += rows
                beat()
                report(f"files of {name}", done / max(whole, 1))

            return tell

        held = {slot.property: _found(one) for slot, one in slots}
        for name in tables.names:
            batches = slices(tables.batches(name))
            part = vertices(name, batches, held if name == "Title" else None) if name in NODES else edges(name, batches)
            files.write(part, teller(name))
        return files

    def _job(self, files: Files, report: Progress, beat: writing.Beat) -> BulkLoad:
        """Upload the files, and follow the job that loads them."""
        size = sum((files.folder / name).stat().st_size for name in files.names)

        def sent(arrived: int) -> None:
            beat()
            report(f"uploading, {arrived / 2**20:,.0f} MB", 0.2 * arrived / max(size, 1))

        def told(seen: Seen) -> None:
            beat()
            ready = seen.files.get("LOAD_COMPLETED", 0)
            what = f"Neptune loads: {seen.status}, {ready} of {len(files.names)} files, {seen.records:,} records"
            report(what, 0.2 + 0.8 * min(seen.records / max(files.records, 1), 1.0))

        beat()
        with self._bucket.holding(files.folder, files.names, sent) as source:
            seen = self._jobs.run(source, self._role, self._parallelism, told)
        return BulkLoad(seen.job, len(files.names), size, seen.records, seen.seconds)

    def clear(self, connection: Connection, tables: GraphTables, report: Progress, beat: writing.Beat) -> None:
        """As `Put` has it."""
        old = [name for name in tables.names if name not in self._new]
        nulls = [(name, one, count) for name in old for one, count in _nulls(tables, name)]
        for place, (name, property_, count) in enumerate(nulls):
            beat()
            report("clearing what is null", place / len(nulls))
            rows = tables.manifest.counts[name]
            ids = _having(connection, name, property_, _ids_without(tables, name, property_), rows - count)
            take = traversals.clear_vertices if name in NODES else traversals.clear_edges
            writing.drop(connection, partial(take, name=property_), sorted(ids))


def _any(name: str) -> Any:
    return traversals.any_of([name]) if name in NODES else traversals.any_edge_of(name)


def _found(vectors: Vectors) -> Found:
    places = {id_: place for place, id_ in enumerate(vectors.ids)}

    def find(ids: Sequence[str]) -> tuple[list[str], npt.NDArray[np.float32]]:
        there = [id_ for id_ in ids if id_ in places]
        return there, vectors.rows[[places[id_] for id_ in there]]

    return find


def _nulls(tables: GraphTables, name: str) -> Iterator[tuple[str, int]]:
    """The properties that some rows of a table do not have, and how many rows."""
    kind = NODES[name] if name in NODES else RELATIONSHIPS[name]
    counts = dict.fromkeys((one.name for one in kind.properties), 0)
    for batch in tables.batches(name):
        for property_ in counts:
            counts[property_] += batch.column(property_).null_count
    return ((property_, count) for property_, count in counts.items() if count)


def _ids_without(tables: GraphTables, name: str, property_: str) -> Iterator[str]:
    """The ids of the vertices or edges of those rows."""
    for batch in tables.batches(name):
        rows: Any = pa.table(batch).filter(pc.is_null(batch.column(property_)))
        columns = [rows.column(one).combine_chunks() for one in rows.column_names]
        if name in NODES:
            yield from vertex_ids(name, columns[0]).to_pylist()
        else:
            kind = RELATIONSHIPS[name]
            out, in_ = vertex_ids(kind.head, columns[0]), vertex_ids(kind.tail, columns[1])
            yield from edge_ids(name, out, in_, columns[2]).to_pylist()


def _having(connection: Connection, name: str, property_: str, ids: Iterable[str], others: int) -> set[str]:
    """Which of these vertices or edges have a property all the same. others: how many rows of the table have it."""

    def every() -> Any:
        return (traversals.having if name in NODES else traversals.edges_having)(name, property_)

    if connection.read(traversals.how_many(every()), LOAD_SECONDS, written=True) == [others]:
        return set()
    if not is_live(name):
        return set(ids).intersection(connection.read(every(), LOAD_SECONDS, written=True))
    # There may be far more of them than in the table.
    ask = traversals.some_having if name in NODES else traversals.some_edges_having
    found: set[str] = set()
    for part in writing.parts(list(ids)):
        found |= set(connection.read(ask(part, property_), LOAD_SECONDS, written=True))
    return found
