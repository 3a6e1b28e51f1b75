"""`reelgraph evaluate --task rating`: how far said points are from given ones, 80 known to 20 judged, by chance.

RMSE over all judged ratings of a seed, then the mean over seeds. Intervals and paired differences are by bootstrap over
users, each with all their judged ratings of all seeds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from rich.text import Text

from gnn.config import ConfigError
from gnn.histories import Floats
from gnn.rating_blend import blend, once
from gnn.rating_factors import bayesian
from gnn.rating_models import Known, Mean, Rater, item_knn, svd
from gnn.ratings import Asked, Biases, Ratings, ratings_in
from gnn.resampled import Numbers, Resampled, interval
from gnn.tastes import Options, matter_of
from graph.store import GraphStore, Progress
from graph.terminal import out

SHARE, SEEDS = 0.2, (0, 1, 2, 3, 4)
RATERS: Mapping[str, tuple[Callable[[Known], Rater], str]] = {
    "mean": (lambda known: Mean(float(known.ratings.value.mean())), "the mean of all"),
    "biases": (lambda known: Biases.learned(known.ratings), "mean, user and title"),
    "svd": (svd, "biases and 10 factors by least squares"),
    "item-knn": (lambda known: once(known, "item-knn", item_knn), "biases and residuals on the titles most alike"),
    "factors": (lambda known: once(known, "factors", bayesian), "10 factors by Gibbs sampling, without biases"),
    "blend-untimed": (lambda known: blend(known, timed=False), "biases, factors, neighbours and content"),
    "blend": (lambda known: blend(known, timed=True), "the same, and what was said in the same sitting"),
}
"""By name: how it is fitted, and what it is. The last is ours."""
OURS = "blend"


def rate(
    store: GraphStore, rated: pa.Table | None, seeds: Sequence[int] | None, names: Sequence[str] | None,
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Judge raters (none named: all) on a store's ratings, or on a table RATED, as plain data.

    Raises ConfigError for a name that is none, FeedbackError where there are too few ratings.
    """
    say: Progress = progress or (lambda _what, _share: None)
    chosen, draws = _known(names or ()), tuple(seeds or SEEDS)
    ratings, kind = ratings_in(store, rated)
    say("content of titles", 0.0)
    z = content_of(store, ratings)
    judged: dict[str, list[Numbers]] = {name: [] for name in chosen}
    seconds = dict.fromkeys(chosen, 0.0)
    count = np.zeros(len(ratings.users))
    for place, seed in enumerate(draws):
        known, hidden = ratings.parted(seed, SHARE)
        count += np.bincount(hidden.user, minlength=len(count))
        given = Known(known, z, seed)
        for step, name in enumerate(chosen):
            say(f"{name}, seed {seed}", (place + step / len(chosen)) / len(draws))
            began = time.perf_counter()
            judged[name].append(_squares(RATERS[name][0](given), known, hidden))
            seconds[name] += time.perf_counter() - began
    return {
        "task": "rating",
        "feedback": kind,
        "split": f"{SHARE:.0%} by chance",
        "seeds": list(draws),
        "ratings": len(ratings),
        "users": len(ratings.users),
        "titles": len(ratings.titles),
        "judged": int(SHARE * len(ratings)),
        "compared_with": OURS,
        "strategies": _rows(judged, count, seconds),
    }


def _known(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in RATERS:
            raise ConfigError(f"there is no way {name!r} to predict ratings; there are {', '.join(RATERS)}")
    return [name for name in RATERS if not names or name in names]


def _squares(rater: Rater, known: Ratings, hidden: Ratings) -> Numbers:
    """The sum of squared errors of each user, points cut to the scale: (users,)."""
    said = np.clip(rater.rate(Asked.of(hidden)), known.value.min(), known.value.max())
    return np.bincount(hidden.user, np.square(said - hidden.value), len(hidden.users))


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
            row[f"rmse_minus_{OURS}"] = gap
        rows.append(row | {"seconds": round(seconds[name] / draws, 2)})
    return rows


def content_of(store: GraphStore, ratings: Ratings) -> Floats:
    """Unit vectors of content of the titles rated."""
    counts = np.bincount(ratings.title, minlength=len(ratings.titles))
    return matter_of(store, ratings.titles, counts, Options()).z


def show_ratings(found: dict[str, Any]) -> None:
    """Print an evaluation for a person to read."""
    _say(
        f"{found['ratings']:,} ratings ({found['feedback']}) of {found['users']:,} users on {found['titles']:,} titles; "
        f"{found['split']} judged ({found['judged']:,}), seeds {', '.join(map(str, found['seeds']))}\n"
    )
    ours = found["compared_with"]
    rows = [["strategy", "RMSE", f"RMSE − {ours}", "by seed", "s a seed", "what"]]
    for one in found["strategies"]:
        gap = one.get(f"rmse_minus_{ours}")
        rows.append([
            one["strategy"], _interval(one["rmse"]), _interval(gap, "+") if gap else "",
            " ".join(f"{own:.3f}" for own in one["rmse_by_seed"]), f"{one['seconds']:.1f}", one["about"],
        ])  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for place, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out.print(Text(line, style="" if place else "dim"), soft_wrap=True)


def _interval(figure: Mapping[str, float], sign: str = "") -> str:
    return f"{figure['mean']:{sign}.4f} [{figure['low']:{sign}.4f}, {figure['high']:{sign}.4f}]"


def _say(line: str) -> None:
    out.print(Text(line), soft_wrap=True)
