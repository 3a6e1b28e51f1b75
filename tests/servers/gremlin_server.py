"""A real Gremlin Server for tests and benchmarks, from Maven Central's jars, in a process of its own.

    python -m tests.servers.gremlin_server [--memory 512m]   until Ctrl-C; prints how to reach it

It stands in for Neptune: transactions that conflict, ids of our own, and `set` as the default cardinality.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.servers.jars import ServerUnavailable, jars, java, started

VERSION = "3.7.5"
_POM = Path(__file__).with_name("gremlin.pom.xml")
_PATIENCE_SECONDS = 120
_INIT = "def globals = [:]\nglobals << [g : graph.traversal()]\n"
_GRAPH = """gremlin.graph=org.apache.tinkerpop.gremlin.tinkergraph.structure.TinkerTransactionGraph
gremlin.tinkergraph.vertexIdManager=ANY
gremlin.tinkergraph.edgeIdManager=ANY
gremlin.tinkergraph.defaultVertexPropertyCardinality=set
"""
_SERVER = """host: 127.0.0.1
port: {port}
evaluationTimeout: 30000
channelizer: org.apache.tinkerpop.gremlin.server.channel.WebSocketChannelizer
graphs: {{ graph: graph.properties }}
scriptEngines:
  gremlin-groovy:
    plugins:
      org.apache.tinkerpop.gremlin.server.jsr223.GremlinServerGremlinPlugin: {{}}
      org.apache.tinkerpop.gremlin.tinkergraph.jsr223.TinkerGraphGremlinPlugin: {{}}
      org.apache.tinkerpop.gremlin.jsr223.ScriptFileGremlinPlugin: {{files: [init.groovy]}}
serializers:
  - {{ className: org.apache.tinkerpop.gremlin.util.ser.GraphBinaryMessageSerializerV1 }}
maxContentLength: 10485760
"""


@contextlib.contextmanager
def gremlin_server(memory: str = "512m") -> Iterator[str]:
    """The URL of a server on a free port, empty, in memory. Raises ServerUnavailable without Java or Maven."""
    runtime = java(17)
    lib = jars(_POM, VERSION, runtime.parent.parent)
    with tempfile.TemporaryDirectory(prefix="reelgraph-gremlin-") as folder:
        home, port = Path(folder), _free_port()
        for name, content in (
            ("init.groovy", _INIT), ("graph.properties", _GRAPH), ("server.yaml", _SERVER.format(port=port)),
        ):  # fmt: skip
            (home / name).write_text(content)
        command = [str(runtime), f"-Xmx{memory}", "-cp", f"{lib}/*",
                   "org.apache.tinkerpop.gremlin.server.GremlinServer", "server.yaml"]  # fmt: skip
        with (home / "log").open("w") as log:
            process = started(command, cwd=home, stdout=log, stderr=log)
        try:
            _await(process, port, home / "log")
            yield f"gremlin://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wiped(url: str) -> str:
    """The same URL, with nothing left in its graph. Only for a server that is there for tests."""
    ask(url, "V", "drop")
    return url


def ask(url: str, *steps: str) -> list[object]:
    """Take steps without arguments, such as "V", "count", by the driver alone; what they give."""
    from gremlin_python.driver.client import Client
    from gremlin_python.process.traversal import Bytecode

    code = Bytecode()
    for step in steps:
        code.add_step(step)
    client = Client(f"ws{url.removeprefix('gremlin')}/gremlin", "g", pool_size=1)
    try:
        found: list[object] = client.submit(code).all().result()
        return found
    finally:
        client.close()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until it answers: the port is open before there is a graph."""
    from gremlin_python.driver.protocol import GremlinServerError

    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with contextlib.suppress(GremlinServerError, OSError):
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                pass
            ask(f"gremlin://127.0.0.1:{port}", "V", "count")
            return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Gremlin Server {VERSION} did not start: {log.read_text()[-2000:]}")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--memory", default="512m")
    options = made.parse_args()
    try:
        with gremlin_server(options.memory) as running, contextlib.suppress(KeyboardInterrupt):
            print(f"export REELGRAPH_STORE={running}", flush=True)
            signal.pause()
    except ServerUnavailable as error:
        raise SystemExit(f"Gremlin Server cannot be started: {error}") from None
