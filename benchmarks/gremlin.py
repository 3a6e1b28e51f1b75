"""The Gremlin store on a real Gremlin Server that is started here, beside the embedded store with the same graph.

    python -m benchmarks.gremlin --from embedded:PATH            all parts, on what that store holds
    python -m benchmarks.gremlin --from embedded:PATH --only load --only reads

batches: rows a second by how many labels and properties a request has. load: rows a second, twice; peak memory of the
client. reads: one title, two hops, and searches: times, exchanges with the server, and whether the answers are equal.
files: rows a second into the files of Neptune's bulk loader, and their size.
A server that is running already is named by --url; its graph is wiped.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figure import Figure, parser, run
from benchmarks.two_hops import two_hops
from graph.exports.neptune import export_neptune
from graph.schema import NODES, RELATIONSHIPS, is_live
from graph.search import Searcher
from graph.store import GraphStore, Scope, open_store
from graph.tables import GraphTables, finish_tables, write_table
from tests.servers.gremlin_server import gremlin_server, wiped

RECORDS = (25, 50, 100, 200, 400, 800)
PARTS = ("batches", "load", "reads", "files")
TITLES, SEARCHES, SEED = 300, 500, 0


def tables_of(store: GraphStore, folder: Path) -> GraphTables:
    """All that a store holds, as graph tables."""
    for name in (*NODES, *RELATIONSHIPS):
        batches = [*(store.scan_nodes(name) if name in NODES else store.scan_relationships(name))]
        if batches:
            write_table(folder, name, batches)
    return finish_tables(folder, [])


def batches(store: GraphStore, tables: GraphTables) -> Iterator[Figure]:
    """Rows a second, by the size of a request: of those that are new, and again when they are there."""
    from graph.stores import gremlin_traversals, gremlin_writing

    connection = store._connection  # type: ignore[attr-defined]
    samples = {"Title": 4_000, "Person": 8_000, "DIRECTED": 8_000}
    rows = {name: [row for row, _ in zip(gremlin_writing.rows_of(tables, name), range(count), strict=False)]
            for name, count in samples.items()}  # fmt: skip
    ends = {row[2] for row in rows["DIRECTED"]} | {row[3] for row in rows["DIRECTED"]}
    there = {row[0] for row in (*rows["Title"], *rows["Person"])}
    missing = [(id_, "Title" if id_.startswith("tt") else "Person", {}, ()) for id_ in sorted(ends - there)]
    for records in RECORDS:
        wiped(store.url)
        for name, listed in rows.items():
            if name == "DIRECTED":
                gremlin_writing.write(connection, "Title", missing, lambda _count: None)
            for what in ("made", "there already"):
                begun = time.perf_counter()
                gremlin_writing.write(connection, name, listed, lambda _count: None, records)
                rate = len(listed) / (time.perf_counter() - begun)
                yield Figure(f"{name}, {records} records a request, {what}", rate, "rows/s")
    connection.write(gremlin_traversals.drop_vertices(["nothing"]))
    wiped(store.url)


def load(store: GraphStore, tables: GraphTables) -> Iterator[Figure]:
    """The whole load, twice, and its parts by what the progress said."""
    count = sum(tables.manifest.counts.values())
    seconds = []
    for time_ in ("first", "second"):
        told: list[tuple[float, str]] = []
        begun = time.perf_counter()
        store.load_tables(tables, lambda what, _share, told=told: told.append((time.perf_counter(), what)))
        seconds.append(time.perf_counter() - begun)
        wrote = [at for at, what in told if what.startswith("writing ")]
        after = next((at for at, what in told if at > wrote[-1] and not what.startswith("writing ")), told[-1][0])
        yield Figure(f"{time_} load of {count:,} rows", seconds[-1], "s")
        yield Figure("… of that, rows written", count / (after - wrote[0]), "rows/s")
    yield Figure("second load beside the first", seconds[1] / seconds[0], "×", 1.3)
    yield Figure("peak memory of the client", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")


def files(embedded: GraphStore, folder: Path) -> Iterator[Figure]:
    """The export for Neptune's bulk loader; its vectors are of all names that the store has."""
    for dialect in ("gremlin", "opencypher"):
        begun = time.perf_counter()
        export = export_neptune(embedded, folder / dialect, dialect)
        rate = sum(export.counts.values()) / (time.perf_counter() - begun)
        yield Figure(f"files for Neptune's loader, {dialect}", rate, "rows/s")
        yield Figure("… their size", export.bytes / 2**20, "MB")


def _median_p95(ask: Callable[[str], object], asked: list[str]) -> tuple[float, float, list[object]]:
    times, answers = [], []
    for one in asked:
        begun = time.perf_counter()
        answers.append(ask(one))
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times), statistics.quantiles(times, n=20)[-1], answers


def reads(store: GraphStore, embedded: GraphStore) -> Iterator[Figure]:
    """The same questions to both, in turn."""
    chance = random.Random(SEED)
    titles = [row["id"] for batch in embedded.scan_nodes("Title", []) for row in batch.to_pylist()]
    some = chance.sample(titles, TITLES)
    connection = store._connection  # type: ignore[attr-defined]
    sent, once = [0], connection._once

    def counted(*given: object) -> object:
        sent[0] += 1
        return once(*given)

    connection._once = counted
    asks: dict[str, Callable[[GraphStore, str], object]] = {
        "a title with all its properties": lambda one, id_: one.get_nodes("Title", [id_]).to_pylist(),
        "two hops": two_hops,
    }
    for name, ask in asks.items():
        yield from _both(
            name, lambda id_, ask=ask: ask(store, id_), lambda id_, ask=ask: ask(embedded, id_), some, sent
        )
    texts = [
        row["title"] for row in embedded.get_nodes("Title", chance.sample(titles, SEARCHES), ["title"]).to_pylist()
    ]
    catalog = _catalog(store, embedded, chance.sample(titles, min(5_000, len(titles) // 2)))
    searchers = [Searcher(store), Searcher(embedded)]
    asked = [text for text in texts if text]
    for searcher in searchers:
        searcher.search(asked[0], catalog)  # what is kept for all searches is made by the first one
    yield from _both("a search in a catalog", lambda text: _told(searchers[0], text, catalog),
                     lambda text: _told(searchers[1], text, catalog), asked, sent)  # fmt: skip


def _both(
    name: str, ours: Callable[[str], object], theirs: Callable[[str], object], asked: list[str], sent: list[int]
) -> Iterator[Figure]:
    sent[0] = 0
    median, p95, answers = _median_p95(ours, asked)
    exchanges = sent[0] / len(asked)
    floor_median, floor_p95, expected = _median_p95(theirs, asked)
    same = sum(one == other for one, other in zip(answers, expected, strict=True))
    yield Figure(f"{name}: median", median, "ms", floor=f"embedded {floor_median:.3g} ms")
    yield Figure("… p95", p95, "ms", floor=f"embedded {floor_p95:.3g} ms")
    yield Figure("… exchanges, mean", exchanges)
    yield Figure("… same answers", 100 * same / len(asked), "%")


def _catalog(store: GraphStore, embedded: GraphStore, ids: list[str]) -> Scope:
    rows = [{"head": "bench", "tail": id_, "key": id_, "item_id": id_} for id_ in ids]
    for one in (store, embedded):
        one.upsert_nodes("Catalog", [{"id": "bench"}])
        one.upsert_relationships("OFFERS", rows)
    return Scope("bench")


def _told(searcher: Searcher, text: str, scope: Scope) -> object:
    return searcher.search(text, scope).as_dict() | {"versions": None}


def measure(options: argparse.Namespace) -> list[Figure]:
    figures: list[Figure] = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgraph-gremlin-")))
        os.environ["REELGRAPH_CACHE"] = str(folder / "cache")
        url = options.url or stack.enter_context(gremlin_server("2g"))
        embedded = stack.enter_context(contextlib.closing(open_store(options.from_)))
        (folder / "tables").mkdir()
        tables = tables_of(embedded, folder / "tables")
        store = stack.enter_context(contextlib.closing(open_store(wiped(url), create=True)))
        for part in PARTS:
            if part in (options.only or PARTS):
                print(f"{part} …", file=sys.stderr)  # the load alone takes minutes: figures are told as they come
                if part == "reads":
                    _same_graph(store, tables, embedded)
                made = {
                    "batches": lambda: batches(store, tables),
                    "load": lambda: load(store, tables),
                    "reads": lambda: reads(store, embedded),
                    "files": lambda: files(embedded, folder),
                }
                for figure in made[part]():
                    print("  ", *figure.cells(), file=sys.stderr, flush=True)
                    figures.append(figure)
    return figures


def _same_graph(store: GraphStore, tables: GraphTables, embedded: GraphStore) -> None:
    if not store.info().version:
        store.load_tables(tables)
    for name, provenance in embedded.info().embeddings.items():
        store.set_embeddings(name, *embedded.get_embeddings(name), provenance)
    assert {n: c for n, c in store.info().counts.items() if not is_live(n)} == {
        n: c for n, c in embedded.info().counts.items() if not is_live(n)
    }


if __name__ == "__main__":
    made = parser(__doc__)
    made.add_argument("--from", dest="from_", required=True, help="URL of a store that holds the graph to load")
    made.add_argument("--url", help="a Gremlin Server that is running; its graph is wiped")
    made.add_argument("--only", choices=PARTS, action="append")
    sys.exit(run(made.parse_args(), measure))
