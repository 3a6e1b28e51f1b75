"""Graph tables by Spark beside polars: time, rows a second and peak memory, with the bare parse as each one's floor.

    python -m benchmarks.spark                     300,000 invented titles
    python -m benchmarks.spark --data DIR          a ready data set

Each runs in a process of its own, Spark with two cores (`local[2]`) and its 2 GB of heap; Java's start is in its time.
The floor reads the same files, splits their lines and counts the cells. Memory is the largest resident size of the
process, Python and Java apart. For rows and memory at a cluster's size this says nothing: it is one machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run

MASTER = "local[2]"


def measure(options: argparse.Namespace) -> list[Figure]:
    with dataset.files(options) as data, tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as aside:
        for path in data.glob("*.tsv.gz"):
            path.read_bytes()  # every process finds the files in the page cache
        done = {
            (engine, what): _child(engine, what, data, Path(aside) / f"{engine}-{what}")
            for what in ("parse", "tables")
            for engine in ("polars", "spark")
        }
    made = {engine: done[engine, "tables"] for engine in ("polars", "spark")}
    assert made["polars"]["counts"] == made["spark"]["counts"]
    rows = sum(made["polars"]["counts"].values())
    figures = [Figure("rows of graph tables", rows)]
    for engine, one in made.items():
        bare = done[engine, "parse"]["wall"]
        floor = f"the bare parse: {bare:.1f} s"
        figures += [
            Figure(f"{engine}: graph tables", one["wall"], "s", floor=floor),
            Figure(f"{engine}: rows of tables a second", rows / one["wall"]),
            Figure(f"{engine}: processor time", one["cpu"], "s"),
            Figure(f"{engine}: peak memory, Python", one["python"], "MB"),
        ]
        if one["java"]:
            figures += [
                Figure(f"{engine}: peak memory, Java", one["java"], "MB"),
                Figure(f"{engine}: until Java and its session are there", one["start"], "s"),
            ]
    return [*figures, Figure("Spark to polars", made["spark"]["wall"] / made["polars"]["wall"], "×")]


def _child(engine: str, what: str, data: Path, target: Path) -> dict:
    started = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.spark", "--child", engine, what, str(data), str(target)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed) | {"wall": time.perf_counter() - started}


def parse_polars(data: Path) -> None:
    import polars as pl

    for path in sorted(data.glob("*.tsv.gz")):
        frame = pl.scan_csv(path, separator="\t", quote_char=None, null_values="\\N", infer_schema=False)
        frame.select(pl.all().count()).collect(engine="streaming")


def parse_spark(data: Path, target: Path) -> float:
    from pyspark.sql import functions as F  # noqa: N812

    from loaders.spark_session import spark_session

    since = time.perf_counter()
    with spark_session(MASTER, target) as session:
        start = time.perf_counter() - since
        for path in sorted(data.glob("*.tsv.gz")):
            cells = F.size(F.split("value", "\t", -1))
            session.read.text(str(path), lineSep="\n").agg(F.sum(cells)).collect()
    return start


def _run_child(arguments: Sequence[str]) -> None:
    from loaders.imdb import imdb_tables
    from loaders.spark_session import spark_session

    engine, what, data, target = arguments[0], arguments[1], Path(arguments[2]), Path(arguments[3])
    counts, start = {}, 0.0
    if what == "parse":
        if engine == "polars":
            parse_polars(data)
        else:
            start = parse_spark(data, target)
    elif engine == "polars":
        counts = dict(imdb_tables(data, target).counts)
    else:
        since = time.perf_counter()
        with spark_session(MASTER, target.with_name("session")):
            start = time.perf_counter() - since
            counts = dict(imdb_tables(data, target, engine="spark").counts)
    own, java = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(one.ru_utime + one.ru_stime for one in (own, java))
    memory = {"python": own.ru_maxrss / 1024, "java": java.ru_maxrss / 1024 if engine == "spark" else 0}
    print(json.dumps({"cpu": cpu, "counts": counts, "start": start} | memory))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _run_child(sys.argv[2:])
    else:
        options = parser(__doc__)
        options.set_defaults(titles=300_000)
        sys.exit(run(options.parse_args(), measure))
