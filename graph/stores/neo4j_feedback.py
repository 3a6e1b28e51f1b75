"""Feedback written to Neo4j: what is there is read and written in one transaction that holds the users named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import neo4j

from graph.events import PROPERTIES, Event, outcome
from graph.store import InvalidRows
from graph.stores.neo4j_connection import LOAD_SECONDS, Connection
from graph.stores.neo4j_writing import of_relationship
from graph.stores.statements import text

_BATCH = 5_000


def merge_feedback(connection: Connection, events: Sequence[Event]) -> int:
    """Write events, all or nothing; how many changed anything. Raises InvalidRows for a title that is not there."""
    keys = list(dict.fromkeys(event[:3] for event in events))
    users = sorted({key[0] for key in keys})

    def work(transaction: neo4j.ManagedTransaction) -> int:
        transaction.run(text("queries/hold_users"), {"ids": users}).consume()
        held: dict[Any, dict[str, Any]] = {}
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            parameters = {"keys": [list(key) for key in part]}
            for place, there, found in transaction.run(text("queries/held_feedback"), parameters).values():
                if not there:
                    raise InvalidRows(
                        f"a RATED row names the Title {part[place][1]!r}, which is not in {connection.url}"
                    )
                if found is not None:
                    held[part[place]] = {name: found.get(name) for name in PROPERTIES}
        made, changed = outcome(held, events)
        rows = [[*key, properties] for key, properties in made.items()]
        for start in range(0, len(rows), _BATCH):
            transaction.run(_WRITE, {"rows": rows[start : start + _BATCH]}).consume()
        return changed

    return connection.transaction(work, LOAD_SECONDS) if events else 0


_WRITE = of_relationship("queries/write_keyed", "RATED", removed=False)
