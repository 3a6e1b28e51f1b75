"""Wrong answers shared by a whole batch, for models whose every vector costs a walk through the graph."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from gnn.losses import Objective
from gnn.triples import Ids


class BatchNegatives:
    """Entities drawn for a batch: half uniformly, half from the batch itself, whose vectors are there anyway.

    Only entities of the training triples are drawn: to be unlinked yet is no sign of being a wrong answer.
    A softmax over all entities is estimated from those drawn, each weighed by one over its chance of being drawn
    (Horvitz and Thompson 1952), so that popular entities are not unlearned for being drawn often.
    """

    def __init__(self, entities: int, train: Ids, wanted: int, objective: Objective, weigh: bool) -> None:
        self.known = torch.from_numpy(np.unique(train[:, [0, 2]]))
        self.half, self.objective = max(1, wanted // 2), objective
        self.every = wanted == 0 or wanted >= len(self.known)
        self._log_chance: dict[int, Tensor] = {}
        if weigh and not self.every:
            anywhere = self.half * math.log1p(-1 / len(self.known))
            for column in (0, 2):
                share = np.bincount(train[:, column], minlength=entities) / len(train)
                missed = anywhere + self.half * np.log1p(-np.minimum(share, 1 - 1e-9))
                self._log_chance[column] = torch.from_numpy(np.log(-np.expm1(missed))).float()

    def draw(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Distinct entities for the head's place and for the tail's. batch: (b, 3)."""
        if self.every:
            return self.known, self.known
        anywhere = self.known[torch.randint(len(self.known), (self.half,), generator=generator)]
        chosen = torch.randperm(len(batch), generator=generator)[: self.half]
        heads, tails = (torch.unique(torch.cat([anywhere, batch[chosen, column]])) for column in (0, 2))
        return heads, tails

    def loss(self, known: Tensor, true: Tensor, pool: Tensor, vectors: Tensor, answers: Tensor, column: int) -> Tensor:
        """Mean loss of a query. known, true: (b, d), scored by inner product; vectors: (k, d) of the pool;
        answers: (b,) entities, left out of the pool; column: 0 where heads are asked for, 2 where tails.
        """
        scores = known @ vectors.T
        if column in self._log_chance:
            scores = scores - self._log_chance[column][pool]
        scores = scores.masked_fill(answers[:, None] == pool, -torch.inf)
        return self.objective((known * true).sum(1), scores)
