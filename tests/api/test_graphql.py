"""`/graphql` over HTTP: what clients send, and what they get for a mistake."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import (
    build_client_schema,
    build_schema,
    get_introspection_query,
    lexicographic_sort_schema,
    print_schema,
)

from graph.store import GraphStore, StoreDamaged

QUERY = '{ genre(name: "Western") { titles { totalCount } } }'
ANSWER = {"data": {"genre": {"titles": {"totalCount": 3}}}}


def test_a_query_by_post_and_by_get(client: httpx.Client) -> None:
    by_post = client.post("/graphql", json={"query": QUERY})
    assert (by_post.status_code, by_post.headers["content-type"], by_post.json()) == (200, "application/json", ANSWER)
    assert client.get("/graphql", params={"query": QUERY}).json() == ANSWER


def test_variables_and_the_name_of_the_operation(client: httpx.Client) -> None:
    query = "query One($name: String!) { genre(name: $name) { name } }"
    asked = {"query": query, "variables": {"name": "War"}, "operationName": "One"}
    assert client.post("/graphql", json=asked).json() == {"data": {"genre": {"name": "War"}}}
    by_get = {"query": query, "variables": '{"name": "War"}', "operationName": "One"}
    assert client.get("/graphql", params=by_get).json() == {"data": {"genre": {"name": "War"}}}
    other = client.post("/graphql", json=asked | {"operationName": "Two"})
    assert (other.status_code, other.json()["detail"]) == (400, "The document has no operation 'Two'.")


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ([{"query": QUERY}, {"query": QUERY}], 422, "dictionary"),
        ({}, 422, "query: Field required"),
        ({"query": ""}, 422, "at least 1 character"),
        ({"query": "#" * 20_001}, 422, "at most 20000 characters"),
        ({"query": QUERY, "variables": [1]}, 422, "valid dictionary"),
        ({"query": "mutation { a }"}, 400, "Only queries are answered here"),
        ({"query": "subscription { a }"}, 400, "Only queries are answered here"),
        ({"query": "fragment F on Title { id }"}, 400, "no operation"),
    ],
)
def test_what_is_no_query_is_a_problem(client: httpx.Client, body: Any, status: int, why: str) -> None:
    answer = client.post("/graphql", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert why in answer.json()["detail"]


def test_what_is_no_query_by_get_is_a_problem(client: httpx.Client) -> None:
    for params, why in (
        ({}, "Send a query as `query`"),
        ({"query": "mutation { a }"}, "Only queries"),
        ({"query": QUERY, "variables": "[1]"}, "not a JSON object"),
        ({"query": QUERY, "variables": "{"}, "not a JSON object"),
    ):
        answer = client.get("/graphql", params=params, headers={"accept": "application/json"})
        assert answer.status_code == 400
        assert why in answer.json()["detail"]
    assert client.get("/graphql", params={"query": ""}).status_code == 422
    assert client.post("/graphql", content=b"{", headers={"content-type": "application/json"}).status_code == 422
    deep = b'{"query": "{ genres { name } }", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    assert client.post("/graphql", content=deep, headers={"content-type": "application/json"}).status_code in (400, 422)


def test_a_form_from_another_page_is_no_query(client: httpx.Client) -> None:
    """What a browser sends across origins without asking first."""
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = client.post("/graphql", content=b'{"query": "{ genres { name } }"}', headers={"content-type": kind})
        assert answer.status_code == 422


def test_a_mistake_in_a_query_is_told_in_errors(client: httpx.Client) -> None:
    answer = client.post("/graphql", json={"query": '{ genres { name } title(id: "tt9") { title } }'})
    assert answer.status_code == 200
    assert answer.json() == {
        "data": None,
        "errors": [
            {
                "message": "there is no title 'tt9'; search for its name to find its id",
                "locations": [{"line": 1, "column": 19}],
                "path": ["title"],
            }
        ],
    }


def test_half_a_character_is_asked_and_answered(client: httpx.Client) -> None:
    body = b'{"query": "query($t: String!) { search(text: $t) { query status } }", "variables": {"t": "\\ud800"}}'
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert b"\\ud800" in answer.content or answer.json()["errors"]


def test_queries_at_the_same_time_have_each_its_own_answer(client: httpx.Client) -> None:
    query = (
        "query($name: String!) { genre(name: $name) { name titles(first: 3) { edges { node { genres { name } } } } } }"
    )
    names = ["War", "Western", "Drama", "Comedy", "Crime", "Horror"] * 5

    def ask(name: str) -> Any:
        return client.post("/graphql", json={"query": query, "variables": {"name": name}}).json()["data"]["genre"]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, names))
    for name, answer in zip(names, answers, strict=True):
        assert answer["name"] == name
        assert all({"name": name} in edge["node"]["genres"] for edge in answer["titles"]["edges"])


KEY = "an administrator's key of this test"


def test_the_key_is_asked_for_where_there_is_one(own_store: GraphStore, served: Any) -> None:
    client = served(own_store, api_key=KEY)
    assert client.post("/graphql", json={"query": QUERY}).status_code == 401
    assert client.get("/graphql", params={"query": QUERY}).status_code == 401
    assert client.get("/graphql", headers={"accept": "text/html"}).status_code == 200
    assert client.post("/graphql", json={"query": QUERY}, headers={"X-Api-Key": KEY}).json() == ANSWER


def test_limits_come_from_the_settings(own_store: GraphStore, served: Any) -> None:
    client = served(own_store, graphql_cost=20, graphql_introspection=False)

    def errors(query: str) -> list[str]:
        return [one["message"] for one in client.post("/graphql", json={"query": query}).json()["errors"]]

    assert errors(QUERY) == ["the query could cost 61 nodes; the limit is 20: ask for fewer with `first`"]
    assert "introspection" in errors("{ __schema { types { name } } }")[0]


def test_what_fails_inside_stays_in_the_log(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = served(own_store)

    def broken(*_given: Any, **_options: Any) -> Any:
        raise StoreDamaged("/secret/place is not what it was")

    monkeypatch.setattr(type(own_store), "neighbours", broken)
    with caplog.at_level(logging.ERROR, "reelgraph.graphql"):
        answer = client.post("/graphql", json={"query": '{ title(id: "tt0114709") { genres { name } } }'})
    (error,) = answer.json()["errors"]
    assert error["message"] == "Something went wrong here; the log knows more by the request's id."
    assert "secret" not in answer.text
    assert "/secret/place" in caplog.text
    (record,) = (one for one in caplog.records if one.name == "reelgraph.graphql")
    assert record.fields == {"request_id": answer.headers["x-request-id"]}  # type: ignore[attr-defined]


def test_a_catalog_that_changes_counts_in_the_next_query(own_store: GraphStore, served: Any) -> None:
    client = served(own_store)
    query = {"query": '{ catalog(slug: "north") { titles(filter: {on: "2026-11-21"}) { totalCount } } }'}
    before = client.post("/graphql", json=query).json()["data"]["catalog"]["titles"]["totalCount"]
    own_store.upsert_relationships("OFFERS", [{"head": "north", "tail": "tt0114709", "key": "x", "item_id": "x"}])
    assert client.post("/graphql", json=query).json()["data"]["catalog"]["titles"]["totalCount"] == before + 1


def test_graphiql_comes_from_the_package(client: httpx.Client) -> None:
    page = client.get("/graphql", headers={"accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    for name in ("graphiql.js", "vendor/graphiql/graphiql.min.js", "vendor/graphiql/graphiql.min.css"):
        assert f"graphql/{name}" in page.text
        assert client.get(f"/graphql/{name}").status_code == 200
    for name in ("vendor/graphiql/README.md", "../app.py", "%2e%2e/app.py", "vendor/../../app.py"):
        assert client.get(f"/graphql/{name}").status_code == 404


def test_the_schema_of_the_docs_is_that_of_the_service(client: httpx.Client) -> None:
    told = client.post("/graphql", json={"query": get_introspection_query(input_value_deprecation=False)}).json()[
        "data"
    ]
    written = (Path(__file__).parents[2] / "docs" / "schema.graphql").read_text("utf-8")
    same = [print_schema(lexicographic_sort_schema(one)) for one in (build_client_schema(told), build_schema(written))]
    assert same[0] == same[1]
