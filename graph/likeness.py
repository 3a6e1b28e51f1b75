"""How like each item of a catalog is to others: worked out beforehand (`graph.lists`), so that an answer adds up rows.

Two items are alike by what their likers have in common (`graph.crowd`) and by what they are (substitute vectors), each
as a share of the likeness to the nearest; what is not known of an item counts nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.crowd import MOST, Crowd

Floats = npt.NDArray[np.float32]
CONTENT = 0.5
"""What a share of the nearest by content counts beside one by likers."""
MOST_COMPARED = 30_000
"""Items beyond which those alike by content are not worked out beforehand."""
_BLOCK = 512


@dataclass(frozen=True)
class Likeness:
    """Titles (N,) and the likeness of each to those of a catalog: a sparse (N, N) matrix. likes: of each title (N,)."""

    place: dict[str, int]
    titles: tuple[str, ...]
    matrix: Any
    likes: npt.NDArray[np.int64]

    def to(self, titles: Sequence[str]) -> tuple[Floats, bool]:
        """How like each is to some titles, all together: (N,); and whether anything is known of these."""
        rows = [at for title in titles if (at := self.place.get(title)) is not None]
        starts, ends = self.matrix.indptr[rows], self.matrix.indptr[[at + 1 for at in rows]]
        spans = [slice(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True) if end > start]
        if not spans:
            return np.zeros(len(self.titles), np.float32), False
        columns = np.concatenate([self.matrix.indices[span] for span in spans])
        values = np.concatenate([self.matrix.data[span] for span in spans])
        return np.bincount(columns, values, len(self.titles)).astype(np.float32), True


def likeness(titles: Sequence[str], crowd: Crowd, vectors: Floats) -> Likeness:
    """That of a catalog's titles (n,), whose vectors (n, d) are zeros where there are none."""
    place = {title: at for at, title in enumerate(dict.fromkeys(titles))}
    inside = len(place)
    for title in crowd.titles:
        place.setdefault(title, len(place))
    size = len(place)
    likes = np.zeros(size, np.int64)
    made = sparse.csr_matrix((size, size), dtype=np.float32)
    if crowd.titles:
        moved = np.array([place[title] for title in crowd.titles], np.int64)
        likes[moved] = crowd.likes
        found = crowd.beside.tocoo()
        rows, columns = moved[found.row], moved[found.col]
        kept = columns < inside
        by_likers = sparse.csr_matrix((found.data[kept], (rows[kept], columns[kept])), (size, size), dtype=np.float32)
        made = _shares(by_likers)
    if len(titles) == inside <= MOST_COMPARED and vectors.any():
        by_content = _shares(_by_content(vectors))
        by_content.resize((size, size))
        made = sparse.csr_matrix(made + CONTENT * by_content)
    return Likeness(place, tuple(place), made, likes)


def _by_content(vectors: Floats) -> Any:
    """The products of each vector of unit length with all others, the largest of each row: (n, n) sparse."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    parts = []
    for start in range(0, len(vectors), _BLOCK):
        block = (vectors[start : start + _BLOCK] / lengths[start : start + _BLOCK]) @ vectors.T
        np.maximum(block, 0, out=block)
        block[np.arange(len(block)), np.arange(start, start + len(block))] = 0
        few = min(MOST, block.shape[1])
        best = np.argpartition(block, block.shape[1] - few, axis=1)[:, block.shape[1] - few :]
        values = np.take_along_axis(block, best, axis=1)
        indptr = np.arange(0, best.size + 1, few)
        part = sparse.csr_matrix((values.ravel(), best.ravel(), indptr), block.shape)
        part.eliminate_zeros()
        parts.append(part)
        time.sleep(0)  # answers go before
    return sparse.vstack(parts, format="csr", dtype=np.float32)


def _shares(matrix: Any) -> Any:
    """Each row divided by its largest value."""
    highest = np.asarray(matrix.max(axis=1).todense()).ravel()
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(highest, 1e-12)) @ matrix, dtype=np.float32)
