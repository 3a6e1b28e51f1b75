"""The embedded store: nothing to start. Immutable columns in version folders, SQLite for what is live.

A read looks at the manifest first and moves to the current version by itself; a load makes a new version aside
and swaps it in. Live labels and types (`graph.schema`) are in SQLite, all others in the version.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.events import Event
from graph.reads import Answers, Read
from graph.schema import NODES, RELATIONSHIPS, is_live
from graph.store import (
    Direction,
    InvalidRows,
    NotInGraph,
    Progress,
    Provenance,
    Row,
    Scope,
    StoreError,
    StoreInfo,
    StoreNotFound,
    TextHit,
    VectorsOf,
)
from graph.stores import own_titles, traversal
from graph.stores.columns import Positions, bulk_names
from graph.stores.current import Current
from graph.stores.live import OWN_TITLES, Live
from graph.stores.live_feedback import merge_feedback, user_feedback
from graph.stores.offers import Offers
from graph.stores.rows import (
    check_events,
    check_name,
    check_names,
    check_own,
    check_removable,
    check_rows,
    check_vectors,
)
from graph.stores.snapshot import Snapshot
from graph.stores.versions import Versions, explained
from graph.tables import GraphTables, Source, TablesError, finish_tables, rows_to_table, write_table

__all__ = ["EmbeddedStore"]

_NOBODY = ""  # an id that no node has


class EmbeddedStore:
    """A graph in a folder. Safe for threads and for several processes."""

    def __init__(self, root: Path, *, create: bool = False) -> None:
        self.root = root
        self.url = f"embedded:{root}"
        self._versions = Versions(root)
        self._live = Live(root / "live.sqlite")
        self._current = Current(self._versions)
        if create:
            self.apply_schema()
        with explained(root):
            if not self._live.path.exists():
                raise StoreNotFound(f"there is no store at {root}; make one with: reelgraph load --store {self.url} …")
            self._versions.read()  # not the version itself: a store whose version is damaged can still roll back

    def apply_schema(self) -> None:
        with explained(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            self._versions.read()
            self._live.create()

    def close(self) -> None:
        self._live.close()
        self._current.close()

    def ping(self) -> None:
        self._now()
        self._live.generation()

    def state(self) -> str:
        return f"{self._now().name or 'empty'}+{self._live.generation()}"

    def info(self) -> StoreInfo:
        now = self._now()
        manifest = self._versions.read()
        counts = {name: self._count(now, name) for name in (*NODES, *RELATIONSHIPS)}
        return StoreInfo(
            self.url,
            now.name,
            counts,
            now.details.get("made"),
            _size(self.root),
            manifest.versions,
            {name: vectors.provenance for name, vectors in now.embeddings.items()},
            now.details,
        )

    # Writing

    def load_tables(
        self, tables: GraphTables, progress: Progress | None = None, vectors: VectorsOf | None = None
    ) -> str:
        with self._current.writing():
            return self._load(tables, progress, vectors)

    def _load(self, tables: GraphTables, progress: Progress | None = None, vectors: VectorsOf | None = None) -> str:
        """Build a version aside, write the live rows in one transaction, and swap just before it commits."""
        from graph.stores import build  # a search has no use for it

        report: Progress = progress or (lambda _what, _share: None)
        counts = tables.manifest.counts
        live = [name for name in tables.names if is_live(name)]  # nodes come first
        whole, done = 1 + sum(counts.values()), sum(counts[name] for name in tables.names if name not in live)
        old = self._now()
        name = old.name
        if set(bulk_names()) & set(tables.names):
            name, partial = self._versions.start()
            build.build_columns(partial, tables, lambda what, share: report(what, 0.4 * share * done / whole))
            waiting = functools.partial(report, "index of names", 0.9 * done / whole)
            with build.names_indexed(partial, tables, waiting):
                build.carry_embeddings(old, partial)
                if vectors is not None:
                    made = _Version(self, Snapshot.of_folder(partial, name))
                    for one in vectors(made, lambda what, share: report(what, (0.4 + 0.5 * share) * done / whole)):
                        positions = made._now().columns.nodes("Title").positions(one.ids)
                        build.write_embeddings(partial, one.name, positions, one.rows, one.provenance)
            self._versions.finish(name)
        new = Snapshot.open(self._versions, name) if name != old.name else old
        with self._versions.undone_on_error(), self._live.transaction() as connection:
            if slugs := _catalogs(tables):
                self._live.forget_offers(connection, slugs)
            for table in live:
                with self._live.filling(connection, table, counts[table]):
                    for batch in tables.batches(table):
                        report(f"live: {table}", done / whole)
                        if table in RELATIONSHIPS:
                            self._check_ends(new, table, *_ends(batch))
                        self._live.upsert_batch(connection, table, batch)
                        done += batch.num_rows
            if name != old.name:
                self._versions.swap(name)
        report("done", 1.0)
        return self._now().name

    def rollback(self, to: str | None = None) -> str:
        with self._current.writing():
            return self._versions.roll_back(to)

    def upsert_nodes(self, label: str, rows: Sequence[Row]) -> int:
        _known(label, NODES)
        check_rows(label, rows)
        if not is_live(label):
            return self._rewrite(label, rows, ("id",))
        with self._live.transaction() as connection:
            self._live.upsert(connection, label, rows)
        return len(rows)

    def upsert_relationships(self, type_: str, rows: Sequence[Row]) -> int:
        _known(type_, RELATIONSHIPS)
        check_rows(type_, rows)
        if not is_live(type_):
            return self._rewrite(type_, rows, ("head", "tail", "key"))
        with self._live.transaction() as connection:
            self._check_ends(self._now(), type_, [row["head"] for row in rows], [row["tail"] for row in rows])
            self._live.upsert(connection, type_, rows)
        return len(rows)

    def add_titles(self, rows: Sequence[Row]) -> int:
        check_own(rows)
        positions = self._now().columns.nodes("Title").positions([row["id"] for row in rows])
        new = [row for row, position in zip(rows, positions.tolist(), strict=True) if position < 0]
        return self._live.insert(OWN_TITLES, new) if new else 0

    def merge_feedback(self, events: Sequence[Event]) -> int:
        check_events(events)
        with self._live.transaction() as connection:
            self._check_there(self._now(), "RATED", "Title", list({event.title for event in events}))
            return merge_feedback(connection, events)

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        check_removable(label, ids)
        if label == OWN_TITLES:  # those of the version go with a load
            positions = self._now().columns.nodes(label).positions(ids)
            ids = [id_ for id_, position in zip(ids, positions.tolist(), strict=True) if position < 0]
            return self._live.delete_nodes(label, ids) if ids else 0
        return self._live.delete_nodes(label, ids)

    def delete_relationships(self, type_: str, rows: Sequence[Row]) -> int:
        check_removable(type_)
        check_rows(type_, rows)
        return self._live.delete_relationships(type_, rows)

    def set_embeddings(
        self,
        name: str,
        ids: Sequence[str],
        vectors: npt.NDArray[np.float32],
        provenance: Provenance,
        *,
        amend: bool = False,
    ) -> str:
        from graph.stores.build import link_version, write_embeddings

        check_name(name)
        check_vectors(ids, vectors, provenance)
        with self._current.writing():
            old = self._now()
            if not old.name:
                raise StoreNotFound(f"nothing is loaded in {self.url}; load a graph, then publish vectors of it")
            titles = old.columns.nodes("Title")
            positions = titles.positions(ids)
            if (positions < 0).any():
                lacking = [ids[place] for place in np.flatnonzero(positions < 0).tolist()]
                later = set(own_titles.later(titles, self._live))
                if missing := [id_ for id_ in lacking if id_ not in later]:
                    raise InvalidRows(
                        f"there is no title {missing[0]!r} in {self.url}; train on this graph, then publish"
                    )
                positions, vectors = positions[positions >= 0], vectors[positions >= 0]
            version, partial = self._versions.start()
            link_version(self._versions.folder(old.name), partial)
            write_embeddings(partial, name, positions, vectors, provenance)
            self._versions.finish(version)
            self._versions.swap(version, in_place_of=old.name if amend else None)
            return version

    def _rewrite(self, name: str, rows: Sequence[Row], keys: Sequence[str]) -> int:
        """Upsert into the immutable part: a new version with these rows. Costs a load, so give many at a time."""
        with self._current.writing(), tempfile.TemporaryDirectory(prefix="rewrite-", dir=self.root) as folder:
            merged: dict[tuple[str, ...], dict[str, Any]] = {}
            scan = self.scan_nodes(name) if name in NODES else self.scan_relationships(name)
            for row in (row for batch in scan for row in batch.to_pylist()):
                merged[tuple(row[key] for key in keys)] = row
            for row in rows:
                full = {"key": ""} | dict(row) if "key" in keys else dict(row)
                merged.setdefault(tuple(full[key] for key in keys), {}).update(full)
            target = Path(folder)
            for other in bulk_names():
                if other != name and self._count(self._now(), other):
                    write_table(
                        target, other, self.scan_nodes(other) if other in NODES else self.scan_relationships(other)
                    )
            try:
                write_table(target, name, [rows_to_table(name, list(merged.values()))])
            except TablesError as error:
                raise InvalidRows(str(error)) from None
            sources = [Source(**source) for source in self._now().details.get("sources", ())]
            self._load(finish_tables(target, sources))
        return len(rows)

    def _check_ends(self, now: Snapshot, type_: str, heads: Sequence[str], tails: Sequence[str]) -> None:
        for ends, label in ((heads, RELATIONSHIPS[type_].head), (tails, RELATIONSHIPS[type_].tail)):
            self._check_there(now, type_, label, list(dict.fromkeys(ends)))

    def _check_there(self, now: Snapshot, type_: str, label: str, ids: Sequence[str]) -> None:
        missing = set(ids)
        if not is_live(label):
            found = now.columns.nodes(label).positions(ids)
            missing = {id_ for id_, position in zip(ids, found.tolist(), strict=True) if position < 0}
        if missing and is_live(type_):  # its ends are live, or titles, of which own ones may have come since
            missing -= self._live.existing(label, list(missing))
        if missing:
            raise InvalidRows(f"a {type_} row names the {label} {min(missing)!r}, which is not in {self.url}")

    # Reading

    def held(self) -> contextlib.AbstractContextManager[None]:
        return self._current.held()

    def _now(self) -> Snapshot:
        return self._current.now()

    def _offers(self) -> Offers:
        return self._now().offers(self._live)

    def _count(self, now: Snapshot, name: str) -> int:
        if is_live(name):
            return self._live.count(name)
        later = len(own_titles.later(now.columns.nodes(name), self._live)) if name == OWN_TITLES else 0
        return later + len(now.columns.nodes(name) if name in NODES else now.columns.edges(name))

    def get_nodes(self, label: str, ids: Sequence[str], properties: Sequence[str] | None = None) -> pa.Table:
        _known(label, NODES, properties)
        if is_live(label):
            return self._live.nodes(label, ids, properties)
        nodes = self._now().columns.nodes(label)
        positions = nodes.positions(ids)
        there = positions >= 0
        found = nodes.take(positions[there], properties)
        if label == OWN_TITLES and not there.all():
            return own_titles.beside(found, self._live, ids, there, properties)
        return found

    def neighbours(
        self,
        ids: Sequence[str],
        types: Sequence[str],
        direction: Direction,
        *,
        within: Scope | None = None,
        mark: Scope | None = None,
        most: int | None = None,
        properties: Sequence[str] = (),
    ) -> pa.Table:
        now = self._now()
        only, marked = (None if scope is None else self._offers().mask(scope) for scope in (within, mark))
        for type_ in types:
            _known(type_, RELATIONSHIPS)
        if "type" in properties:
            raise InvalidRows(
                "`type` is the relationship's own type; ask for no property, the `key` of RATED is its type"
            )
        if most is not None:
            counts = self.degrees(ids, types, direction)
            ids = [id_ if count <= most else _NOBODY for id_, count in zip(ids, counts.tolist(), strict=True)]
        return traversal.neighbours(
            now.columns, now.titles, self._live, ids, types, direction, only, marked, properties
        )

    def degrees(self, ids: Sequence[str], types: Sequence[str], direction: Direction) -> npt.NDArray[np.int64]:
        columns = self._now().columns
        total = np.zeros(len(ids), np.int64)
        positions: dict[str, Positions] = {}
        for type_ in types:
            _known(type_, RELATIONSHIPS)
            if is_live(type_):
                for place, count in self._live.degrees(type_, ids, direction).items():
                    total[place] += count
            else:
                near = RELATIONSHIPS[type_].head if direction == "out" else RELATIONSHIPS[type_].tail
                if near not in positions:
                    positions[near] = columns.nodes(near).positions(ids)
                total += columns.edges(type_).degrees(positions[near], direction)
        return total

    def scan_nodes(self, label: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        _known(label, NODES, properties)
        if is_live(label):
            return self._live.scan(label, properties)
        nodes = self._now().columns.nodes(label)
        if label == OWN_TITLES and self._live.count(label):
            return own_titles.among(nodes, self._live, properties)
        return nodes.scan(properties)

    def scan_relationships(self, type_: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        _known(type_, RELATIONSHIPS, properties)
        if is_live(type_):
            return self._live.scan(type_, properties)
        columns, kind = self._now().columns, RELATIONSHIPS[type_]
        return columns.edges(type_).scan(columns.nodes(kind.head), columns.nodes(kind.tail), properties)

    def search_text(self, query: str, limit: int, *, prefix: bool = False, adult: bool = False) -> list[TextHit]:
        index = self._now().text
        return index.search(query, limit, prefix=prefix, adult=adult) if index else []

    def get_embeddings(self, name: str, ids: Sequence[str] | None = None) -> tuple[list[str], npt.NDArray[np.float32]]:
        now = self._now()
        held = now.embeddings.get(name)
        if held is None:
            return [], np.empty((0, 0), np.float32)
        if ids is None:
            return now.columns.nodes("Title").ids(held.positions).to_pylist(), np.asarray(held.vectors)
        positions = now.columns.nodes("Title").positions(ids)
        rows = held.rows(positions)
        return [id_ for id_, row in zip(ids, rows, strict=True) if row >= 0], held.vectors[rows[rows >= 0]]

    def search_vector(
        self, name: str, vector: npt.NDArray[np.float32] | str, k: int, *, within: Scope | None = None
    ) -> list[tuple[str, float]]:
        now = self._now()
        held = now.embeddings.get(name)
        if held is None:
            raise NotInGraph(f"{self.url} has no vectors named {name!r}; it has {', '.join(now.embeddings) or 'none'}")
        if isinstance(vector, str):
            (row,) = held.rows(now.columns.nodes("Title").positions([vector]))
            if row < 0:
                return []
            asked = np.asarray(held.vectors[row])
        else:
            asked = vector
        if asked.shape != (held.provenance.dimension,):
            raise StoreError(f"{name!r} has {held.provenance.dimension} dimensions, the vector has {asked.shape}")
        mask = self._offers().mask(within) if within is not None else None
        rows, scores = held.search.best(asked, k, mask)
        ids = now.columns.nodes("Title").ids(held.positions[rows]).to_pylist()
        return list(zip(ids, scores.tolist(), strict=True))

    def offered(self, within: Scope, ids: Sequence[str] | None = None) -> pa.Table:
        return self._offers().table(within) if ids is None else self._offers().some(within, ids)

    def user_feedback(self, user: str) -> list[tuple[str, str, float | None, int | None]]:
        """What a user said: title, type, value and seconds of each piece: `neighbours`, without its table."""
        with explained(self.root):
            return user_feedback(self._live.connection(), user)

    def changed_offers(self, before: str, now: str) -> list[str] | None:
        """The titles whose offers have changed between two states of this store; None where that was not noted."""
        since, until = (state.rpartition("+")[2] for state in (before, now))
        if not (since.isdecimal() and until.isdecimal()) or int(since) > int(until):
            return None
        return self._live.changed_offers(int(since), int(until))

    def gather(self, reads: Sequence[Read]) -> Answers:
        return Answers(_Moment(self, self._now()), reads)


class _Version(EmbeddedStore):
    """A store's view of one version, which need not be current yet. For reading."""

    def __init__(self, store: EmbeddedStore, snapshot: Snapshot) -> None:
        self.__dict__.update(vars(store))
        self._fixed = snapshot

    def _now(self) -> Snapshot:
        return self._fixed


class _Moment(_Version):
    """The same, with the offers as they are when they are first needed: what the reads of one exchange see."""

    def _offers(self) -> Offers:
        held: Offers | None = self.__dict__.get("_held")
        if held is None:
            held = self._held = self._fixed.offers(self._live)
        return held


def _size(root: Path) -> int:
    """Bytes of all files; one that another process removes meanwhile has none."""
    size = 0
    for folder, _, files in os.walk(root):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                size += Path(folder, name).stat().st_size
    return size


def _known(name: str, names: Any, properties: Sequence[str] | None = None) -> None:
    if name not in names:
        raise InvalidRows(f"the graph has no {name!r}; it has {', '.join(names)}")
    check_names(name, [p.name for p in names[name].properties], properties or ())


def _catalogs(tables: GraphTables) -> list[str]:
    """The catalogs that graph tables name, with or without anything to offer."""
    slugs = tables.read("Catalog").column("id").to_pylist()
    return sorted({*slugs, *tables.read("OFFERS").column("head").to_pylist()})


def _ends(batch: pa.RecordBatch) -> Iterator[list[str]]:
    """The heads and the tails of a batch, each of them once."""
    return (batch.column(end).unique().to_pylist() for end in ("head", "tail"))
