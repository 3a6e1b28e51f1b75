"""The connection to a Gremlin server: a pool that reconnects, retries, and what the server's errors mean.

What is sent is bytecode in GraphBinary, by the driver's own serializer. The driver's transport runs an event loop of
its own, so it cannot be used where one runs already, and it never reconnects; hence a WebSocket of our own.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from gremlin_python.driver.request import RequestMessage
from gremlin_python.driver.serializer import GraphBinarySerializersV1
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from graph.store import StoreBusy, StoreError, StoreReadOnly
from graph.stores import tls
from graph.stores.gremlin_place import Place

T = TypeVar("T")
Chunks = Iterator[list[Any]]

SECONDS, LOAD_SECONDS = 30.0, 300.0
"""How long the server may take for a traversal of its own size, and for one that reads or writes very much."""
_CONNECT_SECONDS, _PATIENCE_SECONDS, _SLACK_SECONDS = 10.0, 30.0, 10.0
_POOL, _ROWS, _LARGEST_ANSWER = 16, 500, 256 << 20
_LAG_SECONDS = 1.0  # Neptune's readers are behind its writer by less: who has written reads there meanwhile
_AGAIN = ("ConcurrentModificationException", "Conflict: ", "ThrottlingException", "TooManyRequestsException")
_READ_ONLY = ("ReadOnlyViolationException", "AccessDeniedException")
_TOO_LONG = ("TimeLimitExceededException", "timeout")
_chance = random.SystemRandom()


class Refused(Exception):
    """The server's answer is an error: its code and its words."""

    def __init__(self, code: int, told: str) -> None:
        super().__init__(f"{told[:300]} ({code})")
        self.again = any(name in told for name in _AGAIN)
        self.read_only = any(name in told for name in _READ_ONLY)
        self.too_long = code == 598 or any(name in told for name in _TOO_LONG)


class Connection:
    """Connections to one server, or to the writer and the readers of one cluster. Safe for threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._place = Place.of(url)
        self._idle: dict[str, list[_Socket]] = {self._place.writer: [], self._place.reader: []}
        self._lock, self._room = threading.Lock(), threading.BoundedSemaphore(_POOL)
        self._known, self._written = False, -_LAG_SECONDS

    def close(self) -> None:
        """Close all connections that are not in use."""
        for address in self._idle:
            self._forget(address)

    def read(self, traversal: Any, seconds: float = SECONDS, *, written: bool = False) -> list[Any]:
        """All that a traversal finds. written: what a write depends on, which must be as new as the writer has it."""
        return self.folded(traversal, _listed, seconds, written)

    def folded(
        self, traversal: Any, fold: Callable[[Chunks], T], seconds: float = LOAD_SECONDS, written: bool = False
    ) -> T:
        """What `fold` makes of the answer, which it gets some rows at a time; again from the start after a break."""
        fresh = written or time.monotonic() - self._written < _LAG_SECONDS
        return self._kept_trying(self._place.writer if fresh else self._place.reader, traversal, fold, seconds)

    def write(self, traversal: Any, seconds: float = SECONDS) -> list[Any]:
        """Send a traversal that writes, which is one transaction and may be repeated; what it gives back."""
        try:
            return self._kept_trying(self._place.writer, traversal, _listed, seconds)
        finally:
            self._written = time.monotonic()

    def _kept_trying(self, address: str, traversal: Any, fold: Callable[[Chunks], T], seconds: float) -> T:
        """Try until the patience is over: after a conflict, a throttled request or a broken connection."""
        end, pause = time.monotonic() + _PATIENCE_SECONDS, 0.0
        while True:
            try:
                return self._once(address, traversal, fold, seconds)
            except Refused as error:
                if not error.again or time.monotonic() > end:
                    raise self._meaning(error) from None
                pause = max(pause, 0.02)
            except (OSError, WebSocketException, TimeoutError) as error:
                self._forget(address)  # the others were made with it, and are as likely broken
                if not self._known or isinstance(error, InvalidStatus) or time.monotonic() > end:
                    raise self._unreachable(error) from None
            time.sleep(pause * _chance.uniform(0.5, 1.5))  # so that those who met do not meet again
            pause = min(2 * pause or 0.05, 2.0)

    def _once(self, address: str, traversal: Any, fold: Callable[[Chunks], T], seconds: float) -> T:
        with self._room:
            with self._lock:
                socket = self._idle[address].pop() if self._idle[address] else None
            if socket is None:
                signing = self._place.signing
                socket = _Socket(address, signing.headers(address) if signing else {})
            try:
                made = fold(socket.answers(traversal, seconds))
            except Refused:
                self._keep(address, socket)
                raise
            except BaseException:
                socket.close()
                raise
            self._keep(address, socket)
            self._known = True
            return made

    def _keep(self, address: str, socket: _Socket) -> None:
        with self._lock:
            self._idle[address].append(socket)

    def _forget(self, address: str) -> None:
        with self._lock:
            sockets, self._idle[address] = self._idle[address], []
        for socket in sockets:
            socket.close()

    def _meaning(self, error: Refused) -> StoreError:
        if error.again:
            return StoreBusy(f"{self.url} was still busy with others' writes after {_PATIENCE_SECONDS:g} s ({error})")
        if error.read_only:
            return StoreReadOnly(f"{self.url} may only be read from here ({error}); use the writer's address")
        if error.too_long:
            return StoreBusy(f"{self.url} took too long ({error}); try again, or use a larger instance")
        return StoreError(f"{self.url}: {error}")

    def _unreachable(self, error: Exception) -> StoreError:
        if isinstance(error, InvalidStatus) and error.response.status_code in (401, 403):
            return StoreError(f"{self.url} lets nobody in without a valid signature; give AWS credentials")
        return StoreError(f"{self.url} does not answer ({error}); is it running, and reached from here?")


def _listed(chunks: Chunks) -> list[Any]:
    return [one for chunk in chunks for one in chunk]


class _Socket:
    """One WebSocket, on which one traversal after the other is sent and answered."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        self._serializer = GraphBinarySerializersV1()
        headers = {name: value for name, value in headers.items() if name.lower() != "host"}  # it writes that itself
        self._open = contextlib.ExitStack()
        self._socket: ClientConnection = self._open.enter_context(
            connect(
                address, additional_headers=headers, open_timeout=_CONNECT_SECONDS, close_timeout=1.0,
                compression=None, max_size=_LARGEST_ANSWER, user_agent_header="reelgraph", proxy=None,
                ssl=tls.context() if address.startswith("wss:") else None,
            )
        )  # fmt: skip

    def answers(self, traversal: Any, seconds: float) -> Chunks:
        """What a traversal finds, as the server sends it. Raises Refused, and OSError or WebSocketException."""
        options = {"batchSize": _ROWS, "evaluationTimeout": int(1000 * seconds)}
        message = RequestMessage(
            "traversal", "bytecode", {"gremlin": traversal.bytecode, "aliases": {"g": "g"}, **options}
        )
        self._socket.send(self._serializer.serialize_message(str(uuid.uuid4()), message))
        while True:
            answer = self._serializer.deserialize_message(self._socket.recv(seconds + _SLACK_SECONDS))
            code = answer["status"]["code"]
            if code not in (200, 204, 206):
                raise Refused(code, str(answer["status"]["message"]))
            if code != 204:
                yield [one.object for one in answer["result"]["data"] for _ in range(one.bulk)]
            if code != 206:
                return

    def close(self) -> None:
        """Hang up, without waiting for an answer that may never come."""
        with contextlib.suppress(OSError, WebSocketException):
            self._open.close()
