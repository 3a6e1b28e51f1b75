"""Fitting what graph/confidence.py and graph/match.py hold: by `python -m benchmarks.matching --fit`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar

from benchmarks.queries import Library, queries
from graph import confidence
from graph.match import AMBIGUOUS_ABOVE, CHOICE_ABOVE, CHOICES, FAME, RIVAL, RIVALS, ranked
from graph.store import GraphStore

LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7)
ODDS = (0.2, 0.3, 0.4, 0.5, 0.6)


@dataclass(frozen=True)
class _Answered:
    slice: str
    features: dict[str, float]
    alike: bool
    gaps: tuple[float, ...]  # of the best title of each other name to the first match, in score
    odds: tuple[float, ...]  # of the first few matches
    bears: tuple[bool, ...]  # which of those bear the name
    asked_for: tuple[bool, ...]  # which are the very title

    def right(self, above: float) -> bool:
        """Whether the answer is right when the second must be so likely for `ambiguous`."""
        ambiguous = len(self.odds) > 1 and self.odds[1] > above
        offered = sum(odds > min(above, CHOICE_ABOVE) for odds in self.odds) if ambiguous else 1
        return self.bears[0] or any(self.asked_for[:offered])


def fit_constants(stores: Sequence[GraphStore], seeds: Sequence[int], count: int) -> None:
    """Print the constants, and what each threshold for `ambiguous` and `unknown` would give."""
    held = [one for store in stores for one in _answered(store, seeds, count)]
    right = np.array([one.right(AMBIGUOUS_ABOVE) for one in held])
    alike = np.array([one.alike for one in held])
    named = np.array([one.bears[0] for one in held])
    names = list(held[0].features)
    rows = np.array([[one.features[name] for name in names] for one in held])
    most = float(right[alike].mean())
    weights = _logistic(rows[~alike], right[~alike], most)
    fits = np.where(alike, most, most / (1 + np.exp(-rows @ weights)))
    share = _share(held, fits, named)
    print(f"FIT_ALIKE = {most:.3f}")
    print("FIT_WEIGHTS =", {name: round(float(weight), 2) for name, weight in zip(names, weights, strict=True)})
    print(f"SHARE = {share:.4f}   (RIVAL is {RIVAL:.4f}, FAME {FAME}; {confidence.SHARE} is in use)")
    slices = np.array([one.slice for one in held])
    print("\nUNKNOWN_BELOW:     " + "".join(f"{level:>8}" for level in LEVELS) + "   (right)")
    for slice_ in dict.fromkeys(slices):
        mine = slices == slice_
        good = [fits[mine] < level if slice_ == "invented" else right[mine] & (fits[mine] >= level)
                for level in LEVELS]  # fmt: skip
        print(f"{slice_:19}" + "".join(f"{each.mean():8.3f}" for each in good))
    print("\nAMBIGUOUS_ABOVE:   " + "".join(f"{level:>16}" for level in ODDS) + "   (right, ambiguous)")
    for slice_ in dict.fromkeys(slices):
        mine = [one for one in held if one.slice == slice_]
        pairs = [(np.mean([one.right(level) for one in mine]), np.mean([one.odds[1:2] > (level,) for one in mine]))
                 for level in ODDS]  # fmt: skip
        print(f"{slice_:19}" + "".join(f"{a:10.3f}{b:6.3f}" for a, b in pairs))


def _answered(store: GraphStore, seeds: Sequence[int], count: int) -> list[_Answered]:
    library = Library(store)
    held = []
    for seed in seeds:
        for query in queries(library, seed, count):
            found = ranked(store, query.text)[:RIVALS]
            if not found:
                continue
            first, meant = found[0], query.meant
            others: dict[str, float] = {}
            for one in found[1:]:
                others.setdefault(one.key, one.score - first.score)
            others.pop(first.key, None)
            top = found[:CHOICES]
            held.append(
                _Answered(
                    query.slice,
                    dict(confidence.features(first.asked, first.name, first.similarity)),
                    first.similarity >= confidence.ALIKE,
                    tuple(others.values()),
                    tuple(math.exp(max(-50.0, (one.score - first.score) / RIVAL)) for one in top),
                    tuple(meant is not None and library.bears(one.hit.id, meant.name) for one in top),
                    tuple(meant is not None and one.hit.id == meant.id for one in top),
                )
            )
    return held


def _logistic(rows: npt.NDArray[Any], true: npt.NDArray[np.bool_], most: float) -> npt.NDArray[np.float64]:
    """Weights (d,) of `most` × a logistic function of rows (n, d), by likelihood with a slight ridge."""
    scale = np.maximum(rows.std(axis=0), 1e-9)
    scale[-1] = 1.0
    scaled = rows / scale

    def loss(weights: npt.NDArray[np.float64]) -> float:
        p = np.clip(most / (1 + np.exp(-scaled @ weights)), 1e-9, 1 - 1e-9)
        return float(-np.mean(np.where(true, np.log(p), np.log(1 - p))) + 1e-5 * (weights[:-1] ** 2).sum())

    found: npt.NDArray[np.float64] = minimize(loss, np.zeros(rows.shape[1]), method="BFGS").x
    return found / scale


def _share(held: Sequence[_Answered], fits: npt.NDArray[np.float64], named: npt.NDArray[np.bool_]) -> float:
    """The gap in score that makes "the first match's name was meant" likeliest."""

    def loss(log_gap: float) -> float:
        shares = np.array([1 / (1 + sum(math.exp(gap / math.exp(log_gap)) for gap in one.gaps)) for one in held])
        p = np.clip(fits * shares, 1e-9, 1 - 1e-9)
        return float(-np.mean(np.where(named, np.log(p), np.log(1 - p))))

    return math.exp(minimize_scalar(loss, bounds=(-7, -2), method="bounded").x)
