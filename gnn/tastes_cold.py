"""How much each matrix counts for titles without feedback, whose part in it is what their content predicts.

That is another question than for titles that everybody knows: it is learned on a fifth of the titles, whose feedback
the matrices have not seen, ranked among each other (`gnn.recommend_splits.cold_titles`); those that have none at all
say nothing there. Where such titles stand among all others is learned on what users liked next, of all titles: it is
one number for all of them, so that a catalog full of titles that nobody watches does not come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gnn.histories import Floats, Histories, Ints
from gnn.recommend_splits import cold_titles
from gnn.tastes import COLD, OFFSET, Matter, Options, features_of, parts_of
from gnn.tastes_weights import learned, likely, masks
from graph.tastes import Weighting

_FIXED = ("newness", "unreleased")
_SEED, _LEAST = 7_919, 50  # no seed of an evaluation: its titles would be the very ones without feedback


def among_cold(
    histories: Histories, matter: Matter, options: Options, weighting: Weighting, most: int
) -> dict[str, float]:
    """Weights by name, for ranking titles without feedback among each other; none where too little is known of any.

    most: users, at most, that they are learned on.
    """
    split = cold_titles(histories, _SEED)
    chosen = split.users
    if len(chosen) < _LEAST or split.among is None:
        return {}
    if len(chosen) > most:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, most, replace=False))
    parts = parts_of(split.known, matter, options)
    known = np.bincount(histories.title, minlength=len(histories.titles)) > 0
    there = np.flatnonzero(split.among & known)
    if not parts.cold[there].any():
        return {}
    place = {title: column for column, title in enumerate(there.tolist())}
    names, features = features_of(parts, split.known, chosen, weighting)
    kept = [row for row, name in enumerate(names) if name not in _FIXED]
    truth = [np.array([place[title] for title in split.liked[user].tolist()], np.int64) for user in chosen.tolist()]
    asked = features[np.ix_(kept, range(len(chosen)), there.tolist())]
    found = learned(asked, truth, [np.empty(0, np.int64)] * len(chosen)).tolist()
    return dict.fromkeys(names, 0.0) | dict(zip((names[row] for row in kept), found, strict=True))


def placed(
    among: Mapping[str, float], weights: Mapping[str, float], features: Floats, cold: npt.NDArray[np.bool_],
    truth: Sequence[Ints], passed: Sequence[Ints],
) -> dict[str, float]:  # fmt: skip
    """Those weights, each name beginning with COLD, and what every title without feedback gets besides.

    weights: of all titles; features: (features, users, titles), in the order of both; cold: the titles without
    feedback, (titles,). Both sums are log-odds, so that one number puts them beside each other.
    """
    if not among:
        return {}
    both = [{name: weights[name] if name in _FIXED else own for name, own in among.items()}, weights]
    own, plain = (np.tensordot(np.array([one[name] for name in weights], np.float32), features, 1) for one in both)
    two = np.stack([np.where(cold, own, plain), np.broadcast_to(cold, plain.shape)]).astype(np.float32)
    size, offset = likely(two, *masks((len(truth), len(cold)), truth, passed)).tolist()
    if size <= 0:
        return {}
    return {COLD + name: weight for name, weight in among.items()} | {OFFSET: offset / size}
