"""Ways to say how many points a user will give a title: plain ones. Others: gnn/rating_factors.py, gnn/rating_blend.py.

Each is fitted on known ratings and asked for pairs of user and title.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from gnn.config import ConfigError
from gnn.histories import Floats
from gnn.ratings import Asked, Biases, Points, Ratings

_MOST_TITLES = 20_000  # of a matrix of titles by titles
_AT_ONCE = 2_000


class Rater(Protocol):
    """Says how many points users give titles."""

    def rate(self, asked: Asked) -> Points:
        """(asked,), not cut to the scale."""


@dataclass(frozen=True)
class Known:
    """What a rater may be fitted on. z: (titles, d), unit vectors of content, zeros where there is none.

    made: what several raters need is fitted once; hold on to one Known, and fit all of them on it.
    """

    ratings: Ratings
    z: Floats
    seed: int = 0
    made: dict[str, Rater] = field(default_factory=dict)


@dataclass(frozen=True)
class Mean:
    """The mean of all, whoever rates what."""

    mean: float

    def rate(self, asked: Asked) -> Points:
        """Points."""
        return np.full(len(asked.user), self.mean)


@dataclass(frozen=True)
class Svd:
    """Biases and a product of factors, found by turns by least squares (the plain SVD of recommender libraries)."""

    biases: Biases
    users: Floats
    titles: Floats

    def rate(self, asked: Asked) -> Points:
        """Points."""
        made: Points = self.biases.rate(asked) + (self.users[asked.user] * self.titles[asked.title]).sum(1)
        return made


def svd(known: Known, factors: int = 10, ridge: float = 12.0, rounds: int = 15) -> Svd:
    """Fit Svd."""
    biases = Biases.learned(known.ratings)
    left = known.ratings.matrix(known.ratings.value - biases.rate(Asked.of(known.ratings)))
    turned = left.T.tocsr()
    titles = np.random.default_rng(known.seed).normal(0, 0.1, (left.shape[1], factors)).astype(np.float32)
    users = np.zeros((left.shape[0], factors), np.float32)
    for _ in range(rounds):
        users = _solved(left, titles, ridge)
        titles = _solved(turned, users, ridge)
    return Svd(biases, users, titles)


def _solved(left: sp.csr_matrix, others: Floats, ridge: float) -> Floats:
    d = others.shape[1]
    there = left.copy()
    there.data = np.ones_like(there.data)
    grams = (there @ (others[:, :, None] * others[:, None]).reshape(-1, d * d)).reshape(-1, d, d)
    made: Floats = np.linalg.solve(grams + ridge * np.eye(d, dtype=np.float32), (left @ others)[..., None])[..., 0]
    return made


@dataclass(frozen=True)
class ItemKnn:
    """The biases, and the user's residuals on the titles most alike by their residuals (Koren 2010, shrunk)."""

    biases: Biases
    left: sp.csr_matrix
    alike: Floats
    neighbours: int = 30
    damping: float = 0.3

    def rate(self, asked: Asked) -> Points:
        """Points."""
        return self.biases.rate(asked) + self.residual(asked)

    def residual(self, asked: Asked) -> Points:
        """What the neighbours say that the biases do not."""
        made = np.zeros(len(asked.user))
        there = self.left.copy()
        there.data = np.ones_like(there.data)
        for start in range(0, len(made), _AT_ONCE):
            rows = asked.user[start : start + _AT_ONCE]
            weight = np.asarray(
                there[rows].toarray() * np.maximum(self.alike[asked.title[start : start + _AT_ONCE]], 0)
            )
            if weight.shape[1] > self.neighbours:
                least = np.partition(weight, -self.neighbours, axis=1)[:, -self.neighbours, None]
                weight[weight < least] = 0
            said = (weight * self.left[rows].toarray()).sum(1)
            made[start : start + _AT_ONCE] = said / (weight.sum(1) + self.damping)
        return made


def item_knn(known: Known, shrinkage: float = 100.0) -> ItemKnn:
    """Fit ItemKnn. Raises ConfigError where there are too many titles."""
    if len(known.ratings.titles) > _MOST_TITLES:
        raise ConfigError(
            f"{len(known.ratings.titles):,} titles by themselves do not fit into memory ({_MOST_TITLES:,} are the "
            "most); judge on less feedback, with --data"
        )
    biases = Biases.learned(known.ratings)
    left = known.ratings.matrix(known.ratings.value - biases.rate(Asked.of(known.ratings)))
    return ItemKnn(biases, left, correlations(left, shrinkage))


def correlations(left: sp.csr_matrix, shrinkage: float) -> Floats:
    """How alike titles are by the residuals of those who rated both, 0 with themselves: (titles, titles)."""
    there = left.copy()
    there.data = np.ones_like(there.data)
    both = (there.T @ there).toarray()
    squares = (left.multiply(left).T @ there).toarray()
    made = (left.T @ left).toarray() / np.sqrt(squares * squares.T + 1e-9) * (both / (both + shrinkage))
    np.fill_diagonal(made, 0)
    return np.asarray(made, np.float32)
