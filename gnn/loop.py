"""Our training loop: negatives shared across a batch, both sides corrupted, only touched rows updated.

Why beside PyKEEN's: drawn for each positive, negatives cost a look-up each; drawn once for a batch they cost a share
of a matrix product (PyTorch-BigGraph, Lerer et al. 2019; DGL-KE, Zheng et al. 2020). benchmarks/training.py compares.
Random numbers are drawn anew from (seed, epoch), so that a resumed run sees what an unbroken one would have seen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from gnn.adagrad import RowAdagrad, RowAdam
from gnn.config import RunConfig, TrainingConfig
from gnn.gradients import Gradients, ModelGradients, RowGradients, draw
from gnn.kge import Kge, build
from gnn.scorer import Arrays, Checkpoint, Epoch, Scorer, Trained, TrainingError
from gnn.triples import Split


@dataclass
class Progress:
    """What a run knows about itself beside the parameters; it goes into the checkpoint."""

    epoch: int = 0
    best_epoch: int = 0
    best_mrr: float = -1.0
    waited: int = 0  # evaluations since the best
    scale: float = 1.0  # of the learning rate, by the plateau schedule
    stopped: str = ""
    best: Arrays = field(default_factory=dict)

    def saw(self, mrr: float, kge: Kge, config: TrainingConfig) -> None:
        """Take note of an evaluation; keep a copy of the best parameters."""
        if mrr > self.best_mrr:
            self.best_epoch, self.best_mrr, self.waited = self.epoch, mrr, 0
            self.best = {name: array.copy() for name, array in kge.state().items()}
            return
        self.waited += 1
        if config.schedule == "plateau" and self.waited % 3 == 0:
            self.scale *= 0.5
        if config.patience and self.waited >= config.patience:
            self.stopped = f"no better validation MRR in {self.waited} evaluations since epoch {self.best_epoch}"

    def plain(self) -> dict[str, Any]:
        """All but the arrays, for JSON."""
        return {key: value for key, value in vars(self).items() if key != "best"}

    def rate(self, config: TrainingConfig) -> float:
        """Learning rate of the epoch that follows."""
        if config.schedule == "cosine":
            return config.learning_rate * (1 + math.cos(math.pi * self.epoch / config.epochs)) / 2
        return config.learning_rate * self.scale


class Loop:
    """A model in training. `epoch` may be called without anything around it: benchmarks do."""

    def __init__(self, split: Split, config: RunConfig, kge: Kge | None = None) -> None:
        self.config = config
        self.triples = torch.from_numpy(np.ascontiguousarray(split.train))
        self.kge = kge or build(config, split.vocabulary, split.train)
        self.device = self.kge.model.device
        training = config.training
        way = RowGradients if self.kge.form is not None else ModelGradients
        self.gradients: Gradients = way(self.kge, training)
        optimizer = RowAdagrad if training.optimizer == "adagrad" else RowAdam
        self.optimizer = optimizer(dict(self.kge.model.named_parameters()), training.learning_rate)

    def epoch(self, number: int, batches: int | None = None) -> float:
        """One pass over the training triples in a new order; returns the mean loss. batches: stop after so many.

        Raises TrainingError when the loss is not a number, or memory does not suffice.
        """
        training = self.config.training
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + number)
        torch.manual_seed(self.config.seed * 1_000_003 + number)  # a PyKEEN model's own dropout
        order = torch.randperm(len(self.triples), generator=generator, dtype=torch.int64)
        total, done = 0.0, 0
        for batch, rows in enumerate(torch.split(order, training.batch)[:batches], 1):
            try:
                loss = self._step(self.triples.index_select(0, rows).to(self.device), generator)
            except (RuntimeError, MemoryError) as error:
                raise self._failure(error, number, batch) from error
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss is {loss} in epoch {number}, batch {batch}: training has diverged; the last "
                    f"good checkpoint stays; lower training.learning_rate ({training.learning_rate:g}) and train anew"
                )
            total, done = total + loss * len(rows), done + len(rows)
        return total / max(done, 1)

    def _step(self, batch: torch.Tensor, generator: torch.Generator) -> float:
        pools = draw(self.kge.model.num_entities, self.config.training.negatives, generator, self.device)
        loss = self.gradients.loss(batch, pools, generator)
        value = float(loss.detach())
        if math.isfinite(value):
            torch.autograd.backward(loss)
            for change in self.gradients.changes():
                self.optimizer.step(change.name, change.ids, change.gradient)
            if self.kge.form is None:
                self.kge.model.post_parameter_update()
        return value

    def _failure(self, error: Exception, number: int, batch: int) -> Exception:
        """The same error in words that say which setting to lower, if it was memory."""
        out = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(error)
        if not out:
            return error
        training, entities = self.config.training, self.kge.model.num_entities
        scores = training.batch * (training.negatives or entities) * 4 * 6
        parameters = sum(parameter.numel() * 4 for parameter in self.kge.model.parameters())
        setting = f"model.dimension ({self.config.model.dimension})"
        if scores > parameters:
            setting = f"training.batch ({training.batch}) or training.negatives ({training.negatives})"
            if not training.negatives:
                setting = (
                    f"training.batch ({training.batch}), or draw training.negatives (0 is all {entities:,} entities)"
                )
        return TrainingError(
            f"out of memory in epoch {number}, batch {batch}: parameters take {parameters / 1e9:.1f} GB, a batch's "
            f"scores about {scores / 1e9:.1f} GB; lower {setting}"
        )

    def state(self, progress: Progress) -> tuple[Arrays, dict[str, Any]]:
        """Arrays and plain data from which `resume` goes on."""
        arrays = {f"model.{name}": array for name, array in self.kge.state().items()}
        arrays |= {f"best.{name}": array for name, array in progress.best.items()} | self.optimizer.state()
        return arrays, progress.plain()

    def resume(self, checkpoint: Checkpoint | None) -> Progress:
        """Put back the last checkpoint, if there is one."""
        kept = checkpoint.load() if checkpoint else None
        if kept is None:
            return Progress()
        _, state, meta = kept
        self.kge.load_state(part(state, "model."))
        self.optimizer.load_state(state)
        return Progress(**meta, best=part(state, "best."))


def part(state: Arrays, prefix: str) -> Arrays:
    """The arrays under a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def train_shared(
    split: Split,
    config: RunConfig,
    evaluator: Callable[[Scorer], float],
    *,
    checkpoint: Checkpoint | None,
    report: Callable[[Epoch], None],
) -> Trained:
    """Train as configured; the model returned is the one of the best validation MRR.

    evaluator: a Scorer → MRR on the validation triples. checkpoint: where to go on from and to save to, every
    `training.every` epochs. report: called after each epoch.
    Raises ConfigError, and TrainingError on a loss that is no number (the last good checkpoint stays) or too little
    memory.
    """
    loop = Loop(split, config)
    training = config.training
    progress = loop.resume(checkpoint)
    first, started = progress.epoch, time.monotonic()
    while progress.epoch < training.epochs and not progress.stopped:
        loop.optimizer.learning_rate = progress.rate(training)
        begin = time.monotonic()
        loss = loop.epoch(progress.epoch + 1)
        speed = len(split.train) / max(time.monotonic() - begin, 1e-9)
        progress.epoch += 1
        mrr = None
        last = progress.epoch == training.epochs
        if last or progress.epoch % training.every == 0:
            mrr = evaluator(loop.kge)
            progress.saw(mrr, loop.kge, training)
            if checkpoint is not None:
                checkpoint.save(progress.epoch, *loop.state(progress))
        left = (time.monotonic() - started) / (progress.epoch - first) * (training.epochs - progress.epoch)
        report(Epoch(progress.epoch, loss, speed, left, mrr))
    if progress.best:
        loop.kge.load_state(progress.best)
    loop.kge.settle()
    stopped = progress.stopped or f"all {training.epochs} epochs"
    return Trained(loop.kge, progress.epoch, progress.best_epoch, progress.best_mrr, stopped)
