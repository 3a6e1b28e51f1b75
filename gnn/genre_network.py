"""A network that says a title's genres by its text vector: one hidden layer in torch, a sigmoid for each genre.

The epoch is kept whose loss on validation titles is least; thresholds are tuned there too (`gnn.genre_figures`).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

HIDDEN, DROPOUT, RATE, BATCH = 512, 0.5, 5e-4, 512
EPOCHS, PATIENCE = 60, 4


@dataclass(frozen=True)
class Network:
    """A trained one. mean, deviation: of the vectors it learned from, (d,); epochs: of the best loss."""

    layers: torch.nn.Sequential
    mean: Floats
    deviation: Floats
    epochs: int

    def scores(self, vectors: Floats) -> Floats:
        """How likely each genre is, 0 to 1: (n, genres)."""
        import torch

        with torch.no_grad():
            return cast(Floats, torch.sigmoid(self.layers(_scaled(vectors, self.mean, self.deviation))).numpy())


def train(vectors: Floats, truth: Mask, valid: Floats, valid_truth: Mask, seed: int) -> Network:
    """Learn from vectors (n, d) and genres (n, g). The random numbers of others stay as they are."""
    import torch

    mean, deviation = vectors.mean(0), np.maximum(vectors.std(0), 1e-6)
    own, said = _scaled(vectors, mean, deviation), torch.from_numpy(truth.astype(np.float32))
    checked, checked_said = _scaled(valid, mean, deviation), torch.from_numpy(valid_truth.astype(np.float32))
    loss = torch.nn.BCEWithLogitsLoss()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = torch.nn.Sequential(
            torch.nn.Linear(vectors.shape[1], HIDDEN), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT),
            torch.nn.Linear(HIDDEN, truth.shape[1]),
        )  # fmt: skip
        optimizer = torch.optim.Adam(layers.parameters(), lr=RATE, weight_decay=1e-4)
        least, kept, since = float("inf"), copy.deepcopy(layers.state_dict()), 0
        epoch = best = 0
        while epoch < EPOCHS and since < PATIENCE:
            epoch += 1
            layers.train()
            order = torch.randperm(len(own))
            for start in range(0, len(own), BATCH):
                rows = order[start : start + BATCH]
                optimizer.zero_grad()
                loss(layers(own[rows]), said[rows]).backward()
                optimizer.step()
            layers.eval()
            with torch.no_grad():
                now = float(loss(layers(checked), checked_said))
            since += 1
            if now < least:
                least, kept, since, best = now, copy.deepcopy(layers.state_dict()), 0, epoch
    layers.load_state_dict(kept)
    return Network(layers.eval(), mean, deviation, best)


def _scaled(vectors: Floats, mean: Floats, deviation: Floats) -> torch.Tensor:
    import torch

    return torch.from_numpy(((vectors - mean) / deviation).astype(np.float32))
