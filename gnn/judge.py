"""How good lists of substitutes are, against what viewers of the hidden titles do like: figures a question, intervals.

All of the catalog is ranked, never a sample of it. A list's NDCG has linear gain (Järvelin and Kekäläinen 2002) and is
measured by the best list that there could be; its overlap is the share of ten that is among the true fifty. What a
strategy does not offer is missed, not left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from gnn.hidden import Trial
from graph.vectors import top

Floats = npt.NDArray[np.float32]
Figures = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

K, TRUE = 10, 50
FIGURES = ("ndcg", "overlap", "lift_ndcg", "lift_overlap")
_SAMPLES, _LEVEL = 2_000, 0.95


@dataclass(frozen=True)
class Judged:
    """A strategy's lists, judged: a row for each question. figures: name → (questions,).

    full: share of lists with all K, where the catalog has K. pure: share of what is listed that is in the catalog and
    not hidden. coverage: share of the catalog that some list has. Each is a mean over draws.
    """

    name: str
    figures: Mapping[str, Figures]
    full: float
    pure: float
    coverage: float


def lists(scores: Floats) -> npt.NDArray[np.int64]:
    """The K best candidates of each question, -1 where there is no more to offer: (asked, K)."""
    made = np.full((len(scores), K), -1, np.int64)
    for row, own in enumerate(scores):
        best = top(own, K)
        best = best[own[best] > -np.inf]
        made[row, : len(best)] = best
    return made


def judge(name: str, trial: Trial, scores: Floats) -> Judged:
    """Judge the scores of all asked titles against the catalog. Raises ValueError where they are not numbers."""
    if scores.shape != (len(trial.asked), len(trial.catalog)) or np.isnan(scores).any():
        raise ValueError(f"{name} gave scores of shape {scores.shape}, or some that are not numbers")
    chosen = lists(scores)
    known = answerable(trial)
    figures: dict[str, Figures] = {}
    for prefix, truth in zip(("", "lift_"), trial.truth.values(), strict=True):
        figures[f"{prefix}ndcg"] = ndcg(truth, chosen)[known]
        figures[f"{prefix}overlap"] = overlap(truth, chosen)[known]
    offered = [trial.catalog[place] for place in chosen[chosen >= 0]]
    inside = set(trial.catalog) - set(trial.asked)
    return Judged(
        name, figures,
        full=float((chosen[:, : len(trial.catalog)] >= 0).all(1).mean()),
        pure=sum(id_ in inside for id_ in offered) / max(len(offered), 1),
        coverage=len(set(offered)) / len(trial.catalog),
    )  # fmt: skip


def answerable(trial: Trial) -> Mask:
    """The asked titles whose viewers, in the judging half, like anything else in the catalog: (asked,)."""
    return cast(Mask, trial.truth["co-like"].max(1, initial=0) > 0)


def ndcg(truth: Floats, chosen: npt.NDArray[np.int64]) -> Figures:
    """(asked,), 0 to 1."""
    discount = 1 / np.log2(np.arange(2, K + 2))
    gain = np.where(chosen >= 0, np.take_along_axis(truth, np.maximum(chosen, 0), 1), 0)
    best = -np.sort(-truth, axis=1)[:, :K]
    made: Figures = (gain @ discount) / np.maximum(best @ discount[: best.shape[1]], 1e-12)
    return made


def overlap(truth: Floats, chosen: npt.NDArray[np.int64]) -> Figures:
    """(asked,), 0 to 1. Of equal titles at the end of the true ones, those first in the catalog count."""
    true = [top(row, TRUE) for row in truth]
    length = min(K, truth.shape[1])
    return np.array([np.isin(row, own).sum() / length for row, own in zip(chosen, true, strict=True)], np.float64)


def together(judged: Sequence[Judged]) -> Judged:
    """The same strategy's draws as one."""
    return Judged(
        judged[0].name,
        {name: np.concatenate([one.figures[name] for one in judged]) for name in judged[0].figures},
        *(float(np.mean([getattr(one, name) for one in judged])) for name in ("full", "pure", "coverage")),
    )


class Bootstrap:
    """Intervals of means over questions: titles are drawn anew, each with its questions of all draws of a catalog."""

    def __init__(self, titles: Sequence[str], seed: int = 0) -> None:
        names, places = np.unique(np.array(titles), return_inverse=True)
        chance = np.random.default_rng(seed)
        drawn = chance.multinomial(len(names), np.full(len(names), 1 / max(len(names), 1)), size=_SAMPLES)
        self._weights = drawn[:, places].astype(np.float32)  # (samples, questions)

    def interval(self, figures: Figures, where: Mask | None = None) -> tuple[float, float]:
        """Percentiles of the mean over all questions, or some of them; nan where there are none."""
        weights = self._weights if where is None else self._weights * where
        total = weights.sum(1)
        if not total.any():
            return float("nan"), float("nan")
        means = (weights @ figures)[total > 0] / total[total > 0]
        low, high = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        return float(low), float(high)
