"""How well titles that are wanted are made up for by titles that may be shown: the best one counts."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from graph.substitutability import Curve

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_BLOCK = 1_024


class Coverage:
    """The best substitute of each wanted title among all that were offered to it.

    vectors: (n, d) substitute vectors of the wanted titles, rows of zeros for those that have none: nothing is known to
    stand in for these.
    """

    def __init__(self, curve: Curve, vectors: Floats) -> None:
        self._vectors, self._worth = vectors, curve.given(vectors)
        self._known: Mask = np.any(vectors, axis=1)
        self._products = np.full(len(vectors), -np.inf, np.float32)
        self.best: npt.NDArray[np.int64] = np.full(len(vectors), -1, np.int64)
        """The place of the best one among those offered, -1 where there is none: (n,)."""

    def offer(self, vectors: Floats, first: int = 0) -> None:
        """Let more titles stand in, whose places count from `first`: (c, d), rows of zeros as above."""
        for start in range(0, len(self._vectors) if len(vectors) else 0, _BLOCK):
            rows = slice(start, start + _BLOCK)
            products = self._vectors[rows] @ vectors.T
            products[:, ~np.any(vectors, axis=1)] = -np.inf
            places = products.argmax(axis=1)
            highest = products[np.arange(len(products)), places]
            better = self._known[rows] & (highest > self._products[rows])
            self._products[rows][better] = highest[better]
            self.best[rows][better] = first + places[better]

    @property
    def now(self) -> Floats:
        """How good the best one is likely to be, 0 where there is none: (n,), 0 to 1."""
        values = self._worth(self._products)
        return cast(Floats, np.where(self.best >= 0, values, np.float32(0)))

    def values(self, vectors: Floats, own: npt.NDArray[np.int64]) -> Floats:
        """What each of some titles would be worth to each wanted one, and one to itself: (n, c), 0 to 1.

        vectors: (c, d), rows of zeros for those that have none. own: (c,) which wanted title each is, -1 for none.
        """
        values = self._worth(self._vectors @ vectors.T)
        there: Mask = np.any(vectors, axis=1)
        values *= self._known[:, None] & there
        mine = np.flatnonzero(own >= 0)
        values[own[mine], mine] = 1
        return values
