"""Strategies that are one published vector a title: what they score is what a search for the nearest serves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gnn.prepare import absent

Floats = npt.NDArray[np.float32]


def lacks_packages(*packages: str) -> str | None:
    """What a strategy needs, where any of these packages is not installed (`gnn.strategy.Entry.lacks`)."""
    missing = absent(*packages)
    return f"needs {' and '.join(missing)}: pip install 'reelgraph[train]'" if missing else None


class ByVectors:
    """Inner products of unit vectors; what has no vector comes last."""

    def __init__(self, ids: Sequence[str], vectors: Floats) -> None:
        self._row = {id_: row for row, id_ in enumerate(ids)}
        # The last row stands for titles that have no vector.
        self._vectors = np.concatenate([vectors, np.zeros((1, vectors.shape[1]), np.float32)])

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """(asked, among); -2 where a candidate has no vector."""
        one, other = (np.array([self._row.get(id_, -1) for id_ in ids], np.int64) for ids in (asked, among))
        made: Floats = self._vectors[one] @ self._vectors[other].T
        made[:, other < 0] = -2
        return made
