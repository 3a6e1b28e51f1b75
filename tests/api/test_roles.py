"""Who may ask what: roles on every route, and a service without keys, which answers its own machine alone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.keys import make, revoke
from api.security import refusal
from graph.store import GraphStore, InvalidQuery, QueryAnswer

ROLES = ("read", "write", "admin")
OPEN = ("/", "/docs", "/openapi.json", "/docs/static/swagger-ui.css", "/health/live", "/health/ready")
ASKED: dict[tuple[str, str], tuple[str, Any, str]] = {  # route → address, body, least role
    ("GET", "/search"): ("/search?q=toy+story", None, "read"),
    ("GET", "/titles"): ("/titles?id=tt0114709", None, "read"),
    ("GET", "/best-known"): ("/best-known", None, "read"),
    ("GET", "/shelves"): ("/shelves", None, "read"),
    ("GET", "/explain.svg"): ("/explain.svg?from=tt0114709&to=tt0120623", None, "read"),
    ("POST", "/recommend"): ("/recommend", {"titles": ["tt0114709"]}, "read"),
    ("GET", "/users/{id}/recommendations"): ("/users/u1/recommendations", None, "read"),
    ("POST", "/users/recommendations"): ("/users/recommendations", {"users": ["u1"]}, "read"),
    ("POST", "/sessions/recommendations"): ("/sessions/recommendations", {"events": [{"title": "tt0114709"}]}, "read"),
    ("GET", "/titles/{id}"): ("/titles/tt0114709", None, "read"),
    ("GET", "/titles/{id}/similar"): ("/titles/tt0114709/similar", None, "read"),
    ("GET", "/people/{id}"): ("/people/nm0005124", None, "read"),
    ("GET", "/explain"): ("/explain?from=tt0114709&to=tt0120623", None, "read"),
    ("GET", "/catalogs"): ("/catalogs", None, "read"),
    ("GET", "/strategies"): ("/strategies", None, "read"),
    ("GET", "/figures"): ("/figures", None, "read"),
    ("GET", "/metrics"): ("/metrics", None, "read"),
    ("GET", "/graphql"): ("/graphql?query={genres{name}}", None, "read"),
    ("POST", "/graphql"): ("/graphql", {"query": "{ genres { name } }"}, "read"),
    ("PUT", "/catalogs/{slug}/titles"): ("/catalogs/west/titles", {"titles": []}, "write"),
    ("PATCH", "/catalogs/{slug}"): ("/catalogs/north", {"strategy": "genres"}, "write"),
    ("GET", "/catalogs/{slug}/gaps"): ("/catalogs/north/gaps", None, "write"),
    ("GET", "/catalogs/{slug}/items"): ("/catalogs/north/items", None, "read"),
    ("PUT", "/catalogs/{slug}/items/{id}"): ("/catalogs/west/items/1", {}, "write"),
    ("GET", "/catalogs/{slug}/items/{id}"): ("/catalogs/west/items/1", None, "read"),
    ("PATCH", "/catalogs/{slug}/items/{id}"): ("/catalogs/west/items/1", {}, "write"),
    ("DELETE", "/catalogs/{slug}/items/{id}"): ("/catalogs/west/items/1", None, "write"),
    ("POST", "/feedback"): ("/feedback", [], "write"),
    ("GET", "/users"): ("/users", None, "write"),
    ("PUT", "/users/{id}"): ("/users/u1", {}, "write"),
    ("GET", "/users/{id}"): ("/users/u1", None, "write"),
    ("PATCH", "/users/{id}"): ("/users/u1", {}, "write"),
    ("GET", "/users/{id}/feedback"): ("/users/u1/feedback", None, "write"),
    ("DELETE", "/users/{id}/feedback/{title}"): ("/users/u1/feedback/tt0114709", None, "write"),
    ("GET", "/users/{id}/export"): ("/users/u1/export", None, "write"),
    ("DELETE", "/users/{id}"): ("/users/u1", None, "write"),
    ("POST", "/query"): ("/query", {"statement": "RETURN 1"}, "admin"),
}


@pytest.fixture
def keyed(own_store: GraphStore, served: Any) -> tuple[httpx.Client, dict[str, str]]:
    """A service, and a key for each role."""
    return served(own_store), {role: make(own_store, role, role)[1] for role in ROLES}  # type: ignore[arg-type]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_each_route_answers_the_roles_that_may_ask_it(keyed: tuple[httpx.Client, dict[str, str]]) -> None:
    client, keys = keyed
    for (method, route), (address, body, least) in ASKED.items():
        nobody = client.request(method, address, json=body)
        assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer"), route
        assert nobody.headers["content-type"] == "application/problem+json"
        for role in ROLES:
            got = client.request(method, address, json=body, headers=bearer(keys[role]))
            may = ROLES.index(role) >= ROLES.index(least)
            if not may:
                detail = f"This needs a key of the role {least}; this one may only {role}."
                assert (got.status_code, got.json()["detail"]) == (403, detail)
            else:
                # Neither a statement nor what somebody before has removed is there.
                gone = route == "/query" or address in ("/users/u1", "/catalogs/west/items/1")
                assert got.status_code in ((404, 200) if gone else (200,)), (route, role)


def test_the_description_says_the_same(client: httpx.Client) -> None:
    told = {}
    for route, methods in client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            if "security" in operation:
                assert {"401", "403", "429", "503"} <= operation["responses"].keys()
                assert [list(one) for one in operation["security"]] == [["bearer"], ["header"]], route
                (role,) = operation["security"][0]["bearer"]
                told[method.upper(), route] = role
            else:
                assert route.startswith("/health/"), route
    assert told == {route: least for route, (_, _, least) in ASKED.items()}


def test_what_shows_no_data_needs_no_key(keyed: tuple[httpx.Client, dict[str, str]]) -> None:
    client, _ = keyed
    assert [client.get(path).status_code for path in OPEN] == [200] * len(OPEN)
    assert client.get("/graphql", headers={"accept": "text/html"}).status_code == 200


@pytest.mark.parametrize("path", ["/catalogs", "/", "/nowhere"])
def test_a_wrong_key_is_said_to_be_so(keyed: tuple[httpx.Client, dict[str, str]], path: str) -> None:
    client, keys = keyed
    for sent in (bearer(keys["read"] + "x"), {"X-Api-Key": "sesamé".encode()}, bearer("\u00ff".encode().decode())):
        got = client.get(path, headers=httpx.Headers(sent, encoding="utf-8"))
        assert (got.status_code, got.json()["detail"]) == (401, "That key is not, or no longer, one of this service.")


def test_a_key_comes_in_a_header_and_in_no_other_way(keyed: tuple[httpx.Client, dict[str, str]]) -> None:
    client, keys = keyed
    key = keys["read"]
    for sent in (bearer(key), {"X-Api-Key": key}, {"authorization": f"bearer  {key}"}):
        assert client.get("/catalogs", headers=sent).status_code == 200
    basic = {"Authorization": "Basic eDp5", "X-Api-Key": key}  # a proxy's own password
    assert client.get("/catalogs", headers=basic).status_code == 200
    for name in ("key", "api_key", "X-Api-Key", "token", "access_token"):
        assert client.get("/catalogs", params={name: key}).status_code == 401
    assert client.get("/catalogs", headers={"Cookie": f"X-Api-Key={key}"}).status_code == 401


def test_nobody_sends_a_body_unknown(keyed: tuple[httpx.Client, dict[str, str]]) -> None:
    client, _ = keyed
    got = client.post("/recommend", content=b"{no json", headers={"Content-Type": "application/json"})
    assert got.status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "LOCALHOST:9"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "127.0.0.9"}, 200),
        ({"Host": "films.example"}, 403),  # a name that somebody points at 127.0.0.1
        ({"Host": "127.0.0.1.films.example"}, 403),
        ({"Host": "localhost@films.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": ""}, 403),
        ({"X-Forwarded-For": "192.0.2.7"}, 401),
        ({"X-Forwarded-For": "127.0.0.1"}, 401),
        ({"Forwarded": "for=192.0.2.7"}, 401),
    ],
)
def test_without_keys_only_this_machine_is_answered(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    for path in ("/catalogs", "/", "/metrics"):
        assert client.get(path, headers=headers).status_code == status
    assert client.get("/health/live", headers=headers).status_code == 200


def test_without_keys_no_other_page_may_send_something(own_store: GraphStore, served: Any) -> None:
    client = served(own_store, cors_origins=["https://films.example"])
    own = str(client.base_url).rstrip("/")
    for origin, status in ((own, 200), ("https://films.example", 200), ("https://evil.example", 403), ("null", 403)):
        sent = client.post("/recommend", json={"titles": ["tt0114709"]}, headers={"Origin": origin})
        assert sent.status_code == status


def test_without_keys_a_key_that_is_sent_is_not_looked_at(client: httpx.Client) -> None:
    assert client.get("/catalogs", headers=bearer("anything")).status_code == 200


@pytest.mark.parametrize(("required", "status"), [(True, 401), (False, 200)])
def test_when_the_last_key_is_revoked_it_closes_where_keys_are_required(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch, required: bool, status: int
) -> None:
    clock = [100.0]
    monkeypatch.setattr("api.keys.time.monotonic", lambda: clock[0])
    made, key = make(own_store, "reader", "read")
    client = served(own_store, require_keys=required)
    assert client.get("/catalogs", headers=bearer(key)).status_code == 200
    assert client.get("/catalogs").status_code == 401
    revoke(own_store, made.id)
    clock[0] += 5.1
    assert client.get("/catalogs").status_code == status
    assert client.put("/catalogs/west/titles", json={"titles": []}).status_code == status


@pytest.mark.parametrize(
    ("host", "has_keys", "refused"),
    [
        ("127.0.0.1", False, False),
        ("127.0.0.9", False, False),
        ("::1", False, False),
        ("localhost", False, False),
        ("::", False, True),
        ("10.0.0.1", False, True),
        ("films.example", False, True),
        ("0.0.0.0", True, False),  # noqa: S104
    ],
)
def test_other_machines_only_with_a_key(host: str, has_keys: bool, refused: bool) -> None:
    assert (refusal(host, has_keys=has_keys) is not None) == refused


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "body.statement"),
        ({"statement": ""}, "body.statement"),
        ({"statement": "x" * 20_001}, "body.statement"),
        ({"statement": "x", "limit": 0}, "body.limit"),
        ({"statement": "x", "limit": 10_001}, "body.limit"),
        ({"statement": "x", "seconds": 0}, "body.seconds"),
        ({"statement": "x", "seconds": 31}, "body.seconds"),
        ({"statement": "x", "parameters": {str(i): i for i in range(101)}}, "body.parameters"),
        ({"statement": "x", "write": True}, "body.write"),
    ],
)
def test_a_statement_has_limits(client: httpx.Client, body: Any, where: str) -> None:
    got = client.post("/query", json=body)
    assert (got.status_code, got.json()["errors"][0]["where"]) == (422, where)


def test_the_embedded_store_has_no_language_of_its_own(client: httpx.Client) -> None:
    got = client.post("/query", json={"statement": "MATCH (n) RETURN n"})
    assert (got.status_code, got.json()["detail"]) == (
        404, "This store runs no statements of others; /graphql answers typed queries on every store.",
    )  # fmt: skip


@pytest.fixture
def speaking(own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch) -> httpx.Client:
    """A service over a store that speaks a language of one statement: how many numbers there are."""

    def query(statement: str, parameters: Any, *, limit: int, seconds: float) -> QueryAnswer:
        if statement != "COUNT":
            raise InvalidQuery(f"{own_store.url}: {statement!r} is no statement")
        return QueryAnswer(["n", "seconds"], [[n, seconds] for n in range(min(parameters["to"], limit))])

    monkeypatch.setattr(own_store, "query_language", "cypher", raising=False)
    monkeypatch.setattr(own_store, "query", query, raising=False)
    client: httpx.Client = served(own_store)
    return client


def test_a_store_that_has_one_is_asked_in_it(speaking: httpx.Client) -> None:
    asked = {"statement": "COUNT", "parameters": {"to": 3}, "limit": 2, "seconds": 1.5}
    assert speaking.post("/query", json=asked).json() == {
        "language": "cypher", "columns": ["n", "seconds"], "rows": [[0, 1.5], [1, 1.5]], "more": True,
    }  # fmt: skip
    assert speaking.post("/query", json=asked | {"limit": 3}).json()["more"] is False
    wrong = speaking.post("/query", json={"statement": "DELETE"})
    assert (wrong.status_code, wrong.json()["detail"]) == (422, "the graph: 'DELETE' is no statement")
