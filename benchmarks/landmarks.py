"""What learned substitutes lose where not every liked title is a landmark (Nyström): quality on the same questions.

    python -m benchmarks.landmarks                                              100k invented titles, 20k viewers
    python -m benchmarks.landmarks --store embedded:PATH --likes-from 0         a store with feedback

Validation draws as in `reelgraph evaluate --task substitutes` (gnn/hidden.py), strategy fold-in. Differences are paired
with the fit of which every liked title is a landmark; --most keeps the most liked titles, so that it fits into memory.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.substitutes_scale import _invent, _load
from gnn.hidden import Hiding, draw
from gnn.judge import Bootstrap, Judged, answerable, judge, together
from gnn.learned_strategies import fold_in
from gnn.strategy import Learning
from gnn.substitutes import Likes, Options, likes_of
from graph.store import GraphStore, open_store
from graph.vectors import top

LANDMARKS = (256, 512, 1_024, 2_048, 4_096)


@contextlib.contextmanager
def _opened(options: argparse.Namespace) -> Iterator[GraphStore]:
    if options.store:
        with contextlib.closing(open_store(options.store)) as store:
            yield store
        return
    from loaders.load import load
    from loaders.synthetic import write_synthetic

    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as scratch:
        folder = Path(scratch)
        write_synthetic(folder / "imdb", titles=options.titles)
        with contextlib.closing(open_store(f"embedded:{folder / 'store'}", create=True)) as store:
            load(store, imdb=folder / "imdb")
        users = options.titles // 5
        _invent(folder / "imdb", folder / "store", folder / "feedback.parquet", users, 100 * users)
        _load(folder / "imdb", folder / "store", folder / "feedback.parquet")
        with contextlib.closing(open_store(f"embedded:{folder / 'store'}")) as store:
            yield store


def most_liked(likes: Likes, count: int) -> Likes:
    """Only the titles with most likes."""
    kept = np.sort(top(likes.counts.astype(np.float64), count))
    return Likes(likes.matrix[:, kept].tocsr(), [likes.titles[column] for column in kept])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", help="where feedback is; it stays as it is")
    parser.add_argument("--titles", type=int, default=100_000, help="how many to invent without --store")
    parser.add_argument("--likes-from", type=float, default=4.0)
    parser.add_argument("--most", type=int, default=10_000, help="liked titles to learn from, at most")
    parser.add_argument("--seed", type=int, action="append", help="of a draw; default 0, 1, 2")
    options = parser.parse_args()
    with _opened(options) as store:
        report(store, most_liked(likes_of(store, options.likes_from), options.most), options.seed or [0, 1, 2])


def report(store: GraphStore, likes: Likes, seeds: Sequence[int]) -> None:
    trials = [draw(store, likes, Hiding(validation=True), seed) for seed in seeds]
    least = Options().least_likes
    learned = [len(trial.learned.enough(least).titles) for trial in trials]
    print(f"{likes.matrix.nnz:,} likes, draws {', '.join(map(str, seeds))}; learned from {min(learned):,} titles")
    titles = [id_ for trial in trials for id_, known in zip(trial.asked, answerable(trial), strict=True) if known]
    bootstrap = Bootstrap(titles)
    exact: Judged | None = None
    print("landmarks  NDCG@10  difference               overlap  difference               s of CPU")
    for count in (max(learned), *(one for one in reversed(LANDMARKS) if one < min(learned))):
        options, judged = Options(exact=1, landmarks=count), []
        used = time.process_time()
        for trial in trials:
            strategy = fold_in(Learning(store, trial.learned, options))
            judged.append(judge("fold-in", trial, strategy.score(trial.asked, trial.catalog)))
        used = time.process_time() - used
        found = together(judged)
        exact = exact or found
        cells = []
        for name in ("ndcg", "overlap"):
            gap = found.figures[name] - exact.figures[name]
            low, high = bootstrap.interval(gap)
            cells += [f"{found.figures[name].mean():<7.3f}", f"{gap.mean():+.4f} [{low:+.4f}, {high:+.4f}]"]
        label = "all" if found is exact else f"{count:,}"
        print(f"{label:<9}  {'  '.join(cells)}  {used / len(trials):.0f}", flush=True)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
