"""The Gremlin store when its server is busy, hangs up or says no: retries, reconnections, and errors that say why."""

from __future__ import annotations

import socket
import time

import pytest

from graph.schema import NODES, RELATIONSHIPS
from graph.store import StoreBusy, StoreError, StoreNotFound, StoreReadOnly, open_store
from graph.tables import finish_tables, rows_to_table, write_table
from tests.servers.gremlin_proxy import DROP, LEAVE, LOSE, PASS, gremlin_proxy
from tests.servers.gremlin_server import wiped

ROWS = {
    "Title": [{"id": f"tt{n}", "kind": "movie", "title": f"Film {n}", "num_votes": n} for n in range(120)],
    "Person": [{"id": "nm1", "name": "Ada Brook", "professions": ["director"]}],
    "Catalog": [{"id": "north"}],
    "DIRECTED": [{"head": "nm1", "tail": f"tt{n}", "key": "1", "ordering": 1} for n in range(120)],
    "OFFERS": [{"head": "north", "tail": "tt7", "key": "n7", "item_id": "n7"}],
}


@pytest.fixture
def server(gremlin_url):
    return wiped(gremlin_url)


def held(store):
    found = {name: [*store.scan_nodes(name)] for name in NODES} | {
        name: [*store.scan_relationships(name)] for name in RELATIONSHIPS
    }
    return {name: [row for batch in batches for row in batch.to_pylist()] for name, batches in found.items() if batches}


@pytest.fixture
def made(tmp_path):
    """A URL → a store there, with ROWS loaded."""

    def load(url):
        for name, rows in ROWS.items():
            write_table(tmp_path, name, [rows_to_table(name, rows)])
        store = open_store(url, create=True)
        store.load_tables(finish_tables(tmp_path, []))
        return store

    return load


@pytest.mark.parametrize(
    "trouble", ["ConcurrentModificationException", "ThrottlingException", DROP, LOSE], ids=lambda name: name
)
def test_a_load_through_trouble_is_the_load(server, made, trouble):
    with gremlin_proxy(server, lambda number: trouble if number % 4 == 2 else PASS) as proxy:
        store = made(f"gremlin://127.0.0.1:{proxy.port}")
        found = held(store)
        store.close()
    assert {name: len(rows) for name, rows in found.items()} == {name: len(rows) for name, rows in ROWS.items()}
    assert sorted(row["tail"] for row in found["DIRECTED"]) == sorted(row["id"] for row in ROWS["Title"])
    assert found["Person"][0]["professions"] == ["director"]
    assert proxy.requests > 20
    assert (len(proxy.headers) > 6) == (trouble in (DROP, LOSE))  # it hangs up itself only where it was hung up on


def test_who_is_refused_for_long_gives_up_and_says_so(server, made, monkeypatch):
    made(server).close()
    monkeypatch.setattr("graph.stores.gremlin_connection._PATIENCE_SECONDS", 0.6)
    with gremlin_proxy(server, lambda _number: "ThrottlingException") as proxy:
        begun = time.monotonic()
        with pytest.raises(StoreBusy, match="still busy"):
            open_store(f"gremlin://127.0.0.1:{proxy.port}")
        assert 0.5 < time.monotonic() - begun < 10
        assert 4 <= proxy.requests <= 20  # each pause is longer than the one before


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("TimeLimitExceededException", StoreBusy, "took too long"),
        ("ReadOnlyViolationException", StoreReadOnly, "writer's address"),
        ("MalformedQueryException", StoreError, "MalformedQueryException"),
    ],
)
def test_what_would_fail_again_is_not_tried_again(server, code, kind, says):
    with gremlin_proxy(server, lambda _number: code) as proxy:
        with pytest.raises(kind, match=says) as caught:
            open_store(f"gremlin://127.0.0.1:{proxy.port}")
        assert type(caught.value) is kind
        assert proxy.requests == 1


def test_a_connection_that_was_closed_while_nobody_used_it_is_made_again(server, made):
    made(server).close()
    with gremlin_proxy(server, lambda _number: LEAVE) as proxy:
        store = open_store(f"gremlin://127.0.0.1:{proxy.port}")
        for _ in range(3):
            assert store.degrees(["nm1"], ["DIRECTED"], "out").tolist() == [120]
        assert len(proxy.headers) == proxy.requests >= 4
        store.close()


def test_nobody_answers(gremlin_url):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(StoreError, match=f"gremlin://127.0.0.1:{port} does not answer"):
        open_store(f"gremlin://127.0.0.1:{port}")
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gremlin://", "names no server"),
        ("gremlin://host:many", "no port that is a number"),
        ("gremlin://me:secret@host", "a login has no place"),
        ("gremlin://host?reader=other", "an option 'reader'"),
        ("neptune://host?regoin=eu-west-1", "an option 'regoin'"),
    ],
)
def test_a_url_that_leads_nowhere(url, says):
    with pytest.raises(StoreError, match=says) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_an_empty_graph_is_no_store(server):
    with pytest.raises(StoreNotFound, match="reelgraph load"):
        open_store(server)
