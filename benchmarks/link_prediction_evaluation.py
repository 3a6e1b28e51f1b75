"""Filtered ranks of held-out triples: what a query costs, beside a bare matrix product and PyKEEN's evaluator.

    python benchmarks/link_prediction_evaluation.py                  100k entities, 1M triples, 64 dimensions
    python benchmarks/link_prediction_evaluation.py --entities 10000 --triples 100000

The model is DistMult with random weights; heads and tails are drawn with few popular ones and many rare, as in a
graph of films. Floor: the scores alone, one product of queries and entities. PyKEEN ranks fewer triples, and the ranks
of those are compared. The limit is on processor time, which others on the machine do not stretch so far.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pykeen.evaluation import RankBasedEvaluator
from pykeen.models import DistMult
from pykeen.triples import KGInfo

from benchmarks.figure import Figure, run
from gnn.evaluate import Ranks, rank
from gnn.kge import Kge
from gnn.triples import Ids, Split, Vocabulary, unique_rows

RELATIONS, BATCH, ROUNDS = 20, 256, 3
LIMIT_MS = 1.0
# What the training command sets for its own process; glibc reads it when a process begins.
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "17179869184"}


def invent(options: argparse.Namespace) -> Split:
    """A split of random triples; an entity's chance falls with its number."""
    generator = np.random.default_rng(0)
    count = options.triples
    ends = (options.entities * generator.random((2, count)) ** 3).astype(np.int64)
    triples = unique_rows(np.stack([ends[0], generator.integers(0, RELATIONS, count), ends[1]], axis=1))
    generator.shuffle(triples)
    names = Vocabulary(tuple(map(str, range(options.entities))), tuple(map(str, range(RELATIONS))))
    held = options.queries
    return Split(names, triples[2 * held :], triples[held : 2 * held], triples[:held])


def best(work: Callable[[], Any]) -> tuple[float, float]:
    """Least seconds, and least processor seconds, of the rounds."""
    found = []
    for _ in range(ROUNDS):
        begun = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    return min(wall for wall, _ in found), min(cpu for _, cpu in found)


def products(model: Kge, queries: Ids) -> None:
    """The scores that ranking needs and nothing else, without even looking at them."""
    heads, relations, tails = torch.from_numpy(queries).T
    with torch.no_grad():
        for begin in range(0, len(queries), BATCH):
            part = slice(begin, begin + BATCH)
            model.tails(heads[part], relations[part])
            model.heads(relations[part], tails[part])


def pykeens(model: DistMult, split: Split, queries: Ids) -> Ranks:
    """The same ranks by PyKEEN."""
    evaluator = RankBasedEvaluator(filtered=True, clear_on_finalize=False)
    known = [torch.from_numpy(split.train), torch.from_numpy(split.valid), torch.from_numpy(split.test)]
    evaluator.evaluate(model, torch.from_numpy(queries), batch_size=BATCH, additional_filter_triples=known,
                       use_tqdm=False)  # fmt: skip
    ranks = [np.concatenate(evaluator.ranks[side, "realistic"]) for side in ("tail", "head")]
    nothing = np.empty(0, np.int64)
    return Ranks(queries, np.concatenate(ranks), nothing, nothing.astype(np.int8), nothing)


def measure(options: argparse.Namespace) -> list[Figure]:
    torch.set_num_threads(2)
    split = invent(options)
    made = DistMult(triples_factory=KGInfo(options.entities, RELATIONS, False), embedding_dim=64, random_seed=0)
    model, queries = Kge(made), 2 * len(split.test)
    begun = time.perf_counter()
    split.known.contains(split.test)
    split.known.heads(split.test[:1, 1], split.test[:1, 2])
    built = time.perf_counter() - begun
    wall, cpu = best(lambda: rank(model, split.test, split, batch=BATCH))
    bare, bare_cpu = best(lambda: products(model, split.test))
    few = split.test[: options.pykeen]
    begun = time.perf_counter()
    theirs = pykeens(made, split, few)
    pykeen = (time.perf_counter() - begun) / (2 * len(few))
    # PyKEEN scores without the matrix product of `Kge`: the last bits differ, and a few places with them.
    apart = np.abs(rank(model, few, split).ranks - theirs.ranks)
    assert np.median(apart) == 0, apart
    assert apart.max() <= max(5, options.entities * 1e-4), apart
    return [
        # Processor time of both cores together: what one query takes of the wall clock is less where they are free.
        Figure("a query, processor time", 1000 * cpu / queries, "ms", LIMIT_MS,
               floor=f"{1000 * bare_cpu / queries:.3g} ms, the product"),
        Figure("a query, wall clock", 1000 * wall / queries, "ms", floor=f"{1000 * bare / queries:.3g} ms"),
        Figure("processor time, times the product alone", cpu / bare_cpu, "×"),
        Figure("wall clock, times the product alone", wall / bare, "×"),
        Figure("a query, times faster than PyKEEN's evaluator", pykeen * queries / wall, "×",
               floor=f"{1000 * pykeen:.3g} ms"),
        Figure("filter, once a split", built, "s", floor=f"{len(split.everything):,} triples"),
    ]  # fmt: skip


def main() -> int:
    if sys.platform == "linux" and any(name not in os.environ for name in ALLOCATOR):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ALLOCATOR)  # noqa: S606
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--entities", type=int, default=100_000)
    made.add_argument("--triples", type=int, default=1_000_000)
    made.add_argument("--queries", type=int, default=2000, help="test triples, each ranked on both sides")
    made.add_argument("--pykeen", type=int, default=64, help="how many of them PyKEEN ranks")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    return run(made.parse_args(), measure)


if __name__ == "__main__":
    sys.exit(main())
