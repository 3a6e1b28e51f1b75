"""LightGCN (He et al. 2020) and BPR (Rendle et al. 2009) in plain torch: the rows that papers compare themselves with.

Users and titles have a vector each. LightGCN lets these flow along who likes what, `layers` times, each step divided by
the roots of both degrees, and takes the mean of all steps; without layers it is BPR's matrix factorisation. Both learn
that a title that a user likes is above one drawn by chance. A sparse product of torch does it: no other package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field

from gnn.histories import Floats, Histories, Ints
from gnn.prepare import needs

if TYPE_CHECKING:
    import torch

    from gnn.recommend_strategies import Learning


DIMENSION = 64


class Flow(BaseModel):
    """How it is trained, `model.options` of LightGCN."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layers: int = Field(2, ge=0, description="steps along who likes what; 0: BPR")
    epochs: int = Field(60, ge=1)
    batch: int = Field(2_048, ge=1, description="likes that are learned from at a time")
    learning_rate: float = Field(5e-3, gt=0)
    decay: float = Field(1e-4, ge=0, description="of the vectors of a batch")


class BprFlow(Flow):
    """The same of BPR."""

    layers: int = Field(0, ge=0, le=0, description="BPR has none")
    decay: float = Field(1e-2, ge=0, description="of the vectors of a batch")


@dataclass(frozen=True)
class Vectors:
    """users: (users, d), of those learned from; known: which these are. titles: (titles, d)."""

    users: Floats
    known: Ints
    titles: Floats

    def score(self, known: Histories, users: Ints) -> Floats:
        """See Recommender. Who was not learned from is the mean of the titles that they like, each of unit length."""
        likes = known.matrix(liked=True)[users]
        count = np.maximum(np.asarray(likes.sum(1), np.float32).reshape(-1, 1), 1)
        directions = self.titles / np.maximum(np.linalg.norm(self.titles, axis=1, keepdims=True), 1e-9)
        folded = np.asarray(likes @ directions, np.float32) / count
        made = np.where(np.isin(users, self.known)[:, None], self.users[users], folded)
        return np.asarray(made @ self.titles.T, np.float32)


def learned(likes: sp.csr_matrix, flow: Flow, dimension: int = DIMENSION, seed: int = 0) -> Vectors:
    """Train on who likes what, (users, titles); the same by seed."""
    import torch
    from torch.nn import functional

    users, titles = likes.shape
    chance, draws = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    own = torch.empty(users + titles, dimension).normal_(0, 0.1, generator=draws).requires_grad_()
    steps = _adjacency(likes)
    optimiser = torch.optim.Adam([own], flow.learning_rate)

    def flown() -> torch.Tensor:
        at, total = own, own
        for _ in range(flow.layers):
            at = torch.sparse.mm(steps, at)
            total = total + at
        return total / (flow.layers + 1)

    user = np.repeat(np.arange(users), np.diff(likes.indptr))
    title = likes.indices.astype(np.int64)
    for _ in range(flow.epochs):
        order = chance.permutation(len(user))
        for start in range(0, len(order), flow.batch):
            rows = order[start : start + flow.batch]
            who, right = torch.from_numpy(user[rows]), torch.from_numpy(title[rows]) + users
            wrong = torch.from_numpy(chance.integers(0, titles, len(rows))) + users
            at = flown()
            gap = (at[who] * (at[right] - at[wrong])).sum(1)
            weight = sum(own[one].square().sum() for one in (who, right, wrong)) / (2 * len(rows))
            loss = functional.softplus(-gap).mean() + flow.decay * weight
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    with torch.no_grad():
        made = flown().numpy()
    return Vectors(made[:users], np.flatnonzero(np.diff(likes.indptr)), made[users:])


def _adjacency(likes: sp.csr_matrix) -> torch.Tensor:
    """Who likes what, both ways, over the roots of both degrees: (users + titles,) squared, sparse."""
    import torch

    both = sp.bmat([[None, likes], [likes.T, None]]).tocsr()
    root = 1 / np.sqrt(np.maximum(np.asarray(both.sum(1)).ravel(), 1))
    scaled = (sp.diags(root) @ both @ sp.diags(root)).tocoo()
    places = torch.from_numpy(np.stack([scaled.row, scaled.col]).astype(np.int64))
    data = torch.from_numpy(scaled.data.astype(np.float32))
    return torch.sparse_coo_tensor(places, data, scaled.shape, check_invariants=True).coalesce()


def lightgcn(given: Learning) -> Vectors:
    """Fit LightGCN. Raises NotInstalled without torch."""
    needs("torch")
    return learned(given.histories.matrix(liked=True), Flow(), seed=given.seed)


def bpr(given: Learning) -> Vectors:
    """Fit BPR. Raises NotInstalled without torch."""
    needs("torch")
    return learned(given.histories.matrix(liked=True), BprFlow(), seed=given.seed)
