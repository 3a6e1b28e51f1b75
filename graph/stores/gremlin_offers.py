"""What catalogs offer, as `graph.stores.offers` reads it: all of it from the graph whenever it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph.stores import gremlin_traversals as traversals
from graph.stores.gremlin_connection import Connection
from graph.stores.gremlin_values import relationship
from graph.stores.gremlin_writing import existing

_COLUMNS = ("item_id", "regions", "available_from", "available_until", "hidden")


class Offered:
    """The offers of the state that an exchange told of; the counterpart of `graph.stores.live.Live`."""

    def __init__(self, connection: Connection, state: str) -> None:
        self._connection, self._state = connection, state

    def generation(self) -> str:
        """What differs whenever an offer has changed."""
        return self._state

    def changed_offers(self, _since: str, _until: str) -> list[str] | None:
        """Which titles' offers have changed: that is not noted."""
        return None

    def existing(self, label: str, ids: Sequence[str]) -> set[str]:
        """Which of these ids are nodes of a label."""
        return existing(self._connection, label, ids)

    def offers(self, _titles: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
        """Every offer as (title, catalog, item_id, regions as JSON or null, first day, last day, hidden), by title."""
        rows = []
        for one in self._connection.read(traversals.scan_edges("OFFERS", _COLUMNS)):
            _, catalog, title, key = relationship(one["id"])
            rows.append((title, catalog, key, *(one["p"].get(name) for name in _COLUMNS)))
        rows.sort(key=lambda row: row[:3])
        return [(title, catalog, *told) for title, catalog, _, *told in rows]
