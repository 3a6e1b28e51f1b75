"""TLS on a connection that one thread reads while others write.

OpenSSL forbids reading and writing one connection at the same time (https://docs.openssl.org/3.0/man7/openssl-threads/).
With TLS 1.3 that goes wrong soon: a server sends tickets right after the handshake, so that the reader is at work when
the first message is written. The message is lost or the connection breaks, and the reader waits for ever, for a socket
that is closed wakes nobody who reads it.
"""

from __future__ import annotations

import contextlib
import functools
import select
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class InTurns(ssl.SSLSocket):
    """Reads and writes one after the other; who waits for the other end lets others through, and wakes at `close`."""

    _turn: threading.Lock

    def __new__(cls, *given: Any, **options: Any) -> InTurns:  # noqa: D102 (SSLSocket has no __init__ to be called)
        made = super().__new__(cls, *given, **options)
        made._turn = threading.Lock()
        return made

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As `SSLSocket.recv`."""
        return self._once_ready(functools.partial(super().recv, buflen, flags))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As `SSLSocket.sendall`, but that a timeout is of each wait."""
        sent, send = 0, super().send
        with memoryview(data) as given, given.cast("B") as left:
            while sent < len(left):
                sent += self._once_ready(functools.partial(send, left[sent:], flags))

    def _once_ready(self, ask: Callable[[], T]) -> T:
        """What OpenSSL answers when it need not wait."""
        while True:
            with self._turn:
                timeout = self.gettimeout()
                self.settimeout(0)
                try:
                    return ask()
                except ssl.SSLWantReadError:
                    wanted = select.POLLIN
                except ssl.SSLWantWriteError:
                    wanted = select.POLLOUT
                finally:
                    if self.fileno() >= 0:
                        self.settimeout(timeout)
            poll = select.poll()
            poll.register(self, wanted)
            if not poll.poll(None if timeout is None else timeout * 1000):
                raise TimeoutError("the other end was waited for too long")

    def close(self) -> None:
        """As `SSLSocket.close`; a thread that reads is woken."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self, socket.SHUT_RDWR)
        super().close()


def context() -> ssl.SSLContext:
    """Trusts what the system, or SSL_CERT_FILE, trusts."""
    made = ssl.create_default_context()
    made.sslsocket_class = InTurns
    return made
