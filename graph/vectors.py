"""Search by vector: the largest inner products among the rows that may be answered.

Exact while few enough rows may be answered, whatever the store holds; beyond that faiss (IVF, 8-bit scalar
quantizer) finds candidates and the float32 vectors order them. The filter works inside the search: k come back
whenever k exist.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

EXACT_ROWS = 200_000
"""Up to so many rows that may be answered, every product is computed; a store with more vectors gets an index."""

RECALL = 0.98
"""What share of the true ten nearest a new index must find in itself; a search may cost what that takes."""

_BLOCK = 65_536
_KEPT_SCOPES, _KEPT_BYTES = 4, 256 << 20
_TRAINED_ON, _ROUNDS = 32, 8  # vectors a list, and rounds of k-means: more changes recall by less than probing does
_ASKED, _NEAREST, _SPARE = 100, 10, 3  # queries that set the probes; candidates a wanted row, as 8 bits blur the order
_log = logging.getLogger(__name__)


def top(scores: npt.NDArray[np.floating], k: int) -> Rows:
    """Places of the k largest scores, largest first, equal ones in their own order: (min(k, n),) int64."""
    if k < len(scores):
        # All that tie with the k-th stay in, so that equal scores are cut by their order, not by chance.
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        places = np.flatnonzero(scores >= threshold)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:k].astype(np.int64)


def unit(rows: Vectors) -> Vectors:
    """Rows at unit length; a row of zeros stays one."""
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return np.asarray(rows / lengths, np.float32)


def inner_products(vectors: Vectors, rows: Rows, vector: Vectors) -> Vectors:
    """Products of `vector` (d,) with those rows of `vectors` (n, d), read in blocks: (len(rows),) float32."""
    scores = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        scores[start : start + len(block)] = vectors[block] @ vector
    return scores


def build_index(path: Path, vectors: Vectors, recall: float = RECALL) -> bool:
    """Write an index of `vectors` (n, d) float32 to `path`; False where faiss is not installed.

    How many lists a search probes is measured here, on vectors of its own, and kept in the index.
    """
    try:
        import faiss
    except ImportError:
        _log.warning("no vector index: faiss is not installed")
        return False
    count, dimension = vectors.shape
    lists = max(int(np.sqrt(count)), 1)
    chance = np.random.default_rng(0)
    index: Any = faiss.index_factory(dimension, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.min_points_per_centroid = _ROUNDS, 1
    index.train(_some(vectors, _TRAINED_ON * lists, chance))
    for start in range(0, count, _BLOCK):
        index.add(np.ascontiguousarray(vectors[start : start + _BLOCK]))
    asked = _some(vectors, _ASKED, chance)
    truth = _nearest(vectors, asked)
    index.nprobe = 8
    while index.nprobe < lists:
        candidates = index.search(asked, _NEAREST * _SPARE)[1]
        # Candidates are put in their true order afterwards, so it is enough that the nearest are among them.
        hits = [len(np.intersect1d(a, b)) for a, b in zip(truth, candidates, strict=True)]
        if sum(hits) >= recall * truth.size:
            break
        index.nprobe = min(2 * index.nprobe, lists)
    path.write_bytes(faiss.serialize_index(index).data)  # faiss's own writing would miss that a disk is full
    return True


def _some(vectors: Vectors, count: int, chance: np.random.Generator) -> Vectors:
    """Random rows, each at most once, in their order: reading a mapped file runs forward."""
    rows = np.sort(chance.permutation(len(vectors))[:count])
    return np.ascontiguousarray(vectors[rows])


def _nearest(vectors: Vectors, asked: Vectors) -> Rows:
    """The rows with the largest products for each of `asked`: (asked, at most 10)."""
    scores = np.empty((len(asked), 0), np.float32)
    rows = np.empty((len(asked), 0), np.int64)
    for start in range(0, len(vectors), _BLOCK):
        block = asked @ vectors[start : start + _BLOCK].T
        scores = np.hstack([scores, block])
        rows = np.hstack([rows, np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)])
        best = np.argpartition(-scores, min(_NEAREST, scores.shape[1]) - 1, axis=1)[:, :_NEAREST]
        scores, rows = np.take_along_axis(scores, best, 1), np.take_along_axis(rows, best, 1)
    return rows


class VectorSearch:
    """The vectors of one name: (n, d) float32, and an index of them where there is one. Safe for threads.

    What a scope needs is kept for the last few, by the identity of its mask: who asks gives the same array again.
    """

    def __init__(
        self, vectors: Vectors, positions: npt.NDArray[np.integer[Any]], index: Path | None = None,
        exact_rows: int = EXACT_ROWS,
    ) -> None:  # fmt: skip
        self._vectors = vectors
        self._positions = positions
        self._path = index
        self._exact_rows = exact_rows
        self._kept: OrderedDict[int, _Scope] = OrderedDict()
        self._lock, self._making = threading.Lock(), threading.Lock()

    def best(self, vector: Vectors, k: int, mask: Mask | None = None) -> tuple[Rows, Vectors]:
        """The k rows with the largest products, best first, and the products; min(k, rows that may be answered).

        mask: (titles,) bool, which positions may be answered; None: all. It must not change afterwards.
        """
        vector = np.ascontiguousarray(vector, np.float32)
        scope = self._scope(mask)
        k = min(k, len(scope.rows))
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if len(scope.rows) > self._exact_rows and self._index is not None:
            rows = self._candidates(vector, k, scope)
            if len(rows) >= k:
                scores = inner_products(self._vectors, rows, vector)
                chosen = top(scores, k)
                return rows[chosen], scores[chosen]
        scores = scope.products(self._vectors, vector)
        chosen = top(scores, k)
        return scope.rows[chosen], scores[chosen]

    @cached_property
    def _index(self) -> Any:
        """The index, its lists mapped from the file; None where there is none, or faiss is not there to read it."""
        if self._path is None or not self._path.exists():
            return None
        try:
            import faiss

            return faiss.read_index(str(self._path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        except (ImportError, RuntimeError) as error:
            _log.warning("exact search: %s cannot be read: %s", self._path, error)
            return None

    def _candidates(self, vector: Vectors, k: int, scope: _Scope) -> Rows:
        """What the index finds in scope, ordered by row; at most a few times k, sometimes fewer than k."""
        import faiss

        # The fewer of the rows are in scope, the wider the nearest of those lie apart.
        probes = min(self._index.nprobe * len(self._positions) // len(scope.rows), self._index.nlist)
        options: dict[str, Any] = {"nprobe": probes}
        if scope.selector is not None:
            options["sel"] = scope.selector
        wanted = min(k * _SPARE, len(scope.rows))
        found = self._index.search(vector[None], wanted, params=faiss.SearchParametersIVF(**options))[1][0]
        return np.sort(found[found >= 0])

    def _scope(self, mask: Mask | None) -> _Scope:
        held = self._held(mask)
        if held is not None:
            return held
        with self._making:  # one at a time, for each gathers up to a quarter of a gigabyte
            held = self._held(mask)
            if held is not None:
                return held
            made = _Scope(mask, self._positions, self._vectors, self._exact_rows)
            with self._lock:
                self._kept[id(mask)] = made
                while len(self._kept) > _KEPT_SCOPES or (
                    len(self._kept) > 1 and sum(one.size for one in self._kept.values()) > _KEPT_BYTES
                ):
                    self._kept.popitem(last=False)
        return made

    def _held(self, mask: Mask | None) -> _Scope | None:
        with self._lock:
            if id(mask) in self._kept:
                self._kept.move_to_end(id(mask))
            return self._kept.get(id(mask))


class _Scope:
    """The rows of a scope, with their vectors side by side where that is worth the memory."""

    def __init__(
        self, mask: Mask | None, positions: npt.NDArray[np.integer[Any]], vectors: Vectors, exact_rows: int
    ) -> None:
        self._mask = mask  # held, so that no other mask takes its identity
        inside = None if mask is None else mask[positions]
        self.rows: Rows = np.arange(len(positions)) if inside is None else np.flatnonzero(inside)
        self._whole = len(self.rows) == len(positions)
        few = len(self.rows) <= exact_rows and 4 * len(self.rows) * vectors.shape[1] <= _KEPT_BYTES
        self._gathered = np.ascontiguousarray(vectors[self.rows]) if few and not self._whole else None
        self.size = 0 if self._gathered is None else self._gathered.nbytes
        self._inside = None if self._whole else inside

    @cached_property
    def selector(self) -> Any:
        """The rows as faiss filters by them; None: all."""
        if self._inside is None:
            return None
        import faiss

        filtered: Any = faiss.IDSelectorBitmap  # its Python form takes the bits as an array
        return filtered(np.packbits(self._inside, bitorder="little"))

    def products(self, vectors: Vectors, vector: Vectors) -> Vectors:
        """The product of every row in scope: (rows,) float32."""
        if self._gathered is not None:
            return self._gathered @ vector
        return vectors @ vector if self._whole else inner_products(vectors, self.rows, vector)
