"""Feedback as Gorse's clients write and read it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pyarrow as pa

from api.gorse import cursors
from api.gorse.asked import Asked, Refused, here, text
from graph import users
from graph.events import PROPERTIES, Event, How
from graph.gorse import condition, inside, outside, time_of, value_of, written
from graph.items import Items
from graph.users import Feedback

if TYPE_CHECKING:
    from api.gorse.app import Backing

_KEPT_SECONDS = 10
_READ = [name for name in PROPERTIES if name not in ("type", "events")]


async def post_feedback(asked: Asked) -> Any:
    """POST /feedback: values add up where the key is there."""
    return await _insert(asked, "add")


async def put_feedback(asked: Asked) -> Any:
    """PUT /feedback: the new one counts."""
    return await _insert(asked, "replace")


async def _insert(asked: Asked, how: How) -> Any:
    told = asked.objects()
    rows = [_row(one) for one in told]
    await insert(asked.backing, rows, how)
    return {"RowAffected": len(told)}


Row = tuple[str, str, str, float, int | None, int | None, str | None]
"""type, user, item, value, seconds, nanoseconds, comment."""


def _row(told: dict[str, Any]) -> Row:
    when = time_of(told.get("timestamp")) or (None, None)
    return (
        text(told, "FeedbackType"), text(told, "UserId"), text(told, "ItemId"), value_of(told.get("value")),
        *when, text(told, "Comment") or None,
    )  # fmt: skip


async def insert(backing: Backing, rows: Sequence[Row], how: How) -> None:
    """Write feedback; of the same key twice the first wins. Done when it is durable."""
    first: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        first.setdefault(row[:3], row)
    if not first:
        return
    options = backing.options
    items = backing.items.now()
    if any(item not in items.by_id for _, _, item in first):
        if options.auto_insert_item:
            ids = [item for _, _, item in first]
            items = await anyio.to_thread.run_sync(backing.items.ensure, ids)
        else:
            first = {key: row for key, row in first.items() if key[2] in items.by_id}
    if not options.auto_insert_user:
        there = await anyio.to_thread.run_sync(_there, backing, {user for _, user, _ in first})
        first = {key: row for key, row in first.items() if inside(key[1]) in there}
    events = [
        Event(inside(user), items.by_id[item].title, inside(type_), value, seconds, nanos, comment, None, how)
        for type_, user, item, value, seconds, nanos, comment in first.values()
    ]
    if events:
        await asyncio.wrap_future(backing.writer.put(events))


def _there(backing: Backing, ids: Iterable[str]) -> set[str]:
    return set(backing.store.get_nodes("User", [inside(id_) for id_ in ids], []).column("id").to_pylist())


# Reading


def of_user(asked: Asked) -> Any:
    """GET /user/{user-id}/feedback, and /{feedback-type}, which may be a condition on the value."""
    user, *types = asked.names
    wanted = condition(types[0]) if types else _any
    return _listed(asked, users.feedback_of(asked.store, [user]), wanted)


def of_item(asked: Asked) -> Any:
    """GET /item/{item-id}/feedback, and /{feedback-type}."""
    item, *types = asked.names
    found = asked.backing.items.now().by_id.get(item)
    wanted = condition(types[0]) if types else _any
    return _listed(asked, users.feedback_on(asked.store, found.title) if found else [], wanted)


def _any(_type: str, _value: float | None) -> bool:
    return True


def _listed(asked: Asked, said: Sequence[Feedback], wanted: Callable[[str, float | None], bool]) -> list[Any]:
    items = asked.backing.items.now()
    return [shown(one, items) for one in said if here(one.timestamp) and wanted(outside(one.type), one.value)]


def of_both(asked: Asked) -> Any:
    """GET /feedback/{user-id}/{item-id}: what is dated later too."""
    items = asked.backing.items.now()
    return [shown(one, items) for one in _between(asked, *asked.names)]


def one(asked: Asked) -> Any:
    """GET /feedback/{feedback-type}/{user-id}/{item-id}."""
    type_, user, item = asked.names
    items = asked.backing.items.now()
    for said in _between(asked, user, item):
        if said.type == type_:
            return shown(said, items)
    raise Refused(404, f"{type_}: feedback not found")


def delete_both(asked: Asked) -> Any:
    """DELETE /feedback/{user-id}/{item-id}: of all types; how many there were."""
    return {"RowAffected": users.delete_feedback(asked.store, _between(asked, *asked.names))}


def delete_one(asked: Asked) -> Any:
    """DELETE /feedback/{feedback-type}/{user-id}/{item-id}."""
    type_, user, item = asked.names
    found = [said for said in _between(asked, user, item) if said.type == type_]
    return {"RowAffected": users.delete_feedback(asked.store, found)}


def _between(asked: Asked, user: str, item: str) -> list[Feedback]:
    found = asked.backing.items.now().by_id.get(item)
    return [said for said in users.feedback_of(asked.store, [user]) if found and said.title == found.title]


def shown(said: Feedback, items: Items) -> dict[str, Any]:
    """A piece of feedback as it is answered."""
    item = items.of_title.get(said.title)
    when = written(said.timestamp, said.nanos)
    again = when if said.updated is None else written(said.updated, said.updated_nanos)
    return {
        "FeedbackType": outside(said.type), "UserId": outside(said.user),
        "ItemId": item.id if item else said.title.removeprefix("item:"), "Value": said.value or 0.0,
        "Timestamp": when, "Updated": again, "Comment": said.comment or "",
    }  # fmt: skip


# All of it, page by page


class Everything:
    """All feedback in the order of type, user and item; what a page was cut from serves the next ones for a while."""

    def __init__(self) -> None:
        self._held: tuple[float, pa.Table] | None = None
        self._lock = threading.Lock()

    def page(self, asked: Asked) -> Any:
        """GET /feedback, and /feedback/{feedback-type}."""
        n = asked.number("n", asked.backing.default_n)
        after = cursors.read(asked.one("cursor"), 3)
        items = asked.backing.items.now()
        table = self._table(asked, items, fresh=not after)
        if asked.names:
            table = table.filter(pa.compute.equal(table.column("key"), inside(asked.names[0])))
        start = _bisect(table, after) if after else 0
        rows: list[dict[str, Any]] = []
        keys: list[tuple[str, str, str]] = []
        while start < table.num_rows and len(rows) <= n:
            for row in table.slice(start, n + 1 - len(rows)).to_pylist():
                start += 1
                if here(row["timestamp"]):
                    told = [row[name] for name in _READ]
                    rows.append(shown(Feedback(row["head"], row["tail"], row["key"], *told), items))
                    keys.append((row["key"], row["head"], row["item"]))
        more = len(rows) > n > 0
        return {"Cursor": cursors.made(*keys[n - 1]) if more else "", "Feedback": rows[:n]}

    def _table(self, asked: Asked, items: Items, *, fresh: bool) -> pa.Table:
        held = self._held
        if not fresh and held is not None and time.monotonic() - held[0] < _KEPT_SECONDS:
            return held[1]
        with self._lock:
            batches = list(asked.store.scan_relationships("RATED", _READ))
            if not batches:
                return pa.table({name: [] for name in ("head", "tail", "key", "item", *_READ)})
            table = pa.Table.from_batches(batches)
            titles = table.column("tail").combine_chunks().dictionary_encode()
            names = [
                items.of_title[title].id if title in items.of_title else title.removeprefix("item:")
                for title in titles.dictionary.to_pylist()
            ]
            ids = pa.DictionaryArray.from_arrays(titles.indices, pa.array(names, pa.string())).cast(pa.string())
            table = table.append_column("item", ids)
            order = [("key", "ascending"), ("head", "ascending"), ("item", "ascending")]
            table = table.sort_by(order).combine_chunks()
            self._held = time.monotonic(), table
            return table


def _bisect(table: pa.Table, after: Sequence[str]) -> int:
    columns = [table.column(name) for name in ("key", "head", "item")]
    low, high = 0, table.num_rows
    while low < high:
        middle = (low + high) // 2
        if [column[middle].as_py() for column in columns] <= list(after):
            low = middle + 1
        else:
            high = middle
    return low
