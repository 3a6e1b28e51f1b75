"""A load into Neo4j, and what follows from a change: labels that say who offers what, counters, indexes.

A load writes batches that may be repeated, then removes what the tables do not have, then moves the Release. Readers
see titles and relationships as they come; which version it is, and its vectors, change at once at the end.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from graph.schema import NODES, RELATIONSHIPS, SCHEMA_VERSION, is_live
from graph.store import InvalidRows, Progress, StoreBusy, Vectors, VectorsOf
from graph.stores import neo4j_vectors, neo4j_writing
from graph.stores.aside import aside
from graph.stores.neo4j_connection import Connection
from graph.stores.neo4j_releases import Release
from graph.stores.neo4j_slots import Slot
from graph.stores.statements import text
from graph.tables import GraphTables

if TYPE_CHECKING:
    from graph.stores.neo4j import Neo4jStore

_LABELLED = 5_000
_SHARES = {"check": 0.1, "vectors": 0.3, "rows": 0.7, "gone": 0.75}


def load(
    store: Neo4jStore, connection: Connection, release: Release, tables: GraphTables, report: Progress,
    vectors: VectorsOf | None, beat: neo4j_writing.Beat,
) -> str:  # fmt: skip
    """Put graph tables into the database, as `GraphStore.load_tables` promises; returns the version."""
    bulk = [name for name in tables.names if not is_live(name)]
    report("checking the tables", 0.0)
    _check_live(connection, tables)
    made = list[Vectors]()
    if bulk:
        carried = [
            Vectors(name, *store.get_embeddings(name), slot.provenance) for name, slot in release.vectors.items()
        ]
        with aside(tables, carried) as new:
            beat()
            if vectors is not None:
                made = list(vectors(new, lambda what, share: report(what, 0.1 + 0.2 * share)))
                beat()
    slugs = catalogs_slugs(tables)
    _write_rows(connection, tables, report, beat, slugs)
    if not bulk:
        if slugs:
            replace(release, vectors=indexed(connection, release.vectors)).write(connection)
        report("done", 1.0)
        return release.version
    report("removing what is gone", _SHARES["rows"])
    for name in (*RELATIONSHIPS, *NODES):  # relationships first: a node goes with what is left of its own
        if not is_live(name):
            neo4j_writing.remove(connection, name, neo4j_writing.gone(connection, tables, name), beat)
    kept = dict(release.vectors)
    for place, one in enumerate(made):

        def told(share: float, place: int = place) -> None:
            beat()
            report("vectors", _SHARES["gone"] + 0.25 * (place + share) / len(made))

        kept[one.name] = neo4j_vectors.write_slot(
            connection, release, one.name, one.ids, one.rows, one.provenance, told
        )  # fmt: skip
    if slugs:
        kept = indexed(connection, kept)
    details = {
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "graph_hash": tables.manifest.graph_hash,
        "schema_version": SCHEMA_VERSION,
        "tables_made": tables.manifest.made,
        "sources": [asdict(source) for source in tables.manifest.sources],
    }
    new_release = release.loaded(details, kept)
    new_release.write(connection)
    report("done", 1.0)
    return new_release.version


def catalogs_slugs(tables: GraphTables) -> list[str]:
    """The catalogs that graph tables name, with or without anything to offer."""
    slugs = tables.read("Catalog").column("id").to_pylist()
    return sorted({*slugs, *tables.read("OFFERS").column("head").to_pylist()})


@contextlib.contextmanager
def changing(
    connection: Connection, name: str, slugs: Sequence[str] = (), titles: Sequence[str] = ()
) -> Iterator[None]:
    """Around a change of rows: afterwards labels say what these catalogs offer, and the state differs."""
    yield
    if name in ("OFFERS", "Catalog"):
        label_offered(connection, slugs, titles)
        connection.write(text("queries/touch_offers"))
        if len(titles) > neo4j_vectors.EXACT_TITLES:
            # Not while another process loads or publishes: that one moves the Release, and looks at the catalogs too.
            with contextlib.suppress(StoreBusy), neo4j_writing.writing(connection):
                release = Release.read(connection) or Release()
                replace(release, vectors=indexed(connection, release.vectors)).write(connection)
    elif not is_live(name):
        release = Release.read(connection) or Release()
        replace(release.loaded(release.details, release.vectors)).write(connection)


def label_offered(connection: Connection, slugs: Sequence[str], titles: Sequence[str]) -> None:
    """Say on titles, by their labels, which of these catalogs offer them now."""
    for start in range(0, len(titles), _LABELLED):
        part = list(titles[start : start + _LABELLED])
        connection.write(text("queries/label_offered"), {"ids": part, "slugs": list(slugs)})


def _check_live(connection: Connection, tables: GraphTables) -> None:
    """Raise InvalidRows where a live relationship leads to what neither the tables nor the database have."""
    for type_ in tables.names:
        if type_ not in RELATIONSHIPS or not is_live(type_):
            continue
        kind = RELATIONSHIPS[type_]
        for batch in tables.batches(type_):
            ends = []
            for label, end in ((kind.head, "head"), (kind.tail, "tail")):
                ids = set(batch.column(end).unique().to_pylist())
                if label in tables.names:
                    ids -= set(tables.read(label).column("id").to_pylist())
                    if ids and not is_live(label):  # the tables replace that label: what they lack will be gone
                        raise InvalidRows(f"a {type_} row names the {label} {min(ids)!r}, which is not among the nodes")
                ends.append(ids)
            neo4j_writing.check_ends(connection, type_, *ends)


def _write_rows(
    connection: Connection, tables: GraphTables, report: Progress, beat: neo4j_writing.Beat, slugs: Sequence[str]
) -> None:
    counts = tables.manifest.counts
    whole, done = 1 + sum(counts.values()), 0
    low, high = _SHARES["vectors"], _SHARES["rows"]
    before = {tuple(row) for row in connection.read(text("queries/offered_by"), {"slugs": list(slugs)})}
    for name in tables.names:
        for rows in neo4j_writing.batches(tables, name):
            report(f"writing {name}", low + (high - low) * done / whole)
            beat()
            if name == "Title":
                connection.write(text("queries/return_titles"), {"ids": [row[0] for row in rows]})
            if name in NODES:
                neo4j_writing.write_nodes(connection, name, rows)
            else:
                neo4j_writing.write_relationships(connection, name, rows)
            done += len(rows)
        if name == "Catalog":
            connection.write(text("queries/number_catalogs"))
    if slugs:
        offers = tables.read("OFFERS")
        now = set(zip(*(offers.column(key).to_pylist() for key in ("head", "tail", "key")), strict=True))
        withdrawn = [list(row) for row in sorted(before - now)]
        statement = neo4j_writing.of_relationship("queries/delete_relationships", "OFFERS")
        for start in range(0, len(withdrawn), neo4j_writing.BATCH):
            connection.write(statement, {"rows": withdrawn[start : start + neo4j_writing.BATCH]})
        label_offered(connection, slugs, sorted({row[1] for row in (*before, *now)}))
        connection.write(text("queries/touch_offers"))


def indexed(connection: Connection, vectors: Mapping[str, Slot]) -> dict[str, Slot]:
    """The slots of vectors with the indexes that are worth it by now, which are made where they are not there."""
    return {name: replace(slot, indexed=tuple(neo4j_vectors.index(connection, slot))) for name, slot in vectors.items()}


def finish_import(connection: Connection, release: Release) -> None:
    """Make the indexes of the vectors that neo4j-admin has brought."""
    replace(release, vectors=indexed(connection, release.vectors), imported=False).write(connection)
