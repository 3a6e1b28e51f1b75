"""Our training loop beside PyKEEN's: triples a CPU-second, the MRR of equal epochs, memory at 5M entities.

    python benchmarks/training.py                         speed: 100k invented entities, 1M triples, dimension 64
    python benchmarks/training.py --only memory           5M entities, 30M triples, a part of an epoch; all of IMDb
    python benchmarks/training.py --only quality --codex DIR   CoDEx-S, three seeds, both loops (half an hour)

Both loops get the same model, dimension and number of entities. PyKEEN draws its negatives for each positive, 16 and
256; ours draws them for the whole batch, half of them heads and half tails: 256 for each positive against PyKEEN's 256,
and 128 against its 16, for shared ones are worth less (--only quality compares the MRR of these). Each measurement is a
process of its own, on one thread; CPU time, not wall time, and ratios of one run. The limits hold for PyKEEN as it
comes; a line below each says what is left when PyKEEN too gets the allocator settings of `reelgraph train`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure, parser, run

MODELS = ("DistMult", "ComplEx")
FASTER = {16: 6.0, 256: 60.0}
A_SIDE = {16: 64, 256: 128}
"""What our loop draws a side of a batch, by PyKEEN's negatives for each positive."""
MEMORY = 3.0
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "17179869184"}
# IMDb's own files, late 2026: titles and people; principals, genres, episodes.
IMDB_ENTITIES, IMDB_TRIPLES = 27_000_000, 130_000_000
RELATIONS = 9
# PyKEEN is fastest with large batches; 256 negatives of each of 4096 would not fit its caches any more.
PYKEEN_BATCH = {16: 4096, 256: 1024}
# Where it stands on CoDEx-S: the better of two optimizers for PyKEEN, each with the learning rate of its kind.
PYKEEN_RATES = {"adagrad": 0.1, "adam": 0.01}


class Enough(Exception):
    """Ends a training loop that has been measured."""


def invented(entities: int, triples: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(n, 3) triples; tails are skewed as people's and genres' degrees are."""
    random = np.random.default_rng(seed)
    made = np.empty((triples, 3), np.int64)
    for start in range(0, triples, 1_000_000):
        part = made[start : start + 1_000_000]
        part[:, 0] = random.integers(entities, size=len(part))
        part[:, 1] = random.integers(RELATIONS, size=len(part))
        part[:, 2] = random.random(len(part)) ** 3 * entities
    return made


def configured(model: str, dimension: int = 64, **training: Any) -> Any:
    from gnn.config import parse_config

    defaults = {"batch": 4096, "negatives": 256, "optimizer": "adagrad", "learning_rate": 0.1}
    return parse_config({"model": {"name": model, "dimension": dimension}, "training": defaults | training})


def split_of(entities: int, triples: int) -> Any:
    from gnn.triples import Split, Vocabulary

    names = tuple(f"Title:tt{number:07}" for number in range(entities))
    nothing = np.empty((0, 3), np.int64)
    relations = tuple(f"RELATION_{number}" for number in range(RELATIONS))
    return Split(Vocabulary(names, relations), invented(entities, triples), nothing, nothing)


def ours(model: str, entities: int, triples: int, batches: int, negatives: int) -> dict[str, float]:
    """Triples a CPU-second and peak memory of our loop over so many batches."""
    from gnn.loop import Loop

    split = split_of(entities, triples)
    loop = Loop(split, configured(model, negatives=negatives))
    loop.epoch(1, 3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    loop.epoch(2, batches)
    rate = batches * 4096 / (time.process_time() - began)
    parameters = sum(parameter.numel() * 4 for parameter in loop.kge.model.parameters())
    peak = max(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024
    return {"rate": rate, "peak": peak, "parameters": parameters}


def pykeens(model: str, entities: int, triples: int, batches: int, negatives: int) -> dict[str, float]:
    """The same of PyKEEN's own loop."""
    import torch
    from pykeen.training.callbacks import TrainingCallback
    from pykeen.triples import CoreTriplesFactory

    from gnn.kge import build
    from gnn.pykeen_loop import training_loop

    split, batch = split_of(entities, triples), PYKEEN_BATCH[negatives]
    config = configured(model, loop="pykeen", negatives=negatives, batch=batch, loss="nssa", learning_rate=0.1)
    factory = CoreTriplesFactory(torch.from_numpy(split.train), entities, RELATIONS)
    loop = training_loop(config, build(config, split.vocabulary), factory)
    clock: list[float] = []

    class Clock(TrainingCallback):
        def on_batch(self, **_: Any) -> None:
            clock.append(time.process_time())
            if len(clock) > batches + 2:
                raise Enough

    with contextlib.suppress(Enough):
        loop.train(factory, num_epochs=1, batch_size=batch, use_tqdm=False, pin_memory=False, callbacks=Clock())
    return {"rate": batch * (len(clock) - 3) / (clock[-1] - clock[2])}


def quality(model: str, folder: str, loop: str, seed: int, epochs: int, optimizer: str) -> dict[str, float]:
    """Test MRR on CoDEx-S after so many epochs."""
    from gnn.evaluate import metrics, rank
    from gnn.loop import train_shared
    from gnn.pykeen_loop import train_pykeen
    from gnn.triples import read_folder

    split = read_folder(Path(folder))
    common: dict[str, Any] = {"epochs": epochs, "every": epochs, "patience": 0, "batch": 512, "negatives": A_SIDE[16]}
    if loop == "pykeen":
        rate = PYKEEN_RATES[optimizer]
        common |= {"loop": "pykeen", "negatives": 16, "loss": "nssa", "optimizer": optimizer, "learning_rate": rate}
    config = configured(model, **common).model_copy(update={"seed": seed})
    train = train_pykeen if loop == "pykeen" else train_shared
    began = time.process_time()

    def evaluator(scorer: Any) -> float:
        return metrics(rank(scorer, split.valid, split)).mrr

    trained = train(split, config, evaluator, checkpoint=None, report=lambda _: None)
    seconds = time.process_time() - began
    return {"mrr": metrics(rank(trained.scorer, split.test, split)).mrr, "seconds": seconds}


MEASURES = {"ours": ours, "pykeens": pykeens, "quality": quality}


def apart(measure: str, *arguments: Any, allocator: bool = True) -> dict[str, float]:
    """Run one measurement in a process of its own. allocator: with the settings of `reelgraph train`."""
    command = [sys.executable, "-m", "benchmarks.training", "--measure", json.dumps([measure, *arguments])]
    settings = os.environ | {"OMP_NUM_THREADS": "1"} | (ALLOCATOR if allocator else {})
    root = Path(__file__).parents[1]
    done = subprocess.run(command, env=settings, stdout=subprocess.PIPE, check=True, text=True, cwd=root)
    print(f"  {measure} {arguments}: {done.stdout.strip()}", file=sys.stderr)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def speed(options: argparse.Namespace) -> list[Figure]:
    figures = []
    for model in MODELS:
        for negatives, limit in FASTER.items():
            mine = apart("ours", model, options.entities, options.triples, 200, A_SIDE[negatives])["rate"]
            figures.append(Figure(f"{model}, ours, {A_SIDE[negatives]} negatives a side", mine, "triples/CPU-s"))
            arguments = (model, options.entities, options.triples, 96 // negatives + 4, negatives)
            theirs = apart("pykeens", *arguments, allocator=False)["rate"]
            helped = apart("pykeens", *arguments)["rate"]
            figures += [
                Figure(f"{model}, PyKEEN, {negatives} negatives", theirs, "triples/CPU-s"),
                Figure(f"{model}, ours to PyKEEN's {negatives}", mine / theirs, "×", limit, more=True),
                Figure(f"{model}, the same with our allocator settings for both", mine / helped, "×"),
            ]
    return figures


def memory(options: argparse.Namespace) -> list[Figure]:  # noqa: ARG001
    measured = apart("ours", "ComplEx", 5_000_000, 30_000_000, 100, 128)
    epoch = IMDB_TRIPLES / measured["rate"] / 3600
    share = measured["peak"] / measured["parameters"]
    return [
        Figure("5M entities, 30M triples: parameters", measured["parameters"] / 1e9, "GB"),
        Figure("5M entities, 30M triples: peak memory to parameters", share, "×", MEMORY),
        Figure("5M entities, ComplEx, ours", measured["rate"], "triples/CPU-s"),
        Figure(f"all of IMDb ({IMDB_ENTITIES / 1e6:.0f}M entities, {IMDB_TRIPLES / 1e6:.0f}M triples), parameters",
               IMDB_ENTITIES * 64 * 4 / 1e9, "GB"),
        Figure("all of IMDb, 20 epochs, projected", 20 * epoch, "CPU-hours"),
    ]  # fmt: skip


def qualities(options: argparse.Namespace) -> list[Figure]:
    figures = []
    for model in MODELS:
        folder, epochs, seeds = str(options.codex), options.epochs, range(options.seeds)
        mine = [apart("quality", model, folder, "shared", seed, epochs, "adagrad") for seed in seeds]
        theirs = {optimizer: [apart("quality", model, folder, "pykeen", seed, epochs, optimizer) for seed in seeds]
                  for optimizer in PYKEEN_RATES}  # fmt: skip
        means = {name: float(np.mean([one["mrr"] for one in found])) for name, found in theirs.items()}
        best = max(means, key=lambda name: means[name])
        average = float(np.mean([one["mrr"] for one in mine]))
        figures += [
            Figure(f"{model}, CoDEx-S, {epochs} epochs: MRR, PyKEEN ({best})", means[best]),
            Figure(f"{model}, CoDEx-S, {epochs} epochs: MRR, ours", average, "", means[best], more=True),
        ]
    return figures


def measured(options: argparse.Namespace) -> Sequence[Figure]:
    return {"speed": speed, "memory": memory, "quality": qualities}[options.only](options)


def main() -> int:
    options_of = parser(__doc__)
    options_of.add_argument("--only", choices=("speed", "memory", "quality"), default="speed")
    options_of.add_argument("--entities", type=int, default=100_000)
    options_of.add_argument("--triples", type=int, default=1_000_000)
    options_of.add_argument("--codex", type=Path, default=Path("../shared/data/link-prediction/codex-s"))
    options_of.add_argument("--epochs", type=int, default=10)
    options_of.add_argument("--seeds", type=int, default=3)
    options_of.add_argument("--measure", help=argparse.SUPPRESS)
    options = options_of.parse_args()
    if options.measure:
        name, *arguments = json.loads(options.measure)
        print(json.dumps(MEASURES[name](*arguments)))
        return 0
    return run(options, measured)


if __name__ == "__main__":
    sys.exit(main())
