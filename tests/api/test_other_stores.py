"""The service over Neo4j and over Gremlin: over the sample it answers what it answers over the embedded store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from graph.store import GraphStore, open_store
from loaders.load import load_sample
from tests.servers import gremlin_server, neo4j_server


@pytest.fixture(scope="module", params=["gremlin", "neo4j"])
def other_store(request: pytest.FixtureRequest) -> Iterator[GraphStore]:
    """The sample on a real server, with the vectors that its load makes."""
    wiped = {"gremlin": gremlin_server.wiped, "neo4j": neo4j_server.wiped}[request.param]
    url = wiped(request.getfixturevalue(f"{request.param}_url"))
    with contextlib.closing(open_store(url, create=True)) as store:
        load_sample(store)
        yield store


@pytest.mark.parametrize(
    "path",
    [
        "/search?q=toy+story&catalog=north",
        "/search?q=the+matrix&catalog=south&substitutes=10",
        "/search?q=casablnca",
        "/search?q=tom+hanks&catalog=north",
        "/search?q=xqzvw+kkjhq",
        "/titles/tt0114709",
        "/titles/tt0114709/similar?catalog=north",
        "/explain?from=tt0114709&to=tt0198781",
        "/catalogs",
    ],
)
def test_an_answer_is_the_same_as_over_the_embedded_store(
    path: str, other_store: GraphStore, served: Any, client: httpx.Client
) -> None:
    answer, expected = (one.get(path) for one in (served(other_store, count_searches=False), client))
    assert (answer.status_code, expected.status_code) == (200, 200)
    assert without_versions(answer.json()) == without_versions(expected.json())


def without_versions(told: Any) -> Any:
    """An answer without what differs from load to load."""
    if isinstance(told, dict):
        return {name: without_versions(one) for name, one in told.items() if name not in ("versions", "version")}
    return [without_versions(one) for one in told] if isinstance(told, list) else told


def test_a_new_catalog_counts_at_once_and_goes_again(other_store: GraphStore, served: Any) -> None:
    service = served(other_store)
    asked = {"q": "toy story", "catalog": "west", "region": "US", "on": "2026-11-21"}
    assert service.get("/search", params=asked).status_code == 404
    rows = [{"id": "tt0114709", "item_id": "W1", "regions": ["US"], "available_from": "2026-01-01"}]
    assert service.put("/catalogs/west/titles", json={"titles": rows}).json()["titles"] == 1
    assert service.get("/search", params=asked).json()["status"] == "in_catalog"
    assert service.get("/search", params=asked | {"on": "2025-12-31"}).json()["status"] == "out_of_catalog"
    assert other_store.delete_nodes("Catalog", ["west"]) == 1
    assert service.get("/search", params=asked).status_code == 404


def test_statements_of_others_only_read(other_store: GraphStore, served: Any) -> None:
    """Gremlin as text is a program: no server of TinkerPop's could be told to let it only read, so none is run."""
    service = served(other_store)
    if other_store.url.startswith("gremlin"):
        asked = {"statement": "g.V().drop()", "parameters": {}}
        assert service.post("/query", json=asked).status_code == 404
        return
    before = dict(other_store.info().counts)
    named = "MATCH (title:Title {tconst: $id}) RETURN title.title AS title, title.start_year AS year"
    answer = service.post("/query", json={"statement": named, "parameters": {"id": "tt0114709"}})
    assert answer.json() == {
        "language": "cypher", "columns": ["title", "year"], "rows": [["Toy Story", 1995]], "more": False,
    }  # fmt: skip
    every = service.post("/query", json={"statement": "MATCH (t:Title) RETURN t.tconst", "limit": 3}).json()
    assert (len(every["rows"]), every["more"]) == (3, True)
    for statement, told in {
        "MATCH (t:Title) DETACH DELETE t": "writ",
        "CREATE (:Title {tconst: 'tt1'})": "writ",
        "MATCH (t:Title RETURN t": "Invalid input",
        "UNWIND range(1, 1000000000) AS n WITH n WHERE n % 7 = 8 RETURN n": "took longer than 1 seconds",
    }.items():
        refused = service.post("/query", json={"statement": statement, "seconds": 1})
        assert refused.status_code == 422, refused.text
        assert told in refused.json()["detail"]
    assert other_store.info().counts == before


def test_the_service_is_ready_and_says_what_it_holds(other_store: GraphStore, served: Any) -> None:
    ready = served(other_store).get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["version"] == other_store.info().version


def test_the_page_answers_from_it(other_store: GraphStore, served: Any, visit: Any) -> None:
    service = served(other_store, count_searches=False)
    visited = visit(address=str(service.base_url).rstrip("/"))
    page = visited.open("?catalog=north")
    page.get_by_role("combobox", name="A title, a person").press_sequentially("toy story", delay=20)
    # A server that has just started plans each statement of the first search.
    expect(page.get_by_role("heading", name="Toy Story")).to_be_visible(timeout=60_000)
    expect(page.locator(".status")).to_have_text("Not in this catalog. Closest you have:")
    expect(page.locator("main .cards .card")).to_have_count(5)
