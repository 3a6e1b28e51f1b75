"""Fitting what graph/sibling_odds.py holds: python -m benchmarks.series_fit [--data ../shared/data] [--seed 0]

Positive are the pairs of half 0 with all that hangs together with them; negative is all else that `graph.siblings`
looks at for one of their titles. Every title is asked twice, with TMDB's keywords and as if the graph had none. Five
folds, whole series apart, say how well it does on what it was not fitted to.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from benchmarks.series import catalog, loaded
from benchmarks.series_pairs import Pair, both_ways, closure, related, written
from graph.sibling_odds import Trace, place
from graph.siblings import traces, years_between
from graph.store import WHOLE_GRAPH, GraphStore, Scope

FOLDS, RIDGE, FIRST = 5, 3e-4, 3
LEVELS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """A title of half 0. rows: (ids, traces); true: (ids,) 1 belongs to it, 0 does not, nan is not known."""

    ids: list[str]
    rows: Floats
    years: list[float]
    true: Floats
    wanted: set[str]
    fold: int


def questions(store: GraphStore, pairs: Sequence[Pair], seed: int) -> list[Asked]:
    known = [pair for pair in pairs if pair.half == 0 and pair.relation != "doubtful"]
    asked = [pair for pair in known if pair.relation != "series"]
    sure = closure([(pair.one, pair.other) for pair in asked])
    whole = closure([(pair.one, pair.other) for pair in known])
    named = {frozenset((pair.one, pair.other)) for pair in known}
    doubtful = {frozenset((pair.one, pair.other)) for pair in pairs if pair.relation == "doubtful"}

    def true(id_: str, other: str) -> float:
        pair = frozenset((id_, other))
        if other in sure[id_] or pair in named:
            return 1.0
        return float("nan") if pair in doubtful or other in whole[id_] else 0.0

    series = np.random.default_rng(seed).permutation(sorted({min(own) for own in whole.values()})).tolist()
    inside, made = catalog(store, pairs), []
    for id_ in sorted(sure):
        ids, rows = traces(store, id_, Scope(WHOLE_GRAPH), inside)
        nodes = store.get_nodes("Title", [id_, *ids], ["start_year"])
        year = dict(zip(nodes.column("id").to_pylist(), nodes.column("start_year").to_pylist(), strict=True))
        years = [years_between(year[id_], year[other]) for other in ids]
        wanted = {other for hidden, other in both_ways(asked) if hidden == id_}
        truth = np.array([true(id_, other) for other in ids])
        made.append(Asked(ids, rows, years, truth, wanted, series.index(min(whole[id_])) % FOLDS))
    return made


def fit(asked: Sequence[Asked]) -> Floats:
    """Weights and the constant, last: the likeliest, under a slight ridge."""
    rows = np.concatenate([one.rows for one in asked])
    true = np.concatenate([one.true for one in asked])
    rows, true = rows[~np.isnan(true)], true[~np.isnan(true)]
    bare = rows.copy()
    bare[:, Trace.KEYWORD] = 0
    rows, true = np.concatenate([rows, bare]), np.concatenate([true, true])
    rows = np.concatenate([rows, np.ones((len(rows), 1))], 1)
    scale = np.append(np.maximum(rows[:, :-1].std(0), 1e-9), 1.0)
    scaled = rows / scale

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds = scaled @ weights
        wrong = 1 / (1 + np.exp(-odds)) - true
        pull = np.append(weights[:-1], 0.0)
        value = float(np.mean(np.logaddexp(0, odds) - true * odds) + RIDGE * (pull**2).sum())
        return value, scaled.T @ wrong / len(true) + 2 * RIDGE * pull

    found: Floats = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B").x
    return found / scale


def show(asked: Sequence[Asked]) -> None:
    """Print the constants, and for levels of probability what is found in the folds left out."""
    weights = fit(asked)
    for trace in Trace:
        print(f"Trace.{trace.name}: {weights[trace]:.2f},")
    print(f"CONSTANT = {weights[-1]:.2f}\n")
    hits, counts, right = np.zeros(len(LEVELS)), np.zeros(len(LEVELS)), np.zeros(len(LEVELS))
    found, true, wanted = [], [], 0
    for fold in range(FOLDS):
        learned = fit([one for one in asked if one.fold != fold])
        for one in asked:
            if one.fold != fold:
                continue
            odds = one.rows @ learned[:-1] + learned[-1]
            sure = 1 / (1 + np.exp(-odds))
            known = ~np.isnan(one.true)
            found.append(sure[known])
            true.append(one.true[known])
            order = sorted(range(len(odds)), key=lambda row: -place(odds[row], one.years[row]))
            wanted += len(one.wanted)
            for column, level in enumerate(LEVELS):
                first = [one.ids[row] for row in order if sure[row] >= level][:FIRST]
                hits[column] += len(one.wanted.intersection(first))
                counts[column] += ((sure >= level) & known).sum()
                right[column] += (one.true[(sure >= level) & known] > 0).sum()
    sure, truth = np.concatenate(found), np.concatenate(true)
    print("left out: from probability   wanted among the first 3   siblings a title   of these true")
    for level, hit, count, good in zip(LEVELS, hits / wanted, counts / len(asked), right / np.maximum(counts, 1),
                                       strict=True):  # fmt: skip
        print(f"{level:>26.1f}{hit:>27.3f}{count:>19.2f}{good:>16.3f}")
    clipped = np.clip(sure, 1e-9, 1 - 1e-9)
    loss = -np.sum(truth * np.log(clipped) + (1 - truth) * np.log(1 - clipped))
    print(f"\n{len(asked)} titles, {len(truth):,} pairs looked at, {int(truth.sum())} true; log loss {loss:.1f}")


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=Path(os.environ.get("REELGRAPH_DATA", "../shared/data")))
    made.add_argument("--seed", type=int, default=0, help="of the folds")
    options = made.parse_args()
    with loaded(options.data, keywords=True) as held:
        show(questions(held, [*related(options.data, held), *written(held)], options.seed))
