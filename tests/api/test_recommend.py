"""Recommendations for an anonymous list, and preferences, over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
import pytest

from graph.preferences import Preferences
from graph.search import Searcher
from graph.store import GraphStore, Scope

LIKED = ["tt0114709", "tt0245429"]


def test_it_is_what_the_searcher_recommends(client: httpx.Client, own_store: GraphStore) -> None:
    asked = {"titles": LIKED, "catalog": "north", "region": "us", "on": "2026-11-21", "limit": 4, "diversity": 0.5}
    got = client.post("/recommend", json=asked)
    scope = Scope("north", "US", dt.date(2026, 11, 21))
    expected = Searcher(own_store).recommend(LIKED, scope, 4, preferences=Preferences(0.5))
    assert (got.status_code, got.json()) == (200, expected.as_dict())
    assert (len(got.json()["items"]), got.json()["titles"]) == (4, LIKED)
    assert {reason["kind"] for item in got.json()["items"] for reason in item["evidence"]} >= {"liked", "path"}


def test_titles_may_count_more_or_less(client: httpx.Client) -> None:
    firsts = []
    for weights in ({"tt0114709": 9.0, "tt0068646": 0.1}, {"tt0114709": 0.1, "tt0068646": 9.0}):
        items = client.post("/recommend", json={"titles": weights, "catalog": "*"}).json()["items"]
        assert not {item["id"] for item in items} & weights.keys()
        firsts.append(items[0]["evidence"][0]["via"])
    assert firsts == [["tt0114709"], ["tt0068646"]]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "body.titles"),
        ({"titles": []}, 422, "body.titles"),
        ({"titles": ["tt0114709"] * 101}, 422, "body.titles"),
        ({"titles": {"tt0114709": 0}}, 422, "body.titles"),
        ({"titles": LIKED, "limit": 101}, 422, "body.limit"),
        ({"titles": LIKED, "diversity": 2}, 422, "body.diversity"),
        ({"titles": LIKED, "cast": 5}, 422, "body.cast"),
        ({"titles": LIKED, "mood": "blue"}, 422, "body.mood"),
        ({"titles": ["tt9999999"]}, 404, "there is no title 'tt9999999' in the graph"),
        ({"titles": LIKED, "catalog": "west"}, 404, "there is no catalog 'west'"),
    ],
)
def test_what_cannot_be_recommended(client: httpx.Client, body: Any, status: int, says: str) -> None:
    got = client.post("/recommend", json=body)
    assert (got.status_code, got.headers["content-type"]) == (status, "application/problem+json")
    assert says in got.json()["detail"]


def test_preferences_of_a_search(client: httpx.Client, own_store: GraphStore) -> None:
    asked = {"q": "toy story", "catalog": "*", "cast": 4, "director": 2, "genre": 0, "diversity": 0.3}
    expected = Searcher(own_store).search(
        "toy story", Scope("*"), preferences=Preferences(diversity=0.3, cast=4, director=2, genre=0)
    )
    assert client.get("/search", params=asked).json() == expected.as_dict()
    plain = client.get("/search", params={"q": "toy story", "catalog": "*"}).json()
    assert plain != expected.as_dict()
    similar = client.get("/titles/tt0114709/similar", params=asked | {"limit": 5}).json()["similar"]
    assert similar == expected.as_dict()["hits"][0]["substitutes"]


def test_preferences_that_are_none(client: httpx.Client) -> None:
    for asked in ({"diversity": 1.1}, {"genre": -1}, {"era": "nan"}):
        got = client.get("/search", params={"q": "toy story"} | asked)
        assert (got.status_code, got.json()["errors"][0]["where"]) == (422, f"query.{next(iter(asked))}")
    by = client.get("/titles/tt0114709/similar", params={"strategy": "fold-in", "genre": 2})
    assert (by.status_code, by.json()["title"]) == (422, "Unprocessable Entity")
    assert "leave out diversity and the weights of facets" in by.json()["detail"]
