"""A new version while threads read: opened once for all of them, and nothing of the one before stays in memory."""

from __future__ import annotations

import datetime as dt
import gc
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.foldin import VECTORS
from graph.search import Searcher
from graph.store import Provenance, Scope, open_store
from graph.stores.live import Live
from graph.stores.snapshot import Snapshot
from loaders.load import load_sample

TOY_STORY = "tt0114709"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    load_sample(store)
    store.close()
    return str(tmp_path / "store")


def new_version(folder: str) -> None:
    """By another opening of the store: vectors of a second name."""
    store = open_store(f"embedded:{folder}")
    store.set_embeddings("embedding", [TOY_STORY], np.ones((1, 4), np.float32), Provenance("r", "m", 4, "", "2026"))
    store.close()


def together(count: int, do: Callable[[], object]) -> None:
    """By so many threads at once."""
    start, errors = threading.Barrier(count), list[BaseException]()

    def work() -> None:
        start.wait()
        try:
            do()
        except BaseException as error:  # noqa: BLE001  (told below)
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_threads_that_ask_at_once_open_a_new_version_once(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(f"embedded:{folder}")
    before = store.info().version
    new_version(folder)
    calls: list[str] = []
    open_, offers = Snapshot.open.__func__, Live.offers  # type: ignore[attr-defined]

    def opening(cls: type[Snapshot], *given: Any) -> Any:
        calls.append("open")
        return open_(cls, *given)

    def reading(self: Live, *given: Any) -> Any:
        calls.append("offers")
        return offers(self, *given)

    monkeypatch.setattr(Snapshot, "open", classmethod(opening))
    monkeypatch.setattr(Live, "offers", reading)
    together(8, lambda: store.offered(Scope("north")))
    assert sorted(calls) == ["offers", "open"]
    assert store.info().version != before
    store.close()


def test_nothing_of_an_earlier_version_is_held(folder: str) -> None:
    store = open_store(f"embedded:{folder}")
    searcher, scope = Searcher(store), Scope("north", on=dt.date(2026, 11, 21))
    tables: list[weakref.ref[Any]] = []
    for _ in range(3):
        searcher.search("toy story", scope)
        tables.append(weakref.ref(store.offered(scope)))
        new_version(folder)
    searcher.search("toy story", scope)
    gc.collect()
    assert [table() for table in tables] == [None, None, None]
    store.close()


def test_a_search_looks_for_the_nearest_once(folder: str) -> None:
    store = open_store(f"embedded:{folder}")
    asked: list[str] = []
    plain = store.search_vector

    def counted(name: str, *given: Any, **options: Any) -> Any:
        asked.append(name)
        return plain(name, *given, **options)

    store.search_vector = counted  # type: ignore[method-assign]
    hit = Searcher(store).search("toy story", Scope("north", "US")).hits[0]
    assert hit.substitutability is not None
    assert len(hit.substitutes) == 5
    assert asked == [VECTORS]
    store.close()
