"""A user's list by two towers before and after the ranker, beside what they rated. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from gnn.runs import Run
from gnn.tower_arrays import SAYS, networks_of
from gnn.tower_options import TowerOptions
from gnn.tower_scores import blended
from graph.feedback_kinds import FeedbackKinds
from graph.history import Event, histories_of, history_read
from graph.store import GraphStore, NotInGraph, Scope
from graph.vectors import top

_POINTS = {"liked": 1.0, "seen": 0.0, "disliked": -1.0}


def lists(run: Run, store: GraphStore, user: str, scope: Scope, k: int) -> dict[str, Any]:
    """`before`, `after` and `rated`, k of each, as plain data; what they have had is in neither list.

    before: by the product of the towers. after: the shortlist of these ordered anew; `points` as they are said, `was`
    the place before. rated: their own feedback, the highest first, and what the ranker says of each knowing all of it.
    Raises NotInGraph for a user without feedback, RunError for a run of another model.
    """
    towers, pairs = networks_of(run)
    options = TowerOptions.model_validate(run.config.model.options)
    (history,) = histories_of(store.gather([history_read(user)])[0], 1, FeedbackKinds.configured())
    if not history.events:
        raise NotInGraph(f"{store.url} has no feedback of user {user!r}")
    ids = [name.removeprefix("Title:") for name in run.vocabulary().entities]
    row = {id_: place for place, id_ in enumerate(ids)}
    liked = [row[id_] for id_ in history.liked if id_ in row]
    points = _points(history.events, run.record["points"])
    given = _row({row[id_]: value for id_, value in points.items() if id_ in row}, len(ids))
    scores = towers.scores(_row(dict.fromkeys(liked, 1.0), len(ids)))[0]
    allowed = np.zeros(len(ids), bool)
    allowed[[row[id_] for id_ in store.offered(scope).column("id").to_pylist() if id_ in row]] = True
    allowed[[row[id_] for id_ in history.titles if id_ in row]] = False
    scores = np.where(allowed, scores, -np.inf).astype(np.float32)
    short = top(scores, max(options.shortlist, k))
    short = short[scores[short] > -np.inf].astype(np.int64)
    said = pairs.points(given, np.zeros(len(short), np.int64), short)
    ranked = short[: options.shortlist]
    worth = blended(scores[None, ranked], said[None, : len(ranked)], options.weight)[0] if len(ranked) else said
    after = np.concatenate([np.argsort(-worth, kind="stable"), np.arange(len(ranked), len(short))])
    own = sorted(points.items(), key=lambda one: (-one[1], one[0]))
    known = np.array([row.get(id_, -1) for id_, _ in own], np.int64)
    again = pairs.points(given, np.zeros(len(known), np.int64), np.maximum(known, 0))
    names = _names(store, [*(ids[place] for place in short), *(id_ for id_, _ in own[:k])])
    return {
        "run": run.name,
        "user": user,
        "points": run.record["points"],
        "known": len(history.titles),
        "before": [
            _title(names, ids[place]) | {"score": _number(scores[place]), "points": _number(said[at])}
            for at, place in enumerate(short[:k].tolist())
        ],
        "after": [
            _title(names, ids[short[at]]) | {"points": _number(said[at]), "was": at + 1} for at in after[:k].tolist()
        ],
        "rated": [
            _title(names, id_) | {"gave": _number(value), "points": _number(again[at]) if known[at] >= 0 else None}
            for at, (id_, value) in enumerate(own[:k])
        ],
    }


def _points(events: Sequence[Event], kind: str) -> dict[str, float]:
    """The user's points, of the kind that the ranker was trained on: title → points, the newest of each."""
    if kind == SAYS:
        found = {event.title: _POINTS[event.says] for event in reversed(events)}
        return found | {event.title: -1.0 for event in events if event.says == "disliked"}
    return {event.title: event.value for event in reversed(events) if event.type == kind and event.value is not None}


def _row(values: dict[int, float], width: int) -> sp.csr_matrix:
    places = np.array(list(values), np.int64)
    held = np.array(list(values.values()), np.float32)
    return sp.csr_matrix((held, (np.zeros(len(places), np.int64), places)), (1, width))


def _names(store: GraphStore, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    rows = store.get_nodes("Title", list(dict.fromkeys(ids)), ["title", "start_year"]).to_pylist()
    return {row["id"]: row for row in rows}


def _title(names: dict[str, dict[str, Any]], id_: str) -> dict[str, Any]:
    found = names.get(id_, {})
    return {"id": id_, "title": found.get("title"), "start_year": found.get("start_year")}


def _number(value: float) -> float:
    return round(float(value), 3)
