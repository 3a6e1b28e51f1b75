"""Real servers, started once for a run (once for each of its workers) and stopped at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.servers.jars import ServerUnavailable
from tests.servers.neo4j_server import LTS, NEWEST, PASSWORD, Neo4jServer, is_empty, neo4j_server


def _started(version: str) -> Iterator[Neo4jServer]:
    try:
        with neo4j_server(version) as server:
            yield server
    except ServerUnavailable as error:
        why = f"no Neo4j {version}: {error}"
        (pytest.fail if os.environ.get("REELGRAPH_REQUIRE_ALL") else pytest.skip)(why)


@pytest.fixture(scope="session")
def neo4j_newest() -> Iterator[Neo4jServer]:
    """The newest Neo4j."""
    yield from _started(NEWEST)


@pytest.fixture(scope="session")
def neo4j_lts() -> Iterator[Neo4jServer]:
    """The release with long-term support, whose vector indexes know no filters."""
    yield from _started(LTS)


@pytest.fixture(scope="session")
def neo4j_url() -> Iterator[str]:
    """The server that REELGRAPH_NEO4J_URL names, which must hold nothing, or one that is started here."""
    os.environ.setdefault("REELGRAPH_NEO4J_PASSWORD", PASSWORD)
    if url := os.environ.get("REELGRAPH_NEO4J_URL"):
        if not os.environ.get("PYTEST_XDIST_WORKER") and not is_empty(url):
            pytest.fail(f"{url} is not empty, and the tests would wipe it; name another server")
        yield url
        return
    for server in _started(NEWEST):
        yield server.url
