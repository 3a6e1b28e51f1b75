"""A new graph, or new vectors, while the service is asked by many: taken over, and no request fails."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
THREADS, ROUNDS = 8, 6
# Another process: each round loads a graph in which every title is of one year, then publishes vectors for it.
WRITER = """
import sys
import numpy as np
from graph.store import Provenance, open_store

store = open_store(sys.argv[1])
ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch["id"].to_pylist()]
for number in range(int(sys.argv[2])):
    year = 1900 + number
    print(store.upsert_nodes("Title", [{"id": id_, "start_year": year} for id_ in ids]) and store.info().version, year)
    vectors = np.random.default_rng(number).normal(size=(len(ids), 16)).astype(np.float32)
    made = Provenance(f"run-{number}", "random", 16, store.info().graph_hash, "2026-11-21T00:00:00+00:00")
    print(store.set_embeddings("embedding", ids, vectors, made), year, flush=True)
"""
PATHS = (
    "/search?q=toy+story&catalog=north&substitutes=8",
    "/search?q=hayao+miyazaki&catalog=*&substitutes=8",
    "/titles/tt0114709/similar?catalog=*&limit=8&strategy=embedding",
    "/people/nm0005124",
)


def write(url: str, rounds: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(rounds)], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )


def years(answer: dict[str, Any]) -> set[int]:
    """Of all titles in an answer."""
    listed = [answer.get("similar", []), answer.get("titles", []), answer.get("hits", [])]
    listed += [hit.get("substitutes", hit.get("titles", [])) for hit in answer.get("hits", [])]
    return {title["start_year"] for titles in listed for title in titles if title["start_year"] is not None}


class Client(threading.Thread):
    """Asks one thing after another until told to stop; keeps what was wrong and what it saw."""

    def __init__(self, address: str, first: int, done: threading.Event) -> None:
        super().__init__(daemon=True)
        self.address, self.first, self.done = address, first, done
        self.failures: list[str] = []
        self.searches: list[tuple[str, set[int]]] = []
        self.asked = 0

    def run(self) -> None:
        with httpx.Client(base_url=self.address, timeout=60, trust_env=False) as client:
            while not self.done.is_set():
                path = PATHS[(self.first + self.asked) % len(PATHS)]
                self.asked += 1
                try:
                    self.note(path, client.get(path))
                except httpx.HTTPError as error:
                    self.failures.append(f"{path}: {error!r}")

    def note(self, path: str, got: httpx.Response) -> None:
        if got.status_code != 200:
            self.failures.append(f"{path}: {got.status_code} {got.text}")
            return
        answer = got.json()
        if len(years(answer)) != 1:
            self.failures.append(f"{path}: titles of {years(answer)} in one answer")
        if "versions" in answer:
            self.searches.append((answer["versions"]["graph"], years(answer)))


@pytest.fixture
def url(sample_folder: Path, tmp_path: Path) -> str:
    shutil.copytree(sample_folder, tmp_path / "store")
    url = f"embedded:{tmp_path / 'store'}"
    with write(url, 1) as writer:  # so that vectors are there from the beginning
        assert writer.wait(120) == 0
    return url


@pytest.mark.parametrize("workers", ["1", "2"])
def test_new_versions_are_taken_over_without_a_failed_request(url: str, serve: Any, workers: str) -> None:
    running = serve("--port", "0", "--store", url, "--workers", workers)
    done = threading.Event()
    clients = [Client(running.address, number, done) for number in range(THREADS)]
    try:
        for client in clients:
            client.start()
        with write(url, ROUNDS) as writer:
            told, _ = writer.communicate(timeout=300)
        assert writer.returncode == 0
        year_of = {version: int(year) for version, year in (line.split() for line in told.splitlines())}
        last = max(year_of)
        asked = [client.asked for client in clients]
        while any(client.asked < before + len(PATHS) for client, before in zip(clients, asked, strict=True)):
            time.sleep(0.05)
    finally:
        done.set()
        for client in clients:
            client.join(60)
    assert [failure for client in clients for failure in client.failures] == []
    assert running.get("/health/ready").json()["version"] == last
    seen = [version for client in clients for version, _ in client.searches]
    assert max(seen) == last
    assert len(year_of) == 2 * ROUNDS
    assert len(set(seen)) > ROUNDS / 2, "too few versions were seen for this to say anything"
    assert min(client.asked for client in clients) > ROUNDS
    for client in clients:
        assert [found for version, found in client.searches if found != {year_of.get(version, 1900)}] == []
        if workers == "1":
            assert [version for version, _ in client.searches] == sorted(version for version, _ in client.searches)
    code, err = running.stop(signal.SIGTERM)
    assert (code, [line for line in err.splitlines() if json.loads(line)["event"] != "request"]) == (0, [])
