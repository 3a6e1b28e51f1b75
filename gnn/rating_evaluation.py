"""`reelgraph evaluate --task rating`: how far said points are from given ones, 80 known to 20 judged, by chance.

RMSE over all judged ratings of a seed, then over all seeds. Intervals and paired differences are by bootstrap over
users, each with all their judged ratings of all seeds. The seconds of processor time are those of fitting and of asking
for all judged ratings; what an earlier row has fitted already is not counted again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from gnn.config import ConfigError
from gnn.cost import timed
from gnn.histories import Floats
from gnn.prepare import NotInstalled, needs
from gnn.rating_blend import blend, once
from gnn.rating_factors import bayesian
from gnn.rating_models import Known, Mean, Rater, item_knn, svd
from gnn.ratings import Asked, Biases, Points, Ratings, ratings_in
from gnn.resampled import Numbers, Resampled, interval
from gnn.tastes import Options, matter_of
from gnn.tower_options import TowerOptions
from graph.store import GraphStore, Progress
from graph.tower_scores import Pairs

SHARE, SEEDS = 0.2, (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class _Ranker:
    """The towers' ranker, asked for points."""

    pairs: Pairs
    given: sp.csr_matrix

    def rate(self, asked: Asked) -> Points:
        return self.pairs.points(self.given, asked.user, asked.title).astype(np.float64)


def _ranker(known: Known) -> _Ranker:
    needs("torch")
    from gnn.tower_ranker import train_ranker

    given = known.ratings.matrix(known.ratings.value)
    return _Ranker(train_ranker(given, known.z, TowerOptions(), seed=known.seed), given)


RATERS: Mapping[str, tuple[Callable[[Known], Rater], str]] = {
    "mean": (lambda known: Mean(float(known.ratings.value.mean())), "the mean of all"),
    "biases": (lambda known: Biases.learned(known.ratings), "mean, user and title"),
    "svd": (svd, "biases and 10 factors by least squares"),
    "item-knn": (lambda known: once(known, "item-knn", item_knn), "biases and residuals on the titles most alike"),
    "ranker": (_ranker, "the network of pairs that ranks what two towers found"),
    "factors": (lambda known: once(known, "factors", bayesian), "10 factors by Gibbs sampling, without biases"),
    "blend-untimed": (lambda known: blend(known, timed=False), "biases, factors, neighbours and content"),
    "blend": (lambda known: blend(known, timed=True), "the same, and what was said in the same sitting"),
}
"""By name: how it is fitted, and what it is. The last is ours."""
OURS = "blend"


def rate(
    store: GraphStore, rated: pa.Table | None, seeds: Sequence[int] = (), names: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Judge raters (none named: all) on a store's ratings, or on a table RATED, as plain data.

    Raises ConfigError for a name that is none, FeedbackError where there are too few ratings.
    """
    say: Progress = progress or (lambda _what, _share: None)
    chosen, draws = _known(names), tuple(seeds or SEEDS)
    ratings, kind = ratings_in(store, rated)
    say("content of titles", 0.0)
    z = content_of(store, ratings)
    judged: dict[str, list[Numbers]] = {name: [] for name in chosen}
    seconds, left_out = dict.fromkeys(chosen, 0.0), {}
    count = np.zeros(len(ratings.users))
    for place, seed in enumerate(draws):
        known, hidden = ratings.parted(seed, SHARE)
        count += np.bincount(hidden.user, minlength=len(count))
        given = Known(known, z, seed)
        for step, name in enumerate(chosen):
            say(f"{name}, seed {seed}", (place + step / len(chosen)) / len(draws))
            try:
                squares, spent = timed(partial(_squares, RATERS[name][0], given, hidden))
            except NotInstalled as error:
                if name in names:
                    raise
                left_out[name] = str(error)
                continue
            judged[name].append(squares)
            seconds[name] += spent
    return {
        "task": "rating",
        "data": f"{len(ratings):,} ratings ({kind}) of {len(ratings.users):,} users on {len(ratings.titles):,} titles",
        "split": f"{SHARE:.0%} by chance",
        "seeds": list(draws),
        "ratings": len(ratings),
        "users": len(ratings.users),
        "titles": len(ratings.titles),
        "judged": int(SHARE * len(ratings)),
        "compared_with": OURS if OURS in chosen else None,
        "left_out": left_out,
        "figures": {"rmse": "RMSE"},
        "lower_is_better": ["rmse"],
        "strategies": _rows({name: one for name, one in judged.items() if one}, count, seconds),
    }


def _known(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in RATERS:
            raise ConfigError(f"there is no way {name!r} to predict ratings; there are {', '.join(RATERS)}")
    return [name for name in RATERS if not names or name in names]


def _squares(fit: Callable[[Known], Rater], given: Known, hidden: Ratings) -> Numbers:
    """The sum of squared errors of each user, points cut to the scale: (users,)."""
    known = given.ratings.value
    said = np.clip(fit(given).rate(Asked.of(hidden)), known.min(), known.max())
    return np.bincount(hidden.user, np.square(said - hidden.value), len(hidden.users)).astype(np.float64)


def _rows(judged: Mapping[str, list[Numbers]], count: Numbers, seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    resampled = Resampled(count)
    samples = {name: np.sqrt(resampled.means(np.sum(one, 0))) for name, one in judged.items()}
    whole = {name: float(np.sqrt(resampled.mean(np.sum(one, 0)))) for name, one in judged.items()}
    draws = len(next(iter(judged.values())))
    rows = []
    for name, one in judged.items():
        each = [float(np.sqrt(own.sum() / (count.sum() / draws))) for own in one]
        row: dict[str, Any] = {"strategy": name, "about": RATERS[name][1]}
        row["rmse"] = {"mean": round(whole[name], 4)} | interval(samples[name])
        row["rmse_by_seed"] = [round(own, 4) for own in each]
        if OURS in judged and name != OURS:
            gap = {"mean": round(whole[name] - whole[OURS], 4)} | interval(samples[name] - samples[OURS])
            row["rmse_difference"] = gap
        rows.append(row | {"cost": {"train_seconds": round(seconds[name] / draws, 2), "query_ms": None, "bytes": None}})
    return rows


def content_of(store: GraphStore, ratings: Ratings) -> Floats:
    """Unit vectors of content of the titles rated."""
    counts = np.bincount(ratings.title, minlength=len(ratings.titles))
    return matter_of(store, ratings.titles, counts, Options()).z
