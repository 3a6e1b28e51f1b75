"""`reelgraph evaluate --task retrieval`: how much of what was held out is among the first hundred answers.

The protocol of the published two-tower tutorials: a fifth of all feedback, drawn by chance, whatever it says; all
titles are ranked for each user; the share of the held-out events whose title is among the first hundred. They leave the
titles that a user has had already in the ranking, where these take places (`kept`); a service leaves them out (`hits`).
Both are over all held-out events, so users with many count more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gnn.config import ConfigError
from gnn.cost import Cost, held_bytes, timed, together
from gnn.histories import Floats, Histories
from gnn.prepare import NotInstalled
from gnn.recommend_evaluation import BY_CHANCE
from gnn.recommend_splits import SHARE, Split, by_chance
from gnn.recommend_strategies import RECOMMENDERS, Recommender, learning
from gnn.resampled import Numbers, Resampled, interval
from gnn.tastes import Options
from graph.store import GraphStore, Progress

FIRST = 100
COMPARED = "ease"
FIGURES = {"hits": f"in the first {FIRST}", "kept": "with titles already had"}
_SAME = dict.fromkeys(
    ("towers-ranked", "towers-points"), "it orders the first 50 of the towers anew, so its first 100 are theirs"
)
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Found:
    """Of each user, how many held-out titles were found: with what they have had left out, and kept. (users,) both."""

    hits: Numbers
    kept: Numbers
    cost: Cost


def retrieve(
    store: GraphStore, histories: Histories, options: Options, *, seeds: Sequence[int] = (), names: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Judge recommenders (none named: all) as plain data. Raises ConfigError for a name that is none."""
    say: Progress = progress or (lambda _what, _share: None)
    chosen, left_out, draws = _chosen(names), dict(_SAME), tuple(seeds or (0,))
    every = replace(histories, says=np.ones_like(histories.says))
    wanted = np.zeros(len(every.users))
    judged: dict[str, list[Found]] = {name: [] for name in chosen}
    for draw, seed in enumerate(draws):
        split = by_chance(every, seed)
        for user, titles in split.liked.items():
            wanted[user] += len(titles)
        given = learning(store, split.learned, options.model_copy(update=BY_CHANCE), seed)
        for place, name in enumerate(chosen):
            say(f"{name}, seed {seed}", (draw + place / len(chosen)) / len(draws))
            try:
                recommender, seconds = given.meter.fit(partial(RECOMMENDERS[name][0], given))
                judged[name].append(found(recommender, split, seconds))
            except NotInstalled as error:
                if name in names:
                    raise
                left_out[name] = str(error)
    return {
        "task": "retrieval",
        "data": f"{len(every):,} events of {len(every.users):,} users on {len(every.titles):,} titles",
        "split": f"{SHARE:.0%} of all feedback by chance",
        "seeds": list(draws),
        "events_to_find": int(wanted.sum()),
        "compared_with": COMPARED if COMPARED in chosen else None,
        "left_out": {name: why for name, why in left_out.items() if not names or name in names},
        "figures": FIGURES,
        "strategies": _rows({name: one for name, one in judged.items() if one}, wanted),
    }


def _chosen(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in RECOMMENDERS:
            raise ConfigError(f"there is no strategy {name!r}; there are {', '.join(RECOMMENDERS)}")
    chosen = [name for name in RECOMMENDERS if (not names or name in names) and name not in _SAME]
    if not chosen:
        raise ConfigError(f"{names[0]}: {_SAME[names[0]]}; name others, too")
    return chosen


def found(recommender: Recommender, split: Split, seconds: float = 0.0) -> Found:
    """How many of each user's held-out titles are among the first hundred. seconds: that fitting took."""
    size = len(split.known.users)
    hits, kept = np.zeros(size), np.zeros(size)
    known, asking = split.known, 0.0
    for start in range(0, len(split.users), _AT_ONCE):
        users = split.users[start : start + _AT_ONCE]
        made, spent = timed(partial(recommender.score, known, users))
        scores, asking = np.array(made, np.float32), asking + spent
        for own, user in zip(scores, users.tolist(), strict=True):
            kept[user] = _within(own, split.liked[user])
            own[known.title[known.starts[user] : known.starts[user + 1]]] = -np.inf
            hits[user] = _within(own, split.liked[user])
    return Found(hits, kept, Cost(seconds, 1000 * asking / max(len(split.users), 1), held_bytes(recommender)))


def _within(scores: Floats, wanted: Any) -> int:
    """How many of some titles are among the first hundred; of equal scores those first in the catalog."""
    order = np.argsort(-scores, kind="stable")[:FIRST]
    return int(np.isin(order[scores[order] > -np.inf], wanted).sum())


def _rows(judged: Mapping[str, Sequence[Found]], wanted: Numbers) -> list[dict[str, Any]]:
    resampled = Resampled(wanted)
    sums = {
        name: {figure: np.sum([getattr(one, figure) for one in own], 0) for figure in FIGURES}
        for name, own in judged.items()
    }
    rows = []
    for name, own in sums.items():
        row: dict[str, Any] = {"strategy": name, "about": RECOMMENDERS[name][1]}
        for figure, hits in own.items():
            row[figure] = _figure(resampled, hits)
            if COMPARED in sums and name != COMPARED:
                row[f"{figure}_difference"] = _figure(resampled, hits - sums[COMPARED][figure])
        rows.append(row | {"cost": together([one.cost for one in judged[name]]).as_dict()})
    return rows


def _figure(resampled: Resampled, sums: Numbers) -> dict[str, float]:
    return {"mean": round(resampled.mean(sums), 4)} | interval(resampled.means(sums))
