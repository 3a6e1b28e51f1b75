"""The nearest by vectors, popularity counting as much: how much a strategy by vectors gains from that alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from graph.by_hand import CandidatesOf
from graph.explain import Evidence
from graph.nearest import ByVectors, Parts
from graph.plain_strategies import best, in_words
from graph.reads import Asking, Embeddings
from graph.reasons import MOST
from graph.strategy import NoVector, Question, answered, no_vector
from graph.substitutes import Substitute
from graph.vectors import unit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NearAndPopular:
    """Cosines and log(1 + likes), both standardised over the titles of the scope, added up."""

    near: ByVectors
    candidates: CandidatesOf
    likes: Callable[[], Mapping[str, int]]

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k best. Raises NoVector."""
        ids = [id_ for id_ in self.candidates(question.scope, question.state).ids if id_ not in question.out]
        known, parts = yield from self._cosines(question, ids)
        counts = self.likes()
        like = standard(np.array([parts[id_].sum() if id_ in parts else -1.0 for id_ in ids]))
        fame = standard(np.log1p([counts.get(id_, 0) for id_ in ids]))
        row = {id_: place for place, id_ in enumerate(ids)}

        def because(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
            near = [id_ for id_ in chosen if id_ in parts and like[row[id_]] > 0]
            found = yield from self.near.evidence(question, known, {id_: parts[id_] for id_ in near})
            made: dict[str, list[Evidence]] = {}
            for id_ in chosen:
                own, place = list(found.get(id_, ())), row[id_]
                if (text := in_words(counts.get(id_, 0), 0)) and fame[place] > 0:
                    popular = Evidence("popular", 0.0, text, ())
                    own = [popular, *own] if fame[place] > like[place] else [*own[: MOST - 1], popular]
                made[id_] = own
            return made

        return (yield from answered(question, best(question, ids, like + fame), because, all_there=True))

    def _cosines(self, question: Question, ids: Sequence[str]) -> Asking[tuple[list[str], Parts]]:
        """The titles asked for that have a vector, and the share of each in the cosine of every candidate with one."""
        name = self.near.vectors
        (known, rows), (others, held) = yield [Embeddings(name, list(question.liked)), Embeddings(name, ids)]
        if not known:
            raise NoVector(no_vector(next(iter(question.liked)), name, self.near.made.run))
        weights = np.array([question.liked[id_] for id_ in known], np.float32)
        both = unit(held) @ (unit(rows) * (weights / weights.sum())[:, None]).T if others else []
        return known, dict(zip(others, both, strict=True))


def standard(values: Floats) -> Floats:
    """Less their mean, over their deviation."""
    return cast(Floats, (values - values.mean()) / max(float(values.std()), 1e-9)) if len(values) else values
