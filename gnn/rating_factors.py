"""Ratings as products of factors whose uncertainty counts: Bayesian matrix factorisation by Gibbs sampling.

Salakhutdinov and Mnih 2008. Users and titles have normal priors whose mean and precision are drawn with them, under a
Wishart prior; so nothing has to be tuned but the number of factors. A prediction is the mean over all samples, never a
product of means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.histories import Floats
from gnn.rating_models import Known
from gnn.ratings import Asked, Points

FACTORS, BURN, SAMPLES = 10, 30, 90
_PRIOR = 2.0  # how many users (titles) the prior's mean counts for


@dataclass(frozen=True)
class Factors:
    """Samples of the factors: (samples, users, d) and (samples, titles, d)."""

    mean: float
    users: Floats
    titles: Floats

    def rate(self, asked: Asked) -> Points:
        """Points."""
        made = np.zeros(len(asked.user))
        for users, titles in zip(self.users, self.titles, strict=True):
            made += (users[asked.user] * titles[asked.title]).sum(1)
        return self.mean + made / len(self.users)


def bayesian(known: Known, factors: int = FACTORS, burn: int = BURN, samples: int = SAMPLES) -> Factors:
    """Draw samples of the factors of all ratings less their mean."""
    ratings, chance = known.ratings, np.random.default_rng(known.seed)
    mean = float(ratings.value.mean())
    centred = ratings.value - mean
    left = ratings.matrix(centred)
    turned = left.T.tocsr()
    users, titles = (chance.normal(0, 0.1, (size, factors)).astype(np.float32) for size in left.shape)
    precision = 1.5
    kept: list[tuple[Floats, Floats]] = []
    for round_ in range(burn + samples):
        users = _drawn(left, titles, users, precision, chance)
        titles = _drawn(turned, users, titles, precision, chance)
        error = centred - (users[ratings.user] * titles[ratings.title]).sum(1)
        precision = float(chance.gamma(1 + len(error) / 2, 1 / (1 + 0.5 * float(error @ error))))
        if round_ >= burn:
            kept.append((users, titles))
    return Factors(mean, np.stack([one for one, _ in kept]), np.stack([one for _, one in kept]))


def _drawn(
    left: sp.csr_matrix, others: Floats, own: Floats, precision: float, chance: np.random.Generator
) -> Floats:  # fmt: skip
    """The factors of one side given the other's, all rows at once: (rows, d)."""
    mean, prior = _prior(own, chance)
    d = others.shape[1]
    there = left.copy()
    there.data = np.ones_like(there.data)
    upper = np.triu_indices(d)
    sums = there @ (others[:, upper[0]] * others[:, upper[1]])
    matrix = np.empty((len(own), d, d), np.float32)
    matrix[:, upper[0], upper[1]] = matrix[:, upper[1], upper[0]] = precision * sums
    matrix += prior.astype(np.float32)
    target = np.asarray(precision * (left @ others) + prior @ mean, np.float32)
    root = np.linalg.cholesky(matrix)
    half = np.linalg.solve(root, target[..., None])
    half += np.asarray(chance.normal(size=half.shape), np.float32)
    return np.asarray(np.linalg.solve(root.transpose(0, 2, 1), half)[..., 0], np.float32)


def _prior(
    own: Floats, chance: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:  # fmt: skip
    """A mean (d,) and a precision (d, d) drawn given the factors of one side (normal, Wishart)."""
    count, d = own.shape
    at = own.mean(0, dtype=np.float64)
    spread = np.cov(own.T.astype(np.float64), bias=True).reshape(d, d) * count
    scale = np.linalg.inv(np.eye(d) + spread + count * _PRIOR / (_PRIOR + count) * np.outer(at, at))
    lower = np.tril(chance.normal(size=(d, d)), -1)
    lower[np.diag_indices(d)] = np.sqrt(chance.chisquare(d + count - np.arange(d)))
    root = np.linalg.cholesky((scale + scale.T) / 2) @ lower
    precision = root @ root.T
    noise = np.linalg.solve(np.linalg.cholesky((_PRIOR + count) * precision).T, chance.normal(size=d))
    return count * at / (_PRIOR + count) + noise, precision
