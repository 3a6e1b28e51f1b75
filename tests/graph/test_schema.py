"""What the schema promises to everything that derives from it."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from graph.schema import ARROW_TYPES, CREDITS, NODES, RELATIONSHIPS, arrow_schema, is_live

EVERY = {**NODES, **RELATIONSHIPS}
PROPERTIES = [(name, p) for name, kind in EVERY.items() for p in kind.properties]


def test_each_is_listed_under_its_own_name():
    assert [node.label for node in NODES.values()] == list(NODES)
    assert [kind.type for kind in RELATIONSHIPS.values()] == list(RELATIONSHIPS)


def test_no_name_is_both_a_label_and_a_type():
    assert not NODES.keys() & RELATIONSHIPS.keys()


@pytest.mark.parametrize("label", NODES)
def test_labels_are_upper_camel(label):
    assert re.fullmatch(r"([A-Z][a-z]+)+", label)


@pytest.mark.parametrize("type_", RELATIONSHIPS)
def test_types_are_upper_snake(type_):
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", type_)


@pytest.mark.parametrize("kind", RELATIONSHIPS.values(), ids=lambda kind: kind.type)
def test_both_ends_of_a_relationship_are_labels(kind):
    assert kind.head in NODES
    assert kind.tail in NODES


@pytest.mark.parametrize("kind", RELATIONSHIPS.values(), ids=lambda kind: kind.type)
def test_a_key_comes_from_a_property_of_the_relationship(kind):
    assert kind.key_from is None or kind.key_from in {p.name for p in kind.properties}


@pytest.mark.parametrize(("name", "p"), PROPERTIES, ids=lambda value: getattr(value, "name", value))
def test_a_property_has_a_snake_case_name_a_known_type_and_a_meaning(name, p):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", p.name)
    assert p.arrow_type == ARROW_TYPES[p.type]
    assert len(p.meaning.strip()) > 3


def test_no_property_is_declared_twice_or_takes_a_column_that_tables_need():
    for name, kind in EVERY.items():
        names = arrow_schema(name).names
        assert len(set(names)) == len(names) == len(kind.properties) + (1 if name in NODES else 3)


def test_one_property_name_has_one_type_over_all_relationships():
    # `neighbours` answers several types in one column for each property.
    types = {}
    for kind in RELATIONSHIPS.values():
        for p in kind.properties:
            assert types.setdefault(p.name, p.type) == p.type


@pytest.mark.parametrize("kind", EVERY.values(), ids=list(EVERY))
def test_each_has_a_meaning(kind):
    assert len(kind.meaning.strip()) > 5


@pytest.mark.parametrize("node", NODES.values(), ids=list(NODES))
def test_an_id_has_a_name_in_the_engines_that_no_property_has(node):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", node.id_name)
    assert node.id_name == "name" or node.id_name not in {p.name for p in node.properties}


def test_the_columns_of_a_label():
    assert NODES["Person"].arrow_schema() == pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("name", pa.string()),
            pa.field("birth_year", pa.int64()),
            pa.field("death_year", pa.int64()),
            pa.field("professions", pa.list_(pa.string())),
        ]
    )


def test_the_columns_of_a_type():
    assert RELATIONSHIPS["OFFERS"].arrow_schema() == pa.schema(
        [
            pa.field("head", pa.string(), nullable=False),
            pa.field("tail", pa.string(), nullable=False),
            pa.field("key", pa.string(), nullable=False),
            pa.field("item_id", pa.string()),
            pa.field("regions", pa.list_(pa.string())),
            pa.field("available_from", pa.date32()),
            pa.field("available_until", pa.date32()),
            pa.field("match", pa.string()),
            pa.field("confidence", pa.float64()),
            pa.field("hidden", pa.bool_()),
            pa.field("categories", pa.list_(pa.string())),
            pa.field("labels", pa.string()),
            pa.field("comment", pa.string()),
            pa.field("timestamp", pa.int64()),
            pa.field("nanos", pa.int64()),
            pa.field("pinned", pa.int64()),
            pa.field("boost", pa.float64()),
        ]
    )


def test_columns_by_name():
    for name, kind in EVERY.items():
        assert arrow_schema(name) == kind.arrow_schema()
    with pytest.raises(KeyError):
        arrow_schema("Film")


def test_what_is_written_while_the_service_runs():
    assert {name for name in EVERY if is_live(name)} == {
        "Catalog", "User", "Search", "ApiKey", "Refresh", "Experiment", "OFFERS", "RATED", "SHOWN",
    }  # fmt: skip
    with pytest.raises(KeyError):
        is_live("Film")


def test_what_touches_a_live_node_is_live():
    # Otherwise a delete of live nodes would have to change what only a load may change.
    for kind in RELATIONSHIPS.values():
        assert kind.live == (NODES[kind.head].live or NODES[kind.tail].live)


def test_credits_are_every_way_from_people_to_titles_but_known_for():
    ways = {name for name, kind in RELATIONSHIPS.items() if (kind.head, kind.tail) == ("Person", "Title")}
    assert set(CREDITS) == ways - {"KNOWN_FOR"}
    assert len(set(CREDITS)) == len(CREDITS)
