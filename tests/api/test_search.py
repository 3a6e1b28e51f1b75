"""The out-of-catalog contract over HTTP."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from graph.search import Searcher
from graph.store import GraphStore, Scope


def test_an_answer_is_that_of_the_searcher(client: httpx.Client, own_store: GraphStore) -> None:
    asked = {"q": "toy story", "catalog": "north", "region": "us", "on": "2026-11-21", "hits": 2, "substitutes": 3}
    got = client.get("/search", params=asked)
    assert got.status_code == 200
    answer = got.json()
    assert (answer["status"], answer["catalog"], answer["region"], answer["on"]) == (
        "out_of_catalog", "north", "US", "2026-11-21",
    )  # fmt: skip
    first = answer["hits"][0]
    assert (first["id"], first["in_catalog"], first["match"]["type"]) == ("tt0114709", False, "primary")
    offered = {row["id"]: row["item_id"] for row in own_store.offered(Scope("north", "US")).to_pylist()}
    assert [offered[one["id"]] for one in first["substitutes"]] == [one["item_id"] for one in first["substitutes"]]
    assert len(first["substitutes"]) == 3
    scope = Scope("north", "US", dt.date(2026, 11, 21))
    assert answer == Searcher(own_store).search("toy story", scope, hits=2, substitutes=3).as_dict()


@pytest.mark.parametrize(
    ("asked", "status", "first"),
    [
        ({"q": "spirited away", "catalog": "north", "region": "GB"}, "in_catalog", "tt0245429"),
        ({"q": "千と千尋", "catalog": "south"}, "out_of_catalog", "tt0245429"),
        ({"q": "tt0114709"}, "out_of_catalog", "tt0114709"),
        ({"q": "qzxv wqrtp"}, "unknown", None),
        ({"q": " "}, "unknown", None),
        ({"q": "x" * 300}, "unknown", None),
        ({"q": "\x00\ud7ff☃"}, "unknown", None),
    ],
)
def test_status(client: httpx.Client, asked: dict[str, str], status: str, first: str | None) -> None:
    answer = client.get("/search", params=asked).json()
    assert (answer["status"], answer["hits"][0]["id"] if answer["hits"] else None) == (status, first)


def test_the_day_and_region_count(client: httpx.Client) -> None:
    asked = {"q": "spirited away", "catalog": "north", "region": "GB"}
    shown = client.get("/search", params=asked).json()["hits"][0]
    elsewhere = client.get("/search", params=asked | {"region": "BR"}).json()
    later = client.get("/search", params=asked | {"on": "2099-01-01"}).json()
    assert (shown["in_catalog"], shown["available"]) == (True, True)
    for answer in (elsewhere, later):
        hit = answer["hits"][0]
        assert (answer["status"], hit["in_catalog"], hit["available"]) == ("out_of_catalog", True, False)


def test_a_person_or_genre_has_titles(client: httpx.Client) -> None:
    person = client.get("/search", params={"q": "hayao miyazaki", "substitutes": 2}).json()["hits"][0]
    assert (person["kind"], person["id"], len(person["titles"])) == ("person", "nm0594503", 2)
    assert "substitutes" not in person
    genre = client.get("/search", params={"q": "animation", "substitutes": 1}).json()["hits"][0]
    assert (genre["kind"], genre["id"], genre["nearest"]) == ("genre", "Animation", [])


def test_so_many_hits_and_substitutes_as_asked_for(client: httpx.Client) -> None:
    answer = client.get("/search", params={"q": "toy story", "hits": 4, "substitutes": 0}).json()
    assert [hit["substitutes"] for hit in answer["hits"]] == [[], [], [], []]
    most = client.get("/search", params={"q": "toy story", "substitutes": 100}).json()["hits"][0]["substitutes"]
    assert len({one["id"] for one in most}) == len(most) == 100


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({}, "query.q"),
        ({"q": ""}, "query.q"),
        ({"q": "x" * 301}, "query.q"),
        ({"q": "x", "hits": "0"}, "query.hits"),
        ({"q": "x", "hits": "21"}, "query.hits"),
        ({"q": "x", "substitutes": "101"}, "query.substitutes"),
        ({"q": "x", "substitutes": "many"}, "query.substitutes"),
        ({"q": "x", "region": "U1"}, "query.region"),
        ({"q": "x", "on": "soon"}, "query.on"),
        ({"q": "x", "catalog": "x" * 64}, "query.catalog"),
    ],
)
def test_what_is_wrong_with_a_request(client: httpx.Client, asked: dict[str, str], where: str) -> None:
    got = client.get("/search", params=asked)
    problem = got.json()
    assert (got.status_code, got.headers["content-type"]) == (422, "application/problem+json")
    assert (problem["title"], problem["status"]) == ("Unprocessable Entity", 422)
    assert [error["where"] for error in problem["errors"]] == [where]


def test_an_unknown_catalog(client: httpx.Client) -> None:
    got = client.get("/search", params={"q": "toy story", "catalog": "west"})
    assert got.status_code == 404
    assert got.json()["detail"] == "there is no catalog 'west'; there are: north, south"
