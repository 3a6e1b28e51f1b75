"""Reading relationships: one step from many nodes, degrees, and all of a type."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from graph.schema import RELATIONSHIPS, arrow_schema
from graph.store import StoreError


def test_a_step_out(small, step):
    assert step(small, ["nm1"], ["DIRECTED"], "out") == [
        (0, "DIRECTED", "tt01"),
        (0, "DIRECTED", "tt04"),
        (0, "DIRECTED", "tt05"),
        (0, "DIRECTED", "tt09"),
    ]


def test_a_step_in(small, step):
    assert step(small, ["tt06", "tt01"], ["EPISODE_OF", "EDITED"], "in") == [
        (0, "EPISODE_OF", "tt07"),
        (0, "EPISODE_OF", "tt08"),
        (1, "EDITED", "nm6"),
    ]


def test_rows_come_in_the_order_of_the_types_then_of_the_ids(small, step):
    assert step(small, ["nm3", "nobody", "nm1"], ["WROTE", "DIRECTED"], "out") == [
        (0, "WROTE", "tt02"),
        (0, "WROTE", "tt02"),
        (2, "WROTE", "tt04"),
        (0, "DIRECTED", "tt02"),
        (0, "DIRECTED", "tt10"),
        (2, "DIRECTED", "tt01"),
        (2, "DIRECTED", "tt04"),
        (2, "DIRECTED", "tt05"),
        (2, "DIRECTED", "tt09"),
    ]


def test_live_and_bulk_types_in_one_step_keep_that_order(small, step):
    assert step(small, ["tt10", "tt02"], ["OFFERS", "DIRECTED", "RATED"], "in") == [
        (0, "OFFERS", "south"),
        (1, "OFFERS", "north"),
        (1, "OFFERS", "south"),
        (0, "DIRECTED", "nm3"),
        (1, "DIRECTED", "nm3"),
        (1, "RATED", "u2"),
    ]


def test_an_id_asked_for_twice_is_two_sources(small, step):
    assert step(small, ["nm6", "nm6"], ["EDITED"], "out") == [(0, "EDITED", "tt01"), (1, "EDITED", "tt01")]


def test_someone_who_is_twice_in_a_title_is_two_rows_told_apart_by_key(small, step):
    assert step(small, ["tt01"], ["ACTED_IN"], "in", properties=["category", "characters"]) == [
        (0, "ACTED_IN", "nm2", "1", "actor", ["Captain", "Old Captain"]),
        (0, "ACTED_IN", "nm2", "3", "self", None),
        (0, "ACTED_IN", "nm4", "2", "actress", ["Mara"]),
    ]


def test_a_property_is_null_where_a_type_has_none_of_that_name(small, step):
    assert step(small, ["tt04"], ["PRODUCED", "ACTED_IN", "KNOWN_FOR"], "in", properties=["job", "category"]) == [
        (0, "PRODUCED", "nm7", "4", "executive producer", None),
        (0, "ACTED_IN", "nm4", "1", None, "actress"),
        (0, "KNOWN_FOR", "nm1", "", None, None),
    ]


def test_live_properties(small, step):
    assert step(small, ["u1", "u2"], ["RATED"], "out", properties=["value", "timestamp"]) == [
        (0, "RATED", "tt01", "like", None, 1700000000),
        (0, "RATED", "tt01", "rating", 4.5, None),
        (0, "RATED", "tt03", "watch", None, None),
        (1, "RATED", "tt02", "rating", 2.0, 1700000100),
    ]
    names = ["item_id", "regions", "available_from", "available_until", "match", "confidence"]
    assert step(small, ["tt01"], ["OFFERS"], "in", properties=names) == [
        (0, "OFFERS", "north", "n1", "n1", ["US", "GB"], dt.date(2026, 3, 1), dt.date(2026, 3, 31), "id", 1.0)
    ]


def test_a_null_property_of_a_relationship_stays_null(small, step):
    assert step(small, ["tt06"], ["EPISODE_OF"], "in", properties=["season", "episode"]) == [
        (0, "EPISODE_OF", "tt07", "", 1, 1),
        (0, "EPISODE_OF", "tt08", "", 1, None),
    ]
    assert step(small, ["tt09"], ["DIRECTED"], "in", properties=["ordering"]) == [(0, "DIRECTED", "nm1", "", None)]


def test_the_same_name_under_two_labels_is_two_nodes(small, step):
    assert step(small, ["Drama"], ["HAS_KEYWORD"], "in") == [(0, "HAS_KEYWORD", "tt10")]
    genre = step(small, ["Drama"], ["IN_GENRE"], "in")
    assert [row[2] for row in genre] == ["item:1", "tt01", "tt02", "tt04", "tt05", "tt06"]


def test_ids_of_other_labels_have_no_such_relationships(small, step):
    assert step(small, ["tt01", "u1", "Drama"], ["DIRECTED"], "out") == []


@pytest.mark.parametrize(("ids", "types"), [([], ["DIRECTED"]), (["nm1"], []), (["nm9"], ["DIRECTED", "RATED"])])
def test_an_empty_step_still_has_its_columns(small, ids, types):
    assert small.neighbours(ids, types, "out").num_rows == 0
    assert small.neighbours(ids, types, "out").column_names == ["source", "type", "neighbour"]


def test_a_type_that_the_graph_lacks_is_an_empty_step(small, step):
    assert step(small, ["tt01"], ["CAST", "EDITED"], "in") == [(0, "EDITED", "nm6")]
    for direction, id_, found in (("in", "tt01", "nm6"), ("out", "nm6", "tt01")):
        assert step(small, [id_], ["CAST", "EDITED"], direction, properties=["ordering", "job"]) == [
            (0, "EDITED", found, "6", 6, None)
        ]


@pytest.mark.parametrize(
    ("types", "properties"),
    [(["DIRECTED"], ()), (["DIRECTED", "IN_GENRE"], ("ordering", "job")), (["OFFERS", "RATED"], ("regions", "value"))],
)
def test_the_columns_of_a_step(small, types, properties):
    schema = small.neighbours(["tt01"], types, "in", properties=properties).schema
    assert schema.names == ["source", "type", "neighbour", *(["key", *properties] if properties else [])]
    assert schema.field("source").type == pa.int32()
    for name in ("type", "neighbour"):
        assert pa.types.is_dictionary(schema.field(name).type)
        assert schema.field(name).type.value_type in (pa.string(), pa.large_string())
    wanted = {p.name: p.arrow_type for type_ in types for p in RELATIONSHIPS[type_].properties}
    assert {name: schema.field(name).type for name in properties} == {name: wanted[name] for name in properties}


@pytest.mark.parametrize("types", [["PAINTED"], ["DIRECTED", "PAINTED"], ["Title"]])
def test_an_unknown_type_is_a_store_error(small, types):
    with pytest.raises(StoreError, match=types[-1]):
        small.neighbours(["nm1"], types, "out")
    with pytest.raises(StoreError, match=types[-1]):
        small.degrees(["nm1"], types, "out")
    with pytest.raises(StoreError, match=types[-1]):
        list(small.scan_relationships(types[-1]))


def test_degrees_add_up_the_types(small):
    found = small.degrees(["nm1", "nobody", "nm3", "nm8", "nm3"], ["DIRECTED", "WROTE"], "out")
    assert found.dtype == np.int64
    assert found.tolist() == [5, 0, 4, 0, 4]


def test_degrees_count_every_relationship_not_every_neighbour(small):
    assert small.degrees(["tt01", "tt02"], ["ACTED_IN"], "in").tolist() == [3, 0]
    assert small.degrees(["tt01", "tt04", "tt05"], ["OFFERS", "RATED", "DIRECTED"], "in").tolist() == [4, 3, 2]


def test_degrees_of_nothing(small):
    assert small.degrees([], ["DIRECTED"], "out").shape == (0,)
    assert small.degrees(["nm1"], [], "out").tolist() == [0]


def test_scan_gives_all_relationships_of_a_type(small):
    batches = list(small.scan_relationships("DIRECTED"))
    assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
    rows = sorted(tuple(row.values()) for batch in batches for row in batch.to_pylist() if row["ordering"])
    assert rows == [
        ("nm1", "tt01", "4", 4, None),
        ("nm1", "tt04", "2", 2, None),
        ("nm1", "tt05", "2", 2, None),
        ("nm3", "tt02", "1", 1, None),
        ("nm3", "tt10", "1", 1, "co-director"),
    ]
    assert sum(batch.num_rows for batch in batches) == 6


def test_scan_gives_only_the_properties_asked_for(small):
    rows = [row for batch in small.scan_relationships("EPISODE_OF", ["episode"]) for row in batch.to_pylist()]
    assert sorted(rows, key=lambda row: row["head"]) == [
        {"head": "tt07", "tail": "tt06", "key": "", "episode": 1},
        {"head": "tt08", "tail": "tt06", "key": "", "episode": None},
    ]


def test_scan_of_live_relationships(small):
    batches = small.scan_relationships("RATED", ["type", "value", "timestamp"])
    rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    assert sorted(rows, key=lambda row: row[:3]) == [
        ("u1", "tt01", "like", "like", None, 1700000000),
        ("u1", "tt01", "rating", "rating", 4.5, None),
        ("u1", "tt03", "watch", "watch", None, None),
        ("u2", "tt02", "rating", "rating", 2.0, 1700000100),
    ]


def test_a_scan_has_the_schemas_columns(small):
    for type_, kind in RELATIONSHIPS.items():
        for batch in small.scan_relationships(type_):
            assert [(f.name, f.type) for f in batch.schema] == [(f.name, f.type) for f in kind.arrow_schema()]


def test_what_is_loaded_is_what_is_held(small, contents, rows):
    held = contents(small)
    assert {name: len(members) for name, members in held.items()} == {name: len(rows[name]) for name in rows}
    for name, members in rows.items():
        nothing = dict.fromkeys(arrow_schema(name).names)
        assert all(nothing | row in held[name] for row in members)
