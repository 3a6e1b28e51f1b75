"""Rows that do not fit the schema or the graph: refused, and nothing of their batch is written."""

from __future__ import annotations

import pytest

from graph.store import InvalidRows, StoreError

GOOD = {
    "User": {"id": "u9"},
    "Catalog": {"id": "west"},
    "Title": {"id": "tt77", "title": "Good"},
    "RATED": {"head": "u2", "tail": "tt06", "key": "like", "type": "like"},
    "OFFERS": {"head": "south", "tail": "tt09", "key": "s9"},
    "DIRECTED": {"head": "nm8", "tail": "tt03", "key": "1", "ordering": 1},
}
BAD = [
    ("User", {"id": "u7", "age": 7}),
    ("User", {"id": "u7", "labels": "kids"}),
    ("User", {"id": "u7", "labels": ["kids", 7]}),
    ("User", {"id": 7}),
    ("User", {"id": None}),
    ("User", {"labels": ["kids"]}),
    ("Catalog", {"id": "east", "name": 7}),
    ("Catalog", {"id": "east", "key": ""}),
    ("Title", {"id": "tt88", "start_year": "1999"}),
    ("Title", {"id": "tt88", "start_year": 1999.5}),
    ("Title", {"id": "tt88", "start_year": 2**70}),
    ("Title", {"id": "tt88", "is_adult": 1}),
    ("Title", {"id": "tt88", "title": ["Bad"]}),
    ("Title", {"title": "Bad"}),
    ("Title", {"id": "tt88", "titel": "Bad"}),
    ("RATED", {"head": "u1", "tail": "tt06", "key": "like", "stars": 5}),
    ("RATED", {"head": "u1", "tail": "tt06", "key": "like", "value": "5"}),
    ("RATED", {"head": "u1", "tail": "tt06", "key": "like", "timestamp": 1.5}),
    ("RATED", {"head": "u1", "tail": "tt06", "key": 5}),
    ("RATED", {"head": "u1", "key": "like"}),
    ("RATED", {"tail": "tt06", "key": "like"}),
    ("RATED", {"head": "u7", "tail": "tt06", "key": "like"}),
    ("RATED", {"head": "u1", "tail": "tt88", "key": "like"}),
    ("RATED", {"head": "tt06", "tail": "u1", "key": "like"}),
    ("OFFERS", {"head": "south", "tail": "tt88", "key": "s"}),
    ("OFFERS", {"head": "east", "tail": "tt09", "key": "s"}),
    ("OFFERS", {"head": "south", "tail": "tt10", "key": "s10", "available_from": "2026-03-01"}),
    ("OFFERS", {"head": "south", "tail": "tt10", "key": "s10", "regions": "ES"}),
    ("DIRECTED", {"head": "nm9", "tail": "tt03", "key": "1"}),
    ("DIRECTED", {"head": "nm8", "tail": "tt88", "key": "1"}),
    ("DIRECTED", {"head": "nm8", "tail": "tt03", "key": "2", "ordering": "2"}),
    ("DIRECTED", {"head": "nm8", "tail": "tt03", "key": "2", "category": "actor"}),
]


@pytest.mark.parametrize(("name", "bad"), BAD, ids=ascii)
@pytest.mark.parametrize("place", ["first", "last"])
def test_one_row_that_does_not_fit_and_none_is_written(small, contents, name, bad, place):
    write = small.upsert_nodes if "id" in GOOD[name] else small.upsert_relationships
    before = contents(small)
    with pytest.raises(InvalidRows):
        write(name, [bad, GOOD[name]] if place == "first" else [GOOD[name], bad])
    assert contents(small) == before


@pytest.mark.parametrize(("name", "bad"), [("User", {"id": "u\ud800"})], ids=ascii)
def test_an_id_that_is_no_text_cannot_be_written(small, contents, name, bad):
    before = contents(small)
    with pytest.raises(InvalidRows):
        small.upsert_nodes(name, [GOOD[name], bad])
    assert contents(small) == before


@pytest.mark.parametrize(("name", "row"), GOOD.items())
def test_the_other_row_of_those_batches_would_have_been_written(loaded, contents, name, row):
    before = contents(loaded)
    assert (loaded.upsert_nodes if "id" in row else loaded.upsert_relationships)(name, [row]) == 1
    assert contents(loaded) != before


def test_unknown_labels_and_types_are_store_errors(loaded):
    for write in (loaded.upsert_nodes, loaded.delete_nodes):
        with pytest.raises(StoreError, match="Film"):
            write("Film", [])
    for write in (loaded.upsert_relationships, loaded.delete_relationships):
        with pytest.raises(StoreError, match="PAINTED"):
            write("PAINTED", [])
