"""People by what they took part in: filtered, ordered, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa

from graph.browse import Credit, require
from graph.consistent import version_of
from graph.kept import Kept
from graph.ordered import Key, Mask, Ordered, Page, columns
from graph.schema import CREDITS
from graph.store import WHOLE_GRAPH, GraphStore, Scope

PersonKey = Literal["name", "id"]
_BATCH = 65_536


@dataclass(frozen=True)
class TookPart:
    """A credit in any of these roles: in that title, or in one that another person has a credit in, or in any."""

    roles: Sequence[str] = CREDITS
    title: str | None = None
    beside: Credit | None = None


class PeopleBrowser:
    """Pages of people from one store. Safe for threads.

    The ids of all people are kept in memory for the current version, their names once they order a list, and who has
    a role at all once that alone is asked: 13, 30 and 1 bytes for each of them.
    """

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._columns: Kept[_People] = Kept(lambda: version_of(store.state()), 1)
        self._roles: Kept[Mask] = Kept(lambda: version_of(store.state()), 2 * len(CREDITS))

    def people(
        self,
        conditions: Sequence[TookPart] = (),
        *,
        adult: bool = False,
        by: PersonKey = "name",
        descending: bool = False,
        first: int = 20,
        after: str | None = None,
    ) -> Page:
        """The first people after a cursor of whom every condition holds; no condition: all people.

        adult: whether credits in adult titles count. Raises NotInGraph for an id that the graph lacks, InvalidCursor.
        """
        people = self._columns.of("people", lambda: _People(self._store))
        scope = Scope(WHOLE_GRAPH, adult=adult)
        mask = np.ones(len(people), bool)
        named = [one for one in conditions if one.title or one.beside]
        for one in named:
            mask &= self._beside(people, one, scope)
        for one in conditions:
            if one not in named:
                mask &= self._having(people, mask, one.roles, scope) if named else self._all_having(people, one, scope)
        name = f"{'-' if descending else ''}{by}"
        return people.page(mask, people.key(by), name, descending=descending, first=first, after=after)

    def _beside(self, people: _People, one: TookPart, scope: Scope) -> Mask:
        """Who has one of the roles in the titles that are named."""
        titles: list[str] | None = None
        if one.beside is not None:
            require(self._store, "Person", one.beside.person)
            theirs = self._store.neighbours([one.beside.person], one.beside.roles, "out", within=scope)
            titles = _distinct(theirs)
        if one.title is not None:
            require(self._store, "Title", one.title, adult=scope.adult)
            titles = [one.title] if titles is None or one.title in titles else []
        return people.mask(pa.array(_distinct(self._store.neighbours(titles or [], one.roles, "in")), pa.string()))

    def _having(self, people: _People, among: Mask, roles: Sequence[str], scope: Scope) -> Mask:
        """Which of some people have one of the roles at all."""
        positions = np.flatnonzero(among)
        mask = np.zeros(len(people), bool)
        for begin in range(0, len(positions), _BATCH):
            some = positions[begin : begin + _BATCH]
            ids = people.ids.take(pa.array(some)).to_pylist()
            sources = self._store.neighbours(ids, roles, "out", within=scope).column("source").to_numpy()
            mask[some[np.unique(sources)]] = True
        return mask

    def _all_having(self, people: _People, one: TookPart, scope: Scope) -> Mask:
        everyone = np.ones(len(people), bool)
        key = tuple(one.roles), scope
        return self._roles.of(key, lambda: self._having(people, everyone, one.roles, scope))


class _People(Ordered):
    """The people of one version."""

    def __init__(self, store: GraphStore) -> None:
        super().__init__(columns(store, "Person", [])["id"])
        self._store = store

    def key(self, by: PersonKey) -> Key:
        """What orders people by that."""
        return self._by_name if by == "name" else Key.of_ids(len(self))

    @cached_property
    def _by_name(self) -> Key:
        return Key.of_names(columns(self._store, "Person", ["name"])["name"])


def _distinct(table: pa.Table) -> list[str]:
    found: list[str] = table.column("neighbour").cast(pa.string()).unique().to_pylist()
    return found
