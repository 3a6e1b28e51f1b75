"""One version of the embedded store, opened for reading."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.schema import RELATIONSHIPS, arrow_schema
from graph.store import Direction, Provenance, StoreDamaged
from graph.stores.columns import Columns, Positions
from graph.stores.live import Live
from graph.stores.offers import Offers
from graph.stores.versions import Versions
from graph.text import TitleIndex

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Embedding:
    """One named set of vectors: positions (n,) ascending, vectors (n, d) float32, memory-mapped."""

    positions: Positions
    vectors: npt.NDArray[np.float32]
    provenance: Provenance

    def rows(self, positions: Positions) -> npt.NDArray[np.int64]:
        """The row of each title's vector: (n,) int64, -1 where it has none."""
        found = np.searchsorted(self.positions, positions)
        there = np.minimum(found, max(len(self.positions) - 1, 0))
        hit = (self.positions[there] == positions) if len(self.positions) else np.zeros(len(positions), bool)
        return np.where(hit & (positions >= 0), there, -1)


@dataclass(frozen=True)
class Step:
    """Relationships found: for each one the place of its source, its neighbour (as code) and its properties."""

    type: str
    source: Positions
    code: npt.NDArray[np.int64]
    distinct: pa.Array
    properties: pa.Table


@dataclass
class Snapshot:
    """A version's columns, title index and vectors. Positions of one snapshot mean nothing in another."""

    name: str
    stamp: tuple[int, int, int] | None
    folder: Path
    columns: Columns
    details: Mapping[str, Any]
    embeddings: Mapping[str, Embedding]
    _offers: tuple[int, Offers] | None = field(default=None)

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
            embeddings[path.stem] = Embedding(positions, vectors, Provenance(**json.loads(path.read_text("utf-8"))))
        details = json.loads((folder / "version.json").read_text("utf-8")) if name else {}
        return cls(name, stamp, folder, Columns(folder), details, embeddings)

    @cached_property
    def text(self) -> TitleIndex | None:
        """The index of titles' names; None before the first load."""
        path = self.folder / "text"
        return TitleIndex.open(path) if path.exists() else None

    def offers(self, live: Live) -> Offers:
        """The offers as they are now; read again only when they have changed."""
        generation = live.generation()
        held = self._offers
        if held is None or held[0] != generation:
            held = generation, Offers(self.columns, live.offers())
            self._offers = held
        return held[1]

    def step(
        self, ids: Sequence[str], type_: str, direction: Direction, only: Mask | None, properties: Sequence[str]
    ) -> Step:
        """Follow one bulk type from many nodes; `only` keeps neighbours by their position."""
        kind = RELATIONSHIPS[type_]
        near, far = (kind.head, kind.tail) if direction == "out" else (kind.tail, kind.head)
        edges = self.columns.edges(type_)
        source, node, slots = edges.step(self.columns.nodes(near).positions(ids), direction)
        if only is not None:
            keep = only[node]
            source, node, slots = source[keep], node[keep], slots[keep]
        distinct, code = np.unique(node, return_inverse=True)
        stored = edges.properties(slots, direction, ["key", *properties]) if properties else pa.table({})
        return Step(type_, source, code, self.columns.nodes(far).ids(distinct), stored)

    def live_step(self, table: pa.Table, type_: str, only: Mask | None) -> Step:
        """What `Live.neighbours` found for one live type, as a step like the others."""
        if only is not None:
            positions = self.columns.nodes("Title").positions(table.column("neighbour").to_pylist())
            table = table.filter(pa.array((positions >= 0) & only[positions]))
        neighbours = table.column("neighbour").combine_chunks().dictionary_encode()
        source = table.column("source").to_numpy()
        return Step(
            type_, source, neighbours.indices.to_numpy(), neighbours.dictionary, table.drop(["source", "neighbour"])
        )

    @staticmethod
    def assemble(steps: Sequence[Step], properties: Sequence[str]) -> pa.Table:
        """One table of several steps' relationships, as `GraphStore.neighbours` promises it."""
        offsets = np.cumsum([0, *(len(step.distinct) for step in steps)])
        codes = [step.code + offset for step, offset in zip(steps, offsets, strict=False)]
        names = pa.concat_arrays([step.distinct for step in steps]) if steps else pa.array([], pa.string())
        types = np.repeat(np.arange(len(steps), dtype=np.int32), [len(step.source) for step in steps])
        columns = {
            "source": pa.array(np.concatenate([*(step.source for step in steps), np.empty(0, np.int32)]), pa.int32()),
            "type": pa.DictionaryArray.from_arrays(types, pa.array([step.type for step in steps], pa.string())),
            "neighbour": pa.DictionaryArray.from_arrays(
                pa.array(np.concatenate([*codes, np.empty(0, np.int64)]), pa.int32()), names
            ),
        }
        if properties:
            for name in ("key", *properties):
                columns[name] = _column(steps, name)
        return pa.table(columns)


def _column(steps: Sequence[Step], name: str) -> pa.ChunkedArray:
    """A property over all steps; null (for `key`: '') where a type has none of that name."""
    if name == "key":
        type_ = pa.string()
    else:
        schemas = [arrow_schema(step.type) for step in steps]
        type_ = next((s.field(name).type for s in schemas if name in s.names), pa.null())
    missing = pa.scalar("" if name == "key" else None, type_)
    chunks = []
    for step in steps:
        if name in step.properties.column_names:
            chunks += step.properties.column(name).chunks
        else:
            chunks.append(pa.repeat(missing, len(step.source)))
    return pa.chunked_array(chunks, type_)
