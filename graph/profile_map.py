"""A map of the best-known titles: their vectors in two dimensions, and the groups that they make.

Vectors count by direction alone. Groups are made in all dimensions (k-means; seeds far apart, Arthur and Vassilvitskii
2007), the plane is that of the two first principal components.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from graph.foldin import VECTORS, from_content
from graph.store import GraphStore, NotInGraph

Floats = npt.NDArray[np.float64]

GROUPS = 8
_ROUNDS = 50
_TELLING = 2


@dataclass(frozen=True)
class Place:
    """A title on the map. group: a place in `Map.groups`."""

    id: str
    title: str
    x: float
    y: float
    group: int


@dataclass(frozen=True)
class Map:
    """vectors: the name under which they are published, or `content` where none are. run: that made them.

    groups: the genres that tell each from the rest, and its best-known title. shown: share of the spread that the plane
    has.
    """

    vectors: str
    run: str | None
    groups: Sequence[str]
    places: Sequence[Place]
    shown: float


def map_of(store: GraphStore, known: Sequence[tuple[str, str]], vectors: str | None = None) -> Map | None:
    """A map of titles given by id and name, the best known first; None where fewer than three have a vector.

    Raises NotInGraph for vectors that are asked for and not published.
    """
    published = store.info().embeddings
    if vectors is not None and vectors not in published:
        there = ", ".join(sorted(published)) or "none"
        raise NotInGraph(f"the store has no vectors {vectors!r}; published are: {there}")
    name = vectors or (VECTORS if VECTORS in published else None)
    ids = [id_ for id_, _ in known]
    if len(ids) < 3:
        return None
    if name is None:
        found, rows = ids, from_content(store).vectors(ids)
    else:
        found, rows = store.get_embeddings(name, ids)
    row = {id_: place for place, id_ in enumerate(found)}
    order = [id_ for id_ in ids if id_ in row]
    if len(order) < 3:
        return None
    unit = rows[[row[id_] for id_ in order]].astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    plane, shown = _plane(unit)
    group = _groups(unit, min(GROUPS, len(order)))
    titles = dict(known)
    first = {int(own): titles[id_] for id_, own in reversed(list(zip(order, group, strict=True)))}
    named = [f"{genres}, like {first[number]}" for number, genres in enumerate(_named(store, order, group))]
    return Map(
        name or "content", published[name].run if name else None, named,
        [Place(id_, titles[id_], round(float(x), 4), round(float(y), 4), int(own))
         for id_, (x, y), own in zip(order, plane, group, strict=True)],
        round(shown, 4),
    )  # fmt: skip


def _plane(unit: Floats) -> tuple[Floats, float]:
    """The two first principal components, (n, 2), their signs fixed; and the share of the variance that they have."""
    centred = unit - unit.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(unit), 2))
    plane[:, : min(2, len(s))] = (u * s)[:, :2]
    signs = np.sign(plane[np.abs(plane).argmax(0), range(2)])
    total = float((s**2).sum())
    return plane * np.where(signs == 0, 1, signs), float((s[:2] ** 2).sum()) / total if total else 0.0


def _groups(unit: Floats, count: int) -> npt.NDArray[np.int64]:
    """k-means: a group for each row, numbered from the largest on."""
    chance = np.random.default_rng(0)
    centres = unit[[0]]
    while len(centres) < count:
        away = np.maximum(2 - 2 * (unit @ centres.T).max(1), 0)
        if not away.sum():
            break
        centres = np.vstack([centres, unit[chance.choice(len(unit), p=away / away.sum())]])
    own = (unit @ centres.T).argmax(1)
    for _ in range(_ROUNDS):
        means = np.array(
            [unit[own == one].mean(0) if (own == one).any() else centres[one] for one in range(len(centres))]
        )
        centres = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        before, own = own, (unit @ centres.T).argmax(1)
        if (before == own).all():
            break
    sizes = np.bincount(own, minlength=len(centres))
    rank = np.empty(len(centres), np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(centres))
    return cast(npt.NDArray[np.int64], rank[own])


def _named(store: GraphStore, ids: Sequence[str], group: npt.NDArray[np.int64]) -> list[str]:
    """Each group by the genres that are much more frequent in it than among all, and the share of titles it has."""
    steps = store.neighbours(ids, ["IN_GENRE"], "out")
    pairs = list(
        zip(group[steps.column("source").to_numpy()].tolist(), steps.column("neighbour").to_pylist(), strict=True)
    )
    everywhere, inside = Counter(genre for _, genre in pairs), Counter(pairs)
    sizes = np.bincount(group)
    named = []
    for one, size in enumerate(sizes.tolist()):
        # How much more often than among all, in standard deviations: rare genres do not come first by a single title.
        told = {
            genre: (inside[one, genre] - size * count / len(ids)) / np.sqrt(size * count / len(ids))
            for genre, count in everywhere.items() if inside[one, genre]
        }  # fmt: skip
        best = sorted(told, key=lambda genre: (-told[genre], genre))[:_TELLING]
        named.append(", ".join(best) or "no genre")
    return named
