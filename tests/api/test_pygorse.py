"""PyGorse as published runs a whole scenario, on the embedded store and on Neo4j."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from gorse import AsyncGorse, Gorse, GorseException, Score
from typer.testing import CliRunner

import reelgraph
from api.keys import make
from graph.store import open_store
from tests.servers import neo4j_server

URLS = {
    "embedded": lambda _request, folder: f"embedded:{folder}/store",
    "neo4j": lambda request, _folder: neo4j_server.wiped(request.getfixturevalue("neo4j_url")),
}
WHEN = "2021-03-04T05:06:07Z"


@pytest.fixture(params=URLS)
def clients(request: pytest.FixtureRequest, tmp_path: Any, service: Any) -> Iterator[tuple[Gorse, AsyncGorse]]:
    """PyGorse's two clients of a service over an empty store."""
    url = URLS[request.param](request, tmp_path)
    with contextlib.closing(open_store(url, create=True)) as store:
        store.apply_schema()
        key = make(store, "gorse", "write")[1]
        with service(store, liked_feedback=["star", "read>=3"], disliked_feedback=["hate"]) as http:
            address = str(http.base_url).rstrip("/")
            yield Gorse(address, key), AsyncGorse(address, key)


def feedback(type_: str, user: str, item: str, value: float = 0, when: str = WHEN) -> dict[str, Any]:
    return {"FeedbackType": type_, "UserId": user, "ItemId": item, "Value": value, "Timestamp": when}


def ids(scores: list[Any]) -> list[str]:
    return [one.id if isinstance(one, Score) else one["Id"] for one in scores]


def raised(status: int, message: str, call: Any, *arguments: Any) -> None:
    with pytest.raises(GorseException) as error:
        call(*arguments)
    assert (error.value.status_code, error.value.message) == (status, message)


def test_a_whole_scenario(clients: tuple[Gorse, AsyncGorse]) -> None:  # noqa: PLR0915  (one step after another)
    client, _ = clients

    # Users
    user = {"UserId": "u1", "Labels": {"plan": "basic", "ages": [1, 2.5]}, "Comment": "first"}
    assert client.insert_user(user) == {"RowAffected": 1}
    assert client.get_user("u1") == user
    assert client.insert_users([{"UserId": f"v{n}", "Labels": ["a", "b"]} for n in range(5)]) == {"RowAffected": 5}
    seen, cursor = [], ""
    while True:
        page, cursor = client.get_users(2, cursor)
        seen += [one["UserId"] for one in page]
        assert len(page) == 2 or not cursor
        if not cursor:
            break
    assert seen == ["u1", *(f"v{n}" for n in range(5))]
    raised(404, "nobody: user not found", client.get_user, "nobody")

    # Items
    item = {"ItemId": "i0", "IsHidden": False, "Categories": ["x", "y"], "Timestamp": WHEN,
            "Labels": {"tags": ["a", "b"]}, "Comment": "an item"}  # fmt: skip
    assert client.insert_item(item) == {"RowAffected": 1}
    assert client.get_item("i0") == item
    for n in range(1, 10):
        client.insert_item({"ItemId": f"i{n}", "Categories": ["x"], "Timestamp": f"2021-03-{n:02d}", "Labels": []})
    page, cursor = client.get_items(7)
    rest, end = client.get_items(7, cursor)
    assert [one["ItemId"] for one in page + rest] == [f"i{n}" for n in range(10)]
    assert end == ""
    assert [one["ItemId"] for one in client.search_items("an item")] == ["i0"]
    assert client.update_item("i0", labels=["c"], timestamp="2022-01-02T03:04:05.5Z") == {"RowAffected": 1}
    assert client.get_item("i0") == item | {"Labels": ["c"], "Timestamp": "2022-01-02T03:04:05.5Z"}
    raised(404, "i99: item not found", client.get_item, "i99")

    # Feedback
    assert client.insert_feedback("star", "u1", "i1", WHEN, 2) == {"RowAffected": 1}
    assert client.insert_feedback("star", "u1", "i1", "2021-03-05", 3) == {"RowAffected": 1}
    both = {"FeedbackType": "star", "UserId": "u1", "ItemId": "i1", "Value": 5, "Timestamp": WHEN,
            "Updated": "2021-03-05T00:00:00Z", "Comment": ""}  # fmt: skip
    assert client.list_feedbacks("star", "u1") == [both]
    assert client.list_feedbacks("star>=6", "u1") == []
    many = [feedback("star", f"v{n}", f"i{i}") for n in range(5) for i in range(4)]
    assert client.insert_feedbacks(many) == {"RowAffected": 20}
    assert client.insert_feedbacks([]) == {"RowAffected": 0}
    keys, cursor = [], ""
    while True:
        page, cursor = client.get_feedbacks(6, cursor)
        keys += [(one["FeedbackType"], one["UserId"], one["ItemId"]) for one in page]
        if not cursor:
            break
    assert keys == sorted([("star", "u1", "i1"), *(("star", f"v{n}", f"i{i}") for n in range(5) for i in range(4))])

    # Lists
    got = client.get_recommend("u1", n=100)
    assert set(ids(got)) == {f"i{n}" for n in range(10)} - {"i1"}
    assert all(isinstance(one.score, float) for one in got)
    assert ids(client.get_recommend("u1", n=3, offset=2)) == ids(got)[2:5]
    assert ids(client.get_recommend("u1", "y")) == ["i0"]
    assert client.get_recommend("u1", "nothing") == []
    assert len(client.get_recommend("stranger", n=4)) == 4
    client.insert_feedback("read", "u1", got[0].id, WHEN)
    assert got[0].id not in ids(client.get_recommend("u1", n=100))
    assert client.delete_feedback("u1", got[0].id) == {"RowAffected": 1}
    assert got[0].id in ids(client.get_recommend("u1", n=100))

    first = ids(client.get_recommend("u1", n=3, write_back_type="shown"))
    second = ids(client.get_recommend("u1", n=3, write_back_type="shown", write_back_delay="10m"))
    assert not set(first) & set(second)
    assert ids(client.get_recommend("u1", n=3)) == second
    assert {one["ItemId"] for one in client.list_feedbacks("shown", "u1")} == set(first)

    client.update_item(second[0], is_hidden=True)
    assert second[0] not in ids(client.get_recommend("u1", n=100))
    client.update_item(second[0], is_hidden=False)
    assert second[0] in ids(client.get_recommend("u1", n=100))

    # Likes of others are counted a moment later.
    for _ in range(100):
        beside = client.get_neighbors("i2")
        if beside:
            break
        time.sleep(0.1)
    assert set(ids(beside)) == {"i0", "i1", "i3"}
    scores = [one["Score"] for one in beside]
    assert scores == sorted(scores, reverse=True)
    assert ids(client.get_neighbors("i2", n=1, offset=1)) == ids(beside)[1:2]
    assert client.get_neighbors("i99") == []
    session = client.session_recommend([{"FeedbackType": "star", "ItemId": "i2"}, feedback("read", "", "i0")])
    assert set(ids(session)) == {"i1", "i3"}
    assert client.session_recommend([feedback("hate", "", "i2")]) == []

    # Deletes
    assert client.delete_item("i0") == {"RowAffected": 1}
    assert "i0" not in ids(client.get_recommend("u1", n=100))
    assert client.list_feedbacks("star", "v0") == [one for one in client.list_feedbacks("star", "v0")
                                                   if one["ItemId"] != "i0"]  # fmt: skip
    raised(404, "i0: item not found", client.get_item, "i0")
    assert client.delete_user("v0") == {"RowAffected": 1}
    assert client.list_feedbacks("star", "v0") == []
    assert client.delete_item("i0") == client.delete_user("v0") == {"RowAffected": 1}


def test_the_client_for_event_loops(clients: tuple[Gorse, AsyncGorse]) -> None:
    _, client = clients

    async def work() -> None:
        assert await client.insert_feedback("star", "u1", "i1", WHEN) == {"RowAffected": 1}
        (one,) = await client.list_feedbacks("star", "u1")
        assert (one["Value"], one["Timestamp"]) == (0, WHEN)
        assert await client.insert_item({"ItemId": "i2"}) == {"RowAffected": 1}
        assert ids(await client.get_recommend("u1")) == ["i2"]
        assert (await client.get_users(10))[1] == ""
        assert await client.delete_feedback("u1", "i1") == {"RowAffected": 1}
        with pytest.raises(GorseException):
            await client.get_item("i9")

    asyncio.run(work())


def test_a_wrong_key(clients: tuple[Gorse, AsyncGorse]) -> None:
    client, _ = clients
    raised(401, "unauthorized", Gorse(client.entry_point, "wrong").get_user, "u1")


def test_an_import_by_the_api_of_a_running_service(tmp_path: Any, service: Any) -> None:
    # What answers as Gorse does can be taken over as one.
    source, target = (open_store(f"embedded:{tmp_path}/{name}", create=True) for name in ("source", "target"))
    with contextlib.closing(source), contextlib.closing(target), service(source) as http:
        address = str(http.base_url).rstrip("/")
        client = Gorse(address, "")
        client.insert_item({"ItemId": "i1", "Categories": ["x"], "Timestamp": WHEN})
        client.insert_feedbacks([feedback("star", f"u{n}", f"i{n % 3}", n) for n in range(1500)])
        got = CliRunner().invoke(reelgraph.app, ["import", "gorse", address, "--store", target.url, "--json"])
        assert got.exit_code == 0, got.output
        assert {name: json.loads(got.stdout)[name] for name in ("users", "items", "feedback")} == {
            "users": 1500, "items": 3, "feedback": 1500
        }  # fmt: skip
        with service(target) as other:
            taken = Gorse(str(other.base_url).rstrip("/"), "")
            assert taken.get_item("i1") == client.get_item("i1")
            assert taken.get_feedbacks(2000) == client.get_feedbacks(2000)
