"""By what a question is answered: named in a request, by a catalog, or by neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.search import Searcher
from graph.store import GraphStore, Scope
from loaders.load import load_sample

TOY_STORY = "tt0114709"
NORTH = {"catalog": "north", "region": "US", "on": "2026-11-21"}
BODY = {"titles": [TOY_STORY], "catalog": "north"}


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in found]


def test_all_are_listed(client: httpx.Client) -> None:
    listed = {one["name"]: one for one in client.get("/strategies").json()["strategies"]}
    assert listed["genres"]["available"]
    assert not listed["hybrid"]["available"]
    assert "reelgraph train configs/tastes.toml" in listed["hybrid"]["missing"]
    assert listed["embedding-cut"]["comparison"]
    assert listed["fold-in-series"]["run"].startswith("content-")


def test_each_place_that_answers_follows_it_and_says_so(client: httpx.Client, own_store: GraphStore) -> None:
    expected = [one.id for one in Searcher(own_store).similar(TOY_STORY, Scope("north", "US"), 5, strategy="genres")]
    similar = client.get(f"/titles/{TOY_STORY}/similar", params=NORTH | {"limit": 5, "strategy": "genres"}).json()
    assert (similar["strategy"], ids(similar["similar"])) == ("genres", expected)
    found = client.get("/search", params=NORTH | {"q": "toy story", "strategy": "genres"}).json()
    assert (found["strategy"], ids(found["hits"][0]["substitutes"])) == ("genres", expected)
    usual = client.get("/search", params=NORTH | {"q": "toy story"}).json()
    assert usual["strategy"] == "fold-in-series"
    assert ids(usual["hits"][0]["substitutes"]) != expected
    for path, body in (
        ("/recommend", BODY), ("/users/recommendations", {"users": ["nobody", "other"], "catalog": "north"}),
        ("/sessions/recommendations", {"events": [{"title": TOY_STORY, "type": "like"}], "catalog": "north"}),
    ):  # fmt: skip
        answer = client.post(path, json=body | {"strategy": "random"}).json()
        assert (answer["strategy"], len(answer["items"])) == ("random", 10), path
    answer = client.get("/users/nobody/recommendations", params=NORTH | {"strategy": "people"}).json()
    assert (answer["strategy"], answer["strangers"]) == ("popularity", ["nobody"])
    query = '{ title(id: "tt0114709") { similar(catalog: "north", first: 5, strategy: "genres") { title { id } } } }'
    told = client.post("/graphql", json={"query": query}).json()["data"]["title"]["similar"]
    assert [one["title"]["id"] for one in told] == expected
    query = '{ search(text: "toy story", strategy: "random") { strategy hits { substitutes { score } } } }'
    assert client.post("/graphql", json={"query": query}).json()["data"]["search"]["strategy"] == "random"


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("GET", "/search", {"q": "toy story"}), ("GET", f"/titles/{TOY_STORY}/similar", {}),
        ("POST", "/recommend", BODY),
        ("GET", "/users/nobody/recommendations", {}), ("POST", "/users/recommendations", {"users": ["nobody"]}),
        ("POST", "/sessions/recommendations", {"events": []}),
    ],
)  # fmt: skip
def test_one_that_is_not_there_is_refused_with_those_that_are(
    client: httpx.Client, method: str, path: str, given: dict[str, Any]
) -> None:
    for name, says in (("best", "there are: fold-in-series, hybrid, "), ("hybrid", "reelgraph train")):
        asked = given | {"strategy": name}
        got = client.request(method, path, **({"params": asked} if method == "GET" else {"json": asked}))
        assert (got.status_code, got.json()["title"]) == (422, "Unprocessable Entity")
        assert f"'{name}'" in got.json()["detail"]
        assert says in got.json()["detail"]
        assert "embedded:" not in got.text
    query = '{ title(id: "tt0114709") { similar(strategy: "best") { score } } }'
    assert "no strategy 'best'" in client.post("/graphql", json={"query": query}).json()["errors"][0]["message"]


def test_a_catalog_has_its_own_until_a_request_names_another(own_store: GraphStore, served: Any) -> None:
    client = served(own_store)
    put = client.patch("/catalogs/north", json={"strategy": "genres"})
    assert put.json() == {"id": "north", "name": "North", "titles": 102, "strategy": "genres"}

    def answered(**asked: str) -> list[str]:
        return [
            client.get("/search", params={"q": "toy story"} | asked).json()["strategy"],
            client.get(f"/titles/{TOY_STORY}/similar", params=asked).json()["strategy"],
            client.post("/recommend", json={"titles": [TOY_STORY]} | asked).json()["strategy"],
        ]

    assert answered(catalog="north") == ["genres"] * 3
    assert answered(catalog="north", strategy="people") == ["people"] * 3
    assert answered(catalog="south") == answered() == ["fold-in-series"] * 3
    refused = client.get("/search", params={"q": "toy story", "catalog": "north", "genre": 2})
    assert (refused.status_code, "'genres', which the catalog names," in refused.json()["detail"]) == (422, True)
    rows = [{"id": TOY_STORY, "item_id": "1"}]
    assert client.put("/catalogs/north/titles", json={"titles": rows}).json()["strategy"] == "genres"
    load_sample(own_store)
    assert client.get("/catalogs").json()["catalogs"][0] == put.json(), "neither what it offers nor a load changes it"
    assert client.patch("/catalogs/north", json={"name": "Nord"}).json()["strategy"] == "genres"
    assert client.patch("/catalogs/north", json={"strategy": None}).json()["strategy"] is None
    assert answered(catalog="north") == ["fold-in-series"] * 3


def test_what_cannot_be_said_of_a_catalog(own_store: GraphStore, served: Any) -> None:
    client = served(own_store)
    for slug, body, status, says in (
        ("north", {"strategy": "best"}, 422, "no strategy 'best'"),
        ("north", {"strategy": "hybrid"}, 422, "none are published"),
        ("west", {"strategy": "genres"}, 404, "no catalog 'west'; there are: north, south"),
        ("north", {"titles": 3}, 422, "body.titles"),
        ("north", {"name": None}, 422, "body.name"),
    ):
        got = client.patch(f"/catalogs/{slug}", json=body)
        assert (got.status_code, says in got.json()["detail"]) == (status, True), got.text


def test_one_whose_vectors_are_gone_is_passed_over(own_store: GraphStore, served: Any) -> None:
    own_store.upsert_nodes("Catalog", [{"id": "north", "strategy": "embedding"}])
    client = served(own_store)
    got = client.get("/search", params={"q": "toy story", "catalog": "north"}).json()
    assert (got["strategy"], len(got["hits"][0]["substitutes"])) == ("fold-in-series", 5)


def test_a_store_from_before_catalogs_had_one(tmp_path: Path) -> None:
    import sqlite3

    from graph.store import open_store

    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    load_sample(store)
    store.close()
    with sqlite3.connect(tmp_path / "store" / "live.sqlite") as live:
        live.execute('ALTER TABLE "Catalog" DROP COLUMN strategy')
    store = open_store(f"embedded:{tmp_path / 'store'}")
    assert Searcher(store).search("toy story", Scope("north")).strategy == "fold-in-series"
    store.close()
