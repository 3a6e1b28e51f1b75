"""A service in a process of its own, clients that ask it over loopback, and what the process holds and uses."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Asked:
    """One request: by POST where it has a body."""

    path: str
    body: dict[str, Any] | None = None


@dataclass
class Outcome:
    """Seconds of each request, in their order, and what did not answer with 200."""

    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Client:
    """One connection, kept open. `http.client`, for it does next to nothing besides."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._held = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)

    def ask(self, asked: Asked) -> bytes:
        """The answer as bytes. Raises RuntimeError for any status but 200."""
        headers = {"Accept-Encoding": "identity"}
        if asked.body is None:
            self._held.request("GET", asked.path, headers=headers)
        else:
            told = headers | {"Content-Type": "application/json"}
            self._held.request("POST", asked.path, json.dumps(asked.body), told)
        answer = self._held.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {asked.path}: {content[:300]!r}")
        return content

    def timed(self, asked: Asked, into: Outcome) -> None:
        begun = time.perf_counter()
        try:
            self.ask(asked)
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            into.errors.append(f"{type(error).__name__}: {error}")
            self._held.close()
        else:
            into.times.append(time.perf_counter() - begun)


@dataclass
class Served:
    """A running service."""

    address: str
    pid: int
    ready_seconds: float

    def cpu_seconds(self) -> float:
        """Processor time of all its threads, and of its workers, since its start."""
        return sum(self._seconds(pid) for pid in [self.pid, *self._workers()])

    def _seconds(self, pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def held_bytes(self) -> int:
        """Memory beyond mapped files: anonymous pages, and file pages that it has changed."""
        return sum(self._held(pid) for pid in [self.pid, *self._workers()])

    def peak_bytes(self) -> int:
        """The most that it has had in memory at once, mapped files and all."""
        return sum(self._peak(pid) for pid in [self.pid, *self._workers()])

    def _peak(self, pid: int) -> int:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(re.findall(r"^VmHWM:\s+(\d+) kB", status, re.M)[0]) * 1024

    def _held(self, pid: int) -> int:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        sizes = {name: int(size) * 1024 for name, size in re.findall(r"^(\w+):\s+(\d+) kB", rollup, re.M)}
        return max(sizes["Anonymous"], sizes["Private_Dirty"])


@contextlib.contextmanager
def served(store: Path | str, workers: int = 1, **settings: str) -> Iterator[Served]:
    """The service over a store (a folder or a URL), ready; by default it keeps no answers and counts no searches."""
    environment = os.environ | {"REELGRAPH_KEPT_ANSWERS": "0", "REELGRAPH_COUNT_SEARCHES": "false"} | settings
    url = store if isinstance(store, str) else f"embedded:{store}"
    command = [sys.executable, "-m", "reelgraph", "serve", "--port", "0", "--store", url, "--workers", str(workers)]
    begun = time.monotonic()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            found = re.search(r"http://\S+", process.stdout.readline() if process.stdout else "")
            if not found:
                raise RuntimeError(f"{' '.join(command)} did not start")
            service = Served(found[0], process.pid, 0.0)
            Client(found[0]).ask(Asked("/health/ready"))
            service.ready_seconds = time.monotonic() - begun
            yield service
        finally:
            process.send_signal(signal.SIGINT)


@dataclass(frozen=True)
class Round:
    """Milliseconds of each request, requests a second, milliseconds of the service's processor time a request."""

    times: list[float]
    rate: float
    cpu: float


def at_once(service: Served, asked: Iterator[Asked], clients: int, count: int) -> Round:
    """`count` requests by so many clients, each asking the next one when it has its answer. Raises on any error."""
    lock, left = threading.Lock(), [next(asked) for _ in range(count)]
    outcomes = [Outcome() for _ in range(clients)]

    def work(outcome: Outcome) -> None:
        client = Client(service.address)
        while True:
            with lock:
                if not left:
                    return
                one = left.pop()
            client.timed(one, outcome)

    threads = [threading.Thread(target=work, args=(outcome,)) for outcome in outcomes]
    busy, begun = service.cpu_seconds(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, busy = time.perf_counter() - begun, service.cpu_seconds() - busy
    errors = [error for outcome in outcomes for error in outcome.errors]
    if errors:
        raise RuntimeError(f"{len(errors)} of {count} requests failed; the first: {errors[0]}")
    times = [1000 * taken for outcome in outcomes for taken in outcome.times]
    return Round(times, count / seconds, 1000 * busy / count)


_PUBLISH = """
import sys, time
import numpy as np
from graph.store import Provenance, open_store
store, wait = open_store(sys.argv[1]), float(sys.argv[2])
ids = next(store.scan_nodes("Title", [])).column("id").to_pylist()[:1000]
vectors = np.random.default_rng(0).standard_normal((len(ids), 16)).astype(np.float32)
time.sleep(wait)
store.set_embeddings("embedding", ids, vectors, Provenance("soak", "invented", 16, "", "2026-11-25"))
time.sleep(wait)
store.rollback()
"""


def publish_and_back(folder: Path, wait: float) -> None:
    """Two swaps by another process, `wait` seconds before each: vectors of a second name, and the version before."""
    subprocess.run([sys.executable, "-c", _PUBLISH, f"embedded:{folder}", str(wait)], check=True)
