"""Genres and keywords by their names: found when a text is exactly such a name, as normalised names are compared."""

from __future__ import annotations

from graph.consistent import version_of
from graph.kept import Kept
from graph.names import name_key, normalise
from graph.store import GraphStore, TextHit
from graph.text import QUERY_LENGTH
from graph.titles_of import TYPES

FAME = 100  # votes that each title of a genre or keyword counts for, beside titles of the same name


class Topics:
    """The genres and keywords of a store, by name; read again when the graph has changed. Safe for threads."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._held: Kept[_Names] = Kept(lambda: version_of(store.state()), 1)

    def named(self, text: str, version: str) -> list[TextHit]:
        """The genre and the keyword that a text names. version: of the graph, which alone says when they change."""
        key = name_key(normalise(text[:QUERY_LENGTH]))
        names = self._held.of("names", lambda: _Names(self._store), version)
        return names.hits(key)


class _Names:
    """The genres and keywords of one version, and how many titles those have that somebody asked for."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._topics: dict[str, list[tuple[str, str]]] = {}
        self._hits: dict[str, list[TextHit]] = {}
        for label in ("Genre", "Keyword"):
            for batch in store.scan_nodes(label, []):
                for id_ in batch.column("id").to_pylist():
                    self._topics.setdefault(name_key(normalise(id_)), []).append((label, id_))

    def hits(self, key: str) -> list[TextHit]:
        """Those of a name; counted once."""
        if key in self._topics and key not in self._hits:
            self._hits[key] = [self._hit(label, id_) for label, id_ in self._topics[key]]
        return self._hits.get(key, [])

    def _hit(self, label: str, id_: str) -> TextHit:
        titles = int(self._store.degrees([id_], TYPES[label], "in")[0])
        return TextHit(label, id_, id_, "primary", FAME * titles, None, label.lower())
