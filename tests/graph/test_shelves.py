"""What is new in a catalog and what viewers like now: on stores of a few titles, the answers by hand."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.events import Event
from graph.feedback_kinds import FeedbackKinds
from graph.recounted import Recounted
from graph.shelves import Shelves, arrivals, liked_lately
from graph.store import GraphStore, Scope, StoreError, open_store
from loaders.load import load_sample

KINDS = FeedbackKinds.configured()
DAY = 86_400
NOW = 1_790_000_000
TOY, BUG, NEMO, WALL_E = "tt0114709", "tt0120623", "tt0266543", "tt0910970"
ON = dt.date(2026, 6, 1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder: Path = tmp_path_factory.mktemp("shelves") / "store"
    with contextlib.closing(open_store(f"embedded:{folder}", create=True)) as store:
        load_sample(store)
        yield store


def offer(title: str, key: str, **said: object) -> dict[str, object]:
    return {"head": "west", "tail": title, "key": key, "item_id": key, **said}


@pytest.fixture
def west(store: GraphStore) -> Iterator[GraphStore]:
    """A catalog of four titles, gone after the test."""
    store.upsert_nodes("Catalog", [{"id": "west", "name": "West"}])
    rows = [
        offer(TOY, "1", available_from=dt.date(2020, 1, 1)),
        offer(TOY, "2", available_from=dt.date(2026, 5, 1)),  # another edition makes nothing new
        offer(BUG, "3", available_from=dt.date(2020, 1, 1), available_until=dt.date(2021, 1, 1)),
        offer(BUG, "4", available_from=dt.date(2026, 3, 1)),  # gone for years, and back
        offer(NEMO, "5", timestamp=int(dt.datetime(2026, 4, 1, tzinfo=dt.UTC).timestamp())),
        offer(WALL_E, "6", available_from=dt.date(2026, 7, 1)),  # not yet
        offer("tt0910970", "7"),  # says nothing
    ]
    store.upsert_relationships("OFFERS", rows)
    yield store
    store.delete_nodes("Catalog", ["west"])


def test_new_is_what_the_offers_that_hold_that_day_say(west: GraphStore) -> None:
    assert arrivals(west, "west", ON) == [
        (NEMO, dt.date(2026, 4, 1)), (BUG, dt.date(2026, 3, 1)), (TOY, dt.date(2020, 1, 1)),
    ]  # fmt: skip
    shelves = Shelves(west, KINDS)
    assert [(one.card.id, one.since.month) for one in shelves.new(Scope("west", None, ON), 2)] == [(NEMO, 4), (BUG, 3)]
    later = Scope("west", None, dt.date(2026, 7, 2))
    assert shelves.new(later, 1)[0].card.id == WALL_E
    assert shelves.new(Scope("*", None, ON), 5) == []


def test_popular_is_what_most_viewers_liked_in_the_days_up_to_the_latest_feedback(west: GraphStore) -> None:
    def event(user: str, title: str, days: float, type_: str = "watch", value: float | None = None) -> Event:
        return Event(user, title, type_, value, int(NOW - days * DAY))

    west.merge_feedback([
        event("a", BUG, 100), event("b", BUG, 130), event("c", BUG, 131),  # b and c: before the window
        event("a", NEMO, 101), event("a", NEMO, 102, "like"),  # one viewer, twice
        event("a", TOY, 103), event("b", TOY, 104, "rating", 5.0), event("c", TOY, 105, "rating", 1.0),
        event("d", NEMO, -1),  # tomorrow
    ])  # fmt: skip
    try:
        assert liked_lately(west, KINDS, NOW) == {TOY: 2, BUG: 1, NEMO: 1}
        assert liked_lately(west, KINDS, NOW + 2 * DAY) == {NEMO: 1}
        found = Shelves(west, KINDS).popular(Scope("west", None, ON), 3, [WALL_E, BUG, TOY])
        assert {one.card.id for one in found} <= {TOY, BUG, NEMO, WALL_E}
        assert len(found) == 3
        assert found[-1].viewers <= found[0].viewers
    finally:
        west.delete_nodes("User", ["a", "b", "c", "d"])
    assert liked_lately(west, KINDS, NOW) == {}
    known = Shelves(west, KINDS).popular(Scope("west", None, ON), 3, [BUG, TOY])
    assert [(one.card.id, one.viewers) for one in known] == [(BUG, 0), (TOY, 0)]


def test_a_count_is_made_once_then_beside_the_answers_and_an_error_leaves_the_last_one() -> None:
    made: list[int] = []
    go_on = threading.Event()

    def count() -> int:
        made.append(1)
        if len(made) == 2:
            go_on.wait(10)
        if len(made) == 3:
            raise StoreError("away")
        return len(made)

    counted = Recounted("test", count, 0.0)
    assert counted.counted == 0.0
    assert counted.now() == 1
    assert abs(counted.counted - time.time()) < 5
    counted._due = 0.0
    assert counted.now() == 1  # the second is under way, and nobody waits for it
    go_on.set()
    _until(lambda: counted._held == (2,) and not counted._counting.locked())
    counted._due = 0.0
    assert counted.now() == 2
    _until(lambda: len(made) == 3 and not counted._counting.locked())
    assert counted._held == (2,)


def _until(so: object) -> None:
    for _ in range(500):
        if so():  # type: ignore[operator]
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")
