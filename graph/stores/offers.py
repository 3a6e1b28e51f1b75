"""Which titles may be answered, as arrays: the embedded store's view of OFFERS for one version of the graph."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.store import WHOLE_GRAPH, Scope
from graph.stores.titles import Later, Titles, holding

_KEPT_SCOPES, _KEPT_TABLES = 32, 4
_ROWS = ("_title", "_item", "_catalog", "_region", "_first", "_last", "_shown")
_ALWAYS, _NEVER_ENDS = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")


class Offers:
    """Offers by title position. `rows` are what `Live.offers` gives; offers of unknown titles do not count.

    later: what knows of own titles that the version has not yet.
    """

    def __init__(self, titles: Titles, rows: Sequence[tuple[Any, ...]], later: Later) -> None:
        self._titles, self._later = titles, later
        title, catalog, item, regions, first, last, hidden = zip(*rows, strict=True) if rows else ((),) * 7
        titles.learn(title, later)
        position = titles.positions(title)
        known = position >= 0
        self._title = position[known]
        self._item = np.array(item, object)[known]
        self._slugs, self._catalog = _codes(catalog, known)
        self._regions, self._region = _codes(regions, known)
        self._first = np.array([day or _ALWAYS for day in first], "M8[D]")[known]
        self._last = np.array([day or _NEVER_ENDS for day in last], "M8[D]")[known]
        self._shown = ~np.array(hidden, bool)[known]
        self._masks: OrderedDict[Scope, npt.NDArray[np.bool_]] = OrderedDict()
        self._tables: OrderedDict[Scope, pa.Table] = OrderedDict()
        self._firsts: OrderedDict[Scope, tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]] = OrderedDict()

    def amended(self, changed: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Offers:
        """These offers with those of some titles as they are now.

        The arrays and tables of scopes in which nothing has changed stay the same objects: who made something of them
        need not make it again.
        """
        new = Offers(self._titles, rows, self._later)
        positions = self._titles.positions(changed)
        there = np.isin(self._title, positions)
        gone = self._some(there)
        made = _joined(self._some(~there), new)
        for scope, mask in list(self._masks.items()):
            made._masks[scope] = mask
            if scope.catalog != WHOLE_GRAPH and not np.array_equal(gone._inside(scope), new._inside(scope)):
                made._masks[scope] = changed_mask = np.zeros(len(self._titles), bool)
                changed_mask[: len(mask)] = mask
                changed_mask[positions[positions >= 0]] = False
                changed_mask[new._inside(scope)] = True
        for scope, table in list(self._tables.items()):
            if scope.catalog == WHOLE_GRAPH or np.array_equal(gone._items(scope), new._items(scope)):
                made._tables[scope] = table
        return made

    def _some(self, rows: npt.NDArray[np.bool_]) -> Offers:
        made = copy.copy(self)
        for name in _ROWS:
            setattr(made, name, getattr(self, name)[rows])
        made._masks, made._tables, made._firsts = OrderedDict(), OrderedDict(), OrderedDict()
        return made

    def _inside(self, scope: Scope) -> npt.NDArray[np.int32]:
        """The titles that are offered in a scope, each once, ascending."""
        titles = np.unique(self._title[self._open(scope)])
        return titles if scope.adult else titles[~self._titles.adult[titles]]

    def _items(self, scope: Scope) -> npt.NDArray[np.object_]:
        """The offers of a scope that `table` is made of: (title, item)."""
        rows = self._open(scope)
        return np.stack([self._title[rows].astype(object), self._item[rows]], 1)

    def mask(self, scope: Scope) -> npt.NDArray[np.bool_]:
        """Which titles are in scope: (titles,) bool. The last few scopes are kept."""
        mask = self._masks.get(scope)
        if mask is None or (scope.catalog == WHOLE_GRAPH and len(mask) < len(self._titles)):
            adult = self._titles.adult
            mask = np.zeros(len(adult), bool)
            if scope.catalog == WHOLE_GRAPH:
                mask[:] = True
            else:
                mask[self._title[self._open(scope)]] = True
            if not scope.adult:
                mask &= ~adult
            self._masks[scope] = mask
            while len(self._masks) > _KEPT_SCOPES:
                self._masks.popitem(last=False)
        return mask

    def table(self, scope: Scope) -> pa.Table:
        """`id` and `item_id` of the titles in scope, one row a title, ordered by id; the first catalog's item."""
        if scope not in self._tables:
            self._tables[scope] = self._listed(scope)
            while len(self._tables) > _KEPT_TABLES:
                self._tables.popitem(last=False)
        return self._tables[scope]

    def some(self, scope: Scope, ids: Sequence[str]) -> pa.Table:
        """The same of some titles, in that order."""
        positions = self._titles.positions(ids)
        inside = np.flatnonzero(holding(self.mask(scope), positions))
        items = self._items_of(scope, positions[inside])
        return pa.table({"id": pa.array([ids[place] for place in inside.tolist()], pa.string()), "item_id": items})

    def _listed(self, scope: Scope) -> pa.Table:
        titles = np.flatnonzero(self.mask(scope)).astype(np.int32)
        table = pa.table({"id": self._titles.ids(titles), "item_id": self._items_of(scope, titles)})
        return table if self._titles.whole else table.sort_by("id")

    def _items_of(self, scope: Scope, titles: npt.NDArray[np.int32]) -> pa.Array:
        """The items of titles in scope: of each that of its first offer there."""
        if scope.catalog == WHOLE_GRAPH or not len(titles):
            return pa.nulls(len(titles), pa.string())
        offered, first = self._first_offers(scope)
        return pa.array(self._item[first[np.searchsorted(offered, titles)]], pa.string())

    def _first_offers(self, scope: Scope) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """The titles offered in a scope, ascending, and the row of the first offer of each. The last few are kept."""
        if scope not in self._firsts:
            rows = np.flatnonzero(self._open(scope))
            titles, first = np.unique(self._title[rows], return_index=True)
            self._firsts[scope] = titles, rows[first]
            while len(self._firsts) > _KEPT_TABLES:
                self._firsts.popitem(last=False)
        return self._firsts[scope]

    def _open(self, scope: Scope) -> npt.NDArray[np.bool_]:
        """Which offers hold in that catalog and region on that day: (offers,) bool."""
        holds = self._shown.copy()
        if scope.catalog is not None:
            holds &= np.array([slug == scope.catalog for slug in self._slugs], bool)[self._catalog]
        if scope.region is not None:
            holds &= np.array([_covers(listed, scope.region) for listed in self._regions], bool)[self._region]
        if scope.on is not None:
            day = np.datetime64(scope.on, "D")
            holds &= (self._first <= day) & (day <= self._last)
        return holds


def _joined(one: Offers, other: Offers) -> Offers:
    """The offers of both, by title."""
    made = one._some(np.ones(len(one._title), bool))
    parts = {name: [getattr(one, name), getattr(other, name)] for name in _ROWS}
    for names, codes in (("_slugs", "_catalog"), ("_regions", "_region")):
        place = {name: code for code, name in enumerate(getattr(one, names))}
        moved = [place.setdefault(name, len(place)) for name in getattr(other, names)]
        parts[codes][1] = np.array(moved, np.int32)[parts[codes][1]]
        setattr(made, names, list(place))
    order = np.argsort(np.concatenate(parts["_title"]), kind="stable")
    for name, both in parts.items():
        setattr(made, name, np.concatenate(both)[order])
    return made


def _codes(values: Sequence[Any], known: npt.NDArray[np.bool_]) -> tuple[list[Any], npt.NDArray[np.int32]]:
    """The distinct values, and each value's place among them: (offers known,) int32."""
    distinct = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return list(distinct), np.array([distinct[value] for value in values], np.int32)[known]


def _covers(regions: str | None, region: str) -> bool:
    listed = json.loads(regions) if regions else []
    return not listed or region.upper() in {code.upper() for code in listed}


def today() -> dt.date:
    """Today's date, UTC: the day that is meant where none is given."""
    return dt.datetime.now(dt.UTC).date()
