"""NDCG@10 on ml-100k under RecBole's settings, beside the row that RecBole publishes for its first example, BPR.

python -m benchmarks.recbole [--store embedded:STORE] [--json]

The row: https://github.com/RUCAIBox/RecBole, docs/source/get_started/install.rst, "test result" (v1.0.0, 8d78a04, to
v1.2.1): the default settings on ml-100k as it comes, seed 2020. Split and figures: benchmarks/recbole_split.py. BPR
has 64 numbers, Adam at .001, batches of 2,048, one negative each that the user has not rated, no decay, at most 300
epochs, ended when MRR@10 on the validation part has not risen eleven times. A seed parts the ratings as it does there;
BPR is gnn/lightgcn.py's, which draws otherwise, so --draws trainings on the row's own split say how far one may fall.

Then all ways learn from the training part of each of --splits splits, with the settings of
`reelgraph evaluate --task recommend --split random`: none was chosen on these. --store: one with ml-100k as a catalog
(benchmarks/movielens.py), for the content that the hybrid needs. --strategy: others of that command, repeatable.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recbole_split import FIGURES, Parts, figures, judged, ratings_in
from gnn.histories import Histories
from gnn.lightgcn import Flow, Vectors, learned
from gnn.recommend_evaluation import BY_CHANCE
from gnn.recommend_strategies import RECOMMENDERS, Learning
from gnn.tastes import Matter, Options, matter_of
from graph.settings import GraphSettings
from graph.store import open_store

PUBLISHED = {"ndcg": 0.2920, "recall": 0.2523, "mrr": 0.4855, "hit": 0.7953, "precision": 0.1962}
SEED, WITHIN, PATIENCE = 2020, 0.02, 10
FLOW = Flow(0, 64, epochs=300, batch=2_048, learning_rate=1e-3, decay=0.0, spread=None, unliked=True)
WAYS = ("popularity", "item-knn", "ials", "ease")
OURS = "bpr as there"
Found = dict[str, list[dict[str, float]]]


def bpr(parts: Parts, seed: int) -> tuple[Vectors, int]:
    """BPR as RecBole sets it: the vectors of the epoch that was best on the validation part, and which that is."""
    train, valid, _ = (part.matrix(liked=True) for part in parts)
    best: list[tuple[float, int, Vectors]] = []
    epoch = -1

    def goes_on(made: Vectors) -> bool:
        nonlocal epoch
        epoch += 1
        mrr = figures(made.users @ made.titles.T, train, valid)["mrr"]
        if not best or mrr > best[-1][0]:
            best[:] = [(mrr, epoch, made)]
        return epoch - best[-1][1] <= PATIENCE

    learned(train, Flow(**{**vars(FLOW), "seed": seed}), goes_on)
    return best[-1][2], best[-1][1]


def content_in(url: str | None, train: Histories, options: Options) -> Matter:
    """What a store that has the items as a catalog says of them."""
    if not url:
        raise SystemExit("this way needs --store, one with ml-100k as a catalog (benchmarks/movielens.py)")
    store = open_store(url)
    offers = [one for batch in store.scan_relationships("OFFERS", ["item_id"]) for one in batch.to_pylist()]
    named = {one["item_id"]: one["tail"] for one in offers}
    titles, place = np.unique([named.get(item, "") for item in train.titles], return_inverse=True)
    made = matter_of(store, titles.tolist(), np.bincount(place[train.title], minlength=len(titles)), options)
    store.close()
    return Matter(made.z[place], made.year[place])


def reproduced(parts: Parts, draws: int) -> list[dict[str, float]]:
    """BPR on a split, trained `draws` times."""
    made = []
    for seed in range(SEED, SEED + draws):
        vectors, epoch = bpr(parts, seed)
        made.append({**judged(vectors.score, parts), "epoch": epoch})
        told(f"training {seed}", made[-1])
    return made


def compared(parts: Parts, seed: int, ways: Sequence[str], url: str | None) -> Mapping[str, dict[str, float]]:
    """All ways on a split."""
    options = Options(**BY_CHANCE)  # type: ignore[arg-type]
    learning = Learning(parts[0], partial(content_in, url, parts[0], options), options, seed)
    fits: dict[str, Callable[[], Any]] = {OURS: lambda: bpr(parts, seed)[0]}
    fits |= {way: partial(RECOMMENDERS[way][0], learning) for way in ways}
    made = {}
    for way, fit in fits.items():
        made[way] = judged(fit().score, parts)
        told(f"split {seed}, {way}", made[way])
    return made


def told(what: str, made: Mapping[str, float]) -> None:
    print(f"{what}:", ", ".join(f"{name} {value:.4g}" for name, value in made.items()), file=sys.stderr, flush=True)


def spread(values: Sequence[float]) -> str:
    """Mean, standard deviation, least and most."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return f"{np.mean(values):.4f} ± {deviation:.4f} ({min(values):.4f} to {max(values):.4f})"


def table(draws: Sequence[Mapping[str, float]], splits: Found) -> str:
    lines = []
    if draws:
        lines.append(f"BPR on the published row's split, trained {len(draws)} times")
        for name in FIGURES:
            own = [one[name] for one in draws]
            lines.append(f"{name:>9}@10 {spread(own)}; published {PUBLISHED[name]:.4f}, "
                         f"ratio {np.mean(own) / PUBLISHED[name]:.3f}")  # fmt: skip
        ratio = float(np.mean([one["ndcg"] for one in draws])) / PUBLISHED["ndcg"]
        lines.append(f"within {WITHIN:.0%}: {'yes' if abs(ratio - 1) <= WITHIN else 'no'}")
    for way, found in splits.items():
        own = [one["ndcg"] for one in found]
        gaps = [one["ndcg"] - other["ndcg"] for one, other in zip(found, splits[OURS], strict=True)]
        lines.append(f"{way:>12} NDCG@10 on {len(own)} splits {spread(own)}; less {OURS}: {spread(gaps)}; "
                     f"to the published {np.mean(own) / PUBLISHED['ndcg']:.3f}")  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=GraphSettings().data / "ml-100k")
    parser.add_argument("--store", help="one with ml-100k as a catalog; the hybrid is left out without")
    parser.add_argument("--draws", type=int, default=10, help="trainings of BPR on the published row's split")
    parser.add_argument("--splits", type=int, default=3, help=f"splits for all ways: of seeds {SEED} and on")
    parser.add_argument("--strategy", action="append", choices=RECOMMENDERS, help="these; repeatable")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    ratings = ratings_in(given.data)
    draws = reproduced(ratings.parts(SEED), given.draws)
    splits: Found = {}
    for seed in range(SEED, SEED + given.splits):
        ways = given.strategy or [*WAYS, *(["hybrid"] if given.store else [])]
        for way, made in compared(ratings.parts(seed), seed, ways, given.store).items():
            splits.setdefault(way, []).append(made)
    if given.json:
        print(json.dumps({"published": PUBLISHED, "draws": draws, "splits": splits}))
    else:
        print(table(draws, splits))


if __name__ == "__main__":
    main()
