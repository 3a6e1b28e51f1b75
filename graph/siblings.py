"""Titles that belong to another one as parts of a series, remakes and spin-offs do: found by the traces they leave.

IMDb's files have no relation between a film and its sequels. Three ways lead to titles that may be: people in common,
words of the name in common, rare keywords in common. What else they have in common says how likely it is
(`graph.sibling_odds`). It was judged on relations that another graph has, and on pairs written by hand
(`benchmarks/series.py`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from graph.sibling_names import NAMED, Names
from graph.sibling_odds import (
    GENRES, KEYWORD, LEAST, NAME_GENRES, NAME_PEOPLE, NEAREST, PART, RARE_WORD, RARE_WRITER, RECAST, SERIES, WEIGHTS, WORDS, WRITER,
    Floats, because, log_odds, place, probability,
)  # fmt: skip
from graph.sibling_people import People, played_again
from graph.store import WHOLE_GRAPH, GraphStore, Scope

_LOOKED_AT, _BY_KEYWORD = 40, 10  # titles of those that people and keywords lead to
_TITLES = 60  # of a keyword at most, or it is not rare
_FAR = 2.0  # log(1 + years) where a year is not known


@dataclass(frozen=True)
class Sibling:
    """How likely it is that a title belongs to the asked one, and by what.

    order: places siblings among themselves, the largest first. because: of name, part, people and keyword those that
    made it one (`graph.sibling_odds.because`), the most telling first.
    """

    probability: float
    order: float
    because: tuple[str, ...]


def siblings(store: GraphStore, id_: str, within: Scope, inside: Collection[str] | None) -> dict[str, Sibling]:
    """The titles in scope that belong to another one. inside: only among these; None: among all."""
    ids, rows, years = traces(store, id_, within, inside)
    odds = log_odds(rows)
    chosen = [row for row in range(len(ids)) if probability(odds[row]) >= LEAST]
    return {
        ids[row]: Sibling(probability(odds[row]), place(float(odds[row]), years[row]), because(rows[row]))
        for row in chosen
    }


def traces(
    store: GraphStore, id_: str, within: Scope, inside: Collection[str] | None
) -> tuple[list[str], Floats, list[float]]:
    """Titles that may belong to another one: ids, their traces (ids, traces), and log(1 + years between)."""
    (asked,) = store.get_nodes("Title", [id_], NAMED).to_pylist()
    people, names = People(store, id_, within.adult), Names(store, asked, within.adult)
    keywords = _by_keywords(store, id_, within)

    def some(found: Iterable[str], most: int | None = None) -> list[str]:
        return [other for other in found if other != id_ and (inside is None or other in inside)][:most]

    others = [*some(dict.fromkeys(people.looked_at()), _LOOKED_AT), *some(keywords, _BY_KEYWORD)]
    names.add(store.get_nodes("Title", others, NAMED).to_pylist())
    ids = list(dict.fromkeys([*others, *some(names.alike())]))
    rows = np.zeros((len(ids), len(WEIGHTS)))
    genres = _genres(store, [id_, *ids])
    named = np.zeros(len(ids))
    for row, other in enumerate(ids):
        rows[row, SERIES], named[row], rows[row, RARE_WORD], rows[row, WORDS] = names.traces(other)
        rows[row, NEAREST] = 1 / people.places[other] if other in people.places else 0
        rows[row, WRITER], rows[row, RARE_WRITER] = other in people.written, people.written.get(other, 0)
        rows[row, KEYWORD] = keywords.get(other, 0)
        rows[row, GENRES] = len(genres[0] & genres[row + 1]) / max(len(genres[0] | genres[row + 1]), 1)
    by_name = [other for row, other in enumerate(ids) if named[row]]
    rows[named > 0, NAME_PEOPLE] = np.sqrt(people.cosines(by_name))
    rows[:, NAME_GENRES] = named * rows[:, GENRES]
    rows[:, PART], rows[:, RECAST] = np.sqrt(played_again(store, id_, ids))
    return ids, rows, [_between(asked["start_year"], names.years.get(other)) for other in ids]


def _between(one: int | None, other: int | None) -> float:
    return _FAR if one is None or other is None else math.log1p(abs(one - other))


def _by_keywords(store: GraphStore, id_: str, within: Scope) -> dict[str, float]:
    """Titles that share rare keywords → 1 / their place, those with the rarest first."""
    own = store.neighbours([id_], ["HAS_KEYWORD"], "out").column("neighbour").to_pylist()
    counts = store.degrees(own, ["HAS_KEYWORD"], "in") if own else np.empty(0)
    rare = [(keyword, count) for keyword, count in zip(own, counts.tolist(), strict=True) if count <= _TITLES]
    if not rare:
        return {}
    everywhere = Scope(WHOLE_GRAPH, adult=within.adult)
    table = store.neighbours([keyword for keyword, _ in rare], ["HAS_KEYWORD"], "in", within=everywhere)
    found = table.column("neighbour").combine_chunks()
    weights = np.log(4 * _TITLES / np.array([count for _, count in rare]))[table.column("source").to_numpy()]
    sums = np.bincount(found.indices.to_numpy(), weights, len(found.dictionary))
    ids = found.dictionary.to_pylist()
    order = [ids[place] for place in np.argsort(-sums, kind="stable") if ids[place] != id_]
    return {other: 1 / place for place, other in enumerate(order, 1)}


def _genres(store: GraphStore, ids: Sequence[str]) -> list[set[str]]:
    found: list[set[str]] = [set() for _ in ids]
    table = store.neighbours(ids, ["IN_GENRE"], "out")
    for source, genre in zip(table.column("source").to_pylist(), table.column("neighbour").to_pylist(), strict=True):
        found[source].add(genre)
    return found
