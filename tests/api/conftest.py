"""The service over loopback, as clients meet it: a store with the sample in it, and real HTTP."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright

from api.app import create_app
from api.settings import Settings
from graph.store import GraphStore, open_store
from loaders.load import load_sample
from tests.api.gorse_client import KINDS

ROOT = Path(__file__).parents[2]
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without: each client reads all certificates of the world
ADDRESS = re.compile(r"Reelgraph answers at (https?://\S+) \(stop it with Ctrl-C\)")


@contextlib.contextmanager
def running(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of that app, which listens on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", log_config=None))
        thread = threading.Thread(target=server.run, args=([held],), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        with httpx.Client(base_url=address, timeout=60, trust_env=False, verify=NO_TLS) as client:
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
        running(create_app(Settings(store=store.url, count_searches=False), store)) as client,
    ):
        yield client


@contextlib.contextmanager
def _service(store: GraphStore, **settings: object) -> Iterator[httpx.Client]:
    made = Settings(store=store.url, **settings)  # type: ignore[arg-type]
    with running(create_app(made, store)) as client:
        yield client


@pytest.fixture
def service() -> Callable[..., contextlib.AbstractContextManager[httpx.Client]]:
    """A store and settings by name → the service over that store, stopped at the end of the block."""
    return _service


@pytest.fixture
def served() -> Iterator[Callable[..., httpx.Client]]:
    """The same, stopped at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield lambda store, **settings: stack.enter_context(_service(store, **settings))


@pytest.fixture
def gorse_store(tmp_path: Path) -> Iterator[GraphStore]:
    """An empty store, for Gorse's routes to fill."""
    with contextlib.closing(open_store(f"embedded:{tmp_path}/store", create=True)) as made:
        yield made


@pytest.fixture
def gorse(gorse_store: GraphStore) -> Iterator[httpx.Client]:
    """The service over it, with feedback of the types that the tests of those routes send."""
    with _service(gorse_store, **KINDS) as made:
        yield made


_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
_TAKES_CHROMIUM_MS = 30_000  # beside other tests, on a busy machine


@dataclass
class Visit:
    """A page in a browser, at a service; everything that it asked for and complained about."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, query: str = "") -> Page:
        """The page at that state, once it shows it."""
        self.page.goto(f"{self.address}/{query}")
        self.page.locator("main > .view").wait_for()
        return self.page

    @property
    def query(self) -> dict[str, str]:
        """What the address bar says."""
        return dict(parse_qsl(urlsplit(self.page.url).query))


Visiting = Callable[..., Visit]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real Chromium, without a window."""
    if not Path(_CHROMIUM).exists():
        why = f"there is no {_CHROMIUM}; apt-get install chromium"
        pytest.fail(why) if os.environ.get("REELGRAPH_REQUIRE_ALL") else pytest.skip(why)
    expect.set_options(timeout=_TAKES_CHROMIUM_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page_address(sample_folder: Path) -> Iterator[str]:
    """The service over the sample."""
    with (
        contextlib.closing(open_store(f"embedded:{sample_folder}")) as store,
        running(create_app(Settings(store=store.url, count_searches=False), store)) as client,
    ):
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def visit(chromium: Browser, page_address: str) -> Iterator[Visiting]:
    """Width, height, colours and address → a page, which must have asked no other host and must not have complained."""
    with contextlib.ExitStack() as stack:
        visits: list[Visit] = []

        def begin(width: int = 1280, height: int = 900, colours: str = "light", address: str = page_address) -> Visit:
            context = chromium.new_context(
                viewport={"width": width, "height": height}, color_scheme=colours, locale="en-GB"
            )
            stack.callback(context.close)
            context.set_default_timeout(_TAKES_CHROMIUM_MS)
            made = Visit(context.new_page(), address)
            made.page.on("request", lambda request: made.requests.append(request.url))
            made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
            made.page.on(
                "console",
                lambda said: made.complaints.append(said.text) if said.type in ("error", "warning") else None,
            )
            visits.append(made)
            return made

        yield begin
        for made in visits:
            assert made.requests, "nothing was asked for"
            assert [url for url in made.requests if not url.startswith((made.address, "data:"))] == []
            assert made.complaints == []


@dataclass
class Process:
    """A command that serves, once it has said where. Its log is a file, for a pipe that nobody reads fills up."""

    popen: subprocess.Popen[str]
    log: Path
    printed: list[str] = field(default_factory=list)
    address: str = ""

    def get(self, path: str, **options: Any) -> httpx.Response:
        """One request, on a connection of its own."""
        return httpx.get(f"{self.address}{path}", timeout=60, trust_env=False, **options)

    def stop(self, number: int) -> tuple[int, str]:
        """Exit code and log after that signal."""
        self.popen.send_signal(number)
        return self.popen.wait(60), self.log.read_text("utf-8")


@pytest.fixture
def serve(sample_folder: Path, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Arguments of `reelgraph serve` (or another command that serves) → its process; over the sample unless told."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: str, command: str = "serve", **environment: str) -> Process:
            if "--store" not in arguments:
                environment.setdefault("REELGRAPH_STORE", f"embedded:{sample_folder}")
                environment.setdefault("REELGRAPH_COUNT_SEARCHES", "false")  # nobody writes to the sample
            log = tmp_path / "serve.log"
            popen = subprocess.Popen(
                [sys.executable, "-m", "reelgraph", command, *arguments],
                cwd=ROOT, env=os.environ | environment, text=True, stdout=subprocess.PIPE,
                stderr=stack.enter_context(log.open("w")),
            )  # fmt: skip
            stack.enter_context(popen)
            stack.callback(popen.kill)
            process = Process(popen, log)
            assert popen.stdout
            for line in popen.stdout:
                process.printed.append(line)
                if found := ADDRESS.fullmatch(line.strip()):
                    process.address = found[1]
                    return process
            raise AssertionError(log.read_text("utf-8"))

        yield start
