"""The HTTP service over loopback, one worker: how fast, how soon it is ready, what HTTP adds, and whether it lasts.

    python benchmarks/service.py                                 1M invented titles, a catalog of 100,000
    python benchmarks/service.py --store FOLDER --only search    a store that is there; it stays as it is
    python benchmarks/service.py --store FOLDER --only soak      ten minutes, two new versions meanwhile
    python benchmarks/service.py --store FOLDER --only threads   searches a second by threads, and health's wait

No query is asked twice and no answer is kept (REELGRAPH_KEPT_ANSWERS=0). Searches are those of benchmarks/search.py:
60% exact, 30% half-typed, 10% mistyped. Clients and service share the machine: each figure has the load beside it, and
/health/live, which asks nothing of the graph, is the floor. Latencies are of the best of five rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np

from api.schemas import SearchAnswer
from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from benchmarks.nested_query import QUERY
from benchmarks.search import queries
from benchmarks.serving import Asked, Client, Outcome, Served, at_once, publish_and_back, served
from graph.search import Searcher
from graph.store import GraphStore, Scope, open_store

CATALOG, OFFERED = "bench", 100_000
CLIENTS, ROUNDS, SEARCHES = 16, 5, 12_000
COUNTS = {"/search": 200, "similar": 200, "GraphQL": 40, "/health/live": 500}
"""Requests of a round."""
SOAK_SECONDS, SAMPLE_SECONDS, SETTLED_SECONDS = 600.0, 5.0, 60.0
NESTED = QUERY.replace("$after: String", "$from: Int").replace(
    "genres: {all: [$genre]}}, first: 20, after: $after", "genres: {all: [$genre]}, years: {from: $from}}, first: 20"
)
_LIVE = Asked("/health/live")
Questions = dict[str, Iterator[Asked]]


def measure(options: argparse.Namespace) -> list[Figure]:
    with dataset.store_folder(options) as folder:
        with contextlib.closing(open_store(f"embedded:{folder}")) as store:
            ids = np.random.default_rng(2).permutation(dataset.title_ids(store))
            offered = ids[: min(OFFERED, len(ids) // 2)].tolist()
            store.load_tables(dataset.write_catalog(folder.parent / "catalog", CATALOG, offered))
            asked = questions(store)
        return [one for name in options.only or ("start", "search", "overhead") for one in PARTS[name](folder, asked)]


def questions(store: GraphStore) -> Questions:
    """What each route is asked, each time something else."""
    texts = dict.fromkeys(text for _, text in queries(store, SEARCHES))
    ids = dataset.credited_titles(store, SEARCHES)
    genres = [id_ for batch in store.scan_nodes("Genre", []) for id_ in batch[0].to_pylist()]
    return {
        "/search": (Asked("/search?" + urlencode({"q": text, "catalog": CATALOG})) for text in texts),
        "similar": (Asked(f"/titles/{quote(id_)}/similar?catalog={CATALOG}") for id_ in ids),
        "GraphQL": (
            Asked("/graphql", {"query": NESTED, "variables": {"genre": genre, "from": year}})
            for year, genre in itertools.product(range(2020, 1900, -1), genres)
        ),
        "/health/live": itertools.repeat(_LIVE),
    }


def search(folder: Path, asked: Questions) -> Iterable[Figure]:
    """p95 and p50 of each route, alone and at 16 clients, and how many a second."""
    with served(folder) as service:
        for route, count in COUNTS.items():
            at_once(service, asked[route], 1, count)
            for clients in (1, CLIENTS):
                rounds = [at_once(service, asked[route], clients, count) for _ in range(ROUNDS)]
                best = min(rounds, key=lambda one: float(np.percentile(one.times, 95)))
                limit = 40.0 if (route, clients) == ("/search", 1) else None
                median = f"p50 {np.percentile(best.times, 50):.3g} ms, {max(one.rate for one in rounds):.0f}/s"
                cpu = f"{min(one.cpu for one in rounds):.3g} ms of processor time"
                name = f"{route}, {'alone' if clients == 1 else f'{clients} clients'}, p95"
                high = float(np.percentile(best.times, 95))
                yield Figure(name, high, "ms", limit, floor=f"{median}, {cpu}, {_load()}")


def start(folder: Path, _asked: Questions) -> Iterable[Figure]:
    """From exec to 200 from /health/ready, the best of five, and what the process then holds."""
    waits, busy, held = list[float](), list[float](), list[int]()
    for _ in range(ROUNDS):
        with served(folder) as service:
            waits.append(service.ready_seconds)
            busy.append(service.cpu_seconds())
            held.append(service.held_bytes())
    yield Figure("start to ready", min(waits), "s", 5.0, floor=f"{min(busy):.2f} s of processor time, {_load()}")
    yield Figure("memory at rest beyond mapped files", max(held) / 1e9, "GB", 1.5)


def overhead(folder: Path, asked: Questions) -> Iterable[Figure]:
    """The same searches over HTTP and in process, turn by turn, and what the difference is made of."""
    texts = dict[str, list[float]]()

    def timed(part: str, do: Callable[[], object]) -> object:
        begun = time.perf_counter()
        made = do()
        texts.setdefault(part, []).append(1000 * (time.perf_counter() - begun))
        return made

    with served(folder) as service, contextlib.closing(open_store(f"embedded:{folder}")) as store:
        client, searcher, scope = Client(service.address), Searcher(store), Scope(CATALOG)
        from urllib.parse import parse_qs, urlsplit

        for n, one in enumerate(itertools.islice(asked["/search"], 500)):
            text = parse_qs(urlsplit(one.path).query)["q"][0]
            turns = [lambda one=one: timed("http", lambda: client.ask(one)),
                     lambda text=text: timed("process", lambda: searcher.search(text, scope))]  # fmt: skip
            answer = [turn() for turn in (turns if n % 2 else turns[::-1])][n % 2]
            plain = timed("plain data", answer.as_dict)
            timed("checked and written as JSON", lambda p=plain: SearchAnswer.model_validate(p).model_dump_json())
            timed("state of the store, three times", lambda: [store.state() for _ in range(3)])
            timed("an empty route", lambda: client.ask(_LIVE))
    means = {part: statistics.median(own[100:]) for part, own in texts.items()}
    http, process = means.pop("http"), means.pop("process")
    yield Figure("a search over HTTP beside the same in process, medians", http / process, "×",
                 floor=f"{http:.3g} ms and {process:.3g} ms, {_load()}")  # fmt: skip
    for part, each in means.items():
        yield Figure(f"  {part}", each, "ms")


def soak(folder: Path, asked: Questions) -> Iterable[Figure]:
    """16 clients for ten minutes, of four requests three searches; a publish and a rollback by another process."""
    outcomes, memory, failed = [Outcome() for _ in range(CLIENTS)], list[tuple[float, int]](), list[str]()
    lock, texts, similar = threading.Lock(), itertools.cycle(list(asked["/search"])), itertools.cycle(asked["similar"])

    def work(outcome: Outcome) -> None:
        client = Client(service.address)
        for n in itertools.count():
            with lock:
                one = next(similar if n % 4 == 3 else texts)
            if time.monotonic() > end:
                return
            client.timed(one, outcome)

    def swapping() -> None:
        try:
            publish_and_back(folder, SOAK_SECONDS / 3)
        except Exception as error:  # noqa: BLE001  (told with the other failures)
            failed.append(str(error))

    with served(folder) as service:
        begun = time.monotonic()
        end = begun + SOAK_SECONDS
        threads = [threading.Thread(target=work, args=(outcome,)) for outcome in outcomes]
        for thread in (*threads, threading.Thread(target=swapping)):
            thread.start()
        while time.monotonic() < end:
            memory.append((time.monotonic() - begun, service.held_bytes()))
            print(f"{memory[-1][0]:6.0f} s  {memory[-1][1] / 1e6:8.1f} MB", file=sys.stderr, flush=True)
            time.sleep(SAMPLE_SECONDS)
        for thread in threads:
            thread.join()
    errors = failed + [error for outcome in outcomes for error in outcome.errors]
    answered = sum(len(outcome.times) for outcome in outcomes)
    first = max(held for at, held in memory if at <= SETTLED_SECONDS)
    late = [held for at, held in memory if at > SETTLED_SECONDS]
    yield Figure("soak: errors", len(errors), "", 0, floor=f"{answered} requests, {_load()} {errors[:1] or ''}")
    yield Figure("… memory at the end beside the first minute", statistics.median(late[-12:]) / first, "×", 1.05,
                 floor=f"{first / 1e6:.0f} MB; most {max(late) / 1e6:.0f} MB")  # fmt: skip


def threads(folder: Path, asked: Questions) -> Iterable[Figure]:
    """Searches a second at 16 clients with so many threads, and how long /health/live waits meanwhile."""
    for count in (1, 2, 4, 8, 40):
        with served(folder, REELGRAPH_THREADS=str(count)) as service:
            at_once(service, asked["/search"], 1, 50)
            live, done = Outcome(), threading.Event()

            def probe(service: Served = service, live: Outcome = live, done: threading.Event = done) -> None:
                client = Client(service.address)
                while not done.wait(0.01):
                    client.timed(_LIVE, live)

            probing = threading.Thread(target=probe)
            probing.start()
            found = at_once(service, asked["/search"], CLIENTS, 400)
            done.set()
            probing.join()
        waited = 1000 * float(np.percentile(live.times, 95))
        yield Figure(f"{count} threads, {CLIENTS} clients", found.rate, "/s", floor=f"/health/live p95 {waited:.3g} ms")


PARTS: dict[str, Callable[[Path, Questions], Iterable[Figure]]] = {
    "start": start, "search": search, "overhead": overhead, "soak": soak, "threads": threads,
}  # fmt: skip


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    made = parser(__doc__)
    made.add_argument("--only", action="append", choices=PARTS, help="without: start, search and overhead")
    sys.exit(run(made.parse_args(), measure))
