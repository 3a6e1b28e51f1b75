from __future__ import annotations

import pytest

from graph.match import decide, match
from graph.store import GraphStore

TOY_STORY = "tt0114709"


@pytest.mark.parametrize(
    "query",
    [
        "toy story lasseter",
        "toy story john lasseter",
        "Toy Story by John Lasseter",
        "lasseter toy story",
        "toy story hanks",
    ],
)
def test_a_title_is_found_with_who_made_it(sample: GraphStore, query: str) -> None:
    found = match(sample, query, 5)
    assert (found[0].id, decide(found)) == (TOY_STORY, "found")


@pytest.mark.parametrize("query", ["toy story kurosawa", "toy story by by", "lasseter", "by lasseter"])
def test_who_did_not_make_it_says_nothing(sample: GraphStore, query: str) -> None:
    with_people, without = match(sample, query, 5), match(sample.search_text, query, 5)
    assert [one.id for one in with_people] == [one.id for one in without]
