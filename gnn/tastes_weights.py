"""How much each of several scores counts, so that the head of their sum's ranking is what was liked.

First a listwise softmax (Cao et al. 2007, ListNet) over all titles that the user has not passed: convex, so there is
one answer, but it is about the probability of every liked title, and may rank worse at the head than one score alone.
From it, and from that score, coordinate ascent (Metzler and Croft 2007) climbs in NDCG@20 of some hundred users,
among titles that any score has near the head. Last, the sum is made as large as its softmax wants it, so that odds of
titles are probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Floats = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_RIDGE, _STEPS = 1e-3, 60
_HEAD, _NEAR, _CLIMBING = 20, 64, 600
_STRIDES = (1.0, 0.5, 0.25, 0.12, 0.06)
_ROUNDS, _GAIN, _ENOUGH = 6, 2e-4, 5e-4


def learned(
    features: Floats, truth: Sequence[npt.NDArray[np.int64]], passed: Sequence[npt.NDArray[np.int64]]
) -> Weights:
    """Weights, (features,). features: (features, users, titles); truth: titles liked by each user, passed: left out."""
    _, users, titles = features.shape
    liked, out = masks((users, titles), truth, passed)
    soft = likely(features, liked, out)
    some = np.sort(np.random.default_rng(0).permutation(users)[:_CLIMBING])
    head = _Head.of(features[:, some], soft, liked[some], out[some])
    alone = np.diag(np.where(np.abs(soft) > 0, np.sign(soft), 1.0))
    starts = [soft, max(alone, key=head.ndcg)]
    best = max((_ascended(head, start) for start in starts), key=head.ndcg)
    sum_ = np.tensordot(best.astype(np.float32), features, 1)[None]
    size = float(likely(sum_ / max(float(sum_.std()), 1e-9), liked, out)[0]) / max(float(sum_.std()), 1e-9)
    return best * size if size > 0 else soft


def masks(
    shape: tuple[int, int], truth: Sequence[npt.NDArray[np.int64]], passed: Sequence[npt.NDArray[np.int64]]
) -> tuple[Mask, Mask]:
    """What is liked, and what is left out, (users, titles) both."""
    liked, out = np.zeros(shape, bool), np.zeros(shape, bool)
    for user, (own, gone) in enumerate(zip(truth, passed, strict=True)):
        liked[user, own] = True
        out[user, gone] = True
    return liked, out


def likely(features: Floats, liked: Mask, out: Mask) -> Weights:
    """The weights of the softmax alone, by L-BFGS: odds of all titles, also of those that no head has."""
    f, users, titles = features.shape
    flat = features.reshape(f, -1)
    wanted = (liked / np.maximum(liked.sum(1, keepdims=True), 1)).astype(np.float32)
    means = (flat @ wanted.ravel()).astype(np.float64)

    def loss(weights: Weights) -> tuple[float, Any]:
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


@dataclass(frozen=True)
class _Head:
    """Titles that may stand at the head of each user's ranking: (users, c), filled up with some that may not.

    features: (f, users, c); gone: (users, c) minus infinity for what fills up, else 0; liked: (users, c); ideal: the
    DCG of each user's best ranking; unit: how much each feature varies, (f,).
    """

    features: Floats
    gone: Floats
    liked: Mask
    ideal: Weights
    unit: Weights

    @classmethod
    def of(cls, features: Floats, weights: Weights, liked: Mask, out: Mask) -> _Head:
        near = min(_NEAR, out.shape[1])
        taken = np.zeros(out.shape, bool)
        for one in (*features, np.tensordot(weights.astype(np.float32), features, 1)):
            places = np.argpartition(np.where(out, np.inf, -one), near - 1, axis=1)[:, :near]
            np.put_along_axis(taken, places, True, 1)
        taken &= ~out
        places = np.argsort(~taken, axis=1, kind="stable")[:, : max(int(taken.sum(1).max(initial=0)), 1)]
        there = np.take_along_axis(taken, places, 1)
        made = np.stack([np.take_along_axis(one, places, 1) for one in features])
        ideal = np.array([_discount(count).sum() for count in np.minimum(liked.sum(1), _HEAD).tolist()])
        unit = np.array([one[there].std() for one in made], np.float64) + 1e-9
        gone = np.where(there, np.float32(0), np.float32(-np.inf))
        return cls(made, gone, np.take_along_axis(liked, places, 1) & there, np.maximum(ideal, 1e-9), unit)

    def scores(self, weights: Weights) -> Floats:
        """(users, c)."""
        made: Floats = np.tensordot(weights.astype(np.float32), self.features, 1)
        return made

    def ndcg(self, weights: Weights) -> float:
        """NDCG@20, the mean over users."""
        return self.judged(self.scores(weights))

    def judged(self, scores: Floats) -> float:
        """NDCG@20 of scores."""
        scores = scores + self.gone
        k = min(_HEAD, scores.shape[1])
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1)
        hits = np.take_along_axis(self.liked, np.take_along_axis(best, order, 1), 1)
        return float(((hits @ _discount(k)) / self.ideal).mean())


def _discount(count: int) -> Weights:
    return np.asarray(1 / np.log2(np.arange(2, count + 2)), np.float64)


def _ascended(head: _Head, start: Weights) -> Weights:
    """From a start, the better weight of one feature at a time, until a round gains next to nothing."""
    weights, scores = start.copy(), head.scores(start)
    best = head.judged(scores)
    for _ in range(_ROUNDS):
        before, size = best, float(np.abs(weights * head.unit).max())
        for place, one in enumerate(head.features):
            far = size / head.unit[place]
            steps = [-weights[place], *(sign * stride * far for stride in _STRIDES for sign in (1, -1))]
            found = [head.judged(scores + np.float32(step) * one) for step in steps]
            if max(found) > best + _GAIN:
                step = steps[int(np.argmax(found))]
                best, scores = max(found), scores + np.float32(step) * one
                weights[place] += step
        if best - before < _ENOUGH:
            break
    return weights
