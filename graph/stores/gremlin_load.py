"""A load into a Gremlin graph: rows and vectors come, what the tables do not have goes, then the Release moves.

Readers see titles and relationships as they come; which version it is, and its vectors, change at once at the end. All
of it may be repeated, so a load that was cut off is simply repeated.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Protocol

from graph.schema import NODES, RELATIONSHIPS, SCHEMA_VERSION, is_live
from graph.store import InvalidRows, Progress, Vectors, VectorsOf
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
Slots = Sequence[tuple[Slot, Vectors]]
"""Vectors, and the slots that they go into."""


class Put(Protocol):
    """How rows get into the graph: by requests (`Requests`), or by Neptune's loader (`graph.neptune.load`)."""

    def write(
        self, connection: Connection, tables: GraphTables, slots: Slots, report: Progress, beat: writing.Beat
    ) -> None:
        """Make all rows of the tables be there as they are, and vectors in their slots."""

    def clear(self, connection: Connection, tables: GraphTables, report: Progress, beat: writing.Beat) -> None:
        """Take away the properties that those rows no longer have; comes after what is gone has been removed."""


def load(
    store: GremlinStore, connection: Connection, release: Release, tables: GraphTables, report: Progress,
    vectors: VectorsOf | None, beat: writing.Beat, put: Put,
) -> str:  # fmt: skip
    """Put graph tables into the graph, as `GraphStore.load_tables` promises; returns the version."""
    report("checking the tables", 0.0)
    _check_live(connection, tables)
    if not any(not is_live(name) for name in tables.names):
        _put_rows(put, connection, tables, (), report, beat, 0.0, 0.95)
        put.clear(connection, tables, part_of(report, 0.95, 0.04), beat)
        report("done", 1.0)
        return release.version
    carried = [Vectors(name, *store.get_embeddings(name), one.provenance) for name, one in release.vectors.items()]
    with aside(tables, carried) as new:
        beat()
        made = [] if vectors is None else list(vectors(new, lambda what, share: report(what, 0.1 + 0.2 * share)))
        beat()
        first = not connection.read(traversals.any_of(list(NODES)), written=True)
        slots = [(slot_for(release, one), one) for one in made]
        _put_rows(put, connection, tables, slots, report, beat, 0.3, 0.8)
        if not first:
            _remove(connection, tables, part_of(report, 0.8, 0.1), beat)
            put.clear(connection, tables, part_of(report, 0.9, 0.05), beat)
        details = {
            "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "graph_hash": tables.manifest.graph_hash,
            "schema_version": SCHEMA_VERSION,
            "tables_made": tables.manifest.made,
            "sources": [asdict(source) for source in tables.manifest.sources],
        }
        current = Release.read(connection) or release  # what it says of offers may be newer
        named = dict(release.vectors) | {one.name: slot for slot, one in slots}
        moved = replace(release.loaded(details, named), content=uuid.uuid4().hex, offers=current.offers)
        moved.write(connection, release.vectors)
        report("index of names", 0.96)
        given = {one.name: (one.ids, one.rows) for one in (*carried, *made)}
        store.index.open(moved, store, given, new.root / "versions" / new.info().version)
    report("done", 1.0)
    return moved.version


def part_of(report: Progress, start: float, share: float) -> Progress:
    """Progress of a part of the work, as progress of the whole."""
    return lambda what, done: report(what, start + share * done)


def slot_for(release: Release, vectors: Vectors) -> Slot:
    """The slot of these vectors that is not current."""
    current = release.vectors.get(vectors.name)
    other = "b" if current is not None and current.property.endswith("_a") else "a"
    return Slot(f"{vectors.name}_{other}", vectors.provenance)


def clear_slot(connection: Connection, slot: Slot, ids: Sequence[str]) -> None:
    """Remove the vectors in a slot of all titles but these."""
    old = connection.read(traversals.having("Title", slot.property), LOAD_SECONDS, written=True)
    gone = sorted(set(old) - {vertex_id("Title", id_) for id_ in ids})
    writing.drop(connection, lambda some: traversals.clear_vertices(some, slot.property), gone)


def write_vectors(connection: Connection, slot: Slot, vectors: Vectors, told: Callable[[float], None]) -> None:
    """Write vectors of titles into a slot, for a Release to move to."""
    clear_slot(connection, slot, vectors.ids)
    rows = (
        (vertex_id("Title", id_), "Title", {slot.property: encoded(one)}, ())
        for id_, one in zip(vectors.ids, vectors.rows, strict=True)
    )
    _write(connection, "Title", rows, len(vectors.ids), told)


class Requests:
    """Rows as requests of the driver, any server takes them: merges, which clear what is null as they go."""

    def write(
        self, connection: Connection, tables: GraphTables, slots: Slots, report: Progress, beat: writing.Beat
    ) -> None:
        """As `Put` has it."""
        counts = tables.manifest.counts
        whole = 1 + sum(counts.values()) + sum(len(one.ids) for _, one in slots)
        before = 0

        def teller(what: str, count: int) -> Callable[[float], None]:
            start = before

            def told(share: float) -> None:
                beat()
                report(what, (start + share * count) / whole)

            told(0.0)
            return told

        for name in tables.names:
            rows, told = writing.rows_of(tables, name), teller(f"writing {name}", counts[name])
            _write(connection, name, rows, counts[name], told)
            before += counts[name]
        for slot, one in slots:
            write_vectors(connection, slot, one, teller("vectors", len(one.ids)))
            before += len(one.ids)

    def clear(self, _connection: Connection, _tables: GraphTables, _report: Progress, _beat: writing.Beat) -> None:
        """As `Put` has it."""


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


def _put_rows(
    put: Put, connection: Connection, tables: GraphTables, slots: Slots, report: Progress, beat: writing.Beat,
    low: float, high: float,
) -> None:  # fmt: skip
    """Put everything there; of the catalogs in the tables, other offers go."""
    put.write(connection, tables, slots, part_of(report, low, high - low), beat)
    slugs = {*tables.read("Catalog").column("id").to_pylist(), *tables.read("OFFERS").column("head").to_pylist()}
    if slugs:
        catalogs = [vertex_id("Catalog", slug) for slug in sorted(slugs)]
        there: set[str] = set()
        for part in writing.parts(catalogs):
            there |= set(connection.read(traversals.edges_from(part, "OFFERS"), LOAD_SECONDS, written=True))
        writing.drop(connection, traversals.drop_edges, sorted(there - ids_of(tables, "OFFERS")))
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
        report("removing what is gone", place / len(names))
        asked = traversals.all_ids(name) if name in NODES else traversals.scan_edges(name, ())
        gone = sorted(set(connection.read(asked, LOAD_SECONDS, written=True)) - ids_of(tables, name))
        if name == "Title":
            for part in writing.parts(gone):
                connection.write(traversals.keep_titles(part, _LIVE_TO_TITLES), LOAD_SECONDS)
                connection.write(traversals.drop_titles(part, _LIVE_TO_TITLES), LOAD_SECONDS)
        else:
            writing.drop(connection, traversals.drop_vertices if name in NODES else traversals.drop_edges, gone)


def ids_of(tables: GraphTables, name: str) -> set[str]:
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
