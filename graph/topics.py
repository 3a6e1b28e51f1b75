"""Genres and keywords by their names: found when a text is exactly such a name, as normalised names are compared."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from graph.names import name_key, normalise
from graph.store import GraphStore, TextHit
from graph.text import QUERY_LENGTH
from graph.titles_of import TYPES

FAME = 100  # votes that each title of a genre or keyword counts for, beside titles of the same name


class Topics:
    """The genres and keywords of a store, by name; read again when the graph has changed. Safe for threads."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._held: tuple[str, Mapping[str, list[tuple[str, str]]]] | None = None
        self._lock = threading.Lock()

    def named(self, text: str) -> list[TextHit]:
        """The genre and the keyword that a text names."""
        key = name_key(normalise(text[:QUERY_LENGTH]))
        return [self._hit(label, id_) for label, id_ in self._names().get(key, ())]

    def _hit(self, label: str, id_: str) -> TextHit:
        titles = int(self._store.degrees([id_], TYPES[label], "in")[0])
        return TextHit(label, id_, id_, "primary", FAME * titles, None, label.lower())

    def _names(self) -> Mapping[str, list[tuple[str, str]]]:
        version = self._store.state().partition("+")[0]  # live data have neither
        with self._lock:
            if self._held is None or self._held[0] != version:
                names: dict[str, list[tuple[str, str]]] = {}
                for label in ("Genre", "Keyword"):
                    for batch in self._store.scan_nodes(label, []):
                        for id_ in batch.column("id").to_pylist():
                            names.setdefault(name_key(normalise(id_)), []).append((label, id_))
                self._held = version, names
            return self._held[1]
