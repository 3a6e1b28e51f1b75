"""A load into a Gremlin graph: batches that may be repeated, then what the tables do not have goes, then the Release.

Readers see titles and relationships as they come; which version it is, and its vectors, change at once at the end.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graph.schema import NODES, RELATIONSHIPS, SCHEMA_VERSION, is_live
from graph.store import InvalidRows, Progress, Provenance, Vectors, VectorsOf
from graph.stores import gremlin_traversals as traversals
from graph.stores import gremlin_writing as writing
from graph.stores.aside import aside
from graph.stores.encoded import encoded
from graph.stores.gremlin_connection import LOAD_SECONDS, Connection
from graph.stores.gremlin_releases import Release, Slot
from graph.stores.gremlin_values import edge_id, vertex_id
from graph.tables import GraphTables

if TYPE_CHECKING:
    from graph.stores.gremlin import GremlinStore

_LIVE_TO_TITLES = [type_ for type_, kind in RELATIONSHIPS.items() if kind.live and kind.tail == "Title"]


def load(
    store: GremlinStore, connection: Connection, release: Release, tables: GraphTables, report: Progress,
    vectors: VectorsOf | None, beat: writing.Beat,
) -> str:  # fmt: skip
    """Put graph tables into the graph, as `GraphStore.load_tables` promises; returns the version."""
    report("checking the tables", 0.0)
    _check_live(connection, tables)
    if not any(not is_live(name) for name in tables.names):
        _write_rows(connection, tables, report, beat, 0.0, 0.99)
        report("done", 1.0)
        return release.version
    carried = [Vectors(name, *store.get_embeddings(name), one.provenance) for name, one in release.vectors.items()]
    with aside(tables, carried) as new:
        beat()
        made = [] if vectors is None else list(vectors(new, lambda what, share: report(what, 0.1 + 0.2 * share)))
        beat()
        first = not connection.read(traversals.any_of(list(NODES)), written=True)
        _write_rows(connection, tables, report, beat, 0.3, 0.7)
        if not first:
            _remove(connection, tables, report, beat)
        slots = dict(release.vectors)
        for place, one in enumerate(made):

            def told(share: float, place: int = place) -> None:
                beat()
                report("vectors", 0.8 + 0.15 * (place + share) / len(made))

            slots[one.name] = write_slot(connection, release, one.name, one.ids, one.rows, one.provenance, told)
        details = {
            "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "graph_hash": tables.manifest.graph_hash,
            "schema_version": SCHEMA_VERSION,
            "tables_made": tables.manifest.made,
            "sources": [asdict(source) for source in tables.manifest.sources],
        }
        current = Release.read(connection) or release  # what it says of offers may be newer
        moved = replace(release.loaded(details, slots), content=uuid.uuid4().hex, offers=current.offers)
        moved.write(connection, release.vectors)
        report("index of names", 0.96)
        given = {one.name: (one.ids, one.rows) for one in (*carried, *made)}
        store.index.open(moved, store, given, new.root / "versions" / new.info().version)
    report("done", 1.0)
    return moved.version


def write_slot(
    connection: Connection, release: Release, name: str, ids: Sequence[str], vectors: npt.NDArray[np.float32],
    provenance: Provenance, told: Callable[[float], None],
) -> Slot:  # fmt: skip
    """Write vectors of titles into the slot that is not current; returns it, for a Release to move to."""
    current = release.vectors.get(name)
    slot = f"{name}_b" if current is not None and current.property.endswith("_a") else f"{name}_a"
    vertices = [vertex_id("Title", id_) for id_ in ids]
    old = connection.read(traversals.slot_ids(slot), LOAD_SECONDS, written=True)
    writing.drop(connection, lambda some: traversals.clear_slot(some, slot), sorted(set(old) - set(vertices)))
    rows = ((id_, "Title", {slot: encoded(one)}, ()) for id_, one in zip(vertices, vectors, strict=True))
    _write(connection, "Title", rows, len(vertices), told)
    return Slot(slot, provenance)


def _write(
    connection: Connection, name: str, rows: Iterable[object], count: int, told: Callable[[float], None]
) -> None:
    """Write rows, and tell of every hundredth of them what share is written."""
    written = last = 0

    def done(more: int) -> None:
        nonlocal written, last
        written += more
        if written - last >= count / 100:
            last = written
            told(written / max(count, 1))

    writing.write(connection, name, rows, done)


def _write_rows(
    connection: Connection, tables: GraphTables, report: Progress, beat: writing.Beat, low: float, high: float
) -> None:
    counts = tables.manifest.counts
    whole, before = 1 + sum(counts.values()), 0
    slugs = {*tables.read("Catalog").column("id").to_pylist(), *tables.read("OFFERS").column("head").to_pylist()}
    for name in tables.names:

        def told(share: float, name: str = name, before: int = before) -> None:
            beat()
            report(f"writing {name}", low + (high - low) * (before + share * counts[name]) / whole)

        told(0.0)
        _write(connection, name, writing.rows_of(tables, name), counts[name], told)
        before += counts[name]
    if slugs:
        catalogs = [vertex_id("Catalog", slug) for slug in sorted(slugs)]
        there: set[str] = set()
        for part in writing.parts(catalogs):
            there |= set(connection.read(traversals.edges_from(part, "OFFERS"), LOAD_SECONDS, written=True))
        writing.drop(connection, traversals.drop_edges, sorted(there - _ids(tables, "OFFERS")))
        connection.write(traversals.touch_offers(uuid.uuid4().hex))


def _remove(connection: Connection, tables: GraphTables, report: Progress, beat: writing.Beat) -> None:
    """Remove what the tables do not have. Relationships first: a node goes with what is left of its own."""
    counts: dict[str, int] = {}
    for asked in (traversals.count_vertices(), traversals.count_edges()):
        counts |= connection.read(asked, LOAD_SECONDS, written=True)[0]
    # By now all that the tables have is there, so where there are as many, there are no others.
    names = [
        name
        for name in (*RELATIONSHIPS, *NODES)
        if not is_live(name) and counts.get(name, 0) != tables.manifest.counts.get(name, 0)
    ]
    for place, name in enumerate(names):
        beat()
        report("removing what is gone", 0.7 + 0.1 * place / len(names))
        asked = traversals.all_ids(name) if name in NODES else traversals.scan_edges(name, ())
        gone = sorted(set(connection.read(asked, LOAD_SECONDS, written=True)) - _ids(tables, name))
        if name == "Title":
            for part in writing.parts(gone):
                connection.write(traversals.keep_titles(part, _LIVE_TO_TITLES), LOAD_SECONDS)
                connection.write(traversals.drop_titles(part, _LIVE_TO_TITLES), LOAD_SECONDS)
        else:
            writing.drop(connection, traversals.drop_vertices if name in NODES else traversals.drop_edges, gone)


def _ids(tables: GraphTables, name: str) -> set[str]:
    """The ids of the vertices or edges that a table makes."""
    table = tables.read(name)
    if name in NODES:
        return {vertex_id(name, id_) for id_ in table.column("id").to_pylist()}
    ends = (table.column(key).to_pylist() for key in ("head", "tail", "key"))
    return {edge_id(name, *one) for one in zip(*ends, strict=True)}


def _check_live(connection: Connection, tables: GraphTables) -> None:
    """Raise InvalidRows where a live relationship leads to what neither the tables nor the graph have."""
    for type_ in tables.names:
        if type_ not in RELATIONSHIPS or not is_live(type_):
            continue
        kind, table = RELATIONSHIPS[type_], tables.read(type_)
        bulk = any(not is_live(name) for name in tables.names)
        for label, end in ((kind.head, "head"), (kind.tail, "tail")):
            ids = set(table.column(end).unique().to_pylist())
            ids -= set(tables.read(label).column("id").to_pylist())
            # The tables replace all that is bulk: what they lack will be gone.
            replaced = bulk and not is_live(label)
            if missing := ids if replaced else ids - writing.existing(connection, label, ids):
                raise InvalidRows(
                    f"a {type_} row names the {label} {min(missing)!r}, which is neither in the tables nor in "
                    f"{connection.url}"
                )
