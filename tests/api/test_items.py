"""A catalog's items over HTTP: put, changed, hidden, withdrawn; which title each of them is."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest

from graph.store import GraphStore, open_store

TOY = "tt0114709"


@pytest.fixture
def client(own_store: GraphStore, served: Any) -> httpx.Client:
    return served(own_store)  # type: ignore[no-any-return]


def put(client: httpx.Client, id_: str, **body: Any) -> dict[str, Any]:
    got = client.put(f"/catalogs/west/items/{id_}", json=body)
    assert got.status_code == 200, got.text
    return got.json()  # type: ignore[no-any-return]


def offered(client: httpx.Client) -> list[str]:
    got = client.post("/recommend", json={"titles": ["tt0120623"], "catalog": "west", "limit": 50})
    return [one["id"] for one in got.json()["items"]]


def test_which_title_an_item_is(client: httpx.Client) -> None:
    assert put(client, TOY)["title"] == TOY
    assert put(client, "a", labels={"imdb": "tt0245429"})["title"] == "tt0245429"
    assert put(client, "b", labels=["x", "tt0266543"])["title"] == "tt0266543"
    assert put(client, "c", labels={"Title": "the incredibles", "Year": "2004"})["title"] == "tt0317705"
    assert put(client, "d", labels={"title": "The Incredibles", "year": 1950})["title"] == "item:d"
    assert put(client, "e", labels={"imdb": TOY})["title"] == "item:e"  # one item is that title already
    assert put(client, "f", labels={"imdb": "tt9999999"})["title"] == "item:f"
    assert put(client, "b", labels=None)["title"] == "tt0266543"  # it stays what it is


def test_put_patch_delete(client: httpx.Client) -> None:
    made = put(client, "a", categories=["x"], labels={"k": 1}, comment="c", time=7)
    assert made == {"id": "a", "title": "item:a", "hidden": False, "categories": ["x"], "labels": {"k": 1},
                    "comment": "c", "time": 7, "pinned": None, "boost": None}  # fmt: skip
    got = client.patch("/catalogs/west/items/a", json={"hidden": True, "categories": None})
    assert got.json() == made | {"hidden": True, "categories": None}
    assert client.get("/catalogs/west/items/a").json() == got.json()
    assert client.delete("/catalogs/west/items/a").json() == got.json()
    for method in ("GET", "PATCH", "DELETE"):
        body = {} if method == "PATCH" else None
        assert client.request(method, "/catalogs/west/items/a", json=body).status_code == 404


def test_what_is_put_is_recommended_at_once_and_what_is_hidden_is_not(client: httpx.Client) -> None:
    put(client, TOY)
    put(client, "own")
    assert offered(client) == [TOY, "item:own"]
    client.patch(f"/catalogs/west/items/{TOY}", json={"hidden": True})
    assert offered(client) == ["item:own"]
    client.patch(f"/catalogs/west/items/{TOY}", json={"hidden": False})
    client.delete("/catalogs/west/items/own")
    assert offered(client) == [TOY]


def test_what_is_pinned_and_boosted_counts_in_the_next_answer(client: httpx.Client, own_store: GraphStore) -> None:
    def answered(path: str = "/users/u1/recommendations?catalog=west") -> list[str]:
        return [one["id"] for one in client.get(path).json()["items"]]

    titles = ["tt0120623", "tt0245429", "tt0266543"]
    for id_ in titles:
        put(client, id_)
    plain = answered()
    assert sorted(plain) == titles
    made = put(client, plain[-1], pinned=1)
    assert (made["pinned"], made["boost"]) == (1, None)
    assert answered() == [plain[-1], *plain[:-1]]
    assert client.get(f"/catalogs/west/items/{plain[-1]}").json()["pinned"] == 1
    client.patch(f"/catalogs/west/items/{plain[-1]}", json={"boost": 2.0})
    assert client.get(f"/catalogs/west/items/{plain[-1]}").json() == made | {"boost": 2.0}
    client.patch(f"/catalogs/west/items/{plain[-1]}", json={"pinned": None, "boost": None})
    assert answered() == plain
    client.patch(f"/catalogs/west/items/{plain[-1]}", json={"boost": 100.0})
    assert answered()[0] == plain[-1]
    put(client, plain[-1], pinned=1)
    assert client.get(f"/catalogs/west/items/{plain[-1]}").json()["boost"] is None, "a put says all anew"
    rows = [{"id": id_, "item_id": id_, "pinned": 9 if id_ == plain[1] else None} for id_ in titles]
    assert client.put("/catalogs/west/titles", json={"titles": rows}).status_code == 200
    assert answered()[0] == plain[1]
    for wrong in ({"pinned": 0}, {"pinned": True}, {"boost": -1}, {"boost": 101}, {"boost": "2"}):
        assert client.put("/catalogs/west/items/x", json=wrong).status_code == 422, wrong


def test_an_item_goes_with_its_feedback_unless_another_catalog_has_it(client: httpx.Client) -> None:
    north = client.get("/catalogs/north/items").json()["items"][0]
    put(client, "own")
    put(client, north["title"])
    for item in ("own", north["title"]):
        client.post("/feedback", json={"user": "u1", "item": item, "catalog": "west", "type": "like"})
        client.delete(f"/catalogs/west/items/{item}")
    assert [one["title"] for one in client.get("/users/u1/feedback").json()["feedback"]] == [north["title"]]
    assert client.get("/titles/item:own").status_code == 404


def test_pages_by_id(client: httpx.Client) -> None:
    for id_ in ("b", "a", "c"):
        put(client, id_)
    first = client.get("/catalogs/west/items", params={"limit": 2}).json()
    assert ([one["id"] for one in first["items"]], first["next"]) == (["a", "b"], "b")
    last = client.get("/catalogs/west/items", params={"after": "b"}).json()
    assert ([one["id"] for one in last["items"]], last["next"]) == (["c"], None)
    assert client.get("/catalogs/nowhere/items").json() == {"items": [], "next": None}


def test_two_services_over_one_store_see_each_others_items(own_store: GraphStore, served: Any) -> None:
    with contextlib.closing(open_store(own_store.url)) as store:
        one, other = served(own_store), served(store)
        for number in range(3):
            put(one, f"a{number}")
            ids = [item["id"] for item in other.get("/catalogs/west/items").json()["items"]]
            assert ids == sorted([f"a{n}" for n in range(number + 1)] + [f"b{n}" for n in range(number)])
            put(other, f"b{number}", comment=str(number))
            assert one.get(f"/catalogs/west/items/b{number}").json()["comment"] == str(number)
