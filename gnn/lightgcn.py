"""LightGCN (He et al. 2020) and BPR (Rendle et al. 2009) in plain torch: the rows that papers compare themselves with.

Users and titles have a vector each. LightGCN lets these flow along who likes what, `layers` times, each step divided by
the roots of both degrees, and takes the mean of all steps; without layers it is BPR's matrix factorisation. Both learn
that a title that a user likes is above one drawn by chance. A sparse product of torch does it: no other package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from gnn.histories import Floats, Histories, Ints
from gnn.prepare import needs
from graph.vectors import unit

if TYPE_CHECKING:
    import torch

    from gnn.recommend_strategies import Learning

_TRIES = 100  # draws, for somebody who likes nearly all


@dataclass(frozen=True)
class Flow:
    """How it is trained. layers: 0 is BPR.

    spread: of the first vectors; None: √(2 / (rows + dimension)) of users, and of titles (Glorot and Bengio 2010).
    unliked: what is drawn against a like is none itself; otherwise it may be, seldom.
    """

    layers: int = 2
    dimension: int = 64
    epochs: int = 60
    batch: int = 2_048
    learning_rate: float = 5e-3
    decay: float = 1e-4
    spread: float | None = 0.1
    unliked: bool = False
    seed: int = 0


BPR = Flow(layers=0, decay=1e-2)


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
        folded = np.asarray(likes @ unit(self.titles), np.float32) / count
        made = np.where(np.isin(users, self.known)[:, None], self.users[users], folded)
        return np.asarray(made @ self.titles.T, np.float32)


def learned(likes: sp.csr_matrix, flow: Flow, goes_on: Callable[[Vectors], bool] | None = None) -> Vectors:
    """Train on who likes what, (users, titles); the same by seed. goes_on: sees each epoch, and may say no to more."""
    import torch
    from torch.nn import functional

    users, titles = likes.shape
    chance, draws = np.random.default_rng(flow.seed), torch.Generator().manual_seed(flow.seed)
    own = torch.empty(users + titles, flow.dimension).normal_(generator=draws)
    for side in (own[:users], own[users:]):
        side.mul_(np.sqrt(2 / sum(side.shape)) if flow.spread is None else flow.spread)
    own.requires_grad_()
    steps = _adjacency(likes)
    optimiser = torch.optim.Adam([own], flow.learning_rate)

    def flown() -> torch.Tensor:
        at, total = own, own
        for _ in range(flow.layers):
            at = torch.sparse.mm(steps, at)
            total = total + at
        return total / (flow.layers + 1)

    def so_far() -> Vectors:
        with torch.no_grad():
            made = flown().numpy().copy()
        return Vectors(made[:users], np.flatnonzero(np.diff(likes.indptr)), made[users:])

    user = np.repeat(np.arange(users), np.diff(likes.indptr))
    title = likes.indices.astype(np.int64)
    liked = np.sort(user * titles + title) if flow.unliked else np.empty(0, np.int64)
    for _ in range(flow.epochs):
        order = chance.permutation(len(user))
        for start in range(0, len(order), flow.batch):
            rows = order[start : start + flow.batch]
            who, right = torch.from_numpy(user[rows]), torch.from_numpy(title[rows]) + users
            wrong = torch.from_numpy(_against(user[rows], liked, titles, chance)) + users
            at = flown()
            gap = (at[who] * (at[right] - at[wrong])).sum(1)
            loss = functional.softplus(-gap).mean()
            if flow.decay:
                weight = sum(own[one].square().sum() for one in (who, right, wrong)) / (2 * len(rows))
                loss = loss + flow.decay * weight
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        if goes_on and not goes_on(so_far()):
            break
    return so_far()


def _against(user: Ints, liked: Ints, titles: int, chance: np.random.Generator) -> Ints:
    """A title drawn for each user; anew where user · titles + title is among the sorted pairs of who likes what."""
    made = chance.integers(0, titles, len(user))
    for _ in range(_TRIES if len(liked) else 0):
        pairs = user * titles + made
        again = np.flatnonzero(liked[np.minimum(np.searchsorted(liked, pairs), len(liked) - 1)] == pairs)
        if not len(again):
            break
        made[again] = chance.integers(0, titles, len(again))
    return made


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
    return learned(given.histories.matrix(liked=True), Flow(seed=given.seed))


def bpr(given: Learning) -> Vectors:
    """Fit BPR. Raises NotInstalled without torch."""
    needs("torch")
    return learned(given.histories.matrix(liked=True), replace(BPR, seed=given.seed))
