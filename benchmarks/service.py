"""The HTTP service at 1M titles over loopback: how fast, how soon, at what cost, and whether it lasts.

    python benchmarks/service.py [--store FOLDER]           search, start and overhead: minutes
    python benchmarks/service.py --only soak                10 minutes at 16 clients with two new versions meanwhile
    python benchmarks/service.py --only threads             searches a second by REELGRAPH_THREADS, and health's wait

One worker, a catalog of 100,000, vectors in the embedded store. No query is asked twice and no answer is kept
(REELGRAPH_KEPT_ANSWERS=0): 60% exact names, 30% half-typed, 10% with a slip, drawn by the square root of their votes.
The floor is the same client asking /health/live, which does nothing. Client and server share the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from benchmarks import dataset, serving
from benchmarks.figure import Figure, parser, run
from benchmarks.nested_query import QUERY
from benchmarks.serving import Asked, Client, Served, at_once, served
from benchmarks.title_search import half, typo
from graph.store import GraphStore, open_store

OFFERED, CATALOG = 100_000, "bench"
CLIENTS, ROUNDS, A_ROUND, WARM = 16, 5, 200, 300
SOAK_SECONDS, SWAPS, SAMPLE_SECONDS = 600.0, 2, 5.0
_KINDS = {"exact": 0.6, "half-typed": 0.3, "mistyped": 0.1}


def measure(options: argparse.Namespace) -> list[Figure]:
    with dataset.store_folder(options) as folder:
        with contextlib.closing(open_store(f"embedded:{folder}")) as store:
            if not store.get_nodes("Catalog", [CATALOG], []).num_rows:
                ids = np.random.default_rng(2).permutation(dataset.title_ids(store))
                offered = ids[: min(OFFERED, len(ids) // 2)].tolist()
                store.load_tables(dataset.write_catalog(folder.parent / "catalog", CATALOG, offered))
            asked = questions(store)
        parts = options.only or ["start", "search", "overhead"]
        return [figure for part in parts for figure in PARTS[part](folder, asked)]


def questions(store: GraphStore) -> dict[str, Iterator[Asked]]:
    """What each route is asked, endlessly different: the first answers come from other titles than the last."""
    names = ["title", "num_votes", "is_adult"]
    rows = [(id_, title, votes or 0) for batch in store.scan_nodes("Title", names)
            for id_, title, votes, adult in zip(*(batch.column(name).to_pylist() for name in ("id", *names)),
                                                strict=True)
            if title and not adult and 3 < len(title) <= 150]  # fmt: skip
    weights = np.sqrt([votes for *_, votes in rows])
    drawn = np.random.default_rng(0).choice(len(rows), 60_000, p=weights / weights.sum())
    titles = [rows[place] for place in dict.fromkeys(drawn.tolist())]
    genres = [id_ for batch in store.scan_nodes("Genre", []) for id_ in batch[0].to_pylist()]
    return {
        "/search": _searches([title for _, title, _ in titles]),
        "similar": (Asked(f"/titles/{id_}/similar?catalog={CATALOG}") for id_, _, _ in titles),
        "GraphQL": _nested(genres),
        "/health/live": itertools.repeat(Asked("/health/live")),
    }


def _searches(titles: Sequence[str]) -> Iterator[Asked]:
    rng, seen = random.Random(0), set[str]()
    for title in titles:
        (kind,) = rng.choices(list(_KINDS), list(_KINDS.values()))
        if kind == "mistyped" and not any(len(word) > 4 for word in title.split(" ")):
            continue
        text = title if kind == "exact" else (half if kind == "half-typed" else typo)(title, rng)
        if text not in seen:
            seen.add(text)
            yield Asked("/search?" + urlencode({"q": text, "catalog": CATALOG}), kind)


def _nested(genres: Sequence[str]) -> Iterator[Asked]:
    """20 titles of a genre and year → leading cast → their other titles → genres: some 900 nodes each."""
    query = QUERY.replace("$after: String", "$from: Int").replace(
        "genres: {all: [$genre]}}, first: 20, after: $after", "genres: {all: [$genre]}, years: {from: $from}}, first: 20"
    )
    for year, genre in itertools.product(range(2025, 1900, -1), genres):
        yield Asked("/graphql", body={"query": query, "variables": {"genre": genre, "from": year}})


def search(folder: Path, asked: dict[str, Iterator[Asked]]) -> Iterator[Figure]:
    """p50 and p95 of each route, alone and at 16 clients, and how many a second; the best of five rounds."""
    with served(folder) as service:
        for route in ("/search", "similar", "GraphQL", "/health/live"):
            count = A_ROUND if route != "GraphQL" else A_ROUND // 4
            service.ask(asked[route], WARM if route == "/search" else count // 4)
            for clients in (1, CLIENTS):
                rounds = [at_once(service, asked[route], clients, count * (1 if clients == 1 else 3))
                          for _ in range(ROUNDS)]  # fmt: skip
                times = min((one.times for one in rounds), key=lambda own: float(np.percentile(own, 95)))
                best = max(rounds, key=lambda one: one.rate)
                limit = 40.0 if route == "/search" and clients == 1 else None
                name = f"{route}, {'alone' if clients == 1 else f'{clients} clients'}"
                median = f"p50 {np.percentile(times, 50):.3g} ms; {best.rate:.0f}/s; {_load()}"
                yield Figure(f"{name}, p95", float(np.percentile(times, 95)), "ms", limit, floor=median)
                if limit:
                    yield Figure("… processor time of the service a search", min(one.cpu for one in rounds), "ms")


def start(folder: Path, _asked: dict[str, Iterator[Asked]]) -> Iterator[Figure]:
    """From exec to an answer of 200 from /health/ready, the best of five; what the process holds afterwards."""
    waits, busy, held = [], [], 0.0
    for _ in range(ROUNDS):
        with served(folder) as service:
            waits.append(service.ready_seconds)
            busy.append(service.cpu_seconds())
            held = service.held_bytes() / 1e9
    yield Figure("start to ready", min(waits), "s", 5.0, floor=f"{min(busy):.2f} s of processor time; {_load()}")
    yield Figure("memory at rest beyond mapped files", held, "GB", 1.5)


def overhead(folder: Path, asked: dict[str, Iterator[Asked]]) -> Iterator[Figure]:
    """The same searches over HTTP and in process, turn by turn, in processor time and in time of the wall."""
    from benchmarks.overhead import parts_of

    with served(folder) as service:
        yield from parts_of(folder, service, list(itertools.islice(asked["/search"], WARM + A_ROUND)), WARM)


def soak(folder: Path, asked: dict[str, Iterator[Asked]]) -> Iterator[Figure]:
    """16 clients for ten minutes, while another process puts two new versions in place of the one before."""
    memory: list[tuple[float, int]] = []
    routes = [asked["/search"], asked["/search"], asked["/search"], asked["similar"]]
    with served(folder) as service:
        service.ask(asked["/search"], WARM)
        begun = time.monotonic()
        end, outcomes = begun + SOAK_SECONDS, [serving.Outcome() for _ in range(CLIENTS)]
        locks = [threading.Lock() for _ in routes]
        threads = [threading.Thread(target=_soaking, args=(service, routes[n % 4], end, outcomes[n]))
                   for n in range(CLIENTS)]  # fmt: skip
        del locks
        for thread in threads:
            thread.start()
        swaps = [begun + SOAK_SECONDS * (n + 1) / (SWAPS + 1) for n in range(SWAPS)]
        while time.monotonic() < end:
            memory.append((time.monotonic() - begun, service.held_bytes()))
            print(f"{memory[-1][0]:6.0f} s {memory[-1][1] / 1e6:8.0f} MB", file=sys.stderr, flush=True)
            if swaps and time.monotonic() > swaps[0]:
                swaps.pop(0)
                serving.swap(folder)
            time.sleep(SAMPLE_SECONDS)
        for thread in threads:
            thread.join()
    del memory


PARTS = {"search": search, "start": start, "overhead": overhead, "soak": soak}


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    made = parser(__doc__)
    made.add_argument("--only", action="append", choices=PARTS)
    sys.exit(run(made.parse_args(), measure))
