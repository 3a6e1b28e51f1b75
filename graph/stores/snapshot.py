"""One version of the embedded store, opened for reading."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.store import Provenance, StoreDamaged
from graph.stores.columns import Columns, Positions
from graph.stores.live import Live
from graph.stores.offers import Offers
from graph.stores.titles import Titles
from graph.stores.versions import Versions
from graph.text import TitleIndex
from graph.vectors import VectorSearch


@dataclass(frozen=True)
class Embedding:
    """One named set of vectors: positions (n,) ascending, vectors (n, d) float32, memory-mapped."""

    positions: Positions
    vectors: npt.NDArray[np.float32]
    provenance: Provenance
    index: Path | None = None

    @cached_property
    def search(self) -> VectorSearch:
        """What finds the largest inner products among them."""
        return VectorSearch(self.vectors, self.positions, self.index)

    def rows(self, positions: Positions) -> npt.NDArray[np.int64]:
        """The row of each title's vector: (n,) int64, -1 where it has none."""
        found = np.searchsorted(self.positions, positions)
        there = np.minimum(found, max(len(self.positions) - 1, 0))
        hit = (self.positions[there] == positions) if len(self.positions) else np.zeros(len(positions), bool)
        return np.where(hit & (positions >= 0), there, -1)


@dataclass
class Snapshot:
    """A version's columns, title index and vectors. Positions of one snapshot mean nothing in another.

    titles: these by position, with own ones that came since; one object for all threads, since it gives the positions.
    """

    name: str
    stamp: tuple[int, int, int] | None
    folder: Path
    columns: Columns
    details: Mapping[str, Any]
    embeddings: Mapping[str, Embedding]
    titles: Titles = field(init=False)
    _offers: tuple[int, Offers] | None = field(default=None)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.titles = Titles(self.columns)

    @classmethod
    def open(cls, versions: Versions, name: str | None) -> Snapshot:
        """Open a version, the current one unless named. Raises StoreDamaged when its files are not there."""
        for _ in range(3):  # a reader that slept through several loads finds its version gone, and looks again
            stamp = versions.stamp() if name is None else None
            current = versions.read().current if name is None else name
            folder = versions.folder(current) if current else versions.root / "versions" / "none"
            try:
                if current:
                    versions.check(current)
                return cls.of_folder(folder, current, stamp)
            except FileNotFoundError as error:
                missing = error
        raise StoreDamaged(versions.incomplete(current, missing))

    @classmethod
    def of_folder(cls, folder: Path, name: str = "", stamp: tuple[int, int, int] | None = None) -> Snapshot:
        """Open the version in a folder, which may still be in the making."""
        embeddings = {}
        for path in sorted((folder / "embeddings").glob("*.json")):
            positions, vectors = (
                np.load(path.with_name(f"{path.stem}.{part}.npy"), mmap_mode="r") for part in ("positions", "vectors")
            )
            provenance = Provenance(**json.loads(path.read_text("utf-8")))
            embeddings[path.stem] = Embedding(positions, vectors, provenance, path.with_name(f"{path.stem}.ivf"))
        details = json.loads((folder / "version.json").read_text("utf-8")) if name else {}
        return cls(name, stamp, folder, Columns(folder), details, embeddings)

    @cached_property
    def text(self) -> TitleIndex | None:
        """The index of titles' names; None before the first load."""
        path = self.folder / "text"
        return TitleIndex.open(path) if path.exists() else None

    def offers(self, live: Live) -> Offers:
        """The offers as they are now; read again only when they have changed, and only what has."""
        held = self._offers
        return held[1] if held is not None and held[0] == live.generation() else self._read_offers(live)

    def _read_offers(self, live: Live) -> Offers:
        """By one thread for all that wait: the rows of a large catalog take much memory until they are arrays."""
        with self._reading:
            generation, held = live.generation(), self._offers
            if held is None or held[0] != generation:
                changed = live.changed_offers(held[0], generation) if held is not None else None
                if held is None or changed is None:
                    held = generation, Offers(self.titles, live.offers(), live)
                else:
                    held = generation, held[1].amended(changed, live.offers(changed))
                self._offers = held
            return held[1]
