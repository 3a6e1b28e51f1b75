"""Strategies that learn nothing, or count alone: what any other has to beat, and the ceiling above all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.substitutes import SHRINKAGE, Likes
from graph.content import ContentReader
from graph.hand_weights import Candidates
from graph.store import WHOLE_GRAPH, GraphStore, Scope

Floats = npt.NDArray[np.float32]

EVERYTHING = Scope(WHOLE_GRAPH, adult=True)


@dataclass(frozen=True)
class Random:
    """Chance: a floor."""

    seed: int

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Uniform numbers."""
        return np.random.default_rng(self.seed).random((len(asked), len(among)), np.float32)


@dataclass(frozen=True)
class Popularity:
    """The most liked titles, whatever was asked for."""

    likes: Likes

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Likes of each candidate, in every row."""
        counts = counted(self.likes, among)
        return np.broadcast_to(counts, (len(asked), len(among))).astype(np.float32)


def counted(likes: Likes, ids: Sequence[str]) -> Floats:
    """How many likes each of these titles has: (ids,)."""
    held = dict(zip(likes.titles, likes.counts.tolist(), strict=True))
    return np.array([held.get(id_, 0) for id_ in ids], np.float32)


@dataclass(frozen=True)
class Genres:
    """Cosine of the genres, rare ones weighing more."""

    store: GraphStore

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Cosines."""
        reader = ContentReader(self.store, among)
        return cast(Floats, reader.read(asked).genres @ reader.landmarks.genres.T)


@dataclass(frozen=True)
class People:
    """Cosine of the people, by role and rarity (tf-idf)."""

    store: GraphStore

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Cosines."""
        reader = ContentReader(self.store, among)
        return cast(Floats, (reader.read(asked).people @ reader.landmarks.people.T).toarray())


@dataclass(frozen=True)
class HandWeights:
    """`graph.hand_weights`: shared people, genres, years and fame, weighed by hand."""

    store: GraphStore

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Its scores."""
        candidates = Candidates(self.store, EVERYTHING, only=among)
        place = {id_: row for row, id_ in enumerate(candidates.ids)}
        order = [place[id_] for id_ in among]
        return np.array([candidates.scores(self.store, id_)[order] for id_ in asked], np.float32)


@dataclass(frozen=True)
class Warm:
    """Collaborative filtering: the shrunk cosine of likes. It knows nothing of a title that nobody has liked."""

    likes: Likes

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """Cosines of likes, shrunk."""
        one, other = (self._columns(ids) for ids in (asked, among))
        return cast(Floats, (one.T @ other).toarray().astype(np.float32))

    def _columns(self, ids: Sequence[str]) -> sp.csr_matrix:
        """(users, ids): likes over the root of how many there are, and some more."""
        place = {id_: column for column, id_ in enumerate(self.likes.titles)}
        known = [(column, place[id_]) for column, id_ in enumerate(ids) if id_ in place]
        shape = len(self.likes.titles), len(ids)
        chosen = sp.csr_matrix((np.ones(len(known)), ([b for _, b in known], [a for a, _ in known])), shape)
        scaled = self.likes.matrix @ sp.diags(1 / np.sqrt(self.likes.counts + SHRINKAGE))
        return cast(sp.csr_matrix, (scaled @ chosen).tocsr())
