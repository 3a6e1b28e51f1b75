"""iALS (Hu et al. 2008) by the library `implicit`, as a recommender to compare with (benchmarks/factorisation.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gnn.histories import Floats, Histories, Ints
from gnn.prepare import needs

if TYPE_CHECKING:
    from gnn.recommend_strategies import Learning

_FACTORS, _ROUNDS = 64, 10
_LIKED, _RIDGE = 5.0, 20.0  # chosen on the validation parts of `time`, on ml-latest-small and on ml-100k alike


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
    needs("implicit")
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # it has threads of its own
        model = AlternatingLeastSquares(
            _FACTORS, regularization=_RIDGE, alpha=_LIKED, iterations=_ROUNDS, random_state=given.seed
        )
        model.fit(given.histories.matrix(liked=True), show_progress=False)
    return Factors(model)
