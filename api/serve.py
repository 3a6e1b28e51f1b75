"""Running the service: one process, or several workers behind one port. Uvicorn does the work."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import signal
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from api.app import create_app
from api.cores import one_core_a_request
from api.logs import config
from api.memory import return_freed_memory
from api.metrics import SHARED_METRICS
from api.settings import ServeError, Settings, read_settings
from graph.store import open_store

_ASK_EVERY_SECONDS = 0.1
_THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (where to ask a service that listens everywhere)


class PortTaken(ServeError):
    """Another process listens there."""


@dataclass(frozen=True)
class Listen:
    """Where to listen. port 0: any that is free. certfile and keyfile: PEM files, for HTTPS."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    certfile: Path | None = None
    keyfile: Path | None = None


_STARTING_SECONDS = 60
"""How long a worker may not answer its parent before it is replaced: after five, as by default, a busy machine never
has one that has read its code."""


def app_of_environment() -> FastAPI:
    """The app of a worker, which knows of its parent only what stands in the environment, and ends with it."""
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    return_freed_memory()
    one_core_a_request()
    settings = read_settings()
    return create_app(settings, open_store(settings.store))


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    """A worker whose parent was killed would answer on, by a graph and settings that nobody can change any more."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def serve(settings: Settings, listen: Listen, announce: Callable[[str], None]) -> None:
    """Answer requests until a signal comes, then finish what was begun. announce: told the address once it answers.

    Workers take their settings from the environment, so there they have to stand. Raises ServeError, or StoreError
    where the store does not open.
    """
    _check_certificate(listen)
    return_freed_memory()
    one_core_a_request()
    with contextlib.closing(open_store(settings.store)) as store, _bound(listen) as held:
        threading.Thread(target=_when_it_answers, args=(_address(held, listen), announce), daemon=True).start()
        options: dict[str, Any] = {
            "log_config": config(access=settings.access_log),
            "access_log": False,
            "server_header": False,
            "timeout_graceful_shutdown": settings.graceful_seconds,
            "ssl_certfile": listen.certfile,
            "ssl_keyfile": listen.keyfile,
        }
        app = create_app(settings, store)  # for workers too: what is wrong with the settings is said here
        if listen.workers == 1:
            _run(uvicorn.Server(uvicorn.Config(app, **options)), held)
            return
        with tempfile.TemporaryDirectory(prefix="reelgraph-metrics-") as shared:
            os.environ |= {
                "REELGRAPH_STORE": settings.store,
                "REELGRAPH_REQUIRE_KEYS": str(settings.require_keys),
                SHARED_METRICS: shared,
            }
            factory = f"{__name__}:{app_of_environment.__name__}"
            several = uvicorn.Config(
                factory, factory=True, workers=listen.workers, timeout_worker_healthcheck=_STARTING_SECONDS, **options
            )
            Multiprocess(several, [held]).run()


def _run(server: uvicorn.Server, held: socket.socket) -> None:
    try:
        server.run([held])
    except KeyboardInterrupt:
        if not server.should_exit:  # else uvicorn sends on the signal after which it has stopped in good order
            raise


def _check_certificate(listen: Listen) -> None:
    if listen.certfile is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(listen.certfile, listen.keyfile)
    except (OSError, ssl.SSLError) as error:
        files = " and ".join(str(file) for file in (listen.certfile, listen.keyfile) if file)
        raise ServeError(f"{files} cannot be used for HTTPS ({error}); give PEM files that belong together") from None


@contextlib.contextmanager
def _bound(listen: Listen) -> Iterator[socket.socket]:
    """A socket bound to host and port. Raises ServeError where that cannot be."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM)[0]
        held = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServeError(f"{listen.host} is no address of this machine ({error})") from None
    with held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind(place)
        except OSError as error:
            where = f"port {listen.port} of {listen.host}"
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(f"{where} is taken; choose another with --port, or 0 for a free one") from None
            raise ServeError(f"{where} cannot be listened to: {error.strerror}") from None
        held.set_inheritable(True)
        yield held


def _address(held: socket.socket, listen: Listen) -> str:
    host, port = held.getsockname()[:2]
    host = _THIS_MACHINE.get(host, host)
    scheme = "http" if listen.certfile is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _when_it_answers(address: str, announce: Callable[[str], None]) -> None:
    while True:
        # It asks itself, whatever name its certificate is for.
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{address}/health/live", verify=False, trust_env=False).is_success:  # noqa: S501
                announce(address)
                return
        time.sleep(_ASK_EVERY_SECONDS)
