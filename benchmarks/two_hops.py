"""Title → its people → their other titles, counted, the ten that share most: the store beside DuckDB with indexes.

    python benchmarks/two_hops.py                    1M invented titles
    python benchmarks/two_hops.py --titles 20000     quick

The store answers through its public protocol, two calls of `neighbours`; counting is left to the caller. DuckDB holds
the same relationships in one table with an index on either end. Answers are compared: equal counts go by id.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from graph.schema import CREDITS
from graph.store import GraphStore, open_store

LIMIT_MS, FASTER = 1.0, 20.0
ROUNDS, TITLES, DUCKDB_TITLES = 5, 1000, 25

Answer = list[tuple[str, int]]


def two_hops(store: GraphStore, title: str, k: int = 10) -> Answer:
    """The k titles with most credits of this title's people."""
    people = store.neighbours([title], CREDITS, "in").column("neighbour").combine_chunks().dictionary
    found = store.neighbours(people.to_pylist(), CREDITS, "out").column("neighbour").combine_chunks()
    counts = np.bincount(found.indices.to_numpy(), minlength=len(found.dictionary))
    counted = pa.table({"id": found.dictionary, "count": counts})
    # One more than wanted: the title itself is among them.
    best = pc.select_k_unstable(counted, k + 1, [("count", "descending"), ("id", "ascending")])
    return [(row["id"], row["count"]) for row in counted.take(best).to_pylist() if row["id"] != title][:k]


class Duck:
    """The same question in SQL, over the tables that the store gives out."""

    def __init__(self, store: GraphStore) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET enable_progress_bar = false")
        self.connection.execute("CREATE TABLE credit (head VARCHAR, tail VARCHAR)")
        for type_ in CREDITS:
            for batch in store.scan_relationships(type_, []):
                rows = pa.table(batch).select(["head", "tail"])  # noqa: F841  (DuckDB finds it by its name)
                self.connection.execute("INSERT INTO credit SELECT head, tail FROM rows")
        for end in ("head", "tail"):
            self.connection.execute(f"CREATE INDEX by_{end} ON credit ({end})")
        self.connection.execute(
            "PREPARE joined AS SELECT there.tail, count(*) AS n "
            "FROM (SELECT DISTINCT head FROM credit WHERE tail = $1) AS here "
            "JOIN credit AS there ON there.head = here.head WHERE there.tail <> $1 "
            "GROUP BY there.tail ORDER BY n DESC, there.tail LIMIT 10"
        )
        self.connection.execute("PREPARE people AS SELECT DISTINCT head FROM credit WHERE tail = $1")

    def joined(self, title: str) -> Answer:
        """In one prepared statement."""
        return self.connection.execute(f"EXECUTE joined('{title}')").fetchall()

    def in_two(self, title: str) -> Answer:
        """In two, since an index serves a comparison with constants and never a join."""
        people = [row[0] for row in self.connection.execute(f"EXECUTE people('{title}')").fetchall()]
        listed = ", ".join(f"'{person}'" for person in people)
        sql = (
            f"SELECT tail, count(*) AS n FROM credit WHERE head IN ({listed}) AND tail <> '{title}' "
            "GROUP BY tail ORDER BY n DESC, tail LIMIT 10"
        )
        return self.connection.execute(sql).fetchall()


def median_ms(
    ask: Callable[[str], Answer],
    titles: list[str],
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Best of the rounds' medians."""
    medians = []
    for _ in range(rounds):
        times = []
        for title in titles:
            started = clock()
            ask(title)
            times.append(clock() - started)
        medians.append(statistics.median(times) * 1000)
    return min(medians)


def measure(options: argparse.Namespace) -> list[Figure]:
    with dataset.store_folder(options) as folder:
        store = open_store(f"embedded:{folder}")
        try:
            return _figures(store, folder)
        finally:
            store.close()


def _figures(store: GraphStore, _folder: Path) -> list[Figure]:
    titles = dataset.credited_titles(store, TITLES)
    ours = median_ms(lambda title: two_hops(store, title), titles)
    cpu = median_ms(lambda title: two_hops(store, title), titles, clock=time.thread_time)
    duck = Duck(store)
    few = titles[:DUCKDB_TITLES]
    for title in few:
        expected = duck.joined(title)
        assert two_hops(store, title) == expected, title
        assert duck.in_two(title) == expected, title
    faster = min((duck.in_two, duck.joined), key=lambda ask: median_ms(ask, few[:5], 1))
    theirs = median_ms(faster, few)
    # Again beside DuckDB: a ratio needs both from the same minutes.
    beside = median_ms(lambda title: two_hops(store, title), titles, 2)
    fan = statistics.median(len(store.neighbours([title], CREDITS, "in")) for title in few)
    floor = f"{fan:.0f} credits a title, median"
    return [
        Figure("two hops, median", ours, "ms", LIMIT_MS, floor=floor),
        Figure("two hops, median of CPU time", cpu, "ms"),
        Figure("two hops, times faster than DuckDB", theirs / beside, "×", FASTER, more=True, floor=f"{theirs:.3g} ms"),
    ]


if __name__ == "__main__":
    sys.exit(run(parser(__doc__).parse_args(), measure))
