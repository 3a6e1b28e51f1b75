"""Titles that belong to another one as the parts of a series do: by name, by who is played in them, by their people.

IMDb's files have no relation between a film and its sequels, so three traces of it are followed: names of which one
goes on where the other ends; the same part, played by the same person or called by the same full name; and people in
common beyond what chance and habit bring about. What is right was judged on relations that another graph has
(`benchmarks/series.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.explain import ROLE_WEIGHTS, rarity
from graph.franchise import same_series, series_label, series_name
from graph.names import normalise
from graph.schema import CREDITS
from graph.store import GraphStore, Scope

TOGETHER = 0.4
"""Cosine of two titles' people, by role and rarity, from which they belong together."""
_NAMES, _NEAR = 60, 30  # names, and titles with people in common, that are looked at
_PLAIN = frozenset({"the", "and", "man", "woman", "boy", "girl", "old", "young", "mrs", "miss", "sir", "lady", "king",
                    "doctor", "captain", "voice", "self", "narrator", "himself", "herself"})  # fmt: skip
"""Words of a part's name that say nothing of who it is."""


@dataclass(frozen=True)
class Sibling:
    """How much of its people a title has in common with the other one, 0 to 1, and whether its name says it as well."""

    people: float
    named: bool


def siblings(store: GraphStore, id_: str, within: Scope, inside: Collection[str] | None) -> dict[str, Sibling]:
    """The titles in scope that belong to another one. inside: only among these; None: among all."""
    title = store.get_nodes("Title", [id_], ["title"]).column("title")[0].as_py() or ""
    near = [other for other in _near(store, id_, within) if inside is None or other in inside][:_NEAR]
    same = _same_names(store, id_, title, near, inside, adult=within.adult)
    others = [*near, *sorted(same.keys() - set(near))]
    table = store.neighbours([id_, *others], CREDITS, "in", properties=["characters"])
    shared = _in_common(store, table, len(others))
    again = _played_again(table, len(others))
    genres = _genres(store, [id_, *others])
    found = {}
    for place, other in enumerate(others):
        very = other in same and series_name(same[other]) == series_name(title) and bool(genres[place + 1] & genres[0])
        named = other in same and (shared[place] > 0 or very)
        if named or shared[place] >= TOGETHER or (shared[place] > 0 and again[place]):
            found[other] = Sibling(float(shared[place]), bool(named))
    return found


def _near(store: GraphStore, id_: str, within: Scope) -> list[str]:
    """The titles that have people in common with it, those with the most and the rarest first."""
    people = sorted(set(store.neighbours([id_], CREDITS, "in").column("neighbour").to_pylist()))
    if not people:
        return []
    rare = rarity(store.degrees(people, CREDITS, "out")) ** 2
    found = store.neighbours(people, CREDITS, "out", within=within)
    names, titles = _coded(found, "neighbour")
    pairs = np.unique(np.stack([titles, found.column("source").to_numpy()], 1), axis=0)
    weights = np.bincount(pairs[:, 0], rare[pairs[:, 1]], len(names))
    return [names[place] for place in np.argsort(-weights, kind="stable") if weights[place] and names[place] != id_]


def _same_names(
    store: GraphStore, id_: str, title: str, near: Sequence[str], inside: Collection[str] | None, *, adult: bool
) -> dict[str, str]:
    """Titles whose names speak of the same series: id → name."""
    name = series_name(title)
    if not name:
        return {}
    hits = store.search_text(series_label(title), _NAMES, prefix=True, adult=adult)
    hits += store.search_text(name, _NAMES, adult=adult)
    alike = {*near, *(hit.id for hit in hits if hit.label == "Title" and hit.id != id_)}
    there = [other for other in sorted(alike) if inside is None or other in inside]
    rows = store.get_nodes("Title", there, ["title"]).to_pylist()
    return {row["id"]: row["title"] or "" for row in rows if same_series(title, row["title"] or "")}


def _in_common(store: GraphStore, table: pa.Table, others: int) -> npt.NDArray[np.float64]:
    """Cosine of the people of each other title with those of the first, by weightiest role and rarity: (others,)."""
    names, people = _coded(table, "neighbour")
    if not names:
        return np.zeros(others)
    types, roles = _coded(table, "type")
    rows = table.column("source").to_numpy()
    weights = np.zeros((others + 1, len(names)))
    role = np.array([ROLE_WEIGHTS[type_] for type_ in types])[roles]
    np.maximum.at(weights, (rows, people), role * rarity(store.degrees(names, CREDITS, "out"))[people])
    weights /= np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-9)
    made: npt.NDArray[np.float64] = weights[1:] @ weights[0]
    return made


def _played_again(table: pa.Table, others: int) -> list[bool]:
    """Of each other title: whether somebody of the first is played again.

    Again: a part of two words and more that is called the same, or the same person in parts with a telling word in
    common.
    """
    played: list[dict[str, set[str]]] = [{} for _ in range(others + 1)]
    columns = (table.column(name).to_pylist() for name in ("source", "neighbour", "characters"))
    for source, person, parts in zip(*columns, strict=True):
        if parts:
            played[source].setdefault(person, set()).update(normalise(part) for part in parts)
    full = {part for parts in played[0].values() for part in parts if " " in part}
    words: Mapping[str, set[str]] = {person: _words(parts) for person, parts in played[0].items()}
    return [
        any(full & parts or words.get(person, set()) & _words(parts) for person, parts in own.items())
        for own in played[1:]
    ]


def _genres(store: GraphStore, ids: Sequence[str]) -> list[set[str]]:
    found: list[set[str]] = [set() for _ in ids]
    table = store.neighbours(ids, ["IN_GENRE"], "out")
    for source, genre in zip(table.column("source").to_pylist(), table.column("neighbour").to_pylist(), strict=True):
        found[source].add(genre)
    return found


def _coded(table: pa.Table, name: str) -> tuple[list[str], npt.NDArray[Any]]:
    """A dictionary-encoded column: its values, and each row's place among them."""
    column = table.column(name).combine_chunks()
    return column.dictionary.to_pylist(), column.indices.to_numpy()


def _words(parts: Collection[str]) -> set[str]:
    return {word for part in parts for word in part.split() if len(word) > 2 and word.isalpha()} - _PLAIN
