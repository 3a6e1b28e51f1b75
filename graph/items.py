"""A catalog's items, as the service knows them: by their own ids, with categories, labels and what hides them.

An item is an offer (`OFFERS`) of a title; `Items` are those of a catalog at one moment, `CatalogItems` follows the
store and writes. Reading goes by what has changed since the last time, where the store can tell.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.item_titles import Meant, titles_of
from graph.store import GraphStore

_READ = ("item_id", "hidden", "categories", "labels", "comment", "timestamp", "nanos", "pinned", "boost")
_MOST_PATCHED = 1_000
DEFAULT_CATALOG = "gorse"
_MOST_CATALOGS = 64


@dataclass(frozen=True, slots=True)
class Item:
    """One item. labels: JSON text; timestamp: seconds since 1970, and nanoseconds beyond. pinned: its place before all
    else in recommendations; boost: what its score is multiplied by there.
    """

    id: str
    title: str
    hidden: bool = False
    categories: tuple[str, ...] | None = None
    labels: str | None = None
    comment: str | None = None
    timestamp: int | None = None
    nanos: int | None = None
    pinned: int | None = None
    boost: float | None = None

    def offer(self, catalog: str) -> dict[str, Any]:
        """As a row of OFFERS, all that is said of it."""
        return {
            "head": catalog, "tail": self.title, "key": self.id, "item_id": self.id, "hidden": self.hidden,
            "categories": None if self.categories is None else list(self.categories), "labels": self.labels,
            "comment": self.comment, "timestamp": self.timestamp, "nanos": self.nanos, "pinned": self.pinned,
            "boost": self.boost,
        }  # fmt: skip


class Items:
    """The items of a catalog at one moment: by id, and as arrays in the order of ids."""

    def __init__(self, by_id: Mapping[str, Item]) -> None:
        self.by_id = by_id

    @cached_property
    def of_title(self) -> dict[str, Item]:
        """The first item of each title, by id."""
        found: dict[str, Item] = {}
        for one in self.ordered:
            found.setdefault(one.title, one)
        return found

    @cached_property
    def ordered(self) -> list[Item]:
        """All of them, by id."""
        return [self.by_id[id_] for id_ in sorted(self.by_id)]

    @cached_property
    def place(self) -> dict[str, int]:
        """The place in `ordered` of the first item of each title."""
        found: dict[str, int] = {}
        for place, one in enumerate(self.ordered):
            found.setdefault(one.title, place)
        return found

    @cached_property
    def shown(self) -> npt.NDArray[np.bool_]:
        """Which are not hidden: (n,)."""
        return np.array([not one.hidden for one in self.ordered], bool)

    @cached_property
    def times(self) -> npt.NDArray[np.int64]:
        """When each came: (n,) seconds since 1970; the least number where that is not known."""
        least = np.iinfo(np.int64).min
        return np.array([least if one.timestamp is None else one.timestamp for one in self.ordered], np.int64)

    @cached_property
    def pins(self) -> list[int]:
        """Places of the pinned ones, the first first."""
        pinned = [(one.pinned, place) for place, one in enumerate(self.ordered) if one.pinned is not None]
        return [place for _, place in sorted(pinned)]

    @cached_property
    def boosts(self) -> npt.NDArray[np.float32] | None:
        """What each one's score is multiplied by: (n,); None: all are as they are."""
        if all(one.boost is None for one in self.ordered):
            return None
        return np.array([1.0 if one.boost is None else one.boost for one in self.ordered], np.float32)

    @cached_property
    def categories(self) -> dict[str, npt.NDArray[np.bool_]]:
        """Which items are of a category: (n,) for each."""
        made: dict[str, npt.NDArray[np.bool_]] = {}
        for place, one in enumerate(self.ordered):
            for name in one.categories or ():
                if name not in made:
                    made[name] = np.zeros(len(self.by_id), bool)
                made[name][place] = True
        return made

    def listed(self, categories: Iterable[str] = ()) -> npt.NDArray[np.bool_]:
        """Which may stand in a list: those shown that are of all these categories. (n,)"""
        mask = self.shown
        for name in categories:
            of = self.categories.get(name)
            mask = np.zeros(len(mask), bool) if of is None else mask & of
        return mask


class CatalogItems:
    """The items of one catalog, followed and written. Safe for threads."""

    def __init__(self, store: GraphStore, catalog: str) -> None:
        self._store, self.catalog = store, catalog
        self._held: tuple[str, Items] | None = None
        self._lock = threading.RLock()

    def now(self) -> Items:
        """The items as they are."""
        return self.at()[1]

    def at(self) -> tuple[str, Items]:
        """The items as they are, and what the store's `state` was then."""
        state = self._store.state()
        held = self._held
        if held is not None and held[0] == state:
            return held
        with self._lock:
            return state, self._moved(state)

    def _moved(self, state: str) -> Items:
        held = self._held
        if held is not None and held[0] == state:
            return held[1]
        changed = None if held is None else changed_offers(self._store, held[0], state)
        if held is None or changed is None:
            items = Items(self._all())
        elif not changed:
            items = held[1]
        else:
            items = Items(self._amended(held[1], changed))
        self._held = state, items
        return items

    def _all(self) -> dict[str, Item]:
        found: dict[str, Item] = {}
        for batch in self._store.scan_relationships("OFFERS", list(_READ)):
            for row in batch.to_pylist():
                if row["head"] == self.catalog:
                    item = _item(row["tail"], row["key"], row)
                    found.setdefault(item.id, item)
        return found

    def _amended(self, held: Items, titles: Sequence[str]) -> dict[str, Item]:
        gone = set(titles)
        by_id = {id_: one for id_, one in held.by_id.items() if one.title not in gone}
        table = self._store.neighbours(titles, ["OFFERS"], "in", properties=list(_READ))
        for row in table.to_pylist():
            if row["neighbour"] == self.catalog:
                item = _item(titles[row["source"]], row["key"], row)
                by_id.setdefault(item.id, item)
        return by_id

    # Writing

    def put(self, items: Sequence[Item], meant: Mapping[str, Meant] | None = None, *, placed: bool = False) -> None:
        """Insert or replace items; `title` '' means that it is to be found (`graph.item_titles`).

        meant: what is known of the title of new ones, by item id. Own titles are made where they are needed. placed:
        whether they say what is pinned and boosted; else that stays as it is.
        """
        if not items:
            return
        with self._lock:
            held = self.now()
            asked = {one.id: (meant or {}).get(one.id, Meant()) for one in items if one.id not in held.by_id}
            found = titles_of(self._store, asked, held.of_title)
            own = [found[id_].row for id_ in asked if found[id_].new]
            if own:
                self._store.add_titles(own)
            titles = {id_: one.id for id_, one in found.items()}
            titles |= {one.id: held.by_id[one.id].title for one in items if one.id in held.by_id}
            made = [dataclasses.replace(one, title=titles[one.id]) for one in items]
            self._write(made if placed else [_as_placed(one, held.by_id.get(one.id)) for one in made], held)

    def ensure(self, ids: Iterable[str]) -> Items:
        """Make bare items of those that are not there yet; the items afterwards."""
        held = self.now()
        new = [id_ for id_ in dict.fromkeys(ids) if id_ not in held.by_id]
        if not new:
            return held
        self.put([Item(id_, "") for id_ in new])
        return self.now()

    def change(self, item: Item) -> None:
        """Write an item that is there anew."""
        with self._lock:
            self._write([item], self.now())

    def delete(self, id_: str) -> bool:
        """Remove an item. Its title's feedback goes too where no other catalog offers it; False where it is not there.

        An own title goes with it.
        """
        with self._lock:
            item = self.now().by_id.get(id_)
            if item is None:
                return False
            self._store.delete_relationships("OFFERS", [{"head": self.catalog, "tail": item.title, "key": item.id}])
            if not self._store.degrees([item.title], ["OFFERS"], "in")[0]:
                self._forget(item.title)
            return True

    def _forget(self, title: str) -> None:
        rated = self._store.neighbours([title], ["RATED"], "in", properties=["value"])
        rows = [{"head": one["neighbour"], "tail": title, "key": one["key"]} for one in rated.to_pylist()]
        if rows:
            self._store.delete_relationships("RATED", rows)
        if title.startswith("item:"):
            self._store.delete_nodes("Title", [title])

    def _write(self, items: Sequence[Item], held: Items) -> None:
        if not self._store.get_nodes("Catalog", [self.catalog], []).num_rows:
            self._store.upsert_nodes("Catalog", [{"id": self.catalog, "name": self.catalog}])
        before = self._held
        self._store.upsert_relationships("OFFERS", [one.offer(self.catalog) for one in items])
        state = self._store.state()
        if before is not None and len(items) <= _MOST_PATCHED and _follows(before[0], state):
            self._held = state, Items({**held.by_id, **{one.id: one for one in items}})


class ServedItems:
    """The items of every catalog that was asked for, and which catalog is meant where none is named. Safe for threads.

    named: that one; None: the only catalog there is, or else the one called `gorse`.
    """

    def __init__(self, store: GraphStore, named: str | None) -> None:
        self._store, self._named = store, named
        self._held: dict[str, CatalogItems] = {}
        self._only: tuple[str, str] | None = None

    def of(self, catalog: str | None = None) -> CatalogItems:
        """Those of a catalog, which need not be there yet."""
        slug = catalog or self._named or self._default()
        held = self._held.get(slug)
        if held is None:
            while len(self._held) >= _MOST_CATALOGS:
                self._held.pop(next(iter(self._held)), None)
            held = self._held.setdefault(slug, CatalogItems(self._store, slug))
        return held

    def _default(self) -> str:
        state = self._store.state()
        if self._only is None or self._only[0] != state:
            slugs = [id_ for batch in self._store.scan_nodes("Catalog", []) for id_ in batch.column("id").to_pylist()]
            self._only = state, slugs[0] if len(slugs) == 1 else DEFAULT_CATALOG
        return self._only[1]


def _as_placed(one: Item, before: Item | None) -> Item:
    """With the place and the factor that an item has."""
    return one if before is None else dataclasses.replace(one, pinned=before.pinned, boost=before.boost)


def _item(title: str, key: str, row: Mapping[str, Any]) -> Item:
    categories = row["categories"]
    return Item(
        row["item_id"] if row["item_id"] is not None else key, title, bool(row["hidden"]),
        None if categories is None else tuple(categories), row["labels"], row["comment"], row["timestamp"],
        row["nanos"], row["pinned"], row["boost"],
    )  # fmt: skip


def changed_offers(store: GraphStore, before: str, now: str) -> Sequence[str] | None:
    """The titles whose offers have changed between two states, where the store can tell."""
    tell = getattr(store, "changed_offers", None)
    found: Sequence[str] | None = tell(before, now) if tell is not None else None
    return found


def _follows(before: str, now: str) -> bool:
    """Whether one state comes right after another: nobody else has written in between."""
    (version, _, old), (current, _, new) = before.partition("+"), now.partition("+")
    return version == current and old.isdecimal() and new.isdecimal() and int(new) == int(old) + 1
