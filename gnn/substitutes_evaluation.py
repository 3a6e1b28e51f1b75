"""`reelgraph evaluate --task substitutes`: every strategy on the same hidden titles, with intervals and differences.

docs/out-of-catalog.md has the protocol and what it found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gnn.config import ConfigError
from gnn.cost import Cost, held_bytes, timed
from gnn.cost import together as costs_together
from gnn.hidden import Hiding, Trial, draw, facts
from gnn.judge import FIGURES, Bootstrap, Judged, K, Mask, answerable, judge, together
from gnn.runs import Run
from gnn.strategies import DEFAULT, EMBEDDING, STRATEGIES
from gnn.strategy import Learning
from gnn.substitutes import Likes, Options
from graph.store import GraphStore, Progress

NAMES = {"ndcg": "NDCG@10", "overlap": "overlap", "lift_ndcg": "lift NDCG", "lift_overlap": "lift overlap"}
"""What the figures are called."""
BY = {"votes": "popularity of the title asked for, by votes", "likes": "likes that the title asked for has"}
"""The slices that are drawn."""
_YEARS, _LIKES = (1980, 2000), (30, 60)


@dataclass(frozen=True)
class Evaluation:
    """What came out. judged: a strategy each, over all draws; titles: what each question asked for.

    compared: the strategy that differences are against. slices: name → part → its questions. left_out: name → why.
    costs: a strategy each, the mean over draws.
    """

    judged: Sequence[Judged]
    titles: Sequence[str]
    compared: str
    slices: Mapping[str, Mapping[str, Mask]]
    left_out: Mapping[str, str]
    setting: Mapping[str, Any]
    costs: Mapping[str, Cost]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON: means, intervals, paired differences, slices."""
        bootstrap = Bootstrap(self.titles)
        reference = next((one for one in self.judged if one.name == self.compared), None)
        rows = []
        for one in self.judged:
            row: dict[str, Any] = {"strategy": one.name, "about": STRATEGIES[one.name].about}
            for name in FIGURES:
                row[name] = _figure(bootstrap, one.figures[name])
                if reference is not None and one.name != self.compared:
                    row[f"{name}_difference"] = _figure(bootstrap, one.figures[name] - reference.figures[name])
            row |= {"coverage": one.coverage, "purity": one.pure, f"k={K}": one.full}
            row["cost"] = self.costs[one.name].as_dict()
            row["slices"] = {
                name: {
                    part: {"questions": int(where.sum())}
                    | {figure: _figure(bootstrap, one.figures[figure], where) for figure in FIGURES[:2]}
                    for part, where in parts.items()
                }
                for name, parts in self.slices.items()
            }
            rows.append(row)
        return {
            **self.setting, "compared_with": self.compared, "strategies": rows, "left_out": dict(self.left_out),
            "figures": NAMES, "by": BY,
        }  # fmt: skip


def evaluate(
    store: GraphStore, likes: Likes, hiding: Hiding, seeds: Sequence[int], options: Options, *,
    names: Sequence[str] = (), embedding: Run | None = None, progress: Progress | None = None,
) -> Evaluation:  # fmt: skip
    """Judge strategies (none named: all that can be) on draws of these seeds.

    Raises ConfigError for a name that is none, and FeedbackError where the likes are too few.
    """
    chosen, left_out = _chosen(store, names, embedding)
    report: Progress = progress or (lambda _what, _share: None)
    done = [0.0]

    def told(what: str, _share: float) -> None:
        report(what, done[0])

    judged: dict[str, list[Judged]] = {name: [] for name in chosen}
    costs: dict[str, list[Cost]] = {name: [] for name in chosen}
    trials = []
    for number, seed in enumerate(seeds):
        report(f"draw {seed}", number / len(seeds))
        trial = draw(store, likes, hiding, seed)
        trials.append(trial)
        for ceiling in (False, True):
            seen = trial.warm if ceiling else trial.learned
            learning = Learning(store, seen, options, embedding, seed, told)
            for place, name in enumerate(chosen):
                if STRATEGIES[name].ceiling == ceiling:
                    done[0] = (number + place / len(chosen)) / len(seeds)
                    report(f"draw {seed}, {name}", done[0])
                    strategy, seconds = learning.meter.fit(partial(STRATEGIES[name].fit, learning))
                    scores, asking = timed(partial(strategy.score, trial.asked, trial.catalog))
                    judged[name].append(judge(name, trial, scores))
                    costs[name].append(Cost(seconds, 1000 * asking / len(trial.asked), held_bytes(strategy)))
    titles = [id_ for trial in trials for id_, known in zip(trial.asked, answerable(trial), strict=True) if known]
    return Evaluation(
        [together(judged[name]) for name in chosen], titles, DEFAULT if DEFAULT in chosen else chosen[-1],
        _slices(store, likes, trials), left_out, _setting(hiding, seeds, options, likes, trials, titles),
        {name: costs_together(own) for name, own in costs.items()},
    )  # fmt: skip


def _chosen(store: GraphStore, names: Sequence[str], embedding: Run | None) -> tuple[list[str], dict[str, str]]:
    """The strategies to judge, in the order of a table, and why others are not."""
    for name in names:
        if name not in STRATEGIES:
            raise ConfigError(f"there is no strategy {name!r}; there are {', '.join(STRATEGIES)}")
    if names:
        return [name for name in STRATEGIES if name in names], {}
    why = "needs a run of a link-prediction model: reelgraph train configs/complex.toml, then --embedding RUN"
    left_out = {} if embedding is not None else dict.fromkeys(EMBEDDING, why)
    left_out |= {name: lacking for name, entry in STRATEGIES.items() if (lacking := entry.lacks(store)) is not None}
    return [name for name in STRATEGIES if name not in left_out], left_out


def _setting(
    hiding: Hiding, seeds: Sequence[int], options: Options, likes: Likes, trials: Sequence[Trial], titles: Sequence[str]
) -> dict[str, Any]:
    return {
        "task": "substitutes",
        "data": f"{likes.matrix.nnz:,} likes of {likes.matrix.shape[0]:,} users",
        "hidden": hiding.what,
        "draws": "validation" if hiding.validation else "test",
        "seeds": list(seeds),
        "likes_from": options.likes_from,
        "asked_from": hiding.asked_from,
        "catalog_from": hiding.catalog_from,
        "users": int(likes.matrix.shape[0]),
        "likes": int(likes.matrix.nnz),
        "asked": [len(trial.asked) for trial in trials],
        "catalog": [len(trial.catalog) for trial in trials],
        "questions": len(titles),
        "titles": len(set(titles)),
    }


def _figure(bootstrap: Bootstrap, values: npt.NDArray[np.float64], where: Mask | None = None) -> dict[str, float]:
    own = values if where is None else values[where]
    low, high = bootstrap.interval(values, where)
    mean = float(own.mean()) if len(own) else float("nan")
    return {"mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}


def _slices(store: GraphStore, likes: Likes, trials: Sequence[Trial]) -> dict[str, dict[str, Mask]]:
    """Questions by what was asked for: votes, age, kind, likes, and whether the catalog has a part of its series."""
    rows = [
        (id_, id_ in trial.siblings)
        for trial in trials for id_, known in zip(trial.asked, answerable(trial), strict=True) if known
    ]  # fmt: skip
    about = facts(store, sorted({id_ for id_, _ in rows}))
    counts = dict(zip(likes.titles, likes.counts.tolist(), strict=True))
    votes = np.array([about[id_][2] for id_, _ in rows])
    low, high = np.quantile(votes, [1 / 3, 2 / 3]) if len(votes) else (0, 0)
    old, new = _YEARS
    few, many = _LIKES

    def parted(part: Callable[[str, bool], str], *order: str) -> dict[str, Mask]:
        found = np.array([part(id_, sibling) for id_, sibling in rows])
        return {name: found == name for name in order or sorted(set(found.tolist())) if (found == name).any()}

    def fame(id_: str, _: bool) -> str:
        return "least" if about[id_][2] <= low else "middle" if about[id_][2] <= high else "most"

    ages = f"before {old}", f"{old} to {new - 1}", f"{new} and later", "no year"

    def age(id_: str, _: bool) -> str:
        year = about[id_][1]
        return ages[3 if year is None else (year >= old) + (year >= new)]

    liked = f"below {few}", f"{few} to {many - 1}", f"{many} and more"
    return {
        "votes": parted(fame, "least", "middle", "most"),
        "age": parted(age, *ages),
        "kind": parted(lambda id_, _: about[id_][0]),
        "likes": parted(lambda id_, _: liked[(counts[id_] >= few) + (counts[id_] >= many)], *liked),
        "series": parted(lambda _, sibling: "a part in the catalog" if sibling else "none"),
    }
