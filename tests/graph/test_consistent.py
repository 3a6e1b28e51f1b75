"""Reads that see one version of the graph, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from graph.consistent import at_one_version
from graph.reads import Nodes
from graph.store import GraphStore, NotInGraph, StoreBusy, open_store


class States:
    """A store that keeps no versions and is asked nothing but its state: what `states` says, call by call."""

    url = "embedded:here"

    def __init__(self, *states: str) -> None:
        self.states = list(states)

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def state(self) -> str:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


def read(store: Any, answers: list[Any]) -> Any:
    def ask() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return at_one_version(store, ask)


def test_asked_again_when_the_version_moved() -> None:
    found = read(States("1+0", "2+0", "2+0", "2+0"), ["mixed", "new"])
    assert (found.value, found.state) == ("new", "2+0")


def test_offers_may_move() -> None:
    found = read(States("1+0", "1+1"), ["answer"])
    assert (found.value, found.state) == ("answer", "1+0")


def test_an_error_of_a_moving_graph_is_none() -> None:
    assert read(States("1+0", "2+0", "2+0", "2+0"), [KeyError("gone"), "new"]).value == "new"


def test_an_error_of_a_graph_that_stays_is_raised() -> None:
    with pytest.raises(NotInGraph, match="tt9"):
        read(States("1+0"), [NotInGraph("tt9")])


def test_a_graph_that_never_stays() -> None:
    with pytest.raises(StoreBusy, match="changed 5 times while it was read; try again"):
        read(States(*(f"{number}+0" for number in range(20))), ["mixed"] * 5)


IDS = [f"tt{number:07}" for number in range(1, 61)]


def load(store: GraphStore, title: str) -> None:
    store.upsert_nodes("Title", [{"id": id_, "title": title} for id_ in IDS])


def titles(store: GraphStore) -> set[str]:
    return {row["title"] for row in store.get_nodes("Title", IDS, ["title"]).to_pylist()}


def test_a_load_in_the_middle_of_a_read_moves_it_not(random_graph: GraphStore) -> None:
    load(random_graph, "Old")
    before = random_graph.state()
    asked = []

    def ask() -> tuple[Any, ...]:
        asked.append(titles(random_graph))
        load(random_graph, f"New {len(asked)}")
        (gathered,) = random_graph.gather([Nodes("Title", IDS, ["title"])])
        return random_graph.state(), titles(random_graph), set(gathered.column("title").to_pylist())

    found = at_one_version(random_graph, ask)
    assert asked == [{"Old"}]
    assert found.value == (before, {"Old"}, {"Old"})
    assert found.state == before
    assert titles(random_graph) == {"New 1"}
    assert random_graph.state() != before


def test_a_write_in_the_middle_loses_nothing_that_came_meanwhile(random_graph: GraphStore) -> None:
    load(random_graph, "Old")
    other = open_store(random_graph.url)
    with contextlib.closing(other), random_graph.held():
        other.upsert_nodes("Title", [{"id": IDS[0], "title": "Kept"}])
        random_graph.upsert_nodes("Title", [{"id": IDS[1], "title": "New"}])
    rows = random_graph.get_nodes("Title", IDS[:3], ["title"]).to_pylist()
    assert [row["title"] for row in rows] == ["Kept", "New", "Old"]


def test_a_version_that_is_gone_is_a_reason_to_ask_again(random_graph: GraphStore) -> None:
    asked = []

    def ask() -> list[str]:
        asked.append(1)
        if len(asked) == 1:
            for number in range(4):  # more than are kept
                load(random_graph, f"Number {number}")
        return [hit.text for hit in random_graph.search_text("number 3", 1)]

    assert at_one_version(random_graph, ask).value == ["Number 3"]
    assert len(asked) == 2
