"""How much one may ask: requests by key and address, wrong keys, bytes of a body, seconds."""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from api.keys import make
from api.rates import DEFAULT, Rates
from api.settings import ServeError, Settings
from graph.store import GraphStore

OWN = "a key that an environment holds, long"
SECRET = "pass-of-redis"  # noqa: S105


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def statuses(client: httpx.Client, count: int, path: str = "/catalogs", **options: Any) -> list[int]:
    return [client.get(path, **options).status_code for _ in range(count)]


def test_each_key_has_a_rate_of_its_own(own_store: GraphStore, served: Any) -> None:
    (_, first), (_, second) = make(own_store, "one", "read"), make(own_store, "two", "read")
    client = served(own_store, rate_limit="3/hour")
    assert statuses(client, 4, headers=bearer(first)) == [200, 200, 200, 429]
    assert statuses(client, 4, headers=bearer(second)) == [200, 200, 200, 429]
    assert statuses(client, 4, "/") == [200, 200, 200, 429]  # whoever has none, by address
    refused = client.get("/catalogs", headers=bearer(first))
    wait = int(refused.headers["retry-after"])
    assert (refused.headers["content-type"], 3500 < wait <= 3601) == ("application/problem+json", True)
    assert refused.json()["detail"].startswith("Too many requests; try again in ")
    assert statuses(client, 5, "/health/live") == [200] * 5


def test_several_windows_hold_together(own_store: GraphStore, served: Any) -> None:
    _, key = make(own_store, "one", "read")
    client = served(own_store, rate_limit="100/second;4/hour")
    assert statuses(client, 5, headers=bearer(key)) == [200] * 4 + [429]


def test_without_keys_there_is_no_limit_but_one_that_was_set(own_store: GraphStore, served: Any) -> None:
    assert DEFAULT == "100/second;3000/minute"
    assert statuses(served(own_store), 130, "/web/x/key.js") == [200] * 130
    assert statuses(served(own_store, rate_limit="2/hour"), 3) == [200, 200, 429]


def test_a_limit_may_be_none(own_store: GraphStore, served: Any) -> None:
    client = served(own_store, api_key=OWN, rate_limit="none")
    assert statuses(client, 130, "/web/x/key.js", headers=bearer(OWN)) == [200] * 130


def test_after_ten_wrong_keys_the_environments_is_not_compared_any_more(own_store: GraphStore, served: Any) -> None:
    _, made = make(own_store, "one", "read")
    client = served(own_store, api_key=OWN)
    assert statuses(client, 12, headers=bearer("wrong")) == [401] * 10 + [429] * 2
    assert statuses(client, 1, headers=bearer(OWN)) == [429]
    assert statuses(client, 2, headers=bearer(made)) == [200] * 2  # of 32 random bytes: nobody guesses that
    assert statuses(client, 1, "/") == [200]


@pytest.mark.parametrize("text", ["many", "3/fortnight", "0.5/second", ";"])
def test_a_limit_that_is_none(own_store: GraphStore, text: str) -> None:
    with pytest.raises(ServeError, match=r"REELGRAPH_RATE_LIMIT=.* is no limit; write it as 100/second"):
        Rates.of(Settings(store=own_store.url, rate_limit=text))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"redis://:{SECRET}@127.0.0.1:PORT/0", "does not answer"),
        (f"rediss://:{SECRET}@127.0.0.1:PORT/0", "does not answer"),
        (f"nosql://{SECRET}", "write it as redis://HOST:6379/0"),
        (SECRET, "write it as redis://HOST:6379/0"),
        ("memory://", "write it as redis://HOST:6379/0"),
    ],
)
def test_a_redis_that_is_not_there(own_store: GraphStore, url: str, says: str) -> None:
    with socket.socket() as held:  # bound, and nobody listens
        held.bind(("127.0.0.1", 0))
        url = url.replace("PORT", str(held.getsockname()[1]))
        with pytest.raises(ServeError, match=says) as raised:
            Rates.of(Settings(store=own_store.url, rate_store=url))  # type: ignore[arg-type]
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_redis_is_an_extra(own_store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ServeError, match=r"pip install 'reelgraph\[redis\]'"):
        Rates.of(Settings(store=own_store.url, rate_store="redis://127.0.0.1"))  # type: ignore[arg-type]


def test_when_redis_goes_away_requests_are_answered_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"redis://:{SECRET}@127.0.0.1:{held.getsockname()[1]}"
        storage = storage_from_string(url, wrap_exceptions=True, socket_connect_timeout=1)
        whole = Rates.of(Settings(rate_limit="1/hour"))
        rates = Rates(MovingWindowRateLimiter(storage), whole._items, True, anyio.CapacityLimiter(1))

        async def ask() -> list[Any]:
            return [await rates.request("one", needs_key=True) for _ in range(2)] + [await rates.may_guess("here")]

        assert anyio.run(ask) == [None, None, True]
    logged = [(record.message, getattr(record, "fields", {})) for record in caplog.records]
    assert logged == [("rates are not counted", {"error": "ConnectionError"})] * 3
    assert SECRET not in caplog.text


def chunks(size: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * size


def test_a_body_has_a_limit(own_store: GraphStore, served: Any) -> None:
    client = served(own_store, body_bytes=1000)
    sent = {"Content-Type": "application/json"}
    body = b'{"titles": ["tt0114709"]}'
    fits = client.post("/recommend", content=body + b" " * (1000 - len(body)), headers=sent)
    assert fits.status_code == 200
    for too_large in (body + b" " * (1001 - len(body)), chunks(100, 11)):
        got = client.post("/recommend", content=too_large, headers=sent)
        assert (got.status_code, got.headers["content-type"]) == (413, "application/problem+json")
        assert got.json()["detail"] == "The body is larger than 1000 bytes."
        assert got.json()["instance"] == f"urn:request:{got.headers['x-request-id']}"
    assert client.put("/catalogs/west/titles", content=chunks(100, 11), headers=sent).status_code == 413
    assert [one["id"] for one in client.get("/catalogs").json()["catalogs"]] == ["north", "south"]


def test_the_usual_limit_of_a_body(client: httpx.Client) -> None:
    sent = {"Content-Type": "application/json"}
    assert client.post("/recommend", content=chunks(2**20, 5), headers=sent).status_code == 422
    got = client.post("/recommend", content=b" " * (5 * 2**20 + 1), headers=sent)
    assert (got.status_code, got.json()["detail"]) == (413, "The body is larger than 5242880 bytes.")


def test_a_request_has_a_time(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = served(own_store, request_seconds=0.3, threads=2)
    gate, ended, real = threading.Event(), threading.Event(), own_store.scan_nodes

    def slow(label: str, *arguments: Any) -> Any:
        if label != "Catalog":
            return real(label, *arguments)
        gate.wait(60)
        ended.set()
        raise RuntimeError("after the answer")

    monkeypatch.setattr(own_store, "scan_nodes", slow)
    got = client.get("/catalogs")
    assert (got.status_code, got.headers["retry-after"]) == (503, "5")
    assert got.json()["detail"] == "There was no answer within 0.3 seconds."
    assert not ended.is_set()
    assert client.get("/titles/tt0114709").status_code in {200, 503}  # another thread is free
    gate.set()
    assert ended.wait(60)
    monkeypatch.undo()
    for _ in range(50):  # what came late is nobody's answer
        got = client.get("/catalogs")
        if got.status_code == 200:
            break
    assert [one["id"] for one in got.json()["catalogs"]] == ["north", "south"]
    assert "after the answer" not in caplog.text


def test_a_body_that_never_comes_has_a_time(own_store: GraphStore, served: Any) -> None:
    client = served(own_store, request_seconds=0.3)
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=60) as connection:
        connection.sendall(
            b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 503 ")


def test_rates_are_logged_without_the_key(own_store: GraphStore, served: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "reelgraph.access")
    made, key = make(own_store, "one", "read")
    client = served(own_store, rate_limit="1/hour")
    assert statuses(client, 2, headers=bearer(key)) == [200, 429]
    end = time.monotonic() + 10  # a request is logged after its answer has been sent
    while (lines := [getattr(one, "fields", {}) for one in caplog.records if one.name == "reelgraph.access"])[1:] == []:
        assert time.monotonic() < end
    assert {(one["status"], one["key"]) for one in lines} == {(200, made.id), (429, None)}
    assert key.rpartition("_")[2] not in str(lines)
