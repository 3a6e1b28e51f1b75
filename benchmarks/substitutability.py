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

from benchmarks.figure import Figure, run
from gnn.hidden import TEST_SEEDS, Hiding, Trial, draw
from gnn.substitutability import Known, Questions, ask, curve_of, genres_of, learn, reliability
from gnn.substitutes import Options, all_vectors, fit, likes_of
from graph.foldin import DIMENSION, from_content
from graph.store import GraphStore, open_store
from graph.substitutability import CONTENT_COEFFICIENTS, FACTS, POOR, Curve

LIMIT, LEAST = 0.05, 5
SIZES = (3, 10, 30, 100, 300, 1_000)


def questions(store: GraphStore, trial: Trial, options: Options, vectors: str) -> tuple[Questions, Curve]:
    """The hidden titles of a draw in catalogs, and the curve that is published with the vectors."""
    judged = trial.judges.counts + trial.warm.counts
    ids = [id_ for id_, count in zip(trial.judges.titles, judged, strict=True) if count >= LEAST]
    if vectors == "learned":
        fitted = fit(store, trial.learned, DIMENSION, options)
        learned = learn(store, trial.learned, fitted, options)
        assert learned is not None, "too few likes to learn a curve from"
        made, landmarks, coefficients = (
            all_vectors(fitted, ids),
            fitted.foldin.reader.landmarks.ids,
            learned.coefficients,
        )
        references = all_vectors(fitted, landmarks)
    else:
        folded = from_content(store)
        made, coefficients = folded.vectors(ids), CONTENT_COEFFICIENTS
        references = folded.vectors(folded.reader.landmarks.ids)
    place = {id_: row for row, id_ in enumerate(ids)}
    column = {id_: row for row, id_ in enumerate(trial.judges.titles)}
    columns = [column[id_] for id_ in ids]
    known = Known(ids, made, trial.warm.counts[columns], trial.judges.matrix[:, columns].tocsc(),
                  genres_of(store, ids), np.empty(0, np.int64))  # fmt: skip
    asked, inside = (np.array([place[id_] for id_ in some]) for some in (trial.asked, trial.catalog))
    found, _ = ask(known, asked, made[asked], inside, np.random.default_rng([trial.seed, 2]), SIZES)
    return found, Curve(coefficients, references)


def measure(options: argparse.Namespace) -> list[Figure]:
    store = open_store(options.store)
    likes = likes_of(store, options.likes_from)
    settings, hiding = Options(likes_from=options.likes_from), Hiding(validation=options.validation)
    said, good, rows = [], [], []
    for seed in TEST_SEEDS:
        found, curve = questions(store, draw(store, likes, hiding, seed), settings, options.vectors)
        said.append(curve.of(found.asked, found.products))
        good.append(found.good)
        rows.append((found, curve))
    if options.fit:
        _print_fit(rows)
    probabilities, true, names = np.concatenate(said), np.concatenate(good), rows[0][0].names
    figures = []
    for name, columns in (("all questions", slice(None)), *((name, [i]) for i, name in enumerate(names))):
        one = reliability(probabilities[:, columns], true[:, columns])
        label = name if name == "all questions" else f"… {name} titles" if name[0].isdigit() else f"… {name}"
        floor = (f"by chance {one.chance:.3f}; said {probabilities[:, columns].mean():.2f}, good {one.base:.2f}; "
                 f"Brier {one.brier:.3f}, of the base rate {one.base_brier:.3f}")  # fmt: skip
        figures.append(Figure(label, one.error, "", LIMIT if name == "all questions" else None, floor=floor))
    poor = probabilities < POOR
    figures.append(Figure("… said to be poor", float(poor.mean()), floor=f"of these good: {true[poor].mean():.2f}"))
    return figures


def _print_fit(rows: list[tuple[Questions, Curve]]) -> None:
    parts = [one for one, _ in rows]
    together = Questions(*(np.concatenate([getattr(one, name) for one in parts])
                           for name in ("asked", "products", "good")), parts[0].names)  # fmt: skip
    print(dict(zip(FACTS, np.round(curve_of(rows[0][1].references, together), 3).tolist(), strict=True)))


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--store", required=True, help="a store with imdb-24k and ml-latest-small")
    made.add_argument("--vectors", choices=("content", "learned"), default="learned")
    made.add_argument("--likes-from", type=float, default=0.0)
    made.add_argument("--validation", action="store_true", help="draws that settings are chosen on")
    made.add_argument("--fit", action="store_true", help="print the curve fitted on the questions themselves")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    sys.exit(run(made.parse_args(), measure))
