"""A proxy on loopback that loses the connection when told to: what a network does to a client."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Passes bytes on between its own port and a server's, until it has passed `most` to the server or is cut."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.passed = 0
        self.most: int | None = None
        self.cuts = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Lose all connections and refuse new ones, until `mend`."""
        with self._lock:
            self.most = 0
            self.cuts += bool(self._open)
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self, most: int | None = None) -> None:
        """Pass on again, so many bytes to the server or without end."""
        self.passed, self.most = 0, most

    def close(self) -> None:
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self.most == 0:
                    client.close()
                    continue
                server = socket.create_connection(self._server)
                with self._lock:
                    self._open |= {client, server}
                threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, here: socket.socket, there: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                if up:
                    self.passed += len(data)
                    if self.most is not None and self.passed > self.most:
                        self.cut()
                        break
                there.sendall(data)
        for one in (here, there):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
                one.close()
        with self._lock:
            self._open -= {here, there}


@contextlib.contextmanager
def proxy(host: str, port: int) -> Iterator[Proxy]:
    """A proxy to a server, gone afterwards."""
    made = Proxy((host, port))
    try:
        yield made
    finally:
        made.close()
