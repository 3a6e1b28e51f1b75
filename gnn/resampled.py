"""Intervals of what is no mean over users but a share or a mean over all their events, by bootstrap over users."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
_SAMPLES, _LEVEL = 2_000, 0.95


class Resampled:
    """Users drawn anew, each with all that is theirs. counts: (users,), how many events each has."""

    def __init__(self, counts: Numbers, seed: int = 0) -> None:
        users = len(counts)
        drawn = np.random.default_rng(seed).multinomial(users, np.full(users, 1 / users), size=_SAMPLES)
        self._drawn = drawn.astype(np.float64)
        self._total = np.maximum(self._drawn @ counts, 1)
        self._counts = counts

    def mean(self, sums: Numbers) -> float:
        """The mean over all events of something whose sum is given for each user."""
        return float(sums.sum() / max(self._counts.sum(), 1))

    def means(self, sums: Numbers) -> Numbers:
        """The same in each sample: (samples,)."""
        made: Numbers = (self._drawn @ sums) / self._total
        return made


def interval(samples: Numbers) -> dict[str, float]:
    """The middle 95% of samples, as `low` and `high`."""
    low, high = np.quantile(samples, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return {"low": round(float(low), 4), "high": round(float(high), 4)}
