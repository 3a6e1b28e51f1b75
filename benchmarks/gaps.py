"""Twenty purchases: how much of the substitutability that hiding titles costs a catalog is won back, by whom chosen?

    python -m benchmarks.gaps --store URL [--budget 20] [--likes-from 0|4] [--validation]

300 titles are hidden as `reelgraph evaluate --task substitutes` does (docs/out-of-catalog.md): test draws 0, 1 and 2 of
ml-latest-small on imdb-24k. Vectors and curve are learned from one half of the viewers, without the hidden titles.
Demand is how many viewers like a hidden title. Lost is demand × (1 − substitutability by the catalog); the share of
it that buying 20 of the hidden titles wins back is printed for greedy choice (as `reelgraph gaps --budget 20`), for the
20 most liked, for the 20 with most votes and for 20 at random. As the model sees it, and as the other half of the
viewers does: demand for titles that were bought, or whose first substitute is among the 50 titles that their viewers
like most, in place of the probability of that.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from benchmarks.figure import Figure, run
from gnn.hidden import TEST_SEEDS, Hiding, Trial, draw, facts
from gnn.substitutability import learn, liked_most
from gnn.substitutes import Likes, Options, all_vectors, fit, likes_of
from graph.coverage import Coverage
from graph.foldin import DIMENSION
from graph.purchases import choose
from graph.store import GraphStore, open_store
from graph.substitutability import Curve
from graph.vectors import top

NAMES = {"greedy": "greedy", "liked": "the most liked", "voted": "the most votes", "random": "at random"}


@dataclass(frozen=True)
class Draw:
    """A draw's catalog and hidden titles as the model sees them. good: (hidden, titles), what judges like most."""

    trial: Trial
    demand: np.ndarray
    hidden: np.ndarray
    offered: np.ndarray
    curve: Curve
    votes: np.ndarray
    good: np.ndarray

    def covered(self) -> Coverage:
        made = Coverage(self.curve, self.hidden)
        made.offer(self.offered)
        return made

    def chosen(self, budget: int) -> dict[str, list[int]]:
        """Places of what each way of choosing buys."""
        covered = self.covered()
        bought = choose(self.demand, covered.now, lambda places: covered.values(self.hidden[places], places),
                        len(self.demand), budget)  # fmt: skip
        by_chance = np.random.default_rng([self.trial.seed, 3]).permutation(len(self.demand))
        return {"greedy": [one.place for one in bought], "liked": top(self.demand, budget).tolist(),
                "voted": top(self.votes, budget).tolist(), "random": by_chance[:budget].tolist()}  # fmt: skip

    def won_back(self, places: list[int]) -> float:
        """The share of what is lost, by the model."""
        covered = self.covered()
        now = covered.now
        after = np.maximum(now, covered.values(self.hidden[places], np.array(places)).max(axis=1))
        return float(self.demand @ (after - now) / (self.demand @ (1 - now)))

    def judged(self, places: list[int]) -> float:
        """Demand that is met, by the judges: the share of all."""
        known = self.good.any(axis=1)
        ids = [*self.trial.catalog, *(self.trial.asked[place] for place in places)]
        first = (self.hidden @ np.concatenate([self.offered, self.hidden[places]]).T).argmax(axis=1)
        column = {id_: place for place, id_ in enumerate(self.trial.judges.titles)}
        met = self.good[np.arange(len(first)), [column[ids[place]] for place in first]]
        met[places] = True
        return float(self.demand[known] @ met[known] / self.demand[known].sum())


def prepared(store: GraphStore, likes: Likes, trial: Trial, options: Options) -> Draw:
    fitted = fit(store, trial.learned, DIMENSION, options)
    learned = learn(store, trial.learned, fitted, options)
    assert learned is not None, "too few likes to learn a curve from"
    curve = Curve(learned.coefficients, all_vectors(fitted, fitted.foldin.reader.landmarks.ids))
    counts = dict(zip(likes.titles, likes.counts.tolist(), strict=True))
    about = facts(store, trial.asked)
    column = {id_: place for place, id_ in enumerate(trial.judges.titles)}
    good = liked_most(trial.judges.matrix.tocsc(), np.array([column[id_] for id_ in trial.asked]))
    return Draw(
        trial, np.array([counts[id_] for id_ in trial.asked], float), all_vectors(fitted, trial.asked),
        all_vectors(fitted, trial.catalog), curve, np.array([about[id_][2] for id_ in trial.asked], float), good,
    )  # fmt: skip


def measure(options: argparse.Namespace) -> list[Figure]:
    store = open_store(options.store)
    likes, settings = likes_of(store, options.likes_from), Options(likes_from=options.likes_from)
    won: dict[str, list[float]] = {name: [] for name in NAMES}
    judged: dict[str, list[float]] = {name: [] for name in NAMES}
    before, needed, lost = [], [], []
    for seed in TEST_SEEDS:
        one = prepared(store, likes, draw(store, likes, Hiding(validation=options.validation), seed), settings)
        start = one.judged([])
        before.append(start)
        lost.append(float(one.demand @ (1 - one.covered().now) / one.demand.sum()))
        for name, places in one.chosen(options.budget).items():
            won[name].append(one.won_back(places))
            judged[name].append((one.judged(places) - start) / (1 - start))
        liked = top(one.demand, len(one.demand)).tolist()
        needed.append(next(n for n in range(1, len(liked) + 1) if one.won_back(liked[:n]) >= won["greedy"][-1]))
    figures = [Figure("lost by hiding, of all demand", float(np.mean(lost)), floor=_each(lost))]
    figures += [
        Figure(f"won back by {options.budget}, {said}", float(np.mean(won[name])),
               limit=float(np.mean(won["liked"])) if name == "greedy" else None, more=True, floor=_each(won[name]))
        for name, said in NAMES.items()
    ]  # fmt: skip
    figures.append(Figure("titles by likes that win back as much as greedy", float(np.mean(needed)),
                          floor=", ".join(map(str, needed))))  # fmt: skip
    figures.append(Figure("judges: lost by hiding", 1 - float(np.mean(before)), floor=_each([1 - b for b in before])))
    figures += [
        Figure(f"judges: won back by {options.budget}, {said}", float(np.mean(judged[name])), floor=_each(judged[name]))
        for name, said in NAMES.items()
    ]
    return figures


def _each(values: list[float]) -> str:
    return "draws: " + ", ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--store", required=True, help="a store with imdb-24k and ml-latest-small")
    made.add_argument("--budget", type=int, default=20, help="how many titles to buy")
    made.add_argument("--likes-from", type=float, default=0.0, help="the least rating that counts as a like")
    made.add_argument("--validation", action="store_true", help="draws that settings are chosen on")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    sys.exit(run(made.parse_args(), measure))
