"""Lists of a catalog's items for a service's clients: for a user, for a session, beside an item, the newest, the
best liked. Ids and scores alone, in a fraction of a millisecond: who asks for reasons asks `graph.search`.

Likeness of two items is what their likers have in common (`graph.crowd`) and what they are (substitute vectors), each
as a share of the best; what is not known of an item counts nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from graph.consistent import version_of
from graph.crowd import Crowd, Crowds
from graph.foldin import VECTORS
from graph.items import CatalogItems, Items
from graph.store import GraphStore
from graph.vectors import top

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Scored = list[tuple[str, float]]
"""Ids of items with their scores, the best first."""
CONTEXT = 100
"""How many likes of a user or session count, the newest."""
_CONTENT = 0.5
"""What a share of the best by content counts beside one by likers, where there are likers."""


@dataclass(frozen=True)
class _Shelf:
    """What lists need of the items of one moment. vectors: (n, d), zeros without one; crowd_place: of the crowd's."""

    items: Items
    crowd: Crowd
    vectors: Floats
    lengths: Floats
    crowd_place: npt.NDArray[np.int64]
    likes: npt.NDArray[np.int64]

    @cached_property
    def fallback(self) -> npt.NDArray[np.int64]:
        """Places of all items, the best liked first, then the newest."""
        return np.lexsort((-self.items.times, -self.likes))


class Lists:
    """Lists of one catalog. Safe for threads."""

    def __init__(self, store: GraphStore, items: CatalogItems, crowds: Crowds) -> None:
        self._store, self.items, self._crowds = store, items, crowds
        self._vectors: tuple[str, dict[str, Floats | None]] = "", {}
        self._held: _Shelf | None = None
        self._making = threading.Lock()

    def recommended(
        self, liked: Sequence[str], seen: Collection[str], categories: Iterable[str], most: int, *,
        back: Mapping[str, float] | None = None,
    ) -> Scored:  # fmt: skip
        """For somebody who likes titles (the newest first) and has seen some: the first `most`, best first.

        Without likes, or where nothing is like them, the best liked and then the newest. back: titles seen that come
        back all the same, with what their score is multiplied by.
        """
        shelf = self._shelf()
        mask = self._open(shelf, seen, categories)
        scores = self._likeness(shelf, liked[:CONTEXT])
        if back:
            allowed = shelf.items.listed(categories)
            for title, share in back.items():
                place = shelf.items.place.get(title)
                if place is not None and allowed[place]:
                    mask[place] = True
                    scores[place] *= share
        found = _ranked(scores, mask & (scores > 0), most)
        if len(found) < most:
            mask[scores > 0] = False
            rest = shelf.fallback[mask[shelf.fallback]][: most - len(found)].tolist()
            times = shelf.items.times
            found += [(place, float(shelf.likes[place] or max(times[place], 0))) for place in rest]
        return _named(shelf, found)

    def session(self, liked: Sequence[str], seen: Collection[str], categories: Iterable[str], most: int) -> Scored:
        """What is like the titles of a session, without those: the sum of the likeness to each."""
        shelf = self._shelf()
        scores = self._likeness(shelf, liked[:CONTEXT])
        return _named(shelf, _ranked(scores, self._open(shelf, seen, categories) & (scores > 0), most))

    def neighbours(self, title: str, seen: Collection[str], categories: Iterable[str], most: int) -> Scored:
        """What is like a title, without it."""
        return self.session([title], {title, *seen}, categories, most)

    def latest(self, seen: Collection[str], categories: Iterable[str], most: int) -> Scored:
        """Items that have a time, the newest first; the score is that time in seconds since 1970."""
        shelf = self._shelf()
        times = shelf.items.times
        mask = self._open(shelf, seen, categories) & (times > np.iinfo(np.int64).min)
        return _named(shelf, _ranked(times, mask, most))

    def popular(self, seen: Collection[str], categories: Iterable[str], most: int) -> Scored:
        """Items that were liked, the most liked first; the score is how often."""
        shelf = self._shelf()
        return _named(shelf, _ranked(shelf.likes, self._open(shelf, seen, categories) & (shelf.likes > 0), most))

    @property
    def counted(self) -> float:
        """When likes were counted last, seconds since 1970."""
        return self._crowds.made

    # What they are made of

    def _shelf(self) -> _Shelf:
        items, crowd = self.items.now(), self._crowds.now()
        held = self._held
        if held is not None and held.items is items and held.crowd is crowd:
            return held
        with self._making:
            held = self._held
            if held is None or held.items is not items or held.crowd is not crowd:
                held = self._held = self._made(items, crowd, held)
            return held

    def _made(self, items: Items, crowd: Crowd, held: _Shelf | None) -> _Shelf:
        titles = [one.title for one in items.ordered]
        if held is not None and held.items is items:
            vectors, lengths = held.vectors, held.lengths
        else:
            vectors = self._rows(titles)
            lengths = np.maximum(np.linalg.norm(vectors, axis=1), 1e-9).astype(np.float32)
        places = np.array([items.place.get(title, -1) for title in crowd.titles], np.int64)
        likes = np.zeros(len(titles), np.int64)
        likes[places[places >= 0]] = crowd.likes[places >= 0]
        return _Shelf(items, crowd, vectors, lengths, places, likes)

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
        content = _share(self._by_content(shelf, liked))
        crowd = _share(self._by_crowd(shelf, liked))
        return cast(Floats, _CONTENT * content + crowd if crowd.any() else content)

    def _by_content(self, shelf: _Shelf, liked: Sequence[str]) -> Floats:
        places = [place for title in liked if (place := shelf.items.place.get(title)) is not None]
        directions = shelf.vectors[places] / shelf.lengths[places][:, None]
        if elsewhere := [title for title in liked if title not in shelf.items.place and not title.startswith("item:")]:
            ids, rows = self._store.get_embeddings(VECTORS, elsewhere)
            if ids:
                directions = np.concatenate([directions, rows / np.linalg.norm(rows, axis=1, keepdims=True)])
        if not len(directions):
            return np.zeros(len(shelf.lengths), np.float32)
        return cast(Floats, np.maximum(shelf.vectors @ directions.sum(0), 0))

    def _by_crowd(self, shelf: _Shelf, liked: Sequence[str]) -> Floats:
        rows = [shelf.crowd.row(title) for title in liked]
        made = np.zeros(len(shelf.lengths), np.float32)
        if rows:
            total = np.bincount(
                np.concatenate([places for places, _ in rows]), np.concatenate([values for _, values in rows]),
                minlength=len(shelf.crowd.titles),
            )  # fmt: skip
            there = np.flatnonzero((total > 0) & (shelf.crowd_place >= 0))
            made[shelf.crowd_place[there]] = total[there]
        return made


def _share(scores: Floats) -> Floats:
    highest = scores.max(initial=0.0)
    return scores / highest if highest > 0 else scores


def _ranked(scores: npt.NDArray[Any], mask: Mask, most: int) -> list[tuple[int, float]]:
    """Places of the first `most` items that a mask has and their scores, the best first."""
    places = np.flatnonzero(mask)
    order = places[top(scores[places], most)]
    return list(zip(order.tolist(), map(float, scores[order].tolist()), strict=True))


def _named(shelf: _Shelf, found: Iterable[tuple[int, float]]) -> Scored:
    ordered = shelf.items.ordered
    return [(ordered[place].id, score) for place, score in found]
