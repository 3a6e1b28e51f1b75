"""Graph neural networks trained for link prediction with DGL: neighbour sampling and message passing. CPU only.

R-GCN and GraphSAGE over learned rows and node features, DistMult as the decoder, negatives shared by a batch.
The only module that imports DGL. Random numbers of an epoch depend on the seed and the epoch alone, so that a run
that was killed and resumed takes the same way as an unbroken one.
"""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from gnn.adagrad import RowAdagrad, RowAdam
from gnn.config import ConfigError, RunConfig
from gnn.inductive import GraphScorer, scorer_from
from gnn.layers import Block, Network
from gnn.losses import objective, penalty
from gnn.negatives import BatchNegatives
from gnn.scorer import Arrays, Checkpoint, Epoch, Scorer, Trained, TrainingError
from gnn.triples import Ids, Split

Evaluator = Callable[[Scorer], float]
NAMES = ("RGCN", "GraphSAGE")
PLATEAU = 0.5
"""What the schedule `plateau` leaves of the learning rates after an evaluation without a better MRR."""
CHUNK = 200_000
"""Targets computed at once when all entities are embedded: bounds memory, changes no result."""


class Options(BaseModel):
    """`model.options` of a graph neural network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fanout: list[int] = Field([10, 10], min_length=1, description="neighbours drawn a layer, outermost first; -1: all")
    bases: int = Field(8, ge=1, description="R-GCN's basis matrices")
    identity_dropout: float = Field(0.0, ge=0, lt=1, description="share of entities that hide their own row in a batch")
    row_rate: float = Field(0.1, gt=0, description="learning rate of the entities' own rows (row-wise Adagrad)")


def _dgl() -> Any:
    """DGL, or an error that says what to install. Its sources warn while they are compiled."""
    os.environ.setdefault("DGLBACKEND", "pytorch")  # else it says so and writes a file into the user's home
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import dgl  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        raise TrainingError(
            f"graph neural networks need DGL ({error}); install it with: pip install 'reelgraph[train]' on Python 3.11"
        ) from None
    return dgl


def copy_u_sum(rows: Tensor, sources: Tensor, targets: Tensor, n: int) -> Tensor:
    """DGL's sum of rows over edges (`gnn.layers.Sum`). Rows are passed beside the graph, never stored on it."""
    dgl = _dgl()
    block = dgl.create_block((sources.int(), targets.int()), num_src_nodes=len(rows), num_dst_nodes=n)
    summed: Tensor = dgl.ops.copy_u_sum(block, rows)
    return summed


class MessageGraph:
    """Training triples as ways for messages: head → tail as relation r, tail → head as its inverse r + R."""

    def __init__(self, entities: int, relations: int, triples: Ids) -> None:
        self._dgl = _dgl()
        heads, kinds, tails = torch.from_numpy(np.ascontiguousarray(triples.T))
        self.entities, self.triples = entities, len(triples)
        self.kinds = torch.cat([kinds, kinds + relations])
        edges = torch.cat([heads, tails]), torch.cat([tails, heads])
        self._graph = self._dgl.graph(edges, num_nodes=entities).formats("csc")
        self._hidden = torch.zeros(2 * len(triples), dtype=torch.bool)
        self._position = torch.full((entities,), -1)

    def seed(self, seed: int) -> None:
        """Start DGL's random numbers anew."""
        self._dgl.seed(seed)

    def sample(self, seeds: Tensor, fanout: list[int], without: Tensor) -> tuple[Tensor, list[Block]]:
        """The neighbourhood that `seeds` (distinct) need: the entities whose rows go in, and a block for each layer.

        fanout: neighbours drawn for each layer, outermost first; -1: all. without: triples (numbers) that must not
        be used, in neither direction: those whose existence is being predicted.
        """
        self._hidden[without] = True
        self._hidden[without + self.triples] = True
        blocks: list[Block] = []
        for width in reversed(fanout):
            drawn = self._dgl.sampling.sample_neighbors(self._graph, seeds, width)
            sources, targets = drawn.edges()
            numbers = drawn.edata[self._dgl.EID]
            kept = ~self._hidden[numbers]
            seeds, block = self._block(seeds, sources[kept], targets[kept], self.kinds[numbers[kept]])
            blocks.insert(0, block)
        self._hidden[without] = False
        self._hidden[without + self.triples] = False
        return seeds, blocks

    def everything(self, targets: Tensor) -> tuple[Tensor, Block]:
        """All edges into `targets` (distinct): the entities whose rows go in, and the block."""
        sources, reached, numbers = self._graph.in_edges(targets, form="all")
        return self._block(targets, sources, reached, self.kinds[numbers])

    def _block(self, seeds: Tensor, sources: Tensor, targets: Tensor, kinds: Tensor) -> tuple[Tensor, Block]:
        """Number the entities of a step from 0, seeds first."""
        position = self._position
        position[seeds] = torch.arange(len(seeds))
        others = torch.unique(sources[position[sources] < 0])
        rows = torch.cat([seeds, others])
        position[others] = torch.arange(len(seeds), len(rows))
        block = Block(position[sources], position[targets], kinds, len(seeds))
        position[rows] = -1
        return rows, block


class _Training:
    """What changes while it learns: the network, a row for each entity, and what both optimizers remember."""

    def __init__(self, split: Split, config: RunConfig, features: npt.NDArray[np.float32] | None) -> None:
        self.config, self.options = config, _options(config, features is not None)
        entities, relations = len(split.vocabulary.entities), len(split.vocabulary.relations)
        dimension, training = config.model.dimension, config.training
        torch.manual_seed(config.seed)
        width = 0 if features is None else features.shape[1]
        self.shape = (config.model.name, dimension, relations, width, len(self.options.fanout), self.options.bases)
        self.features = None if features is None else torch.from_numpy(features)
        self.train = torch.from_numpy(split.train)
        self.network = Network(*self.shape)
        self.table = torch.randn(entities, dimension) * dimension**-0.5
        # Never trained, so a random start would stay: features and neighbours alone describe such an entity.
        self.table[np.setdiff1d(np.arange(entities), split.train[:, [0, 2]])] = 0
        kind = RowAdam if training.optimizer == "adam" else RowAdagrad
        self.weights = kind(dict(self.network.named_parameters()), training.learning_rate)
        self.rows = RowAdagrad({"table": self.table}, self.options.row_rate)
        self.graph = MessageGraph(entities, relations, split.train)
        self.negatives = BatchNegatives(
            entities, split.train, training.negatives, objective(training), training.loss == "crossentropy"
        )

    def epoch(self, number: int, rate: float) -> float:
        """Once through the training triples, both learning rates times `rate`; the mean loss of a triple.

        Raises TrainingError when it is not finite.
        """
        seed = int(np.random.SeedSequence([self.config.seed, number]).generate_state(1)[0]) >> 1  # DGL takes 31 bits
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.graph.seed(seed)
        self.network.train()
        self.weights.learning_rate = self.config.training.learning_rate * rate
        self.rows.learning_rate = self.options.row_rate * rate
        total = 0.0
        cuts = list(range(self.config.training.batch, len(self.train), self.config.training.batch))
        batches = torch.randperm(len(self.train), generator=generator).tensor_split(cuts)
        for batch, chosen in enumerate(batches, 1):
            loss = self._step(chosen, generator)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss is {loss} in epoch {number}, batch {batch} of {len(batches)}; the last checkpoint is "
                    "kept as it was. Lower training.learning_rate or model.options.row_rate"
                )
            total += loss * len(chosen)
        return total / len(self.train)

    def _step(self, chosen: Tensor, generator: torch.Generator) -> float:
        batch = self.train[chosen]
        pools = self.negatives.draw(batch, generator)
        seeds, places = torch.unique(torch.cat([batch[:, 0], batch[:, 2], *pools]), return_inverse=True)
        inputs, blocks = self.graph.sample(seeds, self.options.fanout, chosen)
        rows = self.table[inputs].requires_grad_()
        shown = torch.rand(len(inputs), 1, generator=generator) >= self.options.identity_dropout
        first = self.network.first(rows * shown, None if self.features is None else self.features[inputs])
        made = self.network(blocks, first, copy_u_sum, self.config.training.dropout)[places]
        sizes = [len(batch), len(batch), len(pools[0]), len(pools[1])]
        head, tail, pool_h, pool_t = made.split_with_sizes(sizes)
        diagonal = self.network.diagonal[batch[:, 1]]
        loss = self.negatives.loss(head * diagonal, tail, pools[1], pool_t, batch[:, 2], 2)
        loss = (loss + self.negatives.loss(tail * diagonal, head, pools[0], pool_h, batch[:, 0], 0)) / 2
        value = loss.item()
        if self.config.training.regulariser != "none":
            size = penalty(self.config.training.regulariser, [(part, None) for part in (head, diagonal, tail)], 1)
            loss = loss + self.config.training.regularisation * size
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            if rows.grad is not None:
                self.rows.step("table", inputs, rows.grad)
            for name, parameter in self.network.named_parameters():
                if parameter.grad is not None:
                    self.weights.step(name, None, parameter.grad)
                    parameter.grad = None
        return value

    @torch.no_grad()
    def scorer(self) -> GraphScorer:
        """The model as it is now: all entities embedded, layer by layer, from all their neighbours."""
        network = Network(*self.shape)
        network.load_state_dict(self.network.state_dict())
        network.eval()
        rows = [network.first(self.table, self.features).clone()]
        for layer in range(len(self.options.fanout)):
            parts = []
            for start in range(0, self.graph.entities, CHUNK):
                targets = torch.arange(start, min(start + CHUNK, self.graph.entities))
                inputs, block = self.graph.everything(targets)
                parts.append(network.step(layer, block, rows[-1][inputs], copy_u_sum))
            rows.append(torch.cat(parts))
        return GraphScorer(network, rows)

    def state(self) -> Arrays:
        """Everything needed to go on, for a checkpoint."""
        weights = {f"weight.{name}": value.numpy() for name, value in self.network.state_dict().items()}
        return {"table": self.table.numpy(), **weights, **self.weights.state(), **self.rows.state()}

    def load_state(self, state: Arrays) -> None:
        """Put back what `state` gave."""
        self.table.copy_(torch.from_numpy(state["table"]))
        for name, value in self.network.state_dict().items():
            value.copy_(torch.from_numpy(state[f"weight.{name}"]))
        self.weights.load_state(state)
        self.rows.load_state(state)


@dataclass
class _Progress:
    """How far it is: all that a checkpoint must say beside the arrays. rate: what the plateau schedule has left."""

    epoch: int = 0
    best_epoch: int = 0
    best_mrr: float = -1.0
    worse: int = 0
    rate: float = 1.0


def train_graphnet(
    split: Split,
    config: RunConfig,
    features: npt.NDArray[np.float32] | None,
    evaluator: Evaluator,
    *,
    checkpoint: Checkpoint | None,
    report: Callable[[Epoch], None],
) -> Trained:
    """Train R-GCN or GraphSAGE for link prediction; the model at its best validation MRR.

    features: (entities, f) float32 from `gnn.features`, or None. checkpoint: goes on from it where it holds one.
    Raises ConfigError for settings that do not apply, TrainingError without DGL, for a loss that is not finite and
    when memory runs out.
    """
    training = config.training
    try:
        model = _Training(split, config, features)
        progress, best = _resume(model, checkpoint)
        started, first = time.perf_counter(), progress.epoch
        while progress.epoch < training.epochs and not _patience_is_over(progress, config):
            progress.epoch += 1
            before = time.perf_counter()
            loss = model.epoch(progress.epoch, _rate(progress, config))
            seconds, mrr = time.perf_counter() - before, None
            if progress.epoch % training.every == 0 or progress.epoch == training.epochs:
                scorer = model.scorer()
                mrr = evaluator(scorer)
                if mrr > progress.best_mrr or best is None:
                    best, progress.best_epoch, progress.best_mrr, progress.worse = scorer, progress.epoch, mrr, 0
                else:
                    progress.worse += 1
                    progress.rate *= PLATEAU if training.schedule == "plateau" else 1.0
                if checkpoint is not None:
                    kept = {f"best.{name}": value for name, value in best.state().items()}
                    checkpoint.save(progress.epoch, model.state() | kept, asdict(progress))
            left = (time.perf_counter() - started) / (progress.epoch - first) * (training.epochs - progress.epoch)
            report(Epoch(progress.epoch, loss, len(split.train) / seconds, left, mrr))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "memory" in str(error):
            raise TrainingError(
                f"memory ran out ({error}); lower training.batch, model.options.fanout or model.dimension"
            ) from None
        raise
    if best is None:  # pragma: no cover  (the last epoch is always evaluated)
        raise TrainingError("no epoch was evaluated")
    over = _patience_is_over(progress, config)
    why = f"no better validation MRR in {progress.worse} evaluations" if over else "all epochs done"
    return Trained(best, progress.epoch, progress.best_epoch, progress.best_mrr, why)


def _resume(model: _Training, checkpoint: Checkpoint | None) -> tuple[_Progress, GraphScorer | None]:
    kept = None if checkpoint is None else checkpoint.load()
    if kept is None:
        return _Progress(), None
    _, state, meta = kept
    model.load_state(state)
    best = {name.removeprefix("best."): value for name, value in state.items() if name.startswith("best.")}
    return _Progress(**meta), scorer_from(model.config, best)


def _patience_is_over(progress: _Progress, config: RunConfig) -> bool:
    return 0 < config.training.patience <= progress.worse


def _rate(progress: _Progress, config: RunConfig) -> float:
    if config.training.schedule == "cosine":
        return (1 + math.cos(math.pi * (progress.epoch - 1) / config.training.epochs)) / 2
    return progress.rate


def _options(config: RunConfig, features: bool) -> Options:
    """Check what applies to graph neural networks only. Raises ConfigError naming the key."""
    training = config.training
    if config.model.name not in NAMES:
        raise ConfigError(f"model.name: {config.model.name!r} is not a graph neural network; there are RGCN, GraphSAGE")
    if training.device == "cuda":
        raise ConfigError(
            "training.device: a graph neural network cannot use cuda: dgl 1.1.3, the last that works with a current "
            "torch, is built for CPU on PyPI; use cpu"
        )
    for key, only in (("loop", "shared"), ("precision", "float32"), ("reciprocal", False)):
        if getattr(training, key) != only:
            raise ConfigError(f"training.{key}: graph neural networks know {only!r} alone")
    try:
        return Options.model_validate({"identity_dropout": 0.2 if features else 0.0, **config.model.options})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"model.options.{key}: {first['msg']}; there are {', '.join(Options.model_fields)}") from None
