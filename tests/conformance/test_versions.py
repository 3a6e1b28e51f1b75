"""Loads and rollbacks: what they replace, what they leave, and what the store says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from graph.schema import arrow_schema, is_live
from graph.store import WHOLE_GRAPH, Provenance, Scope, StoreError, open_store

MADE = Provenance("run-1", "m", 1, "0123456789abcdef", "2026-03-01T00:00:00Z")
FILM = {"id": "tt50", "kind": "movie", "title": "Second Edition"}


def only(rows, live):
    return {name: members for name, members in rows.items() if is_live(name) == live}


@pytest.fixture
def edition(make_tables):
    """Tables of a later graph: one film more, one person less, no keywords, nothing live."""

    def make(rows):
        later = only(rows, live=False)
        later["Title"] = [*later["Title"], FILM]
        later["Person"] = [row for row in later["Person"] if row["id"] != "nm8"]
        for gone in ("SEEN_IN_ARCHIVE", "HAS_KEYWORD", "Keyword"):
            del later[gone]
        return make_tables(later)

    return make


def test_counts_are_those_of_what_was_loaded(loaded, counts):
    assert counts(loaded) == {
        "Title": 12, "Person": 8, "Genre": 3, "Keyword": 2, "AlternateTitle": 5, "Catalog": 2, "User": 2,
        "ACTED_IN": 7, "DIRECTED": 6, "WROTE": 3, "COMPOSED": 2, "EDITED": 1, "PRODUCED": 1, "SEEN_IN_ARCHIVE": 1,
        "KNOWN_FOR": 3, "IN_GENRE": 8, "HAS_KEYWORD": 3, "ALSO_KNOWN_AS": 5, "EPISODE_OF": 2, "OFFERS": 9, "RATED": 4,
    }  # fmt: skip


def test_info_names_the_store_and_its_version(store, make_tables, rows, counts):
    assert counts(store) == {}
    version = store.load_tables(make_tables(rows))
    info = store.info()
    assert (info.url, info.version) == (store.url, version)
    assert version in info.versions
    assert info.embeddings == {}


def test_loading_the_same_tables_twice_gives_the_same_graph(store, make_tables, rows, contents):
    tables = make_tables(rows)
    store.load_tables(tables)
    once = contents(store)
    store.load_tables(tables)
    assert contents(store) == once
    assert len(store.search_text("Paper Lanterns", 20)) == len({*store.search_text("Paper Lanterns", 20)})


def test_a_load_replaces_the_graph_and_keeps_what_is_live(loaded, edition, rows, contents, step):
    before = contents(loaded)
    loaded.upsert_relationships("RATED", [{"head": "u2", "tail": "tt04", "key": "like", "type": "like"}])
    loaded.load_tables(edition(rows))
    held = contents(loaded)
    assert [row["id"] for row in held["Title"]] == ["item:1", *(f"tt{n:02d}" for n in range(1, 12)), "tt50"]
    assert [row["id"] for row in held["Person"]] == [f"nm{n}" for n in range(1, 8)]
    assert not {"Keyword", "HAS_KEYWORD", "SEEN_IN_ARCHIVE"} & set(held)
    assert [held[name] for name in ("User", "Catalog", "OFFERS")] == [
        before[name] for name in ("User", "Catalog", "OFFERS")
    ]
    assert step(loaded, ["u2"], ["RATED"], "out") == [(0, "RATED", "tt02"), (0, "RATED", "tt04")]
    assert [hit.id for hit in loaded.search_text("Second Edition", 1)] == ["tt50"]


def test_a_load_adds_feedback_to_what_is_there(loaded, make_tables, step):
    feedback = [
        {"head": "u1", "tail": "tt01", "key": "rating", "type": "rating", "value": 1.0, "timestamp": 9},
        {"head": "u3", "tail": "tt01", "key": "like", "type": "like", "value": 1.0, "timestamp": 9},
    ]
    loaded.load_tables(make_tables({"User": [{"id": "u3", "labels": ["new"]}], "RATED": feedback}))
    assert loaded.get_nodes("User", ["u1", "u2", "u3"], []).num_rows == 3
    assert step(loaded, ["tt01"], ["RATED"], "in", properties=["value"]) == [
        (0, "RATED", "u1", "like", None),
        (0, "RATED", "u1", "rating", 1.0),
        (0, "RATED", "u3", "like", 1.0),
    ]


def test_tables_with_nothing_but_live_data_leave_the_graph_as_it_is(loaded, make_tables, contents):
    before = contents(loaded)
    loaded.load_tables(make_tables({"User": [{"id": "u3", "labels": ["new"]}]}))
    held = contents(loaded)
    new = dict.fromkeys(arrow_schema("User").names) | {"id": "u3", "labels": ["new"]}
    assert held.pop("User") == [*before.pop("User"), new]
    assert held == before


@pytest.mark.parametrize("with_graph", [False, True])
def test_a_catalog_in_the_tables_offers_just_what_they_say(loaded, make_tables, rows, with_graph):
    tables = only(rows, live=False) if with_graph else {}
    tables["Catalog"] = [{"id": "north", "name": "North Stream"}]
    offers = [row for row in rows["OFFERS"] if row["key"] in ("n1", "n4")]
    tables["OFFERS"] = [offers[0] | {"regions": None, "available_from": None, "available_until": None}, offers[1]]
    loaded.load_tables(make_tables(tables))
    assert loaded.offered(Scope("north", region="FR")).to_pylist() == [{"id": "tt01", "item_id": "n1"}]
    assert loaded.offered(Scope("north")).to_pylist() == [
        {"id": "tt01", "item_id": "n1"},
        {"id": "tt04", "item_id": "n4"},
    ]
    assert loaded.offered(Scope("south")).column("id").to_pylist() == ["tt02", "tt06", "tt10"]


def test_offers_name_their_catalog(loaded, make_tables, rows):
    loaded.load_tables(make_tables({"OFFERS": [row for row in rows["OFFERS"] if row["key"] == "n4"]}))
    assert loaded.offered(Scope("north")).to_pylist() == [{"id": "tt04", "item_id": "n4"}]
    assert loaded.offered(Scope("south")).column("id").to_pylist() == ["tt02", "tt06", "tt10"]


def test_a_catalog_in_the_tables_without_offers_offers_nothing(loaded, make_tables):
    loaded.load_tables(make_tables({"Catalog": [{"id": "north", "name": "North Stream"}]}))
    assert loaded.offered(Scope("north")).num_rows == 0
    assert loaded.offered(Scope("south")).num_rows == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"DIRECTED": [{"head": "nobody", "tail": "tt01"}]},
        {"IN_GENRE": [{"head": "tt01", "tail": "Nothing"}]},
        {"RATED": [{"head": "nobody", "tail": "tt01", "key": "like"}]},
        {"OFFERS": [{"head": "north", "tail": "tt99", "key": "n"}]},
        {"Genre": [{"id": "Drama"}, {"id": "Drama"}]},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_tables_that_do_not_hold_together_change_nothing(loaded, make_tables, rows, contents, wrong):
    before, version = contents(loaded), loaded.info().version
    new = {"User": [{"id": "u3", "labels": ["new"]}], "Catalog": [{"id": "north", "name": "N"}], "Title": [FILM]}
    with pytest.raises(StoreError):
        loaded.load_tables(make_tables(rows | new | wrong))
    assert (contents(loaded), loaded.info().version) == (before, version)


def test_progress_goes_up_to_the_end(store, make_tables, rows):
    told = []
    store.load_tables(make_tables(rows), lambda what, share: told.append((what, share)))
    shares = [share for _, share in told]
    assert all(what for what, _ in told)
    assert shares == sorted(shares)
    assert (min(shares) >= 0, shares[-1]) == (True, 1)


def test_rollback_brings_the_graph_back_and_leaves_live_data_alone(loaded, edition, rows, contents):
    first, before = loaded.info().version, contents(loaded)
    second = loaded.load_tables(edition(rows))
    assert second != first
    later = contents(loaded)
    loaded.upsert_nodes("User", [{"id": "u3"}])
    loaded.delete_relationships("OFFERS", [{"head": "south", "tail": "tt06", "key": "s6"}])
    live = only(contents(loaded), live=True)
    assert loaded.rollback() == first
    assert loaded.info().version == first
    assert contents(loaded) == only(before, live=False) | live
    assert "tt50" not in {hit.id for hit in loaded.search_text("Second Edition", 5)}
    assert loaded.rollback(second) == second
    assert contents(loaded) == only(later, live=False) | live


def test_feedback_and_offers_outlast_a_graph_that_lacks_their_title(loaded, make_tables, rows, contents, step):
    live = only(contents(loaded), live=True)
    loaded.load_tables(make_tables({"Title": [FILM]}))
    assert loaded.offered(Scope()).num_rows == 0
    assert step(loaded, ["u1", "u2"], ["RATED"], "out", within=Scope(WHOLE_GRAPH)) == []
    loaded.load_tables(make_tables(only(rows, live=False)))
    assert only(contents(loaded), live=True) == live
    assert loaded.offered(Scope("south")).num_rows == 3


def test_a_scope_of_a_graph_without_titles(loaded, make_tables, step):
    loaded.load_tables(make_tables({"Genre": [{"id": "Drama"}]}))
    assert loaded.offered(Scope(WHOLE_GRAPH)).num_rows == 0
    assert step(loaded, ["u1", "u2"], ["RATED"], "out", within=Scope(WHOLE_GRAPH)) == []


def test_a_rollback_to_a_named_version(store, make_tables):
    editions = {}
    for name in ("First", "Second", "Third"):
        editions[name] = store.load_tables(make_tables({"Title": [{"id": "tt1", "title": name}]}))
    assert len(set(editions.values())) == 3
    for name in ("First", "Third", "Second"):
        assert store.rollback(editions[name]) == editions[name]
        assert store.get_nodes("Title", ["tt1"], ["title"]).to_pylist() == [{"id": "tt1", "title": name}]


def test_a_rollback_brings_back_the_vectors_of_that_version(loaded):
    made = [Provenance(run, "m", 1, "0123456789abcdef", "2026-03-01T00:00:00Z") for run in ("run-1", "run-2")]
    for place, provenance in enumerate(made):
        loaded.set_embeddings("embedding", ["tt01"], np.array([[place]], np.float32), provenance)
    loaded.rollback()
    assert loaded.info().embeddings == {"embedding": made[0]}
    assert loaded.get_embeddings("embedding", ["tt01"])[1].tolist() == [[0]]


def test_there_is_nothing_before_the_first_load(store, make_tables, rows, contents):
    with pytest.raises(StoreError):
        store.rollback()
    store.load_tables(make_tables(rows))
    before = contents(store)
    for to in (None, "no such version", "", "../elsewhere"):
        with pytest.raises(StoreError):
            store.rollback(to)
    assert contents(store) == before


def test_the_state_differs_after_each_change_of_the_graph_or_an_offer(loaded, edition, rows):
    offer = {"head": "south", "tail": "tt09", "key": "s9"}
    changes = [
        lambda: loaded.load_tables(edition(rows)),
        lambda: loaded.set_embeddings("embedding", ["tt01"], np.ones((1, 1), np.float32), MADE),
        loaded.rollback,
        lambda: loaded.upsert_nodes("Title", [FILM]),
        lambda: loaded.upsert_relationships("IN_GENRE", [{"head": "tt03", "tail": "Drama"}]),
        lambda: loaded.upsert_relationships("OFFERS", [offer]),
        lambda: loaded.upsert_relationships("OFFERS", [offer | {"item_id": "s9"}]),
        lambda: loaded.delete_relationships("OFFERS", [offer]),
        lambda: loaded.delete_nodes("Catalog", ["south"]),
    ]
    state = loaded.state()
    for place, change in enumerate(changes):
        assert loaded.state() == state
        change()
        assert loaded.state() != state, place
        state = loaded.state()


def test_a_store_opened_elsewhere_sees_each_change(loaded, edition, rows, contents):
    other = open_store(loaded.url)
    for change in (
        lambda: loaded.load_tables(edition(rows)),
        lambda: loaded.upsert_nodes("User", [{"id": "u3"}]),
        lambda: loaded.upsert_nodes("Title", [FILM | {"id": "tt51"}]),
        lambda: loaded.delete_nodes("Catalog", ["north"]),
    ):
        before = contents(other)
        change()
        assert contents(other) != before
        assert contents(other) == contents(loaded)
        assert other.state() == loaded.state()
    other.close()


def test_a_store_opened_elsewhere_sees_a_publish_and_its_rollback(loaded):
    other = open_store(loaded.url)
    for change, ids in (
        (lambda: loaded.set_embeddings("embedding", ["tt01"], np.ones((1, 1), np.float32), MADE), ["tt01"]),
        (loaded.rollback, []),
    ):
        change()
        assert other.get_embeddings("embedding")[0] == ids
        assert other.state() == loaded.state()
    other.close()


def test_a_property_that_no_node_has_is_null_and_asked_for_like_any_other(store, make_tables, rows):
    for title in rows["Title"]:
        title |= {"is_adult": None, "text": None}
    store.load_tables(make_tables({name: rows[name] for name in ("Title", "Catalog", "OFFERS")}))
    assert store.get_nodes("Title", ["tt05"], ["text", "kind", "is_adult"]).to_pylist() == [
        {"id": "tt05", "text": None, "kind": "movie", "is_adult": None}
    ]
    (batch,) = store.scan_nodes("Title", ["text"])
    assert (batch.schema.names, batch.column("text").null_count) == (["id", "text"], len(rows["Title"]))
    assert "tt05" in store.offered(Scope("north")).column("id").to_pylist()
