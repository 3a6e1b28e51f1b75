"""TLS sockets that threads share. A server of TLS 1.3 sends tickets while the client writes its first message."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.sync.client import connect

from graph.stores.tls import InTurns, context


def answer_websocket(client: ssl.SSLSocket) -> None:
    """The handshake; it hangs up when the client says anything more."""
    protocol = ServerProtocol()
    while protocol.handshake_exc is None and not (requests := protocol.events_received()):
        protocol.receive_data(client.recv(65536))
    (asked,) = requests
    assert isinstance(asked, Request)
    protocol.send_response(protocol.accept(asked))
    for data in protocol.data_to_send():
        client.sendall(data)
    client.recv(65536)


def echo(client: ssl.SSLSocket) -> None:
    while data := client.recv(65536):
        client.sendall(data)


@pytest.fixture
def port(request: pytest.FixtureRequest, tls: ssl.SSLContext) -> Iterator[int]:
    """Of a server that does with each client what the test names."""
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(4) as pool:

        def served(raw: socket.socket) -> None:
            raw.settimeout(20)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(OSError), tls.wrap_socket(raw, server_side=True) as client:
                request.param(client)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    pool.submit(served, listening.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def connected(port: int) -> ssl.SSLSocket:
    made = context().wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
    assert isinstance(made, InTurns)
    assert made.version() == "TLSv1.3"
    return made


@pytest.mark.parametrize("port", [answer_websocket], indirect=True)
def test_two_hundred_connections_are_made_and_closed(port: int) -> None:
    """A plain socket of `ssl` hangs for ever here, mostly within the first ten."""
    made: list[int] = []

    def many() -> None:
        for number in range(200):
            with connect(f"wss://localhost:{port}", ssl=context(), open_timeout=5, compression=None, proxy=None):
                made.append(number)

    thread = threading.Thread(target=many, daemon=True)
    thread.start()
    thread.join(60)
    assert len(made) == 200


@pytest.mark.parametrize("port", [echo], indirect=True)
def test_much_is_read_while_much_is_written(port: int) -> None:
    sent, got = [bytes([number % 251]) * 40_000 for number in range(200)], bytearray()
    with connected(port) as client:

        def read() -> None:
            while len(got) < 200 * 40_000:
                got.extend(client.recv(65536))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        for one in sent:
            client.sendall(one)
        thread.join(60)
        assert bytes(got) == b"".join(sent)


@pytest.mark.parametrize("port", [echo], indirect=True)
def test_a_reader_wakes_when_it_is_closed_and_when_its_time_is_over(port: int) -> None:
    client = connected(port)
    client.settimeout(0.05)
    with pytest.raises(TimeoutError, match="waited for too long"):
        client.recv()
    assert client.gettimeout() == 0.05
    client.settimeout(None)
    got: list[object] = []

    def read() -> None:
        try:
            got.append(client.recv())
        except OSError as error:
            got.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    client.sendall(b"a reader that waits does not keep the writer waiting")
    thread.join(10)
    assert got == [b"a reader that waits does not keep the writer waiting"]
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    client.close()
    thread.join(10)
    assert not thread.is_alive()
