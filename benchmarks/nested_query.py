"""A nested GraphQL query beside the same calls made directly on the store: p50 and p95, and how many calls it makes.

Titles of a genre → leading cast → their other titles → genres. Without HTTP, in one thread, after a first run.

    python -m benchmarks.nested_query --store embedded:PATH [--times 200]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from api.graphql.batches import Sources
from api.graphql.limits import Limits
from api.graphql.router import GraphQLQuery, execute
from api.graphql.schema import make_schema
from graph.search import Searcher
from graph.store import GraphStore, open_store

QUERY = """query($genre: String!, $after: String) {
  titles(filter: {genres: {all: [$genre]}}, first: 20, after: $after) {
    pageInfo { endCursor }
    edges { node { id title startYear
      credits(roles: [ACTED_IN], first: 4) { edges { characters node { name
        credits(roles: [ACTED_IN], first: 3) { edges { node { title genres { name } } } } } } } } }
  }
}"""
LIMITS = Limits(cost=20_000)


class Recording:
    """A store that notes its reading calls, with what they were given, so that they can be made again."""

    def __init__(self, store: GraphStore) -> None:
        self._store, self.calls = store, list[tuple[str, tuple[Any, ...], dict[str, Any]]]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in ("get_nodes", "neighbours"):
            return found

        def call(*given: Any, **options: Any) -> Any:
            self.calls.append((name, given, options))
            return found(*given, **options)

        return call


def measure(store: GraphStore, genre: str, times: int) -> dict[str, float]:
    schema, recording = make_schema(LIMITS), Recording(store)
    sources = Sources.over(recording, Searcher(store))  # type: ignore[arg-type]

    def ask(after: str | None) -> Any:
        asked = GraphQLQuery(query=QUERY, variables={"genre": genre, "after": after})
        result = execute(schema, sources, asked)
        assert not result.errors, result.errors
        return result.data

    ask(None)
    queries, direct, calls, nodes, after = [], [], [], [], None
    for _ in range(times):
        recording.calls.clear()
        asked = list[Any]()
        queries.append(seconds(lambda after=after, asked=asked: asked.append(ask(after))))
        made = list(recording.calls)
        calls.append(len(made))
        nodes.append(count(asked[0]))
        direct.append(seconds(lambda made=made: again(store, made)))
        after = asked[0]["titles"]["pageInfo"]["endCursor"]
        if len(asked[0]["titles"]["edges"]) < 20:
            after = None
    return {
        "nodes, median": float(np.median(nodes)),
        "calls": float(max(calls)),
        "query p50 ms": quantile(queries, 50),
        "query p95 ms": quantile(queries, 95),
        "calls alone p50 ms": quantile(direct, 50),
        "calls alone p95 ms": quantile(direct, 95),
        "ratio of the medians": quantile(queries, 50) / quantile(direct, 50),
    }


def again(store: GraphStore, calls: Sequence[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> None:
    for name, given, options in calls:
        getattr(store, name)(*given, **options).to_pylist()


def seconds(what: Callable[[], object]) -> float:
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def quantile(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(np.array(values) * 1e3, percent))


def count(found: Any) -> int:
    """The nodes of an answer."""
    if isinstance(found, list):
        return sum(map(count, found))
    if not isinstance(found, dict):
        return 0
    return sum(count(value) for value in found.values()) + int("name" in found or "title" in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--store", required=True)
    parser.add_argument("--genre", default="Drama")
    parser.add_argument("--times", type=int, default=200)
    given = parser.parse_args()
    store = open_store(given.store)
    for name, value in measure(store, given.genre, given.times).items():
        print(f"{name:24}{value:10.2f}")
    store.close()


if __name__ == "__main__":
    main()
