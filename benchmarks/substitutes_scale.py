"""Substitute vectors at scale: feedback loaded, vectors learned and published for all titles; time and peak memory.

    python benchmarks/substitutes_scale.py                                          1M titles, 200k viewers, 20M ratings
    python benchmarks/substitutes_scale.py --titles 100000 --users 20000 --events 2000000    quick

Titles and viewers are invented (loaders/synthetic.py, loaders/synthetic_feedback.py, seed 0); a tenth of the titles is
in the catalog. Each part is a process of its own. The limits, 30 minutes and 8 GB, are for learning and publishing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run

LIMIT_SECONDS, LIMIT_MB = 1_800.0, 8_000.0
_CONFIG = Path(__file__).parents[1] / "configs" / "substitutes.toml"


def measure(options: argparse.Namespace) -> list[Figure]:
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgraph-bench-")))
        options.data = stack.enter_context(dataset.files(options))
        store = stack.enter_context(dataset.store_folder(options))
        feedback = scratch / "feedback.parquet"
        parts = {}
        for what, target in (("invent", feedback), ("feedback", feedback), ("train", scratch), ("publish", scratch)):
            arguments = [options.data, store, target, options.users, options.events]
            parts[what] = _child(what, *map(str, arguments))
            print(f"{what}: {parts[what]}", file=sys.stderr, flush=True)
    learned = [parts["train"], parts["publish"]]
    told = parts["train"]["told"]
    rows = parts["invent"]["told"]["rows"]
    figures = [
        Figure("learned and published", sum(one["wall"] for one in learned), "s", LIMIT_SECONDS),
        Figure("… peak memory", max(one["memory"] for one in learned), "MB", LIMIT_MB),
        Figure("feedback loaded", rows / parts["feedback"]["wall"], "/s", floor=f"{rows:,} ratings"),
        Figure("titles learned from", told["learned_from"], floor=f"{told['landmarks']:,} landmarks"),
        Figure("NDCG@10 of left-out titles", told["ndcg"], floor=f"the most liked: {told['popularity']:.3f}"),
    ]
    for what in ("feedback", "train", "publish"):
        one = parts[what]
        figures.append(Figure(f"{what}: wall time", one["wall"], "s", floor=f"{one['cpu']:.0f} s of CPU"))
        figures.append(Figure(f"{what}: peak memory", one["memory"], "MB"))
        figures += [Figure(f"  {stage}", seconds, "s") for stage, seconds in one["told"].get("stages", {}).items()]
    return figures


def _child(what: str, *arguments: str) -> dict:
    started = time.perf_counter()
    command = [sys.executable, __file__, "--child", what, *arguments]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed.splitlines()[-1]) | {"wall": time.perf_counter() - started}


class _Stages:
    """Seconds of each stage that a progress names."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage, self._since = "start", time.perf_counter()

    def __call__(self, what: str, _share: float) -> None:
        now = time.perf_counter()
        self.seconds[self._stage] = round(self.seconds.get(self._stage, 0.0) + now - self._since, 1)
        self._stage, self._since = what, now


def _invent(data: Path, store: Path, target: Path, users: int, events: int) -> dict:
    from graph.store import open_store
    from loaders.synthetic_feedback import write_feedback

    with contextlib.closing(open_store(f"embedded:{store}")) as opened:
        ids = np.random.default_rng(2).permutation(dataset.title_ids(opened))
        opened.load_tables(dataset.write_catalog(target.parent / "catalog", "bench", ids[: len(ids) // 10].tolist()))
    return {"rows": write_feedback(data, target, users=users, events=events)}


def _load(_data: Path, store: Path, target: Path, *_sizes: int) -> dict:
    from graph.store import open_store
    from loaders.load import load

    stages = _Stages()
    with contextlib.closing(open_store(f"embedded:{store}")) as opened:
        load(opened, feedback=[target], progress=stages)
    return {"stages": stages.seconds}


def _train(_data: Path, store: Path, target: Path, *_sizes: int) -> dict:
    from gnn.config import read_config
    from gnn.substitutes_run import train_substitutes
    from graph.store import open_store

    stages = _Stages()
    with contextlib.closing(open_store(f"embedded:{store}")) as opened:
        made = train_substitutes(read_config(_CONFIG), opened, target / "runs", stages)
    found = json.loads((made.folder / "metrics.json").read_text("utf-8"))["left_out"]
    told = {name: made.record[name] for name in ("learned_from", "landmarks")}
    quality = {"ndcg": found["model"]["ndcg@10"], "popularity": found["popularity"]["ndcg@10"]}
    return told | quality | {"stages": stages.seconds}


def _publish(_data: Path, store: Path, target: Path, *_sizes: int) -> dict:
    from gnn.publish import publish
    from graph.store import open_store

    with contextlib.closing(open_store(f"embedded:{store}")) as opened:
        publish(next((target / "runs").iterdir()), opened)
    return {}


def _run_child(arguments: Sequence[str]) -> None:
    part = {"invent": _invent, "feedback": _load, "train": _train, "publish": _publish}[arguments[0]]
    told = part(*map(Path, arguments[1:4]), *map(int, arguments[4:]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024, "told": told}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _run_child(sys.argv[2:])
    else:
        made = parser(__doc__)
        made.add_argument("--users", type=int, default=200_000, help="how many viewers to invent")
        made.add_argument("--events", type=int, default=20_000_000, help="about how many ratings of theirs")
        sys.exit(run(made.parse_args(), measure))
