"""Users and all that is known of them: read, written, exported and deleted, on every store."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graph.events import PROPERTIES
from graph.exposures import shown_to
from graph.store import GraphStore

_READ = [name for name in PROPERTIES if name != "type"]


@dataclass(frozen=True)
class User:
    """A user. labels: of any form that JSON has."""

    id: str
    labels: Any = None
    comment: str | None = None

    def row(self) -> dict[str, Any]:
        """As a row of the label User: labels that are words as such, others as JSON."""
        words = isinstance(self.labels, list) and all(isinstance(one, str) for one in self.labels)
        other = None if words or self.labels is None else json.dumps(self.labels, ensure_ascii=False)
        return {"id": self.id, "labels": self.labels if words else None, "attributes": other, "comment": self.comment}

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> User:
        """From such a row."""
        labels = row["labels"] if row["attributes"] is None else json.loads(row["attributes"])
        return cls(row["id"], labels, row["comment"])


@dataclass(frozen=True)
class Feedback:
    """A piece of feedback as the store has it; times are seconds since 1970, and nanoseconds beyond."""

    user: str
    title: str
    type: str
    value: float | None = None
    timestamp: int | None = None
    nanos: int | None = None
    updated: int | None = None
    updated_nanos: int | None = None
    comment: str | None = None
    events: tuple[str, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON: without what is not told."""
        told = {
            "user": self.user, "title": self.title, "type": self.type, "value": self.value,
            "time": _iso(self.timestamp, self.nanos), "updated": _iso(self.updated, self.updated_nanos),
            "comment": self.comment, "events": self.events,
        }  # fmt: skip
        return {name: value for name, value in told.items() if value is not None}


def user(store: GraphStore, id_: str) -> User | None:
    """One user; None where nobody is called so."""
    rows = store.get_nodes("User", [id_]).to_pylist()
    return User.of_row(rows[0]) if rows else None


def named(store: GraphStore, ids: Sequence[str]) -> list[User]:
    """Those of some users that are there, in the order asked for."""
    return [User.of_row(row) for row in store.get_nodes("User", list(dict.fromkeys(ids))).to_pylist()]


def first(store: GraphStore, most: int) -> list[User]:
    """Some users: as many as wanted, or all there are."""
    found: list[User] = []
    for batch in store.scan_nodes("User"):
        found += [User.of_row(row) for row in batch.slice(0, most - len(found)).to_pylist()]
        if len(found) == most:
            break
    return found


def feedback_of(store: GraphStore, users: Sequence[str]) -> list[Feedback]:
    """All feedback of some users, by user, then title and type."""
    table = store.neighbours(users, ["RATED"], "out", properties=_READ)
    return [Feedback(users[row["source"]], row["neighbour"], row["key"], *_told(row)) for row in table.to_pylist()]


def feedback_on(store: GraphStore, title: str) -> list[Feedback]:
    """All feedback on a title, by user and type."""
    table = store.neighbours([title], ["RATED"], "in", properties=_READ)
    return [Feedback(row["neighbour"], title, row["key"], *_told(row)) for row in table.to_pylist()]


def export(store: GraphStore, id_: str) -> dict[str, Any] | None:
    """Everything known of a user as plain data, with the names of titles; None where nobody is called so."""
    one = user(store, id_)
    if one is None:
        return None
    said = feedback_of(store, [id_])
    titles = list(dict.fromkeys(each.title for each in said))
    names = {row["id"]: row["title"] for row in store.get_nodes("Title", titles, ["title"]).to_pylist()}
    feedback = [each.as_dict() | {"name": names.get(each.title)} for each in said]
    told = {"id": one.id, "labels": one.labels, "comment": one.comment}
    return {"user": told, "feedback": feedback, "shown": shown_to(store, id_)}


def delete(store: GraphStore, id_: str) -> bool:
    """Remove a user with everything known of them; False where nobody is called so."""
    return bool(store.delete_nodes("User", [id_]))


def delete_feedback(store: GraphStore, rows: Sequence[Feedback]) -> int:
    """Remove pieces of feedback; how many there were."""
    keys = [{"head": one.user, "tail": one.title, "key": one.type} for one in rows]
    return store.delete_relationships("RATED", keys) if keys else 0


def _told(row: dict[str, Any]) -> list[Any]:
    return [tuple(row[name]) if name == "events" and row[name] else row[name] for name in _READ]


def _iso(seconds: int | None, nanos: int | None) -> str | None:
    if seconds is None:
        return None
    try:
        made = dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(seconds)
    return f"{made}{f'.{nanos:09d}'.rstrip('0') if nanos else ''}Z"
