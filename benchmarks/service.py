"""How many requests a service answers with so many threads, and whether health waits: `python -m benchmarks.service`.

One process serves, 16 clients in another ask different searches one after the other. Answers are not kept.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import numpy as np

from graph.settings import GraphSettings
from graph.store import open_store

CLIENTS, SECONDS = 16, 15.0


@contextlib.contextmanager
def serving(store: str, threads: int) -> Iterator[str]:
    environment = os.environ | {
        "REELGRAPH_THREADS": str(threads),
        "REELGRAPH_KEPT_ANSWERS": "0",
        "REELGRAPH_COUNT_SEARCHES": "false",
    }
    command = [sys.executable, "-m", "reelgraph", "serve", "--port", "0", "--store", store]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        found = re.search(r"http://\S+", process.stdout.readline() if process.stdout else "")
        assert found
        yield found[0]
        process.send_signal(signal.SIGINT)


def ask(address: str, paths: list[str], times: list[float], end: float) -> None:
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        while time.monotonic() < end:
            begun = time.perf_counter()
            client.get(random.choice(paths)).raise_for_status()
            times.append(time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", default=GraphSettings().store)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with contextlib.closing(open_store(arguments.store)) as store:
        names = [name for batch in store.scan_nodes("Title", ["title"]) for name in batch["title"].to_pylist() if name]
    paths = [
        str(httpx.URL("/search", params={"q": name[:300], "catalog": "*"}))
        for name in random.sample(names, min(2000, len(names)))
    ]
    print(f"{'threads':>7} {'searches/s':>10} {'p50 ms':>7} {'p95 ms':>7} {'live p95 ms':>11}")
    for threads in (1, 2, 4, 8, 40):
        with serving(arguments.store, threads) as address:
            ask(address, paths[:20], [], time.monotonic() + 3)
            searches: list[float] = []
            live: list[float] = []
            end = time.monotonic() + SECONDS
            asking = [threading.Thread(target=ask, args=(address, paths, searches, end)) for _ in range(CLIENTS)]
            asking.append(threading.Thread(target=ask, args=(address, ["/health/live"], live, end)))
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
        middle, high = np.percentile(searches, [50, 95]) * 1000
        waited = np.percentile(live, 95) * 1000
        print(
            f"{threads:7} {len(searches) / SECONDS:10.1f} {middle:7.0f} {high:7.0f} {waited:11.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
