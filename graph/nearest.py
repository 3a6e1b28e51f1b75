"""Titles by published vectors: `reelgraph similar ID --strategy embedding`, and every other name under which some are.

Of several titles the query is the weighted mean of their vectors, each of unit length; or a sum that vectors of
collaborative filtering ask for (docs/strategies.md), which then scores as those who trained them mean it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from graph.explain import Evidence, explaining
from graph.reads import Asking, Embeddings, Nearest, Offered, together
from graph.reasons import MOST
from graph.store import WHOLE_GRAPH, Provenance, Scope
from graph.strategy import Because, NoVector, Question, answered, no_vector
from graph.substitutes import Substitute

Floats = npt.NDArray[np.float32]
Candidates = tuple[Mapping[str, float], Because]
"""Titles with a score each, and why they have it: what `answered` makes a list of."""
Parts = Mapping[str, Floats]
"""By candidate: what each title asked for that has a vector brings to its score."""
LIKED_BESIDE, FOLD = "liked", "fold"
"""Facts of published vectors; see ByVectors."""


def beside(vectors: str) -> str:
    """The name under which it is published what a title says of those who like it."""
    return f"{vectors}_liked"


@dataclass(frozen=True)
class ByVectors:
    """The largest inner products: cosines where the published vectors have unit length.

    name: as reasons call it; vectors: the name they are published under, made: how. url: of the store.
    among: only so many of the nearest of the whole graph are looked at, and those in scope answered, though they be
    fewer than k; None: all in scope.

    Two facts of `made` change the query. LIKED_BESIDE: it is the weighted sum of other vectors, of what a title says of
    those who like it, published beside what it offers. FOLD, f: it is q with (1 + f Σ w z zᵀ) q = Σ w z, z being the
    vectors of the titles, w their weights: how iALS folds a user in.
    """

    name: str
    vectors: str
    made: Provenance
    url: str
    among: int | None = None

    @property
    def _says(self) -> str:
        """The name of the vectors that queries are made of."""
        return beside(self.vectors) if LIKED_BESIDE in self.made.facts else self.vectors

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k best; what a title shares with the one that it is near to is told beside that. Raises NoVector."""
        scores, because = yield from self.candidates(question)
        return (yield from answered(question, scores, because, all_there=self.among is not None))

    def candidates(self, question: Question) -> Asking[Candidates]:
        """The nearest, a score each, and why. Raises NoVector."""
        known, parts = yield from self._found(question)
        scores = {other: float(own.sum()) for other, own in parts.items()}

        def because(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
            return (yield from self.evidence(question, known, {id_: parts[id_] for id_ in chosen if id_ in parts}))

        return scores, because

    def _found(self, question: Question) -> Asking[tuple[list[str], Parts]]:
        """The titles asked for that have a vector, and the candidates."""
        liked = list(question.liked)
        within = question.scope if self.among is None else Scope(WHOLE_GRAPH, adult=question.scope.adult)
        count = len(liked) + self.among if self.among else question.pool + len(question.out)
        one = Nearest(self.vectors, liked[0], count, within)
        alone = len(liked) == 1 and self._says == self.vectors
        (ids, rows), *near = yield [Embeddings(self._says, liked), *([one] if alone else [])]
        if not ids:
            raise NoVector(no_vector(liked[0], self.vectors, self.made.run))
        shares = self._shares(np.array([question.liked[id_] for id_ in ids], np.float32), rows)
        directions = rows * shares[:, None]
        if near:
            parts = {other: np.array([product * shares[0]], np.float32) for other, product in near[0]}
        else:
            several = Nearest(self.vectors, directions.sum(0), count, within)
            ((others, held),) = yield [Embeddings(self.vectors, several)]
            parts = dict(zip(others, (directions @ held.T).T, strict=True))
        parts = {other: own for other, own in parts.items() if other not in question.out}
        if self.among is None:
            return ids, parts
        best = sorted(parts, key=lambda other: (-float(parts[other].sum()), other))[: self.among]
        (inside,) = yield [Offered(question.scope, best)]
        return ids, {other: parts[other] for other in inside.column("id").to_pylist()}

    def _shares(self, weights: Floats, rows: Floats) -> Floats:
        """What each title counts in the query: (titles,)."""
        if LIKED_BESIDE in self.made.facts:
            return weights
        if FOLD in self.made.facts:
            own = np.eye(len(rows)) + cast(float, self.made.facts[FOLD]) * weights[:, None] * (rows @ rows.T)
            return np.linalg.solve(own, weights).astype(np.float32)
        lengths = np.linalg.norm(rows, axis=1)
        return cast(Floats, weights / weights.sum() / np.maximum(lengths, 1e-9))

    def evidence(self, question: Question, known: Sequence[str], parts: Parts) -> Asking[dict[str, list[Evidence]]]:
        """That it is near, and what joins the two by one or two steps, of which the vectors need know nothing."""
        carried = {other: known[int(own.argmax())] for other, own in parts.items() if own.max() > 0}
        joined = yield from together(
            *(explaining(self.url, carrier, other, limit=MOST, adult=question.scope.adult, far=False)
              for other, carrier in carried.items())
        )  # fmt: skip
        made: dict[str, list[Evidence]] = defaultdict(list)
        for (other, carrier), paths in zip(carried.items(), joined, strict=True):
            own, name = parts[other], question.names[carrier]
            near = Evidence("near", 1.0, f"among the nearest to {name} by {self.name}", (), (carrier,))
            if question.verb:
                share = float(own.max() / own[own > 0].sum())
                near = replace(near, weight=0.0, text=f"among the nearest by {self.name} to what you {question.verb}")
                made[other].append(question.because(carrier, share))
            made[other] += [near, *(replace(one, weight=0.0) for one in paths)]
            del made[other][MOST:]
        return made
