"""Writing to Neo4j: batches of rows as one statement each, and a load as a set of them.

Every batch is idempotent, so a load that was cut off is simply repeated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from graph.schema import NODES, RELATIONSHIPS
from graph.store import InvalidRows, StoreBusy, StoreError
from graph.stores.neo4j_connection import LOAD_SECONDS, Connection
from graph.stores.neo4j_text import NAMES, with_words
from graph.stores.statements import filled, text
from graph.tables import GraphTables

BATCH = 10_000
"""Rows of one statement: measured, see docs/benchmarks.md."""
_LEASE_MILLISECONDS = 120_000
Beat = Callable[[], None]


@contextlib.contextmanager
def writing(connection: Connection) -> Iterator[Beat]:
    """The right to load or publish, which one process has at a time; the block calls `beat` now and then to keep it.

    Raises StoreBusy where another one has it. It ends two minutes after a process that was killed; one that lost the
    connection may begin again at once.
    """
    parameters = {"writer": connection.writer, "milliseconds": _LEASE_MILLISECONDS}
    busy = StoreBusy(
        f"another process is loading into or publishing to {connection.url}; wait until it is done. One that was "
        "killed holds it for two minutes"
    )

    def beat() -> None:
        if not connection.write(text("queries/begin_writing"), parameters):
            raise busy

    if not connection.writes.acquire(blocking=False):
        raise busy
    try:
        beat()
        try:
            yield beat
        finally:
            with contextlib.suppress(StoreError):  # tried once: it may be cut off
                connection.alone(text("queries/end_writing"), {"writer": connection.writer})
    finally:
        connection.writes.release()


def write_nodes(connection: Connection, label: str, rows: Sequence[Any]) -> None:
    """Insert or update nodes: rows of [id, properties]."""
    if label in NAMES:
        rows = [[id_, with_words(label, properties)] for id_, properties in rows]
    connection.write(_of_node("queries/write_nodes", label), {"rows": rows}, LOAD_SECONDS)


def write_relationships(connection: Connection, type_: str, rows: Sequence[Any]) -> None:
    """Insert or update relationships: rows of [head, tail, key, properties]."""
    name = "queries/write_keyed" if RELATIONSHIPS[type_].key_from else "queries/write_relationships"
    connection.write(of_relationship(name, type_, removed=False), {"rows": rows}, LOAD_SECONDS)


def batches(tables: GraphTables, name: str) -> Iterator[list[list[Any]]]:
    """The rows of a table as statements take them; what is null is told only where it may be there already."""
    keys = ("id",) if name in NODES else ("head", "tail", "key")
    for whole in tables.batches(name):
        for start in range(0, whole.num_rows, BATCH):
            batch = whole.slice(start, BATCH)
            ends = [batch.column(key).to_pylist() for key in keys]
            names = [column for column in batch.schema.names if column not in keys]
            values = zip(*(batch.column(one).to_pylist() for one in names), strict=True)
            properties: Iterable[dict[str, Any]] = (
                (dict(zip(names, row, strict=True)) for row in values) if names else ({} for _ in range(batch.num_rows))
            )
            yield [[*key, one] for *key, one in zip(*ends, properties, strict=True)]


def check_ends(connection: Connection, type_: str, heads: Iterable[str], tails: Iterable[str]) -> None:
    """Raise InvalidRows where a relationship would lead from or to a node that is not there."""
    kind = RELATIONSHIPS[type_]
    for label, ends in ((kind.head, heads), (kind.tail, tails)):
        ids = list(dict.fromkeys(ends))
        for start in range(0, len(ids), BATCH):
            found = connection.read(_of_node("queries/missing", label), {"ids": ids[start : start + BATCH]})
            if found:
                raise InvalidRows(f"a {type_} row names the {label} {found[0][0]!r}, which is not in {connection.url}")


def count(connection: Connection, name: str) -> int:
    """How many nodes or relationships of a name of the schema there are."""
    node = name in NODES
    statement = (_of_node if node else of_relationship)(f"queries/count_{'nodes' if node else 'relationships'}", name)
    return int(connection.read(statement)[0][0])


def gone(connection: Connection, tables: GraphTables, name: str) -> pl.DataFrame:
    """The nodes or relationships of a bulk name that are in the database and not in the tables, which were written.

    Ids are read only where counts differ.
    """
    keys = ["id"] if name in NODES else ["head", "tail", "key"]
    if count(connection, name) == tables.manifest.counts.get(name, 0):
        return pl.DataFrame(schema=dict.fromkeys(keys, pl.String))
    node = name in NODES
    statement = _of_node("queries/scan_nodes", name) if node else of_relationship("queries/scan_relationships", name)
    there = [
        pl.DataFrame([row[0] for row in rows], schema=dict.fromkeys(keys, pl.String), orient="row")
        for rows in connection.stream(statement, {"names": []}, BATCH)
    ]
    if not there:
        return pl.DataFrame(schema=dict.fromkeys(keys, pl.String))
    table = tables.read(name).select(keys).cast(pa.schema([(key, pa.string()) for key in keys]))
    new = pl.DataFrame(table) if table.num_rows else pl.DataFrame(schema=dict.fromkeys(keys, pl.String))
    return pl.concat(there).join(new, on=keys, how="anti")


def remove(connection: Connection, name: str, rows: pl.DataFrame, beat: Beat) -> None:
    """Remove bulk nodes or relationships. Titles that users rated or catalogs offer stay as they must."""
    live = [type_ for type_, kind in RELATIONSHIPS.items() if kind.live and kind.tail == "Title"]
    for part in rows.iter_slices(BATCH):
        beat()
        if name == "Title":
            statement = text("queries/remove_titles").replace("<LIVE>", "|".join(live))
            connection.write(statement, {"ids": part["id"].to_list(), "live": live}, LOAD_SECONDS)
        elif name in NODES:
            connection.write(_of_node("queries/delete_nodes", name), {"ids": part["id"].to_list()}, LOAD_SECONDS)
        else:
            connection.write(
                of_relationship("queries/delete_relationships", name),
                {"rows": [list(row) for row in part.iter_rows()]}, LOAD_SECONDS,
            )  # fmt: skip


def _of_node(statement: str, label: str) -> str:
    return filled(text(statement), label=label, id=NODES[label].id_name)


def of_relationship(statement: str, type_: str, *, removed: bool = True) -> str:
    """A statement about one relationship type; removed: also about live ones to titles that have left the graph."""
    kind = RELATIONSHIPS[type_]
    tail = "Title|Removed" if removed and kind.live and kind.tail == "Title" else kind.tail
    return filled(
        text(statement), type=type_, head=kind.head, head_id=NODES[kind.head].id_name, tail=tail,
        tail_id=NODES[kind.tail].id_name,
    )  # fmt: skip
