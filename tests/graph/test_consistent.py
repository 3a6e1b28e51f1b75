"""Reads that see one version of the graph, whatever happens meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from graph.consistent import at_one_version
from graph.store import GraphStore, NotInGraph, StoreBusy


class States:
    """A store that is asked nothing but its state: what `states` says, call by call."""

    url = "embedded:here"

    def __init__(self, *states: str) -> None:
        self.states = list(states)

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


def test_a_load_in_the_middle_of_a_read(random_graph: GraphStore) -> None:
    ids = [f"tt{number:07}" for number in range(1, 61)]
    asked = []

    def ask() -> tuple[Any, Any]:
        first = random_graph.get_nodes("Title", ids, ["title"]).to_pylist()
        if not asked:
            random_graph.upsert_nodes("Title", [{"id": id_, "title": "New"} for id_ in ids])
        asked.append(1)
        return first, random_graph.get_nodes("Title", ids, ["title"]).to_pylist()

    found = at_one_version(random_graph, ask)
    assert len(asked) == 2
    assert found.value[0] == found.value[1] == [{"id": id_, "title": "New"} for id_ in ids]
    assert found.state == random_graph.state()
