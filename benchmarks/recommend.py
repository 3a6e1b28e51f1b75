"""Recommendations for a list of titles: do they find what a user likes besides, and by which way of adding titles up?

    python -m benchmarks.recommend [--data ../shared/data] [--likes-from 4] [--named 3] [--test]

Users of ml-latest-small in an order by chance (seed 0): vectors and neighbours are learned from the likes of 60 of a
hundred, 20 are for choosing (validation), 20 for judging (--test). Half of the likes of each of these is named, in an
order by chance (seed 1; --named N: only so many of them), and the other half is to be found. All of the catalog is
ranked: titles with 5 likes or more, without those named. A user with fewer than 6 likes is left out.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks.figure import Figure, run
from benchmarks.series import CATALOG, learn, loaded, offer
from gnn.substitutes import SHRINKAGE, Likes, likes_of
from graph.foldin import VECTORS
from graph.recommend import MAX_LIKED
from graph.search import MAX_SUBSTITUTES, Searcher
from graph.store import GraphStore, Scope

K, LEAST, FEWEST = 10, 5, 6
Rank = Callable[[np.ndarray], np.ndarray]
"""Places in the catalog that are named → the K best others, places."""


def best(score: Callable[[np.ndarray], np.ndarray]) -> Rank:
    """The K largest of scores of all of the catalog."""

    def rank(named: np.ndarray) -> np.ndarray:
        scores = score(named).astype(np.float64)
        scores[named] = -np.inf
        return np.argsort(-scores, kind="stable")[:K]

    return rank


def ways(store: GraphStore, catalog: list[str], trained: np.ndarray) -> Mapping[str, Rank]:
    """trained: (users, catalog), the likes that may be learned from."""
    vectors = np.asarray(store.get_embeddings(VECTORS, catalog)[1])
    length = np.linalg.norm(vectors, axis=1)
    unit = vectors / length[:, None]
    likes = trained.sum(0)
    together = trained.T @ trained
    np.fill_diagonal(together, 0)
    cosine = together / np.sqrt(np.outer(likes + SHRINKAGE, likes + SHRINKAGE))
    place = {id_: row for row, id_ in enumerate(catalog)}
    searcher = Searcher(store)

    def served(named: np.ndarray) -> np.ndarray:
        # More than may be named are left out afterwards.
        k = min(K + max(len(named) - MAX_LIKED, 0), MAX_SUBSTITUTES)
        found = searcher.recommend([catalog[row] for row in named[:MAX_LIKED]], Scope(CATALOG), k)
        rows = np.array([place[one.id] for one in found.items])
        return rows[~np.isin(rows, named)][:K]

    return {
        "popularity": best(lambda _named: likes),
        "item kNN on training users": best(lambda named: cosine[named].sum(0)),
        "sum of vectors": best(lambda named: vectors @ vectors[named].sum(0)),
        "sum of unit vectors": best(lambda named: vectors @ unit[named].sum(0)),
        "largest product, unit": best(lambda named: (vectors @ unit[named].T).max(1)),
        **{f"sum of unit vectors, candidates' length^-{power:g}":
           best(lambda named, power=power: vectors @ unit[named].sum(0) / length**power)
           for power in (0.25, 0.5, 0.75)},
        "served": served,
    }  # fmt: skip


def judged(own: np.ndarray, rank: Rank, chance: np.random.Generator, most: int | None) -> tuple[float, float]:
    """Recall@10 and NDCG@10 of what a user has not named."""
    drawn = chance.permutation(own)
    named, hidden = drawn[: len(own) // 2][:most], drawn[len(own) // 2 :]
    hits = np.isin(rank(named), hidden)
    discount, there = 1 / np.log2(np.arange(2, K + 2)), min(K, len(hidden))
    return float(hits.sum() / there), float(hits @ discount[: len(hits)] / discount[:there].sum())


def measure(options: argparse.Namespace) -> list[Figure]:
    with loaded(options.data) as store:
        likes = likes_of(store, options.likes_from)
        users = likes.matrix.shape[0]
        order = np.random.default_rng(0).permutation(users)
        low, high = int(0.6 * users), int(0.8 * users)
        learned = Likes(sparse.csr_matrix(likes.matrix[np.sort(order[:low])]), likes.titles)
        learn(store, learned.enough(1), set())
        offer(store, likes, set())
        columns = np.flatnonzero(likes.counts >= LEAST)
        matrix = likes.matrix[:, columns].toarray()
        there = matrix[np.sort(order[high:] if options.test else order[low:high])]
        asked = [own for own in map(np.flatnonzero, there) if len(own) >= FEWEST]
        made = []
        note = f"{len(asked)} users, {len(columns):,} titles"
        catalog = [likes.titles[column] for column in columns]
        for name, rank in ways(store, catalog, matrix[np.sort(order[:low])]).items():
            chance = np.random.default_rng(1)
            recall, ndcg = np.mean([judged(own, rank, chance, options.named) for own in asked], 0)
            made += [Figure(f"{name}: recall@10", recall, floor=note), Figure("… NDCG@10", ndcg)]
        by_name = {figure.name.partition(":")[0]: figure.measured for figure in made if ":" in figure.name}
        made.append(Figure("served, times the recall of popularity", by_name["served"] / by_name["popularity"], "×",
                           1.0, more=True))  # fmt: skip
        return made


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=Path(os.environ.get("REELGRAPH_DATA", "../shared/data")))
    made.add_argument("--likes-from", type=float, default=4.0, help="the least rating that is a like")
    made.add_argument("--named", type=int, help="name at most so many titles of a user")
    made.add_argument("--test", action="store_true", help="the users to judge by, and not to choose by")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    sys.exit(run(made.parse_args(), measure))
