"""One piece of feedback as it comes in, and what it makes of the one that is there already.

A user has one piece of feedback of a type on a title: (user, title, type) is its key. How an event meets an older one:

    latest    the later time wins; without a time is the oldest, and of equal ones the one that came last
    count     values add up, and an event of the same id, or without one of the same time, counts once
    add       values add up, whatever came before; the earlier time stays, the later one is when it was updated
    replace   the new one, whatever came before
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

How = Literal["latest", "count", "add", "replace"]
Key = tuple[str, str, str]
"""Of a piece of feedback: user, title, type."""
KEPT_EVENTS = 64
"""How many ids of events an accumulated value remembers: an event that comes again later than that counts again."""
PROPERTIES = ("type", "value", "timestamp", "nanos", "updated", "updated_nanos", "comment", "events")


class Event(NamedTuple):
    """Feedback of a user on a title. Times are seconds since 1970 and nanoseconds beyond; None: not told."""

    user: str
    title: str
    type: str
    value: float | None = None
    timestamp: int | None = None
    nanos: int | None = None
    comment: str | None = None
    id: str | None = None
    how: How = "latest"


Held = Mapping[str, Any]
"""PROPERTIES of a piece of feedback, as a store has them."""


def met(old: Held | None, new: Event) -> dict[str, Any] | None:
    """What is there after an event; None where that changes nothing."""
    match new.how:
        case "latest":
            if old is not None and _time(old["timestamp"], old["nanos"]) > _time(new.timestamp, new.nanos):
                return None
            return _plain(new)
        case "count":
            return _counted(old, new)
        case "add":
            return _added(old, new)
        case _:
            return _plain(new)


def outcome(held: Mapping[Key, Held], events: Sequence[Event]) -> tuple[dict[Key, dict[str, Any]], int]:
    """What is there after events, by key, where it differs; and how many of them changed anything."""
    made: dict[Key, dict[str, Any]] = {}
    changed = 0
    for event in events:
        key = event[:3]
        now = met(made.get(key) or held.get(key), event)
        if now is not None:
            made[key] = now
            changed += 1
    return made, changed


def _plain(new: Event, **other: Any) -> dict[str, Any]:
    return {
        "type": new.type, "value": new.value, "timestamp": new.timestamp, "nanos": new.nanos,
        "updated": None, "updated_nanos": None, "comment": new.comment, "events": None,
    } | other  # fmt: skip


def _added(old: Held | None, new: Event) -> dict[str, Any]:
    if old is None:
        return _plain(new)
    value = (old["value"] or 0.0) + (new.value or 0.0)
    first, last = (old["timestamp"], old["nanos"]), _updated(old)
    now = (new.timestamp, new.nanos)
    earlier = first if _time(*first) <= _time(*now) else now
    later = last if _time(*last) > _time(*now) else now
    told = dict(zip(("timestamp", "nanos"), earlier, strict=True))
    if later != earlier:
        told |= dict(zip(("updated", "updated_nanos"), later, strict=True))
    return _plain(new, value=value, **told)


def _counted(old: Held | None, new: Event) -> dict[str, Any] | None:
    told = new.id or (None if new.timestamp is None else f"{new.timestamp}.{new.nanos or 0:09d}")
    known = list(old["events"] or ()) if old is not None else []
    if told is not None and told in known:
        return None
    events = [*known, told][-KEPT_EVENTS:] if told is not None else known
    if old is None:
        return _plain(new, events=events or None)
    last, now = (old["timestamp"], old["nanos"]), (new.timestamp, new.nanos)
    later = now if _time(*now) >= _time(*last) else last
    comment = new.comment if new.comment is not None else old["comment"]
    value = None if old["value"] is None and new.value is None else (old["value"] or 0.0) + (new.value or 0.0)
    return _plain(
        new, value=value, timestamp=later[0], nanos=later[1], comment=comment, events=events or None,
        updated=old["updated"], updated_nanos=old["updated_nanos"],
    )  # fmt: skip


def _updated(held: Held) -> tuple[int | None, int | None]:
    if held["updated"] is None:
        return held["timestamp"], held["nanos"]
    return held["updated"], held["updated_nanos"]


def _time(seconds: int | None, nanos: int | None) -> tuple[int, int]:
    """A time to compare; none is before all others."""
    return (-(2**62), 0) if seconds is None else (seconds, nanos or 0)
