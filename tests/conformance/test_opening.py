"""Opening, closing and being there."""

from __future__ import annotations

import pytest

from graph.store import GraphStore, StoreError, StoreNotFound, open_store


def test_nothing_is_there_until_it_is_made(fresh_url):
    url = fresh_url()
    with pytest.raises(StoreNotFound):
        open_store(url)
    with pytest.raises(StoreNotFound):
        open_store(url)
    open_store(url, create=True).close()
    open_store(url).close()


@pytest.mark.parametrize("url", ["", "embedded", "embedded:", "/some/folder", "paper:here", "EMBEDDED2:x"])
def test_an_unknown_engine_is_an_error_that_names_the_ones_there_are(url):
    with pytest.raises(StoreError, match="embedded:PATH") as caught:
        open_store(url, create=True)
    assert repr(url) in str(caught.value)


def test_a_store_is_a_graph_store(store):
    assert isinstance(store, GraphStore)
    store.ping()


def test_the_url_opens_the_same_store(loaded, contents):
    before = contents(loaded)
    again = open_store(loaded.url)
    assert again.url == loaded.url
    assert contents(again) == before
    again.close()


def test_everything_is_there_after_closing_and_opening_again(loaded, contents):
    loaded.upsert_nodes("User", [{"id": "u9", "labels": ["last"]}])
    before, info = contents(loaded), loaded.info()
    loaded.close()
    for create in (False, True):
        again = open_store(info.url, create=create)
        assert contents(again) == before
        assert again.info().version == info.version
        assert again.search_text("Paper Lanterns", 1)[0].id == "tt02"
        again.close()


def test_closing_twice_is_harmless(store):
    store.close()
    store.close()


def test_applying_the_schema_again_changes_nothing(loaded, contents):
    before, version = contents(loaded), loaded.info().version
    loaded.apply_schema()
    assert (contents(loaded), loaded.info().version) == (before, version)
    loaded.ping()


def test_an_empty_store_answers(store, contents, counts):
    assert contents(store) == {}
    assert counts(store) == {}
    assert store.get_nodes("Title", ["tt01"]).num_rows == 0
    assert store.neighbours(["nm1"], ["DIRECTED", "RATED"], "out").num_rows == 0
    assert store.degrees(["nm1"], ["DIRECTED", "RATED"], "out").tolist() == [0]
    assert store.get_embeddings("embedding", ["tt01"])[0] == []


def test_an_empty_store_can_be_written_row_by_row(store, step):
    store.upsert_nodes("Title", [{"id": "tt1", "title": "First"}, {"id": "tt2"}])
    store.upsert_nodes("Person", [{"id": "nm1"}])
    store.upsert_relationships("DIRECTED", [{"head": "nm1", "tail": "tt1"}])
    store.upsert_nodes("User", [{"id": "u1"}])
    store.upsert_relationships("RATED", [{"head": "u1", "tail": "tt2", "key": "like"}])
    assert step(store, ["nm1", "u1"], ["DIRECTED", "RATED"], "out") == [(0, "DIRECTED", "tt1"), (1, "RATED", "tt2")]
