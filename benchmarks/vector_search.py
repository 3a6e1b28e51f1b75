"""Search among 1M vectors: a catalog of 100k exactly, the whole graph by the index, beside one matrix product.

    python benchmarks/vector_search.py                    1M vectors of 64 numbers
    python benchmarks/vector_search.py --titles 250000    quick

The vectors are invented: clouds of unequal size on a sphere, as trained ones of titles are. The floor is NumPy's
product of the query with the same vectors, side by side in memory. Recall is against the exact ten.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure, parser, run
from graph.store import Provenance
from graph.stores.build import write_embeddings
from graph.stores.snapshot import Snapshot
from graph.vectors import EXACT_ROWS, top

DIMENSION, CLOUDS, QUERIES, K = 64, 5000, 200, 10
RECALL, TIMES_FLOOR = 0.95, 3.0


def invented(count: int, seed: int = 0) -> np.ndarray:
    """Unit vectors in clouds: (count, 64) float32."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(CLOUDS, DIMENSION)).astype(np.float32)
    shares = 1 / np.arange(1, CLOUDS + 1) ** 0.7
    made = np.empty((count, DIMENSION), np.float32)
    for start in range(0, count, 100_000):
        block = made[start : start + 100_000]
        block[:] = centres[chance.choice(CLOUDS, len(block), p=shares / shares.sum())]
        block += 0.8 * chance.standard_normal(block.shape, np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return made


def median_ms(ask: Callable[[np.ndarray], object], queries: np.ndarray) -> float:
    ask(queries[0])
    times = []
    for query in queries:
        started = time.perf_counter()
        ask(query)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def measure(options: argparse.Namespace) -> list[Figure]:
    chance = np.random.default_rng(1)
    vectors = invented(options.titles)
    count = len(vectors)
    made = Provenance("benchmark", "invented", DIMENSION, "0" * 16, "2026-01-01T00:00:00Z")
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as folder:
        started = time.perf_counter()
        write_embeddings(Path(folder), "embedding", np.arange(count, dtype=np.int32), vectors, made)
        seconds = time.perf_counter() - started
        held = Snapshot.of_folder(Path(folder)).embeddings["embedding"]
        queries = vectors[chance.permutation(count)[:QUERIES]]
        size = held.index.stat().st_size / vectors.nbytes if held.index and held.index.exists() else 0.0
        figures = [
            Figure("publish with index", seconds, "s", floor=f"{count:,} × {DIMENSION}"),
            Figure("index, share of the vectors' size", size),
        ]
        shares = {"catalog": min(0.1, 100_000 / count), "half of the graph": 0.5, "whole graph": 1.0}
        for name, share in shares.items():
            mask = None if share == 1 else chance.random(count) < share
            inside = np.arange(count) if mask is None else np.flatnonzero(mask)
            side_by_side = vectors[inside]
            floor = median_ms(lambda query, block=side_by_side: block @ query, queries)
            ours = median_ms(lambda query, mask=mask: held.search.best(query, K, mask), queries)
            hits = sum(
                len(np.intersect1d(held.search.best(query, K, mask)[0], inside[top(side_by_side @ query, K)]))
                for query in queries
            )
            how = "index" if len(inside) > EXACT_ROWS else "exact"
            figures += [
                Figure(f"{name} ({len(inside):,}, {how}): recall@10", hits / K / QUERIES, "", RECALL, more=True),
                Figure(f"{name}: times one product", ours / floor, "×", TIMES_FLOOR, floor=f"{floor:.3g} ms"),
                Figure(f"{name}: a query", ours, "ms"),
            ]
    return figures


if __name__ == "__main__":
    sys.exit(run(parser(__doc__).parse_args(), measure))
