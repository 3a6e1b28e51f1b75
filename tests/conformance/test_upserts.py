"""Upserts: of what is live and of the graph itself."""

from __future__ import annotations

import datetime as dt

import pytest

from graph.schema import arrow_schema
from graph.store import Scope

U9 = {"id": "u9", "labels": ["new"]}


def test_a_new_user_and_feedback(loaded, step):
    assert loaded.upsert_nodes("User", [U9, {"id": "u8"}]) == 2
    row = {"head": "u9", "tail": "tt06", "key": "rating", "type": "rating", "value": 4.0, "timestamp": 1800000000}
    assert loaded.upsert_relationships("RATED", [row]) == 1
    users = loaded.get_nodes("User", ["u8", "u9"], ["labels"]).to_pylist()
    assert users == [{"id": "u8", "labels": None}, {"id": "u9", "labels": ["new"]}]
    assert step(loaded, ["u9", "u8"], ["RATED"], "out", properties=["value", "timestamp"]) == [
        (0, "RATED", "tt06", "rating", 4.0, 1800000000)
    ]
    assert loaded.degrees(["tt06"], ["RATED"], "in").tolist() == [1]


def test_a_new_offer_counts_at_once(loaded):
    scope = Scope("west", region="NO", on=dt.date(2026, 5, 1))
    assert loaded.offered(scope).num_rows == 0
    loaded.upsert_nodes("Catalog", [{"id": "west", "name": "West"}])
    offer = {"head": "west", "tail": "tt09", "key": "w", "item_id": "w", "regions": ["NO"]}
    loaded.upsert_relationships("OFFERS", [offer | {"available_until": dt.date(2026, 5, 1)}])
    assert loaded.offered(scope).to_pylist() == [{"id": "tt09", "item_id": "w"}]
    loaded.upsert_relationships("OFFERS", [offer | {"available_until": dt.date(2026, 4, 30)}])
    assert loaded.offered(scope).num_rows == 0
    assert loaded.offered(Scope("west")).to_pylist() == [{"id": "tt09", "item_id": "w"}]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("User", U9),
        ("Catalog", {"id": "west", "name": "West"}),
        ("RATED", {"head": "u1", "tail": "tt06", "key": "like", "type": "like"}),
        ("OFFERS", {"head": "south", "tail": "tt09", "key": "s9", "item_id": "s9", "regions": ["ES", "PT"]}),
        ("Title", {"id": "item:2", "kind": "movie", "title": "A New One"}),
        ("Person", {"id": "nm9", "name": "Ida Stone", "professions": ["actress"]}),
        ("Keyword", {"id": "snow"}),
        ("ACTED_IN", {"head": "nm8", "tail": "tt03", "key": "1", "ordering": 1, "characters": ["Judge"]}),
        ("HAS_KEYWORD", {"head": "tt02", "tail": "sea"}),
    ],
)
def test_a_second_upsert_changes_nothing(loaded, contents, name, row):
    write = loaded.upsert_nodes if "id" in row else loaded.upsert_relationships
    before = contents(loaded)
    assert write(name, [row]) == 1
    once = contents(loaded)
    assert write(name, [row]) == 1
    assert contents(loaded) == once
    (added,) = (found for found in once[name] if found not in before[name])
    assert added == dict.fromkeys(arrow_schema(name).names) | ({} if "id" in row else {"key": ""}) | row
    assert once | {name: None} == before | {name: None}


@pytest.mark.parametrize(
    ("label", "row"),
    [
        ("User", {"id": "u1", "labels": ["sea"]}),
        ("Catalog", {"id": "south", "name": "South"}),
        ("Person", {"id": "nm1", "death_year": 2021}),
        ("Title", {"id": "tt04", "num_votes": 301, "average_rating": 6.2}),
    ],
)
def test_an_update_changes_just_the_properties_named(loaded, rows, label, row):
    (old,) = (old for old in rows[label] if old["id"] == row["id"])
    loaded.upsert_nodes(label, [row])
    whole = dict.fromkeys(arrow_schema(label).names) | old | row
    assert loaded.get_nodes(label, [row["id"]]).to_pylist() == [whole]
    loaded.upsert_nodes(label, [{"id": row["id"]}])
    assert loaded.get_nodes(label, [row["id"]]).to_pylist() == [whole]


def test_a_property_named_as_null_becomes_null(loaded, step):
    loaded.upsert_nodes("User", [{"id": "u1", "labels": None}])
    loaded.upsert_nodes("Title", [{"id": "tt04", "num_votes": None}])
    loaded.upsert_relationships("RATED", [{"head": "u1", "tail": "tt01", "key": "rating", "value": None}])
    assert loaded.get_nodes("User", ["u1"], ["labels"]).to_pylist() == [{"id": "u1", "labels": None}]
    assert loaded.get_nodes("Title", ["tt04"], ["num_votes", "title"]).to_pylist() == [
        {"id": "tt04", "num_votes": None, "title": "Night Ferry"}
    ]
    assert step(loaded, ["u1"], ["RATED"], "out", properties=["value"])[1] == (0, "RATED", "tt01", "rating", None)


def test_rows_of_one_batch_may_name_different_properties(loaded):
    loaded.upsert_nodes("Catalog", [{"id": "west"}, {"name": "North", "id": "north"}, {"id": "east", "name": "East"}])
    assert [row["name"] for row in loaded.get_nodes("Catalog", ["north", "east", "west"]).to_pylist()] == [
        "North",
        "East",
        None,
    ]


def test_the_later_of_two_rows_for_one_node_wins(loaded):
    loaded.upsert_nodes("User", [{"id": "u9", "labels": ["a"]}, {"id": "u9", "labels": ["b"]}, {"id": "u9"}])
    assert loaded.get_nodes("User", ["u9"], ["labels"]).to_pylist() == [{"id": "u9", "labels": ["b"]}]


def test_an_update_of_a_relationship_changes_just_the_properties_named(loaded, step):
    loaded.upsert_relationships("RATED", [{"head": "u2", "tail": "tt02", "key": "rating", "value": 3.5}])
    loaded.upsert_relationships("WROTE", [{"head": "nm3", "tail": "tt02", "key": "3", "job": "based on a story"}])
    assert step(loaded, ["u2"], ["RATED"], "out", properties=["value", "timestamp"]) == [
        (0, "RATED", "tt02", "rating", 3.5, 1700000100)
    ]
    assert step(loaded, ["nm3"], ["WROTE"], "out", properties=["ordering", "job"]) == [
        (0, "WROTE", "tt02", "2", 2, "screenplay"),
        (0, "WROTE", "tt02", "3", 3, "based on a story"),
    ]


def test_another_key_is_another_relationship(loaded, step):
    feedback = {"head": "u2", "tail": "tt02"}
    loaded.upsert_relationships("RATED", [feedback | {"key": "like", "type": "like"}, feedback])
    found = step(loaded, ["u2"], ["RATED"], "out", properties=["value"])
    assert [row[3:] for row in found] == [("", None), ("like", None), ("rating", 2.0)]


def test_a_new_title_is_found_and_joined(loaded, step):
    loaded.upsert_nodes("Title", [{"id": "item:2", "kind": "movie", "title": "Quarry Song", "is_adult": False}])
    loaded.upsert_relationships("DIRECTED", [{"head": "nm8", "tail": "item:2", "key": "1", "ordering": 1}])
    assert step(loaded, ["item:2"], ["DIRECTED"], "in") == [(0, "DIRECTED", "nm8")]
    assert ("item:2", "primary") in {(hit.id, hit.type) for hit in loaded.search_text("Quarry Song", 5)}
    assert step(loaded, ["nm1"], ["WROTE"], "out") == [(0, "WROTE", "tt04")]


def test_a_title_that_turns_out_to_be_adult_is_no_longer_answered(loaded):
    loaded.upsert_nodes("Title", [{"id": "tt02", "is_adult": True}])
    assert loaded.offered(Scope("south")).column("id").to_pylist() == ["tt06", "tt10"]
    assert "tt02" not in {hit.id for hit in loaded.search_text("Paper Lanterns", 5)}
    assert "tt02" in {hit.id for hit in loaded.search_text("Paper Lanterns", 5, adult=True)}
