"""What a model must beat: the entities that a relation has most often, whatever the question.

A Scorer like any other, so that the same code evaluates it. It learns by counting, and needs no training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnn.triples import Ids, Split

if TYPE_CHECKING:
    import torch

    from gnn.scorer import Arrays, Scorer

Counts = npt.NDArray[np.float32]


def popularity(split: Split) -> Scorer:
    """The baseline of a split: counts over its training triples."""
    return Popularity(split)


class Popularity:
    """Scores an entity by how many training triples of the relation have it at that end."""

    dimension = 0

    def __init__(self, split: Split) -> None:
        self._entities, self._relations = len(split.vocabulary.entities), len(split.vocabulary.relations)
        self._ends = {0: self._counted(split.train, 0), 2: self._counted(split.train, 2)}

    def _counted(self, train: Ids, end: int) -> tuple[Ids, Counts]:
        """Packed relation·E + entity, sorted, and how often each is met."""
        packed, counts = np.unique(train[:, 1] * self._entities + train[:, end], return_counts=True)
        return packed, counts.astype(np.float32)

    def tails(self, heads: torch.Tensor, relations: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
        """As `Scorer.tails`; the heads make no difference."""
        del heads
        return self._rows(relations, 2, among)

    def heads(self, relations: torch.Tensor, tails: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
        """As `Scorer.heads`; the tails make no difference."""
        del tails
        return self._rows(relations, 0, among)

    def _rows(self, relations: torch.Tensor, end: int, among: torch.Tensor | None) -> torch.Tensor:
        import torch

        packed, counts = self._ends[end]
        asked, places = np.unique(relations.cpu().numpy(), return_inverse=True)
        rows = np.zeros((len(asked), self._entities), np.float32)
        for row, relation in zip(rows, asked.tolist(), strict=True):
            begin, stop = np.searchsorted(packed, [relation * self._entities, (relation + 1) * self._entities])
            row[packed[begin:stop] - relation * self._entities] = counts[begin:stop]
        if among is not None:
            rows = rows[:, among.cpu().numpy()]
        return torch.from_numpy(rows[places])

    def triples(self, hrt: torch.Tensor) -> torch.Tensor:
        """As `Scorer.triples`: how often the head and the tail are met, together."""
        import torch

        rows = hrt.cpu().numpy()
        return torch.from_numpy(self._look_up(rows, 0) + self._look_up(rows, 2))

    def _look_up(self, rows: Ids, end: int) -> Counts:
        packed, counts = self._ends[end]
        wanted = rows[:, 1] * self._entities + rows[:, end]
        places = np.minimum(np.searchsorted(packed, wanted), len(packed) - 1)
        return np.where(packed[places] == wanted, counts[places], np.float32(0))

    def entity_vectors(self) -> npt.NDArray[np.float32]:
        """None: (entities, 0)."""
        return np.zeros((self._entities, 0), np.float32)

    def state(self) -> Arrays:
        """Nothing: counting again is quicker than keeping."""
        return {}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Nothing to put back."""
