"""iALS (Hu et al. 2008) by the library `implicit`, as a recommender to compare with (benchmarks/factorisation.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field

from gnn.histories import Floats, Histories, Ints
from gnn.prepare import needs

if TYPE_CHECKING:
    from gnn.recommend_strategies import Learning

FACTORS = 64


class IalsOptions(BaseModel):
    """`model.options` of iALS; chosen on the validation parts of `time`, on ml-latest-small and on ml-100k alike."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    liked: float = Field(5.0, ge=1, description="how much more a like counts than what is none")
    ridge: float = Field(20.0, gt=0)
    rounds: int = Field(10, ge=1)


@dataclass(frozen=True)
class Factors:
    """A fitted model; users are folded in by what is known of them."""

    model: Any

    def score(self, known: Histories, users: Ints) -> Floats:
        """(users, titles), the larger the better."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            made = self.model.recalculate_user(users, known.matrix(liked=True)[users])
        return cast(Floats, np.asarray(made, np.float32) @ self.model.item_factors.T)


def by_factors(given: Learning) -> Factors:
    """Fit on likes. Raises NotInstalled where the library is absent."""
    return factorised(given.histories.matrix(liked=True), FACTORS, IalsOptions(), given.seed)


def factorised(likes: sp.csr_matrix, factors: int, options: IalsOptions, seed: int) -> Factors:
    """Fit on who likes what, (users, titles)."""
    needs("implicit")
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # it has threads of its own
        model = AlternatingLeastSquares(
            factors, regularization=options.ridge, alpha=options.liked, iterations=options.rounds, random_state=seed
        )
        model.fit(likes, show_progress=False)
    return Factors(model)
