"""Names are indexed while vectors are made: an error of either ends the load, and nothing of it is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.store import StoreError
from graph.stores.embedded import EmbeddedStore
from graph.tables import GraphTables, finish_tables, rows_to_table, write_table


@pytest.fixture
def tables(tmp_path: Path) -> GraphTables:
    rows = [{"id": f"tt{number}", "title": f"Title {number}"} for number in range(20)]
    write_table(tmp_path / "tables", "Title", [rows_to_table("Title", rows)])
    return finish_tables(tmp_path / "tables", [])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path / "store", create=True)
    yield store
    store.close()


def slow_index(started: threading.Event, told: list[str]) -> Callable[..., None]:
    """An index that never comes to its end unless it is stopped where it tells how far it is."""

    def index(folder: Path, names: Iterator[Any], tell: Callable[[str, float], None]) -> None:
        started.set()
        try:
            while True:
                tell("indexing names", 0.5)
                threading.Event().wait(0.01)
        except BaseException as error:
            told.append(type(error).__name__)
            raise

    return index


@pytest.mark.parametrize("error", [ValueError("no vectors"), KeyboardInterrupt()])
def test_where_vectors_fail_or_are_interrupted_the_index_is_stopped(
    store: EmbeddedStore, tables: GraphTables, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    started, told = threading.Event(), []  # type: ignore[var-annotated]
    monkeypatch.setattr("graph.stores.build.index_names", slow_index(started, told))

    def vectors(*_: Any) -> Any:
        assert started.wait(10)
        raise error

    before = threading.active_count()
    with pytest.raises(type(error)):
        store.load_tables(tables, None, vectors)
    assert told == ["InterruptedError"]
    assert threading.active_count() == before
    assert store.info().version == ""
    assert store.info().counts["Title"] == 0

    monkeypatch.undo()
    store.load_tables(tables)
    assert [hit.id for hit in store.search_text("title 7", 1)] == ["tt7"]


def test_where_the_index_fails_its_error_is_the_loads(
    store: EmbeddedStore, tables: GraphTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def index(*_: Any) -> None:
        raise StoreError("the title index could not be built")

    monkeypatch.setattr("graph.stores.build.index_names", index)
    made: list[int] = []

    def vectors(of: Any, _progress: Any) -> Any:
        made.append(of.info().counts["Title"])
        return ()

    with pytest.raises(StoreError, match="the title index could not be built"):
        store.load_tables(tables, None, vectors)
    assert made == [20]
    assert store.info().version == ""
