"""What is kept until the graph changes, also when many threads ask at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from graph.kept import Kept


@pytest.fixture
def token() -> list[str]:
    return ["1"]


@pytest.fixture
def kept(token: list[str]) -> Kept[str]:
    return Kept(lambda: token[0], 2)


def counting(made: list[str], value: str) -> Callable[[], str]:
    def make() -> str:
        made.append(value)
        return value

    return make


def test_made_once_until_the_token_changes(kept: Kept[str], token: list[str]) -> None:
    made: list[str] = []
    assert [kept.of("a", counting(made, "A")) for _ in range(3)] == ["A"] * 3
    token[0] = "2"
    assert kept.of("a", counting(made, "B")) == "B"
    token[0] = "1"
    assert kept.of("a", counting(made, "C")) == "C"
    assert made == ["A", "B", "C"]


def test_what_was_asked_for_longest_ago_goes_first(kept: Kept[str]) -> None:
    made: list[str] = []
    for key in ("a", "b", "a", "c", "a", "b"):
        kept.of(key, counting(made, key))
    assert made == ["a", "b", "c", "b"]


def test_nothing_is_kept_that_was_made_while_the_token_changed(kept: Kept[str], token: list[str]) -> None:
    def make() -> str:
        token[0] = "2"
        return "mixed"

    assert kept.of("a", make) == "mixed"
    assert kept.of("a", lambda: "new") == "new"
    token[0] = "1"
    assert kept.of("a", lambda: "old") == "old"


def test_an_error_is_raised_and_not_kept(kept: Kept[str]) -> None:
    def fail() -> str:
        raise ValueError("once")

    with pytest.raises(ValueError, match="once"):
        kept.of("a", fail)
    assert kept.of("a", lambda: "A") == "A"


def test_one_thread_makes_it_and_the_others_wait(kept: Kept[str]) -> None:
    made: list[str] = []
    begun, go = threading.Event(), threading.Event()
    answers: list[str] = []

    def make() -> str:
        made.append("A")
        begun.set()
        go.wait(30)
        return "A"

    threads = [threading.Thread(target=lambda: answers.append(kept.of("a", make))) for _ in range(8)]
    threads[0].start()
    assert begun.wait(30)
    for thread in threads[1:]:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(30)
    assert (made, answers) == (["A"], ["A"] * 8)


def test_room_for_nothing(token: list[str]) -> None:
    kept: Kept[str] = Kept(lambda: token[0], 0)
    made: list[str] = []
    assert [kept.of("a", counting(made, "A")) for _ in range(2)] == ["A", "A"]
    assert made == ["A", "A"]
