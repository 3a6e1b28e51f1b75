"""`reelgraph serve` as a process: its address, its end, its errors, several workers, HTTPS."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import reelgraph

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_answers_and_ends_when_told(serve: Any, number: int) -> None:
    running = serve("--port", "0")
    answer = running.get("/search", params={"q": "toy story"}, headers={"X-Request-Id": "one"})
    assert answer.json()["hits"][0]["id"] == "tt0114709"
    assert "server" not in answer.headers
    code, err = running.stop(number)
    lines = [json.loads(line) for line in err.splitlines()]
    assert (code, [(line["route"], line["request_id"]) for line in lines]) == (0, [("/search", "one")])


def test_what_was_begun_is_finished(serve: Any) -> None:
    running = serve("--port", "0")
    host, port = running.address.removeprefix("http://").split(":")
    body = json.dumps({"titles": []}).encode()
    head = "PUT /catalogs/North/titles HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode() + body[:5])
        running.get("/health/live")  # by now the half request has been read too
        running.popen.send_signal(signal.SIGTERM)
        with contextlib.suppress(httpx.HTTPError):
            while running.get("/health/live").is_success:
                pass
        connection.sendall(body[5:])
        got = b"".join(iter(lambda: connection.recv(65536), b"")).decode()  # until it is closed
    assert got.startswith("HTTP/1.1 422 ")
    assert "path.slug" in got
    assert running.popen.wait(60) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("--port PORT", 1, "port PORT of 127.0.0.1 is taken; choose another with --port, or 0 for a free one"),
        ("--host 0.0.0.0", 2, "0.0.0.0 can be reached from other machines; make a key first (reelgraph keys make"),
        ("--host 192.0.2.1", 2, "192.0.2.1 can be reached from other machines"),
        ("--store embedded:/nowhere/at/all", 2, "there is no store at /nowhere/at/all"),
        ("--store nosql:x", 2, "no store speaks 'nosql:x'"),
        ("--port 99999", 2, "--port"),
        ("--workers 0", 2, "--workers"),
        ("--keyfile pyproject.toml", 2, "a key needs its certificate: --certfile"),
        ("--certfile pyproject.toml", 1, "pyproject.toml cannot be used for HTTPS"),
        ("--certfile /nowhere.pem", 2, "--certfile"),
        ("THREADS=0 --port 0", 2, "Invalid value for the environment: REELGRAPH_THREADS: "),
    ],
)
def test_what_cannot_be_served(
    sample_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: str, code: int,
    says: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("REELGRAPH_STORE", f"embedded:{sample_folder}")
    monkeypatch.chdir(ROOT)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with socket.create_server(("127.0.0.1", 0)) as held:
        arguments, says = (text.replace("PORT", str(held.getsockname()[1])) for text in (arguments, says))
        words = arguments.split()
        if "=" in words[0]:
            name, value = words.pop(0).split("=")
            monkeypatch.setenv(f"REELGRAPH_{name}", value)
        monkeypatch.setattr(sys, "argv", ["reelgraph", "serve", *words])
        with pytest.raises(SystemExit) as left:
            reelgraph.main()
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
        signal.signal(number, handler)
    out, err = capsys.readouterr()
    assert (left.value.code, out, err.startswith("reelgraph: "), err.count("\n")) == (code, "", True, 1)
    assert says in err


def test_several_workers_are_one_service(serve: Any) -> None:
    running = serve("--port", "0", "--workers", "2")
    children = Path(f"/proc/{running.popen.pid}/task/{running.popen.pid}/children")
    asked = 12
    with ThreadPoolExecutor(4) as threads:
        paths = ["/search?q=toy+story"] * asked
        assert [got.status_code for got in threads.map(running.get, paths)] == [200] * asked
    for _ in range(3):  # whichever worker answers, it knows of all
        text = running.get("/metrics").text
        assert f'reelgraph_requests_total{{method="GET",route="/search",status="200"}} {asked}.0' in text
        assert 'reelgraph_graph_info{version="000001"} 1.0' in text
    if children.exists():
        assert len(children.read_text().split()) >= 2
    code, err = running.stop(signal.SIGTERM)
    routes = [json.loads(line)["route"] for line in err.splitlines()]
    assert (code, routes) == (0, ["/search"] * asked)


def test_workers_end_with_their_parent_however_it_ends(serve: Any) -> None:
    running = serve("--port", "0", "--workers", "2")
    running.stop(signal.SIGKILL)
    place = running.address.removeprefix("http://").split(":")
    end = time.monotonic() + 60
    with contextlib.suppress(ConnectionRefusedError):
        while time.monotonic() < end:
            socket.create_connection((place[0], int(place[1]))).close()
            time.sleep(0.1)
        pytest.fail("they answer on")


def test_https(serve: Any, tmp_path: Path) -> None:
    if not (openssl := shutil.which("openssl")):
        (pytest.fail if os.environ.get("REELGRAPH_REQUIRE_ALL") else pytest.skip)("openssl is not there")
    files = [tmp_path / "cert.pem", tmp_path / "key.pem"]
    made = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    running = serve("--port", "0", "--certfile", str(files[0]), "--keyfile", str(files[1]))
    trusted = ssl.create_default_context(cafile=str(files[0]))
    assert running.address.startswith("https://127.0.0.1:")
    ready = running.get("/health/ready", verify=trusted)
    assert (ready.json()["version"], ready.headers["strict-transport-security"]) == ("000001", "max-age=31536000")
    with pytest.raises(httpx.ConnectError, match="certificate"):
        running.get("/health/ready")
    assert running.stop(signal.SIGINT) == (0, "")


def test_the_demo_opens_the_service(serve: Any, tmp_path: Path) -> None:
    with socket.socket() as usual:  # so that the usual port is taken, by us or by somebody else
        with contextlib.suppress(OSError):
            usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            usual.bind(("127.0.0.1", 8000))
            usual.listen()
        running = serve("--store", f"embedded:{tmp_path}", command="demo")
    assert "$ reelgraph search toy story --catalog north --region US\n" in running.printed
    asked = {"q": "toy story", "catalog": "north", "region": "US"}
    assert running.get("/search", params=asked).json()["status"] == "out_of_catalog"
    assert running.stop(signal.SIGINT) == (0, "")
