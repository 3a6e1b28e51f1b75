"""The pairwise rating network in torch: what points a user gives a title, and which of two they prefer.

A pair is what the user's ratings say (the sum of what each rated title says, times how far above its expectation it
was rated), what the title is, their product, and both means. The loss is the squared error of points and, for two
titles that one user rated differently, the logistic loss of their order (Burges et al. 2005). Whatever a rating itself
adds to the sum and to the means is taken off before it is predicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnn.histories import Floats, Ints
from gnn.tower_options import TowerOptions
from gnn.towers import Batch, Told, batches, spread
from graph.tower_scores import OF_TITLE, OF_USER, Pairs


class PairNetwork(nn.Module):
    """Points above the mean of pairs; `graph.tower_scores.forward` is the same by NumPy."""

    def __init__(self, z: Tensor, options: TowerOptions) -> None:
        super().__init__()
        titles, content = z.shape
        self.z, width = z, options.ranker_width
        self.says, self.own = nn.Embedding(titles, width), nn.Embedding(titles, width)
        self.content = nn.Linear(content, width, bias=False)
        self.hidden, self.out = nn.Linear(3 * width + 2, width), nn.Linear(width, 1)
        self.dropout = nn.Dropout(options.ranker_dropout)
        nn.init.normal_(self.says.weight, 0, 0.05)
        nn.init.normal_(self.own.weight, 0, 0.05)
        nn.init.zeros_(self.out.weight)

    def offered(self, titles: Tensor) -> Tensor:
        """What titles are: (n, width)."""
        return cast(Tensor, self.own(titles) + self.content(self.z[titles]))

    def forward(self, x: Tensor, offered: Tensor, own: Tensor, of_title: Tensor) -> Tensor:
        """(n,)."""
        x, offered = self.dropout(x), self.dropout(offered)
        pair = torch.cat([x, offered, x * offered, own[:, None], of_title[:, None]], 1)
        made = self.out(torch.relu(self.hidden(pair)))[:, 0]
        return cast(Tensor, made + (x * offered).sum(1) + own + of_title)


@dataclass(frozen=True)
class _Rated:
    """Points given, and what a rating adds to means: sums and counts, so that it can be taken off."""

    given: sp.csr_matrix
    user: Ints
    title: Ints
    points: Floats
    mean: float
    title_sum: Floats
    title_count: Floats

    @staticmethod
    def of(given: sp.csr_matrix) -> _Rated:
        user = np.repeat(np.arange(given.shape[0]), np.diff(given.indptr)).astype(np.int64)
        title, points = given.indices.astype(np.int64), given.data.astype(np.float32)
        mean = float(points.mean())
        count = np.bincount(title, minlength=given.shape[1]).astype(np.float32)
        sums = np.bincount(title, points - mean, given.shape[1]).astype(np.float32)
        return _Rated(given, user, title, points, mean, sums, count)

    @cached_property
    def of_title(self) -> Floats:
        """How much each title is above the mean: (titles,)."""
        return np.asarray(self.title_sum / (self.title_count + OF_TITLE), np.float32)

    @cached_property
    def left(self) -> Floats:
        """Of each rating, how much it is above what its title gets."""
        return np.asarray(self.points - self.mean - self.of_title[self.title], np.float32)

    def own(self, batch: Batch) -> Floats:
        """How much users rate above what titles get, by what is left of them without a part: (parts,)."""
        sums, count = (np.bincount(batch.left_part, one, len(batch.users)) for one in (self.left[batch.left], None))
        return np.asarray(sums / (count + OF_USER), np.float32)

    def above(self, places: Ints) -> Floats:
        """How much the titles of some ratings are above the mean, each without that rating."""
        title, own = self.title[places], self.points[places] - self.mean
        return np.asarray((self.title_sum[title] - own) / (self.title_count[title] - 1 + OF_TITLE), np.float32)


def train_ranker(
    given: sp.csr_matrix, z: Floats, options: TowerOptions, *, seed: int = 0, told: Told | None = None
) -> Pairs:
    """Learn from points given, (users, titles), and titles' content z, (titles, c); the same by seed.

    A title that nobody rated has no vectors of its own, as in the towers.
    """
    known = np.unique(given.indices)
    rated, chance = _Rated.of(given[:, known]), np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = PairNetwork(torch.from_numpy(np.ascontiguousarray(z[known], np.float32)), options)
        optimiser = torch.optim.Adam(model.parameters(), options.learning_rate, weight_decay=options.ranker_decay)
        model.train()
        for epoch in range(options.ranker_epochs):
            total = 0.0
            for batch in batches(rated.given.indptr.astype(np.int64), options.batch, chance):
                loss = _loss(model, rated, batch, options.pairs)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                total += loss.item() * len(batch.wanted)
            if told is not None:
                told(epoch + 1, total / max(len(rated.user), 1))
    return exported(model, rated, known, z)


def _loss(model: PairNetwork, rated: _Rated, batch: Batch, weight: float) -> Tensor:
    made = _said(model, rated, batch)
    points = torch.from_numpy(rated.points[batch.wanted] - np.float32(rated.mean))
    loss = functional.mse_loss(made, points)
    same = torch.from_numpy(batch.part[1:] == batch.part[:-1])  # two of one user, one after the other
    order = torch.sign(points[1:] - points[:-1])
    counted = same & (order != 0)
    if weight and counted.any():
        gap = (made[1:] - made[:-1]) * order
        loss = loss + weight * functional.softplus(-gap[counted]).mean()
    return loss


def _said(model: PairNetwork, rated: _Rated, batch: Batch) -> Tensor:
    x = functional.embedding_bag(
        torch.from_numpy(rated.title[batch.left]), model.says.weight, torch.from_numpy(batch.starts), mode="sum",
        per_sample_weights=torch.from_numpy(rated.left[batch.left]),
    )  # fmt: skip
    count = np.bincount(batch.left_part, minlength=len(batch.users)).astype(np.float32)
    x = x / torch.from_numpy(np.sqrt(count + 1))[:, None]
    part, titles = torch.from_numpy(batch.part), torch.from_numpy(rated.title[batch.wanted])
    own, above = torch.from_numpy(rated.own(batch)), torch.from_numpy(rated.above(batch.wanted))
    return cast(Tensor, model(x[part], model.offered(titles), own[part], above))


@torch.no_grad()
def exported(model: PairNetwork, rated: _Rated, known: Ints, z: Floats) -> Pairs:
    """The ranker as arrays, over all titles. known: places of those that the model was trained on."""
    net: dict[str, npt.NDArray[np.float32]] = {
        "in.weight": model.hidden.weight.numpy().copy(), "in.bias": model.hidden.bias.numpy().copy(),
        "out.weight": model.out.weight.numpy().copy(), "out.bias": model.out.bias.numpy().copy(),
    }  # fmt: skip
    offered = model.content(torch.from_numpy(z)).numpy() + spread(model.own, known, len(z))
    of_title = np.zeros(len(z), np.float32)
    of_title[known] = rated.of_title
    return Pairs(spread(model.says, known, len(z)), offered, rated.mean, of_title, net)
