"""What a model is to everything around it: something that scores triples. And what training says, keeps and returns.

Evaluation, prediction, fold-in and publishing know only `Scorer`; neither PyKEEN nor DGL shows through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Arrays = dict[str, npt.NDArray[Any]]


class TrainingError(Exception):
    """Training that cannot go on: what happened, at which epoch and batch, and the setting that would help."""


class Scorer(Protocol):
    """A trained or training model. Entities and relations are the Vocabulary's numbers. Higher is better."""

    dimension: int

    def tails(self, heads: torch.Tensor, relations: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
        """Scores of all entities (or of the (n,) in `among`) as tails: (b,) int64, (b,) int64 → (b, n) float32."""

    def heads(self, relations: torch.Tensor, tails: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
        """Scores of all entities (or of the (n,) in `among`) as heads: (b,) int64, (b,) int64 → (b, n) float32."""

    def triples(self, hrt: torch.Tensor) -> torch.Tensor:
        """Scores of given triples: (b, 3) int64 → (b,) float32."""

    def entity_vectors(self) -> npt.NDArray[np.float32]:
        """One vector an entity, (entities, d) real numbers; complex ones as all real parts, then all imaginary."""

    def state(self) -> Arrays:
        """Every parameter by its name, as arrays (for safetensors)."""

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Put back what `state` gave. Raises ValueError naming a parameter that is missing or of another shape."""


class Checkpoint(Protocol):
    """Where a run keeps what it needs to go on after a kill. Saving replaces the one before, atomically."""

    def save(self, epoch: int, state: Arrays, meta: dict[str, Any]) -> None:
        """Keep arrays (parameters, optimizer, random generators) and plain JSON data, as of the end of `epoch`."""

    def load(self) -> tuple[int, Arrays, dict[str, Any]] | None:
        """The last one kept: (epoch, state, meta), or None when there is none."""


@dataclass(frozen=True)
class Epoch:
    """How training goes. loss: mean a triple; mrr: on the validation triples, where this epoch was evaluated."""

    number: int
    loss: float
    triples_per_second: float
    seconds_left: float
    mrr: float | None = None


@dataclass(frozen=True)
class Trained:
    """A model at its best validation MRR. stopped: why training ended, in words."""

    scorer: Scorer
    epochs: int
    best_epoch: int
    best_mrr: float
    stopped: str
