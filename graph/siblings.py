"""Titles that belong to another one as parts of a series, remakes and spin-offs do: found by the traces they leave.

IMDb's files have no relation between a film and its sequels. Three ways lead to titles that may be: people in common,
words of the name in common, rare keywords in common. What else they have in common says how likely it is
(`graph.sibling_odds`). It was judged on relations that another graph has, and on pairs written by hand
(`benchmarks/series.py`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import numpy as np
import pyarrow as pa

from graph.reads import Asking, Degrees, Neighbours, Nodes, Offered, Text, ask
from graph.sibling_names import HITS, NAMED, Names, texts
from graph.sibling_odds import LEAST, Floats, Trace, because, log_odds, odds_of, place, probability
from graph.sibling_people import MOST, TELLING, People, coded, played_again
from graph.store import WHOLE_GRAPH, GraphStore, Scope, TextHit

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
    """The titles in scope that belong to another one. inside: only among these."""
    return ask(store, _siblings(id_, within, inside))


def _siblings(id_: str, within: Scope, inside: Collection[str] | None) -> Asking[dict[str, Sibling]]:
    likely = yield from likely_siblings(id_, within, inside)
    (casts,) = yield [likely.casts]
    return likely.siblings(casts)


def traces(store: GraphStore, id_: str, within: Scope, inside: Collection[str] | None) -> tuple[list[str], Floats]:
    """Titles that may belong to another one, adult ones too, and their traces: (ids, traces)."""
    likely = ask(store, likely_siblings(id_, within, inside))
    return likely.ids, likely.traces(store.gather([likely.casts])[0])


class Likely:
    """Titles that may belong to another one, and the traces that say so; those of parts are not read yet.

    ids: in the order of the traces, (ids, traces). rows: `start_year` and `is_adult` by id, of the asked title too.
    rare: the asked title's rare keywords, and how many titles each has.
    """

    def __init__(
        self, id_: str, ids: list[str], traces: Floats, rows: Mapping[str, Mapping[str, Any]], rare: Mapping[str, int],
        adult: bool,
    ) -> None:  # fmt: skip
        self.id, self.ids, self.rows, self.rare = id_, ids, rows, rare
        self._traces, self._adult = traces, adult
        odds = log_odds(traces)
        order = np.argsort(-odds, kind="stable")
        self._cast = order[:_CASTS]
        self.cast = [ids[row] for row in self._cast]
        """Those whose parts are looked at."""
        strong = (ids[row] for row in np.flatnonzero(odds >= odds_of(LEAST)).tolist())
        self.possible = [
            other for other in dict.fromkeys([*self.cast, *strong]) if adult or not rows[other]["is_adult"]
        ]
        """Those that may turn out to be siblings."""

    @property
    def casts(self) -> Neighbours:
        """The parts of the asked title and of `cast`."""
        return Neighbours([self.id, *self.cast], ["ACTED_IN"], "in", properties=["characters"])

    def traces(self, casts: pa.Table) -> Floats:
        """All traces, with the answer to `casts`."""
        rows = self._traces.copy()
        if len(self._cast):
            rows[self._cast, Trace.PART], rows[self._cast, Trace.RECAST] = np.sqrt(played_again(self.cast, casts))
        return rows

    def siblings(self, casts: pa.Table) -> dict[str, Sibling]:
        """Those that are likely enough, with the answer to `casts`."""
        rows = self.traces(casts)
        odds, asked = log_odds(rows), self.rows[self.id]["start_year"]
        return {
            other: Sibling(
                probability(float(odds[row])),
                place(float(odds[row]), years_between(asked, self.rows[other]["start_year"])),
                because(rows[row]),
            )
            for row, other in enumerate(self.ids)
            if odds[row] >= odds_of(LEAST) and (self._adult or not self.rows[other]["is_adult"])
        }


def likely_siblings(
    id_: str, within: Scope, inside: Collection[str] | None = None, asked: Mapping[str, Any] | None = None
) -> Asking[Likely]:
    """The titles in scope that may belong to another one. inside: only among these. asked: its NAMED, where known."""
    if asked is None:
        (nodes,) = yield [Nodes("Title", [id_], NAMED)]
        (asked,) = nodes.to_pylist()
    scope = None if within.catalog == WHOLE_GRAPH else within
    people, keywords = Neighbours([id_], TELLING, "in"), Neighbours([id_], ["HAS_KEYWORD"], "out")
    words = [Text(text, HITS, prefix=True, adult=within.adult) for text in texts(asked)]
    found = yield [
        people, Neighbours(people, TELLING, "out", mark=scope, most=MOST),
        keywords, Neighbours(keywords, ["HAS_KEYWORD"], "in", mark=scope, most=_TITLES), *words,
    ]  # fmt: skip
    company, (about, rare) = People(id_, found[0], found[1]), _by_keywords(id_, found[2], found[3])
    place = {text.query: 4 + at for at, text in enumerate(words)}
    names = Names(asked, lambda text: cast(Sequence[TextHit], found[place[text]]))
    may = _May(id_, inside, None if scope is None else {*company.inside, *_marked(found[3])})
    others = [*may.be(dict.fromkeys(company.looked_at()), _LOOKED_AT), *may.be(about, _BY_KEYWORD)]
    first = dict.fromkeys(others)
    alike = [other for other in names.alike() if other not in first and other != id_]
    every = [*first, *alike]
    shared = company.shared_with(every)
    nodes, genres, counts, *offered = yield [
        Nodes("Title", [id_, *every], [*NAMED, "start_year", "is_adult"]),
        Neighbours([id_, *every], ["IN_GENRE"], "out"),
        Degrees(list(shared), TELLING, "in"),
        *([] if scope is None else [Offered(scope, alike)]),
    ]  # fmt: skip
    may.add(*(table.column("id").to_pylist() for table in offered))
    known = {row["id"]: row for row in nodes.to_pylist()}
    if not names.all_found:
        names.add(known[other] for other in first)
    cosines = {
        other: company.cosine(weight, count)
        for (other, weight), count in zip(shared.items(), counts.tolist(), strict=True)
    }
    of_genres = dict(zip(every, _in_common(genres, len(every)).tolist(), strict=True))
    ids = [*first, *may.be(alike)]
    rows = np.array([_traces(other, company, names, about, of_genres, cosines) for other in ids])
    return Likely(id_, ids, rows.reshape(len(ids), len(Trace)), known, rare, within.adult)


def _traces(
    id_: str, company: People, names: Names, about: Mapping[str, float], genres: Mapping[str, float],
    cosines: Mapping[str, float],
) -> list[float]:  # fmt: skip
    """A title's traces but those of parts. about: by keywords; genres: in common; cosines: of people."""
    row = [0.0] * len(Trace)
    row[Trace.SERIES], on, row[Trace.RARE_WORD], row[Trace.WORDS] = names.traces(id_)
    row[Trace.NEAREST] = 1 / company.places[id_] if id_ in company.places else 0.0
    row[Trace.WRITER], row[Trace.RARE_WRITER] = float(id_ in company.written), company.written.get(id_, 0.0)
    row[Trace.KEYWORD], row[Trace.GENRES] = about.get(id_, 0.0), genres[id_]
    row[Trace.NAME_GENRES] = on * genres[id_]
    row[Trace.NAME_PEOPLE] = math.sqrt(on * cosines.get(id_, 0.0))
    return row


class _May:
    """Which of the titles that were found count: those in scope, and of those that are wanted, where either is."""

    def __init__(self, id_: str, inside: Collection[str] | None, scope: set[str] | None) -> None:
        self._id, self._inside, self._scope = id_, inside, scope

    def add(self, *scope: Collection[str]) -> None:
        """More titles that are in scope, where one is."""
        if self._scope is not None:
            self._scope.update(*scope)

    def be(self, found: Iterable[str], most: int | None = None) -> list[str]:
        """The first of these that count."""
        there = (
            other
            for other in found
            if other != self._id
            and (self._inside is None or other in self._inside)
            and (self._scope is None or other in self._scope)
        )
        return list(islice(there, most))


def _marked(table: pa.Table) -> list[str]:
    """The neighbours in scope."""
    ids, codes = coded(table, "neighbour")
    return [ids[code] for code in np.unique(codes[table.column("inside").to_numpy()]).tolist()]


def years_between(one: int | None, other: int | None) -> float:
    """log(1 + years)."""
    return _FAR if one is None or other is None else math.log1p(abs(one - other))


def _by_keywords(id_: str, own: pa.Table, others: pa.Table) -> tuple[dict[str, float], dict[str, int]]:
    """Titles that share rare keywords → 1 / their place, those with the rarest first; and these keywords' counts.

    own: the title's keywords. others: the titles of these, in the order of their names; of the rare ones alone.
    """
    keywords, ids_and_codes = coded(own, "neighbour")[0], coded(others, "neighbour")
    ids, title = ids_and_codes
    if not ids:
        return {}, {}
    source = others.column("source").to_numpy()
    counts = np.bincount(source, minlength=len(keywords))
    sums = np.bincount(title, np.log(4 * _TITLES / np.maximum(counts, 1))[source], len(ids))
    order = [ids[row] for row in np.argsort(-sums, kind="stable")[: _PLACES + 1] if ids[row] != id_]
    rare = {keyword: count for keyword, count in zip(keywords, counts.tolist(), strict=True) if count}
    return {other: 1 / place for place, other in enumerate(order[:_PLACES], 1)}, rare


def _in_common(table: pa.Table, n: int) -> Floats:
    """Genres in common with the first title, of all that either has: (n,). table: those of that one and of n others."""
    names, genre = coded(table, "neighbour")
    sets = np.zeros((n + 1, len(names)))
    sets[table.column("source").to_numpy(), genre] = 1
    both = sets[1:] @ sets[0]
    made: Floats = both / np.maximum(sets[1:].sum(1) + sets[0].sum() - both, 1)
    return made
