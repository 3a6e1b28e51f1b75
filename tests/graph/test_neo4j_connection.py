"""What goes wrong between a store and a Neo4j server, and what the error says: each of them real."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.store import (
    GraphStore,
    InvalidQuery,
    QueryableStore,
    Scope,
    StoreError,
    StoreReadOnly,
    open_store,
)
from loaders.load import load_sample
from tests.conftest import started
from tests.servers.neo4j_database import asked
from tests.servers.neo4j_server import NEWEST, PASSWORD, Neo4jServer

ROOT = Path(__file__).parents[2]
TYPED = "not-the-password-4711"


@pytest.fixture
def store(empty_neo4j: str) -> Iterator[GraphStore]:
    opened = open_store(empty_neo4j, create=True)
    yield opened
    opened.close()


def refusal(url: str) -> str:
    """What is said when a store is opened and asked, which must be a StoreError."""
    with pytest.raises(StoreError) as caught:  # noqa: PT012  (where it is noticed is the store's own choice)
        store = open_store(url)
        try:
            store.ping()
        finally:
            store.close()
    assert caught.value.__cause__ is None  # nothing of the driver's behind it
    return str(caught.value)


def test_a_wrong_password(neo4j_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_NEO4J_USER", "nobody")
    monkeypatch.setenv("REELGRAPH_NEO4J_PASSWORD", TYPED)
    told = refusal(neo4j_url)
    assert neo4j_url in told
    assert "'nobody'" in told
    assert "set REELGRAPH_NEO4J_USER and REELGRAPH_NEO4J_PASSWORD" in told
    assert TYPED not in told


def test_no_password_at_all(neo4j_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REELGRAPH_NEO4J_PASSWORD")
    assert "REELGRAPH_NEO4J_PASSWORD" in refusal(neo4j_url)


def test_a_password_that_must_be_changed_first(neo4j_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(neo4j_url, "CREATE USER novice IF NOT EXISTS SET PASSWORD $password CHANGE REQUIRED", password=TYPED)
    try:
        with monkeypatch.context() as patched:
            patched.setenv("REELGRAPH_NEO4J_USER", "novice")
            patched.setenv("REELGRAPH_NEO4J_PASSWORD", TYPED)
            told = refusal(neo4j_url)
    finally:
        asked(neo4j_url, "DROP USER novice IF EXISTS")
    assert "'novice'" in told
    assert "password" in told
    assert "chang" in told
    assert TYPED not in told


def test_nobody_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"neo4j://127.0.0.1:{held.getsockname()[1]}"
        begun = time.monotonic()
        told = refusal(url)
    assert url in told
    assert "is it running" in told
    assert time.monotonic() - begun < 5


def test_a_database_that_is_not_there(neo4j_url: str) -> None:
    told = refusal(f"{neo4j_url}/nowhere")
    assert f"{neo4j_url}/nowhere: there is no such database" in told


@pytest.mark.parametrize("scheme", ["neo4j", "bolt"])
def test_a_database_by_its_name(empty_neo4j: str, scheme: str) -> None:
    url = f"{empty_neo4j}/neo4j".replace("neo4j:", f"{scheme}:", 1)
    store = open_store(url, create=True)
    store.upsert_nodes("User", [{"id": "u1", "labels": ["x"]}])
    store.close()
    assert asked(empty_neo4j, "MATCH (u:User) RETURN u.user_id, u.labels") == [["u1", ["x"]]]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"neo4j://neo4j:{TYPED}@localhost:7687", "set REELGRAPH_NEO4J_USER and REELGRAPH_NEO4J_PASSWORD"),
        ("neo4j://", "neo4j://localhost:7687"),
        ("bolt://localhost:zero", "neo4j://localhost:7687"),
        ("neo4j+s+ssc://localhost", "use one of neo4j, neo4j+s, neo4j+ssc, bolt, bolt+s, bolt+ssc"),
        ("neo4j:localhost", "neo4j://HOST:7687"),
    ],
)
def test_urls_that_cannot_be_used(url: str, told: str) -> None:
    message = refusal(url)
    assert told in message
    assert TYPED not in message


def test_a_server_without_tls_is_asked_for_it(neo4j_url: str) -> None:
    told = refusal(neo4j_url.replace("neo4j:", "neo4j+ssc:"))
    assert neo4j_url.replace("neo4j:", "neo4j+ssc:") in told
    assert "TLS" in told


@pytest.fixture(scope="module")
def with_tls(certificate: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """A server that speaks TLS alone, with a certificate that nobody trusts by himself."""
    folder = tmp_path_factory.mktemp("neo4j-tls")
    for file, name in zip(certificate, ("public.crt", "private.key"), strict=True):
        (folder / name).write_bytes(file.read_bytes())
    settings = f"""dbms.ssl.policy.bolt.enabled=true
dbms.ssl.policy.bolt.base_directory={folder}
dbms.ssl.policy.bolt.client_auth=NONE
server.bolt.tls_level=REQUIRED
"""
    yield from started(NEWEST, settings)


def test_a_server_with_tls_answers_who_trusts_it(
    with_tls: Neo4jServer, certificate: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELGRAPH_NEO4J_PASSWORD", PASSWORD)
    encrypted = {scheme: with_tls.url.replace("neo4j:", f"{scheme}:") for scheme in ("neo4j+s", "bolt+s", "neo4j+ssc")}
    for url in (encrypted["neo4j+s"], with_tls.url):
        told = refusal(url)
        assert url in told
        assert "does not answer" in told
    open_store(encrypted["neo4j+ssc"], create=True).close()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    for url in (encrypted["neo4j+s"], encrypted["bolt+s"]):
        opened = open_store(url)
        opened.ping()
        opened.close()


def test_without_the_driver_the_extra_is_named() -> None:
    """In a process of its own, where `neo4j` cannot be imported."""
    code = (
        "import sys; sys.modules['neo4j'] = None\n"
        "from graph.store import StoreError, open_store\n"
        "try:\n    open_store('neo4j://localhost:7687')\n"
        "except StoreError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "pip install 'reelgraph[neo4j]'" in done.stdout


def test_a_statement_that_takes_too_long_is_ended_by_the_server(store: GraphStore, empty_neo4j: str) -> None:
    assert isinstance(store, QueryableStore)
    begun = time.monotonic()
    with pytest.raises(InvalidQuery, match="took longer than 1 seconds"):
        store.query("UNWIND range(1, 1000000000) AS n WITH sum(sin(n)) AS s RETURN s", {}, limit=1, seconds=1.0)
    assert time.monotonic() - begun < 15
    running = asked(empty_neo4j, "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery CONTAINS 'sin(n)' "
                                 "AND NOT currentQuery CONTAINS 'SHOW' RETURN count(*)")  # fmt: skip
    assert running == [[0]]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE (:Title {tconst: 'tt1'})",
        "MATCH (n) DETACH DELETE n",
        "MATCH (u:User) SET u.labels = []",
        "CREATE INDEX mine FOR (n:Title) ON (n.title)",
        "CALL db.createLabel('Mine')",
        "MATCH (u:User) CALL (u) { DELETE u } IN TRANSACTIONS",
        "ALTER CURRENT USER SET PASSWORD FROM 'only-for-tests' TO 'another-one'",
    ],
)
def test_a_statement_that_writes_is_refused_by_the_server(store: GraphStore, empty_neo4j: str, statement: str) -> None:
    store.upsert_nodes("User", [{"id": "u1", "labels": ["x"]}])
    assert isinstance(store, QueryableStore)
    with pytest.raises(InvalidQuery):
        store.query(statement, {}, limit=1, seconds=5)
    assert asked(empty_neo4j, "MATCH (n) WHERE NOT n:Release RETURN labels(n), n.labels") == [[["User"], ["x"]]]
    assert asked(empty_neo4j, "SHOW INDEXES YIELD name WHERE name = 'mine' RETURN name") == []


def test_writers_that_wait_for_each_other_all_get_through(store: GraphStore, empty_neo4j: str) -> None:
    """Two of them take the same locks in opposite orders: the server ends one, which the driver begins again."""
    ids = [f"u{n}" for n in range(200)]
    store.upsert_nodes("User", [{"id": id_} for id_ in ids])
    failed: list[Exception] = []

    def write(order: list[str], label: str) -> None:
        try:
            for _ in range(5):
                store.upsert_nodes("User", [{"id": id_, "labels": [label]} for id_ in order])
        except Exception as error:  # noqa: BLE001  (told below)
            failed.append(error)

    orders = (ids, ids[::-1], ids[100:] + ids[:100], ids[100::-1] + ids[:100:-1])
    threads = [threading.Thread(target=write, args=(list(order), str(n))) for n, order in enumerate(orders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert asked(empty_neo4j, "MATCH (u:User) RETURN count(u), count(u.labels)") == [[200, 200]]


# A database that may only be read. Community has no roles; `server.databases.read_only` is what it has.


@pytest.fixture(scope="module")
def sealed() -> Iterator[Neo4jServer]:
    """A server with the sample in it, started again so that it takes no writes."""
    for server in started("2026.08.1"):
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("REELGRAPH_NEO4J_PASSWORD", PASSWORD)
            store = open_store(server.url, create=True)
            load_sample(store)
            store.close()
            server.stop()
            server.start("server.databases.read_only=neo4j\n")
            yield server


@pytest.fixture
def read_only(sealed: Neo4jServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphStore]:
    monkeypatch.setenv("REELGRAPH_NEO4J_PASSWORD", PASSWORD)
    store = open_store(sealed.url)
    yield store
    store.close()


def test_a_database_that_is_read_only_answers(read_only: GraphStore) -> None:
    assert read_only.get_nodes("Title", ["tt0114709"], ["title"]).to_pylist() == [
        {"id": "tt0114709", "title": "Toy Story"}
    ]
    assert read_only.search_text("toy story", 5)[0].id == "tt0114709"
    assert read_only.offered(Scope("north")).num_rows > 20
    assert read_only.info().counts["Title"] > 200


def test_a_database_that_is_read_only_says_so_at_each_write(read_only: GraphStore) -> None:
    before = read_only.state(), dict(read_only.info().counts)
    offer = [{"head": "north", "tail": "tt0114709", "key": "k"}]
    for write in (
        lambda: read_only.upsert_nodes("User", [{"id": "u1"}]),
        lambda: read_only.upsert_relationships("OFFERS", offer),
        lambda: read_only.delete_nodes("Catalog", ["north"]),
        lambda: read_only.delete_relationships("OFFERS", offer),
        lambda: load_sample(read_only),
    ):
        with pytest.raises(StoreReadOnly, match="may only be read"):
            write()
    assert (read_only.state(), dict(read_only.info().counts)) == before
