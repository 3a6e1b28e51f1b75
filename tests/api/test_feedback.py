"""Feedback over HTTP: durable when it is acknowledged, counted by the next request, all or nothing."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import httpx
import pytest

from graph.store import GraphStore, open_store

TOY, BUG = "tt0114709", "tt0120623"
LIKE = {"user": "u1", "title": TOY, "type": "like"}


@pytest.fixture
def client(own_store: GraphStore, served: Any) -> httpx.Client:
    return served(own_store, accumulated_feedback=["minutes"], feedback_batch=50)  # type: ignore[no-any-return]


def said(client: httpx.Client, user: str = "u1", **query: Any) -> list[dict[str, Any]]:
    got = client.get(f"/users/{user}/feedback", params=query)
    return got.json()["feedback"] if got.status_code == 200 else []  # type: ignore[no-any-return]


def test_one_event_makes_the_user_and_is_there_at_once(client: httpx.Client, own_store: GraphStore) -> None:
    before = int(time.time())
    got = client.post("/feedback", json=LIKE)
    assert (got.status_code, got.json()) == (200, {"written": 1})
    (one,) = said(client)
    assert (one["title"], one["type"], one["value"], one["name"]) == (TOY, "like", None, "Toy Story")
    assert time.strftime("%Y", time.gmtime(before)) == one["time"][:4]
    other = open_store(own_store.url)  # another process would see it
    assert other.degrees(["u1"], ["RATED"], "out").tolist() == [1]
    other.close()


def test_a_list_of_events_of_all_kinds(client: httpx.Client) -> None:
    events = [
        {"user": "u1", "title": TOY, "value": 4, "time": "2026-01-02T03:04:05.5+01:00"},
        {"user": "u1", "title": BUG, "time": 1_700_000_000, "comment": ""},
        {"user": "u2", "title": BUG, "type": "Like", "time": "2026-01-02"},
    ]
    assert client.post("/feedback", json=events).json() == {"written": 3}
    assert [(one["type"], one["value"], one["time"]) for one in said(client)] == [
        ("rating", 4.0, "2026-01-02T02:04:05.5Z"), ("watch", None, "2023-11-14T22:13:20Z")
    ]  # fmt: skip
    assert [(one["type"], one["time"]) for one in said(client, "u2")] == [("like", "2026-01-02T00:00:00Z")]
    assert client.post("/feedback", json=[]).json() == {"written": 0}


def test_the_later_event_counts_in_whatever_order_they_come(client: httpx.Client) -> None:
    for value, when in ((5, 200), (1, 100), (5, 200)):
        client.post("/feedback", json={"user": "u1", "title": TOY, "value": value, "time": when})
    assert [one["value"] for one in said(client)] == [5.0]


def test_what_accumulates_counts_an_event_once(client: httpx.Client) -> None:
    event = {"user": "u1", "title": TOY, "type": "minutes", "value": 10, "time": 100}
    for one in (event, event, event | {"time": 200}, event | {"id": "a"}, event | {"id": "a"}):
        assert client.post("/feedback", json=one).status_code == 200
    assert [one["value"] for one in said(client)] == [30.0]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"user": "u1"}, "name a title or an item"),
        ({"user": "u1", "title": TOY, "item": "1"}, "name a title or an item"),
        ({"title": TOY}, "user must be a text"),
        (LIKE | {"user": ""}, "user must have 1 to 200 characters"),
        (LIKE | {"user": "x" * 201}, "user must have 1 to 200 characters"),
        (LIKE | {"user": 7}, "user must be a text"),
        (LIKE | {"colour": "red"}, "unknown field 'colour'"),
        (LIKE | {"value": "5"}, "value must be a number"),
        (LIKE | {"value": True}, "value must be a number"),
        ({"user": "u1", "title": TOY, "type": "rating"}, "a rating needs a value"),
        (LIKE | {"time": "yesterday"}, "time must be ISO 8601"),
        (LIKE | {"time": 1.5}, "time must be ISO 8601"),
        (LIKE | {"time": 4_000_000_000}, "not in the future"),
        (LIKE | {"time": -1}, "time must be since 1970"),
        (LIKE | {"title": "tt9"}, "there is no title 'tt9'"),
        ({"user": "u1", "item": "999", "catalog": "north"}, "there is no item '999' in the catalog 'north'"),
        ("u1", "an event is an object"),
        (LIKE | {"user": "\ud800"}, "user is no valid text"),
        (LIKE | {"user": "u\0"}, "user is no valid text"),
    ],
)
def test_a_wrong_event_is_named_and_none_is_written(client: httpx.Client, event: Any, why: str) -> None:
    got = client.post("/feedback", content=json.dumps([LIKE, event]))
    assert got.status_code == 422
    assert (got.json()["errors"][0]["where"], len(got.json()["errors"])) == ("body.1", 1)
    assert why in got.json()["errors"][0]["why"]
    assert said(client) == []


@pytest.mark.parametrize("body", ["{", "", "nul", '{"user": 1e999', "[" * 100_000])
def test_what_is_no_json(client: httpx.Client, body: str) -> None:
    assert client.post("/feedback", content=body).status_code == 422


@pytest.mark.parametrize("body", ["[1e999]", '[{"user":"u1","title":"tt0114709","value":1e999}]', "1", "null"])
def test_json_that_is_no_event(client: httpx.Client, body: str) -> None:
    assert client.post("/feedback", content=body).status_code == 422


def test_more_events_than_a_request_may_have(client: httpx.Client) -> None:
    assert client.post("/feedback", json=[LIKE] * 50).status_code == 200
    got = client.post("/feedback", json=[LIKE] * 51)
    assert (got.status_code, "51 events are more than the 50" in got.json()["detail"]) == (422, True)


def test_an_item_of_a_catalog_is_its_title(client: httpx.Client) -> None:
    item = client.get("/catalogs/north/items").json()["items"][0]
    client.post("/feedback", json={"user": "u1", "item": item["id"], "catalog": "north", "type": "like"})
    assert [one["title"] for one in said(client)] == [item["title"]]


def test_many_at_once_lose_nothing_and_wrong_ones_harm_nobody(client: httpx.Client) -> None:
    statuses = []

    def work(number: int) -> None:
        with httpx.Client(base_url=client.base_url, trust_env=False, timeout=60) as mine:
            for turn in range(10):
                event = {"user": "u1", "title": TOY, "type": "minutes", "value": 1, "id": f"{number}-{turn}"}
                title = "tt9" if number == 0 and turn % 2 else TOY
                statuses.append(mine.post("/feedback", json=event | {"title": title}).status_code)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(200), statuses.count(422)) == (55, 5)
    assert [one["value"] for one in said(client)] == [55.0]


def test_a_page_of_what_a_user_said(client: httpx.Client) -> None:
    events = [{"user": "u1", "title": t, "value": v, "time": n} for t, v, n in ((TOY, 5, 10), (BUG, 2, 20))]
    client.post("/feedback", json=[*events, LIKE | {"time": 5}])
    assert [one["title"] for one in said(client, limit=1)] == [BUG]
    assert [one["type"] for one in said(client, offset=1)] == ["rating", "like"]
    assert [one["title"] for one in said(client, type="rating>=4")] == [TOY]
    got = client.get("/users/u1/feedback", params={"type": "rating>>4"})
    assert got.status_code == 422
    assert client.get("/users/u1/feedback", params={"limit": 1}).json()["total"] == 3
