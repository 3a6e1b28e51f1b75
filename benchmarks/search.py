"""A whole search in process, from the typed text to substitutes with reasons: by kind of query, and by what it reads.

    python benchmarks/search.py                              1M invented titles, a catalog of 100,000
    python benchmarks/search.py --titles 20000               quick
    python benchmarks/search.py --store FOLDER               any embedded store; it stays as it is

Of 2,000 queries 60% are exact names, 30% half-typed, 10% have a slip of a letter (benchmarks/title_search.py makes
both). Titles are drawn by the square root of their votes, seed 0, in the catalog or not; the catalog is drawn too.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from benchmarks.title_search import half, typo
from graph.search import Searcher
from graph.store import GraphStore, Scope, open_store
from graph.stores.embedded import EmbeddedStore

LIMIT_MS, QUERIES, WARM, OFFERED = 25.0, 2_000, 200, 100_000
KINDS: dict[str, tuple[float, Callable[[str, random.Random], str]]] = {
    "exact": (0.6, lambda name, _rng: name),
    "half-typed": (0.3, half),
    "mistyped": (0.1, typo),
}
_READS = (
    "search_text", "search_vector", "neighbours", "get_nodes", "degrees", "get_embeddings", "offered", "state",
)  # fmt: skip


def measure(options: argparse.Namespace) -> list[Figure]:
    with dataset.store_folder(options) as folder, contextlib.closing(open_store(f"embedded:{folder}")) as store:
        ids = np.random.default_rng(2).permutation(dataset.title_ids(store))
        offered = ids[: min(OFFERED, len(ids) // 2)].tolist()
        store.load_tables(dataset.write_catalog(folder.parent / "catalog", "bench", offered))
        asked = queries(store)
        searcher, scope = Searcher(store), Scope("bench")
        for _, text in asked[:WARM]:
            searcher.search(text, scope)
        started = time.perf_counter()
        times = [(kind, _timed(searcher, text, scope)) for kind, text in asked]
        seconds = time.perf_counter() - started
        with _watched() as (spent, exchanges):
            for _, text in asked:
                searcher.search(text, scope)
    every = [taken for _, taken in times]
    figures = [
        Figure("a whole search, p95", _percentile(every, 95), "ms", LIMIT_MS, floor=f"{len(every) / seconds:.0f}/s"),
        Figure("… median", _percentile(every, 50), "ms"),
        Figure("… p99", _percentile(every, 99), "ms"),
    ]
    for kind in KINDS:
        own = [taken for other, taken in times if other == kind]
        figures += [Figure(f"{kind}, p95", _percentile(own, 95), "ms", floor=f"median {_percentile(own, 50):.3g} ms")]
    for name, one in spent.items():
        figures.append(Figure(f"  {name}, mean", float(np.mean(one)), "ms", floor=f"p95 {_percentile(one, 95):.3g} ms"))
    few = float(np.mean(np.array(exchanges) <= 4))
    floor = f"at most four: {few:.1%} of searches, most {max(exchanges)}"
    return [*figures, Figure("exchanges with the store, mean", float(np.mean(exchanges)), "", floor=floor)]


def queries(store: GraphStore, count: int = QUERIES) -> list[tuple[str, str]]:
    """(kind, text), in an order by chance."""
    rows = [(title, votes or 0) for batch in store.scan_nodes("Title", ["title", "num_votes", "is_adult"])
            for title, votes, adult in zip(*(batch.column(name).to_pylist() for name in batch.schema.names[1:]),
                                           strict=True)
            if title and not adult and 3 < len(title) <= 150]  # fmt: skip
    weights = np.sqrt([votes for _, votes in rows])
    chance, rng = np.random.default_rng(0), random.Random(0)
    drawn = chance.choice(len(rows), size=4 * count, p=weights / weights.sum())
    texts = (rows[place][0] for place in drawn)
    made = []
    for kind, (share, change) in KINDS.items():
        fitting = (text for text in texts if kind != "mistyped" or _worded(text))
        made += [(kind, change(text, rng)) for text in itertools.islice(fitting, round(share * count))]
    rng.shuffle(made)
    return made


def _worded(text: str) -> bool:
    return text.isascii() and any(len(word) > 4 for word in text.split(" "))


def _timed(searcher: Searcher, text: str, scope: Scope) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    searcher.search(text, scope)
    return (time.perf_counter() - started) * 1000


def _percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share))


@contextlib.contextmanager
def _watched() -> Iterator[tuple[dict[str, list[float]], list[int]]]:
    """Milliseconds in each of the store's reading calls, a number a search, while the block runs, and in the rest; and
    how many exchanges each search takes.
    """
    spent: dict[str, list[float]] = {name: [] for name in (*_READS, "the rest")}
    exchanges: list[int] = []
    now: dict[str, float] = {}
    inside: list[str] = []
    undo: list[tuple[Any, str, Any]] = []

    def watch(of: Any, name: str, around: Callable[..., Any]) -> None:
        plain = getattr(of, name)
        undo.append((of, name, plain))
        setattr(of, name, lambda *given, **named: around(name, plain, *given, **named))

    def timed(name: str, plain: Callable[..., Any], *given: Any, **named: Any) -> Any:
        if inside:  # a call that another one makes is part of that one
            return plain(*given, **named)
        inside.append(name)
        started = time.perf_counter()
        try:
            return plain(*given, **named)
        finally:
            now[name] = now.get(name, 0.0) + (time.perf_counter() - started) * 1000
            inside.clear()

    def counted(_name: str, plain: Callable[..., Any], *given: Any, **named: Any) -> Any:
        exchanges[-1] += 1
        return plain(*given, **named)

    def whole(_name: str, plain: Callable[..., Any], *given: Any, **named: Any) -> Any:
        now.clear()
        exchanges.append(0)
        started = time.perf_counter()
        try:
            return plain(*given, **named)
        finally:
            now["the rest"] = (time.perf_counter() - started) * 1000 - sum(now.values())
            for name, own in spent.items():
                own.append(now.get(name, 0.0))

    for name in _READS:
        watch(EmbeddedStore, name, timed)
    watch(EmbeddedStore, "gather", counted)
    watch(Searcher, "search", whole)
    try:
        yield spent, exchanges
    finally:
        for of, name, plain in undo:
            setattr(of, name, plain)


if __name__ == "__main__":
    sys.exit(run(parser(__doc__).parse_args(), measure))
