"""Which titles could stand in for another one, from the graph alone: shared people, genres, years, popularity.

A score is `content(a, b) · fame(b)`: how alike the two are, by a product of terms that each say something of its
own, times how likely anybody is to want b at all. The terms are those of a kernel over graph content whose
weights were fitted on viewers' co-likes (docs/out-of-catalog.md); here they stand by hand, without feedback.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.diversity import POOL, diversifying
from graph.explain import GENRE_WEIGHT, ROLE_WEIGHTS, Evidence, called, credit_text, rarity
from graph.foldin import VECTORS
from graph.franchise import same_series, series_label, series_name
from graph.preferences import NEUTRAL, Preferences, counting
from graph.reads import Asking, Degrees, Neighbours, Nodes, all_of, ask, together
from graph.schema import CREDITS
from graph.store import GraphStore, Scope
from graph.substitutes import Substitute, relating
from graph.vectors import top

Floats = npt.NDArray[np.float64]

BASE, GENRES, PEOPLE, NAME, SERIES = 1.0, 1.0, 4.0, 12.0, 24.0
_FORMS = {"Documentary": 0.2, "Animation": 0.4}  # what a difference in form leaves of the score
STRANGE = 0.4  # what is left without any genre in common
_SERIES_SHARE = 0.1  # of the people's weight: below it, a name that goes on is a coincidence
FAME = 0.8
_FEATURES = ("kind", "title", "start_year", "average_rating", "num_votes")
_GROUPS = {
    "movie": "film", "tvMovie": "film", "video": "film", "tvSpecial": "film", "short": "short", "tvShort": "short",
    "tvSeries": "series", "tvMiniSeries": "series", "tvPilot": "series", "tvEpisode": "episode", "videoGame": "game",
}  # fmt: skip
_NEAR_GROUPS = {frozenset(pair) for pair in (("film", "short"), ("series", "episode"))}


@dataclass(frozen=True)
class _People:
    """People of the asked title whom candidates share: a row for each such pair."""

    candidate: npt.NDArray[np.int64]
    person: npt.NDArray[np.int64]
    here: list[str]
    weight: Floats
    ids: list[str]
    there: list[str]

    def counting(self, wanted: Preferences) -> Floats:
        """How much each pair counts by the weights of cast and makers: (pairs,)."""
        there = np.array([counting(wanted, role) for role in self.there], np.float64)
        here = np.array([counting(wanted, role) for role in self.here], np.float64)
        return cast(Floats, np.sqrt(here * there[self.person]) if len(here) else here)


@dataclass(frozen=True)
class Scored:
    """A question, what the candidates share with its title, and the score of each: (candidates,)."""

    asked: dict[str, Any]
    genre: Floats
    people: _People
    related: dict[int, tuple[str, ...]]
    namesakes: set[int]
    score: Floats


class Candidates:
    """The titles of a scope with what the score needs of them, as columns: built once, used for many questions.

    row: the place of each; genre_matrix: 0 and 1, (candidates, genres); votes: log10(1 + votes), (candidates,).
    """

    def __init__(self, store: GraphStore, scope: Scope, only: Collection[str] | None = None) -> None:
        """only: of the scope's titles, these; None: all."""
        self.scope = scope
        offered = store.offered(scope)
        if only is not None:
            offered = offered.filter(pc.is_in(offered.column("id"), pa.array(list(only), pa.string())))
        self.ids: list[str] = offered.column("id").to_pylist()
        self._items = offered.column("item_id")
        nodes = store.get_nodes("Title", self.ids, _FEATURES)
        self._title = nodes.column("title")
        self._kind = nodes.column("kind")
        self.year = _numbers(nodes, "start_year")
        self.rating = _numbers(nodes, "average_rating")
        self.votes = np.log10(1 + np.nan_to_num(_numbers(nodes, "num_votes")))
        self.genres, self.genre_matrix = _genres(store, self.ids)
        self.row = {id_: row for row, id_ in enumerate(self.ids)}
        document_frequency = np.maximum(self.genre_matrix.sum(0), 1)
        self.genre_idf = np.log1p(len(self.ids) / document_frequency)

    def __contains__(self, id_: str) -> bool:
        return id_ in self.row

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _groups(self) -> tuple[list[str], npt.NDArray[np.int32]]:
        """The kinds of titles as few groups, and each candidate's place among them."""
        encoded = self._kind.combine_chunks().dictionary_encode()
        names = [_GROUPS.get(kind or "", "film") for kind in encoded.dictionary.to_pylist()]
        codes = encoded.indices.fill_null(0).to_numpy() if names else np.zeros(len(self.ids), np.int32)
        return names, codes

    def rank(self, store: GraphStore, id_: str, k: int, wanted: Preferences = NEUTRAL) -> list[Substitute]:
        """The k best candidates for a title of the graph, with evidence; k whenever k exist beside itself."""
        return ask(store, self.ranking(id_, k, wanted))

    def ranking(self, id_: str, k: int, wanted: Preferences = NEUTRAL) -> Asking[list[Substitute]]:
        """`rank`, as a part of a longer question."""
        found = yield from self.scoring(id_, wanted)
        own = self.row.get(id_)
        best = [int(row) for row in top(found.score, POOL * k if wanted.diversity else k) if row != own]
        highest = found.score[best[0]] if best else 1.0
        scores = {row: float(found.score[row] / highest) for row in best}
        if wanted.diversity:
            series = {self.ids[row] for row in found.namesakes | found.related.keys()}
            by_id = {self.ids[row]: score for row, score in scores.items()}
            by_id = yield from diversifying(VECTORS, by_id, k, wanted.diversity, series)
            scores = {self.row[other]: score for other, score in by_id.items()}
        evidence = yield from self.telling(found, list(scores))
        return [self._substitute(row, score, evidence[row]) for row, score in scores.items()]

    def telling(self, found: Scored, rows: Sequence[int]) -> Asking[dict[int, list[Evidence]]]:
        """Why some candidates, by their places, have the score that they have."""
        shared = np.flatnonzero(np.isin(found.people.candidate, list(rows)) & (found.people.weight > 0))
        people = [found.people.ids[person] for person in dict.fromkeys(found.people.person[shared].tolist())]
        (named,) = yield [Nodes("Person", people, ["name"])]
        return self._evidence(found, rows, shared, called(named))

    def scores(self, store: GraphStore, id_: str) -> Floats:
        """The score of every candidate for a title of the graph: (candidates,), -inf for itself."""
        return ask(store, self.scoring(id_, NEUTRAL)).score

    def scoring(self, id_: str, wanted: Preferences) -> Asking[Scored]:
        """The score of every candidate for a title of the graph, and what of it reasons are made of."""
        people: _People
        (nodes, genred), people, paths = yield from together(
            all_of(Nodes("Title", [id_], _FEATURES), Neighbours([id_], ["IN_GENRE"], "out")),
            self._people(id_), relating(id_, self.scope),
        )  # fmt: skip
        (asked,) = nodes.to_pylist()
        had = set(genred.column("neighbour").to_pylist())
        genre = np.array([name in had for name in self.genres], np.float64)
        related = {self.row[other]: path for other, path in paths.items() if other in self.row}
        content = BASE + GENRES * self._genre_score(genre)
        np.add.at(content, people.candidate, PEOPLE * people.weight)
        for row in related:
            content[row] += SERIES
        namesakes = self._namesakes(asked["title"] or "", content, people)
        content[namesakes] += NAME
        content += (wanted.genre - 1) * GENRES * self._genre_score(genre)
        counted = people.counting(wanted)
        np.add.at(content, people.candidate, (counted - 1) * PEOPLE * people.weight)
        setting = self._setting(asked, genre, wanted)
        # Parts of one series belong together however many years lie between them, film or series.
        setting[[*namesakes, *related]] = np.maximum(setting[[*namesakes, *related]], 1.0)
        score = content * setting * self._standing(asked) * np.power(10.0, FAME * wanted.popularity * self.votes)
        own = self.row.get(id_)
        if own is not None:
            score[own] = -np.inf
        # From here on genres and people stand for reasons: as much as they counted.
        people = replace(people, weight=counted * people.weight)
        return Scored(asked, wanted.genre * genre, people, related, set(namesakes), score)

    def _substitute(self, row: int, score: float, evidence: Sequence[Evidence]) -> Substitute:
        year = self.year[row]
        return Substitute(
            self.ids[row],
            self._items[row].as_py(),
            self._title[row].as_py() or self.ids[row],
            None if np.isnan(year) else int(year),
            self._kind[row].as_py() or "movie",
            score,
            tuple(evidence),
        )

    def _genre_score(self, genre: Floats) -> Floats:
        """Half the idf cosine and the Jaccard index of the genres: (candidates,)."""
        if not genre.any():
            return np.zeros(len(self.ids))
        matrix, idf2 = self.genre_matrix, self.genre_idf**2
        norms = np.sqrt((matrix @ idf2) * (genre @ idf2))
        cosine = np.divide(matrix @ (idf2 * genre), norms, out=np.zeros(len(norms)), where=norms > 0)
        both = matrix @ genre
        return cast(Floats, 0.5 * cosine + both / np.maximum(matrix.sum(1) + genre.sum() - both, 1))

    def _setting(self, asked: dict[str, Any], genre: Floats, wanted: Preferences) -> Floats:
        """How near two titles are in year and form: a product of terms, (candidates,)."""
        near = np.ones(len(self.ids))
        if asked["start_year"] is not None:
            years = np.nan_to_num(np.abs(self.year - asked["start_year"]), nan=20.0)
            near *= (0.16 + np.exp(-years / 14)) ** wanted.era
        for name, factor in _FORMS.items():
            if name in self.genres:
                place = self.genres.index(name)
                near *= np.where(self.genre_matrix[:, place] == genre[place], 1.0, factor)
        if genre.any():
            near *= np.where(self.genre_matrix @ genre > 0, 1.0, STRANGE**wanted.genre)
        names, codes = self._groups
        own = _GROUPS.get(asked["kind"] or "", "film")
        group = [1.0 if n == own else 0.5 if frozenset((n, own)) in _NEAR_GROUPS else 0.35 for n in names]
        return cast(Floats, near * np.array(group or [1.0])[codes])

    def _standing(self, asked: dict[str, Any]) -> Floats:
        """How near two titles are in fame and rating: a product of terms, (candidates,)."""
        votes = np.log10(1 + (asked["num_votes"] or 0))
        near = 0.1 + np.exp(-(((self.votes - votes) / 1.2) ** 2))
        if asked["average_rating"] is not None:
            near *= 0.8 + np.exp(-((np.nan_to_num(self.rating - asked["average_rating"], nan=1.0) / 1.2) ** 2))
        return cast(Floats, near)

    def _people(self, id_: str) -> Asking[_People]:
        """Whom the candidates share with the asked title; weights sum to about 1 for a title with all of them."""
        (first,) = yield [Neighbours([id_], CREDITS, "in", properties=["ordering"])]
        role: dict[str, str] = {}
        billing: list[float] = []
        for row in first.select(["type", "neighbour", "ordering"]).to_pylist():
            if role.setdefault(row["neighbour"], row["type"]) == row["type"] and len(role) > len(billing):
                late = row["type"] == "ACTED_IN" and row["ordering"] is not None
                billing.append(max(0.5, 1.05 - 0.05 * row["ordering"]) if late else 1.0)
        ids = list(role)
        if not ids:
            return _People(np.empty(0, np.int64), np.empty(0, np.int64), [], np.empty(0), [], [])
        counts, second = yield [Degrees(ids, CREDITS, "out"), Neighbours(ids, CREDITS, "out", within=self.scope)]
        idf = rarity(counts)
        own = np.array([ROLE_WEIGHTS[type_] for type_ in role.values()]) * billing
        titles, types = (second.column(c).combine_chunks() for c in ("neighbour", "type"))
        row = np.array([self.row.get(title, -1) for title in titles.dictionary.to_pylist()], np.int64)
        candidate = row[titles.indices.to_numpy()] if len(row) else np.empty(0, np.int64)
        person = second.column("source").to_numpy().astype(np.int64)
        # Types come the most telling first, so the first row of a pair is its best role.
        _, first_of = np.unique(person * (len(self.ids) + 1) + candidate, return_index=True)
        first_of = first_of[candidate[first_of] >= 0]
        names = types.dictionary.to_pylist()
        here = [names[code] for code in types.indices.to_numpy()[first_of]]
        candidate, person = candidate[first_of], person[first_of]
        weight = own[person] * np.array([ROLE_WEIGHTS[type_] for type_ in here]) * idf[person] ** 2
        weight /= float((own**2 * idf**2).sum())
        return _People(candidate, person, here, weight, ids, list(role.values()))

    def _namesakes(self, title: str, content: Floats, people: _People) -> list[int]:
        """Rows of the same series by their names: that share a person, or the very name of the series and genres."""
        name = series_name(title)
        # Only names that have its longest word can be of the series; normalising all of them would cost far more.
        word = max(series_label(title).split(), key=len, default="")
        having = pc.match_substring(self._title, word, ignore_case=True).to_numpy(zero_copy_only=False) if word else []
        alike = np.flatnonzero((content >= BASE + 0.5) & (having == np.True_)) if word else ()
        same = {int(row) for row in alike if name and series_name(self._title[int(row)].as_py()) == name}
        shared = np.bincount(people.candidate, people.weight, len(self.ids))
        close = np.flatnonzero(shared >= _SERIES_SHARE)
        return sorted(same | {int(row) for row in close if same_series(title, self._title[int(row)].as_py() or "")})

    def _evidence(
        self,
        found: Scored,
        best: Sequence[int],
        shared: npt.NDArray[np.int64],
        names: Mapping[str, str],
        most: int = 3,
    ) -> dict[int, list[Evidence]]:
        """The heaviest reasons for each row: by name and series, then people, then the rarest genres.

        shared: the places in `found.people` that have a row among these; names: of those people.
        """
        asked, people = found.asked, found.people
        other = asked["title"] or asked["id"]
        reasons: dict[int, list[Evidence]] = {row: [] for row in best}
        for row in best:
            if row in found.related:
                path = found.related[row]
                text = "from the same series" if len(path) == 5 else f"series and episode: {other}"
                reasons[row].append(Evidence("path", SERIES, text, path))
            if row in found.namesakes:
                same = self._title[row].as_py() == other
                text = "of the same name" if same else f"another “{series_label(other)}” title"
                reasons[row].append(Evidence("name", NAME, text, (asked["id"], self.ids[row])))
            for place in np.flatnonzero(found.genre * self.genre_matrix[row]):
                name = self.genres[place]
                weight = GENRE_WEIGHT * found.genre[place] * self.genre_idf[place] / self.genre_idf.max()
                path = (asked["id"], "IN_GENRE", name, "IN_GENRE", self.ids[row])
                reasons[row].append(Evidence("path", float(weight), f"{name}, like {other}", path))
        for i in shared:
            row, person, here = int(people.candidate[i]), people.ids[people.person[i]], people.here[i]
            there = people.there[people.person[i]]
            path = (asked["id"], there, person, here, self.ids[row])
            text = credit_text(names[person], here, there, other)
            reasons[row].append(Evidence("path", PEOPLE * float(people.weight[i]), text, path))
        return {row: sorted(own, key=lambda e: (-e.weight, e.path))[:most] for row, own in reasons.items()}


def _numbers(nodes: pa.Table, name: str) -> Floats:
    """A column as float64, NaN where it is null."""
    return cast(Floats, nodes.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64))


def _genres(store: GraphStore, ids: Sequence[str]) -> tuple[list[str], Floats]:
    """The genres of these titles: names, and a matrix of 0 and 1, (titles, genres)."""
    table = store.neighbours(ids, ["IN_GENRE"], "out")
    column = table.column("neighbour").combine_chunks()
    matrix = np.zeros((len(ids), len(column.dictionary)))
    if len(column):
        matrix[table.column("source").to_numpy(), column.indices.to_numpy()] = 1
    return column.dictionary.to_pylist(), matrix
