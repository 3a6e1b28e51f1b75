"""Relay's connections: edges with cursors, what page this is, how many there are in all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry

from graph.ordered import InvalidCursor, Page, from_cursor, to_cursor

T = TypeVar("T")
Place = Sequence[Any]


@strawberry.type(description="Which part of a list a page is.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    ends: strawberry.Private[Sequence[Place]]

    @classmethod
    def of(cls, page: Page | Cut[Any]) -> PageInfo:
        """That of a page."""
        ends = (page.places[0], page.places[-1]) if page.places else ()
        return cls(has_next_page=page.has_next, has_previous_page=page.has_previous, ends=ends)

    @strawberry.field
    def start_cursor(self) -> str | None:
        return to_cursor(self.ends[0]) if self.ends else None

    @strawberry.field
    def end_cursor(self) -> str | None:
        return to_cursor(self.ends[1]) if self.ends else None


@strawberry.interface(description="One of a page.")
class Edge:
    id: strawberry.Private[str]
    place: strawberry.Private[Place]

    @strawberry.field(description="where to go on after this one")
    def cursor(self) -> str:
        return to_cursor(self.place)


@dataclass(frozen=True)
class Cut(Generic[T]):
    """Some rows of a list that is at hand as a whole, and the place of each."""

    rows: tuple[T, ...]
    places: tuple[Place, ...]
    total: int
    has_next: bool
    has_previous: bool


def cut(
    rows: Sequence[T],
    place: Callable[[T], Place],
    name: str,
    first: int,
    after: str | None,
    *,
    descending: bool = False,
) -> Cut[T]:
    """The first rows after a cursor, in order of their places; no two have the same. name: of the order, for cursors.

    place: what orders a row, as plain values; the first may be missing (None) and then comes last either way. With
    `descending` only that one falls. Raises InvalidCursor.
    """

    # A prolific person has thousands of credits: plain keys, and one order after the other, for sorts are stable.
    placed = sorted(((place(row), row) for row in rows), key=lambda one: tuple(one[0][1:]))
    missing = [one for one in placed if one[0][0] is None]
    placed = [one for one in placed if one[0][0] is not None]
    placed.sort(key=lambda one: one[0][0], reverse=descending)
    placed += missing
    begin = 0
    if after is not None:
        named, *before = from_cursor(after) or [None]
        try:
            if named != name:
                raise TypeError
            begin = sum(_up_to(before, at, descending) for at, _ in placed)
        except (TypeError, IndexError):
            raise InvalidCursor(f"{after[:40]!r} is a cursor of another list or order; go on without `after`") from None
    picked = placed[begin : begin + first]
    return Cut(
        tuple(row for _, row in picked),
        tuple([name, *at] for at, _ in picked),
        len(placed),
        begin + first < len(placed),
        begin > 0,
    )


def _up_to(before: Place, at: Place, descending: bool) -> bool:
    """Whether a place is that of a cursor, or comes earlier."""
    if (at[0] is None) != (before[0] is None):
        return before[0] is None
    if at[0] != before[0]:
        return bool(at[0] > before[0] if descending else at[0] < before[0])
    return tuple(at[1:]) <= tuple(before[1:])


def last(value: int | None) -> Place:
    """A part of a place that may be missing, and then comes last."""
    return [value is None, 0 if value is None else value]
