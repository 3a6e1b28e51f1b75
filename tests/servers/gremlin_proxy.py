"""A proxy before a real Gremlin Server that behaves as Neptune does on a bad day: it refuses and hangs up.

What it does with a request is decided by a plan: `PASS`, `DROP` (hang up before the server has it), `LOSE` (hang up
when the server has done it, without the answer), `LEAVE` (hang up after the answer), or the name of a Neptune error.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

PASS, DROP, LOSE, LEAVE = "pass", "drop", "lose", "leave"


@dataclass
class Proxy:
    """plan: of the number of a request, from 0, what becomes of it. headers: those of each connection made."""

    upstream: str
    plan: Callable[[int], str] = lambda _number: PASS
    requests: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, client: ServerConnection) -> None:
        """Serve one client."""
        assert client.request is not None
        self.headers.append({name.lower(): value for name, value in client.request.headers.raw_items()})
        with contextlib.suppress(ConnectionClosed), connect(self.upstream, compression=None, proxy=None) as server:
            for request in client:
                assert isinstance(request, bytes)
                with self._lock:
                    number, self.requests = self.requests, self.requests + 1
                what = self.plan(number)
                if what == DROP:
                    client.socket.close()
                    return
                if what not in (PASS, LOSE, LEAVE):
                    client.send(refusal(request, what))
                    continue
                server.send(request)
                for answer in _answers(server):
                    if what == LOSE:
                        client.socket.close()
                        return
                    client.send(answer)
                if what == LEAVE:
                    client.socket.close()
                    return


def _answers(server: object) -> Iterator[bytes]:
    """The frames that answer one request: the status says whether another one follows."""
    while True:
        answer = server.recv()  # type: ignore[attr-defined]
        yield answer
        if struct.unpack(">i", answer[18:22])[0] != 206:
            return


def refusal(request: bytes, code: str) -> bytes:
    """An error of Neptune's as an answer in GraphBinary to a request."""
    asked = request[1 + request[0] + 1 :][:16]  # length and name of the format, version
    told = json.dumps({"detailedMessage": f"{code} of the test", "requestId": "1", "code": code}).encode()
    nothing = struct.pack(">i", 0)
    return b"\x81\x00" + asked + struct.pack(">i", 500) + b"\x00" + struct.pack(">i", len(told)) + told + (
        nothing + nothing + b"\xfe\x01"
    )  # fmt: skip


@contextlib.contextmanager
def gremlin_proxy(
    url: str, plan: Callable[[int], str] = lambda _number: PASS, tls: ssl.SSLContext | None = None
) -> Iterator[Proxy]:
    """A proxy on a free port of 127.0.0.1 before the server of a `gremlin://` URL."""
    proxy = Proxy(f"ws{url.removeprefix('gremlin')}/gremlin", plan)
    with serve(proxy, "127.0.0.1", 0, ssl=tls, compression=None) as server:
        proxy.port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join(30)
