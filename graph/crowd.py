"""What viewers like together: for each item those that its likers like most beside it (cosine of their likers).

Counted from all likes in the store (`graph.lists` says when).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.feedback_kinds import FeedbackKinds
from graph.history import CLOCKS_APART
from graph.store import GraphStore

MOST = 100
"""Others kept of each item."""
_MOST_LIKES, _LIKES_OF_ONE = 5_000_000, 500
_BLOCK = 2_048
_READ = ("head", "tail", "key", "value", "timestamp")
_DAMPING = 5.0
"""Likers added to those of every item, so that two that one viewer shares are not taken for twins."""
_log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Crowd:
    """Of titles (n,): how often each was liked, and the likeness of each to others as a sparse (n, n) matrix."""

    place: dict[str, int] = field(default_factory=dict)
    titles: tuple[str, ...] = ()
    likes: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    beside: Any = None


def counted(store: GraphStore, kinds: FeedbackKinds) -> Crowd:
    """The crowd of a store as it is now."""
    latest = time.time() + CLOCKS_APART
    users: dict[str, int] = {}
    place: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for batch in store.scan_relationships("RATED", ["value", "timestamp"]):
        heads, tails, keys, values, times = (batch.column(name).to_pylist() for name in _READ)
        for user, title, type_, value, when in zip(heads, tails, keys, values, times, strict=True):
            if kinds.of(type_, value) == "liked" and (when is None or when <= latest):
                rows.append(users.setdefault(user, len(users)))
                columns.append(place.setdefault(title, len(place)))
        if len(rows) > _MOST_LIKES:
            _log.warning("likes beyond the first are not counted together", extra={"fields": {"first": _MOST_LIKES}})
            break
    if not rows:
        return Crowd()
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(users), len(place)))
    matrix.data[:] = 1.0  # several kinds of liking are one
    likes = np.bincount(matrix.indices, minlength=len(place)).astype(np.int64)
    return Crowd(place, tuple(place), likes, _beside(matrix, likes))


def _beside(matrix: Any, likes: npt.NDArray[np.int64]) -> Any:
    """The most alike of each item: (n, n) sparse, at most MOST a row."""
    count = np.diff(matrix.indptr)
    weights = np.minimum(1.0, _LIKES_OF_ONE / np.maximum(count, 1)).astype(np.float32)  # who likes all says little
    scaled = sparse.diags(weights) @ matrix @ sparse.diags((1 / np.sqrt(likes + _DAMPING)).astype(np.float32))
    items = scaled.T.tocsr()
    plain = sparse.csr_matrix(scaled)
    parts = []
    for start in range(0, items.shape[0], _BLOCK):
        block = sparse.csr_matrix(items[start : start + _BLOCK] @ plain)
        parts.append(_top(block, start))
    return sparse.vstack(parts, format="csr", dtype=np.float32)


def _top(block: Any, first: int) -> Any:
    indptr, indices, data = [0], [], []
    for row in range(block.shape[0]):
        start, end = block.indptr[row : row + 2]
        places, values = block.indices[start:end], block.data[start:end]
        keep = places != first + row
        places, values = places[keep], values[keep]
        if len(values) > MOST:
            best = np.argpartition(values, len(values) - MOST)[len(values) - MOST :]
            places, values = places[best], values[best]
        indices.append(places)
        data.append(values)
        indptr.append(indptr[-1] + len(places))
    return sparse.csr_matrix((np.concatenate(data), np.concatenate(indices), indptr), block.shape)
