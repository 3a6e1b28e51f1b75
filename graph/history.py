"""A user's feedback, the newest first, with what each piece of it says of its title. One exchange with the store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from graph.feedback_kinds import FeedbackKinds, Says
from graph.reads import Neighbours
from graph.store import WHOLE_GRAPH, Scope

CLOCKS_APART = 5
"""Seconds by which a service's clock may be ahead of this one before its feedback counts as of the future."""


@dataclass(frozen=True)
class Event:
    """One piece of feedback: title is an id, timestamp in seconds since 1970 (None: not known), says what it means."""

    title: str
    type: str
    value: float | None
    timestamp: int | None
    says: Says


@dataclass(frozen=True)
class History:
    """Feedback of a user, or of several as one; the newest first, what has no time last, equal ones by title and type.

    What says that a title is disliked counts whatever else was said of it, until that feedback is deleted.
    """

    events: tuple[Event, ...]

    @cached_property
    def disliked(self) -> frozenset[str]:
        """Titles never to be recommended again."""
        return frozenset(event.title for event in self.events if event.says == "disliked")

    @cached_property
    def liked(self) -> tuple[str, ...]:
        """Titles liked and not disliked, each once, the newest first."""
        return tuple(dict.fromkeys(e.title for e in self.events if e.says == "liked" and e.title not in self.disliked))

    @cached_property
    def titles(self) -> frozenset[str]:
        """Titles with feedback of any kind."""
        return frozenset(event.title for event in self.events)

    @property
    def watched(self) -> frozenset[str]:
        """Titles with feedback that are not disliked: left out unless the request wants them."""
        return self.titles - self.disliked


def history_read(user: str | Sequence[str]) -> Neighbours:
    """What reads the feedback of a user, or of several, on titles that are in the graph now.

    Another read may take its titles as its ids.
    """
    users = [user] if isinstance(user, str) else list(user)
    return Neighbours(users, ["RATED"], "out", within=Scope(WHOLE_GRAPH, adult=True), properties=_READ)


_READ = ("value", "timestamp")


def histories_of(table: pa.Table, users: int, kinds: FeedbackKinds, now: float | None = None) -> list[History]:
    """One history for each user that `history_read` was asked for, from what it answered; empty where there is none.

    now: seconds since 1970, None: the clock's. Feedback of a later time is not yet there.
    """
    latest = (time.time() if now is None else now) + CLOCKS_APART
    found: list[list[Event]] = [[] for _ in range(users)]
    columns = (table.column(name).to_pylist() for name in ("source", "neighbour", "key", *_READ))
    for source, title, type_, value, timestamp in zip(*columns, strict=True):
        if timestamp is None or timestamp <= latest:
            found[source].append(Event(title, type_, value, timestamp, kinds.of(type_, value)))
    return [in_order(events) for events in found]


def in_order(events: Iterable[Event]) -> History:
    """A history of events in any order."""

    def key(event: Event) -> tuple[bool, int, str, str]:
        return event.timestamp is None, -(event.timestamp or 0), event.title, event.type

    return History(tuple(sorted(events, key=key)))
