"""How four models meet many candidates at once: a query vector, then one matrix product over all of them.

Each score is sim(query(h, r), t) for tails and sim(query(r, t), h) for heads. With the query made first, b queries
against n shared candidates cost one (b, d) x (d, n) product instead of b times n look-ups (PyTorch-BigGraph,
Lerer et al. 2019). Rows are real numbers; a complex vector is its numbers in turn: real, imaginary, real, ….
Scores equal PyKEEN's own for the same weights; a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Side = Literal["head", "tail"]


@dataclass(frozen=True)
class Form:
    """One model's scoring. query: (b, d) known entities, (b, e) relations, the side asked for → (b, d).

    norm: None for the dot product, else the p of the distance. width: real numbers in one of the model's own.
    """

    query: Callable[[Tensor, Tensor, Side], Tensor]
    norm: float | None
    width: int = 1

    def pool(self, query: Tensor, candidates: Tensor, precision: torch.dtype = torch.float32) -> Tensor:
        """(b, d) queries against (n, d) candidates → (b, n) float32. precision: of the product's factors."""
        if self.norm not in (None, 2.0):
            return torch.cdist(query, candidates, p=self.norm).neg()
        product = torch.matmul(query.to(precision), candidates.to(precision).T).float()
        if self.norm is None:
            return product
        squares = query.square().sum(1)[:, None] + candidates.square().sum(1)
        # The floor keeps the root's slope finite where a query falls on a candidate.
        return -torch.sub(squares, product, alpha=2).clamp_min(1e-9).sqrt()

    def pairs(self, query: Tensor, candidates: Tensor) -> Tensor:
        """Each query with its own candidate: (b, d), (b, d) → (b,) float32."""
        if self.norm is None:
            return torch.sum(query * candidates, 1)
        if self.norm == 2.0:
            return torch.sum((query - candidates).square(), 1).clamp_min(1e-9).sqrt().neg()
        distance: Tensor = torch.linalg.vector_norm(query - candidates, ord=self.norm, dim=1)
        return distance.neg()


def _product(left: Tensor, right: Tensor, conjugate: bool) -> Tensor:
    """Complex product, number by number, of two (b, 2d) real views; conjugate: of `right`."""
    a, b = torch.view_as_complex(left.view(len(left), -1, 2)), torch.view_as_complex(right.view(len(right), -1, 2))
    return torch.view_as_real(a * (b.conj() if conjugate else b)).flatten(1)


def _distmult(known: Tensor, relation: Tensor, side: Side) -> Tensor:  # noqa: ARG001  (the same both ways)
    return known * relation


def _complex(known: Tensor, relation: Tensor, side: Side) -> Tensor:
    # Re<h, r, conj(t)> is the dot product of h·r with t, and of t·conj(r) with h, as real numbers.
    return _product(known, relation, conjugate=side == "head")


def _transe(known: Tensor, relation: Tensor, side: Side) -> Tensor:
    return known + relation if side == "tail" else known - relation


def _rotate(known: Tensor, relation: Tensor, side: Side) -> Tensor:
    # |h·r - t| = |h - t·conj(r)| only while every |r| is 1; the optimizer drifts from there.
    numbers = relation.view(len(relation), -1, 2)
    turn = numbers / torch.linalg.vector_norm(numbers, dim=2, keepdim=True).clamp_min(1e-9)
    return _product(known, turn.flatten(1), conjugate=side == "head")


def form(model: str, norm: float = 2.0) -> Form | None:
    """The form of a PyKEEN model by its class name, None where it has none here. norm: of a TransE distance.

    Sources: Yang et al. 2015 (DistMult), Trouillon et al. 2016 (ComplEx), Bordes et al. 2013 (TransE),
    Sun et al. 2019 (RotatE).
    """
    return {
        "DistMult": Form(_distmult, None),
        "ComplEx": Form(_complex, None, width=2),
        "TransE": Form(_transe, float(norm)),
        "RotatE": Form(_rotate, 2.0, width=2),
    }.get(model)
