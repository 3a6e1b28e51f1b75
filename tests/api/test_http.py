"""What goes around every answer: ETags, compression, origins, request ids, log lines."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest

from api.logs import JsonLines
from graph.store import GraphStore

READS = (
    "/search?q=toy+story&catalog=north",
    "/titles/tt0114709",
    "/titles/tt0114709/similar",
    "/people/nm0005124",
    "/explain?from=tt0114709&to=tt0120623",
    "/catalogs",
    "/figures",
)


@pytest.mark.parametrize("path", READS)
def test_what_a_client_holds_is_not_sent_again(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    etag = first.headers["etag"]
    assert (first.status_code, first.headers["cache-control"], etag[:3]) == (200, "no-cache", 'W/"')
    again = client.get(path, headers={"If-None-Match": f'"x", {etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = client.get(path, headers={"If-None-Match": '"x"'})
    assert (other.status_code, other.json()) == (200, first.json())


def test_another_question_has_another_etag(client: httpx.Client) -> None:
    etags = {client.get(path).headers["etag"] for path in (*READS, "/search?q=toy+story&catalog=south")}
    assert len(etags) == len(READS) + 1


@pytest.mark.parametrize("change", ["offers", "graph"])
def test_an_etag_ends_with_what_it_stands_for(own_store: GraphStore, served: Any, change: str) -> None:
    client = served(own_store)
    path = "/search?q=toy+story&catalog=north"
    before = client.get(path)
    if change == "offers":
        client.put("/catalogs/south/titles", json={"titles": []})
    else:
        own_store.upsert_nodes("Title", [{"id": "tt0114709", "start_year": 1996}])
    after = client.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.headers["etag"] != before.headers["etag"]) == (200, True)
    assert after.json()["hits"][0]["start_year"] == (1995 if change == "offers" else 1996)


def test_errors_have_no_etag(client: httpx.Client) -> None:
    assert "etag" not in client.get("/titles/tt9999999/similar").headers
    assert "etag" not in client.get("/titles/tt9999999").headers


def test_long_answers_are_compressed_for_who_asks(client: httpx.Client) -> None:
    path = "/search?q=toy+story&substitutes=50"
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) * 4 < len(plain.content)
    assert "content-encoding" not in client.get("/health/live", headers={"Accept-Encoding": "gzip"}).headers


def test_other_origins_only_where_the_settings_name_them(
    client: httpx.Client, own_store: GraphStore, served: Any
) -> None:
    asked = {"Origin": "https://films.example"}
    assert "access-control-allow-origin" not in client.get("/catalogs", headers=asked).headers
    named = served(own_store, cors_origins=["https://films.example"])
    assert named.get("/catalogs", headers=asked).headers["access-control-allow-origin"] == "https://films.example"
    other = named.get("/catalogs", headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers
    preflight = asked | {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "X-Api-Key"}
    assert named.options("/catalogs/north/titles", headers=preflight).status_code == 200


@pytest.mark.parametrize("given", ["abc-1", "A.b_c-9" * 9])
def test_a_sane_request_id_is_kept(client: httpx.Client, given: str) -> None:
    assert client.get("/health/live", headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, '"}{', "<script>"])
def test_any_other_request_has_one_made(client: httpx.Client, given: str) -> None:
    made = [client.get("/health/live", headers={"X-Request-Id": given}).headers["x-request-id"] for _ in range(2)]
    assert given not in made
    assert [len(one) for one in made] == [32, 32]
    assert made[0] != made[1]


def test_a_line_in_the_log(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "reelgraph.access")
    client.get("/titles/tt0114709?limit=7", headers={"X-Request-Id": "line-1"})
    client.get("/search?q=a+secret+wish", headers={"X-Request-Id": "line-2", "X-Api-Key": "sesame"})
    client.get("/nowhere", headers={"X-Request-Id": "line-3"})
    client.get("/health/live")
    lines = [JsonLines().format(record) for record in caplog.records if record.name == "reelgraph.access"]
    told = [json.loads(line) for line in lines]
    assert [(one["method"], one["route"], one["status"], one["request_id"], one["key"]) for one in told] == [
        ("GET", "/titles/{id}", 200, "line-1", None),
        ("GET", "/search", 200, "line-2", None),
        ("GET", "other", 404, "line-3", None),
    ]
    assert all(0 < one["ms"] < 60_000 and one["level"] == "info" and one["time"].endswith("+00:00") for one in told)
    assert not any(word in line for line in lines for word in ("secret", "sesame"))
