"""300 titles hidden from training: how much of a retrained vector's quality a folded-in one keeps.

    python benchmarks/fold_in.py --data ../shared/data/imdb-24k
    python benchmarks/fold_in.py --titles 5000 --models DistMult --epochs 5      quick, on invented titles

Each hidden title keeps one edge back, to a node that others have too. Retrained: a model that saw all other edges.
Folded in: a model that saw no edge of the hidden titles, and then their other edges. MRR: filtered, both sides, of the
edges kept back. Neighbours: the ten nearest other titles by cosine; the second training, with another seed, says how
much of these a retraining itself keeps.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import dataclass

import numpy as np

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from gnn.config import RunConfig, parse_config
from gnn.evaluate import metrics, rank
from gnn.features import node_features
from gnn.foldin import Newcomers, extend
from gnn.prepare import GRAPH_NETWORKS
from gnn.scorer import Scorer
from gnn.triples import Ids, Split, Vocabulary, graph_triples
from graph.store import open_store

HIDDEN, LEAST_EDGES, NEAREST = 300, 4, 10
KEPT = 0.5


@dataclass(frozen=True)
class Hiding:
    """Hidden titles, what trainings may see, and the edge of each that is kept back; numbers of the whole graph."""

    titles: Ids
    held: Ids
    retrained: Ids
    base: Ids
    shown: Ids


def hide(vocabulary: Vocabulary, triples: Ids, count: int, seed: int = 0) -> Hiding:
    """Hide titles with at least 4 edges."""
    chance = np.random.default_rng(seed)
    is_title = np.array([name.startswith("Title:") for name in vocabulary.entities])
    degree = np.bincount(triples[:, [0, 2]].ravel(), minlength=len(is_title))
    titles = chance.permutation(np.flatnonzero(is_title & (degree >= LEAST_EDGES)))[:count]
    hidden = np.zeros(len(is_title), bool)
    hidden[titles] = True
    touched = hidden[triples[:, [0, 2]]]
    base = triples[~touched.any(1)]
    elsewhere = np.bincount(base[:, [0, 2]].ravel(), minlength=len(is_title)) > 0
    held = []
    for title in titles:
        mine = np.flatnonzero((triples[:, [0, 2]] == title).any(1))
        others = np.where(triples[mine, 0] == title, triples[mine, 2], triples[mine, 0])
        if (usable := mine[elsewhere[others] & ~hidden[others]]).size:
            held.append(int(chance.choice(usable)))
    rest = np.delete(np.arange(len(triples)), held)
    shown = rest[touched[rest].sum(1) == 1]
    shown = shown[(elsewhere | hidden)[triples[shown][:, [0, 2]]].all(1)]
    return Hiding(titles, triples[held], triples[rest], base, triples[shown])


def fit(config: RunConfig, split: Split, features: np.ndarray | None) -> Scorer:
    """Train for all epochs."""
    if config.model.name in GRAPH_NETWORKS:
        from gnn.graphnet import train_graphnet

        later = itertools.count()
        return train_graphnet(
            split, config, features, lambda _: float(next(later)), checkpoint=None, report=lambda _: None
        ).scorer
    from gnn.loop import Loop

    loop = Loop(split, config)
    for number in range(1, config.training.epochs + 1):
        loop.epoch(number)
    return loop.kge


def nearest(scorer: Scorer, asked: Ids, among: Ids) -> np.ndarray:
    """Places in `among` of the ten nearest by cosine: (asked, 10)."""
    vectors = scorer.entity_vectors()
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return np.argsort(-(vectors[asked] @ vectors[among].T), axis=1)[:, :NEAREST]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / NEAREST for a, b in zip(one, other, strict=True)]))


def compare(
    name: str, vocabulary: Vocabulary, hiding: Hiding, features: np.ndarray | None, epochs: int
) -> list[Figure]:
    """One model: MRR and neighbours of retrained and folded-in vectors."""
    nothing = np.empty((0, 3), np.int64)
    raw = {"model": {"name": name, "dimension": 64}, "training": {"epochs": epochs, "batch": 2048, "every": epochs}}
    if name in GRAPH_NETWORKS:
        raw["training"] |= {"learning_rate": 0.01, "optimizer": "adam"}
    configs = [parse_config(raw | {"seed": seed}) for seed in (0, 1)]
    whole = Split(vocabulary, hiding.retrained, nothing, hiding.held)
    retrained, again = (fit(config, whole, features) for config in configs)

    seen = np.unique(hiding.base[:, [0, 2]])
    place = np.full(len(vocabulary.entities), -1, np.int64)
    place[seen] = np.arange(len(seen))
    small = Vocabulary(tuple(vocabulary.entities[one] for one in seen), vocabulary.relations)
    base = fit(configs[0], Split(small, _mapped(hiding.base, place), nothing, nothing),
               None if features is None else features[seen])  # fmt: skip
    place[hiding.titles] = len(seen) + np.arange(len(hiding.titles))
    fresh = Newcomers(tuple(vocabulary.entities[one] for one in hiding.titles), _mapped(hiding.shown, place))
    began = time.perf_counter()
    own = None if features is None else features[hiding.titles]
    folded = extend(base, configs[0], small, fresh, own, epochs=epochs)
    seconds = time.perf_counter() - began
    grown = Vocabulary((*small.entities, *fresh.names), small.relations)
    known = Split(grown, np.concatenate([_mapped(hiding.base, place), fresh.triples]), nothing,
                  _mapped(hiding.held, place))  # fmt: skip

    mrr = [metrics(rank(retrained, whole.test, whole)).mrr, metrics(rank(folded, known.test, known)).mrr]
    titles = np.array([one for one in seen if vocabulary.entities[one].startswith("Title:")], np.int64)
    lists = [nearest(scorer, hiding.titles, titles) for scorer in (retrained, again)]
    own_list = nearest(folded, place[hiding.titles], place[titles])
    kept = [overlap(lists[0], own_list), overlap(lists[0], lists[1])]
    return [
        Figure(f"{name}: share of the MRR kept", mrr[1] / mrr[0], "", KEPT, more=True,
               floor=f"retrained {mrr[0]:.3f}, folded in {mrr[1]:.3f}"),
        Figure(f"{name}: top-10 overlap, share of a retraining's", kept[0] / max(kept[1], 1e-9), "",
               floor=f"two trainings {kept[1]:.3f}, folded in {kept[0]:.3f}"),
        Figure(f"{name}: folding in", seconds, "s", floor=f"{len(hiding.titles)} titles, {len(fresh.triples)} edges"),
    ]  # fmt: skip


def _mapped(triples: Ids, place: Ids) -> Ids:
    return np.stack([place[triples[:, 0]], triples[:, 1], place[triples[:, 2]]], 1)


def measure(options: argparse.Namespace) -> list[Figure]:
    figures = []
    with dataset.store_folder(options) as folder:
        store = open_store(f"embedded:{folder}")
        vocabulary, triples = graph_triples(store, parse_config({}).graph)
        hiding = hide(vocabulary, triples, options.hidden)
        for name in options.models.split(","):
            features = node_features(store, vocabulary) if name in GRAPH_NETWORKS else None
            figures += compare(name, vocabulary, hiding, features, options.epochs)
        store.close()
    return figures


if __name__ == "__main__":
    made = parser(__doc__)
    made.add_argument("--models", default="DistMult,ComplEx,TransE,RotatE,RGCN,GraphSAGE", help="parted by commas")
    made.add_argument("--epochs", type=int, default=20)
    made.add_argument("--hidden", type=int, default=HIDDEN, help="titles")
    sys.exit(run(made.parse_args(), measure))
