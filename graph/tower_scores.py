"""What two towers and their ranker say, by NumPy alone: users by their histories, so that new ones count at once.

The user tower adds up what each liked title says, and turns the sum into d numbers; the title tower has made d numbers
of each title already. Their product retrieves. The ranker is a network of pairs: how many points would this user give
this title? Training is in gnn/towers.py and gnn/tower_ranker.py; a test sees that torch says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

Arrays = Mapping[str, npt.NDArray[Any]]
OF_USER, OF_TITLE = 5.0, 3.0  # ratings for which the mean of all counts in a user's and a title's own mean


@dataclass(frozen=True)
class Towers:
    """says: (titles, w), what liking a title says. offered: (titles, d). user: weights of the user tower, by name."""

    says: Floats
    offered: Floats
    user: Arrays

    def users(self, likes: sp.csr_matrix) -> Floats:
        """User vectors of what each likes: (users, titles) → (users, d)."""
        count = np.asarray(likes.sum(1), np.float32).reshape(-1, 1)
        x = np.asarray(likes @ self.says, np.float32) / np.sqrt(count + 1)
        hidden = np.maximum(x @ self.user["in.weight"].T + self.user["in.bias"], 0)
        made = hidden @ self.user["out.weight"].T + self.user["out.bias"] + x[:, : len(self.user["out.bias"])]
        return np.asarray(made, np.float32)

    def scores(self, likes: sp.csr_matrix) -> Floats:
        """(users, titles): products of both towers."""
        return np.asarray(self.users(likes) @ self.offered.T, np.float32)


@dataclass(frozen=True)
class Pairs:
    """The ranker. says, offered: (titles, w) both. mean: of all points. of_title: how much a title is above it."""

    says: Floats
    offered: Floats
    mean: float
    of_title: Floats
    net: Arrays

    def points(self, given: sp.csr_matrix, users: Ints, titles: Ints) -> Floats:
        """Points of pairs. given: (users, titles), what each gave so far; a pair is a row of it and a title: (n,)."""
        left = given.copy()
        left.data = left.data - self.mean - self.of_title[left.indices]
        count = np.diff(given.indptr).astype(np.float32)
        own = np.asarray(left.sum(1), np.float32).ravel() / (count + OF_USER)
        x = np.asarray(left @ self.says, np.float32) / np.sqrt(count + 1)[:, None]
        made = forward(self.net, x[users], self.offered[titles], own[users], self.of_title[titles])
        return np.asarray(self.mean + made, np.float32)


def forward(net: Arrays, x: Floats, offered: Floats, own: Floats, of_title: Floats) -> Floats:
    """The network: points above the mean, (n,)."""
    pair = np.concatenate([x, offered, x * offered, own[:, None], of_title[:, None]], 1)
    hidden = np.maximum(pair @ net["in.weight"].T + net["in.bias"], 0)
    made = hidden @ net["out.weight"].T + net["out.bias"]
    return np.asarray(made[:, 0] + (x * offered).sum(1) + own + of_title, np.float32)


def ranked(scores: Floats, points: Floats, shortlist: Ints) -> Floats:
    """Scores in which each user's shortlist comes first, in the order of points; the rest as it was.

    scores: (users, titles); shortlist: (users, k) places; points: (users, k).
    """
    made = scores - scores.max(1, keepdims=True) - 1
    low, high = points.min(1, keepdims=True), points.max(1, keepdims=True)
    np.put_along_axis(made, shortlist, ((points - low) / np.maximum(high - low, 1e-9)).astype(np.float32), 1)
    return np.asarray(made, np.float32)


def blended(scores: Floats, points: Floats, weight: float) -> Floats:
    """What each of a shortlist is worth: its scores, and its points, each by how far they are apart. (users, k)."""
    made = _apart(scores) * (1 - weight) + _apart(points) * weight
    return np.asarray(made, np.float32)


def _apart(values: Floats) -> Floats:
    middle, spread = values.mean(1, keepdims=True), values.std(1, keepdims=True)
    return np.asarray((values - middle) / np.maximum(spread, 1e-6), np.float32)
