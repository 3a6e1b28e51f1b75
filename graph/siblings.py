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
from graph.sibling_odds import LEAST, Floats, Trace, because, log_odds, odds_of, place, probability
from graph.sibling_people import People, coded, played_again
from graph.store import GraphStore, Scope

_LOOKED_AT, _BY_KEYWORD = 30, 8  # titles of those that people and keywords lead to
_TITLES, _PLACES = 60, 30  # of a keyword at most, or it is not rare; places by keywords that count
_CASTS = 16  # titles whose parts are looked at: those that are the likeliest without
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
    ids, rows = traces(store, id_, within, inside)
    odds = log_odds(rows)
    chosen = {ids[row]: row for row in np.flatnonzero(odds >= odds_of(LEAST)).tolist()}
    if not chosen:
        return {}
    known = {row["id"]: row for row in store.get_nodes("Title", [id_, *chosen], ["start_year", "is_adult"]).to_pylist()}
    asked = known[id_]["start_year"]
    return {
        other: Sibling(
            probability(float(odds[row])),
            place(float(odds[row]), years_between(asked, known[other]["start_year"])),
            because(rows[row]),
        )
        for other, row in chosen.items()
        if within.adult or not known[other]["is_adult"]
    }


def traces(store: GraphStore, id_: str, within: Scope, inside: Collection[str] | None) -> tuple[list[str], Floats]:
    """Titles that may belong to another one, adult ones too, and their traces: (ids, traces)."""
    (asked,) = store.get_nodes("Title", [id_], NAMED).to_pylist()
    people, names, keywords = People(store, id_), Names(store, asked, within.adult), _by_keywords(store, id_)

    def some(found: Iterable[str], most: int | None = None) -> list[str]:
        return [other for other in found if other != id_ and (inside is None or other in inside)][:most]

    others = [*some(dict.fromkeys(people.looked_at()), _LOOKED_AT), *some(keywords, _BY_KEYWORD)]
    if not names.all_found:
        names.add(others)
    ids = list(dict.fromkeys([*others, *some(names.alike())]))
    rows = np.zeros((len(ids), len(Trace)))
    named = np.zeros(len(ids))
    for row, other in enumerate(ids):
        rows[row, Trace.SERIES], named[row], rows[row, Trace.RARE_WORD], rows[row, Trace.WORDS] = names.traces(other)
        rows[row, Trace.NEAREST] = 1 / people.places[other] if other in people.places else 0
        rows[row, Trace.WRITER], rows[row, Trace.RARE_WRITER] = other in people.written, people.written.get(other, 0)
        rows[row, Trace.KEYWORD] = keywords.get(other, 0)
    rows[:, Trace.GENRES] = _genres(store, id_, ids)
    rows[:, Trace.NAME_GENRES] = named * rows[:, Trace.GENRES]
    by_name = np.flatnonzero(named)
    rows[by_name, Trace.NAME_PEOPLE] = np.sqrt(people.cosines([ids[row] for row in by_name]))
    cast = np.argsort(-log_odds(rows), kind="stable")[:_CASTS]
    if len(cast):
        rows[cast, Trace.PART], rows[cast, Trace.RECAST] = np.sqrt(played_again(store, id_, [ids[row] for row in cast]))
    return ids, rows


def years_between(one: int | None, other: int | None) -> float:
    """log(1 + years)."""
    return _FAR if one is None or other is None else math.log1p(abs(one - other))


def _by_keywords(store: GraphStore, id_: str) -> dict[str, float]:
    """Titles that share rare keywords → 1 / their place, those with the rarest first."""
    own = store.neighbours([id_], ["HAS_KEYWORD"], "out").column("neighbour").to_pylist()
    counts = store.degrees(own, ["HAS_KEYWORD"], "in") if own else np.empty(0)
    rare = [(keyword, count) for keyword, count in zip(own, counts.tolist(), strict=True) if count <= _TITLES]
    if not rare:
        return {}
    table = store.neighbours([keyword for keyword, _ in rare], ["HAS_KEYWORD"], "in")
    ids, title = coded(table, "neighbour")
    weights = np.log(4 * _TITLES / np.array([count for _, count in rare]))[table.column("source").to_numpy()]
    sums = np.bincount(title, weights, len(ids))
    order = [ids[row] for row in np.argsort(-sums, kind="stable")[: _PLACES + 1] if ids[row] != id_]
    return {other: 1 / place for place, other in enumerate(order[:_PLACES], 1)}


def _genres(store: GraphStore, id_: str, ids: Sequence[str]) -> Floats:
    """Genres in common with the first title, of all that either has: (ids,)."""
    table = store.neighbours([id_, *ids], ["IN_GENRE"], "out")
    names, genre = coded(table, "neighbour")
    sets = np.zeros((len(ids) + 1, len(names)))
    sets[table.column("source").to_numpy(), genre] = 1
    both = sets[1:] @ sets[0]
    made: Floats = both / np.maximum(sets[1:].sum(1) + sets[0].sum() - both, 1)
    return made
