"""Feedback in the live tables: what is there is read and written in one transaction, which one writer has at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from graph.events import PROPERTIES, Event, outcome

_NAMES = ", ".join(f'"{name}"' for name in PROPERTIES)
_ONE = f'SELECT head, tail, key, {_NAMES} FROM "RATED" WHERE head = ? AND tail = ? AND key = ?'  # noqa: S608
_MANY = (
    f"SELECT r.head, r.tail, r.key, {', '.join(f'r.{name}' for name in PROPERTIES)} FROM json_each(?) AS j "  # noqa: S608
    'JOIN "RATED" AS r ON r.head = j.value ->> 0 AND r.tail = j.value ->> 1 AND r.key = j.value ->> 2'
)
_WRITE = (
    f'INSERT INTO "RATED" (head, tail, key, {_NAMES}) VALUES ({", ".join("?" * (3 + len(PROPERTIES)))}) '  # noqa: S608
    f"ON CONFLICT (head, tail, key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in PROPERTIES)}"
)
_OF_USER = 'SELECT tail, key, value, timestamp FROM "RATED" WHERE head = ?'
_FEW = 8


def merge_feedback(connection: sqlite3.Connection, events: Sequence[Event]) -> int:
    """Write events within a transaction that may write; how many changed anything. Titles must be there."""
    keys = list(dict.fromkeys(event[:3] for event in events))
    made, changed = outcome(_held(connection, keys), events)
    users = dict.fromkeys(key[0] for key in keys)
    connection.executemany('INSERT OR IGNORE INTO "User" (id) VALUES (?)', [(user,) for user in users])
    connection.executemany(_WRITE, [(*key, *_values(row)) for key, row in made.items()])
    return changed


def user_feedback(connection: sqlite3.Connection, user: str) -> list[tuple[str, str, float | None, int | None]]:
    """What a user said: title, type, value and seconds since 1970 of each piece."""
    return connection.execute(_OF_USER, (user,)).fetchall()


def _held(connection: sqlite3.Connection, keys: Sequence[tuple[str, str, str]]) -> dict[Any, dict[str, Any]]:
    if len(keys) <= _FEW:
        rows = [row for key in keys for row in connection.execute(_ONE, key)]
    else:
        rows = connection.execute(_MANY, (json.dumps(keys),)).fetchall()
    found = {}
    for head, tail, key, *values in rows:
        held = dict(zip(PROPERTIES, values, strict=True))
        held["events"] = json.loads(held["events"]) if held["events"] else None
        found[head, tail, key] = held
    return found


def _values(row: dict[str, Any]) -> list[Any]:
    return [json.dumps(value) if name == "events" and value else value for name, value in row.items()]
