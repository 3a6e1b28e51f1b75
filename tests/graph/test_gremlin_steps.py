"""Every traversal that the store can send has only what Neptune accepts: its steps, its types, one value a property."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from aenum import Enum
from gremlin_python.process.traversal import (
    Bytecode,
    Cardinality,
    CardinalityValue,
    Direction,
    Merge,
    P,
    T,
)
from gremlin_python.statics import long

from graph import reads
from graph.store import Provenance, Scope, open_store
from graph.stores import gremlin_traversals as traversals
from graph.stores.gremlin_connection import Connection
from graph.stores.gremlin_writing import edge, vertex
from graph.tables import finish_tables, rows_to_table, write_table
from tests.servers.gremlin_server import wiped

# From AWS's pages "Native Gremlin step support in Amazon Neptune" and "Gremlin standards compliance in Amazon Neptune":
# what is always or in some cases converted to native operations. `none` is what `iterate()` of every driver sends.
STEPS = {
    "V", "E", "mergeV", "mergeE", "option", "property", "properties", "drop", "sideEffect", "none",
    "has", "hasId", "hasLabel", "hasNot", "where", "not", "or", "is", "limit", "dedup",
    "in", "out", "inE", "outE", "outV",
    "id", "values", "valueMap", "project", "by", "fold", "unfold", "count", "groupCount",
}  # fmt: skip
VALUES = (str, bool, int, float, long)
ENUMS = (T.id, T.label, Direction.OUT, Direction.IN, Merge.on_create, Merge.on_match, Cardinality.single)
PREDICATES = {"lt", "lte"}
MOST_STEPS = 1_500  # of one request, by AWS's advice on upserts


def walk(code: Bytecode) -> int:
    """Fail on anything that is not in these lists; returns how many steps there are."""
    assert code.source_instructions == [], "no strategies and no side effects of the source"
    steps, merging = 0, ""
    for name, *arguments in code.step_instructions:
        assert name in STEPS, name
        steps += 1
        if name == "property":
            assert arguments[0] == Cardinality.single, "a property is single, or Neptune adds a second value"
        merging = name if name in ("mergeV", "mergeE") else merging
        if name == "option" and merging == "mergeV" and arguments[0] == Merge.on_match:
            assert all(isinstance(one, CardinalityValue) for one in arguments[1].values())
        steps += sum(check(argument) for argument in arguments)
    return steps


def check(value: object) -> int:
    """The same of an argument."""
    if isinstance(value, CardinalityValue):
        name, cardinality, held = value.source_instructions[0]
        assert (name, cardinality) == ("CardinalityValueTraversal", Cardinality.single)
        return check(held)
    if isinstance(value, Bytecode):
        return walk(value)
    if isinstance(value, P):
        assert value.operator in PREDICATES
        return check(value.value)
    if isinstance(value, dict):
        return sum(check(key) + check(one) for key, one in value.items())
    if isinstance(value, Enum):
        assert value in ENUMS
        return 0
    assert type(value) in VALUES, type(value)
    assert type(value) is not int or -(2**31) <= value < 2**31, "larger ones must be long"
    return 0


TITLE = vertex(
    "Title", "tt1", {"title": "A", "num_votes": 2**40, "average_rating": 7.5, "is_adult": True, "text": None}
)
ACTED = edge("ACTED_IN", ("nm1", "tt1", "1"), {"ordering": 1, "characters": ["a", "b"], "category": None})
PARTS = {
    "a": traversals.some_nodes(traversals.of_ids(["tt1"]), "Title", ["title"]),
    "b": traversals.some_edges(traversals.of_ids(["nm1"]), ["ACTED_IN"], "out", [], 5),
    "c": traversals.some_degrees(traversals.of_ids(["nm1"]), ["ACTED_IN"], "in"),
}
ARGUMENTS = {
    "merge_vertices": [[TITLE]],
    "merge_edges": [[ACTED]],
    "make_once": [[("Release/graph", "Release", {"version": ""})]],
    "drop_vertices": [["tt1"]],
    "drop_edges": [["nm1|ACTED_IN|tt1|1"]],
    "keep_titles": [["tt1"], ["RATED"]],
    "drop_titles": [["tt1"], ["RATED"]],
    "touch_offers": ["token"],
    "move_release": [("Release/graph", "Release", {"version": "1"}, []), [], ["Release/old"]],
    "take_lease": ["me", long(2**40), long(2**40)],
    "leave_lease": ["me"],
    "clear_vertices": [["tt1"], "embedding_a"],
    "clear_edges": [["nm1|ACTED_IN|tt1|1"], "category"],
    "releases": [],
    "any_of": [["Title", "Person"]],
    "existing": [["tt1"]],
    "existing_edges": [["nm1|ACTED_IN|tt1|1"]],
    "edges": [["u1|RATED|tt1|like"], ["value"]],
    "edges_from": [["Catalog/north"], "OFFERS"],
    "together": [PARTS],
    "of_ids": [["nm1"]],
    "beyond": [traversals.of_ids(["nm1"]), ["ACTED_IN"], "out", 9, "Catalog/north"],
    "some_nodes": [traversals.beyond(traversals.of_ids(["nm1"]), ["WROTE"], "out", None, ""), "Title", []],
    "some_edges": [traversals.of_ids(["tt1"]), ["ACTED_IN"], "in", ["category"], None],
    "some_degrees": [traversals.of_ids(["nm1"]), ["ACTED_IN"], "out"],
    "scan_vertices": ["Title", ["title"]],
    "scan_edges": ["OFFERS", []],
    "all_ids": ["Title"],
    "scan_slot": ["embedding_a"],
    "having": ["Title", "embedding_a"],
    "edges_having": ["ACTED_IN", "category"],
    "how_many": [traversals.having("Title", "end_year")],
    "some_having": [["tt1"], "end_year"],
    "some_edges_having": [["nm1|ACTED_IN|tt1|1"], "category"],
    "any_edge_of": ["RATED"],
    "count_vertices": [],
    "count_edges": [],
}


def made_here():
    return {
        name for name, one in inspect.getmembers(traversals, inspect.isfunction)
        if one.__module__ == traversals.__name__ and not name.startswith("_")
    }  # fmt: skip


def test_every_traversal_is_walked():
    assert made_here() == set(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_traversal_has_only_what_neptune_accepts(name):
    assert walk(getattr(traversals, name)(*ARGUMENTS[name]).bytecode) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda g: g.V("a").math("_ + 1"),
        lambda g: g.V("a").property("title", "b"),
        lambda g: g.V("a").property(Cardinality.list_, "title", "b"),
        lambda g: g.V("a").property(Cardinality.single, "title", ["b"]),
        lambda g: g.V("a").property(Cardinality.single, "votes", 2**40),
        lambda g: g.V("a").has("title", P.within("b")),
        lambda g: g.with_side_effect("x", 1).V("a"),
        lambda g: g.merge_v({T.id: "a"}).option(Merge.on_match, {"title": "b"}),
        lambda g: g.V("a").where(traversals.__.match(traversals.__.as_("x"))),
    ],
)
def test_the_walk_sees_what_neptune_would_not_take(wrong):
    with pytest.raises(AssertionError):
        walk(wrong(traversals._g).bytecode)


def test_what_a_store_really_sends_has_only_that_too(gremlin_url, tmp_path, monkeypatch):
    """A load, another one with less, writes, deletes, publishes, a rollback and every read, on the real server."""
    sent, once = [], Connection._once

    def noted(self, address, traversal, *rest):
        sent.append(traversal.bytecode)
        return once(self, address, traversal, *rest)

    monkeypatch.setattr(Connection, "_once", noted)
    rows = {
        "Title": [{"id": f"tt{n}", "title": f"Film {n}", "num_votes": 2**33} for n in range(300)],
        "Person": [{"id": "nm1", "name": "Ada", "professions": ["writer"]}],
        "Catalog": [{"id": "north", "name": "North"}],
        "User": [{"id": "u1"}],
        "DIRECTED": [{"head": "nm1", "tail": "tt1", "key": "1", "ordering": 1}],
        "OFFERS": [{"head": "north", "tail": "tt2", "key": "a|b%", "item_id": "a|b%"}],
        "RATED": [{"head": "u1", "tail": "tt3", "key": "like", "timestamp": 2**40}],
    }

    def tables(folder, without):
        for name, every in rows.items():
            listed = [row for row in every if row.get("id", row.get("tail")) not in without]
            write_table(folder, name, [rows_to_table(name, listed)])
        return finish_tables(folder, [])

    store = open_store(wiped(gremlin_url), create=True)
    store.load_tables(tables(tmp_path / "one", []))
    made = Provenance("run", "m", 2, "0", "2026-03-01T00:00:00Z")
    for _ in range(3):
        store.set_embeddings("embedding", ["tt4"], np.ones((1, 2), np.float32), made)
    store.rollback()
    store.load_tables(tables(tmp_path / "two", ["tt1", "tt3"]))
    store.upsert_nodes("User", [{"id": "u2", "labels": ["a"]}])
    store.delete_nodes("User", ["u2"])
    store.upsert_relationships("RATED", [{"head": "u1", "tail": "tt4", "key": "like", "value": 1.0}])
    store.delete_relationships("OFFERS", [{"head": "north", "tail": "tt2", "key": "a|b%"}])
    store.gather([
        reads.Text("Film 4", 3), reads.Nodes("Title", reads.Text("Film 4", 3)), reads.Offered(Scope("north")),
        reads.Neighbours(["nm1"], ["DIRECTED"], "out", most=3, properties=["job"]),
        reads.Embeddings("embedding", ["tt4"]), reads.Degrees(["tt4"], ["RATED"], "in"),
    ])  # fmt: skip
    assert dict(store.info().counts)["Title"] == 298
    assert [*store.scan_relationships("OFFERS")] == []
    store.close()
    assert max(walk(code) for code in sent) <= MOST_STEPS
    assert len(sent) > 50
