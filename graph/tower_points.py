"""The points that somebody gave, of the kind that a ranker was trained on: of users, or of who named some titles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graph.history import Event, History
from graph.strategy import Question
from graph.tower_vectors import OPINIONS, Ranking

_POINTS = {"liked": 1.0, "seen": 0.0, "disliked": -1.0}
_STRONGEST = ("seen", "liked", "disliked")


def given_points(question: Question, liked: Mapping[str, float], ranking: Ranking) -> dict[str, float]:
    """By title. Who gave none, and who merely named titles, gave what they like as much as is usual."""
    found: dict[str, list[float]] = {}
    for history in question.histories:
        for title, value in points_in(history, ranking.kind).items():
            found.setdefault(title, []).append(value)
    if not found:
        return dict.fromkeys(liked, ranking.liked)
    return {title: sum(values) / len(values) for title, values in found.items()}


def points_in(history: History, kind: str) -> dict[str, float]:
    """What one user gave: the newest of each title; or 1 for liked, 0 for seen, -1 for disliked, the strongest."""
    if kind == OPINIONS:
        return {event.title: _POINTS[event.says] for event in _weakest_first(history.events)}
    return {e.title: e.value for e in reversed(history.events) if e.type == kind and e.value is not None}


def _weakest_first(events: Iterable[Event]) -> Sequence[Event]:
    return sorted(events, key=lambda event: _STRONGEST.index(event.says))
