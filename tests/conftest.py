"""Real servers, started once for a run (once for each of its workers) and stopped at its end; what TLS and AWS need."""

from __future__ import annotations

import contextlib
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.servers import gremlin_server
from tests.servers.jars import ServerUnavailable
from tests.servers.neo4j_server import LTS, NEWEST, PASSWORD, Neo4jServer, is_empty, neo4j_server, wiped

if TYPE_CHECKING:
    from tests.servers.neptune_cluster import Cluster

# Of this process and all that it starts, before any of them reads it. Tests run side by side, one for each core, and
# each lives for seconds: threads that wait for work, and code compiled for hours to come, cost more than they bring.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


class ByServer(LoadScopeScheduling):
    """Tests of one kind of server run in one worker: it is started once, and its caches are warm; others anywhere."""

    def _split_scope(self, nodeid: str) -> str:
        return next((server for server in ("neo4j", "gremlin") if server in nodeid), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServer:
    """Groups by marks (`--dist loadgroup` of pytest-xdist 3.8) do nothing under pytest 9.2."""
    return ByServer(config, log)


def started(version: str, settings: str = "") -> Iterator[Neo4jServer]:
    """A server of that version for the block; a skip where none can be had, a failure where all must be."""
    with _or_skipped(f"Neo4j {version}"), neo4j_server(version, settings) as server:
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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A certificate for 127.0.0.1 and localhost, and its key."""
    if not (openssl := shutil.which("openssl")):
        (pytest.fail if os.environ.get("REELGRAPH_REQUIRE_ALL") else pytest.skip)("openssl is not there")
    files = [tmp_path_factory.mktemp("tls") / name for name in ("cert.pem", "key.pem")]
    made = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*made, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


@pytest.fixture
def tls(certificate: list[Path], monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server with that certificate needs; clients trust it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """AWS's own example of credentials, and no other settings of AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    return monkeypatch


@pytest.fixture
def cluster(
    gremlin_url: str, tls: ssl.SSLContext, certificate: list[Path], credentials: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """A Neptune that is empty, with its loader and the S3 that it reads from, as AWS's own settings have them."""
    from tests.servers.neptune_cluster import neptune_cluster
    from tests.servers.s3_server import s3_server

    with s3_server() as s3, neptune_cluster(gremlin_server.wiped(gremlin_url), s3, tls) as made:
        credentials.setenv("AWS_CA_BUNDLE", str(certificate[0]))
        credentials.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        yield made
