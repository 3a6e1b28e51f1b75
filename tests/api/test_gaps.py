"""Searches are counted, and what was not to be had is a catalog's gap, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from graph.demand import searches
from graph.store import GraphStore


def test_searches_become_gaps(own_store: GraphStore, service: Any) -> None:
    with service(own_store) as client:
        for _ in range(6):
            client.get("/search", params={"q": "toy story", "catalog": "north"})
            client.get("/search", params={"q": "qzxv wqrtp", "catalog": "north"})
        for _ in range(4):
            client.get("/search", params={"q": "spirited away", "catalog": "south"})
    with service(own_store) as client:
        got = client.get("/catalogs/north/gaps", params={"budget": 1, "days": 1}).json()
    assert (got["catalog"], got["measured_in"], got["minimum_count"], got["days"]) == ("north", "searches", 5, 1)
    assert [(gap["id"], gap["demand"]) for gap in got["gaps"]] == [("tt0114709", 6)]
    gap = got["gaps"][0]
    assert gap["gap"] == pytest.approx(6 * (1 - gap["substitutability"]), abs=1e-3)
    assert got["unknown"] == [{"text": "qzxv wqrtp", "searches": 6}]
    assert [one["id"] for one in got["purchases"]] == ["tt0114709"]


def test_kept_answers_are_counted_and_unchanged_ones_are_not(own_store: GraphStore, service: Any) -> None:
    with service(own_store) as client:
        first = client.get("/search", params={"q": "toy story"})
        client.get("/search", params={"q": "toy story"})
        again = client.get("/search", params={"q": "toy story"}, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
    assert searches(own_store, None, least=1).titles == {"tt0114709": 2}


def test_nothing_is_counted_where_the_settings_say_so(own_store: GraphStore, service: Any) -> None:
    with service(own_store, count_searches=False) as client:
        client.get("/search", params={"q": "toy story"})
    assert searches(own_store, None, least=1).titles == {}


def test_without_searches_votes_are_the_demand(client: httpx.Client) -> None:
    got = client.get("/catalogs/south/gaps", params={"limit": 3, "region": "br", "on": "2026-11-21"}).json()
    assert (got["measured_in"], got["region"], got["on"], len(got["gaps"])) == ("votes", "BR", "2026-11-21", 3)
    sizes = [gap["gap"] for gap in got["gaps"]]
    assert (sizes, got["purchases"]) == (sorted(sizes, reverse=True), None)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/catalogs/west/gaps", 404),
        ("/catalogs/West/gaps", 422),
        ("/catalogs/north/gaps?limit=201", 422),
        ("/catalogs/north/gaps?budget=0", 422),
        ("/catalogs/north/gaps?days=0", 422),
    ],
)
def test_no_such_gaps(client: httpx.Client, path: str, status: int) -> None:
    got = client.get(path)
    assert (got.status_code, got.headers["content-type"]) == (status, "application/problem+json")
