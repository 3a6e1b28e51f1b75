"""The body of `POST /feedback` as events: checked by plain loops, for ten thousand rows come at once."""

from __future__ import annotations

import datetime as dt
import json
import math
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from api.problems import SHOWN_ERRORS, Problem
from graph.events import Event
from graph.schema import fits

FIELDS = ("user", "title", "item", "catalog", "type", "value", "time", "comment", "id")
ID_LENGTH, COMMENT_LENGTH = 200, 2_000
_AHEAD = 86_400
"""Seconds by which clocks may differ: what says to be later than that is a mistake."""
_ID = {"type": ["string", "null"], "minLength": 1, "maxLength": ID_LENGTH}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["user"],
    "additionalProperties": False,
    "properties": {
        "user": {"type": "string", "minLength": 1, "maxLength": ID_LENGTH, "description": "the service's own id"},
        "title": {**_ID, "description": "an id of the graph"},
        "item": {**_ID, "description": "or the id in a catalog"},
        "catalog": {"type": ["string", "null"], "maxLength": 63, "description": "whose item; none: the service's own"},
        "type": {"type": ["string", "null"], "minLength": 1, "maxLength": 100,
                 "description": "none: rating where there is a value, else watch"},
        "value": {"type": ["number", "null"]},
        "time": {"type": ["integer", "string", "null"],
                 "description": "ISO 8601, or seconds since 1970; none: now"},
        "comment": {"type": ["string", "null"], "maxLength": COMMENT_LENGTH},
        "id": {**_ID,
               "description": "of the event, so that one sent again counts once where values add up"},
    },
}  # fmt: skip
EXAMPLE = [{"user": "u1", "title": "tt0114709", "type": "watch", "time": "2026-11-30T20:15:00Z"}]


class Sent(NamedTuple):
    """What a request says: events whose titles are known, and those of items, with (place, catalog, item)."""

    events: list[Event]
    items: list[tuple[int, str | None, str]]


def parsed(body: bytes, most: int, accumulated: Collection[str]) -> Sent:
    """One event or a list of them. Raises Problem 422 that names the rows that are wrong."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(422, "The body is no JSON; send a list of events.") from None
    rows = told if isinstance(told, list) else [told]
    if len(rows) > most:
        raise Problem(422, f"{len(rows)} events are more than the {most} that one request may have; send several.")
    events: list[Event] = []
    items: list[tuple[int, str | None, str]] = []
    wrong: dict[int, str] = {}
    now = time.time()
    for place, row in enumerate(rows):
        try:
            event, catalog, item = _event(row, now, accumulated)
        except _Wrong as why:
            wrong[place] = str(why)
            continue
        if item is not None:
            items.append((len(events), catalog, item))
        events.append(event)
    if wrong:
        refuse(wrong, len(rows))
    return Sent(events, items)


def refuse(wrong: Mapping[int, str], rows: int) -> None:
    """Raise the problem of rows that are wrong."""
    errors = [{"where": f"body.{place}", "why": why} for place, why in sorted(wrong.items())[:SHOWN_ERRORS]]
    raise Problem(422, f"{len(wrong)} of {rows} events are wrong; none was written", errors)


class _Wrong(Exception):
    pass


def _event(row: Any, now: float, accumulated: Collection[str]) -> tuple[Event, str | None, str | None]:
    if not isinstance(row, dict):
        raise _Wrong("an event is an object")
    if unknown := row.keys() - _KNOWN:
        raise _Wrong(f"unknown field {min(map(str, unknown))!r}; there are {', '.join(FIELDS)}")
    get = row.get
    user, title, item, catalog = get("user"), get("title"), get("item"), get("catalog")
    if (title is None) == (item is None):
        raise _Wrong("name a title or an item")
    named = _text("title", title, ID_LENGTH) if item is None else _text("item", item, ID_LENGTH)
    value = get("value")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value)):
        raise _Wrong("value must be a number")
    type_ = get("type")
    type_ = _text("type", type_, 100).lower() if type_ is not None else ("watch" if value is None else "rating")
    if type_ == "rating" and value is None:
        raise _Wrong("a rating needs a value")
    seconds, nanos = _time(get("time"), now)
    comment, id_ = get("comment"), get("id")
    event = Event(
        _text("user", user, ID_LENGTH), named, type_, None if value is None else float(value), seconds, nanos,
        None if comment is None else _text("comment", comment, COMMENT_LENGTH, least=0),
        None if id_ is None else _text("id", id_, ID_LENGTH),
        "count" if type_ in accumulated else "latest",
    )  # fmt: skip
    return event, None if catalog is None else _text("catalog", catalog, 63), item


_KNOWN = frozenset(FIELDS)


def _text(name: str, value: Any, most: int, least: int = 1) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"{name} must be a text")
    if not least <= len(value) <= most:
        raise _Wrong(f"{name} must have {least} to {most} characters")
    if "\0" in value or not fits(value, "string"):
        raise _Wrong(f"{name} is no valid text")
    return value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _time(value: Any, now: float) -> tuple[int, int | None]:
    """Seconds and nanoseconds: None is now."""
    if value is None:
        whole, part = divmod(time.time_ns(), 1_000_000_000)
        return whole, part or None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _Wrong("time must be ISO 8601, or whole seconds since 1970")
    if isinstance(value, int):
        seconds, nanos = value, 0
    else:
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            raise _Wrong(f"time must be ISO 8601, such as 2026-11-30T20:15:00Z, not {value[:40]!r}") from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        seconds = int((moment.replace(microsecond=0) - _EPOCH).total_seconds())
        nanos = moment.microsecond * 1000
    if not 0 <= seconds <= now + _AHEAD:
        raise _Wrong("time must be since 1970 and not in the future")
    return seconds, nanos or None


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Resolve = Callable[[str | None, str], str | None]
"""A catalog and an item's id → the title; None where there is none."""


def resolved(sent: Sent, resolve: Resolve) -> list[Event]:
    """The events with the titles of their items. Raises Problem 422 for items that are not there."""
    if not sent.items:
        return sent.events
    events, wrong = list(sent.events), dict[int, str]()
    for place, catalog, item in sent.items:
        title = resolve(catalog, item)
        if title is None:
            wrong[place] = f"there is no item {item!r} in the catalog {catalog!r}"
        else:
            events[place] = events[place]._replace(title=title)
    if wrong:
        refuse(wrong, len(events))
    return events
