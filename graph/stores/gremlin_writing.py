"""Writing to a Gremlin graph: rows as chains of merges, as many in a request as AWS recommends, several at a time.

Every batch is one transaction and may be repeated, so a load that was cut off is simply repeated.
"""

from __future__ import annotations

import contextlib
import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from graph.schema import NODES, RELATIONSHIPS
from graph.store import InvalidRows, StoreBusy, StoreError
from graph.stores import gremlin_traversals as traversals
from graph.stores.gremlin_connection import LOAD_SECONDS, Connection
from graph.stores.gremlin_values import REMOVED, edge_id, is_text, to_property, vertex_id, whole
from graph.tables import GraphTables

T = TypeVar("T")
Beat = Callable[[], None]

RECORDS = 200
"""Labels and properties of one request: AWS's rule of thumb, near the best measured (docs/benchmarks.md)."""
IDS = 1_000
"""Ids of one request."""
_WRITERS = 2
_ROWS, _BYTES = 100, 1 << 20  # of one request, whose steps Neptune limits (1,500), as the server does its size
_LEASE_MILLISECONDS = 120_000


@contextlib.contextmanager
def writing(connection: Connection) -> Iterator[Beat]:
    """The right to load or publish, which one process has at a time; the block calls `beat` now and then to keep it.

    Raises StoreBusy where another one has it. It ends two minutes after a process that was killed. By the clocks of
    those who write: they may differ by less than that.
    """
    holder = uuid.uuid4().hex

    def beat() -> None:
        now = int(1000 * time.time())
        if connection.write(traversals.take_lease(holder, whole(now), whole(now + _LEASE_MILLISECONDS))) != [1]:
            raise StoreBusy(
                f"another process is loading into or publishing to {connection.url}; wait until it is done. One that "
                "was killed holds it for two minutes"
            )

    beat()
    try:
        yield beat
    finally:
        with contextlib.suppress(StoreError):
            connection.write(traversals.leave_lease(holder))


def vertex(label: str, id_: str, told: Mapping[str, Any]) -> traversals.Vertex:
    """A node as it is written: what is null is cleared, what is not named stays."""
    node = NODES[label]
    kinds = {one.name: one for one in node.properties}
    values = {name: to_property(value, kinds[name]) for name, value in told.items() if value is not None}
    cleared = [name for name, value in told.items() if value is None]
    if label == "Title":
        cleared.append(REMOVED)
    return vertex_id(label, id_), label, {node.id_name: id_, **values}, cleared


def edge(type_: str, ends: tuple[str, str, str], told: Mapping[str, Any]) -> traversals.Edge:
    """A relationship as it is written, by head, tail and key."""
    kind = RELATIONSHIPS[type_]
    kinds = {one.name: one for one in kind.properties}
    values = {name: to_property(value, kinds[name]) for name, value in told.items() if value is not None}
    if kind.key_from or ends[2]:
        values["key"] = ends[2]
    cleared = [name for name, value in told.items() if value is None]
    out, in_ = vertex_id(kind.head, ends[0]), vertex_id(kind.tail, ends[1])
    return edge_id(type_, *ends), type_, out, in_, values, cleared


def rows_of(tables: GraphTables, name: str) -> Iterator[Any]:
    """The rows of a table as they are written."""
    keys = ("id",) if name in NODES else ("head", "tail", "key")
    for batch in tables.batches(name):
        for row in batch.to_pylist():
            ends = tuple(row.pop(key) for key in keys)
            yield vertex(name, ends[0], row) if name in NODES else edge(name, ends, row)


def batches(rows: Iterable[Any], records: int = RECORDS) -> Iterator[list[Any]]:
    """As many rows as go into one request."""
    batch: list[Any] = []
    held = size = 0
    for row in rows:
        values = row[-2]
        more = 1 + len(values)
        length = sum(len(one) for one in values.values() if isinstance(one, str))
        if batch and (held + more > records or len(batch) >= _ROWS or size + length > _BYTES):
            yield batch
            batch, held, size = [], 0, 0
        batch.append(row)
        held, size = held + more, size + length
    if batch:
        yield batch


def write(
    connection: Connection, name: str, rows: Iterable[Any], done: Callable[[int], None], records: int = RECORDS
) -> None:
    """Write rows of one label or type, several batches at a time. done: is told how many are written, now and then."""
    merge = traversals.merge_vertices if name in NODES else traversals.merge_edges

    def one(batch: list[Any]) -> int:
        connection.write(merge(batch), LOAD_SECONDS)
        return len(batch)

    for count in side_by_side(one, batches(rows, records)):
        done(count)


def side_by_side(work: Callable[[Any], T], given: Iterable[Any]) -> Iterator[T]:
    """What `work` makes of each thing, several at a time, in any order; the first error ends it."""
    left = iter(given)
    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="gremlin-write") as pool:
        running: set[Future[T]] = {pool.submit(work, one) for one in itertools.islice(left, 2 * _WRITERS)}
        while running:
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ready:
                yield future.result()
                running |= {pool.submit(work, one) for one in itertools.islice(left, 1)}


def parts(ids: Sequence[T], size: int = IDS) -> Iterator[Sequence[T]]:
    """Ids, as many at a time as go into one request."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def existing(connection: Connection, label: str, ids: Iterable[str]) -> set[str]:
    """Which nodes of a label are there, as the writer has it."""
    found: set[str] = set()
    wanted = {vertex_id(label, id_): id_ for id_ in ids if is_text(id_)}
    for part in parts(list(wanted)):
        found |= {wanted[one] for one in connection.read(traversals.existing(part), written=True)}
    return found


def check_ends(connection: Connection, type_: str, heads: Iterable[str], tails: Iterable[str]) -> None:
    """Raise InvalidRows where a relationship would lead from or to a node that is not there."""
    kind = RELATIONSHIPS[type_]
    for label, ends in ((kind.head, heads), (kind.tail, tails)):
        ids = set(ends)
        if missing := ids - existing(connection, label, ids):
            raise InvalidRows(f"a {type_} row names the {label} {min(missing)!r}, which is not in {connection.url}")


def drop(connection: Connection, traversal: Callable[[Sequence[str]], Any], ids: Sequence[str]) -> None:
    """Remove what has these ids, some at a time."""
    for part in parts(ids):
        connection.write(traversal(part), LOAD_SECONDS)
