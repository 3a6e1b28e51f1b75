"""A user's feedback: what it says, in what order, and what of it is not yet there."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from graph.feedback_kinds import Condition, FeedbackKinds, KindError
from graph.history import History, histories_of, history_read
from graph.settings import GraphSettings
from graph.store import GraphStore
from tests.graph.conftest import Stored

KINDS = FeedbackKinds.parse(["rating>=4", "watch"], ["rating<=2", "dismiss"])
TITLES = [f"tt000000{number}" for number in range(1, 8)]


def rated(user: str, title: int, type_: str, value: float | None = None, time: int | None = None) -> dict[str, Any]:
    row = {"head": user, "tail": TITLES[title], "key": type_, "type": type_}
    return {**row, "value": value, "timestamp": time}


@pytest.fixture(scope="module")
def store(stored: Stored) -> GraphStore:
    events = [
        rated("ada", 0, "rating", 5.0, 100),
        rated("ada", 1, "rating", 3.0, 300),
        rated("ada", 2, "rating", 1.0, 200),
        rated("ada", 2, "watch", None, 900),
        rated("ada", 3, "watch", None, 400),
        rated("ada", 3, "rating", 4.0, 500),
        rated("ada", 4, "watch"),
        rated("ada", 5, "watch", None, 2_000),
        rated("bob", 6, "dismiss", None, 10),
    ]
    return stored(
        {
            "Title": [{"id": id_, "title": id_} for id_ in TITLES],
            "User": [{"id": user} for user in ("ada", "bob", "eve")],
            "RATED": events,
        }
    )


def histories(store: GraphStore, *users: str, now: float | None = 1_000) -> list[History]:
    """Read at once, as those who recommend do."""
    (answer,) = store.gather([history_read(users)])
    return histories_of(answer, len(users), KINDS, now)


def history(store: GraphStore, user: str, now: float | None = 1_000) -> History:
    return histories(store, user, now=now)[0]


def test_newest_first_and_what_has_no_time_last(store: GraphStore) -> None:
    found = history(store, "ada")
    assert [(event.title, event.type, event.says) for event in found.events] == [
        (TITLES[2], "watch", "liked"),
        (TITLES[3], "rating", "liked"),
        (TITLES[3], "watch", "liked"),
        (TITLES[1], "rating", "seen"),
        (TITLES[2], "rating", "disliked"),
        (TITLES[0], "rating", "liked"),
        (TITLES[4], "watch", "liked"),
    ]


def test_dislike_holds_whatever_comes_later(store: GraphStore) -> None:
    found = history(store, "ada")
    assert found.liked == (TITLES[3], TITLES[0], TITLES[4])
    assert found.disliked == {TITLES[2]}
    assert found.watched == {TITLES[0], TITLES[1], TITLES[3], TITLES[4]}


def test_feedback_of_the_future_is_not_there_until_its_time(store: GraphStore) -> None:
    assert TITLES[5] not in history(store, "ada", now=1_994).titles
    assert history(store, "ada", now=1_995).liked[0] == TITLES[5]


def test_strangers_have_an_empty_history(store: GraphStore) -> None:
    assert history(store, "eve").events == history(store, "nobody").events == ()


def test_several_users_in_one_exchange(store: GraphStore) -> None:
    users = ["bob", "nobody", "ada"]
    found = histories(store, *users)
    assert found == [history(store, user) for user in users]
    assert found[0].disliked == {TITLES[6]}


@pytest.mark.parametrize(
    ("text", "met", "not_met"),
    [
        ("watch", [("watch", None), ("Watch", 3.0)], [("rating", 5.0), ("watched", None)]),
        ("rating>=4", [("rating", 4.0), ("rating", 4.5)], [("rating", 3.9), ("rating", None)]),
        ("rating < 3", [("rating", 2.5)], [("rating", 3.0)]),
        ("mood=-1", [("mood", -1.0)], [("mood", 1.0), ("mood", float("nan"))]),
        ("thumbs up", [("thumbs up", None)], [("thumbs", None)]),
    ],
)
def test_conditions(text: str, met: list[Any], not_met: list[Any]) -> None:
    condition = Condition.parse(text)
    assert all(condition.met(*one) for one in met)
    assert not any(condition.met(*one) for one in not_met)


@pytest.mark.parametrize("text", ["", ">4", "rating>=", "rating>=four", "rating>=4>5", "rating>=1.2.3"])
def test_what_is_no_condition_is_named(text: str) -> None:
    with pytest.raises(KindError, match="rating>=4"):
        Condition.parse(text)
    with pytest.raises(ValidationError, match="no condition"):
        GraphSettings(liked_feedback=[text])


def test_default_kinds_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = FeedbackKinds.configured()
    said = [kinds.of("rating", value) for value in (5.0, 4.0, 3.5, 2.0, None)]
    assert said == ["liked", "liked", "seen", "disliked", "seen"]
    assert [kinds.of(type_, None) for type_ in ("watch", "dismiss", "glance")] == ["liked", "disliked", "seen"]
    monkeypatch.setenv("REELGRAPH_LIKED_FEEDBACK", '["glance"]')
    assert FeedbackKinds.configured().of("glance", None) == "liked"
