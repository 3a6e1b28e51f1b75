"""How ids lie in a Gremlin graph: no two nodes share one, and an edge's id tells its relationship."""

from __future__ import annotations

import pytest
from gremlin_python.statics import long
from hypothesis import given
from hypothesis import strategies as st

from graph.schema import NODES, RELATIONSHIPS
from graph.stores.gremlin_values import edge_id, node_id, relationship, vertex_id, whole

ids = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["tt1", "tt1:1", "nm1", "item:1", "item:1:2", "item:a/b", "Title/tt1", "Genre/Drama", "a|b%7C", ""]
    ),
)


@pytest.mark.parametrize(
    ("label", "id_", "vertex"),
    [
        ("Title", "tt0114709", "tt0114709"),
        ("Title", "item:7", "item:7"),
        ("Title", "Genre/Drama", "Title/Genre/Drama"),
        ("Title", "tt1:1", "Title/tt1:1"),
        ("Person", "nm0000158", "nm0000158"),
        ("AlternateTitle", "tt0114709:1", "tt0114709:1"),
        ("AlternateTitle", "item:7:1", "AlternateTitle/item:7:1"),
        ("Genre", "Drama", "Genre/Drama"),
        ("Keyword", "Drama", "Keyword/Drama"),
        ("User", "tt1", "User/tt1"),
    ],
)
def test_ids_of_vertices(label, id_, vertex):
    assert vertex_id(label, id_) == vertex
    assert node_id(label, vertex) == id_


def test_the_id_of_an_edge():
    assert edge_id("OFFERS", "north", "tt1", "a|b%c") == "Catalog/north|OFFERS|tt1|a%7Cb%25c"
    assert relationship("nm1|ACTED_IN|tt1|3") == ("ACTED_IN", "nm1", "tt1", "3")


@given(one=st.tuples(st.sampled_from(sorted(NODES)), ids), other=st.tuples(st.sampled_from(sorted(NODES)), ids))
def test_two_nodes_never_share_a_vertex(one, other):
    assert (vertex_id(*one) == vertex_id(*other)) == (one == other)
    assert node_id(one[0], vertex_id(*one)) == one[1]


@given(st.sampled_from(sorted(RELATIONSHIPS)), ids, ids, ids)
def test_an_edge_tells_its_relationship(type_, head, tail, key):
    assert relationship(edge_id(type_, head, tail, key)) == (type_, head, tail, key)


@pytest.mark.parametrize(
    ("value", "kind"), [(0, int), (2**31 - 1, int), (-(2**31), int), (2**31, long), (-(2**40), long)]
)
def test_numbers_get_as_many_bits_as_they_need(value, kind):
    assert (whole(value), type(whole(value))) == (value, kind)
