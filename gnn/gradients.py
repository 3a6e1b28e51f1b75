"""One batch: its loss, and the gradients of exactly the rows that it used.

Two ways. `RowGradients`, for models with a form (gnn/forms.py): the batch's rows are gathered once, each row once, and
only they are differentiated, so a table of any size costs nothing. `ModelGradients`, for any other PyKEEN model:
PyKEEN scores, with sparse gradients where it looks rows up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from pykeen.nn.representation import Embedding
from torch import Tensor

from gnn.config import TrainingConfig
from gnn.forms import Form, Side
from gnn.kge import Kge
from gnn.losses import Hits, Objective, objective, penalty

_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Change:
    """Gradient of a parameter: of rows `ids`, each once, or of all rows where ids is None."""

    name: str
    ids: Tensor | None
    gradient: Tensor


class Gradients(Protocol):
    """What the loop asks of either way."""

    def loss(self, batch: Tensor, pools: Pools, generator: torch.Generator) -> Tensor:
        """Mean loss of (b, 3) triples, both sides, differentiable."""

    def changes(self) -> Iterator[Change]:
        """Gradients since `loss(…).backward()`."""


@dataclass(frozen=True)
class Pools:
    """Candidates that a whole batch shares, sorted, each once. None: every entity."""

    tails: Tensor | None
    heads: Tensor | None


def draw(entities: int, negatives: int, generator: torch.Generator, device: torch.device) -> Pools:
    """Two pools of `negatives` uniform draws (less what was drawn twice)."""
    if not negatives:
        return Pools(None, None)
    drawn = torch.randint(entities, (2, negatives), generator=generator)
    return Pools(*(torch.unique(pool).to(device) for pool in drawn))


def own_answers(pool: Tensor, true: Tensor) -> Hits:
    """Where a pool holds the query's own answer. pool: (n,) sorted; true: (b,)."""
    place = torch.searchsorted(pool, true.contiguous()).clamp_max_(len(pool) - 1)
    rows = (pool[place] == true).nonzero()[:, 0]
    return rows, place[rows]


class RowGradients:
    """For DistMult, ComplEx, TransE and RotatE."""

    def __init__(self, kge: Kge, config: TrainingConfig) -> None:
        self.kge, self.config = kge, config
        self.form = cast(Form, kge.form)
        self.objective: Objective = objective(config)
        names = {id(parameter): name for name, parameter in kge.model.named_parameters()}
        self.names = names[id(kge.entities)], names[id(kge.relations)]
        self.used: list[tuple[str, Tensor | None, Tensor]] = []

    def loss(self, batch: Tensor, pools: Pools, generator: torch.Generator) -> Tensor:
        """See Gradients."""
        heads, relations, tails = batch.unbind(1)
        weights, count = self.kge.entities.detach(), len(batch)
        if pools.tails is None or pools.heads is None:
            ids, pool_t, pool_h = None, None, None
            rows = weights.requires_grad_()
        else:
            ids, place = torch.unique(torch.cat([heads, tails, pools.tails, pools.heads]), return_inverse=True)
            rows = weights.index_select(0, ids).requires_grad_()
            heads, tails, pool_t, pool_h = torch.split(place, [count, count, len(pools.tails), len(pools.heads)])
        turns = self.kge.relations.detach().requires_grad_()
        self.used = [(self.names[0], ids, rows), (self.names[1], None, turns)]
        total = self._side(heads, relations, tails, "tail", rows, pool_t, turns, generator)
        total = total + self._side(tails, relations, heads, "head", rows, pool_h, turns, generator)
        return total / 2

    def _side(
        self, known: Tensor, relations: Tensor, answers: Tensor, side: Side,
        rows: Tensor, pool: Tensor | None, turns: Tensor, generator: torch.Generator,
    ) -> Tensor:  # fmt: skip
        """Loss of one side. known, answers: (b,) places among `rows`; relations: (b,); pool: (n,) places, or all."""
        asked, form_side = self.kge.asked(relations, side)
        asks: Tensor | None = None
        if pool is None:
            # A batch asks the same question often ("who is a man?"); each is scored once, and the loss stays the same.
            codes, asks = torch.unique(known * len(turns) + asked, return_inverse=True)
            known, asked = codes // len(turns), codes % len(turns)
        anchor, turn = rows.index_select(0, known), turns.index_select(0, asked)
        query = self.form.query(self._dropped(anchor, generator), self._dropped(turn, generator), form_side)
        precision = _PRECISIONS[self.config.precision]
        if pool is None:
            loss = self.objective.among_all(self.form.pool(query, rows, precision), asks, answers)
        else:
            scores = self.form.pool(query, rows.index_select(0, pool), precision)
            positive = self.form.pairs(query, rows.index_select(0, answers))
            loss = self.objective(positive, scores, own_answers(pool, answers))
        if self.config.regulariser == "none":
            return loss
        parts = ((anchor, asks), (turn, asks), (rows, answers))
        return loss + self.config.regularisation * penalty(self.config.regulariser, parts, self.form.width)

    def _dropped(self, vectors: Tensor, generator: torch.Generator) -> Tensor:
        if not self.config.dropout:
            return vectors
        keep = torch.rand(vectors.shape, generator=generator) >= self.config.dropout
        return vectors * (keep.to(vectors.device) / (1 - self.config.dropout))

    def changes(self) -> Iterator[Change]:
        """See Gradients."""
        for name, ids, rows in self.used:
            if rows.grad is not None:
                yield Change(name, ids, rows.grad)


class ModelGradients:
    """For any other model of PyKEEN's: its scores, its regularisers, its constraints."""

    def __init__(self, kge: Kge, config: TrainingConfig) -> None:
        self.kge, self.objective = kge, objective(config)
        if not any(module.__class__.__name__.startswith("BatchNorm") for module in kge.model.modules()):
            for module in kge.model.modules():
                if isinstance(module, Embedding):
                    module._embeddings.sparse = True

    def loss(self, batch: Tensor, pools: Pools, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """See Gradients."""
        model = self.kge.model
        model.train()
        model.zero_grad(set_to_none=True)
        heads, relations, tails = batch.unbind(1)
        total = batch.new_zeros((), dtype=torch.float32)
        sides: tuple[tuple[Tensor, Tensor, Tensor | None, Side], ...] = (
            (heads, tails, pools.tails, "tail"), (tails, heads, pools.heads, "head"))  # fmt: skip
        for known, true, pool, side in sides:
            rows, asked = self.kge.asked(relations, side)
            scores = self.kge.whole(known, rows, asked, pool)
            if pool is None:
                total = total + self.objective.among_all(scores, None, true) / 2
                continue
            triples = [known, rows, true] if asked == "tail" else [true, rows, known]
            positive = model.score_hrt(torch.stack(triples, 1))[:, 0]
            total = total + self.objective(positive, scores, own_answers(pool, true)) / 2
        return total + model.collect_regularization_term()

    def changes(self) -> Iterator[Change]:
        """See Gradients."""
        for name, parameter in self.kge.model.named_parameters():
            gradient = parameter.grad
            if gradient is not None and gradient.is_sparse:
                gradient = gradient.coalesce()
                yield Change(name, gradient.indices()[0], gradient.values())
            elif gradient is not None:
                yield Change(name, None, gradient)
