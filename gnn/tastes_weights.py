"""How much each of several scores counts, so that their sum ranks what was liked next above all else.

A listwise softmax (Cao et al. 2007, ListNet): the logarithm of the probability that the sum gives to each liked title
among all titles that the user has not passed, over few weights, by L-BFGS. It is convex, so there is one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

_RIDGE, _STEPS = 1e-3, 60


def learned(
    features: npt.NDArray[np.float32], truth: Sequence[npt.NDArray[np.int64]], passed: Sequence[npt.NDArray[np.int64]]
) -> npt.NDArray[np.float64]:
    """Weights, (features,). features: (features, users, titles); truth: titles liked by each user, passed: left out."""
    f, users, titles = features.shape
    flat = features.reshape(f, -1)
    out = np.zeros((users, titles), bool)
    wanted = np.zeros((users, titles), np.float32)
    for user, (liked, gone) in enumerate(zip(truth, passed, strict=True)):
        out[user, gone] = True
        wanted[user, liked] = 1 / len(liked)
    means = (flat @ wanted.ravel()).astype(np.float64)

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, Any]:
        scores = (weights.astype(np.float32) @ flat).reshape(users, titles)
        scores[out] = -np.inf
        highest = scores.max(1, keepdims=True)
        scores -= highest
        np.exp(scores, out=scores)
        total = scores.sum(1, keepdims=True, dtype=np.float64)
        scores /= total.astype(np.float32)
        expected = (flat @ scores.ravel()).astype(np.float64)
        value = float(np.log(total).sum() + highest.sum(dtype=np.float64) - weights @ means)
        return value / users + _RIDGE * float(weights @ weights), (expected - means) / users + 2 * _RIDGE * weights

    return np.asarray(minimize(loss, np.zeros(f), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x)
