"""Texts that name a title and someone who made it: "inception nolan", "the kid by charlie chaplin"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from graph.names import name_key, normalise

if TYPE_CHECKING:
    from graph.match import Search
    from graph.store import GraphStore, TextHit

MAKERS = ("DIRECTED", "ACTED_IN", "WROTE")
_BETWEEN = frozenset(("by", "from", "of", "with", "von", "de", "par", "di"))
_NAME_WORDS = 3
_TITLES = 20


def titles_by(store: GraphStore, search: Search, text: str, adult: bool) -> Iterator[TextHit]:
    """The titles whose name the text gives in full, before or after the name of a person who is credited in them.

    text: normalised. A person's last name will do; so will a first name with it.
    """
    hits: dict[str, tuple[TextHit, set[frozenset[str]]]] = {}
    for title, person in _splits(text.split(" ")):
        key = name_key(title)
        found = [
            hit for hit in search(title, _TITLES, prefix=True, adult=adult) if name_key(normalise(hit.text)) == key
        ]
        for hit in found[:_TITLES]:
            hits.setdefault(hit.id, (hit, set()))[1].add(frozenset(person))
    ids = list(hits)
    table = store.neighbours(ids, MAKERS, "in") if ids else None
    if table is None or not table.num_rows:
        return
    people = list(dict.fromkeys(table.column("neighbour").to_pylist()))
    rows = store.get_nodes("Person", people, ["name"]).to_pylist()
    names = {row["id"]: set(normalise(row["name"] or "").split(" ")) for row in rows}
    told: set[str] = set()
    for source, who in zip(table.column("source").to_pylist(), table.column("neighbour").to_pylist(), strict=True):
        hit, asked = hits[ids[source]]
        if hit.id not in told and any(words <= names.get(who, set()) for words in asked):
            told.add(hit.id)
            yield hit


def _splits(words: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """The ways of reading words as a title and a person: (title, the person's words)."""
    for size in range(1, min(_NAME_WORDS, len(words) - 1) + 1):
        title, person = list(words[:-size]), words[-size:]
        if len(title) > 1 and title[-1] in _BETWEEN:
            del title[-1]
        if len(person[-1]) > 2:
            yield " ".join(title), person
        if len(words[size - 1]) > 2:
            yield " ".join(words[size:]), words[:size]
