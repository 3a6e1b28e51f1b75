"""Graph neural networks in plain PyTorch: what a layer computes, and nothing about graphs but who reaches whom.

Only sums of rows cross an edge (DGL's `copy_u`): every normalisation scales rows before or after, never an edge,
which is several times faster than a weight on each edge. Who does the summing is handed in (`Sum`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Sum = Callable[[Tensor, Tensor, Tensor, int], Tensor]
"""(rows (s, d), sources (e,), targets (e,), n) → (n, d): row `target` is the sum of the rows that reach it."""


def index_sum(rows: Tensor, sources: Tensor, targets: Tensor, n: int) -> Tensor:
    """The `Sum` that needs nothing but PyTorch."""
    return rows.new_zeros(n, rows.shape[1]).index_add(0, targets, rows[sources])


@dataclass(frozen=True)
class Block:
    """The edges of one step. Targets are the first `targets_n` of the rows that come in.

    sources, targets: (e,) int64 row numbers; relations: (e,) int64, inverse ones counted on after the others.
    """

    sources: Tensor
    targets: Tensor
    relations: Tensor
    targets_n: int


class SageLayer(nn.Module):
    """GraphSAGE with the mean aggregator (Hamilton et al. 2017): own row and the neighbours' mean, each mapped."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.own = nn.Linear(dimension, dimension)
        self.near = nn.Linear(dimension, dimension, bias=False)

    def forward(self, block: Block, rows: Tensor, add: Sum) -> Tensor:
        """(s, d) → (targets_n, d)."""
        n = block.targets_n
        counts = torch.bincount(block.targets, minlength=n).clamp(min=1)
        mean = add(rows, block.sources, block.targets, n) / counts[:, None]
        made: Tensor = self.own(rows[:n]) + self.near(mean)
        return made


class RelationalLayer(nn.Module):
    """R-GCN (Schlichtkrull et al. 2018, equation 2) with basis decomposition (equation 3): 1/c is 1/|N_r(v)|.

    Rows are summed for each (relation, target) that occurs, scaled there, mapped by the relation's matrix, and summed
    again for each target: both sums are `copy_u`, and a matrix meets each pair once, not each edge.
    """

    def __init__(self, dimension: int, relations: int, bases: int) -> None:
        super().__init__()
        self.own = nn.Linear(dimension, dimension)
        self.bases = nn.Parameter(torch.empty(bases, dimension, dimension))
        self.shares = nn.Parameter(torch.empty(relations, bases))
        for basis in self.bases.data:
            nn.init.xavier_uniform_(basis)
        nn.init.normal_(self.shares, std=bases**-0.5)

    def forward(self, block: Block, rows: Tensor, add: Sum) -> Tensor:
        """(s, d) → (targets_n, d)."""
        n, relations = block.targets_n, len(self.shares)
        pairs, pair_of = torch.unique(block.relations * n + block.targets, return_inverse=True)
        counts = torch.bincount(pair_of, minlength=len(pairs))
        means = add(rows, block.sources, pair_of, len(pairs)) / counts[:, None]
        matrices = torch.einsum("rb,bij->rij", self.shares, self.bases)
        sizes = torch.bincount(pairs // n, minlength=relations).tolist()  # pairs come sorted by relation
        mapped = [
            part @ matrix for part, matrix in zip(means.split_with_sizes(sizes), matrices, strict=True) if len(part)
        ]
        made: Tensor = self.own(rows[:n])
        if mapped:
            made = made + add(torch.cat(mapped), torch.arange(len(pairs)), pairs % n, n)
        return made


class Network(nn.Module):
    """Features → first rows, layers of one kind, and DistMult's diagonal for each relation as the decoder.

    relations: R of the vocabulary; messages know 2 R, each relation and its inverse.
    """

    def __init__(self, kind: str, dimension: int, relations: int, features: int, layers: int, bases: int) -> None:
        super().__init__()
        self.features = nn.Linear(features, dimension, bias=False) if features else None
        self.layers = nn.ModuleList(
            SageLayer(dimension) if kind == "GraphSAGE" else RelationalLayer(dimension, 2 * relations, bases)
            for _ in range(layers)
        )
        self.diagonal = nn.Parameter(torch.randn(relations, dimension))

    def first(self, identity: Tensor | None, features: Tensor | None) -> Tensor:
        """What goes into the first layer: (n, d). An entity never trained has features alone."""
        mapped = self.features(features) if self.features is not None and features is not None else None
        if identity is None and mapped is None:
            raise ValueError("an entity without features cannot be embedded by a model that was trained without any")
        return identity + mapped if identity is not None and mapped is not None else _either(identity, mapped)

    def step(self, layer: int, block: Block, rows: Tensor, add: Sum, dropout: float = 0.0) -> Tensor:
        """One layer, its non-linearity (none after the last), added to the targets' own rows (He et al. 2016)."""
        made: Tensor = self.layers[layer](block, rows, add)
        if layer + 1 < len(self.layers):
            made = nn.functional.dropout(torch.relu(made), dropout, self.training)
        return rows[: block.targets_n] + made

    def forward(self, blocks: Sequence[Block], rows: Tensor, add: Sum, dropout: float = 0.0) -> Tensor:
        """Through all layers, one block each, the outermost first."""
        for layer, block in enumerate(blocks):
            rows = self.step(layer, block, rows, add, dropout)
        return rows


def _either(one: Tensor | None, other: Tensor | None) -> Tensor:
    chosen = one if one is not None else other
    assert chosen is not None  # noqa: S101  (the caller has ruled it out)
    return chosen
