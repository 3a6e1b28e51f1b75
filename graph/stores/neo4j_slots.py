"""How vectors lie in Neo4j: in which property, and in which form; without the driver, for a file has the same form.

Titles are ranked by the inner product, and Neo4j's indexes know the cosine. So a vector v is stored with one number
more, sqrt(M² - |v|²), where M is no less than the length of any: then all have the length M, and the cosine with
[z, 0] is z·v / (|z| M), which orders as the product does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from graph.stores import releases
from graph.stores.releases import provenance_of

Vectors = npt.NDArray[np.float32]
_ROOM = 1.25
"""How much longer than the longest vector a later one may be before all are written again."""


@dataclass(frozen=True)
class Slot(releases.Slot):
    """Where the vectors of one name lie, and the labels that have an index of them.

    longest: the length that all of them have as they are stored.
    """

    longest: float
    indexed: tuple[str, ...] = ()

    def as_properties(self, name: str) -> dict[str, Any]:
        """The properties of its Release node."""
        return super().as_properties(name) | {"longest": self.longest, "indexed": list(self.indexed)}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From a Release node's properties, or from what `history` keeps."""
        return cls(told["property"], provenance_of(told), told["longest"], tuple(told.get("indexed", ())))


def longest_of(vectors: Vectors) -> float:
    """The length of the longest of these vectors (n, d); 0 where there are none."""
    return float(np.sqrt((vectors.astype(np.float64) ** 2).sum(1)).max(initial=0.0))


def with_room(longest: float) -> float:
    """The length that vectors get, the longest of which is so long."""
    return _ROOM * longest or 1.0


def stored(vectors: Vectors, longest: float) -> npt.NDArray[np.float64]:
    """Vectors (n, d) as they are stored: (n, d + 1), all of the length `longest`."""
    exact = vectors.astype(np.float64)
    rest = np.sqrt(np.maximum(longest**2 - (exact**2).sum(1), 0.0))
    return np.hstack([exact, rest[:, None]])
