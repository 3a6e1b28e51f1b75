"""Relay's connections: edges with cursors, what page this is, how many there are in all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry

from graph.ordered import InvalidCursor, Page, from_cursor, to_cursor

T = TypeVar("T")
Place = list[Any]


@strawberry.type(description="Which part of a list a page is.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None

    @classmethod
    def of(cls, page: Page | Cut[Any]) -> PageInfo:
        """That of a page."""
        ends = (page.cursors[0], page.cursors[-1]) if page.cursors else (None, None)
        return cls(has_next_page=page.has_next, has_previous_page=page.has_previous, start_cursor=ends[0], end_cursor=ends[1])


@dataclass(frozen=True)
class Cut(Generic[T]):
    """Some rows of a list that is at hand as a whole."""

    rows: tuple[T, ...]
    cursors: tuple[str, ...]
    total: int
    has_next: bool
    has_previous: bool


def cut(rows: Sequence[T], place: Callable[[T], Place], first: int, after: str | None) -> Cut[T]:
    """The first rows after a cursor. place: what orders a row, as plain values that compare; no two are the same.

    Raises InvalidCursor.
    """
    placed = sorted(((place(row), row) for row in rows), key=lambda one: one[0])
    begin = 0
    if after is not None:
        before = from_cursor(after)
        try:
            begin = sum(at <= before for at, _ in placed)
        except TypeError:
            raise InvalidCursor(f"{after[:40]!r} is a cursor of another list; begin again without `after`") from None
    picked = placed[begin : begin + first]
    return Cut(
        tuple(row for _, row in picked),
        tuple(to_cursor(at) for at, _ in picked),
        len(placed),
        begin + first < len(placed),
        begin > 0,
    )


def ascending(value: float | str | None) -> Place:
    """Part of a place: small before large, missing last."""
    return [value is None, 0 if value is None else value]


def descending(value: float | None) -> Place:
    """Part of a place: large before small, missing last."""
    return [value is None, 0 if value is None or math.isnan(value) else -value]
