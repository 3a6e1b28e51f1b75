"""Is the best substitute as good as it is said to be? Calibration on hidden titles, by the size of the catalog.

    python -m benchmarks.substitutability --store URL [--vectors content] [--likes-from 4] [--validation] [--fit]

Titles are hidden as `reelgraph evaluate --task substitutes` does (docs/out-of-catalog.md): test draws 0, 1 and 2, or
validation draws. Vectors and curve are learned from one half of the viewers, without the hidden titles; the other half
says what is good. Each hidden title is asked in one catalog of each size, and in three cuts: the least and the most
liked titles and those of one genre. Error: expected calibration error, ten bins of equal mass; the floor beside it is
what chance alone would give. --fit prints the coefficients of a curve fitted on these questions themselves:
`--vectors content --validation --fit` made those of graph/substitutability.py.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import numpy.typing as npt

from benchmarks.figure import Figure, run
from gnn.hidden import TEST_SEEDS, Hiding, Trial, draw
from gnn.substitutability import Known, Questions, ask, curve_of, genres_of, learn, reliability, together
from gnn.substitutes import SHRINKAGE, Options, all_vectors, fit, likes_of
from graph.foldin import DIMENSION, from_content
from graph.store import GraphStore, open_store
from graph.substitutability import CONTENT_COEFFICIENTS, FACTS, POOR, probabilities

Floats = npt.NDArray[np.float32]

LIMIT, LEAST = 0.05, 5
SIZES = (3, 10, 30, 100, 300, 1_000)


def questions(store: GraphStore, trial: Trial, options: Options, vectors: str) -> tuple[Questions, tuple[float, ...]]:
    """The hidden titles of a draw in catalogs, and the coefficients that are published with the vectors."""
    counts = trial.judges.counts + trial.warm.counts
    ids = [id_ for id_, count in zip(trial.judges.titles, counts, strict=True) if count >= LEAST]
    if vectors == "learned":
        fitted = fit(store, trial.learned, DIMENSION, options)
        learned = learn(store, trial.learned, fitted, options)
        assert learned is not None, "too few likes to learn a curve from"
        made, references = (all_vectors(fitted, some) for some in (ids, fitted.foldin.reader.landmarks.ids))
        coefficients = learned.coefficients
    else:
        folded = from_content(store)
        made, references = (folded.vectors(some) for some in (ids, folded.reader.landmarks.ids))
        coefficients = CONTENT_COEFFICIENTS
    place = {id_: row for row, id_ in enumerate(ids)}
    column = {id_: row for row, id_ in enumerate(trial.judges.titles)}
    columns = [column[id_] for id_ in ids]
    popularity, judges = trial.warm.counts[columns], trial.judges.matrix[:, columns].tocsc()
    known = Known(made, popularity, judges, SHRINKAGE, genres_of(store, ids), references)
    asked, inside = (np.array([place[id_] for id_ in some]) for some in (trial.asked, trial.catalog))
    return ask(known, asked, inside, np.random.default_rng([trial.seed, 2]), SIZES), coefficients


def measure(options: argparse.Namespace) -> list[Figure]:
    store = open_store(options.store)
    likes = likes_of(store, options.likes_from)
    settings, hiding = Options(likes_from=options.likes_from), Hiding(validation=options.validation)
    draws = [questions(store, draw(store, likes, hiding, seed), settings, options.vectors) for seed in TEST_SEEDS]
    asked = together([found for found, _ in draws])
    if options.fit:
        fitted = np.round(curve_of(asked.inputs, asked.good), 3).tolist()
        print(dict(zip(FACTS, fitted, strict=True)))
    said = np.concatenate([probabilities(coefficients, found.inputs) for found, coefficients in draws])
    figures = [_figure("all questions", said, asked.good, LIMIT)]
    for column, name in enumerate(asked.names):
        label = f"… {name} titles" if name[0].isdigit() else f"… {name}"
        figures.append(_figure(label, said[:, column], asked.good[:, column], None))
    poor = said < POOR
    return [*figures, Figure("… said to be poor", float(poor.mean()), floor=f"good: {asked.good[poor].mean():.2f}")]


def _figure(name: str, said: Floats, good: npt.NDArray[np.bool_], limit: float | None) -> Figure:
    one = reliability(said, good)
    floor = (f"chance {one.chance:.3f}; said {said.mean():.2f}, good {one.base:.2f}; Brier {one.brier:.3f}, base rate "
             f"{one.base_brier:.3f}")  # fmt: skip
    return Figure(name, one.error, "", limit, floor=floor)


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--store", required=True, help="a store with imdb-24k and ml-latest-small")
    made.add_argument("--vectors", choices=("content", "learned"), default="learned")
    made.add_argument("--likes-from", type=float, default=0.0)
    made.add_argument("--validation", action="store_true", help="draws that settings are chosen on")
    made.add_argument("--fit", action="store_true", help="print the curve fitted on the questions themselves")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    sys.exit(run(made.parse_args(), measure))
