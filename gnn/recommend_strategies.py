"""Ways to recommend titles to users, all of one shape, for comparing: fitted on feedback, asked for known histories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import lapack

from gnn.config import ConfigError
from gnn.cost import Meter
from gnn.factorisation import by_factors
from gnn.histories import Floats, Histories, Ints
from gnn.lightgcn import bpr, lightgcn
from gnn.tastes import Matter, Options, fit, matter_of, scores
from gnn.tower_strategies import by_points, by_ranked_towers, by_towers
from graph.store import GraphStore

_MOST_TITLES = 20_000  # of a matrix of titles by titles: 3.2 GB


class Recommender(Protocol):
    """Scores titles for users by what is known of them."""

    def score(self, known: Histories, users: Ints) -> Floats:
        """(users, titles), the larger the better."""


@dataclass(frozen=True)
class Learning:
    """What a recommender may be fitted on. read: makes `matter`, once, when it is first used. meter: times it."""

    histories: Histories
    read: Callable[[], Matter]
    options: Options
    seed: int = 0
    meter: Meter = field(default_factory=Meter, compare=False)

    @property
    def matter(self) -> Matter:
        """The content of the titles."""
        return self.meter.shared("matter", self.read)


def learning(store: GraphStore, histories: Histories, options: Options, seed: int = 0) -> Learning:
    """What may be fitted on these histories alone, the content of their titles read from a store when it is needed."""
    counts = np.bincount(histories.title, minlength=len(histories.titles))
    return Learning(histories, lambda: matter_of(store, histories.titles, counts, options), options, seed)


@dataclass(frozen=True)
class _Random:
    seed: int

    def score(self, known: Histories, users: Ints) -> Floats:
        return np.random.default_rng(self.seed).random((len(users), len(known.titles)), np.float32)


@dataclass(frozen=True)
class _Popular:
    counts: npt.NDArray[Any]

    def score(self, known: Histories, users: Ints) -> Floats:
        return np.broadcast_to(self.counts, (len(users), len(known.titles))).astype(np.float32)


@dataclass(frozen=True)
class _ByItems:
    """A matrix of titles by titles, times the likes."""

    matrix: Floats

    def score(self, known: Histories, users: Ints) -> Floats:
        return np.asarray(known.matrix(liked=True)[users] @ self.matrix, np.float32)


def cosines(likes: sp.csr_matrix) -> Floats:
    """Cosines of who likes both, (titles, titles) float32, zeros on the diagonal."""
    _check(likes)
    both = (likes.T @ likes).toarray()
    root = np.sqrt(np.maximum(both.diagonal(), 1))
    both /= root
    both /= root[:, None]
    np.fill_diagonal(both, 0)
    return cast(Floats, both)


def ease(likes: sp.csr_matrix, ridge: float) -> Floats:
    """EASE's weights (Steck 2019) in closed form, (titles, titles) float32, zeros on the diagonal."""
    _check(likes)
    known = np.flatnonzero(np.asarray(likes.sum(0)).ravel() > 0)
    own = likes[:, known]
    gram = (own.T @ own).toarray().astype(np.float64)
    gram[np.diag_indices(len(gram))] += ridge
    factor, _ = lapack.dpotrf(gram, lower=1, overwrite_a=1)
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = -inverse / inverse.diagonal()
    np.fill_diagonal(weights, 0)
    made = np.zeros((likes.shape[1],) * 2, np.float32)
    made[np.ix_(known, known)] = weights
    return made


def _check(likes: sp.csr_matrix) -> None:
    if likes.shape[1] > _MOST_TITLES:
        raise ConfigError(
            f"{likes.shape[1]:,} titles by themselves do not fit into memory ({_MOST_TITLES:,} are the most); name "
            "other strategies with --strategy"
        )


class _Hybrid:
    def __init__(self, given: Learning, only: str | None = None) -> None:
        self.tastes = fit(given.histories, given.matter, given.options, only=only)

    def score(self, known: Histories, users: Ints) -> Floats:
        return scores(self.tastes, known, users)


RECOMMENDERS: Mapping[str, tuple[Callable[[Learning], Recommender], str]] = {
    "random": (lambda given: _Random(given.seed), "chance"),
    "popularity": (
        lambda given: _Popular(np.asarray(given.histories.matrix(liked=True).sum(0)).ravel()), "the most liked"
    ),
    "item-knn": (lambda given: _ByItems(cosines(given.histories.matrix(liked=True))), "cosine of who likes both"),
    "ease": (
        lambda given: _ByItems(ease(given.histories.matrix(liked=True), given.options.ridge)), "EASE in closed form"
    ),
    "ials": (by_factors, "iALS of implicit, 64 factors"),
    "bpr": (bpr, "factors, what is liked above what is not"),
    "lightgcn": (lightgcn, "the same, flowing along who likes what"),
    "towers": (by_towers, "two towers, 32 numbers"),
    "towers-ranked": (by_ranked_towers, "the same, the best 50 ranked anew, a network of pairs counting .3"),
    "towers-points": (by_points, "the same, the best 50 in the order of that network's points alone"),
    "graph": (lambda given: _Hybrid(given, "content"), "likeness to what is liked by the graph's content alone"),
    "hybrid": (_Hybrid, "taste vectors, as served"),
}  # fmt: skip
"""By name: how it is fitted, and what it is."""
DEFAULT = "hybrid"
"""What is served, and what the others are compared with."""
