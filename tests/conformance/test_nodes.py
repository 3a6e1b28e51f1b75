"""Reading nodes: by id, and all of a label."""

from __future__ import annotations

import pyarrow as pa
import pytest

from graph.schema import NODES, arrow_schema
from graph.store import StoreError


def test_every_property_comes_back_as_it_was_loaded(small):
    assert small.get_nodes("Title", ["tt06"]).to_pylist() == [
        {
            "id": "tt06",
            "kind": "tvSeries",
            "title": "Tide Tables",
            "original_title": "Tide Tables",
            "start_year": 2012,
            "end_year": 2014,
            "runtime_minutes": 45,
            "is_adult": False,
            "average_rating": 8.0,
            "num_votes": 5000,
            "poster_url": None,
            "text": None,
        }
    ]


def test_missing_values_stay_null(small):
    (row,) = small.get_nodes("Title", ["tt11"]).to_pylist()
    assert (row.pop("id"), row.pop("kind")) == ("tt11", "video")
    assert set(row.values()) == {None}


def test_a_title_that_only_a_catalog_knows_is_a_title(small):
    properties = ["title", "is_adult", "poster_url"]
    assert small.get_nodes("Title", ["item:1"], properties).to_pylist() == [
        {"id": "item:1", "title": "Our House", "is_adult": None, "poster_url": "https://example.org/1.jpg"}
    ]


def test_rows_come_in_the_order_of_the_ids_without_those_not_found(small):
    ids = ["tt09", "tt99", "item:1", "tt01", "tt0", "tt02"]
    assert small.get_nodes("Title", ids, ["title"]).to_pylist() == [
        {"id": "tt09", "title": "Gulls"},
        {"id": "item:1", "title": "Our House"},
        {"id": "tt01", "title": "The Glass Harbour"},
        {"id": "tt02", "title": "Paper Lanterns"},
    ]


def test_an_id_asked_for_twice_is_found_twice(small):
    assert small.get_nodes("Title", ["tt02", "tt01", "tt02"], []).to_pylist() == [
        {"id": "tt02"},
        {"id": "tt01"},
        {"id": "tt02"},
    ]


def test_lists_are_lists_in_their_order(small):
    assert small.get_nodes("Person", ["nm3", "nm4", "nm1"], ["professions"]).to_pylist() == [
        {"id": "nm3", "professions": ["writer", "director"]},
        {"id": "nm4", "professions": None},
        {"id": "nm1", "professions": ["director", "writer"]},
    ]


def test_ids_belong_to_their_label(small):
    assert small.get_nodes("Person", ["tt01"]).num_rows == 0
    assert small.get_nodes("Genre", ["Drama", "sea"]).to_pylist() == [{"id": "Drama"}]
    assert small.get_nodes("Keyword", ["Drama", "sea"]).to_pylist() == [{"id": "Drama"}, {"id": "sea"}]


def test_live_nodes_are_read_like_all_others(small):
    assert small.get_nodes("Catalog", ["south", "west", "north"]).to_pylist() == [
        {"id": "south", "name": None, "strategy": None},
        {"id": "north", "name": "North Stream", "strategy": None},
    ]
    assert small.get_nodes("User", ["u2", "u1"], ["labels"]).to_pylist() == [
        {"id": "u2", "labels": None},
        {"id": "u1", "labels": ["kids", "sea"]},
    ]


@pytest.mark.parametrize("strange", ["", "tt01\x00", "TT01", " tt01", "ｔｔ01", "tt01' OR '1'='1", "tt01" * 500])
@pytest.mark.parametrize("label", ["Title", "User"])
def test_an_id_that_nothing_has_is_not_found(small, label, strange):
    assert small.get_nodes(label, [strange]).num_rows == 0


def test_an_id_that_is_no_text_is_not_found(small):
    assert small.get_nodes("User", ["\ud800"]).num_rows == 0
    assert small.get_nodes("Title", ["\ud800"]).num_rows == 0


@pytest.mark.parametrize("label", NODES)
def test_answers_have_the_schemas_columns_even_when_empty(small, label):
    answer = small.get_nodes(label, ["nobody"])
    assert {f.name: f.type for f in answer.schema} == {f.name: f.type for f in NODES[label].arrow_schema()}
    assert answer.num_rows == 0


@pytest.mark.parametrize("method", ["get_nodes", "scan_nodes"])
@pytest.mark.parametrize(("label", "properties"), [("Film", None), ("DIRECTED", None), ("Title", ["colour"])])
def test_an_unknown_label_or_property_is_a_store_error(small, method, label, properties):
    asked = [label, ["tt01"], properties] if method == "get_nodes" else [label, properties]
    with pytest.raises(StoreError, match=label if properties is None else properties[0]):
        list(getattr(small, method)(*asked))


def test_scan_gives_all_nodes_ordered_by_id(small):
    found = [row["id"] for batch in small.scan_nodes("Title") for row in batch.to_pylist()]
    assert found == ["item:1", *(f"tt{n:02d}" for n in range(1, 12))]


@pytest.mark.parametrize(
    ("label", "ids"),
    [
        ("Person", ["nm1", "nm2", "nm3", "nm4", "nm5", "nm6", "nm7", "nm8"]),
        ("Genre", ["Animation", "Crime", "Drama"]),
        ("Keyword", ["Drama", "sea"]),
        ("AlternateTitle", ["tt01:1", "tt02:1", "tt02:2", "tt05:1", "tt10:1"]),
        ("Catalog", ["north", "south"]),
        ("User", ["u1", "u2"]),
    ],
)
def test_scan_works_for_every_label(small, label, ids):
    assert [row["id"] for batch in small.scan_nodes(label, []) for row in batch.to_pylist()] == ids


def test_scan_gives_batches_of_the_properties_asked_for(small):
    batches = list(small.scan_nodes("AlternateTitle", ["language", "types"]))
    assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
    assert [row for batch in batches for row in batch.to_pylist()] == [
        {"id": "tt01:1", "language": "de", "types": ["imdbDisplay"]},
        {"id": "tt02:1", "language": "ru", "types": ["imdbDisplay", "dvd"]},
        {"id": "tt02:2", "language": None, "types": None},
        {"id": "tt05:1", "language": "fr", "types": None},
        {"id": "tt10:1", "language": "ar", "types": ["festival"]},
    ]


def test_a_scan_has_the_schemas_types(small):
    for label, node in NODES.items():
        wanted = {f.name: f.type for f in node.arrow_schema()}
        for batch in small.scan_nodes(label):
            assert {f.name: f.type for f in batch.schema} == wanted


def test_scans_have_the_columns_of_the_schema(small):
    for name, scan in (("Title", small.scan_nodes), ("OFFERS", small.scan_relationships)):
        assert next(scan(name)).schema.equals(arrow_schema(name))
