"""Which titles may be answered, as arrays: the embedded store's view of OFFERS for one version of the graph."""

from __future__ import annotations

import datetime as dt
import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.store import WHOLE_GRAPH, Scope
from graph.stores.columns import Columns

_KEPT_SCOPES = 32
_ALWAYS, _NEVER_ENDS = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")


class Offers:
    """Offers by title position. `rows` are what `Live.offers` gives; offers of unknown titles do not count."""

    def __init__(self, columns: Columns, rows: Sequence[tuple[Any, ...]]) -> None:
        self._columns = columns
        title, catalog, item, regions, first, last = zip(*rows, strict=True) if rows else ((),) * 6
        position = columns.nodes("Title").positions(title)
        known = position >= 0
        self._title = position[known]
        self._item = np.array(item, object)[known]
        self._slugs, self._catalog = _codes(catalog, known)
        self._regions, self._region = _codes(regions, known)
        self._first = np.array([day or _ALWAYS for day in first], "M8[D]")[known]
        self._last = np.array([day or _NEVER_ENDS for day in last], "M8[D]")[known]
        self._masks: OrderedDict[Scope, npt.NDArray[np.bool_]] = OrderedDict()

    def mask(self, scope: Scope) -> npt.NDArray[np.bool_]:
        """Which titles are in scope: (titles,) bool. The last few scopes are kept."""
        mask = self._masks.get(scope)
        if mask is None:
            mask = np.zeros(len(self._columns.nodes("Title")), bool)
            if scope.catalog == WHOLE_GRAPH:
                mask[:] = True
            else:
                mask[self._title[self._open(scope)]] = True
            if not scope.adult:
                mask &= ~self._columns.adult
            self._masks[scope] = mask
            while len(self._masks) > _KEPT_SCOPES:
                self._masks.popitem(last=False)
        return mask

    def table(self, scope: Scope) -> pa.Table:
        """`id` and `item_id` of the titles in scope, one row a title, ordered by id; the first catalog's item."""
        titles = np.flatnonzero(self.mask(scope)).astype(np.int32)
        ids = self._columns.nodes("Title").ids(titles)
        if scope.catalog == WHOLE_GRAPH:
            return pa.table({"id": ids, "item_id": pa.nulls(len(titles), pa.string())})
        rows = np.flatnonzero(self._open(scope))
        offered, first = np.unique(self._title[rows], return_index=True)
        place = first[np.searchsorted(offered, titles)] if len(titles) else np.empty(0, int)
        return pa.table({"id": ids, "item_id": pa.array(self._item[rows][place], pa.string())})

    def _open(self, scope: Scope) -> npt.NDArray[np.bool_]:
        """Which offers hold in that catalog and region on that day: (offers,) bool."""
        holds = np.ones(len(self._title), bool)
        if scope.catalog is not None:
            holds &= np.array([slug == scope.catalog for slug in self._slugs], bool)[self._catalog]
        if scope.region is not None:
            holds &= np.array([_covers(listed, scope.region) for listed in self._regions], bool)[self._region]
        if scope.on is not None:
            day = np.datetime64(scope.on, "D")
            holds &= (self._first <= day) & (day <= self._last)
        return holds


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
