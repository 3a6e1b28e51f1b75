"""Numbers for the nodes of a graph while its relationships are read, column by column; no id becomes a Python string.

Numbers are given label by label as labels are met, and closed up at the end over those that some triple has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gnn.known import Ids
from graph.schema import NODES
from graph.store import GraphStore

Parts = dict[str, list[tuple[Ids, Ids]]]
"""Relation → its (heads, tails), part by part."""


class Numbering:
    """Numbers of nodes and buckets while the graph is read; those that no triple has are taken out at the end."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._first: dict[str, int] = {}
        self._names: dict[str, pa.Array] = {}
        self._next = 0

    def add(self, kind: str, names: pa.Array) -> int:
        """Give numbers to names, one after another; returns the first."""
        self._first[kind], self._names[kind] = self._next, names
        self._next += len(names)
        return self._first[kind]

    def numbers(self, label: str, ids: pa.ChunkedArray) -> Ids:
        """Numbers of a label's nodes: (n,) ids → (n,), -1 for one that is not there."""
        if label not in self._names:
            batches = [batch.column("id") for batch in self._store.scan_nodes(label, [])]
            self.add(label, pa.chunked_array(batches, pa.string()).combine_chunks())
        places = pc.index_in(ids, value_set=self._names[label])
        places = pc.add(pc.cast(places, pa.int64()), self._first[label])
        return cast(Ids, pc.fill_null(places, -1).to_numpy())

    def names(self) -> list[tuple[str, int, pa.Array]]:
        """(label or bucket, first number, names), labels in the schema's order."""
        place = {label: number for number, label in enumerate(NODES)}
        kinds = sorted(self._names, key=lambda kind: (place.get(kind, len(place)), kind))
        return [(kind, self._first[kind], self._names[kind]) for kind in kinds]


def compact(found: Parts, names: Sequence[tuple[str, int, pa.Array]]) -> tuple[list[str], list[str], Ids]:
    """Names of entities, names of relations, and ordered triples each once, from parts whose numbers have gaps."""
    size = max(first + len(ids) for _, first, ids in names)
    used = np.zeros(size, np.bool_)
    for parts in found.values():
        for head, tail in parts:
            used[head], used[tail] = True, True
    number = np.zeros(size, np.int64)
    entities: list[str] = []
    for kind, first, ids in names:
        mine = np.flatnonzero(used[first : first + len(ids)])
        # A label's numbers were given when it was first met; its place among the labels is the schema's.
        number[first + mine] = len(entities) + np.arange(len(mine))
        kept = ids.take(pa.array(mine)).to_pylist()
        entities += [f"{kind}:{id_}" for id_ in kept] if kind in NODES else kept
    relations = [relation for relation, parts in found.items() if sum(len(head) for head, _ in parts)]
    packed = np.concatenate([
        (number[head] * len(relations) + place) * len(entities) + number[tail]
        for place, relation in enumerate(relations) for head, tail in found[relation]
    ])  # fmt: skip
    packed.sort()
    packed = packed[np.diff(packed, prepend=-1) != 0]
    rest, tails = np.divmod(packed, len(entities))
    return entities, relations, np.stack([*np.divmod(rest, len(relations)), tails], axis=1)
