"""Titles, people and what joins them, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from graph.explain import Evidence, check
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope


def test_a_title(client: httpx.Client) -> None:
    title = client.get("/titles/tt0114709").json()
    plain = {name: title[name] for name in ("id", "kind", "title", "start_year", "runtime_minutes", "is_adult")}
    assert plain == {
        "id": "tt0114709", "kind": "movie", "title": "Toy Story", "start_year": 1995, "runtime_minutes": 81,
        "is_adult": False,
    }  # fmt: skip
    assert title["genres"] == ["Adventure", "Animation", "Comedy"]
    assert title["credits"][0] == {
        "id": "nm0005124", "name": "John Lasseter", "role": "DIRECTED", "job": None, "characters": [],
    }  # fmt: skip
    assert ("Tom Hanks", ["Woody"]) in [(one["name"], one["characters"]) for one in title["credits"]]
    assert (title["series"], title["episode_count"], title["offers"]) == ([], 0, [])


def test_who_offers_a_title_and_what_else_it_is_called(client: httpx.Client) -> None:
    title = client.get("/titles/tt0266543").json()
    assert title["offers"] == [
        {"catalog": "north", "item_id": "N004", "regions": ["CA", "GB", "US"], "available_from": "2024-01-01",
         "available_until": "2028-12-31"},
        {"catalog": "south", "item_id": "S001", "regions": ["AR", "BR", "ES"], "available_from": "2024-01-01",
         "available_until": "2028-12-31"},
    ]  # fmt: skip
    names = {(one["title"], one["region"]) for one in title["alternate_titles"]}
    assert ("Procurando Nemo", "BR") in names


def test_a_series_and_its_episodes(client: httpx.Client) -> None:
    series = client.get("/titles/tt0903747", params={"limit": 2}).json()
    assert series["episode_count"] >= 2
    places = [(one["season"], one["episode"]) for one in series["episodes"]]
    assert (len(places), places) == (2, sorted(places))
    rest = client.get("/titles/tt0903747", params={"limit": 200, "offset": 2}).json()["episodes"]
    assert len(rest) == series["episode_count"] - 2
    episode = client.get(f"/titles/{series['episodes'][0]['id']}").json()
    assert [(one["id"], one["title"]) for one in episode["series"]] == [("tt0903747", "Breaking Bad")]


def test_a_person(client: httpx.Client) -> None:
    person = client.get("/people/nm0005124", params={"limit": 2}).json()
    assert (person["name"], person["birth_year"], person["title_count"]) == ("John Lasseter", 1957, 9)
    assert [(one["id"], one["roles"]) for one in person["titles"]] == [
        ("tt0114709", ["DIRECTED", "WROTE"]),
        ("tt0435761", ["WROTE"]),
    ]
    page = client.get("/people/nm0005124", params={"limit": 200, "offset": 2}).json()["titles"]
    votes = [one["num_votes"] for one in page]
    assert (len(page), votes) == (7, sorted(votes, reverse=True))


def test_similar_titles(client: httpx.Client, own_store: GraphStore) -> None:
    asked = {"catalog": "south", "on": "2026-11-21", "limit": 4}
    got = client.get("/titles/tt0114709/similar", params=asked).json()
    assert (got["id"], len(got["similar"])) == ("tt0114709", 4)
    assert all(one["item_id"].startswith("S") for one in got["similar"])
    whole = client.get("/titles/tt0114709/similar", params={"catalog": "*", "limit": 3}).json()["similar"]
    expected = Searcher(own_store).similar("tt0114709", Scope(WHOLE_GRAPH), 3)
    assert whole == [one.as_dict() for one in expected]
    assert [one["item_id"] for one in whole] == [None, None, None]


def test_explanations_can_be_walked_again(client: httpx.Client, own_store: GraphStore) -> None:
    got = client.get("/explain", params={"from": "tt0114709", "to": "tt0120623", "limit": 3}).json()
    assert (got["from"], got["to"], len(got["evidence"])) == ("tt0114709", "tt0120623", 3)
    assert got["evidence"][0]["path"] == ["tt0114709", "DIRECTED", "nm0005124", "DIRECTED", "tt0120623"]
    for one in got["evidence"]:
        assert check(own_store, Evidence(one["kind"], one["weight"], one["text"], tuple(one["path"])))


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/titles/tt9999999", 404, "there is no title 'tt9999999'"),
        ("/titles/tt9999999/similar", 404, "there is no title 'tt9999999' in the graph"),
        ("/titles/tt0114709/similar?strategy=embedding", 422, "needs vectors 'embedding', and none are published"),
        ("/titles/tt0114709/similar?strategy=substitute_weights", 422, "there are: fold-in-series, hybrid"),
        ("/titles/tt0114709/similar?catalog=west", 404, "there is no catalog 'west'"),
        ("/titles/tt0114709/similar?limit=101", 422, "query.limit"),
        ("/titles/tt0114709?limit=201", 422, "query.limit"),
        ("/titles/tt0114709?offset=-1", 422, "query.offset"),
        ("/people/nm9999999", 404, "there is no person 'nm9999999'"),
        ("/people/nm0005124?limit=0", 422, "query.limit"),
        ("/people/tt0114709", 404, "there is no person"),
        ("/explain?from=tt0114709", 422, "query.to"),
        ("/explain?from=tt0114709&to=tt9999999", 404, "tt9999999"),
    ],
)
def test_what_is_not_there(client: httpx.Client, path: str, status: int, says: str) -> None:
    got = client.get(path)
    problem = got.json()
    assert (got.status_code, problem["status"]) == (status, status)
    assert says in problem["detail"]
    assert "embedded:" not in got.text
    assert "/tmp" not in got.text  # noqa: S108


def test_adult_titles_only_when_asked_for(own_store: GraphStore, served: Any) -> None:
    own_store.upsert_nodes("Title", [{"id": "tt0120623", "is_adult": True}])
    client = served(own_store)
    assert client.get("/titles/tt0120623").status_code == 404
    assert client.get("/titles/tt0120623", params={"adult": True}).json()["title"] == "A Bug's Life"
    assert client.get("/people/nm0005124").json()["title_count"] == 8
    assert client.get("/people/nm0005124", params={"adult": True}).json()["title_count"] == 9
    shown = client.get("/titles/tt0114709/similar", params={"catalog": "*", "limit": 100}).json()["similar"]
    assert "tt0120623" not in {one["id"] for one in shown}
    assert client.get("/search", params={"q": "a bug's life"}).json()["hits"][:1] != [{"id": "tt0120623"}]
