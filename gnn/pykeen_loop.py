"""PyKEEN's own training loops on the same configuration, with its losses, regularisers, samplers and trackers.

Negatives are drawn for each positive (sLCWA), or every entity is one (LCWA, `training.negatives = 0`).
`training.options` reach PyKEEN: `loss`, `negative_sampler`, `optimizer`, `lr_scheduler`, `result_tracker`, each a name
of PyKEEN's with its arguments in `…_kwargs`, and `train`, the arguments of `TrainingLoop.train`. A tracker is told the
configuration, the loss of each epoch and the validation MRR.
Checkpoints are ours, arrays only: PyKEEN's are pickles.
"""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from pykeen.losses import loss_resolver
from pykeen.training import LCWATrainingLoop, SLCWATrainingLoop, TrainingLoop
from pykeen.training.callbacks import TrainingCallback
from pykeen.triples import CoreTriplesFactory

from gnn.config import ConfigError, RunConfig
from gnn.kge import Kge, build, nearest
from gnn.loop import Progress, part
from gnn.scorer import Arrays, Checkpoint, Epoch, Scorer, Trained, TrainingError
from gnn.triples import Split

_OPTIONS = ("loss", "loss_kwargs", "negative_sampler", "negative_sampler_kwargs", "optimizer", "optimizer_kwargs",
            "lr_scheduler", "lr_scheduler_kwargs", "result_tracker", "result_tracker_kwargs", "train")  # fmt: skip


def train_pykeen(
    split: Split,
    config: RunConfig,
    evaluator: Callable[[Scorer], float],
    *,
    checkpoint: Checkpoint | None,
    report: Callable[[Epoch], None],
) -> Trained:
    """As `gnn.loop.train_shared`, by PyKEEN's loop. Raises ConfigError on a setting that it does not have."""
    _check(config)
    factory = CoreTriplesFactory(torch.from_numpy(np.ascontiguousarray(split.train)), len(split.vocabulary.entities),
                                 len(split.vocabulary.relations), config.training.reciprocal)  # fmt: skip
    kge = build(_regularised(config), split.vocabulary, split.train)
    loop = training_loop(config, kge, factory)
    watch = _Watch(len(split.train), kge, config, evaluator, checkpoint, report)
    resumed = watch.resume(loop)
    if not watch.progress.stopped and watch.progress.epoch < config.training.epochs:
        with _tracked(loop, config), warnings.catch_warnings():
            # PyKEEN's own words to itself: its loop sets what its data loader deprecates.
            warnings.filterwarnings("ignore", "Training instances are always shuffled", DeprecationWarning)
            loop.train(factory, num_epochs=config.training.epochs, batch_size=config.training.batch, use_tqdm=False,
                       label_smoothing=config.training.label_smoothing, continue_training=resumed, callbacks=watch,
                       pin_memory=False, **config.training.options.get("train", {}))  # fmt: skip
    progress = watch.progress
    if progress.best:
        kge.load_state(progress.best)
    stopped = progress.stopped or f"all {config.training.epochs} epochs"
    return Trained(kge, progress.epoch, progress.best_epoch, progress.best_mrr, stopped)


def training_loop(config: RunConfig, kge: Kge, factory: CoreTriplesFactory) -> TrainingLoop[Any]:
    """PyKEEN's loop object as configured."""
    training, options = config.training, config.training.options
    name, arguments = {
        "crossentropy": ("crossentropy", {}),
        "nssa": ("nssa", {"margin": training.margin, "adversarial_temperature": training.temperature or 1.0}),
        "bce": ("bcewithlogits", {}),
        "margin": ("marginranking", {"margin": training.margin}),
    }.get(training.loss, (training.loss, {}))
    try:
        kge.model.loss = loss_resolver.make(options.get("loss", name), options.get("loss_kwargs", arguments))
    except (KeyError, ValueError, TypeError) as error:
        near = nearest(training.loss, sorted(loss_resolver.lookup_dict))
        raise ConfigError(f"training.loss: PyKEEN cannot make {training.loss!r} ({error}){near}") from None
    cosine = {"T_max": training.epochs} if training.schedule == "cosine" else None
    shared: dict[str, Any] = {
        "model": kge.model, "triples_factory": factory, "automatic_memory_optimization": False,
        "optimizer": options.get("optimizer", training.optimizer),
        "optimizer_kwargs": {"lr": training.learning_rate, **options.get("optimizer_kwargs", {})},
        "lr_scheduler": options.get("lr_scheduler", "CosineAnnealingLR" if cosine else None),
        "lr_scheduler_kwargs": options.get("lr_scheduler_kwargs", cosine),
        "result_tracker": options.get("result_tracker"), "result_tracker_kwargs": options.get("result_tracker_kwargs"),
    }  # fmt: skip
    sampler = {"num_negs_per_pos": training.negatives, **options.get("negative_sampler_kwargs", {})}
    try:
        if not training.negatives:
            return LCWATrainingLoop(**shared)
        return SLCWATrainingLoop(
            negative_sampler=options.get("negative_sampler", "basic"), negative_sampler_kwargs=sampler, **shared
        )
    except (KeyError, ValueError, TypeError, ImportError) as error:
        raise ConfigError(f"training.options: PyKEEN cannot make its loop with {options}: {error}") from None


@contextlib.contextmanager
def _tracked(loop: TrainingLoop[Any], config: RunConfig) -> Iterator[None]:
    """Begin and end a run of PyKEEN's result tracker; its own loop leaves that to its pipeline."""
    tracker = loop.result_tracker
    tracker.start_run(config.name)
    success = False
    try:
        tracker.log_params(config.model_dump(mode="json"))
        yield
        success = True
    finally:
        tracker.end_run(success)


def _check(config: RunConfig) -> None:
    training = config.training
    for option in training.options:
        if option not in _OPTIONS:
            raise ConfigError(f"training.options: PyKEEN's loop has no {option!r}{nearest(option, _OPTIONS)}")
    wrong = {"dropout": training.dropout > 0, "schedule": training.schedule == "plateau",
             "precision": training.precision != "float32"}  # fmt: skip
    for setting, given in wrong.items():
        if given:
            raise ConfigError(f'training.{setting}: only our own loop has it (training.loop = "shared")')


def _regularised(config: RunConfig) -> RunConfig:
    """The same configuration with its regulariser as an option of the PyKEEN model."""
    if config.training.regulariser == "none":
        return config
    power = {"l2": 2.0, "n3": 3.0}[config.training.regulariser]
    given = {"regularizer": "powersum",
             "regularizer_kwargs": {"weight": config.training.regularisation, "p": power}}  # fmt: skip
    model = config.model.model_copy(update={"options": given | config.model.options})
    return config.model_copy(update={"model": model})


class _Watch(TrainingCallback):
    """Evaluates, reports, keeps checkpoints and stops, between PyKEEN's epochs."""

    def __init__(
        self,
        size: int,
        kge: Kge,
        config: RunConfig,
        evaluator: Callable[[Scorer], float],
        checkpoint: Checkpoint | None,
        report: Callable[[Epoch], None],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.size, self.kge, self.config, self.evaluator = size, kge, config, evaluator
        self.checkpoint, self.report = checkpoint, report
        self.progress = Progress()
        self.began = time.monotonic()
        self.batches = 0

    def on_batch(self, epoch: int, batch: Any, batch_loss: float, **_: Any) -> None:  # noqa: ARG002
        """Stop at a loss that is no number."""
        self.batches += 1
        if not math.isfinite(batch_loss):
            raise TrainingError(
                f"the loss is {batch_loss} in epoch {epoch}, batch {self.batches}: training has diverged; "
                f"the last good checkpoint stays; lower training.learning_rate ({self.config.training.learning_rate:g})"
            )

    def post_epoch(self, epoch: int, epoch_loss: float, **_: Any) -> None:
        """What our own loop does after an epoch."""
        training, seconds = self.config.training, time.monotonic() - self.began
        self.progress.epoch = epoch
        mrr = None
        if epoch == training.epochs or epoch % training.every == 0:
            mrr = self.evaluator(self.kge)
            self.progress.saw(mrr, self.kge, training)
            self.result_tracker.log_metrics({"mrr": mrr}, step=epoch, prefix="validation")
            if self.checkpoint is not None:
                self.checkpoint.save(epoch, *self._state())
        if self.progress.stopped:
            self.training_loop._should_stop = True
        speed = self.size / max(seconds, 1e-9)
        self.report(Epoch(epoch, float(epoch_loss), speed, seconds * (training.epochs - epoch), mrr))
        self.began, self.batches = time.monotonic(), 0
        torch.manual_seed(self.config.seed * 1_000_003 + epoch)  # a resumed run draws the same from here

    def _state(self) -> tuple[Arrays, dict[str, Any]]:
        arrays = {f"model.{name}": array for name, array in self.kge.state().items()}
        arrays |= {f"best.{name}": array for name, array in self.progress.best.items()}
        for number, slots in self.training_loop.optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer.{number}.{key}": np.asarray(value) for key, value in slots.items()}
        return arrays, self.progress.plain()

    def resume(self, loop: TrainingLoop[Any]) -> bool:
        """Go on from the last checkpoint; False when there is none."""
        kept = self.checkpoint.load() if self.checkpoint else None
        if kept is None:
            return False
        _, state, meta = kept
        self.kge.load_state(part(state, "model."))
        self.progress = Progress(**meta, best=part(state, "best."))
        slots: dict[int, dict[str, Any]] = {}
        for name, array in part(state, "optimizer.").items():
            number, key = name.split(".", 1)
            slots.setdefault(int(number), {})[key] = torch.from_numpy(np.array(array))
        loop.optimizer.load_state_dict({**loop.optimizer.state_dict(), "state": slots})
        loop._epoch = self.progress.epoch
        torch.manual_seed(self.config.seed * 1_000_003 + self.progress.epoch)
        return True
