"""Live writes: how many a second, each a call of its own and safe on disk, and what they cost those who read meanwhile.

    python benchmarks/upserts.py                    1M invented titles
    python benchmarks/upserts.py --titles 20000     quick

Writes are feedback (RATED) and offers (OFFERS). Reads are two hops in the graph (benchmarks/two_hops.py) and
`Searcher.similar` in a catalog of 10,000 titles, while another process writes without a pause.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from benchmarks.two_hops import two_hops
from graph.search import Searcher
from graph.store import GraphStore, Scope, open_store

A_SECOND, SLOWER = 500.0, 3.0
ROUNDS, WRITES, WRITERS, OFFERED, READ_SECONDS = 5, 1000, 4, 10_000, 3.0


def measure(options: argparse.Namespace) -> list[Figure]:
    with dataset.store_folder(options) as folder, contextlib.closing(open_store(f"embedded:{folder}")) as store:
        titles = dataset.credited_titles(store, WRITES)
        offered = np.random.default_rng(1).permutation(dataset.title_ids(store))[:OFFERED].tolist()
        store.load_tables(dataset.write_catalog(folder.parent / "catalog", "bench", offered))
        store.upsert_nodes("Catalog", [{"id": "other"}])
        store.upsert_nodes("User", [{"id": f"u{number}"} for number in range(WRITERS)])
        floor = max(_fsyncs_a_second(folder / "floor") for _ in range(ROUNDS))
        figures = [
            Figure(f"{kind} upserts", _best_rate(store, kind, titles), "/s", A_SECOND, True, f"{floor:,.0f} fsyncs/s")
            for kind in ("RATED", "OFFERS")
        ]
        figures += _queueing(store, folder, titles)
        scope = Scope("bench")
        searcher = Searcher(store)
        reads: dict[str, Callable[[str], object]] = {
            "two hops": lambda title: two_hops(store, title),
            "similar": lambda title: searcher.similar(title, scope, 10),
        }
        for name, read in reads.items():
            for kind in ("RATED", "OFFERS"):
                figures.append(_meanwhile(folder, name, read, kind, titles))
        return figures


def write(store: GraphStore, kind: str, title: str, number: int, writer: int = 0) -> None:
    """One live write; `number` makes it one that was not there."""
    if kind == "RATED":
        row = {"head": f"u{writer}", "tail": title, "key": f"k{number}", "type": "rating", "value": 4.0}
    else:
        row = {"head": "other", "tail": title, "key": f"{writer}-{number}", "item_id": str(number)}
    store.upsert_relationships(kind, [row])


def _best_rate(store: GraphStore, kind: str, titles: list[str]) -> float:
    rates = []
    for turn in range(ROUNDS):
        started = time.perf_counter()
        for number in range(WRITES):
            write(store, kind, titles[number % len(titles)], turn * WRITES + number)
        rates.append(WRITES / (time.perf_counter() - started))
    return max(rates)


def _fsyncs_a_second(path: Path) -> float:
    """What the disk can do: 4 kB written and synced, again and again."""
    block = os.urandom(4096)
    with path.open("wb", buffering=0) as file:
        started = time.perf_counter()
        for _ in range(WRITES):
            file.write(block)
            os.fsync(file.fileno())
        seconds = time.perf_counter() - started
    path.unlink()
    return WRITES / seconds


def _queueing(store: GraphStore, folder: Path, titles: list[str]) -> list[Figure]:
    """Four processes at once, 250 writes each: none may be lost."""
    before = store.info().counts["RATED"]
    each = WRITES // WRITERS
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(_writer(folder, "RATED", titles, number, 1_000_000, each)) for number in range(WRITERS)
        ]
        started = time.perf_counter()
        for process in writers:
            assert process.wait() == 0
        seconds = time.perf_counter() - started
    lost = before + each * WRITERS - store.info().counts["RATED"]
    return [
        Figure(f"writes lost by {WRITERS} processes at once", lost, "", 0),
        Figure(f"RATED upserts by {WRITERS} processes at once", each * WRITERS / seconds, "/s"),
    ]


def _meanwhile(folder: Path, name: str, read: Callable[[str], object], kind: str, titles: list[str]) -> Figure:
    """Reads while another process writes, as a ratio to reads alone just before and after."""
    before = _median_seconds(read, titles)
    with _writer(folder, kind, titles, 0, 2_000_000, None):
        meanwhile = _median_seconds(read, titles)
    alone = statistics.mean([before, _median_seconds(read, titles)])
    floor = f"{alone * 1000:.3g} ms alone"
    return Figure(f"{name} while {kind} is written, slower", meanwhile / alone, "×", SLOWER, floor=floor)


def _median_seconds(read: Callable[[str], object], titles: list[str]) -> float:
    times: list[float] = []
    until = time.perf_counter() + READ_SECONDS
    read(titles[0])
    while time.perf_counter() < until or len(times) < 3:
        started = time.perf_counter()
        read(titles[len(times) % len(titles)])
        times.append(time.perf_counter() - started)
    return statistics.median(times)


@contextlib.contextmanager
def _writer(
    folder: Path, kind: str, titles: list[str], writer: int, first: int, count: int | None
) -> Iterator[subprocess.Popen[str]]:
    """A process that is writing; without a count it writes until the block ends."""
    command = [sys.executable, __file__, "--child", str(folder), kind, str(writer), str(first), str(count or 0)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(" ".join(titles) + "\n")
        process.stdin.flush()
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill() if count is None else process.wait()


def _write_on(folder: str, kind: str, writer: str, first: str, count: str) -> None:
    titles = sys.stdin.readline().split()
    store = open_store(f"embedded:{folder}")
    write(store, kind, titles[0], int(first), int(writer))
    print("ready", flush=True)
    number = 1
    while not int(count) or number < int(count):
        write(store, kind, titles[number % len(titles)], int(first) + number, int(writer))
        number += 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _write_on(*sys.argv[2:])
    else:
        sys.exit(run(parser(__doc__).parse_args(), measure))
