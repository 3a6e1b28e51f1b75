"""A real Neo4j Community for tests and benchmarks, from Maven Central's jars, in a process of its own.

    python -m tests.servers.neo4j_server [--version 2026.08.1]   until Ctrl-C; prints how to reach it

Neo4j is GPLv3: it is fetched and started, never shipped.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.jars import ServerUnavailable, jars, java, started

if TYPE_CHECKING:
    import neo4j

NEWEST, LTS = "2026.08.1", "5.26.30"
PASSWORD = "only-for-tests"  # noqa: S105  (of a server that lives as long as the tests, on loopback)
_POM = Path(__file__).with_name("neo4j.pom.xml")
_OPENS = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.nio", "java.io", "sun.nio.ch")]
_PATIENCE_SECONDS = 120


@dataclass
class Neo4jServer:
    """A running server. `home` holds its data and logs, and goes with it."""

    version: str
    home: Path
    bolt: int
    http: int
    java: Path
    lib: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the driver finds it."""
        return f"neo4j://127.0.0.1:{self.bolt}"

    def admin(self, *arguments: str, memory: str = "512m") -> subprocess.CompletedProcess[str]:
        """Run neo4j-admin; the server must be stopped for most of its commands."""
        command = [
            str(self.java),
            f"-Xmx{memory}",
            *_OPENS,
            "-cp",
            f"{self.lib}/*",
            "org.neo4j.cli.AdminTool",
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, env=self._environment())

    def start(self, settings: str = "") -> None:
        """Start it and wait until it answers. settings: lines for neo4j.conf beyond those that are there."""
        import neo4j

        conf = self.home / "conf" / "neo4j.conf"
        conf.write_text(_settings(self) + settings)
        newer = not self.version.startswith("5.")
        main = "org.neo4j.server.Neo4jCommunity" if newer else "org.neo4j.server.CommunityEntryPoint"
        modules = ["--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector"] if newer else []
        command = [str(self.java), "-Xmx768m", *_OPENS, *modules, "-cp", f"{self.lib}/*", main,
                   f"--home-dir={self.home}", f"--config-dir={self.home / 'conf'}"]  # fmt: skip
        nowhere = subprocess.DEVNULL
        self.process = started(command, env=self._environment(), stdout=nowhere, stderr=nowhere)
        end = time.monotonic() + _PATIENCE_SECONDS
        scheme = "bolt+ssc" if "tls_level=REQUIRED" in settings else "bolt"
        with neo4j.GraphDatabase.driver(f"{scheme}://127.0.0.1:{self.bolt}", auth=("neo4j", PASSWORD)) as driver:
            while True:
                with contextlib.suppress(neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError):
                    driver.verify_connectivity()
                    return
                if self.process.poll() is not None or time.monotonic() > end:
                    log = self.home / "logs" / "neo4j.log"
                    told = log.read_text()[-2000:] if log.exists() else "it left no log"
                    self.stop()
                    raise RuntimeError(f"Neo4j {self.version} did not start: {told}")
                time.sleep(0.2)

    def stop(self) -> None:
        """Stop it; its data stays."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def _environment(self) -> dict[str, str]:
        return os.environ | {"NEO4J_HOME": str(self.home), "NEO4J_CONF": str(self.home / "conf")}


@contextlib.contextmanager
def neo4j_server(version: str = NEWEST, settings: str = "") -> Iterator[Neo4jServer]:
    """A server on free ports in a temporary folder, empty. Raises ServerUnavailable without Java or Maven."""
    newer = not version.startswith("5.")
    runtime = java(21) if newer else java(17, 21)
    lib = jars(_POM, version, runtime.parent.parent)
    home = Path(tempfile.mkdtemp(prefix="reelgraph-neo4j-"))
    try:
        (home / "conf").mkdir()
        server = Neo4jServer(version, home, *_free_ports(), runtime, lib)
        (home / "conf" / "neo4j.conf").write_text(_settings(server))
        told = server.admin("dbms", "set-initial-password", PASSWORD)
        if told.returncode:
            raise RuntimeError(f"Neo4j took no password: {told.stderr[-500:]}")
        server.start(settings)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def is_empty(url: str) -> bool:
    """Whether a database holds no node."""
    with _driver(url) as driver:
        return not driver.execute_query("MATCH (node) RETURN node LIMIT 1").records


def wiped(url: str) -> str:
    """The same URL, with nothing left in the database. Only for a server that is there for tests."""
    with _driver(url) as driver:
        for record in driver.execute_query("SHOW VECTOR INDEXES YIELD name").records:
            driver.execute_query(f"DROP INDEX {record['name']}")
        with driver.session() as session:
            session.run("MATCH (node) CALL (node) { DETACH DELETE node } IN TRANSACTIONS OF 1000 ROWS").consume()
    return url


def _driver(url: str) -> neo4j.Driver:
    import neo4j

    user, secret = os.environ.get("REELGRAPH_NEO4J_USER", "neo4j"), os.environ["REELGRAPH_NEO4J_PASSWORD"]
    return neo4j.GraphDatabase.driver(url, auth=(user, secret), notifications_min_severity="OFF")


def _settings(server: Neo4jServer) -> str:
    quiet = "netty_server_shutdown_quiet_period" + ("=0" if server.version.startswith("5.") else "_duration=0s")
    return f"""server.default_listen_address=127.0.0.1
server.bolt.listen_address=:{server.bolt}
server.bolt.advertised_address=127.0.0.1:{server.bolt}
server.http.listen_address=:{server.http}
server.http.advertised_address=127.0.0.1:{server.http}
server.memory.heap.max_size=768m
server.memory.pagecache.size=256m
dbms.usage_report.enabled=false
internal.dbms.bolt.{quiet}
"""


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for held in (one, other):
            held.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--version", default=NEWEST)
    options = made.parse_args()
    try:
        with neo4j_server(options.version) as running, contextlib.suppress(KeyboardInterrupt):
            print(f"export REELGRAPH_STORE={running.url} REELGRAPH_NEO4J_PASSWORD={PASSWORD}", flush=True)
            print(f"browser: http://127.0.0.1:{running.http}/browser/?dbms=bolt://127.0.0.1:{running.bolt}", flush=True)
            signal.pause()
    except ServerUnavailable as error:
        raise SystemExit(f"Neo4j cannot be started: {error}") from None
