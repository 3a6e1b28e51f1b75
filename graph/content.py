"""What titles are made of, as numbers, and how alike that makes two of them: a kernel over the graph's content.

The kernel is a sum of cosines (genres, people, writers, keywords) times terms of distance in year, votes and rating,
plus the words of the names: what lets viewers' likes of some titles say which others they would like
(docs/out-of-catalog.md has what each term is worth). It is symmetric and positive semi-definite: sums and products of
kernels are (Shawe-Taylor and Cristianini 2004, section 3.4), and so is the part that a missing value takes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import repeat
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from graph.explain import ROLE_WEIGHTS
from graph.names import normalise
from graph.preferences import SEEN
from graph.reads import Asking, Degrees, Neighbours, Nodes, ask
from graph.schema import CREDITS
from graph.store import GraphStore, NotInGraph

Floats = npt.NDArray[np.float32]

_NUMBERS = ("start_year", "num_votes", "average_rating")


@dataclass(frozen=True)
class Terms:
    """How much each part counts: weights of cosines, and how far apart two years, votes or ratings are alike.

    Chosen on validation titles of ml-latest-small (docs/out-of-catalog.md); most of them matter little.
    """

    genres: float = 0.25
    genre_overlap: float = 1.0
    people: float = 4.0
    writers: float = 1.0
    keywords: float = 0.5
    base: float = 1.5
    year: float = 10.0
    year_floor: float = 0.16
    votes: float = 1.4
    votes_floor: float = 0.1
    rating: float = 1.5
    rating_floor: float = 0.8
    keywords_anywhere: float = 1.0
    words: float = 0.25


_GROUPS = {
    "movie": 0, "tvMovie": 0, "video": 0, "tvSpecial": 0, "short": 1, "tvShort": 1,
    "tvSeries": 2, "tvMiniSeries": 2, "tvPilot": 2, "tvEpisode": 3, "videoGame": 4,
}  # fmt: skip
_BY_GENRE = {"Animation": (5, 0.6), "Documentary": (10, 0.4)}
"""What each adds to the number of a form, and what is left where one title has it and the other has not."""


def _form_factors() -> Floats:
    """What is left of the likeness of two titles by their forms: (20, 20). Films, shorts, series, episodes, games."""
    groups = np.full((5, 5), 0.35) + 0.65 * np.eye(5)
    for one, other in ((0, 1), (2, 3)):
        groups[one, other] = groups[other, one] = 0.5
    made: npt.NDArray[np.floating[Any]] = groups
    for _, left in _BY_GENRE.values():
        made = np.kron([[1.0, left], [left, 1.0]], made)
    return made.astype(np.float32)


_FACTORS = _form_factors()


@dataclass(frozen=True)
class Content:
    """Titles row by row. Sparse parts are (n, ·) with rows of unit length, `genre_sets` of zeros and ones.

    cast: of `people` the part that is seen or heard; its rows are shorter where others made the title.
    year, votes (powers of ten) and rating: (n,) float32, NaN where missing. form: (n,) the group of its kind, and
    whether it is animated or a documentary, as one number.
    """

    ids: list[str]
    genres: Floats
    genre_sets: Floats
    people: sp.csr_matrix
    cast: sp.csr_matrix
    writers: sp.csr_matrix
    keywords: sp.csr_matrix
    words: sp.csr_matrix
    year: Floats
    votes: Floats
    rating: Floats
    form: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def turned(self) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """The sparse parts by column, as the titles that others are compared with."""
        return _turned(self, Terms())

    def rows(self, chosen: npt.NDArray[Any] | slice) -> Content:
        """Some of the titles."""
        ids = self.ids[chosen] if isinstance(chosen, slice) else [self.ids[row] for row in np.arange(len(self))[chosen]]
        parts = {one.name: getattr(self, one.name)[chosen] for one in fields(self) if one.name != "ids"}
        return Content(ids, **parts)


def joined(parts: Sequence[Content]) -> Content:
    """The titles of several, in their order. All read by one `ContentReader`."""
    if len(parts) == 1:
        return parts[0]
    made: dict[str, Any] = {}
    for name in (one.name for one in fields(Content) if one.name != "ids"):
        rows = [getattr(one, name) for one in parts]
        made[name] = sp.vstack(rows, "csr") if sp.issparse(rows[0]) else np.concatenate(rows)
    return Content([id_ for one in parts for id_ in one.ids], **made)


def kernel(a: Content, b: Content, terms: Terms | None = None) -> Floats:
    """How alike the titles of `a` and `b` are: (a, b) float32, not negative. Both read by one `ContentReader`."""
    t = terms or Terms()
    shared, apart = b.turned if terms is None else _turned(b, t)
    ours, ours_apart = _stacked(a)
    # Sets of genres, years and ratings have few values: each is compared once.
    sets, genres = _distinct(np.packbits(a.genre_sets > 0, axis=1))
    (years, year), (ratings, rating) = (_distinct(one[:, None]) for one in (a.year, a.rating))
    near_genres = _genre_terms(a, sets, b, t)
    near_years = _near(a.year[years], b.year, t.year, t.year_floor, power=1)
    near_ratings = _near(a.rating[ratings], b.rating, t.rating, t.rating_floor, power=2)
    made = np.empty((len(a), len(b)), np.float32)
    for start in range(0, len(a), _ROWS):
        rows = slice(start, start + _ROWS)
        part = made[rows]
        np.take(near_genres, genres[rows], axis=0, out=part, mode="clip")  # which needs no buffer
        part += (ours[rows] @ shared).toarray()
        part *= near_years[year[rows]]
        part *= _near(a.votes[rows], b.votes, t.votes, t.votes_floor, power=2)
        part *= near_ratings[rating[rows]]
        part += (ours_apart[rows] @ apart).toarray()
        for form in np.unique(a.form[rows]):
            here = a.form[rows] == form
            factors = _FACTORS[form][b.form]
            if (factors != 1).any():
                part[here] *= factors
    return made


_DENSE = ("genres", "genre_sets", "year", "votes", "rating", "form")
_ROWS = 512  # of a block: what is worked on stays in the processor's cache


def _distinct(values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Of rows of numbers (n, c), a place of each distinct one, and for each row which it is: (n,)."""
    if not values.shape[1]:
        return np.zeros(min(len(values), 1), np.int64), np.zeros(len(values), np.int64)
    whole = np.ascontiguousarray(values).view(np.dtype((np.void, values.itemsize * values.shape[1])))[:, 0]
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return first, inverse


def _genre_terms(a: Content, chosen: npt.NDArray[np.int64], b: Content, t: Terms) -> Floats:
    """What genres add for some titles of `a`, and what all titles have in common: (chosen, b)."""
    sets = a.genre_sets[chosen]
    both = sets @ b.genre_sets.T
    either = sets.sum(1)[:, None] + b.genre_sets.sum(1) - both
    made: Floats = t.genre_overlap * both / np.maximum(either, 1) + (t.genres * a.genres[chosen]) @ b.genres.T
    made += np.float32(t.base)
    return made


def _turned(one: Content, t: Terms) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """What `_stacked` of other titles is multiplied by for the weighted sums."""
    within = ((one.people, t.people), (one.writers, t.writers), (one.keywords, t.keywords))
    after = ((one.keywords, t.keywords_anywhere), (one.words, t.words))
    return tuple(
        sp.hstack([part * np.float32(weight) for part, weight in parts], "csr").T.tocsr() for parts in (within, after)
    )


def _stacked(one: Content) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """The sparse parts side by side: those that count before the terms of distance, and after."""
    return sp.hstack([one.people, one.writers, one.keywords], "csr"), sp.hstack([one.keywords, one.words], "csr")


def _near(a: Floats, b: Floats, scale: float, floor: float, *, power: int) -> Floats:
    """floor + exp(-|a - b|/scale) or exp(-((a - b)/scale)²); a missing value is near to another missing one alone."""
    here, there = ~np.isnan(a), ~np.isnan(b)
    gap = np.nan_to_num(a / np.float32(scale))[:, None] - np.nan_to_num(b / np.float32(scale))
    gap = np.abs(gap, out=gap) if power == 1 else np.multiply(gap, gap, out=gap)
    near = np.exp(np.negative(gap, out=gap), out=gap)
    if not (here.all() and there.all()):
        near *= here[:, None] == there
    near += np.float32(floor)
    return cast(Floats, near)


def near_in_years(a: Content, b: Content, terms: Terms | None = None) -> Floats:
    """The kernel's term of distance in years alone: (a, b) float32."""
    t = terms or Terms()
    return _near(a.year, b.year, t.year, t.year_floor, power=1)


class ContentReader:
    """Reads titles of a store so that they can be compared with the landmarks that it was made with.

    Names that no landmark has count towards a row's length and nothing else: a column stands for each name of the
    landmarks alone, so what is read in batches needs the memory of one batch.
    """

    def __init__(self, store: GraphStore, landmarks: Sequence[str]) -> None:
        self._store = store
        self._titles = max(store.info().counts["Title"], 1)
        self.genres = [id_ for batch in store.scan_nodes("Genre", []) for id_ in batch.column("id").to_pylist()]
        self._genre_idf = self._idf(store.degrees(self.genres, ["IN_GENRE"], "in"))
        self._columns: dict[str, dict[str, int]] = {part: {} for part in ("people", "writers", "keywords", "words")}
        self._word_idf: dict[str, float] = {}
        self._growing = True
        self.landmarks = self.read(landmarks)
        self._growing = False

    def beside(self, ids: Sequence[str]) -> ContentReader:
        """A reader whose landmarks are other titles; the rarities of words stay as they are."""
        return self.grown(ids, *ask(self._store, self._reading(ids)))

    def grown(self, ids: Sequence[str], answers: Sequence[Any], counts: Sequence[Any]) -> ContentReader:
        """`beside`, from what was read of these titles."""
        made = copy(self)
        made._columns = {part: {} for part in self._columns}
        made._growing = True
        made.landmarks = made.content(ids, answers, counts)
        made._growing = False
        return made

    def read(self, ids: Sequence[str]) -> Content:
        """Content of titles, in the order of `ids`, each at most once. Raises NotInGraph for one that is not there."""
        return self.content(ids, *ask(self._store, self._reading(ids)))

    def _reading(self, ids: Sequence[str]) -> Asking[tuple[Sequence[Any], Sequence[Any]]]:
        answers = yield self.reads(ids)
        counts = yield self.counts(answers)
        return answers, counts

    def reads(self, ids: Sequence[str]) -> tuple[Nodes, Neighbours, Neighbours, Neighbours]:
        """What the content of titles is made of: their nodes, genres, credits and keywords."""
        return (
            Nodes("Title", ids, [*_NUMBERS, "title", "kind"]),
            Neighbours(ids, ["IN_GENRE"], "out"),
            Neighbours(ids, CREDITS, "in"),
            Neighbours(ids, ["HAS_KEYWORD"], "out"),
        )

    def counts(self, answers: Sequence[Any]) -> tuple[Degrees, Degrees]:
        """How rare what these titles have is: by the answers to `reads`."""
        people, keywords = (_names(table.column("neighbour"))[0] for table in (answers[2], answers[3]))
        return Degrees(people, CREDITS, "out"), Degrees(keywords, ["HAS_KEYWORD"], "in")

    def content(self, ids: Sequence[str], answers: Sequence[Any], counts: Sequence[Any]) -> Content:
        """`read`, from the answers to `reads` and to `counts`."""
        nodes, genred, credited, about = (answers[place] for place in range(4))
        if nodes.num_rows != len(ids):
            missing = sorted(set(ids) - set(nodes.column("id").to_pylist()))
            raise NotInGraph(f"there is no title {(missing or list(ids))[0]!r} in {self._store.url}")
        year, votes, rating = (nodes.column(name).cast(pa.float32()).to_numpy().astype(np.float32) for name in _NUMBERS)
        sets = self._genre_sets(len(ids), genred)
        genres = sets * self._genre_idf
        by_people = self._credits(len(ids), credited, self._idf(counts[0]))
        by_keyword = self._keywords(len(ids), about, self._idf(counts[1]))
        return Content(
            list(ids), genres / np.maximum(np.linalg.norm(genres, axis=1, keepdims=True), 1e-9), sets,
            *by_people, by_keyword, self._words(nodes.column("title").to_pylist()),
            year, np.log10(1 + votes), rating, self._forms(nodes.column("kind").to_pylist(), sets),
        )  # fmt: skip

    def without(self, title: Content, nodes: Sequence[tuple[str, str]]) -> Content:
        """One title as if it lacked a node, once for each (label, id) of `nodes`: (nodes,) rows.

        Labels: Genre, Person, Keyword, and Series, whose id is a word of the title's name. What is left keeps its
        proportions. A node that no landmark has changes nothing.
        """
        copies = {name: np.repeat(getattr(title, name), len(nodes), axis=0) for name in _DENSE}
        sets, genres, forms = (copies[name] for name in ("genre_sets", "genres", "form"))
        for row, (label, name) in enumerate(nodes):
            if label == "Genre" and name in self.genres:
                place = self.genres.index(name)
                forms[row] -= _BY_GENRE.get(name, (0, 1.0))[0] * int(sets[row, place])
                sets[row, place] = genres[row, place] = 0
        copies["genres"] = genres / np.maximum(np.linalg.norm(genres, axis=1, keepdims=True), 1e-9)
        parts = {
            part: _cut(getattr(title, part), [self._columns[whole].get(name, -1) if label == of else -1
                                              for label, name in nodes], getattr(title, whole))
            for part, whole, of in (
                ("people", "people", "Person"), ("cast", "people", "Person"), ("writers", "writers", "Person"),
                ("keywords", "keywords", "Keyword"), ("words", "words", "Series"),
            )
        }  # fmt: skip
        return Content(title.ids * len(nodes), **copies, **parts)

    def _genre_sets(self, n: int, found: pa.Table) -> Floats:
        names, codes = _names(found.column("neighbour"))
        place = {name: column for column, name in enumerate(self.genres)}
        columns = np.array([place[name] for name in names], np.int64)
        sets = np.zeros((n, len(self.genres)), np.float32)
        sets[found.column("source").to_numpy(), columns[codes]] = 1
        return sets

    def _forms(self, kinds: Sequence[str | None], sets: Floats) -> npt.NDArray[np.int64]:
        made = np.array([_GROUPS.get(kind or "", 0) for kind in kinds], np.int64)
        for name, (step, _) in _BY_GENRE.items():
            if name in self.genres:
                made += step * (sets[:, self.genres.index(name)] > 0)
        return made

    def _credits(self, n: int, found: pa.Table, idf: Floats) -> tuple[sp.csr_matrix, sp.csr_matrix, sp.csr_matrix]:
        """People by their weightiest role, those of them who are seen, and writers alone."""
        rows = found.column("source").to_numpy()
        names, codes = _names(found.column("neighbour"))
        types, type_codes = _names(found.column("type"))
        weights = np.array([ROLE_WEIGHTS[type_] for type_ in types], np.float32)[type_codes]
        # Types come the most telling first, so the first row of a title and person is the weightiest role.
        _, first = np.unique(rows.astype(np.int64) * max(len(names), 1) + codes, return_index=True)
        wrote = np.flatnonzero(np.isin(type_codes, [place for place, type_ in enumerate(types) if type_ == "WROTE"]))
        people = self._unit("people", n, rows[first], codes[first], names, weights[first] * idf[codes[first]])
        seen = np.isin(type_codes[first], [place for place, type_ in enumerate(types) if type_ in SEEN])
        cast_ = self._unit("people", n, rows[first], codes[first], names, weights[first] * idf[codes[first]], seen)
        return (
            people,
            cast_,
            self._unit("writers", n, rows[wrote], codes[wrote], names, idf[codes[wrote]]),
        )

    def _keywords(self, n: int, found: pa.Table, idf: Floats) -> sp.csr_matrix:
        names, codes = _names(found.column("neighbour"))
        return self._unit("keywords", n, found.column("source").to_numpy(), codes, names, idf[codes])

    def _words(self, titles: Sequence[str | None]) -> sp.csr_matrix:
        """Each word of a name once; one that no landmark has is as rare as can be."""
        # A name without a word is null, which is split into nothing.
        listed = pc.split_pattern(pa.array([normalise(title or "") or None for title in titles], pa.string()), " ")
        names, places = _names(pa.chunked_array([listed.flatten().dictionary_encode()]))
        title = np.repeat(np.arange(len(titles)), pc.list_value_length(listed).fill_null(0).to_numpy())
        rows, codes = np.divmod(np.unique(title * max(len(names), 1) + places), max(len(names), 1))
        if self._growing and not self._word_idf:
            counts = np.bincount(codes, minlength=len(names)).tolist()
            self._word_idf = {word: math.log1p(len(titles) / n) for word, n in zip(names, counts, strict=True)}
        rare = math.log1p(max(len(self._word_idf), 1))
        idf = np.fromiter(map(self._word_idf.get, names, repeat(rare)), np.float32, len(names))
        return self._unit("words", len(titles), rows, codes, names, idf[codes])

    def _idf(self, degrees: npt.NDArray[np.int64]) -> Floats:
        """log(1 + titles / relationships) of nodes: (nodes,)."""
        return np.log1p(self._titles / np.maximum(degrees, 1)).astype(np.float32)

    def _unit(
        self, part: str, n: int, rows: npt.NDArray[Any], codes: npt.NDArray[Any], names: Sequence[str], values: Floats,
        kept: npt.NDArray[np.bool_] | None = None,
    ) -> sp.csr_matrix:  # fmt: skip
        """Rows of unit length over the landmarks' columns, or of these the values that are kept.

        rows: (m,) ascending; codes: (m,) places among `names`; values: (m,); kept: (m,), None: all.
        """
        columns = self._columns[part]
        if self._growing and not columns:
            columns.update({name: place for place, name in enumerate(names)})
        place = np.fromiter(map(columns.get, names, repeat(-1)), np.int64, len(names))[codes]
        lengths = np.sqrt(np.bincount(rows, values.astype(np.float64) ** 2, n))
        scaled = (values / np.maximum(lengths, 1e-9)[rows]).astype(np.float32)
        known = place >= 0 if kept is None else (place >= 0) & kept
        starts = np.searchsorted(rows[known], np.arange(n + 1))
        made = sp.csr_matrix((scaled[known], place[known], starts), (n, max(len(columns), 1)))
        made.sum_duplicates()  # a writer may be credited twice
        return made


def _cut(row: sp.csr_matrix, columns: Sequence[int], whole: sp.csr_matrix) -> sp.csr_matrix:
    """One row, once without each column (-1: none), lengthened as if it had never been there.

    whole: the row of unit length of which it is a part, or all.
    """
    gone, missing = (one.indices == np.array(columns, np.int64)[:, None] for one in (row, whole))
    left = np.maximum(1 - np.square(whole.data * missing).sum(1, keepdims=True), 1e-9)
    data = np.where(gone, 0, row.data / np.sqrt(left)).astype(np.float32)
    starts = row.nnz * np.arange(len(columns) + 1)
    return sp.csr_matrix((data.ravel(), np.tile(row.indices, len(columns)), starts), (len(columns), row.shape[1]))


def _names(column: pa.ChunkedArray) -> tuple[list[str], npt.NDArray[np.int64]]:
    """A dictionary-encoded column's distinct values, and each row's place among them."""
    encoded = column.combine_chunks()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
