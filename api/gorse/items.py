"""Items as Gorse's clients write and read them: offers of one catalog."""

from __future__ import annotations

import bisect
import dataclasses
import json
from collections.abc import Callable
from typing import Any

from api.gorse import cursors
from api.gorse.asked import Asked, Refused, text
from graph.gorse import check_labels, strict_time, time_of, written
from graph.item_titles import Meant
from graph.items import Item

_SEARCHED = 200


def insert_item(asked: Asked) -> Any:
    """POST /item."""
    return _inserted(asked, [asked.object()])


def insert_items(asked: Asked) -> Any:
    """POST /items."""
    return _inserted(asked, asked.objects())


def _inserted(asked: Asked, told: list[dict[str, Any]]) -> Any:
    made = {}
    meant = {}
    for one in told:
        item = _item(one)
        made[item.id] = item
        meant[item.id] = Meant.of_labels(one.get("labels"))
    asked.backing.items.put(list(made.values()), meant)
    return {"RowAffected": len(told)}


def _item(told: dict[str, Any]) -> Item:
    check_labels(told.get("labels"))
    hidden = told.get("ishidden")
    if not isinstance(hidden, bool | None):
        raise Refused(400, "IsHidden must be true or false")
    when = time_of(told.get("timestamp"))
    return Item(
        text(told, "ItemId"), "", bool(hidden), _categories(told), _labels(told.get("labels")),
        text(told, "Comment") or None, *(when or (None, None)),
    )  # fmt: skip


def _categories(told: dict[str, Any]) -> tuple[str, ...] | None:
    given = told.get("categories")
    if given is None:
        return None
    if not isinstance(given, list):
        raise Refused(400, "Categories must be a list of texts")
    return tuple(text({"c": one if one is not None else ""}, "c") for one in given)


def _labels(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def get_item(asked: Asked) -> Any:
    """GET /item/{item-id}."""
    (id_,) = asked.names
    found = asked.backing.items.now().by_id.get(id_)
    if found is None:
        raise Refused(404, f"{id_}: item not found")
    return shown(found)


def patch_item(asked: Asked) -> Any:
    """PATCH /item/{item-id}: what is null or not named stays."""
    told = asked.object()
    new = _item({**told, "timestamp": None})
    when = strict_time(told["timestamp"]) if told.get("timestamp") is not None else None
    items = asked.backing.items
    old = items.now().by_id.get(asked.names[0])
    if old is not None:
        changes: dict[str, Any] = {}
        if told.get("ishidden") is not None:
            changes["hidden"] = new.hidden
        if told.get("timestamp") is not None:
            changes |= dict(zip(("timestamp", "nanos"), when or (None, None), strict=True))
        for name in ("categories", "labels", "comment"):
            if told.get(name) is not None:
                changes[name] = getattr(new, name)
        items.change(dataclasses.replace(old, **changes))
    return {"RowAffected": 1}


def delete_item(asked: Asked) -> Any:
    """DELETE /item/{item-id}: its feedback goes too, and it leaves all lists."""
    asked.backing.items.delete(asked.names[0])
    return {"RowAffected": 1}


def put_category(asked: Asked) -> Any:
    """PUT /item/{item-id}/category/{category}."""
    return _recategorised(asked, lambda old, category: old if category in old else (*old, category))


def delete_category(asked: Asked) -> Any:
    """DELETE /item/{item-id}/category/{category}."""
    return _recategorised(asked, lambda old, category: tuple(one for one in old if one != category))


def _recategorised(asked: Asked, changed: Callable[[tuple[str, ...], str], tuple[str, ...]]) -> Any:
    id_, category = asked.names
    items = asked.backing.items
    item = items.now().by_id.get(id_)
    if item is None:
        raise Refused(404, f"{id_}: item not found")
    old = item.categories or ()
    new = changed(old, category)
    if new != old:
        items.change(dataclasses.replace(item, categories=new))
    return {"RowAffected": 1}


def get_items(asked: Asked) -> Any:
    """GET /items: a page by id, or what a text finds."""
    n = asked.number("n", asked.backing.default_n)
    items = asked.backing.items.now()
    if query := asked.one("q"):
        return {"Cursor": "", "Items": [shown(one) for one in _found(asked, query)[:n]]}
    ordered = items.ordered
    after = cursors.read(asked.one("cursor"), 1)
    start = bisect.bisect_right(ordered, after[0], key=lambda one: one.id) if after else 0
    page = ordered[start : start + n]
    more = start + n < len(ordered) and page
    return {"Cursor": cursors.made(page[-1].id) if more else "", "Items": [shown(one) for one in page]}


def _found(asked: Asked, query: str) -> list[Item]:
    """Items whose title has such a name, then those whose own words have it."""
    items = asked.backing.items.now()
    hits = (hit.id for hit in asked.store.search_text(query, _SEARCHED) if hit.label == "Title")
    named = [items.of_title[id_] for id_ in dict.fromkeys(hits) if id_ in items.of_title]
    wanted = query.casefold()
    said = (
        one
        for one in items.ordered
        if any(wanted in (own or "").casefold() for own in (one.comment, one.labels, one.id))
    )
    return list({one.id: one for one in (*named, *said)}.values())


def shown(one: Item) -> dict[str, Any]:
    """An item as it is answered."""
    return {
        "ItemId": one.id,
        "IsHidden": one.hidden,
        "Categories": None if one.categories is None else list(one.categories),
        "Timestamp": written(one.timestamp, one.nanos),
        "Labels": None if one.labels is None else json.loads(one.labels),
        "Comment": one.comment or "",
    }
