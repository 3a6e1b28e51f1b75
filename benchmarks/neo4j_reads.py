"""What reads take on Neo4j, beside the embedded store in the same run: p50 and p95 of each, and the recall of vectors.

    python -m benchmarks.neo4j_reads --data ../shared/data/imdb-24k     real data
    python -m benchmarks.neo4j_reads --titles 300000                    invented
    python -m benchmarks.neo4j_reads … --version 5.26.30                another Neo4j

Starts a Neo4j of its own with the same graph, the same vectors and two catalogs, of a tenth and of a hundredth of the
titles, drawn by chance (seed 2). Both stores are asked the same questions turn by turn, one at a time. Recall@10 is
against the ten largest of all products, worked out here. A name with a typo counts as found when the title is among
the first 20; `graph.match` ranks them afterwards.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from benchmarks.neo4j_filled import filled
from benchmarks.title_search import typo
from benchmarks.two_hops import two_hops
from graph.store import GraphStore, Scope
from graph.vectors import top
from tests.servers.neo4j_server import NEWEST

QUERIES, WARM, K, FETCHED = 300, 200, 10, 20
SHARES = {"tenth": 0.1, "hundredth": 0.01}
VECTORS = "substitute_vector"
RECALL = 0.95


def measure(options: argparse.Namespace) -> list[Figure]:
    with filled(options, SHARES, options.version) as (here, there):
        ids, vectors = here.get_embeddings(VECTORS)
        return _figures(here, there, ids, vectors)


def _figures(here: GraphStore, there: GraphStore, ids: Sequence[str], vectors: np.ndarray) -> list[Figure]:
    asked = dataset.credited_titles(here, WARM + QUERIES)
    figures = compared("get, one title", asked, lambda store, id_: store.get_nodes("Title", [id_]).to_pylist(),
                       here, there, same=True)  # fmt: skip
    figures += compared("get, a hundred titles", range(WARM + QUERIES),
                        lambda store, n: store.get_nodes("Title", (asked + asked)[n : n + 100]).to_pylist(),
                        here, there, same=True)  # fmt: skip
    figures += compared("two hops", asked, two_hops, here, there, same=True)
    places = np.random.default_rng(3).permutation(len(ids))[: WARM + QUERIES]
    for slug, share in SHARES.items():
        scope = Scope(slug, adult=True)
        offered = set(here.offered(scope).column("id").to_pylist())
        inside = np.array([place for place, id_ in enumerate(ids) if id_ in offered])
        figures += compared(
            f"vectors, {share:.0%} of the titles in the catalog", places,
            lambda store, place, scope=scope: store.search_vector(VECTORS, vectors[place], K, within=scope),
            here, there,
        )  # fmt: skip
        found = [
            (
                {id_ for id_, _ in there.search_vector(VECTORS, vectors[place], K, within=scope)},
                {ids[inside[row]] for row in top(vectors[inside] @ vectors[place], K)},
            )
            for place in places[WARM:]
        ]
        recall = sum(len(got & best) for got, best in found) / sum(len(best) for _, best in found)
        floor = f"{min(len(got) for got, _ in found)} or more answered each time"
        figures.append(Figure("… recall@10", recall, "", RECALL, more=True, floor=floor))
    return figures + _typos(here, there)


def _typos(here: GraphStore, there: GraphStore) -> list[Figure]:
    rng = random.Random(0)
    rows = [row for batch in here.scan_nodes("Title", ["title"]) for row in batch.to_pylist()
            if any(len(word) > 3 for word in (row["title"] or "").split(" "))]  # fmt: skip
    typed = [(typo(row["title"], rng), row["id"]) for row in rng.sample(rows, min(len(rows), WARM + QUERIES))]

    def ask(store: GraphStore, one: tuple[str, str]) -> bool:
        return one[1] in [hit.id for hit in store.search_text(one[0], FETCHED, adult=True)]

    figures = compared("a name with a typo", typed, ask, here, there)
    for name, store in (("embedded", here), ("Neo4j", there)):
        share = float(np.mean([ask(store, one) for one in typed[WARM:]]))
        figures.append(Figure(f"… found among {FETCHED}, {name}", share))
    return figures


def compared(
    name: str, asked: Sequence[Any], ask: Callable[[GraphStore, Any], Any], here: GraphStore, there: GraphStore,
    *, same: bool = False,
) -> list[Figure]:  # fmt: skip
    """Both stores asked the same, turn by turn, the first WARM questions not counted."""
    times: dict[str, list[float]] = {"embedded": [], "Neo4j": []}
    for one in asked:
        answers = []
        for key, store in (("embedded", here), ("Neo4j", there)):
            begun = time.perf_counter()
            answers.append(ask(store, one))
            times[key].append(1000 * (time.perf_counter() - begun))
        assert not same or answers[0] == answers[1], (name, one)
    p = {key: np.percentile(own[WARM:], (50, 95)) for key, own in times.items()}
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return [
        Figure(f"{name}: p50", p["Neo4j"][0], "ms", floor=f"embedded {p['embedded'][0]:.3g} ms"),
        Figure("… p95", p["Neo4j"][1], "ms", floor=f"embedded {p['embedded'][1]:.3g} ms, {load}"),
    ]


if __name__ == "__main__":
    made = parser(__doc__)
    made.add_argument("--version", default=NEWEST, help="of Neo4j")
    sys.exit(run(made.parse_args(), measure))
