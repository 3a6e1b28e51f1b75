"""Whether Neo4j answers what the embedded store answers, and how soon: searches, similar titles and explanations.

    python -m benchmarks.neo4j_answers --data ../shared/data/imdb-24k     real data
    python -m benchmarks.neo4j_answers --titles 300000                    invented
    python -m benchmarks.neo4j_answers … --show                           what differs, each on a line

Starts a Neo4j of its own with the same graph and the same vectors, and a catalog of a tenth of the titles, drawn by
chance (seed 2). 500 questions of each kind; searches are those of benchmarks/search.py. Two engines score texts, so
what a text finds may differ; what follows from a title that is found may not. Latencies are over HTTP, one worker, with
no answer kept.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import numpy as np

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from benchmarks.neo4j_filled import filled
from benchmarks.search import queries
from benchmarks.serving import Asked, at_once, served
from graph.explain import explain
from graph.search import Searcher
from graph.store import GraphStore, Scope

ASKED, WARM, SHARE, CATALOG, ROUNDS = 500, 50, 0.1, "bench", 5
K = 10


def measure(options: argparse.Namespace) -> list[Figure]:
    with filled(options, {CATALOG: SHARE}) as (here, there):
        return _same(here, there, options.show) + _exchanges(there, here) + _served(there.url, here)


def _same(here: GraphStore, there: GraphStore, show: bool) -> list[Figure]:
    """The shares of questions that both answer alike."""
    ours, theirs, scope = Searcher(here), Searcher(there), Scope(CATALOG)
    first, found, followed = list[bool](), list[bool](), list[bool]()
    for _, text in queries(here, ASKED):
        one, other = ours.search(text, scope), theirs.search(text, scope)
        ids, others = ([hit.match.id for hit in answer.hits] for answer in (one, other))
        first.append(ids[:1] == others[:1])
        found.append(ids == others)
        same = [hit for hit in one.hits if hit.match.id in others]
        pairs = [(hit, next(o for o in other.hits if o.match.id == hit.match.id)) for hit in same]
        followed += [[s.id for s in a.substitutes] == [s.id for s in b.substitutes] for a, b in pairs]
        if show and (ids != others or not all(followed[len(followed) - len(pairs) :])):
            print(f"{text!r}: {one.status} {ids} | {other.status} {others}", file=sys.stderr)
    titles = dataset.credited_titles(here, ASKED)
    pairs_of = list(zip(titles, dataset.credited_titles(here, ASKED, seed=1), strict=True))
    similar = _alike(titles, lambda at, id_: [(s.id, s.evidence) for s in at[1].similar(id_, scope, K)],
                     (here, ours), (there, theirs), show)  # fmt: skip
    explained = _alike(pairs_of, lambda at, pair: explain(at[0], *pair, far=False), (here, ours), (there, theirs), show)
    return [
        Figure("searches with the same first hit", float(np.mean(first)), "", 0.97, more=True, floor=f"of {ASKED}"),
        Figure("… with the same hits in the same order", float(np.mean(found))),
        Figure("… substitutes of a hit that both found: the same in the same order", float(np.mean(followed)), "", 1.0,
               more=True, floor=f"of {len(followed)} hits"),
        Figure("similar titles: the same, with the same reasons", similar, "", 1.0, more=True, floor=f"of {ASKED}"),
        Figure("explanations: the same", explained, "", 1.0, more=True, floor=f"of {ASKED} pairs"),
    ]  # fmt: skip


def _alike(asked: Sequence[Any], ask: Callable[[Any, Any], Any], here: Any, there: Any, show: bool) -> float:
    same = []
    for one in asked:
        ours, theirs = ask(here, one), ask(there, one)
        same.append(ours == theirs)
        if show and not same[-1]:
            print(f"{one}:\n  {ours}\n  {theirs}", file=sys.stderr)
    return float(np.mean(same))


def _exchanges(there: GraphStore, here: GraphStore) -> list[Figure]:
    """How many round trips a search makes to the server, and how long it waits for them."""
    connection: Any = there._connection  # type: ignore[attr-defined]
    plain, trips, waited = connection._run, list[int](), list[float]()

    def counted(*given: Any) -> Any:
        begun = time.perf_counter()
        try:
            return plain(*given)
        finally:
            trips[-1] += 1
            waited[-1] += 1000 * (time.perf_counter() - begun)

    connection._run = counted
    searcher, whole = Searcher(there), list[float]()
    for place, (_, text) in enumerate(queries(here, ASKED)):
        if place == WARM:
            whole.clear(), trips.clear(), waited.clear()
        trips.append(0)
        waited.append(0.0)
        begun = time.perf_counter()
        searcher.search(text, Scope(CATALOG))
        whole.append(1000 * (time.perf_counter() - begun))
    connection._run = plain
    few, high = float(np.mean(np.array(trips) <= 4)), float(np.percentile(whole, 95))
    most = f"at most four: {few:.1%}, most {max(trips)}"
    return [
        Figure("round trips of a search", float(np.mean(trips)), "", floor=most),
        Figure("a search in process, median", float(np.median(whole)), "ms", floor=f"p95 {high:.3g}"),
        Figure("… of that waiting for Neo4j, median", float(np.median(waited)), "ms",
               floor=f"p95 {np.percentile(waited, 95):.3g}"),
    ]  # fmt: skip


def _served(url: str, here: GraphStore) -> list[Figure]:
    texts = dict.fromkeys(text for _, text in queries(here, 4 * ASKED))
    asked = (Asked("/search?" + urlencode({"q": text, "catalog": CATALOG})) for text in texts)
    with served(url) as service:
        at_once(service, asked, 1, 2 * WARM)
        rounds = [at_once(service, asked, 1, ASKED // ROUNDS) for _ in range(ROUNDS)]
    best = min(rounds, key=lambda one: float(np.percentile(one.times, 95)))
    high = float(np.percentile(best.times, 95))
    floor = f"median {np.percentile(best.times, 50):.3g} ms, load {os.getloadavg()[0]:.1f}"
    return [Figure("/search on Neo4j over HTTP, p95, best of five rounds", high, "ms", 120.0, floor=floor)]


if __name__ == "__main__":
    made = parser(__doc__)
    made.add_argument("--show", action="store_true", help="print what differs")
    sys.exit(run(made.parse_args(), measure))
