"""Known triples, for looking up: which tails a head and a relation have, which heads a relation and a tail have.

Each direction is one sorted array of packed numbers, (head, relation, tail) as head·R·E + relation·E + tail; the
answers to a query stand in a row there, so a batch of queries is two binary searches.
"""

from __future__ import annotations

from functools import cached_property
from typing import cast

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]


class Known:
    """Triples (n, 3) int64 over `entities` and `relations` numbers. Rows may come twice. 16 bytes a triple."""

    def __init__(self, triples: Ids, entities: int, relations: int) -> None:
        if entities * entities * relations >= 2**63:
            raise ValueError(
                f"{entities:,} entities with {relations:,} relations are too many to number their triples in 64 bits"
            )
        self.entities, self.relations = entities, relations
        self._triples = triples

    @cached_property
    def _by_head(self) -> Ids:
        return self._sorted(0, 2)

    @cached_property
    def _by_tail(self) -> Ids:
        return self._sorted(2, 0)

    def _sorted(self, given: int, asked: int) -> Ids:
        packed = self._keys(self._triples[:, given], self._triples[:, 1]) * self.entities + self._triples[:, asked]
        packed.sort()
        # A folder may hold a triple in two parts; counted twice, it would be taken off a rank twice.
        return cast(Ids, packed[np.diff(packed, prepend=-1) != 0])

    def _keys(self, given: Ids, relations: Ids) -> Ids:
        return given.astype(np.int64) * self.relations + relations

    @property
    def count(self) -> int:
        """How many different triples are known."""
        return len(self._by_head)

    def tails(self, heads: Ids, relations: Ids) -> tuple[Ids, Ids]:
        """Known tails of (b,) queries: where each query's begin, (b + 1,), and the entities one after another."""
        return self._look_up(self._by_head, self._keys(heads, relations))

    def heads(self, relations: Ids, tails: Ids) -> tuple[Ids, Ids]:
        """Known heads of (b,) queries: where each query's begin, (b + 1,), and the entities one after another."""
        return self._look_up(self._by_tail, self._keys(tails, relations))

    def _look_up(self, packed: Ids, keys: Ids) -> tuple[Ids, Ids]:
        first = np.searchsorted(packed, keys * self.entities)
        counts = np.searchsorted(packed, (keys + 1) * self.entities) - first
        starts = np.zeros(len(keys) + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        places = np.arange(starts[-1]) + np.repeat(first - starts[:-1], counts)
        return starts, packed[places] - np.repeat(keys * self.entities, counts)

    def contains(self, triples: Ids) -> npt.NDArray[np.bool_]:
        """Which of these triples are known: (n, 3) → (n,)."""
        if not len(self._by_head):
            return np.zeros(len(triples), np.bool_)
        wanted = self._keys(triples[:, 0], triples[:, 1]) * self.entities + triples[:, 2]
        places = np.minimum(np.searchsorted(self._by_head, wanted), len(self._by_head) - 1)
        return cast(npt.NDArray[np.bool_], self._by_head[places] == wanted)
