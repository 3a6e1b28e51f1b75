"""Ratings as numbers: who gave which title how many points and when; what predicting them learns from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from gnn.histories import UNKNOWN, Ints
from gnn.substitutes import FeedbackError
from graph.store import GraphStore

Points = npt.NDArray[np.float64]
_LEAST = 50  # ratings, below which nothing is learned or judged
_SPREAD = 100  # different values, above which numbers are no points of a scale


@dataclass(frozen=True)
class Ratings:
    """One rating for each user and title. user, title: places in `users` and `titles`; time: seconds or UNKNOWN."""

    users: list[str]
    titles: list[str]
    user: Ints
    title: Ints
    value: Points
    time: Ints

    def __len__(self) -> int:
        return len(self.user)

    def where(self, kept: npt.NDArray[np.bool_]) -> Ratings:
        """Some of the ratings; users and titles keep their places."""
        return Ratings(self.users, self.titles, self.user[kept], self.title[kept], self.value[kept], self.time[kept])

    def parted(self, seed: int, share: float) -> tuple[Ratings, Ratings]:
        """All but a share drawn by chance, and that share."""
        hidden = np.zeros(len(self), bool)
        hidden[np.random.default_rng(seed).choice(len(self), int(share * len(self)), replace=False)] = True
        return self.where(~hidden), self.where(hidden)

    def matrix(self, values: Points) -> sp.csr_matrix:
        """Numbers of the ratings as (users, titles) float32; what is 0 is stored, too."""
        shape = len(self.users), len(self.titles)
        return sp.csr_matrix((values.astype(np.float32), (self.user, self.title)), shape)


@dataclass(frozen=True)
class Asked:
    """Pairs whose points are asked for, and when they are given: (n,) each."""

    user: Ints
    title: Ints
    time: Ints

    @staticmethod
    def of(ratings: Ratings) -> Asked:
        """What is asked to judge by these ratings."""
        return Asked(ratings.user, ratings.title, ratings.time)


def ratings_in(store: GraphStore, rated: pa.Table | None = None) -> tuple[Ratings, str]:
    """The ratings of a store, or of a table RATED that is not in it; and the type of feedback that they are.

    Of the types with values, the commonest is taken: points and shares watched are not of one scale. Raises
    FeedbackError where there are too few.
    """
    batches = list(store.scan_relationships("RATED", ["value", "timestamp"]) if rated is None else rated.to_batches())
    table = pa.Table.from_batches(batches).select(["head", "tail", "key", "value", "timestamp"]) if batches else None
    table = table.filter(table.column("value").is_valid()) if table is not None else None
    if table is None or table.num_rows < _LEAST:
        raise FeedbackError(f"there are fewer than {_LEAST} ratings; load some: reelgraph load --feedback FILE")
    kinds = table.column("key").to_pylist()
    ((kind, _),) = Counter(kinds).most_common(1)
    table = table.filter(pa.array([one == kind for one in kinds]))
    value = table.column("value").to_numpy().astype(np.float64)
    if table.num_rows < _LEAST or len(np.unique(value)) > _SPREAD or value.min() == value.max():
        raise FeedbackError(f"the values of feedback {kind!r} are no points of a scale; nothing can be judged by them")
    users, user = np.unique(np.array(table.column("head").to_pylist()), return_inverse=True)
    titles, title = np.unique(np.array(table.column("tail").to_pylist()), return_inverse=True)
    time = table.column("timestamp").fill_null(UNKNOWN).to_numpy().astype(np.int64)
    order = np.lexsort((title, user))
    made = Ratings(
        users.tolist(), titles.tolist(), user[order].astype(np.int64), title[order].astype(np.int64), value[order],
        time[order],
    )  # fmt: skip
    return made, kind


@dataclass(frozen=True)
class Biases:
    """The mean, and how much each user and title is above it: shrunk towards 0 the more the fewer ratings there are."""

    mean: float
    user: Points
    title: Points

    def rate(self, asked: Asked) -> Points:
        """Points."""
        made: Points = self.mean + self.user[asked.user] + self.title[asked.title]
        return made

    @staticmethod
    def learned(known: Ratings, of_user: float = 5.0, of_title: float = 3.0, rounds: int = 15) -> Biases:
        """By turns: titles given users, users given titles."""
        mean = float(known.value.mean())
        counts = [np.bincount(one, minlength=len(all_)) for one, all_ in ((known.user, known.users),
                                                                          (known.title, known.titles))]  # fmt: skip
        user, title = np.zeros(len(known.users)), np.zeros(len(known.titles))
        for _ in range(rounds):
            left = known.value - mean - user[known.user]
            title = np.bincount(known.title, left, len(title)) / (counts[1] + of_title)
            left = known.value - mean - title[known.title]
            user = np.bincount(known.user, left, len(user)) / (counts[0] + of_user)
        return Biases(mean, user, title)
