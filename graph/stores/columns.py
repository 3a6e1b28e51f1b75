"""The bulk part of the embedded store: immutable, memory-mapped columns of one version.

    nodes/Title.arrow, Title.keys.npy      nodes sorted by id, without properties that none of them has;
                                           the first 16 bytes of each id, for binary search
    relationships/DIRECTED/                both directions as compressed sparse rows, sorted by tail:
      in_start.npy in_node.npy             heads of each tail; an edge's number is its place here
      out_start.npy out_node.npy out_edge.npy
      properties.arrow                     one row an edge, where the type has any

A node's position is its row in its label's table: (n,) int32 throughout; -1 says that an id is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.schema import NODES, RELATIONSHIPS, arrow_schema
from graph.store import Direction

Positions = npt.NDArray[np.int32]

KEY_BYTES = 16
_NO_POSITIONS, _NO_SLOTS = np.empty(0, np.int32), np.empty(0, np.int64)
SCAN_ROWS = 65_536


def stored_properties(type_: str) -> list[str]:
    """The columns that a type's relationships have on disk."""
    names = [p.name for p in RELATIONSHIPS[type_].properties]
    return ["key", *names] if RELATIONSHIPS[type_].key_from else names


class Columns:
    """One version's nodes and relationships, opened where they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._nodes: dict[str, Nodes] = {}
        self._edges: dict[str, Edges] = {}

    def nodes(self, label: str) -> Nodes:
        """A label's nodes; none where the version has no such label."""
        if label not in self._nodes:
            self._nodes[label] = Nodes(self.folder / "nodes", label)
        return self._nodes[label]

    def edges(self, type_: str) -> Edges:
        """A type's relationships; none where the version has no such type."""
        if type_ not in self._edges:
            self._edges[type_] = Edges(self.folder / "relationships" / type_, type_)
        return self._edges[type_]

    @cached_property
    def adult(self) -> npt.NDArray[np.bool_]:
        """Which titles are adult: (titles,) bool; unknown counts as not."""
        titles = self.nodes("Title")
        if "is_adult" not in titles.stored:
            return np.zeros(len(titles), np.bool_)
        column = titles.table.column("is_adult")
        return cast(npt.NDArray[np.bool_], pc.fill_null(column, False).to_numpy(zero_copy_only=False))


class Nodes:
    """The nodes of one label."""

    def __init__(self, folder: Path, label: str) -> None:
        path = folder / f"{label}.arrow"
        if path.exists():
            self.table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            self.keys = _mapped(folder / f"{label}.keys.npy")
        else:
            self.table = arrow_schema(label).empty_table()
            self.keys = np.empty(0, f"S{KEY_BYTES}")
        self._ids = pa.chunked_array(self.table.column("id")).combine_chunks()
        self._wanted = arrow_schema(label)
        self.stored = frozenset(self.table.column_names)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def positions(self, ids: Sequence[str]) -> Positions:
        """Where each id is: (n,) int32, -1 for one that is not there."""
        if not len(ids) or not len(self):
            return np.full(len(ids), -1, np.int32)
        text = "".join(ids)
        # numpy encodes ASCII by itself, in half the time.
        plain = ids if text.isascii() else [id_.encode("utf-8", "surrogatepass") for id_ in ids]
        keys = np.array(plain, f"S{KEY_BYTES}")
        found = np.searchsorted(self.keys, keys)
        positions = np.minimum(found, len(self) - 1).astype(np.int32)
        positions[self.keys[positions] != keys] = -1
        # A full key may have been cut off, and a key does not tell whether zero bytes end it.
        full = np.flatnonzero(keys.view(np.uint8).reshape(-1, KEY_BYTES)[:, -1])
        for i in range(len(ids)) if "\0" in text else full.tolist():
            positions[i] = self._bisect(ids[i], int(found[i]))
        return positions

    def _bisect(self, id_: str, low: int) -> int:
        """The position of an id longer than the keys, at or after `low`; -1 where there is none."""
        key = id_.encode()[:KEY_BYTES]
        high = low + int(np.searchsorted(self.keys[low:], key, side="right"))
        while low < high:
            middle = (low + high) // 2
            if self._ids[middle].as_py().encode() < id_.encode():
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self._ids[low].as_py() == id_ else -1

    def ids(self, positions: Positions) -> pa.Array:
        """The ids at these positions, as an Arrow array of strings."""
        return self._ids.take(pa.array(positions)).cast(pa.string())

    def take(self, positions: Positions, properties: Sequence[str] | None) -> pa.Table:
        """Rows by position: `id` and the properties asked for, in the schema's types."""
        names = ["id", *(self._wanted.names[1:] if properties is None else properties)]
        return self._whole(self._select(names).take(pa.array(positions)), names)

    def _select(self, names: Sequence[str]) -> pa.Table:
        return self.table.select([name for name in names if name in self.stored])

    def _whole(self, rows: pa.Table, names: Sequence[str]) -> pa.Table:
        """Give rows the schema's types, and nulls for a property that no node of the version has."""
        fields = [self._wanted.field(name) for name in names]
        if rows.num_columns < len(names):
            columns = [
                rows.column(one.name) if one.name in self.stored else pa.nulls(rows.num_rows, one.type)
                for one in fields
            ]
            rows = pa.table(columns, names=list(names))
        return rows.cast(pa.schema(fields))

    def scan(self, properties: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """All rows in batches, ordered by id."""
        names = ["id", *(self._wanted.names[1:] if properties is None else properties)]
        for start in range(0, len(self), SCAN_ROWS):
            yield from self._whole(self._select(names).slice(start, SCAN_ROWS), names).to_batches()


class Edges:
    """The relationships of one type, both ways."""

    def __init__(self, folder: Path, type_: str) -> None:
        self.type = type_
        self.there = folder.exists()
        self._folder = folder

    def _load(self, name: str) -> npt.NDArray[Any]:
        return _mapped(self._folder / f"{name}.npy")

    @cached_property
    def _in(self) -> tuple[npt.NDArray[np.int64], Positions]:
        return self._load("in_start"), self._load("in_node")

    @cached_property
    def _out(self) -> tuple[npt.NDArray[np.int64], Positions]:
        return self._load("out_start"), self._load("out_node")

    @cached_property
    def _out_edge(self) -> Positions:
        return self._load("out_edge")

    @cached_property
    def _properties(self) -> pa.Table:
        return pa.ipc.open_file(pa.memory_map(str(self._folder / "properties.arrow"))).read_all()

    def __len__(self) -> int:
        return len(self._in[1]) if self.there else 0

    def degrees(self, positions: Positions, direction: Direction) -> npt.NDArray[np.int64]:
        """How many relationships each node has that way: (n,) int64; 0 at position -1."""
        if not self.there:
            return np.zeros(len(positions), np.int64)
        start = (self._out if direction == "out" else self._in)[0]
        return cast(npt.NDArray[np.int64], np.where(positions < 0, 0, start[positions + 1] - start[positions]))

    def step(self, positions: Positions, direction: Direction) -> tuple[Positions, Positions, npt.NDArray[np.int64]]:
        """From many nodes: (place in `positions`, neighbour's position, place in this direction's rows)."""
        if not self.there:
            return _NO_POSITIONS, _NO_POSITIONS, _NO_SLOTS
        start, node = self._out if direction == "out" else self._in
        if len(positions) == 1:
            place = int(positions[0])
            slots = np.arange(start[place], start[place + 1]) if place >= 0 else _NO_SLOTS
            return np.zeros(len(slots), np.int32), node[slots], slots
        first = start[positions]
        count = start[positions + 1] - first  # at position -1, which is nowhere, no more than 0
        if not len(count) or count.max() <= 0:
            return _NO_POSITIONS, _NO_POSITIONS, _NO_SLOTS
        count = np.maximum(count, 0)
        ends = count.cumsum()
        source = np.arange(len(positions), dtype=np.int32).repeat(count)
        slots = np.arange(ends[-1]) + (first - (ends - count)).repeat(count)
        return source, node[slots], slots

    def properties(self, slots: npt.NDArray[np.int64], direction: Direction, names: Sequence[str]) -> pa.Table:
        """The named columns (those that this type has, and `key`) for rows that `step` gave."""
        wanted = arrow_schema(self.type)
        stored = stored_properties(self.type)
        edges = self._out_edge[slots] if direction == "out" else slots
        names = [name for name in names if name in stored]
        if not names:
            return pa.table({})
        taken = self._properties.select(names).take(pa.array(edges))
        return taken.cast(pa.schema([wanted.field(name) for name in names]))

    def scan(self, heads: Nodes, tails: Nodes, properties: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """All relationships in batches, ordered by tail."""
        if not self.there:
            return
        start, node = self._in
        wanted = arrow_schema(self.type)
        names = [*(wanted.names[3:] if properties is None else properties)]
        tail = np.repeat(np.arange(len(start) - 1, dtype=np.int32), np.diff(start))
        for begin in range(0, len(node), SCAN_ROWS):
            slots = np.arange(begin, min(begin + SCAN_ROWS, len(node)))
            stored = self.properties(slots, "in", ["key", *names])
            columns = {"head": heads.ids(node[slots]), "tail": tails.ids(tail[slots])}
            columns["key"] = stored.column("key") if "key" in stored.column_names else pa.repeat("", len(slots))
            columns |= {name: stored.column(name) for name in names}
            schema = pa.schema([wanted.field(name) for name in columns])
            yield from pa.table(columns, schema=schema).to_batches()


def _mapped(path: Path) -> npt.NDArray[Any]:
    # A plain array over the map: np.memmap does more for each indexing than the indexing itself.
    return np.asarray(np.load(path, mmap_mode="r"))


def bulk_names() -> list[str]:
    """The labels and types that change only by a load."""
    return [name for name, node in NODES.items() if not node.live] + [
        name for name, kind in RELATIONSHIPS.items() if not kind.live
    ]
