"""A user's list by two towers before and after the ranker, beside what they rated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.explain import Ranked
from graph.feedback_kinds import FeedbackKinds
from graph.for_users import ForUsers
from graph.history import histories_of, history_read
from graph.search import MAX_SUBSTITUTES, Searcher
from graph.store import GraphStore, NotInGraph, Scope
from graph.strategies import TOWERS, TOWERS_RANKED
from graph.strategy import FREE
from graph.substitutes import SHOWN, Substitute
from graph.tower_points import points_in
from graph.tower_vectors import RANKER, TowerParts
from graph.towers import points_of

_TRAIN = "reelgraph train configs/towers.toml, then reelgraph publish"


def reranked(store: GraphStore, user: str, scope: Scope, k: int) -> dict[str, Any]:
    """`before`, `after` and `rated`, k of each, as plain data; what they have had is in neither list.

    before: by the product of the towers. after: the first of these ordered anew; `points` that the ranker says, `was`
    the place before: both null beyond the first ones. rated: their own feedback, the highest first, and what the ranker
    says of each knowing all of it. Raises NotInGraph for a user of whom nothing is known, StrategyError where no towers
    are published.
    """
    kinds = FeedbackKinds.configured()
    users = ForUsers(store, Searcher(store, kinds=kinds), kinds)
    # All that were ranked anew, so that what left the first k has its points, too.
    after = users.recommend(user, scope, MAX_SUBSTITUTES, rules=FREE, strategy=TOWERS_RANKED)
    before = users.recommend(user, scope, k, rules=FREE, strategy=TOWERS)
    if after.strangers:
        raise NotInGraph(f"{store.url} has no feedback of user {user!r}")
    parts = TowerParts.among(store.info().embeddings)
    if parts is None or after.strategy != TOWERS_RANKED:
        raise NotInGraph(f"user {user!r} likes no title that the two towers know; train anew: {_TRAIN}")
    (history,) = histories_of(store.gather([history_read(user)])[0], 1, kinds)
    given = points_in(history, parts.ranking.kind)
    again = _said(store, parts, given)
    own = sorted(given.items(), key=lambda one: (-one[1], one[0]))[:k]
    names = {row["id"]: row for row in store.get_nodes("Title", [id_ for id_, _ in own], SHOWN).to_pylist()}
    told = {one.id: reason.ranked for one in after.items for reason in one.evidence if reason.ranked is not None}
    return {
        "run": parts.run,
        "user": user,
        "points": parts.ranking.kind,
        "known": len(history.titles),
        "before": [_shown(one) | _points(told.get(one.id)) for one in before.items],
        "after": [_shown(one) | _points(told.get(one.id), was=True) for one in after.items[:k]],
        "rated": [
            {name: names[id_][name] for name in _NAMED} | {"gave": round(value, 3), "points": again.get(id_)}
            for id_, value in own
        ],
    }


_NAMED = ("id", "title", "start_year")


def _said(store: GraphStore, parts: TowerParts, given: Mapping[str, float]) -> dict[str, float]:
    """What the ranker says of titles that somebody gave points, knowing these."""
    ids, rows = store.get_embeddings(RANKER, list(given))
    row = {id_: place for place, id_ in enumerate(ids)}
    points = points_of(parts, rows, row, given, ids) if ids else ()
    return {id_: round(float(value), 3) for id_, value in zip(ids, points, strict=True)}


def _shown(one: Substitute) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _NAMED}


def _points(one: Ranked | None, *, was: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = {"points": None if one is None else round(one.points, 3)}
    return told | ({"was": None if one is None else one.was} if was else {})
