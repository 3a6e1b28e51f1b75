"""Texts that name a title and someone who made it: "inception nolan", "the kid by charlie chaplin"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from graph.names import name_key, normalise
from graph.reads import Asking, Neighbours, Nodes, Text
from graph.sibling_names import NAMED
from graph.store import TextHit

MAKERS = ("DIRECTED", "ACTED_IN", "WROTE")
_BETWEEN = frozenset(("by", "from", "of", "with", "von", "de", "par", "di"))
_NAME_WORDS = 3
_TITLES = 20


def titles_by(text: str, adult: bool) -> Asking[tuple[list[TextHit], pa.Table | None]]:
    """The titles whose name the text gives in full, before or after the name of a person who is credited in them.

    text: normalised. A person's last name will do; so will a first name with it. With the titles comes a table of
    theirs and of others: `id` and NAMED.
    """
    splits = list(_splits(text.split(" ")))
    searched = yield [Text(title, _TITLES, prefix=True, adult=adult) for title, _ in splits]
    hits: dict[str, tuple[TextHit, set[frozenset[str]]]] = {}
    for (title, person), found in zip(splits, searched, strict=True):
        key = name_key(title)
        for hit in [hit for hit in found if name_key(normalise(hit.text)) == key][:_TITLES]:
            hits.setdefault(hit.id, (hit, set()))[1].add(frozenset(person))
    if not hits:
        return [], None
    ids = list(hits)
    credited = Neighbours(ids, MAKERS, "in")
    table, nodes, titles = yield [credited, Nodes("Person", credited, ["name"]), Nodes("Title", ids, NAMED)]
    columns = (nodes.column(name).to_pylist() for name in ("id", "name"))
    names = {id_: set(normalise(name or "").split(" ")) for id_, name in zip(*columns, strict=True)}
    told: list[TextHit] = []
    for source, who in zip(table.column("source").to_pylist(), table.column("neighbour").to_pylist(), strict=True):
        hit, asked = hits[ids[source]]
        if hit not in told and any(words <= names.get(who, set()) for words in asked):
            told.append(hit)
    return told, titles


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
