"""Genres and keywords by their names: found when a text is exactly such a name, as normalised names are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graph.consistent import version_of
from graph.kept import Kept
from graph.names import name_key, normalise
from graph.reads import Degrees
from graph.store import GraphStore, TextHit
from graph.text import QUERY_LENGTH
from graph.titles_of import TYPES

FAME = 100  # votes that each title of a genre or keyword counts for, beside titles of the same name


class _Names(dict[str, list[tuple[str, str]]]):
    """Labels and ids by name, of one version of the graph."""


@dataclass(frozen=True)
class Asked:
    """What was asked of `Topics`: the name, in which names it was looked up, and what to read."""

    key: str
    names: _Names
    reads: Sequence[Degrees]


class Topics:
    """The genres and keywords of a store, by name; read again when the graph has changed. Safe for threads."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._held: Kept[_Names] = Kept(lambda: version_of(store.state()), 1)
        self._last = _Names({})

    def asked(self, text: str) -> Asked:
        """What a text names by what was read last, and the reads that say how often."""
        key = name_key(normalise(text[:QUERY_LENGTH]))
        reads = [Degrees([id_], TYPES[label], "in") for label, id_ in self._last.get(key, ())]
        return Asked(key, self._last, reads)

    def named(self, asked: Asked, counts: Sequence[Any], version: str) -> list[TextHit]:
        """The genre and the keyword that a text names. counts: the answers to its reads; version: of the graph."""
        names = self._held.of("names", self._read, version)
        topics = names.get(asked.key, ())
        if names is not asked.names:
            counts = [self._store.degrees([id_], TYPES[label], "in") for label, id_ in topics]
        return [
            TextHit(label, id_, id_, "primary", FAME * int(count[0]), None, label.lower())
            for (label, id_), count in zip(topics, counts, strict=True)
        ]

    def _read(self) -> _Names:
        names = _Names()
        for label in ("Genre", "Keyword"):
            for batch in self._store.scan_nodes(label, []):
                for id_ in batch.column("id").to_pylist():
                    names.setdefault(name_key(normalise(id_)), []).append((label, id_))
        self._last = names
        return names
