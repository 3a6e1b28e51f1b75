"""Deletes: of what is live, and of nothing else."""

from __future__ import annotations

import pytest

from graph.store import Scope, StoreError


def test_a_user_goes_with_all_feedback(loaded, step, counts):
    before = counts(loaded)
    assert loaded.delete_nodes("User", ["u1", "u7"]) == 1
    assert loaded.get_nodes("User", ["u1", "u2"], []).to_pylist() == [{"id": "u2"}]
    assert step(loaded, ["u1", "u2"], ["RATED"], "out") == [(1, "RATED", "tt02")]
    assert step(loaded, ["tt01", "tt03"], ["RATED"], "in") == []
    assert loaded.degrees(["u1", "tt01", "tt03"], ["RATED"], "in").tolist() == [0, 0, 0]
    assert counts(loaded) == before | {"User": 1, "RATED": 1}


def test_a_user_who_comes_back_has_no_feedback(loaded, step):
    loaded.delete_nodes("User", ["u1"])
    loaded.upsert_nodes("User", [{"id": "u1"}])
    assert loaded.get_nodes("User", ["u1"], ["labels"]).to_pylist() == [{"id": "u1", "labels": None}]
    assert step(loaded, ["u1"], ["RATED"], "out") == []


def test_a_catalog_goes_with_all_its_offers(loaded, counts):
    before = counts(loaded)
    assert loaded.delete_nodes("Catalog", ["north"]) == 1
    assert loaded.offered(Scope("north")).num_rows == 0
    assert loaded.offered(Scope()).column("id").to_pylist() == ["tt02", "tt06", "tt10"]
    assert counts(loaded) == before | {"Catalog": 1, "OFFERS": 3}


@pytest.mark.parametrize("ids", [[], ["u7"], ["tt01"]])
def test_nothing_to_delete(loaded, contents, ids):
    before = contents(loaded)
    assert loaded.delete_nodes("User", ids) == 0
    assert contents(loaded) == before


def test_relationships_go_one_by_one(loaded, step):
    gone = [
        {"head": "u1", "tail": "tt01", "key": "like"},
        {"head": "u1", "tail": "tt01", "key": "watch"},
        {"head": "u1", "tail": "tt03"},
        {"head": "u9", "tail": "tt01", "key": "like"},
        {"head": "u2", "tail": "tt02", "key": "rating"},
    ]
    assert loaded.delete_relationships("RATED", gone) == 2
    assert step(loaded, ["u1", "u2"], ["RATED"], "out") == [
        (0, "RATED", "tt01"),
        (0, "RATED", "tt03"),
    ]
    assert loaded.get_nodes("User", ["u1", "u2"], []).num_rows == 2
    assert loaded.delete_relationships("RATED", gone) == 0


def test_an_offer_withdrawn_is_not_offered_at_once(loaded):
    assert loaded.delete_relationships("OFFERS", [{"head": "north", "tail": "tt04", "key": "n4b"}]) == 1
    assert loaded.offered(Scope("north", region="US")).column("id").to_pylist() == ["item:1", "tt01", "tt02"]
    assert {"id": "tt04", "item_id": "n4"} in loaded.offered(Scope("north")).to_pylist()


@pytest.mark.parametrize("row", [{"head": "u1"}, {"tail": "tt01"}, {}])
def test_a_relationship_to_delete_names_both_ends(loaded, contents, row):
    before = contents(loaded)
    with pytest.raises(StoreError):
        loaded.delete_relationships("RATED", [{"head": "u1", "tail": "tt01", "key": "like"}, row])
    assert contents(loaded) == before


@pytest.mark.parametrize(
    ("method", "name", "given"),
    [
        ("delete_nodes", "Title", ["tt11"]),
        ("delete_nodes", "Genre", ["Drama"]),
        ("delete_relationships", "DIRECTED", [{"head": "nm1", "tail": "tt01", "key": "4"}]),
        ("delete_relationships", "IN_GENRE", [{"head": "tt01", "tail": "Drama", "key": ""}]),
    ],
)
def test_what_only_a_load_changes_cannot_be_deleted(loaded, contents, method, name, given):
    before = contents(loaded)
    with pytest.raises(StoreError, match=name):
        getattr(loaded, method)(name, given)
    assert contents(loaded) == before
