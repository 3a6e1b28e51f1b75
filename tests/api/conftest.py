"""The service over loopback, as clients meet it: a store with the sample in it, and real HTTP."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.settings import Settings
from graph.store import GraphStore, open_store
from loaders.load import load_sample

Served = Callable[..., httpx.Client]


@contextlib.contextmanager
def running(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of that app, which listens on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", log_config=None))
        thread = threading.Thread(target=server.run, args=([held],), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        with httpx.Client(base_url=f"http://127.0.0.1:{held.getsockname()[1]}", timeout=60, trust_env=False) as client:
            yield client
        server.should_exit = True
        thread.join(30)


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded store with the sample in it, which nobody writes to."""
    folder = tmp_path_factory.mktemp("sample") / "store"
    with contextlib.closing(open_store(f"embedded:{folder}", create=True)) as store:
        load_sample(store)
    return folder


@pytest.fixture
def own_store(sample_folder: Path, tmp_path: Path) -> Iterator[GraphStore]:
    """The sample in a store of the test's own, to write to."""
    shutil.copytree(sample_folder, tmp_path / "store")
    with contextlib.closing(open_store(f"embedded:{tmp_path / 'store'}")) as store:
        yield store


@pytest.fixture(scope="session")
def client(sample_folder: Path) -> Iterator[httpx.Client]:
    """The service over the sample, as it is without settings; for reading."""
    with (
        contextlib.closing(open_store(f"embedded:{sample_folder}")) as store,
        running(create_app(Settings(store=store.url), store)) as client,
    ):
        yield client


@pytest.fixture
def served() -> Iterator[Served]:
    """A store and settings by name → a client of the service over that store."""
    with contextlib.ExitStack() as stack:

        def serve(store: GraphStore, **settings: object) -> httpx.Client:
            made = Settings(store=store.url, **settings)  # type: ignore[arg-type]
            return stack.enter_context(running(create_app(made, store)))

        yield serve
