"""Genres said and genres had: F1, its intervals, and thresholds that make the most of a score.

Micro F1 counts all pairs of title and genre alike, so frequent genres decide it; macro F1 is the mean over genres. No
threshold is best for both: each figure is measured with thresholds that were tuned for it, on other titles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SAMPLES, _LEVEL, _ROUNDS = 2_000, 0.95, 3


def for_macro(scores: Floats, truth: Mask) -> Numbers:
    """The threshold of each genre with its best F1, infinite where no title has it. scores, truth: (n, genres)."""
    return _tuned(scores, truth, None)


def for_micro(scores: Floats, truth: Mask) -> Numbers:
    """Thresholds with the best micro F1 together: each genre's in turn, the others as they are, three times over."""
    made = for_macro(scores, truth)
    for _ in range(_ROUNDS):
        made = _tuned(scores, truth, made)
    return made


def _tuned(scores: Floats, truth: Mask, others: Numbers | None) -> Numbers:
    """One threshold a genre, the least score to be said. others: thresholds whose pairs count, too (micro)."""
    said = np.zeros_like(truth) if others is None else scores >= others
    made = np.full(scores.shape[1], np.inf) if others is None else others.copy()
    hits, calls, pairs = (said & truth).sum(0), said.sum(0), truth.sum(0)
    for genre in range(scores.shape[1]):
        own = scores[:, genre].astype(np.float64)
        order = np.argsort(-own, kind="stable")
        more = [np.concatenate([[0], np.cumsum(one)]) for one in (truth[order, genre], np.ones(len(own)))]
        rest = (0, 0, pairs[genre]) if others is None else (
            hits.sum() - hits[genre], calls.sum() - calls[genre], pairs.sum()
        )  # fmt: skip
        figure = 2 * (rest[0] + more[0]) / np.maximum(rest[1] + more[1] + rest[2], 1)
        # Equal scores are said together or not at all.
        ordered = own[order]
        possible = np.concatenate([[True], np.append(ordered[1:] < ordered[:-1], True)])
        best = int(np.argmax(np.where(possible, figure, -1)))
        made[genre] = np.inf if best == 0 else ordered[best - 1]
        hits[genre], calls[genre] = more[0][best], best
    return made


@dataclass(frozen=True)
class Said:
    """What was said of titles, and what is true: (n, genres) bool. titles: (n,) whose; one may come several times."""

    titles: Sequence[str]
    said: Mask
    truth: Mask

    @property
    def counts(self) -> tuple[Numbers, Numbers]:
        """Of each title and genre: twice the hits; and calls and truths together: (n, genres) each."""
        return (self.said & self.truth) * np.float64(2), self.said.astype(np.float64) + self.truth.astype(np.float64)


def micro(hits: Numbers, both: Numbers) -> Numbers:
    """F1 of sums over titles, (…, genres): (…,)."""
    return cast(Numbers, hits.sum(-1) / np.maximum(both.sum(-1), 1))


def macro(hits: Numbers, both: Numbers) -> Numbers:
    """Mean F1 over the genres that a title has or is said to have."""
    there = both > 0
    return cast(Numbers, (hits / np.maximum(both, 1)).sum(-1) / np.maximum(there.sum(-1), 1))


class Drawn:
    """Titles drawn anew, each with all its rows: 2,000 samples, the same for whatever is judged on these rows."""

    def __init__(self, titles: Sequence[str], seed: int = 0) -> None:
        names, self._places = np.unique(np.array(titles), return_inverse=True)
        share = np.full(len(names), 1 / max(len(names), 1))
        self._weights = np.random.default_rng(seed).multinomial(len(names), share, size=_SAMPLES).astype(np.float32)

    def sums(self, rows: Numbers, where: Mask | None = None) -> Numbers:
        """Sums over titles in each sample: (samples, genres)."""
        own = np.zeros((self._weights.shape[1], rows.shape[1]), np.float32)
        np.add.at(own, self._places, rows if where is None else rows * where[:, None])
        return cast(Numbers, (self._weights @ own).astype(np.float64))


def interval(mean: float, samples: Numbers) -> dict[str, float]:
    """`mean`, and the middle 95% of the samples as `low` and `high`."""
    low, high = np.quantile(samples, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return {"mean": round(mean, 4), "low": round(float(low), 4), "high": round(float(high), 4)}
