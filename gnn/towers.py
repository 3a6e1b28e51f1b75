"""Two towers in torch: vectors of users and titles whose product says what a user will like; trained on who likes what.

Sampled softmax: each like against titles drawn by their popularity, whose log-probability is taken off the scores (the
correction of Yi et al. 2019), so that the product tends to the log-probability of the like and not to what is left of
it when popular titles are drawn more often. A like is not part of the history that it is predicted from: each user's
likes are parted by chance anew in each epoch, and each part is predicted from the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnn.histories import Floats, Ints
from gnn.tower_options import TowerOptions
from graph.tower_scores import Towers

Told = Callable[[int, float], None]
"""Is told of each epoch: its number, its mean loss."""
DIMENSION = 32
_PART, _LEAST = 16, 5  # events of a part, at most; parts of a history, at least
_ROWS = 65_536  # titles without likes that are put through their tower at a time


class Tower(nn.Module):
    """(n, width) → (n, dimension): one hidden layer, beside which the first numbers pass as they are."""

    def __init__(self, width: int, dimension: int) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(width, width), nn.Linear(width, dimension)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors."""
        return cast(Tensor, self.out(torch.relu(self.hidden(x))) + x[:, : self.out.out_features])


class TwoTowers(nn.Module):
    """says: what liking a title says; own: what a title is beside its content."""

    def __init__(self, z: Tensor, width: int, dimension: int) -> None:
        super().__init__()
        titles, content = z.shape
        self.z = z
        self.says, self.own = nn.Embedding(titles, width), nn.Embedding(titles, width)
        self.content = nn.Linear(content, width, bias=False)
        self.user, self.title = (Tower(width, dimension) for _ in range(2))
        nn.init.normal_(self.says.weight, 0, 0.1)
        nn.init.zeros_(self.own.weight)

    def users(self, titles: Tensor, starts: Tensor, weights: Tensor) -> Tensor:
        """Histories one after the other, where each begins, what each title in them counts: (users, d)."""
        x = functional.embedding_bag(titles, self.says.weight, starts, mode="sum", per_sample_weights=weights)
        count = functional.embedding_bag(
            titles, torch.ones_like(self.says.weight[:, :1]), starts, mode="sum", per_sample_weights=weights
        )
        return cast(Tensor, self.user(x / (count + 1).sqrt()))

    def titles(self, rows: Tensor) -> Tensor:
        """Vectors of titles: (rows, d)."""
        return cast(Tensor, self.title(self.own(rows) + self.content(self.z[rows])))


@dataclass(frozen=True)
class Batch:
    """Parts of histories to predict from what is left of them. All are places in the matrix's data, or rows of parts.

    users: of each part, (b,). wanted, part: what is predicted, and of which part it is, (n,). left, starts: what it is
    predicted from, one part after the other, and where each begins, (m,) and (b,); left_part: which part's each is.
    """

    users: Ints
    wanted: Ints
    part: Ints
    left: Ints
    starts: Ints
    left_part: Ints


def batches(starts: Ints, size: int, chance: np.random.Generator) -> Iterator[Batch]:
    """Part each user's events by chance, and go through the parts by chance, about so many events at a time.

    starts: where each user's events begin, and the end. A part has at most a fifth of a user's events, and at most 16.
    """
    count = np.diff(starts)
    user = np.repeat(np.arange(len(count)), count)
    order = np.lexsort((chance.random(len(user)), user))
    parts = np.maximum(-(-count // _PART), np.minimum(count, _LEAST))
    of = np.empty(len(user), np.int64)
    of[order] = (np.arange(len(user)) - starts[user]) % parts[user]  # by user and part, order is grouped already
    first = np.cumsum(parts) - parts
    group = first[user] + of
    by_group = np.argsort(group, kind="stable")
    sizes = np.bincount(group, minlength=int(parts.sum()))
    begins = np.cumsum(sizes) - sizes
    owner = np.repeat(np.arange(len(count)), parts)
    shuffled = chance.permutation(len(sizes))
    cuts = np.flatnonzero(np.diff(np.cumsum(sizes[shuffled]) // size)) + 1
    for chosen in np.split(shuffled, cuts):
        part = np.repeat(np.arange(len(chosen)), sizes[chosen])
        within = np.arange(len(part)) - np.repeat(np.cumsum(sizes[chosen]) - sizes[chosen], sizes[chosen])
        wanted = by_group[begins[chosen][part] + within]
        length = count[owner[chosen]]
        whole_part = np.repeat(np.arange(len(chosen)), length)
        inside = np.arange(len(whole_part)) - np.repeat(np.cumsum(length) - length, length)
        whole = starts[owner[chosen]][whole_part] + inside
        kept = group[whole] != chosen[whole_part]
        left = np.bincount(whole_part[kept], minlength=len(chosen))
        yield Batch(owner[chosen], wanted, part, whole[kept], np.cumsum(left) - left, whole_part[kept])


def train_towers(
    likes: sp.csr_matrix, z: Floats, options: TowerOptions, *, dimension: int = DIMENSION, seed: int = 0,
    told: Told | None = None,
) -> Towers:  # fmt: skip
    """Learn from who likes what, (users, titles), and titles' content z, (titles, c); the same by seed.

    A title that nobody likes has no vectors of its own: it is what its content is, and liking it says nothing.
    """
    width, known = max(options.width, dimension), np.unique(likes.indices)
    likes = likes[:, known]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = TwoTowers(torch.from_numpy(np.ascontiguousarray(z[known], np.float32)), width, dimension)
    chance, draws = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), options.learning_rate, weight_decay=options.decay)
    popularity = np.asarray(likes.sum(0)).ravel()
    log_q = torch.from_numpy(np.log(np.maximum(popularity, 1e-9) / popularity.sum()).astype(np.float32))
    drawn_by = torch.from_numpy(popularity.astype(np.float32))
    for epoch in range(options.epochs):
        total = 0.0
        for batch in batches(likes.indptr.astype(np.int64), options.batch, chance):
            negatives = torch.multinomial(drawn_by, options.negatives, replacement=True, generator=draws)
            kept = (chance.random(len(batch.left)) >= options.dropout) / (1 - options.dropout)
            loss = _loss(model, likes.indices.astype(np.int64), batch, kept.astype(np.float32), negatives, log_q)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += loss.item() * len(batch.wanted)
        if told is not None:
            told(epoch + 1, total / max(likes.nnz, 1))
    return exported(model, known, z)


def _loss(
    model: TwoTowers, titles: Ints, batch: Batch, kept: Floats, negatives: Tensor, log_q: Tensor
) -> Tensor:  # fmt: skip
    """Cross entropy of each like among itself and the negatives, all corrected."""
    left, starts = torch.from_numpy(titles[batch.left]), torch.from_numpy(batch.starts)
    users = model.users(left, starts, torch.from_numpy(kept))[torch.from_numpy(batch.part)]
    wanted = torch.from_numpy(titles[batch.wanted])
    offered = model.titles(torch.cat([wanted, negatives]))
    right = (users * offered[: len(wanted)]).sum(1) - log_q[wanted]
    wrong = users @ offered[len(wanted) :].T - log_q[negatives]
    wrong = wrong.masked_fill(negatives[None] == wanted[:, None], -1e9)
    scores = torch.cat([right[:, None], wrong], 1)
    return functional.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long))


@torch.no_grad()
def exported(model: TwoTowers, known: Ints, z: Floats) -> Towers:
    """The towers as arrays, over all titles. known: places of those that the model was trained on."""
    offered = np.concatenate(
        [model.title(model.content(torch.from_numpy(z[start : start + _ROWS]))).numpy()
         for start in range(0, len(z), _ROWS)]
    )  # fmt: skip
    offered[known] = model.titles(torch.arange(len(known))).numpy()
    tower = model.user
    weights: dict[str, npt.NDArray[np.float32]] = {
        "in.weight": tower.hidden.weight.numpy().copy(), "in.bias": tower.hidden.bias.numpy().copy(),
        "out.weight": tower.out.weight.numpy().copy(), "out.bias": tower.out.bias.numpy().copy(),
    }  # fmt: skip
    return Towers(spread(model.says, known, len(z)), offered, weights)


def spread(vectors: nn.Embedding, known: Ints, titles: int) -> Floats:
    """The vectors of the titles that there were to learn from, and zeros for all others: (titles, w)."""
    made = np.zeros((titles, vectors.embedding_dim), np.float32)
    made[known] = vectors.weight.detach().numpy()
    return made
