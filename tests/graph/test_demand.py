from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph import demand
from graph.answers import Answer
from graph.demand import TEXT_LENGTH, Demand, Searches
from graph.exports.parquet import export_parquet
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope, StoreFull, open_store
from loaders.load import load_sample

TODAY = dt.date(2026, 11, 21)
NORTH = Scope("north", on=TODAY)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"embedded:{tmp_path_factory.mktemp('demand') / 'store'}"
    store = open_store(url, create=True)
    load_sample(store)
    store.close()
    return url


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> list[dt.date]:
    """The day that is counted on, which a test may change: midnight does not wait for a test to end."""
    days = [TODAY]
    monkeypatch.setattr(demand, "_today", lambda: days[0])
    return days


@pytest.fixture
def store(url: str) -> Iterator[GraphStore]:
    """The sample, without a counted search."""
    opened = open_store(url)
    opened.delete_nodes("Search", [row["id"] for row in nodes(opened)])
    yield opened
    opened.close()


def searches(store: GraphStore, catalog: str | None, *, least: int = 5, days: int | None = None) -> Searches:
    return demand.searches(store, catalog, least=least, days=days)


def nodes(store: GraphStore) -> list[dict[str, Any]]:
    return [row for batch in store.scan_nodes("Search") for row in batch.to_pylist()]


def typed(text: str, catalog: str | None = "north") -> Answer:
    """What is answered to a text that nothing in the graph has."""
    return Answer(text, "unknown", Scope(catalog, on=TODAY), "000001", ())


def counted(store: GraphStore) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row in nodes(store):
        found[row["text"]] += row["count"]
    return found


def test_what_is_counted_of_an_answer(store: GraphStore) -> None:
    searcher, counting = Searcher(store), Demand(store)
    for text, scope in (
        ("Toy Story", NORTH), ("  TOY  story!", NORTH), ("toy story", Scope(on=TODAY)), ("Monsters, Inc.", NORTH),
        ("qwertz uiop asdf", NORTH), ("drama", NORTH), ("toy story", Scope(WHOLE_GRAPH)), ("  ", NORTH),
    ):  # fmt: skip
        counting.count(searcher.search(text, scope))
    counting.close()
    fields = ("text", "title", "status", "catalog", "day", "count")
    assert sorted((tuple(row[name] for name in fields) for row in nodes(store)), key=str) == [
        ("drama", None, "in_catalog", "north", TODAY, 1),
        ("monsters inc", "tt0198781", "in_catalog", "north", TODAY, 1),
        ("qwertz uiop asdf", None, "unknown", "north", TODAY, 1),
        ("toy story", "tt0114709", "out_of_catalog", "north", TODAY, 2),
        ("toy story", "tt0114709", "out_of_catalog", None, TODAY, 1),
    ]


def test_the_title_of_an_ambiguous_search_is_open(store: GraphStore) -> None:
    answer = Searcher(store).search("toy story", NORTH)
    counting = Demand(store)
    counting.count(Answer("toy story", "ambiguous", NORTH, "000001", answer.hits))
    counting.close()
    assert [(row["status"], row["title"]) for row in nodes(store)] == [("ambiguous", None)]


def test_nothing_below_the_minimum_is_given_back(store: GraphStore) -> None:
    searcher, counting = Searcher(store), Demand(store)
    for count, unknown, title in ((4, "four times", "tt0114709"), (5, "five times", "tt0109830")):
        for _ in range(count):
            counting.count(typed(unknown))
            counting.count(searcher.search(title, NORTH))
    counting.close()
    assert sum(row["count"] for row in nodes(store)) == 18
    assert searches(store, "south") == Searches({}, ())
    assert searches(store, "north") == Searches({"tt0109830": 5}, (("five times", 5),))
    assert searches(store, None, least=4).unknown == (("five times", 5), ("four times", 4))
    assert searches(store, None, least=6) == Searches({}, ())


def test_the_minimum_is_of_the_sum_over_processes_and_days(store: GraphStore) -> None:
    row = {"text": "lost city", "status": "unknown", "catalog": "north", "count": 2}
    days = [TODAY - dt.timedelta(days=back) for back in (0, 1, 9)]
    store.upsert_nodes("Search", [row | {"id": f"{number}", "day": day} for number, day in enumerate(days)])
    assert searches(store, "north").unknown == (("lost city", 6),)
    assert searches(store, "north", days=9).unknown == ()
    assert searches(store, "north", days=9, least=4).unknown == (("lost city", 4),)
    assert searches(store, "north", days=10, least=4).unknown == (("lost city", 6),)
    assert searches(store, "north", days=1, least=1).unknown == (("lost city", 2),)


def test_a_search_of_all_catalogs_asks_each(store: GraphStore) -> None:
    counting = Demand(store)
    for catalog, times in (("north", 1), ("south", 2), (None, 4)):
        for _ in range(times):
            counting.count(typed("nowhere", catalog))
    counting.close()
    found = {slug: dict(searches(store, slug, least=1).unknown)["nowhere"] for slug in ("north", "south", None)}
    assert found == {"north": 5, "south": 6, None: 7}


def test_switched_off_nothing_is_written(store: GraphStore) -> None:
    before = threading.active_count()
    counting = Demand(store, on=False, seconds=0.01)
    for _ in range(10):
        counting.count(typed("not counted"))
    assert threading.active_count() == before
    counting.flush()
    counting.close()
    assert store.info().counts["Search"] == 0


def test_what_was_counted_is_written_by_itself(store: GraphStore) -> None:
    counting = Demand(store, seconds=0.05)
    counting.count(typed("soon"))
    until = time.monotonic() + 30
    while not nodes(store) and time.monotonic() < until:
        time.sleep(0.02)
    assert counted(store) == {"soon": 1}
    counting.count(typed("soon"))
    counting.close()
    assert counted(store) == {"soon": 2}
    assert len(nodes(store)) == 1


def test_threads_lose_nothing(store: GraphStore) -> None:
    counting = Demand(store, seconds=0.01)

    def many() -> None:
        for number in range(500):
            counting.count(typed(f"text {number % 7}"))

    threads = [threading.Thread(target=many) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counting.close()
    assert counted(store) == {f"text {rest}": 6 * sum(n % 7 == rest for n in range(500)) for rest in range(7)}


class Failing:
    """A store whose first write is made, and said to have failed."""

    def __init__(self, store: GraphStore) -> None:
        self._store, self.failed = store, False

    def upsert_nodes(self, label: str, rows: list[Any]) -> int:
        done = self._store.upsert_nodes(label, rows)
        if not self.failed:
            self.failed = True
            raise StoreFull("the disk is full")
        return done


def test_a_write_that_failed_is_repeated_and_counts_once(store: GraphStore) -> None:
    counting = Demand(Failing(store))  # type: ignore[arg-type]
    counting.count(typed("again"))
    with pytest.raises(StoreFull):
        counting.flush()
    counting.count(typed("again"))
    counting.close()
    assert counted(store) == {"again": 2}


HOSTILE = ["x" * 100_000, "a\x00b\x1b[31mc", "\x07\x1b\x9b", "\ud800lone", "\u202ereversed", "=1+1", "é" * 90_000]


def test_hostile_texts_are_cut_and_cleaned(store: GraphStore) -> None:
    counting = Demand(store)
    for text in HOSTILE:
        counting.count(typed(text))
    counting.close()
    found = counted(store)
    assert all(len(text) <= TEXT_LENGTH and text.isprintable() and text for text in found)
    assert found == {
        "x" * TEXT_LENGTH: 1, "a b 31mc": 1, "lone": 1, "reversed": 1, "1 1": 1, "e" * TEXT_LENGTH: 1
    }  # fmt: skip


def test_a_day_keeps_so_many_different_searches_and_no_more(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demand, "KEPT_TEXTS", 3)
    monkeypatch.setattr(demand, "KEPT_KEYS", 4)
    counting = Demand(store)
    for text in ("a", "b", "c", "d", "a", "e", "a"):
        counting.count(typed(text))
    counting.count(typed("f", "south"))
    counting.count(typed("a", "south"))
    assert counting.dropped == 2
    counting.close()
    assert counted(store) == {"a": 3, "b": 1, "c": 1, None: 2}
    assert searches(store, None, least=1).unknown == (("a", 3), ("b", 1), ("c", 1))


def test_a_day_that_is_over_is_forgotten_and_stays_counted(store: GraphStore, today: list[dt.date]) -> None:
    counting = Demand(store)
    counting.count(typed("late"))
    for day in (TODAY + dt.timedelta(days=1), TODAY):  # the clock is set right again
        counting.flush()
        today[0] = day
        counting.flush()
        counting.count(typed("late"))
    counting.close()
    found = Counter(row["day"] for row in nodes(store) for _ in range(row["count"]))
    assert found == {TODAY: 2, TODAY + dt.timedelta(days=1): 1}
    assert sum(len(day.sums) for day in counting._days.values()) == 1


def test_searches_are_not_exported(store: GraphStore, tmp_path: Path) -> None:
    counting = Demand(store)
    counting.count(typed("my own name"))
    counting.close()
    tables = export_parquet(store, tmp_path / "tables")
    assert "Search" not in tables.names
    assert "Title" in tables.names
    assert not any("Search" in path.name for path in (tmp_path / "tables").rglob("*"))


def test_no_search_at_all(store: GraphStore) -> None:
    assert searches(store, "north") == Searches({}, ())
