"""Search by vector: exact inner products over the rows that may be answered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BLOCK = 65_536


def top(scores: npt.NDArray[np.floating], k: int) -> npt.NDArray[np.int64]:
    """Places of the k largest scores, largest first, equal ones in their own order: (min(k, n),) int64."""
    if k < len(scores):
        # All that tie with the k-th stay in, so that equal scores are cut by their order, not by chance.
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        places = np.flatnonzero(scores >= threshold)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:k].astype(np.int64)


def inner_products(
    vectors: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], vector: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Products of `vector` (d,) with those rows of `vectors` (n, d), read in blocks: (len(rows),) float32."""
    scores = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        scores[start : start + len(block)] = vectors[block] @ vector
    return scores
