"""iALS of `reelgraph evaluate` beside that of the library `implicit`: how good, how fast, on the same split.

pip install implicit; python benchmarks/factorisation.py --store embedded:STORE [--split time|random|newcomers]

The library's settings are chosen on a validation part (the split made once more inside of what may be learned from);
ours are those of `evaluate`. Both have 64 factors, ten rounds, and the same seed; users are folded in by what is known
of them. The seconds are processor time of fitting and of scoring all users.
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
from gnn.recommend_strategies import RECOMMENDERS, Learning
from gnn.tastes import Matter, Options
from graph.feedback_kinds import FeedbackKinds
from graph.store import open_store
from graph.vectors import top

K = 10
DISCOUNT = 1 / np.log2(np.arange(2, K + 2))
Scored = tuple[npt.NDArray[Any], float, float]
"""Scores (users, titles), seconds of fitting, seconds of scoring."""


def ours(split: Split) -> Scored:
    """As `evaluate` fits it."""
    nothing = Matter(np.zeros((len(split.known.titles), 1), np.float32), np.zeros(len(split.known.titles), np.float32))
    began = time.process_time()
    made = RECOMMENDERS["ials"][0](Learning(split.learned, nothing, Options()))
    fitted = time.process_time()
    scores = made.score(split.known, split.users)
    return scores, fitted - began, time.process_time() - fitted


def library(alpha: float, ridge: float) -> Callable[[Split], Scored]:
    """implicit's. alpha: how much more a like counts than none."""
    from implicit.cpu.als import AlternatingLeastSquares

    def fitted(split: Split) -> Scored:
        model = AlternatingLeastSquares(
            factors=64, regularization=ridge, alpha=alpha, iterations=10, random_state=0, num_threads=1
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
    for name, fit in (("ours", ours), ("implicit", library(*best))):
        scores, fitting, scoring = fit(split)
        figures[name] = ndcg(scores, split)
        low, high = bootstrap.interval(figures[name])
        print(f"{name:9} NDCG@10 {figures[name].mean():.4f} [{low:.4f}, {high:.4f}], fit {fitting:.2f} s, "
              f"{len(split.users):,} users scored in {scoring:.2f} s")  # fmt: skip
    gap = figures["ours"] - figures["implicit"]
    low, high = bootstrap.interval(gap)
    print(f"ours less implicit {gap.mean():+.4f} [{low:+.4f}, {high:+.4f}]")


if __name__ == "__main__":
    main()
