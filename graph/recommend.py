"""Titles for somebody who likes some others: an anonymous list, no account and no history.

Each title named is a vector of unit length, so that a popular one does not drown the others, and the store is asked for
their sum (docs/answers.md has what other ways find). What each title named brought to a score is known, so the one that
brought most is the reason.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph import diversity
from graph.explain import Evidence
from graph.facets import weighing
from graph.foldin import VECTORS, FoldIn
from graph.preferences import PreferenceError
from graph.reads import Asking, Embeddings, Nearest
from graph.reasons import MOST
from graph.sharing import sharing
from graph.store import GraphStore, NotInGraph, Scope
from graph.strategy import NoVector, Question, answered, no_vector
from graph.substitutes import Ranking, Substitute, pool

Floats = npt.NDArray[np.float32]
Liked = Mapping[str, float]
"""Titles by id, and how much each counts."""

MAX_LIKED, MAX_WEIGHT = 100, 100.0


@dataclass(frozen=True)
class Recommendation:
    """What is recommended to somebody who named `titles`, ids in their order."""

    titles: tuple[str, ...]
    scope: Scope
    versions: Mapping[str, str | None]
    items: tuple[Substitute, ...]
    strategy: str

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "titles": list(self.titles),
            "catalog": self.scope.catalog,
            "region": self.scope.region,
            "on": self.scope.on.isoformat() if self.scope.on else None,
            "versions": dict(self.versions),
            "strategy": self.strategy,
            "items": [item.as_dict() for item in self.items],
        }


def checked(liked: Liked | Sequence[str]) -> dict[str, float]:
    """The titles named, each once, and their weights (1 where none is given).

    Raises PreferenceError for too few, too many or a weight that is none.
    """
    found = {id_: float(weight) for id_, weight in liked.items()} if isinstance(liked, Mapping) else (
        dict.fromkeys(liked, 1.0)
    )  # fmt: skip
    if not 1 <= len(found) <= MAX_LIKED:
        raise PreferenceError(f"{len(found)} titles are named; name from 1 to {MAX_LIKED}")
    for id_, weight in found.items():
        if not (math.isfinite(weight) and 0 < weight <= MAX_WEIGHT):
            raise PreferenceError(f"the weight of {id_} is {weight:g}; it must be above 0, {MAX_WEIGHT:g} at most")
    return found


def all_there(store: GraphStore, liked: Liked, nodes: pa.Table) -> None:
    """Raise NotInGraph for a title named that is not among those found."""
    there = set(nodes.column("id").to_pylist())
    missing = [id_ for id_ in liked if id_ not in there]
    if missing:
        raise NotInGraph(
            f"there is no title {missing[0]!r} in {store.url}; find its id by its name: reelgraph search NAME"
        )


class FoldInSeries:
    """By substitute vectors: one title's with its series brought up (`graph.substitutes`), or a list's sum."""

    def __init__(self, ranking: Ranking) -> None:
        self._ranking = ranking

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k best. Raises NoVector for a title to be stood in for that has none; in a list it gets one now."""
        id_ = question.alone
        if id_ is None:
            return (yield from recommending(self._ranking, question))
        _, found = yield from self._ranking.ranking(
            id_, question.scope, question.k, question.wanted, state=question.state
        )
        if found is None:
            raise NoVector(no_vector(id_, self._ranking.folded.name, self._ranking.run))
        return found


def recommending(ranking: Ranking, question: Question) -> Asking[list[Substitute]]:
    """The k best in scope beside the titles of a list, with evidence; k whenever k others are there."""
    named, wanted, vectors = list(question.liked), question.wanted, question.held
    if vectors is None or ranking.folded.name != VECTORS:
        (held,) = yield [Embeddings(ranking.folded.name, named)]
        vectors = dict(zip(*held, strict=True))
    directions = _directions(ranking.folded, named, vectors)
    directions *= np.array(list(question.liked.values()), np.float32)[:, None]
    ids, brought = yield from _brought(ranking.folded, directions, question)
    totals = brought.sum(0)
    highest = max(float(totals.max(initial=0)), 1e-12)
    scores = dict(zip(ids, (totals / highest).tolist(), strict=True))
    if wanted.diversity:
        scores = yield from diversity.diversifying(ranking.folded.name, scores, question.pool, wanted.diversity)
    column = {id_: place for place, id_ in enumerate(ids)}

    def because(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
        parts = {other: brought[:, column[other]] for other in chosen if other in column}
        return (yield from _evidence(ranking, question, chosen, parts))

    return (yield from answered(question, scores, because))


def _directions(folded: FoldIn, ids: Sequence[str], vectors: Mapping[str, Floats]) -> Floats:
    """Vectors of unit length, (n, d): the published ones, or made now for titles that came since."""
    known = {**vectors}
    fresh = [id_ for id_ in ids if id_ not in known]
    known |= dict(zip(fresh, folded.vectors(fresh), strict=True)) if fresh else {}
    made = np.array([known[id_] for id_ in ids], np.float32)
    return cast(Floats, made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9))


def _brought(folded: FoldIn, directions: Floats, question: Question) -> Asking[tuple[list[str], Floats]]:
    """A pool of candidates, and what each title named brings to the score of each: (named, candidates)."""
    named, wanted = list(question.liked), question.wanted
    near = Nearest(folded.name, directions.sum(0), pool(question.pool, wanted) + len(question.out), question.scope)
    (held,) = yield [Embeddings(folded.name, near)]
    places = [place for place, id_ in enumerate(held[0]) if id_ not in question.out]
    ids, rows = [held[0][place] for place in places], held[1][places]
    if not ids:
        return [], np.empty((len(named), 0), np.float32)
    products = directions @ rows.T
    if wanted.weighed:
        products = (yield from weighing(folded, named, ids, wanted)).weigh(products, ids)
    return ids, cast(Floats, products)


def _evidence(
    ranking: Ranking, question: Question, chosen: Sequence[str], parts: Mapping[str, Floats]
) -> Asking[dict[str, list[Evidence]]]:
    """For each chosen title the one named that brought most of its score, then what the two share that raised it."""
    named, wanted = list(question.liked), question.wanted
    carriers: dict[str, list[str]] = defaultdict(list)
    for other, own in parts.items():
        if own.sum() > 0:
            carriers[named[int(np.argmax(own))]].append(other)
    _, paths = yield from sharing(ranking, carriers, question.scope, wanted, question.state)
    made: dict[str, list[Evidence]] = {other: [] for other in chosen}
    for carrier, others in carriers.items():
        for other in others:
            share = min(float(parts[other].max() / parts[other].sum()), 1.0)
            shared = [replace(one, weight=share * one.weight) for one in paths[other] if one.kind == "path"]
            made[other] = [question.because(carrier, share), *shared[: MOST - 1]]
    return made
