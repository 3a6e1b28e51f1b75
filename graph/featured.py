"""What catalogs pin and boost in recommendations: their offers' `pinned` and `boost`, followed as they change.

There are few, so all of them are held. Where the store can tell which offers have changed, these alone are read again,
before the next answer; elsewhere all are read again beside the answers, every few seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from graph.items import changed_offers
from graph.recounted import Recounted
from graph.store import WHOLE_GRAPH, GraphStore, Scope

MOST_FEATURED = 1_000
"""Titles of a scope that are pinned, and that are boosted: those pinned first, and those whose factors change most."""
MOST_BOOST = 100.0
_FRESH_SECONDS = 5.0
_KEPT_CATALOGS = 64
_READ = ("pinned", "boost")
Pins = Sequence[str]
Boosts = Mapping[str, float]
Offers = Mapping[str, Sequence[tuple[str, int | None, float | None]]]
"""Title → its offers that are pinned or boosted: catalog, place, factor."""


class Featured:
    """Of all catalogs of a store. Safe for threads."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._tells = hasattr(store, "changed_offers")
        self._recounted = Recounted("pins and boosts", self._again, _FRESH_SECONDS)
        self._held: tuple[str, Offers] | None = None
        self._moving = threading.Lock()
        self._made: dict[str | None, tuple[Offers, Pins, Boosts]] = {}

    def of(self, scope: Scope, state: str) -> tuple[Pins, Boosts]:
        """The titles that are pinned for a scope, the first first, and how much others are boosted.

        They need not be in scope: an offer may not hold there. Of several catalogs the foremost place and the largest
        factor count. state: of the store.
        """
        if scope.catalog == WHOLE_GRAPH:
            return [], {}
        offers = self._now(state)
        made = self._made.get(scope.catalog)
        if made is None or made[0] is not offers:
            if len(self._made) > _KEPT_CATALOGS:
                self._made = {}
            made = self._made[scope.catalog] = offers, *_of_catalog(offers, scope.catalog)
        return made[1], made[2]

    def _now(self, state: str) -> Offers:
        if not self._tells:
            return self._recounted.now()
        held = self._held
        if held is not None and held[0] == state:
            return held[1]
        with self._moving:
            held = self._held
            if held is not None and held[0] == state:
                return held[1]
            changed = None if held is None else changed_offers(self._store, held[0], state)
            if held is None or changed is None:
                made = self._all()
            elif not changed:
                made = held[1]
            else:
                gone = set(changed)
                kept = {title: offers for title, offers in held[1].items() if title not in gone}
                table = self._store.neighbours(changed, ["OFFERS"], "in", properties=list(_READ))
                rows = ((changed[row["source"]], row["neighbour"], row) for row in table.to_pylist())
                made = kept | dict(_marked(rows))
            self._held = state, made
            return made

    def _again(self) -> Offers:
        """All of them, read again where an offer has changed."""
        state, held = self._store.state(), self._held
        if held is None or held[0] != state:
            held = self._held = state, self._all()
        return held[1]

    def _all(self) -> Offers:
        rows = []
        for batch in self._store.scan_relationships("OFFERS", list(_READ)):
            marked = pc.or_(pc.is_valid(batch.column("pinned")), pc.is_valid(batch.column("boost")))
            rows += batch.filter(marked).to_pylist()
        return _marked((row["tail"], row["head"], row) for row in rows)


def _of_catalog(offers: Offers, wanted: str | None) -> tuple[Pins, Boosts]:
    """What one catalog, or all, pin and boost, within the bounds."""
    pins: dict[str, int] = {}
    boosts: dict[str, float] = {}
    for title, own in offers.items():
        for catalog, place, factor in own:
            if wanted in (None, catalog):
                if place is not None:
                    pins[title] = min(place, pins.get(title, place))
                if factor is not None:
                    boosts[title] = max(factor, boosts.get(title, factor))
    ordered = sorted(pins, key=lambda title: (pins[title], title))[:MOST_FEATURED]
    most = sorted(boosts, key=lambda title: (-abs(boosts[title] - 1), title))[:MOST_FEATURED]
    return ordered, {title: boosts[title] for title in most}


def _marked(rows: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Offers:
    """Of rows (title, catalog, what the offer says) those that are pinned or boosted."""
    found: dict[str, list[tuple[str, int | None, float | None]]] = {}
    for title, catalog, row in rows:
        if row["pinned"] is not None or row["boost"] is not None:
            found.setdefault(title, []).append((catalog, row["pinned"], row["boost"]))
    return found
