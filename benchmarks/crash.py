"""`kill -9` at random moments: what was there stays, what was acknowledged is there, and nothing lies about.

    python benchmarks/crash.py               51 kills
    python benchmarks/crash.py --times 500

A process loads two small graphs in turn, writes feedback, or rewrites a bulk node, and says each time when it is done;
it is killed in the midst. Then the store must open, hold one whole version (the last that was acknowledged, or the one
that was being made), hold every acknowledged write, and load again without leftovers. What this cannot show is a
machine that loses its power: the page cache outlives a process.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figure import Figure, parser, run
from graph.schema import is_live
from graph.store import open_store
from graph.tables import GraphTables, finish_tables
from loaders.imdb import imdb_tables
from loaders.synthetic import write_synthetic

TITLES, USERS = 2000, 10
WORK = ("load", "write", "rewrite")
_GRAPHS = ("one", "two")


@dataclass
class Outcome:
    """What came of so many kills; `faults` says in words what should not have been."""

    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    in_the_midst: int = 0
    faults: list[str] = field(default_factory=list)


def survive(folder: Path, times: int, seed: int = 0) -> Outcome:
    """Kill a working process so many times, in an empty folder, and look at the store after each time."""
    rng = random.Random(seed)
    outcome = Outcome()
    tables = _make_graphs(folder)
    counts = {name: _bulk(tables[name].manifest.counts) for name in _GRAPHS}
    url = f"embedded:{folder / 'store'}"
    with contextlib.closing(open_store(url, create=True)) as store:
        started = time.perf_counter()
        store.load_tables(tables["two"])
        longest = 2 * (time.perf_counter() - started)
        store.upsert_nodes("User", [{"id": f"u{number}"} for number in range(USERS)])
    written: set[str] = set()
    current = "two"
    for turn in range(times):
        work = WORK[turn % len(WORK)]
        lines = _killed(work, url, folder, turn, rng.uniform(0.0, longest))
        outcome.kills[work] += 1
        outcome.acknowledged[work] += len(lines)
        written |= set(lines) if work == "write" else set()
        allowed = (
            {current} if work != "load" else {lines[-1] if lines else current, _next(lines[-1] if lines else "two")}
        )
        outcome.in_the_midst += bool(list((folder / "store").rglob("*.partial")))
        try:
            with contextlib.closing(open_store(url)) as store:
                held = _bulk(store.info().counts)
                if held not in [counts[name] for name in allowed]:
                    outcome.faults.append(f"kill {turn} ({work}): the graph is none of {sorted(allowed)}")
                if work == "rewrite" and lines:
                    named = store.get_nodes("Title", [tables["two"].read("Title").column("id")[0].as_py()], ["title"])
                    if named.column("title")[0].as_py() not in (lines[-1], f"name {turn}-{len(lines)}"):
                        outcome.faults.append(f"kill {turn}: an acknowledged rewrite is lost")
                rows = (batch.column("key").to_pylist() for batch in store.scan_relationships("RATED", []))
                lost = written - {key for keys in rows for key in keys}
                if lost:
                    outcome.faults.append(f"kill {turn} ({work}): {len(lost)} acknowledged writes are lost")
                # The children begin with "one": so it has to be the other that stands there before.
                store.load_tables(tables["two"])
                current = "two"
                if _bulk(store.info().counts) != counts["two"]:
                    outcome.faults.append(f"kill {turn} ({work}): the next load did not take")
            outcome.faults += [f"kill {turn} ({work}): {left} is left over" for left in _leftovers(folder / "store")]
        except Exception as error:  # noqa: BLE001  (whatever it is, it is what this looks for)
            outcome.faults.append(f"kill {turn} ({work}): {type(error).__name__}: {error}")
    return outcome


def _next(graph: str) -> str:
    return "one" if graph == "two" else "two"


def _make_graphs(folder: Path) -> dict[str, GraphTables]:
    made = {}
    for seed, name in enumerate(_GRAPHS):
        write_synthetic(folder / f"{name}-files", titles=TITLES, seed=seed)
        imdb_tables(folder / f"{name}-files", folder / name)
        made[name] = finish_tables(folder / name, [])
    return made


def _bulk(counts: object) -> dict[str, int]:
    return {name: count for name, count in dict(counts).items() if count and not is_live(name)}  # type: ignore[call-overload]


def _leftovers(store: Path) -> list[str]:
    with contextlib.closing(open_store(f"embedded:{store}")) as opened:
        known = set(opened.info().versions)
    left = [path for path in (store / "versions").iterdir() if path.name not in known]
    return [path.name for path in (*left, *store.glob("rewrite-*"), *store.rglob("*.part"), *store.rglob("*.partial"))]


def _killed(work: str, url: str, folder: Path, turn: int, after: float) -> list[str]:
    """What a working process acknowledged until it was killed, `after` seconds from its beginning to work."""
    command = [sys.executable, "-m", "benchmarks.crash", "--child", work, url, str(folder), str(turn)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        lines: list[str] = []
        # Read while it works: a full pipe would hold it up.
        reader = threading.Thread(target=lambda: lines.extend(process.stdout))  # type: ignore[arg-type]
        reader.start()
        time.sleep(after)
        process.kill()
        reader.join()
    if first != "ready\n":
        raise RuntimeError(f"{work} did not begin to work: {first!r}")
    # A line without its end was not said.
    return [line.rstrip("\n") for line in lines if line.endswith("\n")]


def _work_on(work: str, url: str, folder: Path, turn: int) -> None:
    store = open_store(url)
    graphs = {name: GraphTables.open(folder / name) for name in _GRAPHS}
    ids = graphs["two"].read("Title").column("id").to_pylist()
    print("ready", flush=True)
    number = 0
    while True:
        if work == "load":
            done = _GRAPHS[number % 2]
            store.load_tables(graphs[done])
        elif work == "write":
            done = f"{turn}-{number}"
            row = {"head": f"u{number % USERS}", "tail": ids[number % len(ids)], "key": done, "value": 1.0}
            store.upsert_relationships("RATED", [row])
        else:
            done = f"name {turn}-{number}"
            store.upsert_nodes("Title", [{"id": ids[0], "title": done}])
        print(done, flush=True)
        number += 1


def measure(options: argparse.Namespace) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as folder:
        outcome = survive(Path(folder), options.times, options.seed)
    for fault in outcome.faults:
        print(fault, file=sys.stderr)
    said = ", ".join(f"{outcome.kills[work]} × {work} ({outcome.acknowledged[work]:,} done)" for work in WORK)
    return [
        Figure("faults after kill -9", len(outcome.faults), "", 0, floor=said),
        Figure("kills that left something half-made", outcome.in_the_midst),
    ]


def main() -> int:
    made = parser(__doc__)
    made.add_argument("--times", type=int, default=51, help="how often to kill")
    made.add_argument("--seed", type=int, default=0, help="of the random moments")
    return run(made.parse_args(), measure)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _work_on(sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5]))
    else:
        sys.exit(main())
