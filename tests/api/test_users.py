"""Users over HTTP: made, changed, exported and deleted with everything known of them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from graph.store import GraphStore

TOY = "tt0114709"


@pytest.fixture
def client(own_store: GraphStore, served: Any) -> httpx.Client:
    return served(own_store)  # type: ignore[no-any-return]


def test_put_get_patch_delete(client: httpx.Client) -> None:
    assert client.get("/users/u1").status_code == 404
    made = {"id": "u1", "labels": ["kids"], "comment": "a", "feedback": 0}
    assert client.put("/users/u1", json={"labels": ["kids"], "comment": "a"}).json() == made
    assert client.patch("/users/u1", json={"comment": None}).json() == made | {"comment": None}
    assert client.patch("/users/u1", json={"labels": {"age": [1, 2]}}).json()["labels"] == {"age": [1, 2]}
    assert client.get("/users/u1").json() == made | {"labels": {"age": [1, 2]}, "comment": None}
    assert client.put("/users/u1", json={}).json() == made | {"labels": None, "comment": None}
    client.post("/feedback", json={"user": "u1", "title": TOY})
    assert client.get("/users/u1").json()["feedback"] == 1
    assert client.delete("/users/u1").json() == {"id": "u1", "feedback": 1}
    assert [client.request(m, "/users/u1", json={} if m == "PATCH" else None).status_code
            for m in ("GET", "PATCH", "DELETE")] == [404] * 3  # fmt: skip


def test_labels_and_comments_have_limits(client: httpx.Client) -> None:
    deep: Any = "x"
    for _ in range(9):
        deep = [deep]
    for body in ({"labels": deep}, {"labels": ["x"] * 2000}, {"labels": "x" * 3000}, {"comment": "x" * 3000},
                 {"comment": "\ud800"}, {"labels": ["\ud800"]}, {"name": "x"}):  # fmt: skip
        assert client.put("/users/u1", content=json.dumps(body)).status_code == 422, body


def test_the_export_has_everything_and_after_a_delete_there_is_nothing(
    client: httpx.Client, own_store: GraphStore
) -> None:
    client.put("/users/u1", json={"labels": {"plan": "basic"}, "comment": "vip"})
    events = [{"user": "u1", "title": TOY, "type": "like", "time": 5, "comment": "c"},
              {"user": "u1", "title": TOY, "value": 4.5, "time": 6}, {"user": "u2", "title": TOY}]  # fmt: skip
    client.post("/feedback", json=events)
    assert client.get("/users/u1/export").json() == {
        "user": {"id": "u1", "labels": {"plan": "basic"}, "comment": "vip"},
        "feedback": [
            {"user": "u1", "title": TOY, "type": "like", "time": "1970-01-01T00:00:05Z", "comment": "c",
             "name": "Toy Story"},
            {"user": "u1", "title": TOY, "type": "rating", "value": 4.5, "time": "1970-01-01T00:00:06Z",
             "name": "Toy Story"},
        ],
        "shown": [],
    }  # fmt: skip
    client.delete("/users/u1")
    for name in ("User", "RATED"):
        scan = own_store.scan_nodes if name == "User" else own_store.scan_relationships
        assert "u1" not in str([batch.to_pylist() for batch in scan(name)])
    assert client.get("/users/u1/export").status_code == 404
    assert client.get("/users/u2").json()["feedback"] == 1


def test_several_users_by_id_or_the_first_ones(client: httpx.Client) -> None:
    for user in ("b", "a", "c"):
        client.put(f"/users/{user}", json={})
    client.post("/feedback", json=[{"user": "b", "title": TOY}, {"user": "b", "title": TOY, "type": "like"}])
    found = client.get("/users", params={"id": ["c", "nobody", "b", "b"]}).json()["users"]
    assert [(one["id"], one["feedback"]) for one in found] == [("c", 0), ("b", 2)]
    assert len(client.get("/users").json()["users"]) == 3
    assert len(client.get("/users", params={"limit": 2}).json()["users"]) == 2
    assert client.get("/users", params={"id": "nobody"}).json() == {"users": []}


def test_what_was_said_is_told_with_its_meaning_and_taken_back(client: httpx.Client) -> None:
    told = [("watch", None), ("like", None), ("rating", 1.0), ("pause", None)]
    client.post("/feedback", json=[{"user": "u", "title": TOY, "type": t, "value": v} for t, v in told if v is None])
    client.post("/feedback", json={"user": "u", "title": TOY, "type": "rating", "value": 1})
    client.post("/feedback", json={"user": "u", "title": "tt0120623"})
    said = client.get("/users/u/feedback").json()["feedback"]
    assert {(one["type"], one["says"]) for one in said if one["title"] == TOY} == {
        ("watch", "liked"), ("like", "liked"), ("rating", "disliked"), ("pause", "seen"),
    }  # fmt: skip
    path = f"/users/u/feedback/{TOY}"
    assert client.delete(path, params={"type": "like"}).json() == {"removed": 1}
    assert client.delete(path, params={"type": "like"}).json() == {"removed": 0}
    assert client.delete(path).json() == {"removed": 3}
    assert [one["title"] for one in client.get("/users/u/feedback").json()["feedback"]] == ["tt0120623"]
    assert client.delete(f"/users/nobody/feedback/{TOY}").status_code == 404
