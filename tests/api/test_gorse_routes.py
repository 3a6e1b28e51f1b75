"""Gorse's contract line by line: the routes that other clients call, and the graph behind them."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from graph import lists
from graph.crowd import Crowd, counted
from graph.feedback_kinds import FeedbackKinds
from graph.store import GraphStore
from tests.api.gorse_client import KINDS, Client, crowd, items, listed, say

# 5. Routes that other clients call


def test_latest_is_live(gorse: Client) -> None:
    crowd(gorse)
    got = gorse.get("/api/latest?n=2").json()
    assert got == [{"Id": "i9", "Score": 1610236800.0}, {"Id": "i8", "Score": 1610150400.0}]
    items(gorse, {"ItemId": "new", "Timestamp": "2023-01-01", "Categories": ["y"]}, {"ItemId": "timeless"})
    assert listed(gorse, "/latest")[0] == "new"
    assert "timeless" not in listed(gorse, "/latest", n=0)
    assert listed(gorse, "/latest/y", n=2, offset=1) == ["i8", "i6"]
    assert listed(gorse, "/latest", category=["x", "y"], n=1) == ["i8"]
    say(gorse, ("shown", "u", "new"))
    assert listed(gorse, "/latest", n=1, **{"user-id": "u"}) == ["i9"]


def test_leaderboards(gorse: Client) -> None:
    crowd(gorse)
    assert gorse.get("/api/non-personalized/popular?n=1").json()[0]["Score"] == 6.0
    assert listed(gorse, "/non-personalized/popular", category="y", n=1, offset=1) == ["i2"]
    assert listed(gorse, "/non-personalized/nothing") == []


def test_other_lists(gorse: Client) -> None:
    crowd(gorse)
    say(gorse, ("star", "u", "i0"))
    assert listed(gorse, "/item-to-item/neighbors/i5") == ["i6"]
    assert listed(gorse, "/item-to-item/nothing/i5") == []
    assert set(listed(gorse, "/user/u/neighbors/")) == {f"v{v}" for v in range(6)}
    assert listed(gorse, "/user-to-user/neighbors/u", n=1) == ["v0"]
    assert set(listed(gorse, "/collaborative-filtering/u")) == {"i1", "i2", "i3", "i4"}
    assert set(listed(gorse, "/collaborative-filtering/u/y")) == {"i2", "i4"}


def test_feedback_one_by_one(gorse: Client) -> None:
    say(gorse, ("a", "u", "i"), ("b", "u", "i"), ("a", "u", "j"), ("a", "v", "i"))
    assert [one["FeedbackType"] for one in gorse.get("/api/feedback/u/i").json()] == ["a", "b"]
    assert [one["UserId"] for one in gorse.get("/api/item/i/feedback/a").json()] == ["u", "v"]
    assert len(gorse.get("/api/item/i/feedback").json()) == 3
    assert gorse.get("/api/feedback/a/u/i").json()["FeedbackType"] == "a"
    assert gorse.get("/api/feedback/c/u/i").status_code == 404
    assert gorse.delete("/api/feedback/b/u/i").json() == {"RowAffected": 1}
    assert gorse.delete("/api/feedback/b/u/i").json() == {"RowAffected": 0}
    say(gorse, ("b", "u", "i"))
    assert gorse.delete("/api/feedback/u/i").json() == {"RowAffected": 2}
    assert gorse.get("/api/user/nobody/feedback").json() == gorse.get("/api/user/nobody/feedback/a").json() == []


def test_categories_one_by_one(gorse: Client) -> None:
    items(gorse, {"ItemId": "i", "Categories": ["a"]})
    json_ = {"Content-Type": "application/json"}
    for _ in range(2):
        assert gorse.put("/api/item/i/category/b", headers=json_).json() == {"RowAffected": 1}
    assert gorse.get("/api/item/i").json()["Categories"] == ["a", "b"]
    assert gorse.delete("/api/item/i/category/a").json() == {"RowAffected": 1}
    assert gorse.get("/api/item/i").json()["Categories"] == ["b"]
    assert gorse.put("/api/item/x/category/b", headers=json_).status_code == 404


def test_health(gorse: Client) -> None:
    well = {"Ready": True, "DataStoreError": None, "CacheStoreError": None, "DataStoreConnected": True,
            "CacheStoreConnected": True}  # fmt: skip
    assert gorse.get("/api/health/live").json() == gorse.get("/api/health/ready").json() == well


def test_what_is_beside_the_contract(gorse: Client) -> None:
    assert gorse.get("/metrics").status_code == 200
    assert gorse.get("/apidocs", follow_redirects=True).status_code == 200
    assert gorse.get("/apidocs.json", follow_redirects=True).json()["openapi"]
    assert "route" in gorse.get("/metrics").text
    gorse.get("/api/user/secret-id")
    assert re.search(r'route="/api/user/\{user-id\}"', gorse.get("/metrics").text)
    assert "secret-id" not in gorse.get("/metrics").text


def test_more_than_a_body_may_have_is_a_plain_line_too(gorse_store: GraphStore, service: Any) -> None:
    with service(gorse_store, body_bytes=100) as gorse:
        got = gorse.post("/api/users", json=[{"UserId": "u" * 200}])
        assert (got.status_code, got.headers["content-type"]) == (413, "text/plain; charset=utf-8")


# The graph behind it


def test_an_item_is_a_title_of_imdb_where_it_says_so(own_store: GraphStore, service: Any) -> None:
    with service(own_store, items_catalog="shop", **KINDS) as gorse:
        items(gorse, {"ItemId": "tt0114709"}, {"ItemId": "7", "Labels": {"imdb": "tt0120623"}}, {"ItemId": "own"})
        say(gorse, ("star", "u", "tt0114709"))
        assert listed(gorse, "/recommend/u") == ["7", "own"]  # like it by content, then the rest
        said = gorse.get("/users/u/feedback").json()["feedback"]
        assert [(one["title"], one["name"]) for one in said] == [("tt0114709", "Toy Story")]
        got = gorse.get("/catalogs/shop/items").json()["items"]
        assert [(one["id"], one["title"]) for one in got] == [
            ("7", "tt0120623"), ("own", "item:own"), ("tt0114709", "tt0114709")
        ]  # fmt: skip
        assert json.loads(json.dumps(listed(gorse, "/item/7/neighbors"))) == ["tt0114709"]


def test_the_only_catalog_stands_behind_it(gorse: Client, gorse_store: GraphStore) -> None:
    items(gorse, {"ItemId": "a"})
    assert [row["id"] for batch in gorse_store.scan_nodes("Catalog") for row in batch.to_pylist()] == ["gorse"]


def test_nobody_else_waits_while_likes_are_counted_first(gorse: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    items(gorse, {"ItemId": "i"})
    begun, go_on = threading.Event(), threading.Event()

    def slowly(store: GraphStore, kinds: FeedbackKinds) -> Crowd:
        begun.set()
        go_on.wait(20)
        return counted(store, kinds)

    monkeypatch.setattr(lists, "counted", slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(listed, gorse, "/recommend/u")
        try:
            assert begun.wait(10)
            assert gorse.get("/api/item/i", timeout=5).json()["ItemId"] == "i"
            assert not first.done()
        finally:
            go_on.set()
        assert first.result() == ["i"]
