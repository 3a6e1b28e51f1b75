"""What people search for, counted in the store: texts, the titles they meant, whether a catalog had them. No viewer.

A `Search` node is what one process counted of one text on one day, under an id that no other process writes. It holds
the whole sum, so plain upserts are enough: a write that is repeated changes nothing, replicas never overwrite one
another, and a reader adds up. `searches` gives back only what was searched for so often that it tells of nobody.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from graph.answers import Answer
from graph.beside import WrittenBeside
from graph.names import normalise
from graph.store import WHOLE_GRAPH, GraphStore
from graph.text import QUERY_LENGTH

TEXT_LENGTH = 100
KEPT_TEXTS, KEPT_KEYS = 20_000, 40_000
"""Different searches that a process tells apart in a day: beyond the first without their texts, beyond both not at all.

So whatever is typed, a day takes some 20 MB of memory and as much of disk at most.
"""
FLUSH_SECONDS = 5.0
_ROWS = 5_000  # in one write: other writers wait for it


class _Key(NamedTuple):
    """What is told apart in a day."""

    catalog: str | None
    text: str | None
    status: str
    title: str | None


@dataclass
class _Day:
    """What this process has counted on a day; a day that was forgotten and comes again has another writer."""

    writer: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    sums: dict[_Key, int] = field(default_factory=dict)
    unwritten: set[_Key] = field(default_factory=set)


class Demand(WrittenBeside):
    """Counts searches into a store. Safe for threads; make one in each process, and close it at the end.

    `count` adds in memory alone; a thread writes every few seconds. So a search never waits for a write, and a crash
    loses what came since the last one. on: where False nothing is counted and nothing written.
    """

    def __init__(self, store: GraphStore, *, on: bool = True, seconds: float = FLUSH_SECONDS) -> None:
        super().__init__("searches", seconds)
        self._store, self._on = store, on
        self._days: dict[dt.date, _Day] = {}

    def count(self, answer: Answer) -> None:
        """Count an answered search; not one of the whole graph, which asks no catalog, nor a blank one."""
        key = _key(answer) if self._on and answer.scope.catalog != WHOLE_GRAPH else None
        if key is None:
            return
        with self._lock:
            self._begin()
            day = self._days.setdefault(_today(), _Day())
            for one, most in ((key, KEPT_TEXTS), (key._replace(text=None), KEPT_KEYS)):
                if one in day.sums or len(day.sums) < most:
                    day.sums[one] = day.sums.get(one, 0) + 1
                    day.unwritten.add(one)
                    return
            self._dropped += 1

    def flush(self) -> None:
        """Write what was counted since the last time. Raises StoreError; it is then written the next time."""
        with self._writing:
            with self._lock:
                days = sorted(self._days)
            for day in days:
                self._flush(day)

    def _flush(self, day: dt.date) -> None:
        with self._lock:
            held = self._days[day]
            keys, held.unwritten = held.unwritten, set()
            sums = [(key, held.sums[key]) for key in keys]
        try:
            for start in range(0, len(sums), _ROWS):
                rows = [_row(day, held.writer, key, count) for key, count in sums[start : start + _ROWS]]
                self._store.upsert_nodes("Search", rows)
        except BaseException:
            with self._lock:
                held.unwritten |= keys
            raise
        with self._lock:
            if day != _today() and not held.unwritten:
                del self._days[day]


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _key(answer: Answer) -> _Key | None:
    """What is counted of an answer; None of a blank text. Only one title is ever the one that was meant."""
    text = "".join(each for each in normalise(answer.query[:QUERY_LENGTH]) if each.isprintable())[:TEXT_LENGTH].strip()
    if not text:
        return None
    meant = answer.hits[0].match if answer.status in ("in_catalog", "out_of_catalog") else None
    title = meant.id if meant is not None and meant.label == "Title" else None
    return _Key(answer.scope.catalog, text, answer.status, title)


def _row(day: dt.date, writer: str, key: _Key, count: int) -> dict[str, Any]:
    digest = hashlib.sha256(repr(tuple(key)).encode()).hexdigest()[:24]
    return {"id": f"{day}:{writer}:{digest}", **key._asdict(), "day": day, "count": count}


@dataclass(frozen=True)
class Searches:
    """What was searched for at least as often as may be shown, most first.

    titles: titles that were meant and not to be had → searches. unknown: texts that mean nothing in the graph.
    """

    titles: Mapping[str, int]
    unknown: Sequence[tuple[str, int]]


def searches(store: GraphStore, catalog: str | None, *, least: int, days: int | None = None) -> Searches:
    """What a catalog (None: any) was asked for and had not, over the last days, today included (None: ever).

    A search of all catalogs together asks each of them.
    """
    first = None if days is None else _today() - dt.timedelta(days=days - 1)
    parts = []
    for batch in store.scan_nodes("Search", ["text", "title", "status", "catalog", "day", "count"]):
        kept = pc.is_in(batch.column("status"), pa.array(["out_of_catalog", "unknown"]))
        if first is not None:
            kept = pc.and_(kept, pc.greater_equal(batch.column("day"), pa.scalar(first, pa.date32())))
        if catalog is not None:
            asked = batch.column("catalog")
            kept = pc.and_(kept, pc.or_(pc.is_null(asked), pc.fill_null(pc.equal(asked, catalog), False)))
        parts.append(pa.Table.from_batches([batch.filter(kept).select(["text", "title", "status", "count"])]))
    if not parts:
        return Searches({}, ())
    found = pa.concat_tables(parts)
    meant = found.filter(pc.and_(pc.equal(found["status"], "out_of_catalog"), pc.is_valid(found["title"])))
    typed = found.filter(pc.and_(pc.equal(found["status"], "unknown"), pc.is_valid(found["text"])))
    return Searches(dict(_summed(meant, "title", least)), tuple(_summed(typed, "text", least)))


def _summed(found: pa.Table, name: str, least: int) -> list[tuple[str, int]]:
    """Values of a column with their sums, at least so large, the largest first."""
    sums = found.group_by(name).aggregate([("count", "sum")])
    sums = sums.filter(pc.greater_equal(sums["count_sum"], least))
    pairs = zip(sums[name].to_pylist(), sums["count_sum"].to_pylist(), strict=True)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
