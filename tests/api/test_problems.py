"""Errors as problem details: what happened and the way out, and nothing of what is inside."""

from __future__ import annotations

import errno
from typing import Any

import httpx
import pytest

from graph.store import GraphStore, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreReadOnly

PLACE = "/srv/films/store"


def raising(error: BaseException) -> Any:
    def fail(*_arguments: Any, **_named: Any) -> Any:
        raise error

    return fail


def test_no_such_address(client: httpx.Client) -> None:
    got = client.get("/nowhere")
    assert (got.status_code, got.headers["content-type"]) == (404, "application/problem+json")
    assert got.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address; /docs lists what there is.",
        "instance": f"urn:request:{got.headers['x-request-id']}",
    }


def test_no_such_method(client: httpx.Client) -> None:
    got = client.delete("/search")
    assert (got.status_code, got.headers["content-type"], got.headers["allow"]) == (
        405, "application/problem+json", "GET",
    )  # fmt: skip
    assert got.json()["title"] == "Method Not Allowed"
    assert sorted(client.delete("/graphql").headers["allow"].split(", ")) == ["GET", "POST"]


def test_json_that_is_none(client: httpx.Client) -> None:
    got = client.put("/catalogs/north/titles", content=b"{no json", headers={"Content-Type": "application/json"})
    assert (got.status_code, got.json()["errors"][0]["where"]) == (422, "body.1")


@pytest.mark.parametrize("error", [RuntimeError(PLACE), KeyError(PLACE), OSError(errno.EIO, PLACE)])
def test_what_nobody_expected_tells_nothing(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:  # fmt: skip
    client = served(own_store)
    monkeypatch.setattr(own_store, "neighbours", raising(error))
    got = client.get("/titles/tt0114709", headers={"X-Request-Id": "abc-1"})
    assert (got.status_code, got.headers["x-request-id"]) == (500, "abc-1")
    assert got.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something went wrong here; the log knows more by this id.",
        "instance": "urn:request:abc-1",
    }
    logged = [record for record in caplog.records if record.name == "reelgraph.errors"]
    assert len(logged) == 1
    assert logged[0].exc_info is not None
    assert logged[0].exc_info[1] is error
    assert client.get("/health/live").json() == {"status": "live"}


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (StoreBusy(PLACE), 503, "The graph is being written by another process; try again shortly."),
        (StoreFull(PLACE), 507, "The disk of the graph is full; nothing was changed."),
        (StoreReadOnly(PLACE), 503, "The graph cannot be written where it is."),
        (StoreDamaged(PLACE), 503, "The graph cannot be read at the moment."),
        (StoreError(PLACE), 503, "The graph cannot be read at the moment."),
    ],
)
def test_what_a_store_cannot_do(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    error: StoreError, status: int, detail: str,
) -> None:  # fmt: skip
    client = served(own_store)
    monkeypatch.setattr(own_store, "get_nodes", raising(error))
    got = client.get("/titles/tt0114709")
    assert (got.status_code, got.json()["detail"]) == (status, detail)
    assert got.headers.get("retry-after") == ("5" if status == 503 else None)
    assert PLACE not in got.text
    assert any(PLACE in str(getattr(record, "fields", "")) for record in caplog.records)


def test_an_unknown_id_does_not_say_where_the_store_is(own_store: GraphStore, served: Any) -> None:
    detail = served(own_store).get("/titles/tt9999999/similar").json()["detail"]
    assert detail == "there is no title 'tt9999999' in the graph; search for its name to find its id"
