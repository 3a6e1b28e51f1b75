"""Names and vectors of a Gremlin graph in a folder of this machine, searched by the embedded store's own classes.

    CACHE/gremlin/STORE/KEY/    nodes/Title.arrow, text/, embeddings/   as in a version of the embedded store
    CACHE/gremlin/STORE/lock    held (flock) by the one process that makes a folder

A folder is immutable. Its key names what the graph's Release says of the graph and of its vectors, so a new one is made
when that changes: by the process that loads or publishes, from what it has at hand; elsewhere by one scan of the graph.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.indexing import index_names, person_names, title_names
from graph.schema import CREDITS, NODES
from graph.stores.build import write_embeddings
from graph.stores.columns import Columns
from graph.stores.embedded import EmbeddedStore
from graph.stores.gremlin_releases import Release
from graph.stores.snapshot import Snapshot
from graph.stores.titles import holding
from graph.stores.versions import explained
from graph.stores.writing import write_nodes
from graph.tables import finish_tables, write_table

_KEPT = 3
_ABOUT = "index.json"
_NAMES: dict[str, Sequence[str]] = {
    "Title": ("kind", "title", "original_title", "start_year", "is_adult", "num_votes"),
    "Person": ("name",),
    "AlternateTitle": ("title", "region", "language"),
    "ALSO_KNOWN_AS": (),
    **dict.fromkeys(CREDITS, ()),
}
Given = Mapping[str, tuple[Sequence[str], npt.NDArray[np.float32]]]
"""Vectors by name: ids (n,), rows (n, d) float32."""


class Scanned(Protocol):
    """A graph that can be read as a whole."""

    def scan_nodes(self, label: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """As `GraphStore` has it."""

    def scan_relationships(self, type_: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """As `GraphStore` has it."""

    def slot_vectors(self, slot: str) -> tuple[list[str], npt.NDArray[np.float32]]:
        """All vectors that lie in a slot."""


class Index:
    """The folders of one store. Safe for threads and for several processes."""

    def __init__(self, url: str, cache: Path) -> None:
        name = hashlib.sha256(url.partition("?")[0].encode()).hexdigest()[:16]
        self.root = cache / "gremlin" / name
        self._held: tuple[str, Snapshot] | None = None
        self._making = threading.Lock()

    def close(self) -> None:
        """Let go of the files."""
        self._held = None

    def held(self) -> Snapshot | None:
        """What was opened last."""
        held = self._held
        return held[1] if held else None

    def open(self, release: Release, graph: Scanned, given: Given | None = None, made: Path | None = None) -> Snapshot:
        """The names and vectors of a release; made now where this machine has not got them yet.

        given: vectors that need not be read. made: a version of the embedded store that has the names.
        """
        key = _key(release)
        held = self._held
        if held is not None and held[0] == key:
            return held[1]
        with self._making, explained(self.root):
            held = self._held  # another thread may have opened it meanwhile
            if held is None or held[0] != key:
                folder = self.root / key
                if release.content and not folder.exists():
                    self._make(folder, release, graph, given or {}, made)
                held = key, _opened(folder)
                self._held = held
        return held[1]

    def _make(self, folder: Path, release: Release, graph: Scanned, given: Given, made: Path | None) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():  # another process has made it meanwhile
                return
            partial = folder.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            old = self._with_content(release.content)
            if made is not None or old is not None:
                _link_names(made or old, partial)  # type: ignore[arg-type]
            else:
                _scan_names(graph, partial)
            self._add_vectors(partial, release, graph, given, old)
            about = {"content": release.content, "stamps": {name: one.stamp for name, one in release.vectors.items()}}
            (partial / _ABOUT).write_text(json.dumps(about) + "\n", "utf-8")
            partial.rename(folder)
            self._sweep()

    def _add_vectors(
        self, partial: Path, release: Release, graph: Scanned, given: Given, old: Path | None
    ) -> None:  # fmt: skip
        titles = Columns(partial).nodes("Title")
        stamps = _about(old)["stamps"] if old is not None else {}
        for name, slot in release.vectors.items():
            if old is not None and stamps.get(name) == slot.stamp:
                (partial / "embeddings").mkdir(exist_ok=True)
                for file in (old / "embeddings").glob(f"{name}.*"):
                    _link(file, partial / "embeddings" / file.name)
                continue
            ids, rows = given[name] if name in given else graph.slot_vectors(slot.property)
            positions = titles.positions(ids)
            there = positions >= 0
            rows = rows.reshape(len(ids), slot.provenance.dimension)
            write_embeddings(partial, name, positions[there], rows[there], slot.provenance)

    def _with_content(self, content: str) -> Path | None:
        """A folder with the names of that graph, whatever its vectors."""
        return next((one for one in self._folders() if _about(one)["content"] == content), None)

    def _folders(self) -> list[Path]:
        """Whole folders, the newest first."""
        return sorted((one.parent for one in self.root.glob(f"[!.]*/{_ABOUT}") if one.parent.suffix != ".partial"),
                      key=lambda one: one.stat().st_mtime_ns, reverse=True)  # fmt: skip

    def _sweep(self) -> None:
        """Remove old folders; who has one open reads on: its files stay until the last one is closed."""
        for folder in self._folders()[_KEPT:]:
            shutil.rmtree(folder, ignore_errors=True)


def _key(release: Release) -> str:
    stamps = sorted((name, slot.stamp) for name, slot in release.vectors.items())
    return hashlib.sha256(json.dumps([release.content, stamps]).encode()).hexdigest()[:24]


def _about(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / _ABOUT).read_text("utf-8"))
    return told


def _opened(folder: Path) -> Snapshot:
    """Open all files at once, for the folder may go."""
    snapshot = Snapshot.of_folder(folder)
    snapshot.columns.nodes("Title")
    _ = snapshot.text, [one.search for one in snapshot.embeddings.values()]
    return snapshot


def _link_names(source: Path, target: Path) -> None:
    for file in (*(source / "nodes").glob("Title.*"), *(one for one in (source / "text").rglob("*") if one.is_file())):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        _link(file, place)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _scan_names(graph: Scanned, folder: Path) -> None:
    """Read all names from the graph and index them."""
    with tempfile.TemporaryDirectory(prefix="scan-", dir=folder) as scanned:
        for name, properties in _NAMES.items():
            scan = graph.scan_nodes if name in NODES else graph.scan_relationships
            batches = scan(name, properties)
            if (first := next(batches, None)) is not None:
                write_table(Path(scanned), name, itertools.chain([first], batches))
        tables = finish_tables(Path(scanned), [])
        if "Title" in tables.names:
            write_nodes(folder / "nodes", tables, "Title")
        index_names(folder / "text", itertools.chain(title_names(tables), person_names(tables)))


class Local(EmbeddedStore):
    """What is answered on this machine: names, vectors, and which titles are in a scope. For reading these alone."""

    def __init__(self, url: str, snapshot: Snapshot, offers: Any) -> None:
        self.url = url
        self.snapshot = snapshot
        self.__dict__["_live"] = offers

    def _now(self) -> Snapshot:
        return self.snapshot

    def inside(self, scope: Any, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which titles are in a scope: (ids,) bool."""
        mask = self.snapshot.offers(self.__dict__["_live"]).mask(scope)
        return holding(mask, self.snapshot.titles.positions(ids))


__all__ = ["Index", "Local"]
