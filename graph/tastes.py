"""Taste vectors: what a title that somebody watched says of them, and what a title offers to whom.

Each title has two published vectors, `liked_vector` and `offered_vector`, in two parts, and a number in the second.
A user's *taste* is a weighted sum of the liked vectors of their titles: the first part of all that they like, the
second of the newest they watched. Its product with an offered vector is the score, to which each of their titles has
brought what its own product is, and the number what anybody would be offered. So a new event counts at once, an
anonymous list is answered like a user, and reasons are exact. `gnn.tastes` learns the vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from graph.feedback_kinds import Says
from graph.store import GraphStore, Provenance

Floats = npt.NDArray[np.float32]

LIKED, OFFERED = "liked_vector", "offered_vector"


@dataclass(frozen=True)
class Weighting:
    """How much each title of a history counts.

    long, recent: dimensions of the two parts. half_life: after so many newer titles one counts half in the recent
    part; 0: all alike. seen: what a title that is watched and not liked counts there, beside 1 for one that is liked.
    run: that the vectors were published with.
    """

    long: int
    recent: int
    half_life: float = 5.0
    seen: float = 0.5
    run: str | None = None

    @property
    def facts(self) -> dict[str, float]:
        """As facts of a provenance."""
        return {"long": self.long, "recent": self.recent, "half_life": self.half_life, "seen": self.seen}

    @classmethod
    def of(cls, provenance: Provenance) -> Weighting:
        """From the facts of published vectors."""
        facts = provenance.numbers
        return cls(int(facts["long"]), int(facts["recent"]), facts["half_life"], facts["seen"], provenance.run)

    @classmethod
    def published(cls, store: GraphStore) -> Weighting | None:
        """That of a store's taste vectors; None where it has none, or not both of the same run."""
        return cls.among(store.info().embeddings)

    @classmethod
    def among(cls, found: Mapping[str, Provenance]) -> Weighting | None:
        """The same, from all that is published."""
        liked, offered = found.get(LIKED), found.get(OFFERED)
        if liked is None or offered is None or liked.run != offered.run:
            return None
        return cls.of(offered)

    def shares(self, says: Sequence[Says], given: Sequence[float] | None = None) -> Floats:
        """What each title, the newest first, counts in the two parts: (titles, 2) float32.

        Of a title that is disliked, nothing. A part whose titles count n together is divided by the root of n, so that
        who watched much is not all the surer. given: how much each counts by request.
        """
        own = np.ones(len(says)) if given is None else np.array(given, np.float64)
        liked = np.array([one == "liked" for one in says], bool)
        there = np.array([one != "disliked" for one in says], bool)
        age = np.cumsum(there) - there
        fading = 0.5 ** (age / self.half_life) if self.half_life else np.ones(len(says))
        recent = np.where(liked, 1.0, self.seen * there) * fading * own
        parts = np.stack([liked * own, recent], 1)
        made: Floats = (parts / np.sqrt(np.maximum(parts.sum(0), 1e-9))).astype(np.float32)
        return made

    def spread(self, shares: Floats, liked: Floats) -> Floats:
        """What each title says, with the share it has: (titles, long + recent) float32; their sum is the taste."""
        made: Floats = liked * np.repeat(shares, [self.long, self.recent], axis=1)
        return made

    def asked(self, shares: Floats, liked: Floats) -> Floats:
        """The query of titles with the shares they have: as from `spread`, where nobody asks what each has brought."""
        parts = (liked[:, : self.long], liked[:, self.long :])
        # Not by BLAS, whose threads would wait beside the service's own.
        summed = [np.einsum("i,ij->j", np.ascontiguousarray(shares[:, at]), part) for at, part in enumerate(parts)]
        return np.concatenate([*summed, np.ones(1, np.float32)]).astype(np.float32)

    def query(self, spread: Floats) -> Floats:
        """What the offered vectors are searched with: (long + recent + 1,)."""
        return np.append(spread.sum(0), np.float32(1)).astype(np.float32)


@dataclass(frozen=True)
class Taste:
    """What somebody's titles say. ids: titles that count, in order; spread: (ids, d), what each brings to a query."""

    ids: tuple[str, ...]
    spread: Floats
    weighting: Weighting

    @classmethod
    def of(
        cls, weighting: Weighting, titles: Mapping[str, Says], held: tuple[Sequence[str], Floats],
        given: Mapping[str, float] | None = None,
    ) -> Taste:  # fmt: skip
        """Of titles, the newest first, and the liked vectors of those that have one."""
        row = {id_: place for place, id_ in enumerate(held[0])}
        ids = [id_ for id_, says in titles.items() if id_ in row and says != "disliked"]
        weights = None if given is None else [given[id_] for id_ in ids]
        shares = weighting.shares([titles[id_] for id_ in ids], weights)
        rows = held[1][[row[id_] for id_ in ids]] if ids else np.zeros((0, weighting.long + weighting.recent))
        return cls(tuple(ids), weighting.spread(shares, rows.astype(np.float32)), weighting)

    @property
    def query(self) -> Floats:
        """What the offered vectors are searched with."""
        return self.weighting.query(self.spread)

    def brought(self, ids: Sequence[str], offered: Floats) -> Floats:
        """What each title has brought to the score of each candidate: (titles, ids); to its own, nothing."""
        made = self.spread @ offered[:, :-1].T
        row = {id_: place for place, id_ in enumerate(self.ids)}
        for column, id_ in enumerate(ids):
            if id_ in row:
                made[row[id_], column] = 0
        return cast(Floats, made)
