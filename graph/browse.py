"""Titles by what they are: filtered, ordered, a page at a time; no engine needs an index for it.

The columns that filters and orders need are read once a version and kept in memory, with numbers as (n,) arrays in
the order of ids: 75 bytes a title when every order is in use (docs/graphql.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.consistent import version_of
from graph.kept import Kept
from graph.ordered import Key, Mask, Ordered, Page, columns
from graph.schema import CREDITS
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Scope

TitleKey = Literal["votes", "rating", "year", "title", "id"]
_COLUMN = {"votes": "num_votes", "rating": "average_rating", "year": "start_year"}


@dataclass(frozen=True)
class Between:
    """A span of numbers, both ends included; None leaves an end open. A title without the number is in no span."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Credit:
    """A person who took part, in any of these roles."""

    person: str
    roles: Sequence[str] = CREDITS


@dataclass(frozen=True)
class TitleFilter:
    """Which titles are meant: those of which all of it holds. An empty tuple or None asks for nothing.

    scopes: in each of these. adult: whether adult titles count.
    """

    kinds: Sequence[str] = ()
    genres_all: Sequence[str] = ()
    genres_any: Sequence[str] = ()
    years: Between | None = None
    rating: Between | None = None
    votes: Between | None = None
    credits: Sequence[Credit] = ()
    scopes: Sequence[Scope] = ()
    adult: bool = False


class Browser:
    """Pages of titles from one store. Safe for threads."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._columns: Kept[_Titles] = Kept(lambda: version_of(store.state()), 1)
        self._scopes: Kept[Mask] = Kept(store.state, 4)

    def titles(
        self,
        wanted: TitleFilter,
        *,
        by: TitleKey = "votes",
        descending: bool = True,
        first: int = 20,
        after: str | None = None,
    ) -> Page:
        """The first titles after a cursor. Raises NotInGraph for a name that the graph lacks, InvalidCursor."""
        titles = self._columns.of("titles", lambda: _Titles(self._store))
        name = f"{'-' if descending else ''}{by}"
        mask = self._mask(titles, wanted)
        return titles.page(mask, titles.key(by), name, descending=descending, first=first, after=after)

    def _mask(self, titles: _Titles, wanted: TitleFilter) -> Mask:
        mask = np.ones(len(titles), bool) if wanted.adult else ~titles.adult
        if wanted.kinds:
            mask &= titles.of_kinds(wanted.kinds)
        for genre in wanted.genres_all:
            mask &= titles.of_genres([genre])
        if wanted.genres_any:
            mask &= titles.of_genres(wanted.genres_any)
        spans: tuple[tuple[TitleKey, Between | None], ...] = (
            ("year", wanted.years),
            ("rating", wanted.rating),
            ("votes", wanted.votes),
        )
        for by, span in spans:
            if span is not None:
                mask &= _within(titles.key(by).values, span)
        for scope in wanted.scopes:
            mask &= self._in_scope(titles, scope)
        for credit in wanted.credits:
            mask &= self._credited(titles, credit)
        return mask

    def _in_scope(self, titles: _Titles, scope: Scope) -> Mask:
        if scope.catalog not in (None, WHOLE_GRAPH):
            require(self._store, "Catalog", scope.catalog or "")
        # The mask is of these columns, which may be older than the store by now.
        return self._scopes.of((titles, scope), lambda: titles.mask(self._store.offered(scope).column("id")))

    def _credited(self, titles: _Titles, credit: Credit) -> Mask:
        require(self._store, "Person", credit.person)
        table = self._store.neighbours([credit.person], credit.roles, "out")
        return titles.mask(table.column("neighbour").cast(pa.string()))


class _Titles(Ordered):
    """The columns of all titles of one version; each is read when it is first asked for."""

    def __init__(self, store: GraphStore) -> None:
        held = columns(store, "Title", ["kind", "is_adult", *_COLUMN.values()])
        super().__init__(held["id"])
        self._store = store
        kinds = held["kind"].dictionary_encode()
        self.kinds: list[str] = kinds.dictionary.to_pylist()
        self._kind = pc.fill_null(kinds.indices, -1).to_numpy().astype(np.int16)
        self.adult: Mask = pc.fill_null(held["is_adult"], False).to_numpy(zero_copy_only=False)
        self._keys = {name: Key.of_numbers(held[column]) for name, column in _COLUMN.items()}

    def key(self, by: TitleKey) -> Key:
        """What orders titles by that."""
        if by == "id":
            return Key.of_ids(len(self))
        return self._by_title if by == "title" else self._keys[by]

    @cached_property
    def _by_title(self) -> Key:
        return Key.of_names(columns(self._store, "Title", ["title"])["title"])

    def of_kinds(self, kinds: Sequence[str]) -> Mask:
        """Which titles are of one of these kinds."""
        return np.isin(self._kind, [_place(self.kinds, kind, "kind") for kind in kinds])

    def of_genres(self, genres: Sequence[str]) -> Mask:
        """Which titles are of at least one of these genres."""
        names, bits = self._genres
        found = np.zeros(len(self), bool)
        for genre in genres:
            place = _place(names, genre, "genre")
            found |= (bits[place // 8] & np.uint8(128 >> place % 8)) != 0
        return found

    @cached_property
    def _genres(self) -> tuple[list[str], npt.NDArray[np.uint8]]:
        """The genres, and which of them each title has: (genres / 8, n) bits."""
        genres = columns(self._store, "Genre", [])["id"]
        bits = np.zeros((-(-len(genres) // 8), len(self)), np.uint8)
        batches = list(self._store.scan_relationships("IN_GENRE", []))
        if batches:
            edges = pa.Table.from_batches(batches)
            title = pc.index_in(edges.column("head"), value_set=self.ids).to_numpy()
            genre = pc.index_in(edges.column("tail"), value_set=genres).to_numpy()
            np.bitwise_or.at(bits, (genre // 8, title), (128 >> genre % 8).astype(np.uint8))
        return genres.to_pylist(), bits


def _within(values: npt.NDArray[Any], span: Between) -> Mask:
    low, high = (None if end is None else values.dtype.type(end) for end in (span.low, span.high))
    mask: Mask = ~np.isnan(values)
    if low is not None:
        mask &= values >= low
    if high is not None:
        mask &= values <= high
    return mask


def _place(names: Sequence[str], name: str, what: str) -> int:
    if name not in names:
        raise NotInGraph(f"there is no {what} {name!r}; there are: {', '.join(sorted(names)) or 'none'}")
    return names.index(name)


def require(store: GraphStore, label: str, id_: str, *, adult: bool = True) -> None:
    """Raise NotInGraph unless the graph has that node. adult: whether an adult title counts as one."""
    found = store.get_nodes(label, [id_], ["is_adult"] if label == "Title" else []).to_pylist()
    if found and (adult or not found[0]["is_adult"]):
        return
    if label == "Catalog":
        there = columns(store, "Catalog", [])["id"].to_pylist()
        raise NotInGraph(f"there is no catalog {id_!r}; there are: {', '.join(there) or 'none'}")
    raise NotInGraph(f"there is no {label.lower()} {id_!r}; search for the name to find the id")
