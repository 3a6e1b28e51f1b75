"""Lists of a catalog's items for a service's clients: for a user, for a session, beside an item, the newest, the
best liked. Ids and scores alone, in a fraction of a millisecond: who asks for reasons asks `graph.search`.

For users and sessions by taste vectors (`graph.item_tastes`) where these are published. Else, and beside an item, by
likeness, which is worked out beforehand (`graph.likeness`): an answer adds up the rows of what somebody likes.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from graph.consistent import version_of
from graph.crowd import counted
from graph.feedback_kinds import FeedbackKinds, Says
from graph.foldin import VECTORS
from graph.item_tastes import ItemTastes
from graph.items import CatalogItems, Items
from graph.likeness import Likeness, likeness
from graph.personal import MOST_TITLES
from graph.recounted import Recounted
from graph.store import GraphStore
from graph.vectors import top

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Scored = list[tuple[str, float]]
"""Ids of items with their scores, the best first."""
CONTEXT = 100
"""How many likes of a user or session count for likeness, the newest."""
_FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class _Shelf:
    """What lists need of the items of one moment. titles: of the likeness, those that are items; places: where. (m,)"""

    items: Items
    alike: Likeness
    titles: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    likes: npt.NDArray[np.int64]

    @cached_property
    def fallback(self) -> npt.NDArray[np.int64]:
        """Places of all items, the best liked first, then the newest."""
        return np.lexsort((-self.items.times, -self.likes))


class Lists:
    """Lists of one catalog. Safe for threads."""

    def __init__(self, store: GraphStore, items: CatalogItems, kinds: FeedbackKinds) -> None:
        self._store, self.items, self._kinds = store, items, kinds
        self._alike = Recounted("likeness", self._likenesses, _FRESH_SECONDS)
        self._tastes = ItemTastes(store)
        self._vectors: tuple[str, dict[str, Floats | None]] = "", {}
        self._held: _Shelf | None = None
        self._making = threading.Lock()

    def recommended(
        self, says: Mapping[str, Says], seen: Collection[str], categories: Iterable[str], most: int, *,
        back: Mapping[str, float] | None = None,
    ) -> Scored:  # fmt: skip
        """For somebody who says something of titles (the newest first) and has seen some: the first `most`, best first.

        What has no taste vector comes behind what has, and what nothing is known of last: the best liked, then the
        newest. Pinned items come first, and boosts count. back: titles seen that come back all the same, with what
        their score is multiplied by.
        """
        state, shelf = self._shelf()
        mask = self._open(shelf, seen, categories)
        says = dict(itertools.islice(says.items(), MOST_TITLES))
        liked = [title for title, said in says.items() if said == "liked"]
        tastes = self._tastes.odds(state, shelf.items, says)
        again: dict[int, float] = {}
        allowed = shelf.items.listed(categories) if back else mask
        for title, share in (back or {}).items():
            place = shelf.items.place.get(title)
            if place is not None and allowed[place]:
                mask[place], again[place] = True, share
        pins = [place for place in shelf.items.pins if mask[place]][:most]
        mask[pins] = False
        most -= len(pins)
        found: list[tuple[int, float]] = []
        for way in (lambda: tastes, lambda: self._likeness(shelf, liked[:CONTEXT])):
            scores = way() if len(found) < most else None
            if scores is not None:
                scores = _weighed(scores, shelf.items, again)
                found += _ranked(scores, mask & (scores > 0), most - len(found))
                mask &= scores <= 0
        if len(found) < most:
            rest = shelf.fallback[mask[shelf.fallback]][: most - len(found)].tolist()
            times = shelf.items.times
            found += [(place, float(shelf.likes[place] or max(times[place], 0))) for place in rest]
        return _named(shelf, [*_first(pins, found), *found])

    def session(self, liked: Sequence[str], seen: Collection[str], categories: Iterable[str], most: int) -> Scored:
        """For somebody of whom nothing is known but what they like now (the newest first); nothing for no likes."""
        state, shelf = self._shelf()
        says: dict[str, Says] = dict.fromkeys(liked[:MOST_TITLES], "liked")
        tastes = self._tastes.odds(state, shelf.items, says) if liked else None
        if tastes is None:
            return self.alike(liked, seen, categories, most)
        mask = self._open(shelf, seen, categories)
        found = _ranked(tastes, mask & (tastes > 0), most)
        if len(found) < most and (tastes < 0).any():
            scores = self._likeness(shelf, liked[:CONTEXT])
            found += _ranked(scores, mask & (tastes < 0) & (scores > 0), most - len(found))
        return _named(shelf, found)

    def alike(self, liked: Sequence[str], seen: Collection[str], categories: Iterable[str], most: int) -> Scored:
        """What is like titles that are liked (the newest first): the sum of the likeness to each."""
        _, shelf = self._shelf()
        scores = self._likeness(shelf, liked[:CONTEXT])
        return _named(shelf, _ranked(scores, self._open(shelf, seen, categories) & (scores > 0), most))

    def neighbours(self, title: str, seen: Collection[str], categories: Iterable[str], most: int) -> Scored:
        """What is like a title, without it."""
        return self.alike([title], {title, *seen}, categories, most)

    def latest(self, seen: Collection[str], categories: Iterable[str], most: int) -> Scored:
        """Items that have a time, the newest first; the score is that time in seconds since 1970."""
        _, shelf = self._shelf()
        times = shelf.items.times
        mask = self._open(shelf, seen, categories) & (times > np.iinfo(np.int64).min)
        return _named(shelf, _ranked(times, mask, most))

    def popular(self, seen: Collection[str], categories: Iterable[str], most: int) -> Scored:
        """Items that were liked, the most liked first; the score is how often."""
        _, shelf = self._shelf()
        return _named(shelf, _ranked(shelf.likes, self._open(shelf, seen, categories) & (shelf.likes > 0), most))

    @property
    def counted(self) -> float:
        """When likes were counted last, seconds since 1970."""
        return self._alike.counted

    # What they are made of

    def _shelf(self) -> tuple[str, _Shelf]:
        """What lists are made of, and the state of the store."""
        (state, items), alike = self.items.at(), self._alike.now()
        held = self._held
        if held is not None and held.items is items and held.alike is alike:
            return state, held
        with self._making:
            held = self._held
            if held is None or held.items is not items or held.alike is not alike:
                moved = np.array([items.place.get(title, -1) for title in alike.titles], np.int64)
                likes = np.zeros(len(items.ordered), np.int64)
                titles = np.flatnonzero(moved >= 0)
                places = moved[titles]
                likes[places] = alike.likes[titles]
                held = self._held = _Shelf(items, alike, titles, places, likes)
            return state, held

    def _likenesses(self) -> Likeness:
        titles = list(self.items.now().place)
        return likeness(titles, counted(self._store, self._kinds), self._rows(titles))

    def _rows(self, titles: Sequence[str]) -> Floats:
        """The vectors of titles, zeros without one: those known are not read again until the graph changes."""
        version = version_of(self._store.state())
        known = self._vectors[1] if self._vectors[0] == version else {}
        lacking = [title for title in titles if title not in known]
        if lacking:
            known = known | dict.fromkeys(lacking)
            if VECTORS in self._store.info().embeddings:
                ids, rows = self._store.get_embeddings(VECTORS, lacking)
                known |= dict(zip(ids, rows, strict=True))
        self._vectors = version, known
        width = next((len(row) for row in known.values() if row is not None), 1)
        nothing = np.zeros(width, np.float32)
        found = [known[title] for title in titles]
        return np.array([nothing if row is None else row for row in found], np.float32).reshape(len(titles), width)

    def _open(self, shelf: _Shelf, seen: Collection[str], categories: Iterable[str]) -> Mask:
        mask = shelf.items.listed(categories).copy()
        places = [place for title in seen if (place := shelf.items.place.get(title)) is not None]
        mask[places] = False
        return mask

    def _likeness(self, shelf: _Shelf, liked: Sequence[str]) -> Floats:
        """How like each item is to some titles, all together: (n,); 0 where nothing is known."""
        made = np.zeros(len(shelf.likes), np.float32)
        found, known = shelf.alike.to(liked)
        if known:
            made[shelf.places] = found[shelf.titles]
        elif liked:  # too new, or too many items: by content, worked out now
            made = self._by_content(shelf, liked)
        return made

    def _by_content(self, shelf: _Shelf, liked: Sequence[str]) -> Floats:
        if VECTORS not in self._store.info().embeddings:
            return np.zeros(len(shelf.likes), np.float32)
        _, asked = self._store.get_embeddings(VECTORS, list(liked))
        if not len(asked):
            return np.zeros(len(shelf.likes), np.float32)
        directions = asked / np.maximum(np.linalg.norm(asked, axis=1, keepdims=True), 1e-9)
        vectors = self._rows([one.title for one in shelf.items.ordered])
        return cast(Floats, np.maximum(vectors @ directions.sum(0), 0))


def _weighed(scores: npt.NDArray[Any], items: Items, again: Mapping[int, float]) -> npt.NDArray[Any]:
    """Scores as the catalog boosts them, those of some places at a share."""
    if items.boosts is not None:
        scores = scores * items.boosts
    for place, share in again.items():
        scores[place] *= share
    return scores


def _first(pins: Sequence[int], others: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Pinned items with scores above those of the others."""
    best = max((score for _, score in others), default=0.0)
    return [(place, best + len(pins) - at) for at, place in enumerate(pins)]


def _ranked(scores: npt.NDArray[Any], mask: Mask, most: int) -> list[tuple[int, float]]:
    """Places of the first `most` items that a mask has and their scores, the best first."""
    places = np.flatnonzero(mask)
    order = places[top(scores[places], most)]
    return list(zip(order.tolist(), map(float, scores[order].tolist()), strict=True))


def _named(shelf: _Shelf, found: Iterable[tuple[int, float]]) -> Scored:
    ordered = shelf.items.ordered
    return [(ordered[place].id, score) for place, score in found]
