"""`reelgraph evaluate --task recommend`: what users liked next, by every way to recommend, all titles ranked."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gnn.config import ConfigError
from gnn.cost import Cost, held_bytes, timed
from gnn.histories import Histories
from gnn.judge import Bootstrap, K
from gnn.prepare import NotInstalled
from gnn.recommend_splits import Split, by_chance, by_time, cold_titles, newcomers
from gnn.recommend_strategies import DEFAULT, RECOMMENDERS, learning
from gnn.tastes import Options
from graph.store import GraphStore, Progress
from graph.vectors import top

SPLITS: Mapping[str, Callable[[Histories, int], Split]] = {
    "time": lambda histories, _seed: by_time(histories),
    "random": by_chance,
    "newcomers": newcomers,
    "cold": cold_titles,
}
BY_CHANCE = {"held_out": "random", "long": 256, "recent": 256}
"""Options of taste vectors where likes are left out by chance: by chance for the weights too, and less made thin."""
FIGURES = ("ndcg", "recall", "novelty")
NAMES = {"ndcg": "NDCG@10", "recall": "recall@10", "novelty": "novelty"}
"""What the figures are called."""
BY = {"popularity": "popularity of the titles to find (thirds of the likes to find)", "likes": "known likes of a user"}
"""The slices that are drawn."""
POPULARITY = ("least liked", "middle", "most liked")
_DISCOUNT = 1 / np.log2(np.arange(2, K + 2))
_AT_ONCE = 1_000


def evaluate(
    store: GraphStore, histories: Histories, split: str, seed: int, options: Options, *,
    names: Sequence[str] = (), validation: bool = False, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Judge recommenders (none named: all) on a split, as plain data: means, intervals, differences.

    validation: part what may be learned from once more, and judge there. What weights are learned on is held out as
    the split holds out: where likes are drawn by chance, by chance. Raises ConfigError for a name that is none.
    """
    report: Progress = progress or (lambda _what, _share: None)
    chosen = _known(names)
    if split not in SPLITS:
        raise ConfigError(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
    parted = SPLITS[split](histories, seed)
    if validation:
        parted = SPLITS[split](parted.learned, seed + 1)
    if not len(parted.users):
        raise ConfigError(f"nobody has likes enough to be judged by {parted.name}; five are the least")
    if split == "random":
        options = options.model_copy(update=BY_CHANCE)
    given = learning(store, parted.learned, options, seed)
    likes = np.asarray(parted.learned.matrix(liked=True).sum(0)).ravel()
    told = -np.log2((likes + 1) / (len(histories.users) + 1))
    fame = _fame(parted, likes)
    judged, left_out = {}, {}
    for place, name in enumerate(chosen):
        report(name, (place + 1) / (len(chosen) + 1))
        try:
            recommender, seconds = given.meter.fit(partial(RECOMMENDERS[name][0], given))
        except NotInstalled as error:
            if name in names:
                raise
            left_out[name] = str(error)
            continue
        judged[name] = _judged(recommender, parted, told, fame)
        judged[name]["cost"] = Cost(seconds, judged[name]["ms"], held_bytes(recommender)).as_dict()
    return _table(judged, parted, histories, validation) | {"left_out": left_out}


def _fame(split: Split, likes: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """A third of POPULARITY for each title: by its likes, so that each third has as many of the likes to find."""
    wanted = likes[np.concatenate(list(split.liked.values()))]
    return np.searchsorted(np.quantile(wanted, [1 / 3, 2 / 3]), likes, "left").astype(np.int64)


def _known(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in RECOMMENDERS:
            raise ConfigError(f"there is no strategy {name!r}; there are {', '.join(RECOMMENDERS)}")
    absent = set() if importlib.util.find_spec("implicit") else {"ials"}
    return [name for name in RECOMMENDERS if (name in names if names else name not in absent)]


def _judged(
    recommender: Any, split: Split, told: npt.NDArray[np.float64], fame: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """Figures of each user, what was found of each third by popularity, which titles were answered; ms a user."""
    rows: list[tuple[float, float, float]] = []
    found = np.full((len(split.users), len(POPULARITY)), np.nan)
    answered: set[int] = set()
    known, asking = split.known, 0.0
    for start in range(0, len(split.users), _AT_ONCE):
        users = split.users[start : start + _AT_ONCE]
        scores, seconds = timed(partial(recommender.score, known, users))
        made, asking = np.array(scores, np.float32), asking + seconds
        if split.among is not None:
            made[:, ~split.among] = -np.inf
        for row, (own, user) in enumerate(zip(made, users.tolist(), strict=True), start):
            own[known.title[known.starts[user] : known.starts[user + 1]]] = -np.inf
            best = top(own, K)
            best = best[own[best] > -np.inf]
            liked = split.liked[user]
            hit = np.isin(best, liked)
            ideal = _DISCOUNT[: min(K, len(liked))].sum()
            rows.append((hit @ _DISCOUNT[: len(best)] / ideal, hit.sum() / len(liked), told[best].mean()))
            answered.update(best.tolist())
            for third in np.unique(fame[liked]).tolist():
                found[row, third] = np.isin(liked[fame[liked] == third], best).mean()
    figures = dict(zip(FIGURES, np.array(rows).T, strict=True))
    return {
        "figures": figures, "coverage": len(answered), "found": found, "ms": 1000 * asking / max(len(split.users), 1)
    }  # fmt: skip


def _table(judged: Mapping[str, Any], split: Split, histories: Histories, validation: bool) -> dict[str, Any]:
    bootstrap = Bootstrap([histories.users[user] for user in split.users.tolist()])
    known = split.known.starts[split.users + 1] - split.known.starts[split.users]
    likes = np.array([(split.known.says[split.known.starts[u] : split.known.starts[u + 1]] > 0).sum()
                      for u in split.users.tolist()])  # fmt: skip
    slices = {"below 10 likes": likes < 10, "10 to 49 likes": (likes >= 10) & (likes < 50), "50 and more": likes >= 50}
    singles = [name for name in judged if name != "hybrid"]
    best = max(singles, key=lambda name: judged[name]["figures"]["ndcg"].mean(), default=None)
    compared = DEFAULT if DEFAULT in judged else list(judged)[-1]
    strategies = []
    for name, one in judged.items():
        row: dict[str, Any] = {"strategy": name, "about": RECOMMENDERS[name][1]}
        row |= {figure: _figure(bootstrap, one["figures"][figure]) for figure in FIGURES}
        if name != compared and compared in judged:
            gaps = {figure: one["figures"][figure] - judged[compared]["figures"][figure] for figure in FIGURES}
            row |= {f"{figure}_difference": _figure(bootstrap, gap) for figure, gap in gaps.items()}
        for other in dict.fromkeys(("ease", best or "ease")):
            if other in judged and other != name:
                gap = one["figures"]["ndcg"] - judged[other]["figures"]["ndcg"]
                row[f"ndcg_minus_{other}"] = _figure(bootstrap, gap)
        row["coverage"] = round(one["coverage"] / int(len(histories.titles) if split.among is None
                                                      else split.among.sum()), 4)  # fmt: skip
        row["cost"] = one["cost"]
        row["slices"] = {
            "likes": {part: {"questions": int(where.sum()), "ndcg": _figure(bootstrap, one["figures"]["ndcg"], where)}
                      for part, where in slices.items() if where.any()},
            "popularity": _by_popularity(bootstrap, one["found"]),
        }  # fmt: skip
        strategies.append(row)
    return {
        "task": "recommend",
        "split": split.name,
        "part": "validation" if validation else "test",
        "users": len(split.users),
        "likes_to_find": int(sum(len(one) for one in split.liked.values())),
        "learned_from": len(split.learned),
        "known_events": {"least": int(known.min()), "median": float(np.median(known)), "most": int(known.max())},
        "titles": len(histories.titles),
        "data": f"{len(histories):,} events of {len(histories.users):,} users on {len(histories.titles):,} titles",
        "figures": NAMES,
        "by": BY,
        "compared_with": compared,
        "best_single": best,
        "strategies": strategies,
    }


def _by_popularity(bootstrap: Bootstrap, found: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Recall of what is little liked, in between and most liked, each over the users who have such to find."""
    there = ~np.isnan(found)
    return {
        part: {"questions": int(there[:, third].sum()),
               "recall": _figure(bootstrap, np.nan_to_num(found[:, third]), there[:, third])}
        for third, part in enumerate(POPULARITY) if there[:, third].any()
    }  # fmt: skip


def _figure(
    bootstrap: Bootstrap, values: npt.NDArray[np.float64], where: npt.NDArray[np.bool_] | None = None
) -> dict[str, float]:
    own = values if where is None else values[where]
    low, high = bootstrap.interval(values, where)
    return {"mean": round(float(own.mean()), 4), "low": round(low, 4), "high": round(high, 4)}
