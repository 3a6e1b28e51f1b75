"""Feedback written to a Gremlin graph.

What is there is read and then written, by one thread of this process at a time. Two processes that add to the same
value at the same moment may lose one of the two: let one write what accumulates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph.events import PROPERTIES, Event, outcome
from graph.schema import NODES, RELATIONSHIPS
from graph.store import InvalidRows
from graph.stores import gremlin_traversals as traversals
from graph.stores import gremlin_writing
from graph.stores.gremlin_connection import Connection
from graph.stores.gremlin_values import edge_id, from_property, relationship, vertex_id

_KINDS = {one.name: one for one in RELATIONSHIPS["RATED"].properties}


def merge_feedback(connection: Connection, events: Sequence[Event]) -> int:
    """Write events; how many changed anything. Raises InvalidRows for a title that is not there."""
    titles = {event.title for event in events}
    if missing := titles - gremlin_writing.existing(connection, "Title", titles):
        raise InvalidRows(f"a RATED row names the Title {min(missing)!r}, which is not in {connection.url}")
    keys = list(dict.fromkeys(event[:3] for event in events))
    held: dict[Any, dict[str, Any]] = {}
    for part in gremlin_writing.parts([edge_id("RATED", *key) for key in keys]):
        for one in connection.read(traversals.edges(part, PROPERTIES), written=True):
            told = {name: from_property(value, _KINDS[name]) for name, value in one["p"].items()}
            held[relationship(one["id"])[1:]] = dict.fromkeys(PROPERTIES) | told
    made, changed = outcome(held, events)
    id_name = NODES["User"].id_name
    users = [(vertex_id("User", user), "User", {id_name: user}) for user in dict.fromkeys(key[0] for key in keys)]
    for some in gremlin_writing.parts(users, gremlin_writing.RECORDS // 2):
        connection.write(traversals.make_once(some))
    rows = [gremlin_writing.edge("RATED", key, row) for key, row in made.items()]
    gremlin_writing.write(connection, "RATED", rows, lambda _count: None)
    return changed
