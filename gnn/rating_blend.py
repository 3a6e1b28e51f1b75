"""Our points for a pair: factors, neighbours, content and what was said in the same sitting, blended.

How much each counts is learned by ridge regression on a tenth of the known ratings, which the parts had not seen then;
afterwards all parts are fitted on all known ratings. The judged ratings' values take no part in any of it.

What was said in the same sitting needs to know when a rating is given, as time-aware factors do (Koren 2010), and in a
split by chance some of its neighbours come later. `blend-untimed` is the same without that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np

from gnn.histories import UNKNOWN, Ints
from gnn.rating_factors import bayesian
from gnn.rating_models import Known, Rater, item_knn
from gnn.ratings import Asked, Points, Ratings

SITTINGS = (300.0, 60.0)  # seconds after which what was said counts a third
_CONTENT_RIDGE, _DAMPING, _RIDGE, _SHARE = 10.0, 1.0, 1.0, 0.1
_Made = TypeVar("_Made", bound=Rater)


def once(known: Known, name: str, fit: Callable[[Known], _Made]) -> _Made:
    """A rater fitted on this Known, the first time it is asked for."""
    if name not in known.made:
        known.made[name] = fit(known)
    return cast(_Made, known.made[name])


@dataclass(frozen=True)
class Blend:
    """The parts of a Known, and what each counts; the last weight is the mean's."""

    known: Known
    weights: Points
    timed: bool

    def rate(self, asked: Asked) -> Points:
        """Points."""
        return features(self.known, asked, timed=self.timed) @ self.weights


def blend(known: Known, *, timed: bool) -> Blend:
    """Fit Blend. timed: what was said in the same sitting counts."""
    inner = _inner(known)
    held = known.ratings.parted(known.seed + 1_000, _SHARE)[1]
    x = features(inner, Asked.of(held), timed=timed)
    weights = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ held.value)
    return Blend(known, weights.astype(np.float64), timed)


@dataclass(frozen=True)
class _Inner:
    """The Known that weights are learned with, kept with the one that it is a part of."""

    known: Known

    def rate(self, asked: Asked) -> Points:
        return np.full(len(asked.user), np.nan)


def _inner(known: Known) -> Known:
    def parted(outer: Known) -> _Inner:
        return _Inner(Known(outer.ratings.parted(outer.seed + 1_000, _SHARE)[0], outer.z, outer.seed))

    return once(known, "inner", parted).known


def features(known: Known, asked: Asked, *, timed: bool) -> Points:
    """What each part says: (asked, parts). Residuals, but the first two and the last, which is 1."""
    neighbours = once(known, "item-knn", item_knn)
    factors = once(known, "factors", bayesian)
    biases, own = neighbours.biases, Asked.of(known.ratings)
    left = known.ratings.value - biases.rate(own)
    columns = [
        biases.rate(asked) - biases.mean,
        factors.rate(asked) - factors.mean,
        neighbours.residual(asked),
        _by_content(known, left, asked),
    ]
    if timed:
        columns += [
            _same_sitting(known.ratings, residual, asked, width)
            for residual, width in zip((left, known.ratings.value - factors.rate(own)), SITTINGS, strict=True)
        ]
    return np.stack([*columns, np.ones(len(asked.user))], 1)


def _by_user(ratings: Ratings, asked: Asked) -> Iterator[tuple[Ints, Ints]]:
    """For each user asked about who has ratings: the places of these, and of what is asked."""
    starts = np.searchsorted(ratings.user, np.arange(len(ratings.users) + 1))
    order = np.argsort(asked.user, kind="stable")
    users, first = np.unique(asked.user[order], return_index=True)
    for user, places in zip(users.tolist(), np.split(order, first[1:]), strict=True):
        own = np.arange(starts[user], starts[user + 1])
        if len(own):
            yield own, places


def _by_content(known: Known, left: Points, asked: Asked) -> Points:
    """The user's residuals carried over to a title by likeness of content: kernel ridge regression for each user."""
    made, ratings = np.zeros(len(asked.user)), known.ratings
    for own, places in _by_user(ratings, asked):
        z, other = known.z[ratings.title[own]].astype(np.float64), known.z[asked.title[places]]
        made[places] = other @ (z.T @ np.linalg.solve(z @ z.T + _CONTENT_RIDGE * np.eye(len(own)), left[own]))
    return made


def _same_sitting(ratings: Ratings, left: Points, asked: Asked, width: float) -> Points:
    """The mean residual of the user's ratings about the same time, shrunk; 0 where a time is unknown."""
    made = np.zeros(len(asked.user))
    for all_, wanted in _by_user(ratings, asked):
        own, places = all_[ratings.time[all_] > UNKNOWN], wanted[asked.time[wanted] > UNKNOWN]
        apart = np.abs(ratings.time[own][None] - asked.time[places][:, None])
        near = np.exp(-apart / width)
        made[places] = (near @ left[own]) / (near.sum(1) + _DAMPING)
    return made
