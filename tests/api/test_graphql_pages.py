"""Pages of a list that is at hand as a whole: its order, either way, and going on after a cursor."""

from __future__ import annotations

from typing import Any

import pytest

from api.graphql.pages import cut
from graph.ordered import InvalidCursor, to_cursor

# A value, and what orders those of the same value.
ROWS: list[tuple[Any, str]] = [(2001, "d"), (None, "a"), (1999, "b"), (2001, "c"), (None, "e"), (1950, "f")]
RISING = "fbcdae"
FALLING = "cdbfae"


def pages(rows: list[tuple[Any, str]], size: int, *, descending: bool) -> list[str]:
    """The names of each page, one after another by the cursor of the last row."""
    found, after = [], None
    while True:
        page = cut(rows, list, "year", size, after, descending=descending)
        assert page.total == len(rows)
        assert page.has_previous == (after is not None)
        found.append("".join(name for _, name in page.rows))
        if not page.has_next:
            return found
        after = to_cursor(page.places[-1])


@pytest.mark.parametrize("size", [1, 2, 4, 10])
@pytest.mark.parametrize(("descending", "order"), [(False, RISING), (True, FALLING)])
def test_pages_follow_one_another_in_order_and_what_is_missing_comes_last(
    size: int, descending: bool, order: str
) -> None:
    assert pages(ROWS, size, descending=descending) == [order[at : at + size] for at in range(0, len(order), size)]


def test_names_fall_too() -> None:
    named = [(name, str(place)) for place, name in enumerate(["Barbarella", "Alien", "Casablanca", "Alien"])]
    assert pages(named, 3, descending=True) == ["201", "3"]


def test_a_cursor_goes_on_where_its_row_is_gone() -> None:
    after = to_cursor(["year", 2001, "c"])
    rest = [row for row in ROWS if row != (2001, "c")]
    assert [name for _, name in cut(rest, list, "year", 2, after, descending=True).rows] == ["d", "b"]
    assert [name for _, name in cut(rest, list, "year", 2, after).rows] == ["d", "a"]


@pytest.mark.parametrize("cursor", [to_cursor(one) for one in (["title", 2001, "c"], ["year"], ["year", "x", "c"])])
def test_a_cursor_of_another_order_is_told(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        cut(ROWS, list, "year", 2, cursor)
