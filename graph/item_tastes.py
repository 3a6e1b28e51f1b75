"""A catalog's items by taste vectors (`graph.tastes`): what a user has of every item, in a fraction of a millisecond.

The vectors of the items are kept in memory, side by side, until others are published.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.consistent import version_of
from graph.feedback_kinds import Says
from graph.items import Items
from graph.store import GraphStore
from graph.tastes import LIKED, OFFERED, Weighting

Floats = npt.NDArray[np.float32]
Odds = npt.NDArray[np.float64]
MOST_BYTES = 512 << 20
"""A catalog whose vectors would take more is answered without them."""
_OTHERS = 10_000
"""Titles that are no items whose vectors are kept, because somebody watched them."""


@dataclass(frozen=True)
class _Held:
    """Vectors of one version. row: title → its row in both matrices, -1: it has no vectors. liked (m, d), offered
    (m, d + 1); places, rows: of the items of one moment that have vectors, where they stand there and here. (p,)
    """

    version: str
    weighting: Weighting
    row: dict[str, int]
    liked: Floats
    offered: Floats
    items: Items
    places: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


class ItemTastes:
    """The items of one catalog. Safe for threads."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._held: tuple[str, _Held | None] = "", None
        self._others: tuple[str, dict[str, Floats | None]] = "", {}
        self._making = threading.Lock()

    def odds(self, state: str, items: Items, says: Mapping[str, Says]) -> Odds | None:
        """What each item is to somebody beside the best of all, (n,) above 0 to 1; -1: an item without vectors.

        says: what they say of titles, the newest first; of nothing: what anybody is offered. None where no taste
        vectors are published, where no title of theirs has one, or where the catalog is too large. state: of the store,
        when it had these items.
        """
        held = self._now(state, items)
        if held is None or not len(held.places):
            return None
        ids, liked = self._liked(held, says)
        if says and not ids:
            return None
        query = held.weighting.asked(held.weighting.shares([says[id_] for id_ in ids]), liked)
        # As fast as the product by BLAS, in this thread alone: its others would wait beside the service's own.
        products = np.einsum("ij,j->i", held.offered, query)
        scores = products[held.rows].astype(np.float64)
        made = np.full(len(items.by_id), -1.0)
        made[held.places] = np.maximum(np.exp(scores - scores.max()), np.finfo(np.float64).tiny)
        return made

    def _liked(self, held: _Held, says: Mapping[str, Says]) -> tuple[list[str], Floats]:
        """The titles that have liked vectors, in their order, and these; of those that are no items, too."""
        ids = [title for title in says if held.row.get(title, -1) >= 0]
        rows = held.liked[[held.row[title] for title in ids]]
        lacking = [title for title in says if title not in held.row]
        if not lacking:
            return ids, rows
        version, known = self._others
        if version != held.version or len(known) > _OTHERS:
            known = {}
        if new := [title for title in lacking if title not in known]:
            found = dict(zip(*self._store.get_embeddings(LIKED, new), strict=True))
            known = known | {title: found.get(title) for title in new}
            self._others = held.version, known
        more = {title: row for title in lacking if (row := known[title]) is not None}
        if not more:
            return ids, rows
        place = {title: at for at, title in enumerate([*ids, *more])}
        ordered = [title for title in says if title in place]
        return ordered, np.concatenate([rows, *(row[None] for row in more.values())])[[place[one] for one in ordered]]

    def _now(self, state: str, items: Items) -> _Held | None:
        version, (of, held) = version_of(state), self._held
        if of == version and (held is None or held.items is items):
            return held
        with self._making:
            of, held = self._held
            if of != version:
                held = self._read(version, items)
            elif held is not None and held.items is not items:
                held = self._moved(held, items)
            if version_of(self._store.state()) == version:  # else it may be of two versions, and is not kept
                self._held = version, held
            return held

    def _read(self, version: str, items: Items) -> _Held | None:
        weighting = Weighting.published(self._store)
        if weighting is None:
            return None
        width = weighting.long + weighting.recent
        if len(items.place) * (2 * width + 1) * 4 > MOST_BYTES:
            return None
        nothing = np.zeros((0, width), np.float32), np.zeros((0, width + 1), np.float32)
        none = np.empty(0, np.int64)
        return self._moved(_Held(version, weighting, {}, *nothing, items, none, none), items)

    def _moved(self, held: _Held, items: Items) -> _Held | None:
        """With the vectors of items that are new, and where they all stand."""
        row, liked, offered = held.row, held.liked, held.offered
        if new := [title for title in items.place if title not in row]:
            if (len(row) + len(new)) * (2 * liked.shape[1] + 1) * 4 > MOST_BYTES:
                return None
            ids, first = self._store.get_embeddings(LIKED, new)
            second = dict(zip(*self._store.get_embeddings(OFFERED, ids), strict=True))
            both = [place for place, title in enumerate(ids) if title in second]
            row = row | dict.fromkeys(new, -1)
            row |= {ids[place]: len(liked) + at for at, place in enumerate(both)}
            if both:
                liked = np.concatenate([liked, first[both]])
                offered = np.concatenate([offered, np.stack([second[ids[place]] for place in both])])
        rows = np.array([row[title] for title in items.place], np.int64)
        places = np.fromiter(items.place.values(), np.int64, len(items.place))
        there = rows >= 0
        return _Held(held.version, held.weighting, row, liked, offered, items, places[there], rows[there])
