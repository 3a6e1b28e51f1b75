"""iALS of the library `implicit`, which `reelgraph evaluate` has, beside a plain one in NumPy: how good, how fast.

pip install implicit; python benchmarks/factorisation.py --store embedded:STORE [--split time|random|newcomers]

The library's settings are chosen on a validation part (the split made once more inside of what may be learned from);
the plain one's are given. Both have 64 factors and ten rounds; users are folded in by what is known of them. Seconds
are processor time of fitting and of scoring all users.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gnn.histories import histories_in
from gnn.judge import Bootstrap
from gnn.recommend_evaluation import SPLITS
from gnn.recommend_splits import Split
from graph.feedback_kinds import FeedbackKinds
from graph.store import open_store
from graph.vectors import top

K, FACTORS, ROUNDS = 10, 64, 10
DISCOUNT = 1 / np.log2(np.arange(2, K + 2))
Scored = tuple[npt.NDArray[Any], float, float]
"""Scores (users, titles), seconds of fitting, seconds of scoring."""


def plain(split: Split) -> Scored:
    """In NumPy, the ridge growing with activity (Rendle et al. 2022), which makes one ridge do for all."""
    likes, ridge, unseen = split.learned.matrix(liked=True), 0.01, 0.05
    chance = np.random.default_rng(0)
    titles = chance.normal(0, 0.1 / np.sqrt(FACTORS), (likes.shape[1], FACTORS)).astype(np.float32)
    began, turned = time.process_time(), likes.T.tocsr()
    for _ in range(ROUNDS):
        titles = solved(turned, solved(likes, titles, ridge, unseen), ridge, unseen)
    fitted = time.process_time()
    scores = solved(split.known.matrix(liked=True)[split.users], titles, ridge, unseen) @ titles.T
    return scores, fitted - began, time.process_time() - fitted


def solved(likes: Any, others: npt.NDArray[np.float32], ridge: float, unseen: float) -> npt.NDArray[np.float32]:
    """One side's factors given the other's: (rows, factors)."""
    gram = unseen * (others.T @ others)
    made = np.zeros((likes.shape[0], FACTORS), np.float32)
    for row in range(likes.shape[0]):
        own = others[likes.indices[likes.indptr[row] : likes.indptr[row + 1]]]
        if len(own):
            damping = ridge * (len(own) + unseen * len(others))
            made[row] = np.linalg.solve(gram + own.T @ own + damping * np.eye(FACTORS, dtype=np.float32), own.sum(0))
    return made


def library(alpha: float, ridge: float) -> Callable[[Split], Scored]:
    """implicit's. alpha: how much more a like counts than none."""
    from implicit.cpu.als import AlternatingLeastSquares

    def fitted(split: Split) -> Scored:
        model = AlternatingLeastSquares(
            factors=FACTORS, regularization=ridge, alpha=alpha, iterations=ROUNDS, random_state=0, num_threads=1
        )
        began = time.process_time()
        model.fit(split.learned.matrix(liked=True), show_progress=False)
        done = time.process_time()
        users = model.recalculate_user(split.users, split.known.matrix(liked=True)[split.users])
        scores = np.asarray(users @ model.item_factors.T)
        return scores, done - began, time.process_time() - done

    return fitted


def ndcg(scores: npt.NDArray[Any], split: Split) -> npt.NDArray[np.float64]:
    """NDCG@10 of each user, what is known of them left out."""
    known, made = split.known, []
    for own, user in zip(np.array(scores, np.float32), split.users.tolist(), strict=True):
        own[known.title[known.starts[user] : known.starts[user + 1]]] = -np.inf
        liked = split.liked[user]
        made.append(np.isin(top(own, K), liked) @ DISCOUNT / DISCOUNT[: min(K, len(liked))].sum())
    return np.array(made)


def main() -> None:
    """Choose the library's settings, then compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True)
    parser.add_argument("--split", default="time", choices=["time", "random", "newcomers"])
    given = parser.parse_args()
    store = open_store(given.store)
    histories = histories_in(store, FeedbackKinds.configured())
    store.close()
    split = SPLITS[given.split](histories, 0)
    inside = SPLITS[given.split](split.learned, 1)
    grid = list(itertools.product((2.0, 5.0, 10.0, 20.0), (0.1, 1.0, 5.0, 20.0)))
    found = [float(ndcg(library(*one)(inside)[0], inside).mean()) for one in grid]
    best = grid[int(np.argmax(found))]
    print(f"implicit, on validation: alpha {best[0]:g}, regularization {best[1]:g}: NDCG@10 {max(found):.4f}")
    bootstrap = Bootstrap([histories.users[user] for user in split.users.tolist()])
    figures = {}
    for name, fit in (("plain", plain), ("implicit", library(*best))):
        scores, fitting, scoring = fit(split)
        figures[name] = ndcg(scores, split)
        low, high = bootstrap.interval(figures[name])
        print(f"{name:9} NDCG@10 {figures[name].mean():.4f} [{low:.4f}, {high:.4f}], fit {fitting:.2f} s, "
              f"{len(split.users):,} users scored in {scoring:.2f} s")  # fmt: skip
    gap = figures["implicit"] - figures["plain"]
    low, high = bootstrap.interval(gap)
    print(f"implicit less plain {gap.mean():+.4f} [{low:+.4f}, {high:+.4f}]")


if __name__ == "__main__":
    main()
