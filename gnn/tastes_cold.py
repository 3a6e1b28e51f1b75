"""How much each matrix counts for titles without feedback, whose part in it is what their content predicts.

That is another question than for titles that everybody knows: it is learned on a fifth of the titles, whose feedback
the matrices have not seen, ranked among each other (`gnn.recommend_splits.cold_titles`). What comes out is put to the
mean and the spread that these titles' scores have by the weights of all, so that it says which of them are wanted,
and not how many of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gnn.histories import Histories
from gnn.recommend_splits import cold_titles
from gnn.tastes import COLD, OFFSET, Matter, Options, features_of, parts_of
from gnn.tastes_weights import learned
from graph.tastes import Weighting

_FIXED = ("newness", "unreleased")
_SEED, _LEAST = 7_919, 50  # no seed of an evaluation: its titles would be the very ones without feedback


def cold_weights(
    histories: Histories,
    matter: Matter,
    options: Options,
    weighting: Weighting,
    weights: Mapping[str, float],
    most: int,
) -> dict[str, float]:
    """Weights by name, each beginning with COLD, and what is added to all cold titles; none where too few are there.

    weights: those of all titles. most: users, at most, that it is learned on.
    """
    split = cold_titles(histories, _SEED)
    chosen = split.users
    if len(chosen) < _LEAST or split.among is None:
        return {}
    if len(chosen) > most:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, most, replace=False))
    parts = parts_of(split.known, matter, options)
    if not parts.predicted:
        return {}
    there = np.flatnonzero(split.among)
    place = {title: column for column, title in enumerate(there.tolist())}
    names, features = features_of(parts, split.known, chosen, weighting)
    kept = [row for row, name in enumerate(names) if name not in _FIXED]
    names, features = [names[row] for row in kept], features[np.ix_(kept, range(len(chosen)), there.tolist())]
    truth = [np.array([place[title] for title in split.liked[user].tolist()], np.int64) for user in chosen.tolist()]
    found = learned(features, truth, [np.empty(0, np.int64)] * len(chosen))
    plain, cold = (np.tensordot(np.asarray(one, np.float32), features, 1)
                   for one in ([weights[name] for name in names], found))  # fmt: skip
    scale = float(plain.std(1).mean() / max(float(cold.std(1).mean()), 1e-9))
    made = {COLD + name: scale * float(weight) for name, weight in zip(names, found, strict=True)}
    return made | {OFFSET: float(plain.mean() - scale * cold.mean())}
