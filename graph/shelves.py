"""Lists of a scope that are the same for everybody: what is new in it, and what its viewers like now."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.cards import Card, cards
from graph.feedback_kinds import FeedbackKinds
from graph.history import CLOCKS_APART
from graph.kept import Kept
from graph.recounted import Recounted
from graph.store import WHOLE_GRAPH, GraphStore, Scope

WINDOW_DAYS = 30
_DAY = 86_400
_KEPT_CATALOGS = 8
_LOOKED_THROUGH = 5_000
"""Titles at most, the first of a list, of which those are taken that are in scope."""
_FRESH_SECONDS = 5.0


@dataclass(frozen=True)
class New:
    """A title, and since when a catalog has it."""

    card: Card
    since: dt.date


@dataclass(frozen=True)
class Popular:
    """A title, and how many viewers liked it lately; 0: it is here for its votes."""

    card: Card
    viewers: int


class Shelves:
    """New and popular titles of a store. Safe for threads.

    kinds: which feedback says that a title is liked.
    """

    def __init__(self, store: GraphStore, kinds: FeedbackKinds) -> None:
        self._store = store
        self._arrivals: Kept[list[tuple[str, dt.date]]] = Kept(store.state, _KEPT_CATALOGS)
        self._liked = Recounted("popular titles", lambda: liked_lately(store, kinds), _FRESH_SECONDS)

    def new(self, scope: Scope, most: int) -> list[New]:
        """Titles in scope that say since when they are offered, the newest first."""
        if scope.catalog == WHOLE_GRAPH:
            return []
        key = scope.catalog, scope.on
        came = dict(self._arrivals.of(key, lambda: arrivals(self._store, scope.catalog, scope.on)))
        found = self._first(list(came), scope, most)
        return [New(card, came[card.id]) for card in cards(self._store, found, adult=scope.adult)]

    def popular(self, scope: Scope, most: int, best_known: Sequence[str]) -> list[Popular]:
        """Titles in scope, those first that most viewers liked lately, then the best known (ids, the best first)."""
        liked = self._liked.now()
        found = self._first(list(dict.fromkeys([*liked, *best_known])), scope, most)
        return [Popular(card, liked.get(card.id, 0)) for card in cards(self._store, found, adult=scope.adult)]

    def _first(self, ids: Sequence[str], scope: Scope, most: int) -> list[str]:
        there = self._store.offered(scope, ids[:_LOOKED_THROUGH]) if ids else None
        return [] if there is None else there.column("id").to_pylist()[:most]


def arrivals(store: GraphStore, catalog: str | None, on: dt.date | None) -> list[tuple[str, dt.date]]:
    """Since when each title is offered, in one catalog or in any, the newest first: of the offers that hold that day.

    A service's own time of an item comes before the day on which its window opens. An offer with neither tells nothing.
    """
    names = ("available_from", "available_until", "timestamp")
    batches = list(store.scan_relationships("OFFERS", list(names)))
    if not batches:
        return []
    table = pa.Table.from_batches(batches)
    begin, end, stamp = (table.column(name) for name in names)
    holds = pa.array(np.ones(len(table), bool)) if catalog is None else pc.equal(table.column("head"), catalog)
    day = pa.scalar(on or dt.datetime.now(dt.UTC).date(), pa.date32())
    for bound, compared in ((begin, pc.less_equal), (end, pc.greater_equal)):
        holds = pc.and_(holds, pc.fill_null(compared(bound.cast(pa.date32()), day), fill_value=True))
    since = pc.coalesce(stamp.cast(pa.int64()).cast(pa.timestamp("s")).cast(pa.date32()), begin.cast(pa.date32()))
    offers = pa.table({"id": table.column("tail"), "since": since}).filter(holds).drop_null()
    found = offers.group_by("id").aggregate([("since", "min")])
    found = found.filter(pc.less_equal(found.column("since_min"), day))
    found = found.sort_by([("since_min", "descending"), ("id", "ascending")])
    return list(zip(found.column("id").to_pylist(), found.column("since_min").to_pylist(), strict=True))


def liked_lately(store: GraphStore, kinds: FeedbackKinds, now: float | None = None) -> dict[str, int]:
    """How many viewers liked each title in the days up to the latest feedback, the most liked first.

    The window ends with the latest feedback and not now, so that what is some years old tells what was liked then.
    now: seconds since 1970, None: the clock's; feedback of a later time is not yet there, one without a time never.
    """
    latest = int(time.time() if now is None else now) + CLOCKS_APART
    parts: list[pa.Table] = []
    newest = 0
    for batch in store.scan_relationships("RATED", ["value", "timestamp"]):
        timed = pa.Table.from_batches([batch]).filter(pc.less_equal(batch.column("timestamp"), latest))
        newest = max(newest, pc.max(timed.column("timestamp")).as_py() or 0)
        parts.append(timed.filter(pc.greater(timed.column("timestamp"), newest - WINDOW_DAYS * _DAY)))
    viewers: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        rows = part.filter(pc.greater(part.column("timestamp"), newest - WINDOW_DAYS * _DAY))
        columns = (rows.column(name).to_pylist() for name in ("head", "tail", "key", "value"))
        for user, title, type_, value in zip(*columns, strict=True):
            if kinds.of(type_, value) == "liked":
                viewers[title].add(user)
    return {title: len(viewers[title]) for title in sorted(viewers, key=lambda one: (-len(viewers[one]), one))}


def likes_of_all(store: GraphStore, kinds: FeedbackKinds, now: float | None = None) -> dict[str, int]:
    """How many viewers like each title, at any time up to now (seconds since 1970, None: the clock's)."""
    latest = (time.time() if now is None else now) + CLOCKS_APART
    viewers: dict[str, set[str]] = defaultdict(set)
    for batch in store.scan_relationships("RATED", ["value", "timestamp"]):
        columns = (batch.column(name).to_pylist() for name in ("head", "tail", "key", "value", "timestamp"))
        for user, title, type_, value, when in zip(*columns, strict=True):
            if (when is None or when <= latest) and kinds.of(type_, value) == "liked":
                viewers[title].add(user)
    return {title: len(users) for title, users in viewers.items()}
