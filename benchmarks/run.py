"""Run the benchmarks one after another on one data set, and print all figures in one table.

    python benchmarks/run.py                          all of them, on 1M invented titles
    python benchmarks/run.py load two_hops            those named
    python benchmarks/run.py --titles 20000           quick: the limits are meant for 1M titles

Exit code 1 when a limit is missed or a benchmark fails. Ratios are taken within one run; times are of this machine.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import dataset
from benchmarks.figure import Figure, parser, table

WITH_FIGURES = ("load", "two_hops", "upserts", "cold_start", "search", "vector_search", "training", "crash")
IN_WORDS = ("title_search", "link_prediction_evaluation", "graphnet", "matching", "catalog_matching")
"""These print tables of their own; the last two need the real data that REELGRAPH_DATA names.

By themselves, for they train for half an hour: benchmarks/fold_in.py; likewise landmarks.py, and training with --only
quality or memory.
"""
BY_NAME = ("service", "substitutes_scale")
"""Run only where they are named: they take some minutes, or want a quiet machine, or a few gigabytes."""


def main() -> int:
    made = parser(__doc__)
    known = (*WITH_FIGURES, *IN_WORDS, *BY_NAME)
    made.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    options = made.parse_args()
    for name in options.names:
        if name not in known:
            made.error(f"there is no benchmark {name!r}; there are {', '.join(known)}")
    names = options.names or [*WITH_FIGURES, *IN_WORDS]
    figures: list[Figure] = []
    failed: list[str] = []
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgraph-bench-")))
        data = stack.enter_context(dataset.files(options))
        for name in names:
            print(f"{name} …", file=sys.stderr, flush=True)
            figures += _run(name, data, options.store or scratch / "store", failed)
    if options.json:
        print(json.dumps([vars(figure) | {"passed": figure.passed} for figure in figures], indent=1))
    else:
        print(table(figures))
    for name in failed:
        print(f"{name} failed", file=sys.stderr)
    return 1 if failed or not all(figure.passed for figure in figures) else 0


def _run(name: str, data: Path, store: Path, failed: list[str]) -> list[Figure]:
    command = [sys.executable, str(Path(__file__).with_name(f"{name}.py"))]
    if name in IN_WORDS:
        command += ["--data", str(data)] if name == "title_search" else []
        # What it prints goes aside, so that --json is nothing but JSON.
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
            failed.append(name)
        return []
    command += ["--data", str(data), "--store", str(store), "--json"]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if not done.stdout:
        failed.append(name)
        return []
    rows = json.loads(done.stdout)
    return [Figure(**{key: value for key, value in row.items() if key != "passed"}) for row in rows]


if __name__ == "__main__":
    sys.exit(main())
