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

from graph import diversity, facets
from graph.explain import Evidence, names_of
from graph.foldin import VECTORS, FoldIn
from graph.hand_weights import Candidates
from graph.preferences import PreferenceError, Preferences
from graph.reasons import MOST, Reasons
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Scope
from graph.substitutes import Ranking, Substitute, pool, shown

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

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "titles": list(self.titles),
            "catalog": self.scope.catalog,
            "region": self.scope.region,
            "on": self.scope.on.isoformat() if self.scope.on else None,
            "versions": dict(self.versions),
            "items": [item.as_dict() for item in self.items],
        }


def checked(store: GraphStore, liked: Liked | Sequence[str]) -> dict[str, float]:
    """The titles named, each once, and their weights (1 where none is given).

    Raises PreferenceError for too few, too many or a weight that is none, NotInGraph for a title that is not there.
    """
    found = {id_: float(weight) for id_, weight in liked.items()} if isinstance(liked, Mapping) else (
        dict.fromkeys(liked, 1.0)
    )  # fmt: skip
    if not 1 <= len(found) <= MAX_LIKED:
        raise PreferenceError(f"{len(found)} titles are named; name from 1 to {MAX_LIKED}")
    for id_, weight in found.items():
        if not (math.isfinite(weight) and 0 < weight <= MAX_WEIGHT):
            raise PreferenceError(f"the weight of {id_} is {weight:g}; it must be above 0, {MAX_WEIGHT:g} at most")
    there = set(store.get_nodes("Title", list(found), []).column("id").to_pylist())
    missing = [id_ for id_ in found if id_ not in there]
    if missing:
        raise NotInGraph(
            f"there is no title {missing[0]!r} in {store.url}; find its id by its name: reelgraph search NAME"
        )
    return found


def recommend(
    store: GraphStore, ranking: Ranking, liked: Liked, scope: Scope, k: int, items: Mapping[str, str | None],
    wanted: Preferences,
) -> list[Substitute]:  # fmt: skip
    """The k best in scope beside those named, with evidence; k whenever k others are there.

    liked: as `checked` gives it. items: the catalog's own id of each title in scope.
    """
    folded, reasons = ranking.made_with
    named = list(liked)
    directions = _directions(store, folded, named) * np.array(list(liked.values()), np.float32)[:, None]
    ids, brought = _brought(store, folded, named, directions, scope, k, wanted)
    totals = brought.sum(0)
    highest = max(float(totals.max(initial=0)), 1e-12)
    scores = dict(zip(ids, (totals / highest).tolist(), strict=True))
    if len(scores) < k:  # titles without a vector, last
        inside = scope.catalog != WHOLE_GRAPH
        every = items if inside else store.offered(scope).column("id").to_pylist()
        late = sorted(set(every) - scores.keys() - liked.keys())
        scores |= dict.fromkeys(late, min(0.0, *scores.values()) if scores else 0.0)
    if wanted.diversity:
        scores = diversity.diverse(store, VECTORS, scores, k, wanted.diversity)
    chosen = list(scores) if wanted.diversity else sorted(scores, key=lambda other: (-scores[other], other))[:k]
    column = {id_: place for place, id_ in enumerate(ids)}
    parts = {other: brought[:, column[other]] for other in chosen if other in column}
    evidence = _evidence(store, folded, reasons, named, chosen, parts, scope, items, wanted)
    return shown(store, {other: scores[other] for other in chosen}, items, evidence)


def _directions(store: GraphStore, folded: FoldIn, ids: Sequence[str]) -> Floats:
    """Vectors of unit length, (n, d): the published ones, or made now for titles that came since."""
    held, rows = store.get_embeddings(VECTORS, ids)
    known = dict(zip(held, rows, strict=True))
    fresh = [id_ for id_ in ids if id_ not in known]
    known |= dict(zip(fresh, folded.vectors(fresh), strict=True)) if fresh else {}
    made = np.array([known[id_] for id_ in ids], np.float32)
    return cast(Floats, made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9))


def _brought(
    store: GraphStore, folded: FoldIn, named: Sequence[str], directions: Floats, scope: Scope, k: int,
    wanted: Preferences,
) -> tuple[list[str], Floats]:  # fmt: skip
    """A pool of candidates, and what each title named brings to the score of each: (named, candidates)."""
    found = store.search_vector(VECTORS, directions.sum(0), pool(k, wanted) + len(named), within=scope)
    left_out = set(named)
    ids, rows = store.get_embeddings(VECTORS, [id_ for id_, _ in found if id_ not in left_out])
    if not ids:
        return [], np.empty((len(named), 0), np.float32)
    products = directions @ rows.T
    if wanted.weighed:
        products = facets.Facets(store, folded, named, wanted).weigh(products, ids)
    return ids, cast(Floats, products)


def _evidence(
    store: GraphStore, folded: FoldIn, reasons: Reasons, named: Sequence[str], chosen: Sequence[str],
    parts: Mapping[str, Floats], scope: Scope, items: Mapping[str, str | None], wanted: Preferences,
) -> dict[str, list[Evidence]]:  # fmt: skip
    """For each chosen title the one named that brought most of its score, then what the two share that raised it."""
    carriers: dict[str, list[str]] = defaultdict(list)
    for other, own in parts.items():
        if own.sum() > 0:
            carriers[named[int(np.argmax(own))]].append(other)
    names = names_of(store, list(carriers))
    made: dict[str, list[Evidence]] = {other: [] for other in chosen}
    inside = items if scope.catalog != WHOLE_GRAPH else None
    for carrier, others in carriers.items():
        weighed = facets.Facets(store, folded, [carrier], wanted) if wanted.weighed else None
        shared = reasons.of(carrier, others, {}, {}, inside, scope.adult, weighed)
        for other in others:
            share = min(float(parts[other].max() / parts[other].sum()), 1.0)
            paths = [replace(one, weight=share * one.weight) for one in shared[other] if one.kind == "path"]
            made[other] = [_because(carrier, names[carrier], share), *paths[: MOST - 1]]
    return made


def _because(id_: str, name: str, share: float) -> Evidence:
    return Evidence("liked", share, f"because you named {name}", (), (id_,))


def by_hand(store: GraphStore, candidates: Candidates, liked: Liked, k: int, wanted: Preferences) -> list[Substitute]:
    """The same where the graph has no vectors: the lists of each title named by hand weights, added up."""
    most = diversity.POOL * k + len(liked)
    names = names_of(store, list(liked))
    parts: dict[str, dict[str, float]] = defaultdict(dict)
    listed: dict[tuple[str, str], Substitute] = {}
    for id_, weight in liked.items():
        for one in candidates.rank(store, id_, most, replace(wanted, diversity=0.0)):
            if one.id not in liked:
                parts[one.id][id_] = weight * one.score
                listed[id_, one.id] = one
    totals = {other: sum(own.values()) for other, own in parts.items()}
    highest = max(totals.values(), default=0.0) or 1.0
    scores = {other: total / highest for other, total in totals.items()}
    if wanted.diversity:
        scores = diversity.diverse(store, VECTORS, scores, k, wanted.diversity)
    chosen = list(scores) if wanted.diversity else sorted(scores, key=lambda other: (-scores[other], other))[:k]
    made = []
    for other in chosen:
        carrier = max(parts[other], key=parts[other].__getitem__)
        one = listed[carrier, other]
        share = parts[other][carrier] / totals[other] if totals[other] else 0.0
        paths = [reason for reason in one.evidence if reason.kind == "path"][: MOST - 1]
        why = [_because(carrier, names[carrier], share), *paths] if share > 0 else paths
        made.append(replace(one, score=scores[other], evidence=tuple(why)))
    return made
