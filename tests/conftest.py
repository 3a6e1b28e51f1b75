"""Real servers, started once for a run (once for each of its workers) and stopped at its end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.servers import gremlin_server
from tests.servers.jars import ServerUnavailable
from tests.servers.neo4j_server import LTS, NEWEST, PASSWORD, Neo4jServer, is_empty, neo4j_server, wiped


def started(version: str) -> Iterator[Neo4jServer]:
    """A server of that version for the block; a skip where none can be had, a failure where all must be."""
    with _or_skipped(f"Neo4j {version}"), neo4j_server(version) as server:
        yield server


@contextlib.contextmanager
def _or_skipped(name: str) -> Iterator[None]:
    try:
        yield
    except ServerUnavailable as error:
        (pytest.fail if os.environ.get("REELGRAPH_REQUIRE_ALL") else pytest.skip)(f"no {name}: {error}")


@pytest.fixture(scope="session")
def neo4j_newest() -> Iterator[Neo4jServer]:
    """The newest Neo4j."""
    yield from started(NEWEST)


@pytest.fixture(scope="session")
def neo4j_lts() -> Iterator[Neo4jServer]:
    """The release with long-term support, whose vector indexes know no filters."""
    yield from started(LTS)


@pytest.fixture(scope="session")
def neo4j_url() -> Iterator[str]:
    """The server that REELGRAPH_NEO4J_URL names, which must hold nothing, or one that is started here."""
    os.environ.setdefault("REELGRAPH_NEO4J_PASSWORD", PASSWORD)
    if url := os.environ.get("REELGRAPH_NEO4J_URL"):
        if not os.environ.get("PYTEST_XDIST_WORKER") and not is_empty(url):
            pytest.fail(f"{url} is not empty, and the tests would wipe it; name another server")
        yield url
        return
    for server in started(NEWEST):
        yield server.url


@pytest.fixture
def empty_neo4j(neo4j_url: str) -> str:
    """A database with nothing in it, for the test alone."""
    return wiped(neo4j_url)


@pytest.fixture(scope="session")
def gremlin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server that REELGRAPH_GREMLIN_URL names, which must hold nothing, or one that is started here."""
    os.environ["REELGRAPH_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    if url := os.environ.get("REELGRAPH_GREMLIN_URL"):
        if os.environ.get("PYTEST_XDIST_WORKER"):
            pytest.fail("REELGRAPH_GREMLIN_URL names one graph, which one process tests at a time; leave out -n")
        if gremlin_server.ask(url, "V", "count") != [0]:
            pytest.fail(f"{url} is not empty, and the tests would wipe it; name another server")
        yield url
        return
    with _or_skipped("Gremlin Server"), gremlin_server.gremlin_server() as url:
        yield url
