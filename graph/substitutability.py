"""How good the best substitute in a catalog is likely to be: a probability, calibrated on titles that were left out.

What it is the probability of: that the best one is among the LIKED_MOST titles that viewers of the asked title like
most (shrunk cosine of likes), of all titles that viewers know and not only of those in the catalog. A catalog of
unrelated titles thus has a low value, a large one a high one. A title's *bar* is what its LIKED_MOST-th best among the
references reaches; how far the product stands above the bar says most of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from graph.foldin import CONTENT, VECTORS, WEIGHTS
from graph.store import GraphStore

Floats = npt.NDArray[np.float32]

LIKED_MOST = 50
"""The best substitute is a good one when it is among so many titles that viewers of the asked one like most."""

CONTENT_COEFFICIENTS = (0.0, 1.0, 0.0)
NAMES = ("substitutability_constant", "substitutability_product", "substitutability_bar")
"""The coefficients among the facts of the vectors' provenance."""
_LEAST, _BLOCK = 1e-6, 1_024


@dataclass(frozen=True)
class Curve:
    """Logistic: constant + slope · log(product ∕ bar) + level · log(bar); the slope is not negative.

    references: (m, d) substitute vectors of the titles that viewers know, the landmarks of `graph.foldin`.
    """

    coefficients: tuple[float, ...]
    references: Floats

    def of(self, asked: Floats, products: Floats) -> Floats:
        """Probabilities, 0 to 1, nondecreasing in the product for a title that is asked for.

        asked: (n, d) substitute vectors. products: (n,) or (n, c), inner products of candidates with their row's asked
        title → the same shape, float32.
        """
        return self.given(asked)(products)

    def given(self, asked: Floats) -> Callable[[Floats], Floats]:
        """`of` for asked titles whose products come many times: what depends on these alone is worked out once."""
        known = self.bars(asked)

        def of(products: Floats) -> Floats:
            bars = known.reshape(-1, *(1,) * (products.ndim - 1))
            constant, slope, level = self.coefficients
            logits = constant + slope * np.log(np.maximum(products, _LEAST) / bars) + level * np.log(bars)
            return cast(Floats, (1 / (1 + np.exp(-np.clip(logits, -60, 60)))).astype(np.float32))

        return of

    def bars(self, asked: Floats) -> npt.NDArray[np.float64]:
        """What the LIKED_MOST-th best of the references reaches: (n,), at least _LEAST."""
        made = np.full(len(asked), _LEAST)
        last = len(self.references) - min(LIKED_MOST, len(self.references))
        if not len(self.references):
            return made
        for start in range(0, len(asked), _BLOCK):
            products = asked[start : start + _BLOCK] @ self.references.T
            made[start : start + _BLOCK] = np.partition(products, last, axis=1)[:, last]
        return cast("npt.NDArray[np.float64]", np.maximum(made, _LEAST))

    @classmethod
    def published(cls, store: GraphStore) -> Curve | None:
        """What belongs to the store's current substitute vectors; None where there are none, or no curve with them."""
        found = store.info().embeddings
        vectors, weights = found.get(VECTORS), found.get(WEIGHTS)
        if vectors is None or weights is None or vectors.run != weights.run:
            return None
        coefficients = CONTENT_COEFFICIENTS if vectors.model == CONTENT else coefficients_of(vectors.facts)
        if coefficients is None:
            return None
        landmarks, _ = store.get_embeddings(WEIGHTS)
        return cls(coefficients, store.get_embeddings(VECTORS, landmarks)[1])


def coefficients_of(facts: Mapping[str, float]) -> tuple[float, ...] | None:
    """The coefficients among the facts of a provenance; None where they are not all there."""
    return tuple(facts[name] for name in NAMES) if all(name in facts for name in NAMES) else None
