"""What is said of siblings is so in the graph, and what is not so is found out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graph.explain import Evidence, check, names_of
from graph.sibling_evidence import Known, played, sibling_evidence
from graph.siblings import Sibling
from graph.store import GraphStore
from tests.graph.test_siblings import store  # noqa: F401

NAMES = {"tt1": "Harbour Law", "nm1": "Person 1", "nm2": "Person 2", "nm3": "Person 3", "nm20": "Person 20"}
PEOPLE = {
    "tt2": [("nm1", "ACTED_IN", "ACTED_IN")],
    "tt3": [("nm1", "ACTED_IN", "ACTED_IN"), ("nm20", "WROTE", "WROTE")],
    "tt8": [],
}


def told(store: GraphStore, other: str, *because: str) -> list[Evidence]:  # noqa: F811
    alike = {other: Sibling(0.9, 1.0, because)}
    return sibling_evidence("tt1", alike, {other: PEOPLE[other]}, known(store, other))[other]


def known(store: GraphStore, other: str) -> Known:  # noqa: F811
    both = ["tt1", other]
    rows = store.get_nodes("Title", both, ["title", "original_title", "start_year"]).to_pylist()
    parts = played(both, store.neighbours(both, ["ACTED_IN"], "in", properties=["characters"]))
    people = list({person for own in parts.values() for person in own})
    return Known({row["id"]: row for row in rows}, parts, {}, {}, names_of(store, people) | NAMES)


@pytest.mark.parametrize(
    ("other", "because", "text", "path", "via"),
    [
        ("tt2", "name", "another “Harbour Law” title", ("tt1", "tt2"), ()),
        ("tt8", "name", "of the same name, 2010", ("tt1", "tt8"), ()),
        ("tt3", "part", "Hook again, played by Person 1", ("tt1", "ACTED_IN", "nm1", "ACTED_IN", "tt3"), ()),
        ("tt2", "part", "Ada Brandt again, now played by Person nm9", ("tt1", "tt2"), ("nm2", "nm9")),
        ("tt3", "people", "the same people: with Person 1, written by Person 20", ("tt1", "tt3"), ("nm1", "nm20")),
        ("tt2", "people", "with Person 1, like Harbour Law", ("tt1", "tt2"), ("nm1",)),
    ],
)
def test_each_trace_in_words(
    store: GraphStore,  # noqa: F811
    other: str, because: str, text: str, path: tuple[str, ...], via: tuple[str, ...],
) -> None:  # fmt: skip
    (reason,) = told(store, other, because)
    assert (reason.kind, reason.text, reason.path, reason.via) == (because, text, path, via)
    assert check(store, reason)
    plain = reason.as_dict()
    assert plain["path"] == list(path)
    assert plain.get("via", []) == list(via)


def test_the_most_telling_weighs_most(store: GraphStore) -> None:  # noqa: F811
    reasons = told(store, "tt3", "part", "people")
    assert [reason.kind for reason in reasons] == ["part", "people"]
    assert reasons[0].weight > reasons[1].weight > 0
    assert sibling_evidence("tt1", {}, {}, known(store, "tt3")) == {}


def test_what_is_not_so_is_found_out(store: GraphStore) -> None:  # noqa: F811
    (again,) = told(store, "tt3", "part")
    (recast,) = told(store, "tt2", "part")
    (people,) = told(store, "tt3", "people")
    (name,) = told(store, "tt2", "name")
    assert not check(store, replace(again, path=("tt1", "ACTED_IN", "nm1", "ACTED_IN", "tt2")))  # the old man
    assert not check(store, replace(recast, via=("nm2", "nm1")))
    assert not check(store, replace(people, via=("nm1", "nm2")))
    assert not check(store, replace(people, path=("tt1", "tt4")))
    assert not check(store, replace(name, path=("tt1", "tt7")))
