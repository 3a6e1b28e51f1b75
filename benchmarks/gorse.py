"""Gorse's contract over loopback on MovieLens: what a request takes, what feedback takes, and how soon it counts.

    REELGRAPH_DATA=../shared/data python benchmarks/gorse.py              one worker
    REELGRAPH_DATA=../shared/data python benchmarks/gorse.py --workers 2

imdb-24k and ml-latest-small: 9,742 items with genres and times, 100,836 ratings of 610 users, sent through the API as a
client would. Then lists once more with published taste vectors, of the usual size and random values: those take as long
as learned ones. Clients and service share the machine. Durable: SQLite with synchronous=FULL, before the answer. What
the same requests took of Gorse 0.5.11 on SQLite, on a machine of the same kind, stands beside each figure.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime as dt
import http.client
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.figure import Figure, parser, run
from benchmarks.serving import Served, served
from graph.settings import GraphSettings
from graph.store import Provenance, Scope, open_store
from graph.tastes import LIKED, OFFERED, Weighting
from loaders.load import load

BATCH, REQUESTS, SINGLE, BULK = 1_000, 600, 500, 20_000
GORSE = {
    "recommend": ("1.5 / 6.0 ms", 2.0), "session": ("1.6 / 4.2 ms", None), "neighbours": ("0.32 / 1.7 ms", None),
}  # fmt: skip


class Api:
    """One connection, kept open."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._held = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json", "X-API-Version": "2", "Accept-Encoding": "identity"}
        self._held.request(method, f"/api{path}", None if body is None else json.dumps(body), headers)
        answer = self._held.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {path}: {content[:200]!r}")
        return json.loads(content)


def movielens(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Items and feedback as Gorse's clients would send them."""
    with (folder / "links.csv").open() as file:
        links = {row["movieId"]: f"tt{row['imdbId'].zfill(7)}" for row in csv.DictReader(file)}
    items, feedback = [], []
    with (folder / "movies.csv").open() as file:
        for row in csv.DictReader(file):
            labels = {"imdb": links[row["movieId"]]}
            genres = [] if row["genres"].startswith("(") else row["genres"].split("|")
            items.append({"ItemId": row["movieId"], "Categories": genres, "Labels": labels, "Comment": row["title"],
                          "Timestamp": "2016-01-01"})  # fmt: skip
    with (folder / "ratings.csv").open() as file:
        for row in csv.DictReader(file):
            when = dt.datetime.fromtimestamp(int(row["timestamp"]), dt.UTC).isoformat()
            feedback.append({"FeedbackType": "rating", "UserId": row["userId"], "ItemId": row["movieId"],
                             "Value": float(row["rating"]), "Timestamp": when})  # fmt: skip
    return items, feedback


def measure(options: argparse.Namespace) -> list[Figure]:
    data = GraphSettings().data
    items, feedback = movielens(data / "ml-latest-small")
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as scratch:
        folder = options.store or Path(scratch) / "store"
        if not (folder / "manifest.json").exists():
            store = open_store(f"embedded:{folder}", create=True)
            load(store, imdb=data / "imdb-24k")
            store.close()
        settings = {"REELGRAPH_ITEMS_CATALOG": "movies", "REELGRAPH_ACCESS_LOG": "false"}
        with served(folder, workers=options.workers, **settings) as service:
            figures = [_sent("items in bulk", service, "/items", items)]
            figures.append(_sent("feedback in bulk", service, "/feedback", feedback))
            users = [str(number) for number in range(1, 611)]
            figures += _lists(service, users, [one["ItemId"] for one in items])
            figures.append(_publish(folder))
            figures += _lists(service, users, [one["ItemId"] for one in items], " by tastes")
            figures += _writing(service, users, [one["ItemId"] for one in items])
            figures += _fresh(service)
            figures.append(
                Figure("memory of the service", service.held_bytes() / 2**20, "MB", floor="Gorse 110 to 190")
            )
    return figures


def _sent(name: str, service: Served, path: str, rows: Sequence[Any]) -> Figure:
    api, begun = Api(service.address), time.perf_counter()
    for start in range(0, len(rows), BATCH):
        api.ask("POST", path, rows[start : start + BATCH])
    limit = 10_000 if path == "/feedback" else None
    return Figure(name, len(rows) / (time.perf_counter() - begun), "rows/s", limit, more=True, floor="Gorse 10,000")


def _publish(folder: Path) -> Figure:
    """Give all items that a load has brought taste vectors."""
    weighting, chance = Weighting(long=128, recent=128), np.random.default_rng(1)
    with contextlib.closing(open_store(f"embedded:{folder}")) as store:
        ids = [id_ for id_ in store.offered(Scope("movies", adult=True)).column("id").to_pylist() if id_[:2] == "tt"]
        for name, width in ((LIKED, 256), (OFFERED, 257)):
            rows = chance.normal(size=(len(ids), width)).astype(np.float32)
            store.set_embeddings(name, ids, rows, Provenance("random", "Tastes", width, "", "2026", weighting.facts))
    return Figure("items with taste vectors", len(ids))


def _lists(service: Served, users: Sequence[str], items: Sequence[str], how: str = "") -> list[Figure]:
    chance = random.Random(1)

    def session(api: Api) -> None:
        body = [{"FeedbackType": "rating", "ItemId": item, "Value": 5} for item in chance.sample(items, 3)]
        api.ask("POST", "/session/recommend?n=10", body)

    asked: dict[str, Callable[[Api], Any]] = {
        "recommend": lambda api: api.ask("GET", f"/recommend/{chance.choice(users)}?n=10"),
        "session": session,
        "neighbours": lambda api: api.ask("GET", f"/item/{chance.choice(items)}/neighbors?n=10"),
    }
    figures = []
    for name, one in asked.items():
        if how and name == "neighbours":
            continue
        api = Api(service.address)
        for _ in range(50):
            one(api)
        busy, times = service.cpu_seconds(), []
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            one(api)
            times.append(1000 * (time.perf_counter() - begun))
        busy = 1000 * (service.cpu_seconds() - busy) / REQUESTS
        times.sort()
        spread, cpu = GORSE[name]
        figures += [
            Figure(f"{name}{how}, p50", statistics.median(times), "ms", floor=f"Gorse {spread}"),
            Figure(f"{name}{how}, p95", times[int(0.95 * len(times))], "ms"),
            Figure(f"{name}{how}, processor time", busy, "ms", cpu, floor="Gorse 2 ms" if cpu else ""),
        ]
    rate = _together(service, 8, REQUESTS // 4, lambda api, _: asked["recommend"](api))
    figures.append(Figure(f"recommend{how}, eight clients", rate, "/s", floor="Gorse 466"))
    return figures


def _together(service: Served, clients: int, each: int, work: Callable[[Api, int], Any]) -> float:
    """Requests a second of so many clients at once."""
    faults: list[BaseException] = []

    def turn(number: int) -> None:
        try:
            api = Api(service.address)
            for count in range(each):
                work(api, number * each + count)
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            faults.append(error)

    threads = [threading.Thread(target=turn, args=(number,)) for number in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return clients * each / (time.perf_counter() - begun)


def _writing(service: Served, users: Sequence[str], items: Sequence[str]) -> list[Figure]:
    def one(api: Api, number: int) -> None:
        row = {"FeedbackType": "seen", "UserId": users[number % len(users)], "ItemId": items[number % len(items)],
               "Timestamp": "2020-01-01"}  # fmt: skip
        api.ask("POST", "/feedback", [row])

    figures = []
    for clients in (1, 8):
        rate = _together(service, clients, SINGLE, one)
        name = f"durable single events, {clients} client{'s' if clients > 1 else ''}"
        figures.append(Figure(name, rate, "/s", 190, more=True, floor="Gorse 190 to 550"))
    rows = [{"FeedbackType": "shown", "UserId": f"new{n % 997}", "ItemId": items[n % len(items)], "Timestamp": "2020"}
            for n in range(BULK)]  # fmt: skip
    figures.append(_sent("new feedback in bulk", service, "/feedback", rows))
    return figures


def _fresh(service: Served) -> list[Figure]:
    """From sending an event until an answer knows of it: each time the best item, which then must be gone."""
    api, times = Api(service.address), []
    for _ in range(100):
        best = api.ask("GET", "/recommend/1?n=1")[0]["Id"]
        begun = time.perf_counter()
        api.ask("POST", "/feedback", [{"FeedbackType": "seen", "UserId": "1", "ItemId": best, "Timestamp": ""}])
        while api.ask("GET", "/recommend/1?n=1")[0]["Id"] == best:
            pass
        times.append(1000 * (time.perf_counter() - begun))
    times.sort()
    return [Figure("until the next answer knows of an event, p95", times[94], "ms", 100)]


def main() -> int:
    made = parser(__doc__)
    made.add_argument("--workers", type=int, default=1, help="processes of the service")
    return run(made.parse_args(), measure)


if __name__ == "__main__":
    sys.exit(main())
