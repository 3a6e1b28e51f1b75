"""The live tables filled in bulk: the index of tails is there whatever happens, and a load is all or nothing."""

from __future__ import annotations

import sqlite3

import pytest

from graph.events import Event
from graph.store import InvalidRows, StoreReadOnly, open_store
from graph.tables import finish_tables, rows_to_table, write_table

TITLES = [{"id": f"tt{number}", "title": "A"} for number in range(3)]


@pytest.fixture
def tables(tmp_path):
    """Graph tables of the titles, when asked for, and of feedback: (user, title, value)."""

    def make(*feedback, titles=False):
        folder = tmp_path / f"tables{len(list(tmp_path.iterdir()))}"
        if titles:
            write_table(folder, "Title", [rows_to_table("Title", TITLES)])
        users = [{"id": user} for user in sorted({user for user, _, _ in feedback})]
        rated = [
            {"head": user, "tail": title, "key": "rating", "type": "rating", "value": value}
            for user, title, value in feedback
        ]
        write_table(folder, "User", [rows_to_table("User", users)])
        write_table(folder, "RATED", [rows_to_table("RATED", rated)])
        return finish_tables(folder, [])

    return make


@pytest.fixture
def store(tmp_path, tables):
    opened = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    opened.load_tables(tables(("u1", "tt1", 1.0), ("u2", "tt1", 2.0), titles=True))
    yield opened
    opened.close()


def feedback(store):
    scanned = (row for batch in store.scan_relationships("RATED") for row in batch.to_pylist())
    return {(row["head"], row["tail"]): row["value"] for row in scanned}


def indexes(store):
    connection = sqlite3.connect(store.root / "live.sqlite")
    try:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    finally:
        connection.close()


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_load_smaller_or_larger_than_what_is_there(store, tables, count):
    more = [(f"u{number}", "tt2", 3.0) for number in range(1, count + 1)]
    told = []
    store.load_tables(tables(*more), lambda what, share: told.append((what, share)))
    assert feedback(store) == {("u1", "tt1"): 1.0, ("u2", "tt1"): 2.0, **{(u, t): value for u, t, value in more}}
    assert store.degrees(["tt1", "tt2"], ["RATED"], "in").tolist() == [2, count]
    assert indexes(store) >= {"RATED_tail", "OFFERS_tail"}
    assert [what for what, _ in told] == ["live: User", "live: RATED", "done"]
    assert sorted(told, key=lambda one: one[1]) == told


def test_a_load_that_fails_leaves_rows_and_index(store, tables):
    before = feedback(store)
    with pytest.raises(InvalidRows, match="names the Title 'tt7'"):
        store.load_tables(tables(("u1", "tt1", 9.0), ("u3", "tt2", 3.0), ("u3", "tt7", 3.0)))
    assert feedback(store) == before
    assert store.info().counts["User"] == 2
    assert indexes(store) >= {"RATED_tail", "OFFERS_tail"}


@pytest.fixture
def old(store):
    """The URL of a store that was made before searches were counted."""
    store.close()
    connection = sqlite3.connect(store.root / "live.sqlite")
    connection.execute('DROP TABLE "Search"')
    connection.commit()
    connection.close()
    return store.url


def searched(store):
    return [row["text"] for batch in store.scan_nodes("Search") for row in batch.to_pylist()]


def test_a_store_from_before_a_label_is_read_as_it_is_and_written_as_new(old):
    reader, writer = open_store(old), open_store(old)
    for store in (reader, writer):
        assert store.info().counts["Search"] == 0
        assert searched(store) == []
        assert store.get_nodes("Search", ["1"]).num_rows == 0
    assert feedback(reader) == {("u1", "tt1"): 1.0, ("u2", "tt1"): 2.0}
    assert writer.upsert_nodes("Search", [{"id": "1", "text": "fog"}]) == 1
    assert searched(writer) == ["fog"]
    writer.close()
    assert searched(reader) == ["fog"]
    assert feedback(reader) == {("u1", "tt1"): 1.0, ("u2", "tt1"): 2.0}
    reader.close()


def test_a_reader_changes_nothing_in_such_a_store(old):
    store = open_store(old)
    assert store.info().counts["Search"] == 0
    store.close()
    connection = sqlite3.connect(old.removeprefix("embedded:") + "/live.sqlite")
    assert ("Search",) not in connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()


def test_what_is_only_read_is_not_written_into_a_table_of_the_reader(old, monkeypatch):
    monkeypatch.setattr("graph.stores.live._writable", lambda _path: False)
    store = open_store(old)
    assert searched(store) == []
    with pytest.raises(StoreReadOnly):
        store.upsert_nodes("Search", [{"id": "1", "text": "fog"}])
    assert searched(store) == []
    store.close()


@pytest.fixture
def narrow(store):
    """The URL of a store that was made before feedback had a comment, and before own titles came live."""
    store.close()
    connection = sqlite3.connect(store.root / "live.sqlite")
    connection.execute('ALTER TABLE "RATED" DROP COLUMN comment')
    connection.execute('DROP TABLE "Title"')
    connection.commit()
    connection.close()
    return store.url


def test_a_store_from_before_a_property_is_read_as_it_is_and_written_as_new(narrow):
    reader, writer = open_store(narrow), open_store(narrow)
    assert feedback(reader) == {("u1", "tt1"): 1.0, ("u2", "tt1"): 2.0}
    assert {row["comment"] for batch in reader.scan_relationships("RATED") for row in batch.to_pylist()} == {None}
    assert reader.info().counts["Title"] == len(TITLES)
    assert writer.merge_feedback([Event("u1", "tt1", "rating", 5.0, comment="better")]) == 1
    for store in (writer, reader):
        assert feedback(store) == {("u1", "tt1"): 5.0, ("u2", "tt1"): 2.0}
        comments = [row["comment"] for batch in store.scan_relationships("RATED") for row in batch.to_pylist()]
        assert comments == ["better", None]
        store.close()
