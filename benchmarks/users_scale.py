"""Recommendations for users at scale: feedback loaded, tastes learned and published, users asked over HTTP.

    python -m benchmarks.users_scale                                     100k users, 20k items in a catalog, 20M events
    python -m benchmarks.users_scale --users 10000 --events 2000000 --store FOLDER          a tenth; kept in FOLDER
    python -m benchmarks.users_scale --store FOLDER --only serve                            what is there is asked again

Titles and viewers are invented (loaders/synthetic.py, loaders/synthetic_feedback.py, seed 0: popularity by Zipf,
activity log-normal); the catalog offers the items with the most events. Loading, learning and publishing are the
commands `reelgraph load --feedback`, `train configs/tastes.toml` and `publish`, each a process whose time and peak
memory are told.
--tastes random: thin vectors of the same shape, drawn by chance, where learning is not what is looked at.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from benchmarks.serving import Asked, at_once, served
from graph.store import Provenance, open_store
from graph.tastes import LIKED, OFFERED, Weighting

CATALOG, ITEMS, REQUESTS, CLIENTS = "bench", 20_000, 1_000, 16
LIMIT_MS = 50.0
_CONFIG = Path(__file__).parents[1] / "configs" / "tastes.toml"
STEPS = ("load", "tastes", "serve")


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds, seconds of processor time, peak memory in MB."""

    wall: float
    cpu: float
    memory: float

    def figures(self, name: str, rate: str = "") -> list[Figure]:
        """The same as lines."""
        floor = f"{self.cpu:.0f} s of processor time{rate}"
        return [Figure(name, self.wall, "s", floor=floor), Figure("… peak memory", self.memory, "MB")]


def measure(options: argparse.Namespace) -> list[Figure]:
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgraph-bench-")))
        store = options.store or scratch / "store"
        if not (store / "manifest.json").exists():
            _filled(options, store, scratch)
        figures: list[Figure] = []
        for step in options.only or STEPS:
            for figure in PARTS[step](options, store):
                figures.append(figure)
                print(" ".join(figure.cells()), file=sys.stderr, flush=True)
    return figures


def _filled(options: argparse.Namespace, store: Path, scratch: Path) -> None:
    """A store with titles and a catalog, and feedback beside it in a file; in a process of its own, for its memory."""
    command = [sys.executable, "-m", "benchmarks.users_scale", "--child", str(scratch), str(store)]
    sizes = [options.titles, options.users, options.events]
    subprocess.run([*command, *map(str, sizes)], check=True)


def fill(scratch: Path, folder: Path, titles: int, users: int, events: int) -> None:
    """Make the store at `folder`, and `folder`.parquet with the feedback on what the catalog offers."""
    from loaders.load import load
    from loaders.synthetic import write_synthetic
    from loaders.synthetic_feedback import write_feedback

    imdb, drawn, feedback = scratch / "imdb", scratch / "drawn.parquet", folder.with_suffix(".parquet")
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_synthetic(imdb, titles=titles, seed=0)
    with contextlib.closing(open_store(f"embedded:{scratch / 'made'}", create=True)) as store:
        load(store, imdb=imdb)
        there = pl.LazyFrame({"tconst": dataset.title_ids(store).tolist()})
        wanted, rows = events, 0
        while rows < 0.97 * events:  # some are on titles that are not offered, or were drawn twice
            write_feedback(imdb, drawn, users=users, events=wanted)
            known = pl.scan_parquet(drawn).join(there, on="tconst", how="semi", maintain_order="left")
            count = known.group_by("tconst").len().sort("len", "tconst", descending=True).head(ITEMS).collect()
            rows = int(count["len"].sum())
            wanted = int(1.05 * wanted * events / rows)
        known.join(count.lazy(), on="tconst", how="semi", maintain_order="left").sink_parquet(feedback)
        store.load_tables(dataset.write_catalog(scratch / "catalog", CATALOG, count["tconst"].to_list()))
    shutil.move(scratch / "made", folder)


def loaded(_options: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    """The feedback beside the store, taken in."""
    feedback = folder.with_suffix(".parquet")
    rows = pl.scan_parquet(feedback).select(pl.len()).collect().item()
    cost = _command("load", "--store", f"embedded:{folder}", "--feedback", str(feedback))
    yield from cost.figures(f"{rows:,} events loaded", f", {rows / cost.wall:,.0f} events a second")
    size = sum(one.stat().st_size for one in folder.glob("live.sqlite*"))
    yield Figure("… on disk", size / 1e9, "GB")


def tastes(options: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    """Taste vectors, learned or by chance."""
    url = f"embedded:{folder}"
    if options.tastes == "random":
        _by_chance(url)
        return
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as runs:
        learned = _command("train", str(_CONFIG), "--store", url, "--runs", runs)
        yield from learned.figures("tastes learned")
        yield from _command("publish", "tastes", "--store", url, "--runs", runs).figures("tastes published")


def _by_chance(url: str) -> None:
    weighting = Weighting(128, 128, run="chance")
    chance = np.random.default_rng(0)
    with contextlib.closing(open_store(url)) as store:
        ids = dataset.title_ids(store).tolist()
        for name, width in ((LIKED, 256), (OFFERED, 257)):
            rows = chance.normal(0, 0.1, (len(ids), width)).astype(np.float32)
            made = Provenance("chance", "Tastes", width, "", "2026-12-01", weighting.facts)
            store.set_embeddings(name, ids, rows, made, amend=name == OFFERED)


def asked(options: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    """Users by chance, each asked once, by one client and by several; what the service then holds."""
    with contextlib.closing(open_store(f"embedded:{folder}")) as store:
        users = [id_ for batch in store.scan_nodes("User", []) for id_ in batch.column("id").to_pylist()]
    order = np.random.default_rng(3).permutation(len(users)).tolist()
    addresses = (Asked(f"/users/{users[place]}/recommendations?catalog={CATALOG}") for place in order)
    with served(folder) as service:
        yield Figure("start to ready", service.ready_seconds, "s")
        begun = time.perf_counter()
        at_once(service, addresses, 1, 1)
        yield Figure("the first answer", 1000 * (time.perf_counter() - begun), "ms")
        at_once(service, addresses, 1, 50)
        for clients in (1, CLIENTS):
            found = at_once(service, addresses, clients, options.requests)
            told = (
                f"p50 {np.percentile(found.times, 50):.3g} ms, {found.rate:.0f}/s, {found.cpu:.3g} ms of processor time"
            )
            high = float(np.percentile(found.times, 95))
            name = f"recommendations for a user, {clients} client{'s' if clients > 1 else ''}, p95"
            yield Figure(name, high, "ms", LIMIT_MS if clients == 1 else None, floor=told)
        yield Figure("memory of the service beyond mapped files", service.held_bytes() / 2**20, "MB")
        yield Figure("… its peak, mapped files and all", service.peak_bytes() / 2**20, "MB")


PARTS = {"load": loaded, "tastes": tastes, "serve": asked}


def _command(*words: str) -> Cost:
    """`reelgraph` with these words. Raises RuntimeError where it fails."""
    begun = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "reelgraph", *words], stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"reelgraph {' '.join(words)} ended with {process.returncode}")
    return Cost(time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> int:
    made = parser(__doc__)
    made.set_defaults(titles=200_000)
    made.add_argument("--users", type=int, default=100_000, help="how many viewers to invent")
    made.add_argument("--events", type=int, default=20_000_000, help="about how many ratings of theirs")
    made.add_argument("--tastes", choices=("learned", "random"), default="learned", help="which vectors to publish")
    made.add_argument("--requests", type=int, default=REQUESTS, help="by each number of clients")
    made.add_argument("--only", action="append", choices=STEPS, help="of a store that is there; without: all of them")
    return run(made.parse_args(), measure)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        fill(Path(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:]))
    else:
        sys.exit(main())
