"""`reelgraph user export` and `delete`, and users in the graph."""

from __future__ import annotations

import contextlib
import json

import pytest
from typer.testing import CliRunner

import reelgraph
from graph import users
from graph.events import Event
from graph.store import NotInGraph, open_store
from graph.tables import finish_tables, rows_to_table, write_table
from graph.users import User


@pytest.fixture
def url(tmp_path):
    write_table(tmp_path / "t", "Title", [rows_to_table("Title", [{"id": "tt1", "title": "Fog"}])])
    made = f"embedded:{tmp_path / 'store'}"
    with contextlib.closing(open_store(made, create=True)) as store:
        store.load_tables(finish_tables(tmp_path / "t", []))
        store.upsert_nodes("User", [User("u 1", {"plan": [1]}, "c").row(), User("u2", ["a"]).row()])
        store.merge_feedback([Event("u 1", "tt1", "like", None, 5, 6), Event("u2", "tt1", "watch")])
    return made


def test_export_then_delete(url):
    ask = CliRunner().invoke
    exported = json.loads(ask(reelgraph.app, ["user", "export", "u 1", "--store", url]).stdout)
    said = {"user": "u 1", "title": "tt1", "type": "like", "time": "1970-01-01T00:00:05.000000006Z", "name": "Fog"}
    assert exported == {"user": {"id": "u 1", "labels": {"plan": [1]}, "comment": "c"}, "feedback": [said], "shown": []}
    gone = ask(reelgraph.app, ["user", "delete", "u 1", "--store", url, "--json"])
    assert json.loads(gone.stdout) == {"id": "u 1", "feedback": 1}
    for command in ("export", "delete"):
        result = ask(reelgraph.app, ["user", command, "u 1", "--store", url])
        assert isinstance(result.exception, NotInGraph)
    with contextlib.closing(open_store(url)) as store:
        assert users.user(store, "u2") == User("u2", ["a"])
        assert [one.type for one in users.feedback_on(store, "tt1")] == ["watch"]


@pytest.mark.parametrize("labels", [None, [], ["a"], [1, 2], "x", 5, {"a": {"b": ["c"]}}])
def test_labels_come_back_as_they_were_given(url, labels):
    with contextlib.closing(open_store(url)) as store:
        store.upsert_nodes("User", [User("u2", labels).row()])
        assert users.user(store, "u2").labels == labels
