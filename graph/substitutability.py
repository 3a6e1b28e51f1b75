"""How good the best substitute in a scope is likely to be: a probability, calibrated on titles that were left out.

What it is the probability of: that the best one is among the LIKED_MOST titles that viewers of the asked title like
most (shrunk cosine of likes), of all titles that viewers know, in the scope or not. So a catalog of unrelated titles
has a low value and a large one a high value. What an asked title's LIKED_MOST-th best among the references reaches is
its *bar*: how far the best product is below or above it says most; how long the asked vector is, the rest.
docs/out-of-catalog.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from graph.foldin import CONTENT, VECTORS, WEIGHTS
from graph.store import GraphStore

Floats = npt.NDArray[np.float32]

LIKED_MOST = 50
"""The best substitute is good when it is among so many titles that viewers of the asked one like most."""

POOR = 0.25
"""Below this the best substitute is said to be a poor match: it is a good one less than one time in four."""

FACTS = ("constant", "below_bar", "above_bar", "length")
"""What the coefficients belong to; with `substitutability_` before it, their name in `Provenance.facts`."""

CONTENT_COEFFICIENTS = (-1.222, 3.56, 1.491, 0.616)
"""Of vectors that no feedback has shaped: content vectors of imdb-24k, judged by viewers of ml-latest-small.

`python -m benchmarks.substitutability --store URL --vectors content --validation --fit` prints them; its validation
draws have none of the titles of the test draws.
"""
_PREFIX = "substitutability_"
_LEAST, _BLOCK = 1e-6, 1_024
_ENOUGH = 512  # references; a load of any larger graph makes so many
_LOW, _HIGH = -4.0, 3.0  # of the logarithm of product ∕ bar: beyond these there was next to nothing to learn from


@dataclass(frozen=True)
class Curve:
    """A logistic curve. coefficients: those of FACTS, the two of the product not negative.

    references: (m, d) substitute vectors of titles that viewers know: the landmarks of `graph.foldin`.
    """

    coefficients: tuple[float, ...]
    references: Floats

    def of(self, asked: Floats, products: Floats) -> Floats:
        """Probabilities, 0 to 1, nondecreasing in the product for one asked title.

        asked: (n, d) substitute vectors. products: (n,) or (n, c), inner products of candidates with their row's asked
        title → the same shape, float32.
        """
        return self.given(asked)(products)

    def given(self, asked: Floats) -> Callable[[Floats], Floats]:
        """`of` for asked titles whose products come in many parts: their bars are worked out once."""
        reached = bars(self.references, asked)
        return lambda products: probabilities(self.coefficients, features(self.references, asked, products, reached))

    def best(self, asked: Floats, products: Iterable[float], others: bool) -> float | None:
        """How good the best of a scope is likely to be for one title, (d,); 0 where the scope has no other title.

        products: those of the others in scope that have a vector, any number of the largest. others: whether the scope
        has any; None where it has, and none with a vector.
        """
        largest = max(products, default=None)
        if largest is None:
            return None if others else 0.0
        return float(self.of(asked[None], np.array([largest], np.float32))[0])

    @classmethod
    def published(cls, store: GraphStore) -> Curve | None:
        """What belongs to the store's current substitute vectors; None where there are none, or no curve with them."""
        found = store.info().embeddings
        vectors, weights = found.get(VECTORS), found.get(WEIGHTS)
        if vectors is None or weights is None or vectors.run != weights.run:
            return None
        coefficients = CONTENT_COEFFICIENTS if vectors.model == CONTENT else coefficients_of(vectors.numbers)
        if coefficients is None:
            return None
        landmarks, _ = store.get_embeddings(WEIGHTS)
        return cls(coefficients, store.get_embeddings(VECTORS, landmarks)[1])


def features(
    references: Floats, asked: Floats, products: Floats, reached: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """What a curve weighs, in the order of FACTS: (n, d) asked, (n,) or (n, c) products → (n, 4) or (n, c, 4).

    reached: the bars, (n,), where they are known.
    """
    reached = bars(references, asked) if reached is None else reached
    shape = len(asked), *(1,) * (products.ndim - 1)
    above = np.log(np.maximum(products, _LEAST) / reached.reshape(shape)).clip(_LOW, _HIGH)
    length = np.log(np.maximum(np.linalg.norm(asked, axis=1), _LEAST)).reshape(shape)
    parts = np.ones_like(above), np.minimum(above, 0), np.maximum(above, 0), np.broadcast_to(length, above.shape)
    return cast("npt.NDArray[np.float64]", np.stack(parts, -1).astype(np.float64))


def probabilities(coefficients: Sequence[float], inputs: npt.NDArray[np.float64]) -> Floats:
    """The logistic curve: (…, 4) features → (…), 0 to 1."""
    logits = inputs @ np.array(coefficients)
    return cast(Floats, (1 / (1 + np.exp(-np.clip(logits, -60, 60)))).astype(np.float32))


def bars(references: Floats, asked: Floats) -> npt.NDArray[np.float64]:
    """What the LIKED_MOST-th best of the references reaches for each asked vector, at least a millionth: (n,).

    Of fewer than _ENOUGH references it is the same share of them: a small graph has no fifty that are alike.
    """
    made = np.zeros(len(asked))
    if len(references):
        place = len(references) - max(1, round(LIKED_MOST * min(1, len(references) / _ENOUGH)))
        for start in range(0, len(asked), _BLOCK):
            reached = asked[start : start + _BLOCK] @ references.T
            made[start : start + _BLOCK] = np.partition(reached, place, axis=1)[:, place]
    return np.maximum(made, _LEAST)


def facts_of(coefficients: Sequence[float]) -> dict[str, float]:
    """Coefficients as facts of a provenance."""
    return {f"{_PREFIX}{name}": float(one) for name, one in zip(FACTS, coefficients, strict=True)}


def coefficients_of(facts: Mapping[str, float]) -> tuple[float, ...] | None:
    """The coefficients among the facts of a provenance; None where they are not all there."""
    names = [f"{_PREFIX}{name}" for name in FACTS]
    return tuple(facts[name] for name in names) if all(name in facts for name in names) else None
