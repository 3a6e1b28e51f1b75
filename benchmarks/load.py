"""From gzipped TSV files to a store that answers: time as a ratio to writing the same files as Parquet, and memory.

    python benchmarks/load.py                    1M invented titles
    python benchmarks/load.py --data DIR         a ready data set
    python benchmarks/load.py --titles 20000     quick

The yardstick is polars: each TSV file, unpacked and split into columns of strings, written as zstd Parquet. It runs
before and after the load, in processes of their own like the load itself, and the mean counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run

LOAD_LIMIT, TABLES_LIMIT, MEMORY_LIMIT_MB = 12.0, 4.0, 4000.0
_STAGES = (  # what the load's progress says, and the stage it stands for
    (r"reading .*", "staging the files"),
    (r"titles|credits|people|alternate titles|episodes", "graph tables"),
    (r"checking", "checksums"),
    (r"columns: .*", "columns and CSR"),
    (r"index of names", "index of names"),
    (r"substitute vectors", "substitute vectors"),
    (r"done", "fsync and swap"),
)


def measure(options: argparse.Namespace) -> list[Figure]:
    with dataset.files(options) as data, tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as aside:
        work = Path(aside)
        for path in data.glob("*.tsv.gz"):
            path.read_bytes()  # every process finds the files in the page cache
        size = sum(path.stat().st_size for path in data.glob("*.tsv.gz"))
        before = _child("rewrite", data, work / "parquet-before")
        made = _child("tables", data, work / "tables")
        loaded = _child("load", data, options.store or work / "store")
        after = _child("rewrite", data, work / "parquet-after")
    yard = (before["wall"] + after["wall"]) / 2
    yard_cpu = (before["cpu"] + after["cpu"]) / 2
    floor = f"polars writes the {size / 1e6:,.0f} MB as Parquet in {yard:.1f} s"
    figures = [
        Figure("load, to a store that answers", loaded["wall"] / yard, "×", LOAD_LIMIT, floor=floor),
        Figure("graph tables alone", made["wall"] / yard, "×", TABLES_LIMIT, floor=floor),
        Figure("peak memory of the load", loaded["memory"], "MB", MEMORY_LIMIT_MB),
        Figure("load, CPU seconds", loaded["cpu"] / yard_cpu, "×", floor=f"polars {yard_cpu:.1f} s of CPU"),
        Figure("graph tables alone, CPU seconds", made["cpu"] / yard_cpu, "×"),
        Figure("load, wall time", loaded["wall"], "s"),
    ]
    return figures + [Figure(f"  {stage}", seconds, "s") for stage, seconds in loaded["stages"].items()]


def _child(what: str, data: Path, target: Path) -> dict:
    started = time.perf_counter()
    command = [sys.executable, __file__, "--child", what, str(data), str(target)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed) | {"wall": time.perf_counter() - started}


def rewrite(data: Path, target: Path) -> None:
    """The yardstick."""
    import polars as pl

    target.mkdir()
    for path in sorted(data.glob("*.tsv.gz")):
        frame = pl.scan_csv(path, separator="\t", quote_char=None, null_values="\\N", infer_schema=False)
        frame.sink_parquet(target / f"{path.stem}.parquet", compression="zstd")


def make_tables(data: Path, target: Path) -> None:
    from loaders.imdb import imdb_tables

    imdb_tables(data, target)


def load_all(data: Path, target: Path) -> dict[str, float]:
    """Load and ask one question; returns the seconds of each stage."""
    from graph.store import open_store
    from loaders.load import load

    seconds: dict[str, float] = {}
    stage, since = "start", time.perf_counter()

    def enter(name: str) -> None:
        nonlocal stage, since
        now = time.perf_counter()
        seconds[stage] = seconds.get(stage, 0.0) + now - since
        stage, since = name, now

    def progress(what: str, share: float) -> None:
        for pattern, name in _STAGES:
            # The tables say "done" too, half-way.
            if re.fullmatch(pattern, what) and name != stage and (what != "done" or share > 0.9):
                enter(name)

    with contextlib.closing(open_store(f"embedded:{target}", create=True)) as store:
        load(store, imdb=data, progress=progress)
        enter("first answer")
        first = next(iter(store.scan_nodes("Title", ["title"]))).to_pylist()[0]
        assert any(hit.id == first["id"] for hit in store.search_text(first["title"], 100, adult=True))
    enter("end")
    return {name: round(value, 2) for name, value in seconds.items() if name != "start"}


def _run_child(arguments: Sequence[str]) -> None:
    what, data, target = arguments[0], Path(arguments[1]), Path(arguments[2])
    stages = {"rewrite": rewrite, "tables": make_tables, "load": load_all}[what](data, target)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"cpu": cpu, "memory": used.ru_maxrss / 1024, "stages": stages}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _run_child(sys.argv[2:])
    else:
        sys.exit(run(parser(__doc__).parse_args(), measure))
