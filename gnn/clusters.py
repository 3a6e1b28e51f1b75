"""Clusters, as tutorials on recommending films have them: k-means on titles, neighbours of the same cluster first.

Three spaces to cluster in: what titles are in plain columns (`gnn.title_numbers`), reduced by PCA; co-likes of viewers,
where a title that nobody liked goes to the cluster that its columns predict; words of plots and keywords (tf-idf,
SVD). The vectors that come out put a title's own cluster before all others, and its titles in order: the nearest first,
or by chance as the originals do. So whatever searches the nearest vectors serves clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from gnn.config import ConfigError
from gnn.substitutes import Likes, factors
from gnn.title_numbers import Columns, title_columns
from gnn.title_words import words_of
from graph.store import GraphStore, Progress

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

SHARE = 0.75
"""Of a vector's squared length that says the cluster; more than two thirds, so that it comes before anything else."""
_WITHIN = 2.0  # how much larger the sphere is than the farthest title: the larger, the more exact the order
_CHANCE = 16  # dimensions of a direction by chance
_FITTED_ON = 100_000  # titles: more of them move no centre much


class Options(BaseModel):
    """`model.options` of Clusters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: Literal["columns", "likes", "plots"] = Field("columns", description="what is clustered")
    order: Literal["nearest", "random"] = Field("nearest", description="within a cluster")
    clusters: int = Field(40, ge=1, description="k of k-means")
    numbers: float = Field(1.0, ge=0, description="deviation of runtime, votes, rating and year, beside ones")
    likes_from: float = Field(4.0, description="of likes: the least value that counts as one")
    least_likes: int = Field(3, ge=1, description="of likes: titles with fewer go where their columns predict")


@dataclass(frozen=True)
class Clustered:
    """Titles in their clusters. cluster: (n,) below `clusters`; places: (n, d), whose distances order a cluster.

    learned: how many of the titles k-means was fitted on.
    """

    ids: list[str]
    cluster: Ints
    places: Floats
    clusters: int
    learned: int


def clustered(
    store: GraphStore, options: Options, dimension: int, seed: int, likes: Likes | None = None,
    progress: Progress | None = None,
) -> Clustered:  # fmt: skip
    """Put a graph's titles into clusters. likes: of `of = "likes"`.

    Raises ConfigError where there is too little to cluster: no plots, or too few likes.
    """
    say: Progress = progress or (lambda _what, _share: None)
    if options.of == "plots":
        words = words_of(store, dimension, seed, progress)
        return _grouped(words.ids, words.places, options, seed, say)
    columns = title_columns(store, options.numbers, progress)
    if options.of == "columns":
        return _grouped(columns.ids, reduced(columns.values, dimension, seed), options, seed, say)
    if likes is None:
        raise ConfigError("clusters of likes need likes")
    return _of_likes(columns, likes, options, dimension, seed, say)


def _of_likes(columns: Columns, likes: Likes, options: Options, dimension: int, seed: int, say: Progress) -> Clustered:
    """Clusters of co-likes: of the directions of their factors, for their lengths say how popular a title is.

    Titles without enough likes are put into the likeliest cluster by their columns, at the mean of all centres, each
    counting as it is likely.
    """
    from sklearn.linear_model import LogisticRegression

    learned = likes.enough(options.least_likes)
    row = {id_: number for number, id_ in enumerate(columns.ids)}
    known = np.array([row[id_] for id_ in learned.titles], np.int64)
    if len(known) < options.clusters:
        raise ConfigError(
            f"{len(known):,} titles have {options.least_likes} likes or more, too few for {options.clusters} clusters; "
            "load more feedback, or lower model.options.clusters"
        )
    say("factors of the likes", 0.5)
    own = factors(learned, dimension)
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
    grouped = _grouped(learned.titles, own, options, seed, say)
    say("clusters of titles without likes", 0.9)
    there, labels = np.unique(grouped.cluster, return_inverse=True)
    centres = np.stack([own[labels == label].mean(0) for label in range(len(there))])
    chance = np.ones((len(columns.ids), 1))
    if len(there) > 1:
        chance = LogisticRegression(max_iter=500).fit(columns.values[known], labels).predict_proba(columns.values)
    places, cluster = (chance @ centres).astype(np.float32), there[chance.argmax(1)]
    places[known], cluster[known] = own, grouped.cluster
    return Clustered(columns.ids, cluster, places, grouped.clusters, len(known))


def _grouped(ids: list[str], places: Floats, options: Options, seed: int, say: Progress) -> Clustered:
    """k-means; of very many titles on some, and the others where the nearest centre is."""
    from sklearn.cluster import KMeans

    say("k-means", 0.7)
    chosen = places[np.sort(np.random.default_rng(seed).permutation(len(places))[:_FITTED_ON])]
    k = min(options.clusters, len(np.unique(chosen, axis=0)))
    model: Any = KMeans(k, n_init=4, random_state=seed).fit(chosen)
    return Clustered(ids, np.asarray(model.predict(places), np.int64), places, k, len(chosen))


def reduced(values: Floats, dimension: int, seed: int) -> Floats:
    """The first principal components: (n, at most dimension)."""
    from sklearn.decomposition import PCA

    return cast(Floats, PCA(min(dimension, *values.shape), random_state=seed).fit_transform(values).astype(np.float32))


def vectors_of(found: Clustered, order: str, seed: int) -> Floats:
    """A vector a title, (n, clusters + d + 1) of unit length: own cluster first, then the nearest, or by chance.

    The cluster is one of so many orthogonal directions. Places are put on a sphere so large that the product of two
    falls with their distance: x → (x, √(r² − |x|²)) / r.
    """
    marks = np.zeros((len(found.ids), found.clusters), np.float32)
    marks[np.arange(len(marks)), found.cluster] = np.sqrt(SHARE)
    own = _by_chance(len(marks), seed) if order == "random" else on_sphere(found.places)
    return np.hstack([marks, own * np.float32(np.sqrt(1 - SHARE))])


def on_sphere(places: Floats) -> Floats:
    """Places as unit vectors whose products fall with the distances: (n, d + 1)."""
    centred = places - places.mean(0)
    squares = np.square(centred, dtype=np.float64).sum(1)
    radius = _WITHIN * max(np.sqrt(squares.max(initial=0)), 1e-9)
    height = np.sqrt(radius**2 - squares)[:, None]
    return cast(Floats, (np.hstack([centred, height]) / radius).astype(np.float32))


def _by_chance(n: int, seed: int) -> Floats:
    made = np.random.default_rng(seed).normal(size=(n, _CHANCE))
    return cast(Floats, (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32))


def sizes(found: Clustered) -> Sequence[int]:
    """How many titles each cluster has, the largest first."""
    return sorted(np.bincount(found.cluster, minlength=found.clusters).tolist(), reverse=True)
