"""Strategies that rank by vectors: neighbours in a link-prediction embedding, and the fold-in of `gnn.substitutes`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from gnn.plain_strategies import EVERYTHING, counted
from gnn.publish import title_vectors
from gnn.runs import Run
from gnn.strategy import Learning, Strategy
from gnn.substitutes import Fitted, Likes, all_vectors, factors
from graph.foldin import FoldIn, from_content
from graph.siblings import siblings
from graph.store import GraphStore
from graph.substitutes import raised, related_to
from graph.vectors import top, unit

Floats = npt.NDArray[np.float32]

NEIGHBOURS = 100
"""How many of the whole graph's nearest titles are looked at before the catalog is."""


class Neighbours:
    """Cosines of a link-prediction model's vectors; a title without one comes last.

    whole: only the NEIGHBOURS nearest of all titles of the graph are offered, as far as they are candidates.
    likes: where given, popularity counts as much: both standardised, added up.
    """

    def __init__(self, run: Run, *, whole: bool = False, likes: Likes | None = None) -> None:
        ids, vectors = title_vectors(run)
        self._row = {id_: row for row, id_ in enumerate(ids)}
        # The last row stands for titles that have no vector.
        self._unit = np.concatenate([unit(vectors), np.zeros((1, vectors.shape[1]), np.float32)])
        self._whole, self._likes = whole, likes

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Cosines, -1 where there is no vector."""
        one, other = ([self._row.get(id_, -1) for id_ in ids] for ids in (asked, among))
        made: Floats = self._unit[one] @ self._unit[other].T
        made[:, np.array(other) < 0] = -1
        if self._likes is not None:
            return _standard(made) + _standard(np.log1p(counted(self._likes, among))[None])
        if self._whole:
            for row, place in enumerate(one):
                made[row, ~np.isin(other, self._nearest(place))] = -np.inf
        return made

    def _nearest(self, place: int) -> npt.NDArray[np.int64]:
        if place < 0:
            return np.empty(0, np.int64)
        products = self._unit[:-1] @ self._unit[place]
        products[place] = -np.inf
        return top(products, NEIGHBOURS)


def _standard(rows: Floats) -> Floats:
    return cast(Floats, (rows - rows.mean(1, keepdims=True)) / np.maximum(rows.std(1, keepdims=True), 1e-9))


@dataclass(frozen=True)
class ByContent:
    """Substitute vectors that no feedback has shaped."""

    folded: FoldIn

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Inner products."""
        return cast(Floats, self.folded.vectors(asked) @ self.folded.vectors(among).T)


@dataclass(frozen=True)
class ByFeedback:
    """Substitute vectors learned from feedback; candidates with likes of their own have these blended in."""

    fitted: Fitted

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Inner products."""
        return cast(Floats, all_vectors(self.fitted, asked) @ all_vectors(self.fitted, among).T)


@dataclass(frozen=True)
class WithSeries:
    """Another strategy, and parts of the asked title's series brought up, as `graph.substitutes` does when serving."""

    inner: Strategy
    store: GraphStore

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Shares of each row's best score, and what a series adds."""
        inside, made = frozenset(among), self.inner.score(asked, among)
        for row, id_ in enumerate(asked):
            alike = siblings(self.store, id_, EVERYTHING, inside)
            related = related_to(self.store, id_, EVERYTHING).keys() & inside
            products = dict(zip(among, made[row].tolist(), strict=True))
            made[row] = list(raised(products, related, alike).values())
        return made


def fold_in(given: Learning) -> Strategy:
    """The vectors that training publishes."""
    return ByFeedback(given.fitted)


def unblended(given: Learning) -> Strategy:
    """The fold-in of what is asked for, against what likes alone say of the catalog."""
    fitted, learned = given.fitted, given.likes.enough(given.options.least_likes)
    own = factors(learned, fitted.vectors.shape[1])
    return ByFeedback(dataclasses.replace(fitted, vectors=own))


def by_content(given: Learning) -> Strategy:
    """The vectors that a load makes."""
    return ByContent(from_content(given.store))
