"""Losses of a positive against a pool: scores in, one number out, with a gradient. Higher scores are better.

A function takes positives (b,), the pool's scores (b, n) and the Objective, and gives the mean over the b queries.
A pool entry that is the positive itself counts for nothing: `Hits` names such entries, or they score -inf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812  (everybody's name for it)
from torch import Tensor

from gnn.config import ConfigError, TrainingConfig
from gnn.kge import nearest

Hits = tuple[Tensor, Tensor]
"""Rows and columns of a pool's scores."""


@dataclass(frozen=True)
class Objective:
    """What training minimises; the settings are TrainingConfig's of the same names."""

    loss: Callable[[Tensor, Tensor, Objective], Tensor]
    margin: float
    temperature: float
    label_smoothing: float

    def __call__(self, positive: Tensor, pool: Tensor, hits: Hits | None = None) -> Tensor:
        """(b,), (b, n) → the mean loss of a query, a scalar. hits: entries that are the query's own positive."""
        if self.loss is _crossentropy and not self.label_smoothing:
            return cast(Tensor, _Softmax.apply(positive, pool, hits))
        if hits is not None and len(hits[0]):
            pool = pool.index_put(hits, pool.new_tensor(-torch.inf))
        return self.loss(positive, pool, self)

    def among_all(self, scores: Tensor, asks: Tensor | None, answers: Tensor) -> Tensor:
        """The same where every entity is a candidate.

        scores: (q, entities), one row a question; asks, answers: (b,) int64, each triple's question and answer.
        """
        asks = torch.arange(len(answers), device=answers.device) if asks is None else asks
        if self.loss is _crossentropy and not self.label_smoothing:
            return -torch.log_softmax(scores, 1)[asks, answers].mean()
        positive = scores[asks, answers]
        return self(positive, scores.index_select(0, asks).scatter(1, answers[:, None], -torch.inf))

    def mean(self, penalty: Tensor, pool: Tensor) -> Tensor:
        """Mean of (b, n) penalties over the pool: weighted by the scores' softmax if a temperature is set.

        Self-adversarial weights (Sun et al. 2019) carry no gradient.
        """
        if self.temperature:
            weights = torch.softmax(self.temperature * pool.detach(), 1)
            return (weights * penalty).sum(1)
        # As many as there are, save the few masked: their penalty is 0.
        return penalty.mean(1)


class _Softmax(torch.autograd.Function):
    """Cross entropy of the positive against the pool. Two thirds of the time of putting the two together first."""

    @staticmethod
    def forward(ctx: Any, positive: Tensor, pool: Tensor, hits: Hits | None) -> Tensor:
        """Keeps each entry's share of its query's softmax, which is the gradient."""
        highest = torch.maximum(pool.amax(1), positive)
        shares = torch.sub(pool, highest[:, None]).exp_()
        if hits is not None:
            shares[hits] = 0
        own = torch.exp(positive - highest)
        total = shares.sum(1).add_(own)
        ctx.save_for_backward(shares, own, total)
        return torch.mean(highest + total.log() - positive)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        """Uses up the shares: once only."""
        shares, own, total = ctx.saved_tensors
        slope = slopes[0] / len(own)
        return (own / total - 1) * slope, shares.mul_((slope / total)[:, None]), None


def _crossentropy(positive: Tensor, pool: Tensor, objective: Objective) -> Tensor:
    """Smoothed softmax of the positive against the pool (Joulin et al. 2017; 1vsAll where that is every entity)."""
    log = torch.log_softmax(torch.cat([positive[:, None], pool], 1), 1)
    # torch's own smoothing would multiply a masked score, -inf, into the mean.
    others = log.masked_fill(log.isneginf(), 0).mean(1)
    return -((1 - objective.label_smoothing) * log[:, 0] + objective.label_smoothing * others).mean()


def _nssa(positive: Tensor, pool: Tensor, objective: Objective) -> Tensor:
    """Log-sigmoid with a margin around which distances are far or near (Sun et al. 2019)."""
    far = objective.mean(F.softplus(pool + objective.margin), pool)
    return (F.softplus(-objective.margin - positive) + far).mean() / 2


def _bce(positive: Tensor, pool: Tensor, objective: Objective) -> Tensor:
    """Binary cross entropy of one positive and the pool's mean, as logistic as in Trouillon et al. 2016."""
    return (F.softplus(-positive) + objective.mean(F.softplus(pool), pool)).mean() / 2


def _margin(positive: Tensor, pool: Tensor, objective: Objective) -> Tensor:
    """Each negative should stay a margin below the positive (Bordes et al. 2013)."""
    return objective.mean(F.relu(objective.margin - positive[:, None] + pool), pool).mean()


LOSSES = {"crossentropy": _crossentropy, "nssa": _nssa, "bce": _bce, "margin": _margin}


def objective(config: TrainingConfig) -> Objective:
    """The objective that a configuration names. Raises ConfigError naming the nearest loss."""
    if config.loss not in LOSSES:
        raise ConfigError(f"training.loss: our loop has no loss {config.loss!r}{nearest(config.loss, LOSSES)}")
    return Objective(LOSSES[config.loss], config.margin, config.temperature, config.label_smoothing)


def penalty(kind: str, parts: Iterable[tuple[Tensor, Tensor | None]], width: int) -> Tensor:
    """Regularisation of a batch's triples, the mean over them, summed over the parts (head, relation, tail).

    parts: (n, d) vectors and (b,) which of them each triple has (None: in order). width: real numbers in one number.
    l2: squares; n3: cubes of absolute values, the nuclear 3-norm's variational form (Lacroix et al. 2018).
    """
    means = []
    for vectors, which in parts:
        if kind == "n3":
            vectors = torch.linalg.vector_norm(vectors.view(len(vectors), -1, width), dim=2)  # noqa: PLW2901
        sizes = torch.sum(vectors.pow(3).abs() if kind == "n3" else vectors.square(), 1)
        means.append((sizes if which is None else sizes.index_select(0, which)).mean())
    return torch.stack(means).sum()
