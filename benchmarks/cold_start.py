"""A search as a whole process, with all that it imports and opens: `reelgraph search TITLE`, the best of five.

python benchmarks/cold_start.py                    1M invented titles, a catalog of 100,000
python benchmarks/cold_start.py --titles 20000     quick
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from graph.store import open_store

LIMIT_SECONDS = 1.5
ROUNDS, OFFERED = 5, 100_000
_ROOT = Path(__file__).parents[1]
# This checkout, whatever an installed script may be of; and without pandas, which the core does not need: where an
# extra brings it, pyarrow imports it to see whether an array is one of pandas'.
_MAIN = """
import sys
class NoPandas:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoPandas)
import reelgraph
reelgraph.main()
"""
_REELGRAPH = [sys.executable, "-c", _MAIN]


def measure(options: argparse.Namespace) -> list[Figure]:
    with dataset.store_folder(options) as folder:
        with contextlib.closing(open_store(f"embedded:{folder}")) as store:
            ids = np.random.default_rng(2).permutation(dataset.title_ids(store))
            offered = ids[: min(OFFERED, len(ids) // 2)].tolist()
            store.load_tables(dataset.write_catalog(folder.parent / "catalog", "bench", offered))
            # One that the catalog does not have, so that substitutes are looked for.
            asked = _best_known(
                store.get_nodes("Title", ids[len(offered) :].tolist(), ["title", "num_votes", "is_adult"])
            )
        command = [*_REELGRAPH, "search", asked, "--store", f"embedded:{folder.resolve()}", "--catalog", "bench"]
        extras = [sys.executable, "-m", "reelgraph", *command[len(_REELGRAPH) :]]
        (python, _), (help_, _), (seconds, cpu), (with_extras, _) = (
            _best(each, folder.parent / "compiled")
            for each in ([sys.executable, "-c", "pass"], [*_REELGRAPH, "--help"], command, extras)
        )
    floor = f"{python:.2f} s python, {help_:.2f} s --help"
    return [
        Figure("search, the whole process", seconds, "s", LIMIT_SECONDS, floor=floor),
        Figure("search, CPU time of the process", cpu, "s"),
        Figure("search where pandas is installed", with_extras, "s"),
        Figure("reelgraph --help", help_, "s"),
    ]


def _best_known(nodes) -> str:
    rows = [row for row in nodes.to_pylist() if not row["is_adult"] and row["title"]]
    return max(rows, key=lambda row: row["num_votes"] or 0)["title"]


def _best(command: list, compiled: Path) -> tuple[float, float]:
    """Seconds of wall time and of CPU time, each the best of five."""
    # As after an installation: the modules are compiled, which the first round sees to.
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    times, busy = [], [used.ru_utime + used.ru_stime]
    for _ in range(1 + ROUNDS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=_ROOT, env=environment)
        times.append(time.perf_counter() - started)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy.append(used.ru_utime + used.ru_stime - sum(busy))
    return min(times[1:]), min(busy[2:])


if __name__ == "__main__":
    sys.exit(run(parser(__doc__).parse_args(), measure))
