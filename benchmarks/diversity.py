"""What diversity costs and brings: lists of substitutes by maximal marginal relevance on hidden titles.

    python -m benchmarks.diversity [--data ../shared/data] [--test]

The questions are those of `reelgraph evaluate --task substitutes --validation` (docs/out-of-catalog.md), any rating.
Each list is made of what is served (learned vectors, siblings brought up). vectors, genres: the mean cosine of two
titles of one list.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.series import loaded
from gnn.hidden import Hiding, Trial, draw
from gnn.judge import FIGURES, Judged, K, judge, together
from gnn.learned_strategies import ByFeedback, WithSeries
from gnn.plain_strategies import EVERYTHING
from gnn.strategy import Learning
from gnn.substitutes import Options, all_vectors, likes_of
from graph.content import ContentReader
from graph.diversity import diverse
from graph.foldin import VECTORS
from graph.siblings import siblings
from graph.store import GraphStore
from graph.substitutes import related_to

DIVERSITY = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


class Held:
    """Vectors of a draw, where `graph.diversity` asks a store for them."""

    def __init__(self, ids: list[str], vectors: np.ndarray) -> None:
        self._row, self._vectors = {id_: row for row, id_ in enumerate(ids)}, vectors

    def get_embeddings(self, name: str, ids: list[str]) -> tuple[list[str], np.ndarray]:
        assert name == VECTORS
        return ids, self._vectors[[self._row[id_] for id_ in ids]]


def cosines(unit: np.ndarray, lists: list[list[int]]) -> float:
    pairs = np.triu_indices(K, 1)
    return float(np.mean([(unit[chosen] @ unit[chosen].T)[pairs].mean() for chosen in lists if len(chosen) == K]))


def judged(store: GraphStore, trial: Trial) -> dict[float, tuple[Judged, float, float]]:
    """Each diversity → its lists, judged, and how alike the titles of a list are in vectors and in genres."""
    fitted = Learning(store, trial.learned, Options(likes_from=0)).fitted
    vectors = all_vectors(fitted, trial.catalog)
    held = Held(trial.catalog, vectors)
    scores = WithSeries(ByFeedback(fitted), store).score(trial.asked, trial.catalog)
    place, inside = {id_: row for row, id_ in enumerate(trial.catalog)}, frozenset(trial.catalog)
    series = [
        siblings(store, id_, EVERYTHING, inside).keys() | related_to(store, id_, EVERYTHING).keys()
        for id_ in trial.asked
    ]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    genres = ContentReader(store, trial.catalog).landmarks.genres
    found = {}
    for diversity in DIVERSITY:
        made, lists = np.full(scores.shape, -np.inf, np.float32), []
        for row, own in enumerate(scores):
            by_id = dict(zip(trial.catalog, own.tolist(), strict=True))
            chosen = [place[id_] for id_ in diverse(held, VECTORS, by_id, K, diversity, series[row])]
            made[row, chosen] = np.arange(len(chosen), 0, -1)
            lists.append(chosen)
        found[diversity] = judge(f"{diversity:g}", trial, made), cosines(unit, lists), cosines(genres, lists)
    return found


def main(options: argparse.Namespace) -> None:
    with loaded(options.data) as store:
        likes, draws = likes_of(store, 0.0), []
        for seed in range(options.draws):
            print(f"draw {seed}", file=sys.stderr)
            draws.append(judged(store, draw(store, likes, Hiding(validation=not options.test), seed)))
    print("diversity  NDCG@10  overlap  lift NDCG  lift overlap  coverage  vectors  genres")
    for diversity in DIVERSITY:
        one = together([drawn[diversity][0] for drawn in draws])
        ndcg, overlap, lift, lift_overlap = (one.figures[name].mean() for name in FIGURES)
        vectors, genres = (np.mean([drawn[diversity][part] for drawn in draws]) for part in (1, 2))
        print(f"{diversity:<9g}  {ndcg:.3f}    {overlap:.3f}    {lift:.3f}      {lift_overlap:.3f}         "
              f"{one.coverage:.3f}     {vectors:.3f}    {genres:.3f}")  # fmt: skip


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=Path(os.environ.get("REELGRAPH_DATA", "../shared/data")))
    made.add_argument("--draws", type=int, default=3, help="seeds 0 and on")
    made.add_argument("--test", action="store_true", help="the test draws, to report and not to choose by")
    main(made.parse_args())
