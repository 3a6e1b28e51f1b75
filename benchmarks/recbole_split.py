"""RecBole's split of ml-100k and its figures, as version 1.0.0 has them by default; read by benchmarks/recbole.py.

Every rating is a positive. Of each user's, drawn by chance, a tenth is for testing and a tenth for validation, rounded
down. The draw is that of PyTorch's generator (MT19937), so that a seed gives here the very parts that it gives there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import scipy.sparse as sp

from gnn.histories import Floats, Histories, Ints

K = 10
FIGURES = ("ndcg", "recall", "mrr", "hit", "precision")
Parts = tuple[Histories, Histories, Histories]
"""Training, validation and test."""
_DISCOUNT = 1 / np.log2(np.arange(2, K + 2))


def drawn(count: int, seed: int) -> Ints:
    """A permutation, as torch.manual_seed(seed); torch.randperm(count) makes it."""
    raw = np.random.RandomState(seed).randint(0, 2**32, size=max(count - 1, 0), dtype=np.uint64)
    made = list(range(count))
    for place, far in enumerate((raw % np.arange(count, 1, -1, dtype=np.uint64)).tolist()):
        made[place], made[place + far] = made[place + far], made[place]
    return np.array(made, np.int64)


def sizes(count: int) -> tuple[int, int, int]:
    """How many of a user's ratings go into each part; of fewer than ten, one for testing and one for validation."""
    train, valid, test = count - 2 * (count // 10), count // 10, count // 10
    if not test and train > 1:
        train, test = train - 1, 1
    if not valid and train > 1:
        train, valid = train - 1, 1
    return train, valid, test


def parted(user: Ints, seed: int) -> tuple[Ints, Ints, Ints]:
    """The rows of each part, by the users of the rows in the order of the file."""
    order = drawn(len(user), seed)
    order = order[np.argsort(user[order], kind="stable")]
    parts: list[list[Ints]] = [[], [], []]
    for own in np.split(order, np.flatnonzero(np.diff(user[order])) + 1):
        for part, rows in zip(parts, np.split(own, np.cumsum(sizes(len(own)))[:2]), strict=True):
            part.append(rows)
    train, valid, test = (np.concatenate(part) for part in parts)
    return train, valid, test


def figures(scores: Floats, passed: sp.csr_matrix, wanted: sp.csr_matrix) -> dict[str, float]:
    """FIGURES at 10, means over users with something to find. All are (users, titles); what is passed is not ranked."""
    ranked = np.where(passed.toarray() > 0, -np.inf, scores)
    best = np.sort(np.argpartition(-ranked, K - 1, axis=1)[:, :K], axis=1)
    falling = np.argsort(-np.take_along_axis(ranked, best, 1), axis=1, kind="stable")
    hit = np.take_along_axis(wanted.toarray() > 0, np.take_along_axis(best, falling, 1), 1)
    count = np.asarray(wanted.sum(1)).ravel().astype(np.int64)
    of_users = {
        "ndcg": hit @ _DISCOUNT / np.cumsum(_DISCOUNT)[np.clip(count, 1, K) - 1],
        "recall": hit.sum(1) / np.maximum(count, 1),
        "mrr": np.where(hit.any(1), 1 / (hit.argmax(1) + 1), 0),
        "hit": hit.any(1),
        "precision": hit.sum(1) / K,
    }
    return {name: float(of_users[name][count > 0].mean()) for name in FIGURES}


def judged(score: Callable[[Histories, Ints], Floats], parts: Parts) -> dict[str, float]:
    """A recommender on the test part, by what is known of the training part; titles of that and of validation pass."""
    train, valid, test = (part.matrix(liked=True) for part in parts)
    return figures(score(parts[0], np.arange(len(parts[0].users))), train + valid, test)


@dataclass(frozen=True)
class Ratings:
    """ml-100k in the order of its file: places in `users` and `items`, and seconds since 1970."""

    users: list[str]
    items: list[str]
    user: Ints
    item: Ints
    time: Ints

    def parts(self, seed: int) -> Parts:
        """The split of a seed; whatever was rated is liked."""
        made = []
        for rows in parted(self.user, seed):
            order = rows[np.lexsort((self.item[rows], self.time[rows], self.user[rows]))]
            says = np.ones(len(order), np.int8)
            made.append(Histories(self.users, self.items, self.user[order], self.item[order], says, self.time[order]))
        return made[0], made[1], made[2]


def ratings_in(folder: Path) -> Ratings:
    """Read RecBole's own file of ml-100k."""
    table = pl.read_csv(folder / "ml-100k.inter", separator="\t", infer_schema=False)
    columns = {name.partition(":")[0]: table[name].to_numpy() for name in table.columns}
    (users, user), (items, item) = (np.unique(columns[name], return_inverse=True) for name in ("user_id", "item_id"))
    time = columns["timestamp"].astype(np.int64)
    return Ratings(users.tolist(), items.tolist(), user.astype(np.int64), item.astype(np.int64), time)
