"""The reading calls of a store over the network: each is a `gather` of one read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph import reads
from graph.reads import Read
from graph.store import Direction, Scope, TextHit


class Gathered(ABC):
    """What `graph.store.GraphStore` promises of these calls, by the store's own `gather`."""

    @abstractmethod
    def gather(self, asked: Sequence[Read]) -> Sequence[Any]:
        """The answers to reads, in one exchange."""

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def state(self) -> str:
        return str(self.gather([reads.State()])[0])

    def get_nodes(self, label: str, ids: Sequence[str], properties: Sequence[str] | None = None) -> pa.Table:
        return self.gather([reads.Nodes(label, list(ids), properties)])[0]

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
        return self.gather([reads.Neighbours(list(ids), types, direction, within, mark, most, properties)])[0]

    def degrees(self, ids: Sequence[str], types: Sequence[str], direction: Direction) -> npt.NDArray[np.int64]:
        found: npt.NDArray[np.int64] = self.gather([reads.Degrees(list(ids), types, direction)])[0]
        return found

    def search_text(self, query: str, limit: int, *, prefix: bool = False, adult: bool = False) -> list[TextHit]:
        found: list[TextHit] = self.gather([reads.Text(query, limit, prefix, adult)])[0]
        return found

    def search_vector(
        self, name: str, vector: npt.NDArray[np.float32] | str, k: int, *, within: Scope | None = None
    ) -> list[tuple[str, float]]:
        found: list[tuple[str, float]] = self.gather([reads.Nearest(name, vector, k, within)])[0]
        return found

    def offered(self, within: Scope, ids: Sequence[str] | None = None) -> pa.Table:
        return self.gather([reads.Offered(within, None if ids is None else list(ids))])[0]
