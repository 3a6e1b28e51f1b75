"""How well typed texts find their titles, how honest the confidence is, and how long it takes, slice by slice.

    python -m benchmarks.matching                          imdb-24k and imdb-2017-akas of REELGRAPH_DATA, seed 3
    python -m benchmarks.matching --store URL --seed 4     a store that is there
    python -m benchmarks.matching --fit --seed 1 --seed 2  the constants of graph/confidence.py, and thresholds

Right is any title that bears the name asked for, or `ambiguous` with the title asked for among its choices; for an
invented title, `unknown`. The calibration error is that of the first match's confidence, in ten bins over all queries,
against two truths: that the first match bears the name, and that the answer is right.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.queries import Library, Query, queries
from graph.match import choices, decide, match
from graph.store import GraphStore, open_store

DATA = ("imdb-24k", "imdb-2017-akas")
TARGETS = {
    "exact": 0.99,
    "one typo": 0.96,
    "two typos": 0.88,
    "alternate": 0.95,
    "no article": 0.97,
    "no subtitle": 0.90,
    "invented": 0.95,
}
ECE_AT_MOST = 0.05


@dataclass(frozen=True)
class Judged:
    """An answered query. named: the first match bears the name; first: it is the very title."""

    query: Query
    status: str
    confidence: float
    named: bool
    first: bool
    right: bool
    ms: float


@contextlib.contextmanager
def stores(urls: Sequence[str], data: Path) -> Iterator[dict[str, GraphStore]]:
    """The stores named, or those of the data folder, loaded into a temporary one."""
    with contextlib.ExitStack() as stack:
        opened = {url: open_store(url) for url in urls}
        if not urls:
            from loaders.load import load

            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgraph-bench-")))
            for name in DATA:
                opened[name] = open_store(f"embedded:{scratch / name}", create=True)
                load(opened[name], imdb=data / name)
        for store in opened.values():
            stack.callback(store.close)
        yield opened


def judge(store: GraphStore, library: Library, query: Query) -> Judged:
    started = time.perf_counter()
    matches = match(store, query.text, 5)
    status = decide(matches)
    ms = (time.perf_counter() - started) * 1000
    meant = query.meant
    named = bool(matches) and meant is not None and library.bears(matches[0].id, meant.name)
    first = bool(matches) and meant is not None and matches[0].id == meant.id
    offered = [one.id for one in matches[: choices(matches)]] if status == "ambiguous" else []
    right = status == "unknown" if meant is None else status != "unknown" and (named or meant.id in offered)
    return Judged(query, status, matches[0].confidence if matches else 0.0, named, first, right, ms)


def calibration_error(confidence: npt.NDArray[np.float64], true: npt.NDArray[np.bool_], bins: int = 10) -> float:
    """The expected calibration error: |mean confidence − share of true ones| of each bin, weighed by its size."""
    place = np.minimum(bins - 1, (confidence * bins).astype(int))
    gaps = np.bincount(place, confidence, bins) - np.bincount(place, true.astype(float), bins)
    return float(np.abs(gaps).sum() / len(confidence))


def report(name: str, judged: Sequence[Judged], misses: int) -> bool:
    """Print one store's table; whether each target is met."""
    print(
        f"\n{name}\n{'slice':15} {'queries':>7} {'right':>6} {'target':>6} {'first':>6} {'p50 ms':>7} {'p95 ms':>7}",
        end="",
    )
    print(f" {'ambiguous':>9} {'unknown':>7}")
    met = True
    for slice_ in dict.fromkeys(one.query.slice for one in judged):
        mine = [one for one in judged if one.query.slice == slice_]
        right, first = (float(np.mean([getattr(one, what) for one in mine])) for what in ("right", "first"))
        p50, p95 = np.quantile([one.ms for one in mine], (0.5, 0.95))
        said = [sum(one.status == status for one in mine) / len(mine) for status in ("ambiguous", "unknown")]
        target = TARGETS.get(slice_)
        met &= target is None or right >= target
        print(f"{slice_:15} {len(mine):7,} {right:6.3f} {target or '':>6} {first:6.3f} {p50:7.1f} {p95:7.1f}", end="")
        print(f" {said[0]:9.3f} {said[1]:7.3f}")
        for one in [one for one in mine if not one.right][:misses]:
            print(f"    {one.query.text!r} meant {one.query.meant and one.query.meant.name!r}, {one.status}")
    confidence = np.array([one.confidence for one in judged])
    errors = {
        what: calibration_error(confidence, np.array([truth(one) for one in judged]))
        for what, truth in (
            ("the name is the one meant", lambda one: one.named),
            ("the answer is right", lambda one: one.right if one.query.meant else one.named),
        )
    }
    for what, error in errors.items():
        print(f"expected calibration error, {what}: {error:.3f} (at most {ECE_AT_MOST})")
    print("confidence → share of names that were meant: ", end="")
    place = np.minimum(9, (confidence * 10).astype(int))
    for each in range(10):
        held = [one.named for one in np.array(judged, object)[place == each]]
        print(f"{confidence[place == each].mean():.2f}→{np.mean(held):.2f} ({len(held):,})" if held else "-", end="  ")
    print()
    return met and all(error <= ECE_AT_MOST for error in errors.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("REELGRAPH_DATA", "../shared/data")))
    parser.add_argument("--store", action="append", default=[], metavar="URL", help="ask these stores instead")
    parser.add_argument("--seed", action="append", type=int, default=[], help="of the queries; 1 and 2 are for fitting")
    parser.add_argument("--queries", type=int, default=2000, help="how many a slice")
    parser.add_argument("--misses", type=int, default=0, help="show so many of each slice")
    parser.add_argument("--fit", action="store_true", help="fit the constants of the confidence instead")
    options = parser.parse_args()
    seeds = options.seed or ([1, 2] if options.fit else [3])
    with stores(options.store, options.data) as opened:
        if options.fit:
            from benchmarks.match_fit import fit_constants

            fit_constants(list(opened.values()), seeds, options.queries)
            return 0
        met = True
        for name, store in opened.items():
            library = Library(store)
            match(store, "warm up", 5)
            asked = [query for seed in seeds for query in queries(library, seed, options.queries)]
            met &= report(name, [judge(store, library, query) for query in asked], options.misses)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
