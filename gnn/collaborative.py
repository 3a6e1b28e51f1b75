"""Collaborative filtering as vectors of titles, so that it can be served without the matrices that it is learned as.

A title offers a vector, and having liked it says another one; what somebody is offered is ranked by the product with
the sum of what their titles say. EASE and cosines of likes are that exactly at full rank (`gnn.tastes`), and nearly so
with fewer numbers. iALS solves a linear system for each user. With z = C⁻¹y for the factors y of a title, where C Cᵀ is
YᵀY + ridge, the system is (1 + f Σ z zᵀ) q = Σ z over the titles that they like, and the products of q with all z are
those of the factors: all it takes are z and f. BPR and LightGCN learn a vector of each user, in place of which stands
the mean direction of what they like, as for users that were not learned from (docs/collaborative.md has the cost).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field
from scipy.linalg import solve_triangular

from gnn.config import RunConfig, model_options
from gnn.factorisation import IalsOptions, factorised
from gnn.histories import Floats
from gnn.lightgcn import BPR, Flow, learned
from gnn.tastes import Thin, thin_cosines, thin_ease, thinner
from graph.nearest import FOLD, LIKED_BESIDE

_ASKING = 5_000  # users, at most, whose queries say what must not be lost


class ThinOptions(BaseModel):
    """`model.options` of ItemKNN."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(640, ge=1, description="numbers a title before they are made fewer")


class EaseOptions(ThinOptions):
    """`model.options` of EASE."""

    ridge: float = Field(200.0, gt=0)


class BprOptions(BaseModel):
    """`model.options` of BPR."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(BPR.epochs, ge=1)
    batch: int = Field(BPR.batch, ge=1, description="likes that are learned from at a time")
    learning_rate: float = Field(BPR.learning_rate, gt=0)
    decay: float = Field(BPR.decay, ge=0, description="of the vectors of a batch")


class FlowOptions(BprOptions):
    """`model.options` of LightGCN."""

    layers: int = Field(Flow.layers, ge=1, description="steps along who likes what")
    decay: float = Field(Flow.decay, ge=0, description="of the vectors of a batch")


@dataclass(frozen=True)
class Learned:
    """offered: (titles, d); liked: what having liked each says, (titles, d), where that is another vector.

    facts: that the vectors are published with (`graph.nearest.ByVectors`).
    """

    offered: Floats
    liked: Floats | None = None
    facts: Mapping[str, float] = field(default_factory=dict)


def _ease(likes: sp.csr_matrix, config: RunConfig) -> Learned:
    options = model_options(config.model.options, EaseOptions)
    return _fewer(likes, thin_ease(likes, options.rank, options.ridge), config.model.dimension)


def _cosines(likes: sp.csr_matrix, config: RunConfig) -> Learned:
    options = model_options(config.model.options, ThinOptions)
    return _fewer(likes, thin_cosines(likes, options.rank), config.model.dimension)


def _fewer(likes: sp.csr_matrix, thin: Thin, dimension: int) -> Learned:
    asking = np.sort(np.random.default_rng(0).permutation(likes.shape[0])[:_ASKING])
    liked, offered = thinner(*thin, dimension, np.asarray(likes[asking] @ thin[0], np.float32))
    return Learned(offered, liked, {LIKED_BESIDE: 1.0})


def _ials(likes: sp.csr_matrix, config: RunConfig) -> Learned:
    options = model_options(config.model.options, IalsOptions)
    factors = factorised(likes, config.model.dimension, options, config.seed).model.item_factors.astype(np.float64)
    root = np.linalg.cholesky(factors.T @ factors + options.ridge * np.eye(factors.shape[1]))
    made = solve_triangular(root, factors.T, lower=True).T
    return Learned(made.astype(np.float32), facts={FOLD: options.liked - 1})


def _flowing(options: type[BprOptions]) -> Callable[[sp.csr_matrix, RunConfig], Learned]:
    def learn(likes: sp.csr_matrix, config: RunConfig) -> Learned:
        given = model_options(config.model.options, options).model_dump()
        return Learned(learned(likes, replace(BPR, **given, dimension=config.model.dimension, seed=config.seed)).titles)

    return learn


COLLABORATIVE: Mapping[str, Callable[[sp.csr_matrix, RunConfig], Learned]] = {
    "EASE": _ease,
    "ItemKNN": _cosines,
    "iALS": _ials,
    "BPR": _flowing(BprOptions),
    "LightGCN": _flowing(FlowOptions),
}
"""By `model.name`: who likes what, (users, titles), and a configuration → vectors."""
