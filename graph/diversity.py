"""Answers that differ from each other: maximal marginal relevance (Carbonell and Goldstein 1998)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from graph.reads import Asking, Embeddings, ask
from graph.store import GraphStore

Floats = npt.NDArray[np.float32]

POOL = 10
"""So many candidates for each title wanted are looked at: farther down nothing is a good answer, however unlike."""


def diverse(
    store: GraphStore, vectors: str, scores: Mapping[str, float], k: int, diversity: float,
    series: Collection[str] = (),
) -> dict[str, float]:  # fmt: skip
    """`diversifying`, asked of a store."""
    return ask(store, diversifying(vectors, scores, k, diversity, series))


def diversifying(
    vectors: str, scores: Mapping[str, float], k: int, diversity: float, series: Collection[str] = ()
) -> Asking[dict[str, float]]:
    """k titles, the best first and then one by one the one with the most left: title → what it had.

    That is (1 - diversity) times its share of the best score, and diversity times how unlike it is to the likest title
    before it: by the cosine of the vectors of that name; a title without one is like none. So a first place stays as it
    is, and values fall from place to place. series: titles that count as one and the same, whatever their vectors say.
    """
    pool = sorted(scores, key=lambda other: (-scores[other], other))[: POOL * k]
    if not pool:
        return {}
    (held,) = yield [Embeddings(vectors, pool)]
    unit = _directions(pool, *held)
    inside = np.array([other in series for other in pool])
    best = scores[pool[0]] if scores[pool[0]] > 0 else 1.0
    share = np.maximum(np.array([scores[other] for other in pool]) / best, 0)
    like = np.zeros(len(pool))  # how like each is to the likest chosen
    left = np.ones(len(pool), bool)
    found: dict[str, float] = {}
    for _ in range(min(k, len(pool))):
        value = np.where(left, (1 - diversity) * share + diversity * (1 - like), -np.inf)
        place = int(np.argmax(value)) if found else 0
        found[pool[place]] = float(value[place])
        left[place] = False
        like = np.maximum(like, unit @ unit[place])
        if inside[place]:
            like[inside] = 1
    return found


def _directions(ids: Sequence[str], held: Sequence[str], rows: Floats) -> Floats:
    """Vectors of unit length, zeros where a title has none: (n, d)."""
    place = {id_: row for row, id_ in enumerate(ids)}
    made = np.zeros((len(ids), rows.shape[1] if len(held) else 1), np.float32)
    for id_, row in zip(held, rows, strict=True):
        made[place[id_]] = row
    made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
    return made
