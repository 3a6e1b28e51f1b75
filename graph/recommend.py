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
from graph.hand_weights import Candidates
from graph.preferences import PreferenceError, Preferences
from graph.reads import Asking, Embeddings, Nearest, Nodes, Offered, all_of, together
from graph.reasons import MOST
from graph.sharing import sharing
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Scope
from graph.substitutes import SHOWN, Ranking, Substitute, items_of, pool, shown

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


def recommending(
    ranking: Ranking, liked: Liked, vectors: Mapping[str, Floats], scope: Scope, k: int, wanted: Preferences,
    state: str, verb: str = "named",
) -> Asking[list[Substitute]]:  # fmt: skip
    """The k best in scope beside those named, with evidence; k whenever k others are there.

    liked: as `checked` gives it. vectors: of those that have one. state: of the store. verb: how they are told of.
    """
    named = list(liked)
    directions = _directions(ranking.folded, named, vectors)
    directions *= np.array(list(liked.values()), np.float32)[:, None]
    ids, brought = yield from _brought(ranking.folded, named, directions, scope, k, wanted)
    totals = brought.sum(0)
    highest = max(float(totals.max(initial=0)), 1e-12)
    scores = dict(zip(ids, (totals / highest).tolist(), strict=True))
    if len(scores) < k:  # titles without a vector, last
        (offered,) = yield [Offered(scope)]
        late = sorted(set(offered.column("id").to_pylist()) - scores.keys() - liked.keys())
        scores |= dict.fromkeys(late, min(0.0, *scores.values()) if scores else 0.0)
    if wanted.diversity:
        scores = yield from diversity.diversifying(VECTORS, scores, k, wanted.diversity)
    chosen = list(scores) if wanted.diversity else sorted(scores, key=lambda other: (-scores[other], other))[:k]
    column = {id_: place for place, id_ in enumerate(ids)}
    parts = {other: brought[:, column[other]] for other in chosen if other in column}
    items = [] if scope.catalog == WHOLE_GRAPH else [Offered(scope, chosen)]
    (nodes, *offered), evidence = yield from together(
        all_of(Nodes("Title", chosen, SHOWN), *items),
        _evidence(ranking, named, chosen, parts, scope, wanted, state, verb),
    )
    rows = {row["id"]: row for row in nodes.to_pylist()}
    return shown({other: scores[other] for other in chosen}, rows, items_of(offered[0]) if offered else {}, evidence)


def _directions(folded: FoldIn, ids: Sequence[str], vectors: Mapping[str, Floats]) -> Floats:
    """Vectors of unit length, (n, d): the published ones, or made now for titles that came since."""
    known = {**vectors}
    fresh = [id_ for id_ in ids if id_ not in known]
    known |= dict(zip(fresh, folded.vectors(fresh), strict=True)) if fresh else {}
    made = np.array([known[id_] for id_ in ids], np.float32)
    return cast(Floats, made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9))


def _brought(
    folded: FoldIn, named: Sequence[str], directions: Floats, scope: Scope, k: int, wanted: Preferences
) -> Asking[tuple[list[str], Floats]]:
    """A pool of candidates, and what each title named brings to the score of each: (named, candidates)."""
    near = Nearest(VECTORS, directions.sum(0), pool(k, wanted) + len(named), scope)
    (held,) = yield [Embeddings(VECTORS, near)]
    left_out = set(named)
    places = [place for place, id_ in enumerate(held[0]) if id_ not in left_out]
    ids, rows = [held[0][place] for place in places], held[1][places]
    if not ids:
        return [], np.empty((len(named), 0), np.float32)
    products = directions @ rows.T
    if wanted.weighed:
        products = (yield from weighing(folded, named, ids, wanted)).weigh(products, ids)
    return ids, cast(Floats, products)


def _evidence(
    ranking: Ranking, named: Sequence[str], chosen: Sequence[str], parts: Mapping[str, Floats], scope: Scope,
    wanted: Preferences, state: str, verb: str,
) -> Asking[dict[str, list[Evidence]]]:  # fmt: skip
    """For each chosen title the one named that brought most of its score, then what the two share that raised it."""
    carriers: dict[str, list[str]] = defaultdict(list)
    for other, own in parts.items():
        if own.sum() > 0:
            carriers[named[int(np.argmax(own))]].append(other)
    names, paths = yield from sharing(ranking, carriers, scope, wanted, state)
    made: dict[str, list[Evidence]] = {other: [] for other in chosen}
    for carrier, others in carriers.items():
        for other in others:
            share = min(float(parts[other].max() / parts[other].sum()), 1.0)
            shared = [replace(one, weight=share * one.weight) for one in paths[other] if one.kind == "path"]
            made[other] = [_because(carrier, names[carrier], share, verb), *shared[: MOST - 1]]
    return made


def _because(id_: str, name: str, share: float, verb: str) -> Evidence:
    return Evidence("liked", share, f"because you {verb} {name}", (), (id_,))


def by_hand(
    candidates: Candidates, liked: Liked, names: Mapping[str, str], k: int, wanted: Preferences, verb: str = "named"
) -> Asking[list[Substitute]]:
    """The same where the graph has no vectors: the lists of each title named by hand weights, added up.

    names: of the titles named.
    """
    most = diversity.POOL * k + len(liked)
    lists = yield from together(*(candidates.ranking(id_, most, replace(wanted, diversity=0.0)) for id_ in liked))
    parts: dict[str, dict[str, float]] = defaultdict(dict)
    listed: dict[tuple[str, str], Substitute] = {}
    for (id_, weight), own in zip(liked.items(), lists, strict=True):
        for one in own:
            if one.id not in liked:
                parts[one.id][id_] = weight * one.score
                listed[id_, one.id] = one
    totals = {other: sum(own.values()) for other, own in parts.items()}
    highest = max(totals.values(), default=0.0) or 1.0
    scores = {other: total / highest for other, total in totals.items()}
    if wanted.diversity:
        scores = yield from diversity.diversifying(VECTORS, scores, k, wanted.diversity)
    chosen = list(scores) if wanted.diversity else sorted(scores, key=lambda other: (-scores[other], other))[:k]
    made = []
    for other in chosen:
        carrier = max(parts[other], key=parts[other].__getitem__)
        one = listed[carrier, other]
        share = parts[other][carrier] / totals[other] if totals[other] else 0.0
        paths = [reason for reason in one.evidence if reason.kind == "path"][: MOST - 1]
        why = [_because(carrier, names[carrier], share, verb), *paths] if share > 0 else paths
        made.append(replace(one, score=scores[other], evidence=tuple(why)))
    return made
